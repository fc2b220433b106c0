"""The pipeline: no chapter is silently untested, nothing stale is shown, nothing runs twice.

The first part looks at the book that ``make book`` has built. The second part builds tiny books in
temporary folders with the same scripts, and breaks them in every way that must be noticed.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from lowrot_book import figures as pictures  # noqa: E402
from lowrot_book import html as dressing  # noqa: E402
from lowrot_book import icons, keys, mathml, scripts, tex, valid  # noqa: E402

CLAIM = "application/vnd.lowrot.claim+json"
FIGURE = "application/vnd.lowrot.figure+json"
CHAPTERS = keys.chapters(ROOT)

# ---------------------------------------------------------------- the book as it was built


def executed(name: str) -> nbformat.NotebookNode:
    """The executed notebook of a chapter under its present key."""
    path = ROOT / "build" / "executed" / f"{name}.{keys.chapter_key(ROOT, name)[:20]}.ipynb"
    assert path.is_file(), f"{name} was not executed as it is now: run `make book` first"
    return nbformat.read(path, as_version=4)


def bundles(name: str, kind: str) -> list:
    """What the cells of a chapter have shown, of one MIME type."""
    outputs = [out for cell in executed(name).cells for out in cell.get("outputs", [])]
    return [out["data"][kind] for out in outputs if kind in out.get("data", {})]


def test_every_page_with_code_is_a_chapter():
    """A page with code cells but without the front matter of a notebook would never run."""
    assert len(CHAPTERS) >= 2
    for page in keys.pages(ROOT):
        text = (ROOT / f"{page}.md").read_text("utf8")
        assert ("{code-cell}" in text) == (page in CHAPTERS), page


def test_every_text_is_in_the_book():
    written = {
        p.relative_to(ROOT).with_suffix("").as_posix() for p in (ROOT / "book").rglob("*.md")
    }
    assert written == set(keys.pages(ROOT))


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_was_executed(name):
    notebook = executed(name)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    text = (ROOT / f"{name}.md").read_text("utf8")
    assert len(cells) == len(re.findall(r"^`{3,}\{code-cell\}", text, re.M))
    for cell in cells:
        assert cell.execution_count or not cell.source.strip()
        assert not [o for o in cell.outputs if o.output_type == "error"]
        assert not [o for o in cell.outputs if o.get("name") == "stderr"]
    assert notebook.metadata["lowrot"]["key"] == keys.chapter_key(ROOT, name)


@pytest.mark.parametrize("name", CHAPTERS)
def test_page_shows_what_was_executed(name):
    page = (ROOT / "_build" / "html" / f"{name}.html").read_text("utf8")
    drawn = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path.name
        for path in (ROOT / "_build" / "html" / "book" / "figures").glob("*.svg")
    }
    for cell in executed(name).cells:
        if {"remove-cell", "remove-output", "remove_cell", "remove_output"} & set(
            cell.metadata.get("tags", [])
        ):
            continue
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if CLAIM in data:
                assert f'id="claim-{data[CLAIM]["id"]}"' in page
            if "image/svg+xml" in data:
                drawing = pictures.slim("".join(data["image/svg+xml"])).encode()
                assert f'src="figures/{drawn[hashlib.sha256(drawing).hexdigest()]}"' in page
            if output.output_type == "stream":
                first = output.text.strip().splitlines()[0]
                assert html.escape(first, quote=False) in html.unescape(page).replace(
                    first, html.escape(first, quote=False)
                )


def test_the_report_is_complete():
    report = json.loads((ROOT / "_build" / "html" / "claims.json").read_text("utf8"))
    emitted = [
        output["data"][CLAIM]["id"]
        for name in CHAPTERS
        for cell in executed(name).cells
        for output in cell.get("outputs", [])
        if CLAIM in output.get("data", {})
    ]
    assert [claim["id"] for claim in report["claims"]] == emitted
    assert len(set(emitted)) == len(emitted)
    assert [chapter["chapter"] for chapter in report["chapters"]] == CHAPTERS
    page = (ROOT / "_build" / "html" / "book" / "report.html").read_text("utf8")
    assert all(f'href="{c["chapter"].split("/")[-1]}.html#{c["anchor"]}"' in page
               for c in report["claims"])  # fmt: skip


def test_every_statement_is_in_the_index_with_its_text():
    page = (ROOT / "_build" / "html" / "book" / "theorems.html").read_text("utf8")
    for name in keys.pages(ROOT):
        text = (ROOT / f"{name}.md").read_text("utf8")
        for kind, label in re.findall(r"\{prf:(\w+)\}.*\n:label: (\S+)", text):
            link = rf'href="{Path(name).name}\.html#{label}">{kind.title()} \d+\.\d+</a>'
            assert re.search(link, page), label
    entries = re.findall('<details class="lowrot-fold lowrot-entry">.*?</details>', page, re.S)
    assert len(entries) == page.count(" in its chapter</p>")
    assert all(len(re.sub("<[^>]*>", "", entry)) > 80 for entry in entries)


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_figure_has_a_fault(name):
    """Neither on a desk nor on a phone, as `lowrot.plots` found when it was drawn."""
    found = []
    for record in bundles(name, FIGURE):
        for key in ("faults", "narrow_faults"):
            drawn_by = record.get("source", {}).get("name", "")
            found += [f"{drawn_by}, {key}: {fault}" for fault in record.get(key, ())]
    assert not found, "\n".join(found)


LIVE = re.compile(r'<path class="curve ([^"]*)"')
HUES = {"plus", "minus", "accent", "second", "quiet", "ink"}


@pytest.mark.parametrize("name", CHAPTERS)
def test_curves_with_sliders_differ_in_more_than_their_colour(name):
    for page in bundles(name, "text/html"):
        for keys_of_a_panel in re.findall(r'<p>(<span class="key">.*?)</p>', "".join(page)):
            looks = [set(look.split()) - HUES for look in LIVE.findall(keys_of_a_panel)]
            assert len({frozenset(look) for look in looks}) == len(looks), looks


@pytest.mark.parametrize("name", CHAPTERS)
def test_claims_are_set_as_mathematics(name):
    page = (ROOT / "_build" / "html" / f"{name}.html").read_text("utf8")
    badges = re.findall(r'<div class="lowrot-claim .*?</div>', page, re.DOTALL)
    assert len(badges) == page.count('id="claim-')
    for badge in badges:
        assert "$" not in badge
        assert not re.search(r"\de[+-]\d", badge), badge


def test_badges_are_set():
    badge = (
        '<div class="lowrot-claim"><span class="lowrot-claim-text">$a &lt; b$, 1e-3</span> '
        '<span class="lowrot-claim-numbers">3e-05 (-1e-09 to inf, 10 values) &lt; 2.5</span></div>'
    )
    dressed = dressing.BADGE.sub(dressing.dress, badge)
    assert "<mo>&lt;</mo><mi>b</mi></mrow></math></span>,</span> 1e-3</span>" in dressed
    numbers = (
        "3&nbsp;·&nbsp;10<sup>−5</sup> (−10<sup>−9</sup> to ∞, 10 values) &lt; 2.5</span></div>"
    )
    assert dressed.endswith(numbers)


@pytest.mark.parametrize(
    ("written", "valid_html"),
    [
        (
            '<section class="lemma-content" id="proof-content">',
            '<section class="lemma-content">',
        ),
        (
            '<div class="proof remark admonition" id="r">\n<p class="admonition-title" id="r">',
            '<div class="proof remark admonition" id="r">\n<p class="admonition-title">',
        ),
        (
            '<summary aria-label="a"><p class="b">c</p></summary><p>d</p>',
            '<summary aria-label="a"><span class="b">c</span></summary><p>d</p>',
        ),
        (
            '<summary aria-label="Toggle hidden content"><span>Show</span></summary><img src="a">',
            '<summary><span>Show</span></summary><img loading="lazy" src="a">',
        ),
        (
            '<div><pre>a <div class="viewcode-block" id="b">\nc</div></pre></div>',
            '<div><pre>a <span class="viewcode-block" id="b">\nc</span></pre></div>',
        ),
        (
            '<style scoped>\n a {}\n</style>\n<table border="1" class="dataframe"><tr>'
            '<th rowspan="2" valign="top">b</th><th halign="left">align="x"</th></tr></table>',
            '<table class="dataframe"><tr><th rowspan="2">b</th><th>align="x"</th></tr></table>',
        ),
    ],
)
def test_invalid_html_is_repaired(written, valid_html):
    assert valid.repaired(written) == valid_html
    assert valid.repaired(valid_html) == valid_html


# ---------------------------------------------------------------- tiny books

FRONT = """---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
---
# {title}

