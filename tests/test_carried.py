"""What readers carry away from the built book: report, claims, notebooks, archives, RO-Crate.

Needs the pages (``make book``); the last part needs a Chromium.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import nbformat
import pybtex.database
import pytest
from rocrate.rocrate import ROCrate

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from lowrot_book import citation, keys, report_html, reproduction  # noqa: E402

SCHEMA = json.loads((ROOT / "book" / "_static" / "claims.schema.json").read_text("utf8"))
SCREEN = 844  # of a phone
REPORT = HTML / "book" / "report.html"


@functools.cache
def claims() -> dict:
    return json.loads((HTML / "claims.json").read_text("utf8"))


@functools.cache
def page() -> str:
    return REPORT.read_text("utf8")


# ---------------------------------------------------------------- claims.json


def complaints(content: dict) -> str:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return "\n".join(f"{e.json_path}: {e.message}" for e in validator.iter_errors(content))


def test_the_claims_are_as_their_schema_says():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert complaints(claims()) == ""
    assert json.loads((HTML / claims()["$schema"]).read_text("utf8")) == SCHEMA
    assert 'href="../_static/claims.schema.json"' in page()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("claims", 0, "seeds"), None),
        (("claims", 0, "seeds"), [-1]),
        (("claims", 0, "unit"), ""),
        (("claims", 0, "loss"), "exponential"),
        (("claims", 0, "theorem"), 7),
        (("claims", 0, "passed"), False),
        (("claims", 0, "note"), "new"),
        (("claims", 0, "measured", "count"), 0),
        (("schema_version",), "0.9"),
        (("made", "commit"), "abc"),
        (("made", "date"), "yesterday"),
        (("made", "versions"), {"python": "3.11"}),
        (("chapters", 0, "seconds"), "long"),
    ],
)
def test_what_is_malformed_is_found(place, value):
    content = copy.deepcopy(claims())
    content["claims"].sort(key=lambda claim: claim["provenance"] != "measured")
    *way, last = place
    functools.reduce(lambda node, key: node[key], way, content)[last] = value
    assert complaints(content) != ""


@pytest.mark.parametrize("name", SCHEMA["$defs"]["claim"]["required"])
def test_a_claim_without_a_field_is_found(name):
    content = copy.deepcopy(claims())
    del content["claims"][0][name]
    assert name in complaints(content)


# ---------------------------------------------------------------- the report


def test_every_row_of_the_reproduction_is_shown():
    tables = re.findall(r'<table class="[^"]*lowrot-reproduced.*?</table>', page(), re.S)
    found = [row for table in tables for row in re.findall(r"<tr.*?</tr>", table, re.S)[1:]]
    by_id = {claim["id"]: claim for claim in claims()["claims"]}
    rows = reproduction.rows(ROOT)
    assert len(found) == len(rows)
    for text, row in zip(found, rows, strict=True):
        assert reproduction.VERDICTS[reproduction.verdict(row, by_id)] in text
        for label in row.statements:
            assert re.search(rf'href="\w+\.html#{label}">\w+ [\d.]+</a>', text), label
        for name in row.claims:
            value = report_html.figure(report_html.worst(by_id[name]), by_id[name]["unit"])
            assert f'#claim-{name}">{value}</a>' in text
    assert sum(reproduction.VERDICTS["absent"] in text for text in found) == sum(
        bool(row.chapter) for row in rows
    )


def test_every_claim_leads_to_its_statement_and_figure():
    for claim in claims()["claims"]:
        (row,) = re.findall(rf'<tr [^>]*data-name="{claim["id"]}".*?</tr>', page(), re.S)
        if claim["theorem"]:
            assert re.search(rf'html#{claim["theorem"]}">\w+ [\d.]+</a>', row), claim["id"]
        if claim["figure"]:
            assert re.search(rf'html#{claim["figure"]}">Fig\.\xa0[\d.]+</a>', row), claim["id"]


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("name", keys.chapters(ROOT))
def test_a_chapter_offers_its_notebook_with_outputs(name):
    short = name.rsplit("/", 1)[-1]
    text = (HTML / f"{name}.html").read_text("utf8")
    assert f'href="../carry/{short}.ipynb"' in text
    notebook = nbformat.read(HTML / "carry" / f"{short}.ipynb", as_version=4)
    nbformat.validate(notebook)
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert any(outputs)
    claimed = [c["id"] for c in claims()["claims"] if c["chapter"] == name]
    kept = json.dumps(outputs)
    assert all(f"claim-{claim}" in kept for claim in claimed)


def test_archives_hold_what_they_say():
    with zipfile.ZipFile(HTML / "carry" / "sweeps.zip") as archive:
        assert archive.testzip() is None
        stored = {path.name for path in (ROOT / "book" / "data").glob("*.*")}
        assert {Path(name).name for name in archive.namelist()} == stored
        csv = next(name for name in archive.namelist() if name.endswith(".csv"))
        assert archive.read(csv) == (ROOT / csv).read_bytes()
    with zipfile.ZipFile(HTML / "carry" / "code.zip") as archive:
        names = set(archive.namelist())
        library = {p.relative_to(ROOT).as_posix() for p in (ROOT / "lowrot").rglob("*.py")}
        assert library <= names
        assert {"requirements.lock", "_config.yml", "LICENSE"} <= names
        assert not [name for name in names if "vendor" in name or "__pycache__" in name]


def test_citations_are_one_click_away():
    text = (HTML / "book" / "cite.html").read_text("utf8")
    for name in ("lowrot.bib", "CITATION.cff"):
        assert f'href="../carry/{name}"' in text
    assert (HTML / "carry/CITATION.cff").read_bytes() == (ROOT / "CITATION.cff").read_bytes()
    entries = pybtex.database.parse_file(HTML / "carry" / "lowrot.bib").entries
    assert list(entries) == ["lowrot", *citation.cited_papers(ROOT)]
    shown = re.sub(r"<[^>]+>", "", text)
    assert entries["lowrot"].fields["title"] in shown


def test_the_changelog_is_a_page():
    text = (HTML / "book" / "changelog.html").read_text("utf8")
    assert "Keep a Changelog" in text
    assert re.search(r"<h1>Changelog", text)


def test_the_crate_describes_what_is_there():
    """Read by its own library; every file it names lies there, in the size that it says."""
    crate = ROCrate(HTML)
    named = {entity.id: entity for entity in crate.data_entities}
    assert {"claims.json", "carry/code.zip", "carry/sweeps.zip"} <= set(named)
    assert {f"carry/{n.rsplit('/', 1)[-1]}.ipynb" for n in keys.chapters(ROOT)} <= set(named)
    assert any(name.startswith("book/figures/") for name in named)
    for name, entity in named.items():
        assert (HTML / name).stat().st_size == int(entity["contentSize"]), name
    assert crate.root_dataset["name"] == citation.cff(ROOT)["title"]
    assert crate.root_dataset["version"] == str(citation.cff(ROOT)["version"])


def test_the_book_is_printed():
    """All pages, tagged and with bookmarks; nothing waits for a script that is not there."""
    if shutil.which("chromium") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium: nothing was printed")
    done = subprocess.run(
        [sys.executable, "book/print.py"], cwd=ROOT, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    printed = (ROOT / "_build" / "lowrot.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 10 * len(keys.chapters(ROOT))
    assert b"/Outlines" in printed
    assert b"/StructTreeRoot" in printed
    html = (ROOT / "_build" / "singlehtml" / "print.html").read_text("utf8")
    assert "<script" not in html
    assert html.count("<math") > 1000


# ---------------------------------------------------------------- in the browser


@pytest.fixture
def report(browser):
    """The report on a phone, from the file system."""
    context = browser.new_context(viewport={"width": 390, "height": SCREEN})
    shown = context.new_page()
    shown.goto(REPORT.as_uri())
    shown.wait_for_timeout(300)
    yield shown
    context.close()


ROWS = "() => [...document.querySelectorAll('.lowrot-ledger tbody tr')]"
VISIBLE = ROWS + ".filter(row => row.checkVisibility())"


def test_the_list_folds_within_five_screens(report):
    top = report.evaluate(
        "() => document.querySelector('.lowrot-chapter').getBoundingClientRect().top + scrollY"
    )
    assert top <= 5 * SCREEN
    assert report.evaluate(VISIBLE + ".length") == 0


def test_claims_are_filtered_and_sorted(report):
    def names():
        return report.evaluate(VISIBLE + ".map(r => r.dataset.name)")

    report.get_by_label("words", exact=True).fill("escape kkt")
    found = names()
    assert found
    assert all("kkt" in name or "escape" in name for name in found)
    report.get_by_label("words", exact=True).fill("")
    report.get_by_label("provenance", exact=True).select_option("derived")
    derived = {c["id"] for c in claims()["claims"] if c["provenance"] == "derived"}
    assert set(names()) == derived
    assert report.locator(".lowrot-controls output").inner_text().startswith(f"{len(derived)} of")
    report.get_by_label("provenance", exact=True).select_option("")
    report.get_by_label("chapter", exact=True).select_option("claims-margins")
    report.get_by_label("sort by", exact=True).select_option("slack")
    own = [c for c in claims()["claims"] if c["chapter"] == "book/margins"]
    assert names() == [c["id"] for c in sorted(own, key=lambda c: float(c["slack"]))]
    report.get_by_label("sort by", exact=True).select_option("relative")
    share = {c["id"]: c["relative_slack"] for c in own}
    shown = [share[name] for name in names() if share[name] is not None]
    assert shown == sorted(shown)
    report.get_by_label("sort by", exact=True).select_option("name")
    assert names() == sorted(share)


def test_without_scripts_all_claims_are_there(browser):
    context = browser.new_context(java_script_enabled=False)
    shown = context.new_page()
    shown.goto(REPORT.as_uri())
    assert shown.locator(".lowrot-ledger tbody tr").count() == len(claims()["claims"])
    assert shown.locator(".lowrot-controls").count() == 0
    context.close()