```{{code-cell}} ipython3
with open("log.txt", "a") as log:
    log.write("{title}\\n")
```

```{{code-cell}} ipython3
{body}
```
"""
CLAIMING = """from IPython.display import display
record = {{"id": "{id}", "statement": "$x < 1$ & more", "provenance": "measured",
          "measured": {{"median": 0.5, "min": 0.25, "max": "inf", "count": 3}},
          "relation": "<=", "bound": 1.0, "tolerance": 0.0, "slack": 0.5, "relative_slack": 0.5,
          "unit": "1", "theorem": None, "sizes": {{}}, "loss": [], "seeds": [0, 1, 2],
          "passed": True, "seconds": 0.1}}
badge = '<div class="lowrot-claim lowrot-ok" id="claim-{id}">holds</div>'
display({{"text/html": badge, "text/plain": "", "{mime}": record}}, raw=True)"""


SHOWING = """from figures import two as figures
def later():
    import lowrot
    return lowrot.one()
print(open("data/stored.txt").read(), figures.SHOWN)"""


class Tiny:
    """A book of two chapters and a report, built by the scripts of the real one.

    The second chapter needs a library, a figure and stored data; the first one nothing.
    """

    def __init__(self, root: Path):
        self.root = root
        for name in ("_config.yml", "CITATION.cff", "book/build.py", "book/references.bib"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        for name in ("book/_ext", "book/_static"):
            ignored = shutil.ignore_patterns("__pycache__", "vendor")
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        (root / "book" / "data").mkdir()
        (root / "book" / "data" / "stored.txt").write_text("1\n")
        (root / "book" / "figures").mkdir()
        (root / "book" / "figures" / "two.py").write_text("SHOWN = 'drawn once'\n")
        (root / "lowrot").mkdir()
        (root / "lowrot" / "__init__.py").write_text("from lowrot._one import one\n")
        (root / "lowrot" / "_one.py").write_text("def one(): return 1\n")
        (root / "lowrot" / "plots").mkdir()
        for name in ("live.css", "live.js"):
            (root / "lowrot" / "plots" / name).write_text("")
        (root / "requirements.lock").write_text("numpy==2.4.6\n")
        (root / "_toc.yml").write_text(
            "format: jb-book\nroot: book/index\nchapters:\n"
            "- file: book/one\n- file: book/two\n- file: book/report\n"
        )
        (root / "book" / "index.md").write_text("# Tiny\n")
        (root / "book" / "report.md").write_text("# Report\n\n```{claims-report}\n```\n")
        self.chapter("one", CLAIMING.format(id="tiny.one", mime=CLAIM))
        self.chapter("two", SHOWING)

    def chapter(self, name: str, body: str) -> None:
        text = FRONT.format(title=name, body=body)
        (self.root / "book" / f"{name}.md").write_text(text)

    def build(self) -> tuple[int, str]:
        """Run the pipeline; returns its exit code and all it printed."""
        return self.run(sys.executable, "book/build.py")

    def plain(self, *options: str) -> tuple[int, str]:
        """Build as somebody who never heard of the pipeline."""
        program = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
        return self.run(
            sys.executable, "-c", program, "build", ".", "-W", "-n", "--keep-going", *options
        )

    def start(self) -> subprocess.Popen:
        """Begin to build, as the leader of a group of its own that hears interrupts."""
        return subprocess.Popen(
            [sys.executable, "book/build.py"],
            cwd=self.root,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str) -> tuple[int, str]:
        done = subprocess.run(
            command, cwd=self.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        return done.returncode, done.stdout

    def logged(self, name: str) -> bool:
        """Whether a chapter has begun to run since it was last asked which have."""
        return any(name in log.read_text().split() for log in self.root.rglob("log.txt"))

    def ran(self) -> list[str]:
        """Which chapters have run since last asked, wherever they were run."""
        lines: list[str] = []
        for log in self.root.rglob("log.txt"):
            lines += log.read_text().split()
            log.unlink()
        return sorted(lines)

    def page(self, name: str) -> str:
        return (self.root / "_build" / "html" / f"{name}.html").read_text("utf8")


@pytest.fixture
def tiny(tmp_path):
    return Tiny(tmp_path / "tiny")


def test_executed_once_and_only_what_changed(tiny):
    code, said = tiny.build()
    assert code == 0, said
    assert tiny.ran() == ["one", "two"]
    assert "running   book/one" in said
    assert re.search(r"executed  book/two  \d+\.\d s", said)
    assert "drawn once" in tiny.page("book/two")
    assert said.rstrip().splitlines()[-1].startswith("The book is at file://")
    report = tiny.page("book/report")
    assert 'href="one.html#claim-tiny.one"' in report
    assert "<math><mrow><mi>x</mi><mo>&lt;</mo><mn>1</mn></mrow></math></span> &amp; more" in report
    assert "0.25 to ∞, 3 values" in report
    assert (
        json.loads((tiny.root / "_build/html/claims.json").read_text())["claims"][0]["bound"] == 1
    )

    code, said = tiny.build()
    assert code == 0
    assert "nothing has changed" in said
    assert tiny.ran() == []

    (tiny.root / "book" / "index.md").write_text("# Another title\n")
    code, said = tiny.build()
    assert code == 0
    assert tiny.ran() == [], "a page without code changed, and a notebook ran"
    assert "Another title" in tiny.page("book/index")

    (tiny.root / "book" / "figures" / "two.py").write_text("SHOWN = 'drawn again'\n")
    code, said = tiny.build()
    assert code == 0, said
    assert tiny.ran() == ["two"], "a figure changed: its chapter runs again, and no other"
    assert "drawn again" in tiny.page("book/two")

    (tiny.root / "lowrot" / "_one.py").write_text("def one(): return 2\n")
    code, said = tiny.build()
    assert code == 0, said
    assert tiny.ran() == ["two"], "the library changed: who reaches the change runs again"

    tiny.chapter("two", 'print("rewritten", 6 * 7)')
    code, said = tiny.build()
    assert code == 0, said
    assert tiny.ran() == ["two"]
    assert "rewritten 42" in tiny.page("book/two")
    assert "tiny.one" in tiny.page("book/report")


def test_failing_chapter_is_named_and_never_kept(tiny):
    tiny.chapter("two", "x = 1\nassert x == 2, 'the bound is violated'")
    for _ in range(2):
        code, said = tiny.build()
        assert code == 1
        assert "book/two.md, code cell 2, line 15: AssertionError: the bound is violated" in said
        assert "| assert x == 2" in said
        assert "two" in tiny.ran(), "a failure must run again"
    assert len(list((tiny.root / "build" / "executed").rglob("*.ipynb"))) == 1
    assert not (tiny.root / "build" / "last_success").exists()


LATE = "import time\ntime.sleep(60)"
DEAD = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
AFTER_NOTHING = "\n```\n\n```{code-cell} ipython3\n"


@pytest.mark.parametrize(("before", "cell"), [("", "cell 2"), (AFTER_NOTHING, "cell 3")])
def test_why_a_chapter_stopped_is_said(tiny, before, cell):
    """Out of time or dead, also after an empty cell: which chapter, which cell, which limit."""
    tiny.chapter("one", before + LATE)
    tiny.chapter("two", before + DEAD)
    page = tiny.root / "book" / "one.md"
    limit = page.read_text().replace("---\n# one", "execution:\n  timeout: 3\n---\n# one")
    page.write_text(limit)
    code, said = tiny.build()
    assert code == 1
    assert re.search(rf"book/one.md, code {cell}, line \d+: did not finish within .* 3 s\n", said)
    assert re.search(rf"book/two.md, code {cell}, line \d+: its kernel died", said)
    assert "| time.sleep(60)" in said
    for raw in ("KeyboardInterrupt", "INTERNAL ERROR", "Traceback", "site-packages"):
        assert raw not in said
    assert not list((tiny.root / "build").rglob("*.new"))


WAITING = """import time
from pathlib import Path
while not Path("go").exists(): time.sleep(0.1)"""


def test_builds_wait_for_each_other(tiny):
    """The second one says for whom; interrupted it goes at once; a killed one blocks nobody."""
    tiny.chapter("two", WAITING)
    killed = tiny.start()
    while "running" not in killed.stdout.readline():
        assert killed.poll() is None
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()

    first = tiny.start()
    while "running   book/two" not in first.stdout.readline():
        assert first.poll() is None
    second, third = tiny.start(), tiny.start()
    waits = f"waiting for another build in this folder, process {first.pid}\n"
    assert second.stdout.readline() == waits
    assert third.stdout.readline() == waits
    third.send_signal(signal.SIGINT)
    said = third.communicate()[0]
    assert (third.returncode, "Traceback" in said) == (130, False)
    assert "Interrupted" in said

    (tiny.root / "build" / "notebooks" / "book" / "go").touch()
    said = first.communicate()[0]
    assert first.returncode == 0, said
    said = second.communicate()[0]
    assert second.returncode == 0, said
    assert "nothing has changed" in said


def test_an_interrupted_build_keeps_what_is_whole(tiny):
    tiny.chapter("two", WAITING)
    begun = tiny.start()
    said = ""
    while "executed  book/one" not in said:
        said += begun.stdout.readline()
        assert begun.poll() is None
    while not tiny.logged("two"):  # its kernel may have been slow to start
        time.sleep(0.05)
        assert begun.poll() is None
    os.killpg(begun.pid, signal.SIGINT)
    said = begun.communicate()[0]
    assert (begun.returncode, "Traceback" in said) == (130, False), said
    assert "Interrupted; what had been executed is kept" in said
    assert len(list((tiny.root / "build" / "executed").rglob("*.ipynb"))) == 1
    assert not list((tiny.root / "build").rglob("*.new"))
    assert tiny.ran() == ["one", "two"]
    tiny.chapter("two", "2")
    code, said = tiny.build()
    assert code == 0, said
    assert tiny.ran() == ["two"]


def test_bad_claims_and_warnings_stop_the_build(tiny):
    good = CLAIMING.format(id="tiny.two", mime=CLAIM)
    bad = {
        "'tiny.one' is used in book/one and in book/two": good.replace("tiny.two", "tiny.one"),
        "'tiny.2' did not pass": good.replace('"passed": True', '"passed": False'),
        "'tiny.3' in book/two shows no badge": good.replace('id="claim', 'id="'),
        "'tiny.4' lacks slack": good.replace('"slack"', '"slak"'),
        "'tiny.5' has the provenance 'guessed'": good.replace('"measured",', '"guessed",'),
        "stderr": "import sys\nprint('careful', file=sys.stderr)",
    }
    cells = [text.replace("tiny.two", f"tiny.{i + 1}") for i, text in enumerate(bad.values())]
    tiny.chapter("two", "\n```\n\n```{code-cell} ipython3\n".join(cells))
    for _ in range(2):  # an unchanged bad book must stay bad
        code, said = tiny.build()
        assert code == 1
        assert [complaint for complaint in bad if complaint not in said] == [], said
        assert not (tiny.root / "build" / "last_success").exists()


BOXES = """# Tiny

```{prf:lemma} One
:label: one
A.
```

```{prf:lemma} Two
:label: two
B.
```

```{prf:remark} Three
:nonumber:
C.
```

```{prf:proof}
D.
```

```{prf:proof}
E.
```
"""


def test_ids_are_unique_and_the_door_is_a_page(tiny):
    (tiny.root / "book" / "index.md").write_text(BOXES)
    code, said = tiny.build()
    assert code == 0, said
    ids = re.findall(r'<[^>]* id="([^"]*)"', tiny.page("book/index"))
    assert {"one", "two"} <= set(ids)
    assert sorted(ids) == sorted(set(ids))
    door = tiny.page("index")
    assert door.startswith("<!DOCTYPE html>")
    assert 'content="0; url=book/index.html"' in door


FOLDS = """---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
---
# Folded

```{{prf:theorem}} A *name* with $x$
:label: thm-a
A.
```

```{{prf:lemma}} B
:label: lem-b
B.
```

````{{proof}} thm-a, lem-b
:title: the first half
1. A list, first of all, and {{prf:ref}}`thm-a`.

```{{math}}
x = 1
```
````

```{{proof}} thm-a
The second half.
```

```{{exercise}} ex-a
:kind: code
Do, after {{numref}}`ex-b` and {{prf:ref}}`ex-b`.
```

```{{solution}} ex-a
Done.
```

Between.

```{{code-cell}} ipython3
:tags: [solution]
{body}
```

```{{exercise}} ex-b
Do.
```

After.

```{{code-cell}} ipython3
print("outside")
```
"""


def folded(tiny, text=FOLDS):
    (tiny.root / "book" / "one.md").write_text(
        text.format(body=CLAIMING.format(id="tiny.one", mime=CLAIM))
    )
    toc = (tiny.root / "_toc.yml").read_text()
    (tiny.root / "_toc.yml").write_text(
        toc.replace("chapters:", "options:\n  numbered: 1\nchapters:")
    )


def test_proofs_and_solutions_unfold(tiny):
    folded(tiny)
    code, said = tiny.build()
    assert code == 0, said
    page = tiny.page("book/one")
    folds = re.findall(r'<details class="lowrot-fold.*?</details>', page, re.S)
    heads = [
        re.sub("<[^>]*>", "", re.search("<summary>(.*?)</summary>", f, re.S)[1]) for f in folds
    ]
    assert heads == [
        "Proof of Theorem 1.1 (A name with x) and Lemma 1.1 (B): the first half",
        "Proof of Theorem 1.1 (A name with x)",
        "Solution of Exercise 1.1",
    ]
    assert re.search(r"<ol[^>]*>\s*<li><p>A list, first of all", folds[0])
    assert 'id="proof-thm-a"' in folds[0]
    assert 'id="proof-lem-b"' in folds[0]
    assert 'href="#lem-b"' in folds[0]
    assert 'id="proof-thm-a-2"' in folds[1]
    assert "Between." in folds[2]
    assert 'id="claim-tiny.one"' in folds[2]
    assert "After." not in folds[2]
    assert "outside" not in folds[2]
    for way in ("proof-thm-a", "proof-lem-b", "solution-ex-a"):
        assert f'<a class="lowrot-way" href="#{way}"' in page
    assert 'href="#solution-ex-b"' not in page
    assert len(re.findall('href="#ex-b">(?:<[^>]*>)?Exercise 1.2', page)) == 2
    assert page.count('<a class="lowrot-ref reference internal" href="#ex-b">') == 2
    store = (tiny.root / "_build" / "html" / "_static" / "previews" / "book-one.js").read_text()
    head, _, text = store.partition(" = ")
    assert head == '(window.lowrotPreviews ??= {})["book/one"]'
    shown = json.loads(text.rstrip(";\n"))
    assert set(shown) == {"thm-a", "lem-b", "ex-a", "ex-b"}
    assert ' id="' not in shown["thm-a"]["html"]
    assert 'href="book/one.html#ex-b"' in shown["ex-a"]["html"]
    assert shown["thm-a"]["tex"] == (
        "\\begin{theorem}[A \\emph{name} with $x$]\\label{thm-a}\nA.\n\\end{theorem}\n"
    )
    assert "<!--" not in re.search("<article.*</article>", page, re.S)[0]
    assert '<span class="caption-number">Exercise 1.1 </span><span class="lowrot-kind">code' in page

    code, said = tiny.plain("--builder", "custom", "--custom-builder", "latex")
    assert code == 0, said
    written = next((tiny.root / "_build" / "latex").glob("*.tex")).read_text()
    assert "Proof of Theorem 1.1 (A \\sphinxstyleemphasis{name} with \\(x\\))" in written
    assert "Exercise 1.1 (code)." in written
    assert "Solution of Exercise 1.1." in written


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("{{proof}} thm-a\n", "{{proof}} thm-c\n", "a proof of 'thm-c', which is no statement"),
        ("```{{solution}} ex-a\nDone.\n```", "", "tagged solution has no solution above"),
        ("Between.", "# Another", "tagged solution has no solution above"),
        (":kind: code", ":kind: hard", '"hard" unknown'),
        ("{{exercise}} ex-b", "{{exercise}} thm-a", "duplicate label 'thm-a'"),
    ],
)
def test_folds_that_belong_to_nothing_stop_the_build(tiny, good, bad, complaint):
    assert good in FOLDS
    folded(tiny, FOLDS.replace(good, bad))
    code, said = tiny.build()
    assert code == 1
    assert complaint in said


DOT = """from IPython.display import Image, display
from myst_nb import glue
import base64
glue("small", -1.5e-10, display=False)
dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
display(Image(base64.b64decode(dot)))"""  # noqa: E501
DRAWN = """---
mystnb:
  figure:
    caption: A dot of {glue:text}`small:.1e`. Here $d =$ {glue:text}`small:.1e`, too.
    name: fig-dot
  image:
    alt: A dot of {glue:text}`small:.1e`.
---
"""
AHEAD = """# two

```{needs} one
```

```{symbols} A part
```
"""


def test_what_is_set_for_a_reader(tiny):
    badge = CLAIMING.format(id="tiny.one", mime=CLAIM)
    tiny.chapter("one", ":tags: [checks]\n" + badge + "\n" + badge.replace("tiny.one", "tiny.b"))
    tiny.chapter("two", DRAWN + DOT)
    for name, above in (("one", "# one\n\n```{needs}\n```\n"), ("two", AHEAD)):
        page = tiny.root / "book" / f"{name}.md"
        page.write_text(page.read_text().replace(f"# {name}\n", above, 1))
    (tiny.root / "book" / "index.md").write_text("# Tiny\n\n```{reading-path}\n```\n")
    (tiny.root / "book" / "symbols.toml").write_text(
        "[[symbol]]\npart = 'A part'\ntex = 'x_1'\nmeans = 'an $x$'\npages = '*'\n"
    )
    code, said = tiny.build()
    assert code == 0, said
    one, two = tiny.page("book/one"), tiny.page("book/two")
    assert one.count("<summary>2 checks hold</summary>") == 1
    assert "About 1 minute, proofs" in one
    assert 'Builds on <a class="reference internal" href="one.html">one</a>. About' in two
    assert 'alt="A dot of −1.5\u00a0·\u00a010⁻¹⁰."' in two
    relation = r'<mo>=</mo>(</\w+>)+<span class="pasted-text">−1.5.*?</span>,</span> too'
    assert re.search(relation, two)
    assert 'A dot of <span class="pasted-text">−1.5\u00a0·\u00a010<sup>−10</sup></span>.' in two
    assert re.search(r"<th[^>]*><p>symbol</p></th>\s*<th[^>]*><p>meaning</p></th>\s*</tr>", two)
    assert 'd="M' in tiny.page("book/index")

    page = tiny.root / "book" / "two.md"
    page.write_text(
        page.read_text().replace("`small", "`large").replace("{needs} one", "{needs} x")
    )
    code, said = tiny.build()
    assert code == 1
    assert "alternative text: nothing is glued as 'large:.1e'" in said
    assert "needs 'book/x', which is no page" in said


SHOWN = r"""from IPython.display import HTML
cell = r'<span class="math notranslate nohighlight">\(x_1 &lt; 2\)</span>'
HTML(f"<table><tr><td>{cell}</td></tr></table>")"""
FORMULAS = r"""# Tiny

In a line: $\norm{x}^2$, then ($y$).

$$
a &= b \\
c &= d \tag{7}
$$ (eq-one)

See {eq}`eq-one`.

\begin{align}
a &= \begin{cases} 1 & x > 0 \\ 0 & x \le 0 \end{cases} \\
b &= \bigl( \ln x \bigr)
\end{align}

We are done. $\blacksquare$
"""


def test_formulas_are_mathml(tiny):
    """Macros, several lines, numbers, and no line that begins with a comma; no script."""
    (tiny.root / "book" / "index.md").write_text(FORMULAS)
    tiny.chapter("two", SHOWN)
    code, said = tiny.build()
    assert code == 0, said
    page = tiny.page("book/index")
    math = re.findall("<math.*?</math>", page, re.S)
    assert len(math) == 5
    assert ">‖</mo>" in math[0]
    assert '</math></span>,</span> then <span class="lowrot-together">(<span' in page
    assert re.search(r'id="equation-eq-one">\s*<span class="eqno">\(1\)', page)
    assert "done.\N{NO-BREAK SPACE}<span" in page
    assert re.search('<a class="[^"]*" href="#equation-eq-one">\\(1\\)</a>', page)
    assert "(7)" in re.sub("<[^>]*>", "", math[2])
    assert math[3].count("<mtable") == 2
    assert '<mo fence="true" lspace="0" rspace="0"' in math[3]
    assert "mathjax" not in "".join(re.findall("<script[^>]*>", page)).lower()
    table = tiny.page("book/two")
    assert re.search("<td><span class=.math[^>]*><math.*?</math></span></td>", table)
    assert "\\(" not in re.search("<table>.*?</table>", table, re.S)[0]

    (tiny.root / "book" / "index.md").write_text("# Tiny\n\n$\\left( x$ and $\\unknown$\n")
    code, said = tiny.build()
    assert code == 1
    assert r"formula '\\unknown'" in said
    assert r"formula '\\left( x'" in said


def test_no_formula_is_broken_at_a_bracket():
    rows = mathml.Typesetter({})(
        r"k_1(c) = \bigl(\sqrt{1 - c^2} + c (\pi - \arccos c)\bigr) / (2 \pi)"
    )
    texts = [re.sub("<[^>]*>", "", row) for row in rows.split("</mrow><mrow>")]
    assert len(texts) > 2
    assert not [text for text in texts if text.strip()[:1] in (")", "]") or text[-1:] == "("]


def test_an_operator_between_two_rows_keeps_its_spaces():
    """Alone in its row it would lose them; a slash begins no row."""
    rows = "<math><mrow><mi>x</mi></mrow><mrow><mo>{}</mo></mrow><mrow><mi>y</mi></mrow></math>"
    for mark, width in (("=", "0.2778em"), ("&lt;", "0.2778em"), ("+", "0.2222em")):
        shown = mathml.tidied(rows.format(mark))
        assert shown.count(f'<mspace width="{width}"></mspace>') == 2
        assert f'lspace="0" rspace="0">{mark}</mo>' in shown
    first, second = "<mrow><mi>x</mi><mo>=</mo></mrow>", "<mrow><mi>/</mi><mi>y</mi></mrow>"
    shown = mathml.tidied(f"<math>{first}{second}</math>")
    assert '<mi>x</mi><mo form="infix">=</mo><mi>/</mi>' in shown


@pytest.mark.parametrize(
    ("tex", "count"),
    [
        (r"k_*^2\min_j c", 1),
        (r"(1-\theta)\ln(1-\theta)", 1),
        (r"\tfrac12\max_j b", 1),
        (r"x_{\max}", 0),
        (r"x+\ln y", 0),
        (r"\ln y", 0),
    ],
)
def test_a_name_of_an_operator_stands_apart_from_what_is_before_it(tex, count):
    shown = mathml.Typesetter({})(tex)
    before = shown[: re.search(r"<mi>(?:min|max|ln)</mi>", shown).start()]
    assert before.count('<mspace width="0.1667em">') == count


def test_a_list_of_numbers_has_the_space_of_its_commas():
    comma = '<mo separator="true">,</mo>'
    shown = mathml.tidied("<math><mrow><mi>d</mi><mo>=</mo><mn>2,3,14</mn></mrow></math>")
    assert f"<mn>2</mn>{comma}<mn>3</mn>{comma}<mn>14</mn>" in shown
    assert mathml.tidied("<math><mn>10,000</mn></math>") == "<math><mn>10,000</mn></math>"


def test_commands_of_the_book_are_copied_with_a_statement():
    macros = {"norm": [r"\lVert #1 \rVert", 1], "R": r"\mathbb{R}", "both": r"\norm{\R}", "no": "x"}
    assert tex.definitions(r"$\both$", macros) == (
        "\\providecommand{\\R}{\\mathbb{R}}\n"
        "\\providecommand{\\both}{\\norm{\\R}}\n"
        "\\providecommand{\\norm}[1]{\\lVert #1 \\rVert}\n"
    )


def test_styles_of_unused_icons_go():
    style = (
        '.a{b:c}.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}.fa-x:before{content:"\\f00d"}'
    )
    assert icons.thinned(style, {"fa-x"}) == '.a{b:c}.fa-x:before{content:"\\f00d"}'
    assert icons.thinned(style, {"fa-navicon"}) == style.split(".fa-x")[0]


def test_paths_are_given_to_hundredths_of_a_point():
    svg = '<path d="M 1.23456 -0.5 L 7.999 12.25"/><g transform="scale(0.015625)" id="1.2345"/>'
    slim = '<path d="M1.23 -0.5L7.99 12.25"/><g transform="scale(0.015625)" id="1.2345"/>'
    assert pictures.slim(svg) == slim


def test_scripts_lose_the_lines_that_are_comments():
    kept = "let a = 1; // one\nopen('https://x');\n"
    assert scripts.bare("// first\n" + kept.replace("\n", "\n  // between\n")) == kept


def test_unreadable_front_matter_is_named(tiny):
    chapter = tiny.root / "book" / "one.md"
    chapter.write_text(chapter.read_text().replace("  display_name: Python 3\n", ""))
    code, said = tiny.build()
    assert code == 1
    assert "jupytext cannot read book/one.md as a notebook: 'display_name'" in said


def test_a_report_without_claims_stops_the_build(tiny):
    tiny.chapter("one", "1 + 1")
    code, said = tiny.build()
    assert code == 1
    assert "no chapter made a claim" in said


def test_plain_jupyter_book_works_and_sees_the_library(tiny):
    code, said = tiny.plain()
    assert code == 0, said
    assert tiny.ran() == ["one", "two"]
    assert "claim-tiny.one" in tiny.page("book/report")
    assert tiny.plain()[0] == 0
    assert tiny.ran() == []
    assert "drawn once" in tiny.page("book/two")
    (tiny.root / "book" / "figures" / "two.py").write_text("SHOWN = 'drawn again'\n")
    (tiny.root / "lowrot" / "_one.py").write_text("def one(): return 2\n")
    assert tiny.plain()[0] == 0
    assert tiny.ran() == ["two"]
    assert "drawn again" in tiny.page("book/two")
    assert "claim-tiny.one" in tiny.page("book/report")
    (tiny.root / "requirements.lock").write_text("numpy==2.4.5\n")
    assert tiny.plain()[0] == 0
    assert tiny.ran() == ["one", "two"]


def test_keys_see_everything_that_matters(tiny):
    root = tiny.root

    def changed_by(path: str, text: str) -> tuple[bool, bool, bool]:
        file = root / path
        old = file.read_bytes() if file.is_file() else None
        before = [keys.chapter_key(root, f"book/{n}") for n in ("one", "two")]
        site = keys.site_key(root)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        after = [keys.chapter_key(root, f"book/{n}") for n in ("one", "two")]
        result = (before[0] != after[0], before[1] != after[1], site != keys.site_key(root))
        file.unlink() if old is None else file.write_bytes(old)
        return result

    assert changed_by("lowrot/_one.py", "def one(): return 3") == (False, True, True)
    assert changed_by("lowrot/__init__.py", "def one(): return 3") == (False, True, True)
    assert changed_by("lowrot/deep/new.py", "") == (False, False, True)
    assert changed_by("requirements.lock", "numpy==2.4.5") == (True, True, True)
    assert changed_by("book/data/stored.txt", "2") == (False, True, True)
    assert changed_by("book/figures/two.py", "SHOWN = 1") == (False, True, True)
    assert changed_by("book/figures/new.py", "") == (False, False, True)
    assert changed_by("book/one.md", "---\nfile_format: mystnb\n---\n") == (True, False, True)
    for page in ("_config.yml", "_toc.yml", "book/index.md", "book/_static/lowrot.css"):
        assert changed_by(page, "changed: 1") == (False, False, True)
    assert changed_by("lowrot/__pycache__/x.cpython-311.pyc", "") == (False, False, False)
