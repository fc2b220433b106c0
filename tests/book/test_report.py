"""The report: rows that the book does not bear out, and records that say too little, stop it."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from lowrot_book import keys, ledger, made_with, report_html, reproduction  # noqa: E402
from lowrot_book.cells import cells  # noqa: E402
from lowrot_book.reproduction import Row  # noqa: E402

from figures import _text  # noqa: E402
from lowrot import _numbers  # noqa: E402

RECORD = {
    "id": "a-b",
    "statement": "s",
    "provenance": "measured",
    "relation": "<=",
    "bound": 2.0,
    "measured": {"median": 1.0, "min": 1.0, "max": 1.0, "count": 1},
    "tolerance": 0.0,
    "slack": 1.0,
    "relative_slack": 0.5,
    "unit": "1",
    "theorem": "thm-a",
    "sizes": {},
    "loss": [],
    "seeds": [0],
    "passed": True,
    "seconds": 1.0,
}
DERIVED = {**RECORD, "provenance": "derived", "seeds": None}
GOOD = Row("paper", "says", ["thm-a"], ["met"], ["a-b"])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"provenance": "folklore"}, "has the provenance 'folklore'"),
        ({"relation": "=<"}, "has the relation '=<'"),
        ({"passed": False}, "did not pass"),
        ({"seeds": None}, "is measured and says no seeds"),
        ({"theorem": "thm-b"}, "names the statement 'thm-b', which no page has"),
    ],
)
def test_a_record_that_says_too_little_is_refused(change, complaint):
    def said(record):
        return ledger.check(record) or ledger.unlinked(record, {"thm-a": {}})

    assert said(RECORD) == ""
    assert said({**RECORD, "seeds": []}) == ""
    assert said(DERIVED) == ""
    assert complaint in said({**RECORD, **change})


@pytest.mark.parametrize("name", ledger.FIELDS)
def test_a_record_without_a_field_is_refused(name):
    assert name in ledger.check({key: value for key, value in RECORD.items() if key != name})


def test_the_nearest_figure_is_before_rather_than_behind():
    drawn, section = [(2, "fig-a"), (6, "fig-b"), (20, "fig-c")], [0] * 15 + [1] * 85
    assert [ledger.nearest(count, drawn, section) for count in (0, 4, 5, 6, 14, 99)] == [
        *("fig-a", "fig-a", "fig-b", "fig-b", "fig-b", "fig-c")
    ]
    assert ledger.nearest(3, [], section) is None
    assert ledger.nearest(14, drawn[2:], section) is None


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (Row("p", "s", ["thm-b"], ["met"], ["a-b"]), "no statement has the label 'thm-b'"),
        (Row("p", "s", ["thm-a"], ["mett"], ["a-b"]), "there is no claim 'mett'"),
        (Row("p", "s", ["thm-a"], [], ["a-c"]), "there is no claim 'a-c'"),
        (Row("p", "s", ["thm-a"]), "needs statements and claims"),
        (Row("p", "s", [], [], ["a-b"]), "needs statements and claims"),
        (Row("p", "s", chapter="book/here"), "the chapter book/here stands"),
        (Row("p", "s", ["thm-a"], chapter="book/later"), "has no statements and claims"),
    ],
)
def test_a_row_that_is_not_borne_out_is_named(row, complaint):
    claims = {"a-b": RECORD, "met": RECORD}

    def said(row):
        return "\n".join(reproduction.problems(row, claims, {"thm-a"}, {"book/here"}))

    assert said(GOOD) == ""
    assert said(Row("p", "s", chapter="book/later")) == ""
    assert complaint in said(row)


def test_verdicts_and_sizes_come_from_the_claims():
    claims = {
        "m": {**RECORD, "sizes": {"d": [3, 4], "m": [8]}},
        "d": {**DERIVED, "sizes": {"d": [9]}},
        "h": {**RECORD, "sizes": {"d": [2, 3]}},
    }

    def row(claimed, met=()):
        return Row("p", "s", ["thm-a"], list(met), list(claimed))

    found = [reproduction.verdict(row(names), claims) for names in ("m", "d", "md", "")]
    assert found == ["measured", "proved", "beyond", "absent"]
    assert reproduction.sizes(row("md"), claims) == {}
    assert reproduction.sizes(row("md", "h"), claims) == {"d": [2, 3]}


@pytest.mark.parametrize(
    ("relation", "bound", "shown"),
    [(">=", 0.0, 1.0), (">", 0.0, 1.0), ("<=", 9.0, 5.0), ("<", 9.0, 5.0), ("~", 2.0, 5.0)],
)
def test_a_row_shows_the_worst_value(relation, bound, shown):
    measured = {"median": 2.0, "min": 1.0, "max": 5.0, "count": 9}
    claim = {**RECORD, "relation": relation, "bound": bound, "measured": measured}
    assert report_html.worst(claim) == shown


def test_the_rows_of_the_book_are_whole():
    """What is said of papers, without a build: the rows are read, and each has its paper."""
    rows = reproduction.rows(ROOT)
    bibliography = (ROOT / "book" / "references.bib").read_text("utf8")
    assert len(rows) >= 10
    for row in rows:
        assert f"{{{row.paper},\n" in bibliography
        assert bool(row.chapter) != bool(row.claims)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (3.14159, "1", "3.14"),
        (800.0, "neurons", "800&nbsp;neurons"),
        (9999.0, "1", "9999"),
        (12345.0, "1", "12\u202f345"),
        (-350_123.5, "1", "−350\u202f000"),
        (999_999.0, "1", "999\u202f999"),
        (1e6, "1", "10<sup>6</sup>"),
        (12_345_678.0, "1", "1.23&nbsp;·&nbsp;10<sup>7</sup>"),
        (1.5e-7, "1", "1.5&nbsp;·&nbsp;10<sup>−7</sup>"),
        ("inf", "1", "∞"),
        (None, "degrees", "–"),
    ],
)
def test_numbers_have_three_digits_and_a_unit(value, unit, shown):
    assert report_html.figure(value, unit) == shown


@pytest.mark.parametrize("whole", [7, 9999, 12_345, 999_999, 10**6, 12_345_678, -20_000])
def test_tables_and_the_report_write_whole_numbers_alike(whole):
    assert report_html.figure(whole) == _text.cell(whole) == _text.cell(np.int64(whole))
    assert report_html.figure(whole) == _numbers.typeset(str(whole))


def test_everything_that_computes_has_a_version():
    found = made_with.versions()
    assert {"python", "lowrot", "torch", "numpy", "scipy", "numba", "llvmlite"} <= set(found)
    assert "not installed" not in found.values()


def claims_in(text: str) -> list[tuple[str, bool, bool]]:
    """Every call of ``claim`` in cells: its id, whether it is measured, whether it says seeds."""
    found = []
    for cell in cells(text):
        code = re.sub(r"^(\s*)[%!].*", r"\1pass", cell, flags=re.M)
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("claim", "lowrot.claim"):
                words = {word.arg: ast.unparse(word.value) for word in node.keywords}
                provenance = words.get("provenance") or ast.unparse(node.args[5])
                said = words.get("seeds", "None") != "None" or len(node.args) > 7
                found.append((ast.unparse(node.args[0]), provenance == "'measured'", said))
    return found


@pytest.mark.parametrize("name", keys.chapters(ROOT))
def test_every_measured_claim_says_its_seeds(name):
    """Seen here before the chapter is executed; the report looks again."""
    found = claims_in((ROOT / f"{name}.md").read_text("utf8"))
    assert [text for text, measured, said in found if measured and not said] == []


def test_a_measured_claim_without_seeds_is_found():
    text = "```{code-cell}\nclaim('a', 's', 1, '<', 2, 'measured')\n```\n"
    assert claims_in(text) == [("'a'", True, False)]
    assert claims_in(text.replace("'measured'", "'measured', seeds=[]")) == [("'a'", True, True)]


ROWS = {  # in the order of the page: slack, relative slack
    "c-half": ("0.5", ""),
    "a-inf": ("inf", "0.2"),
    "d-tiny": ("1e-07", "1e-07"),
    "e-none": ("None", ""),
    "b-minus": ("-inf", "2.0"),
    "g-half": ("0.5", "0.2"),
    "f-inf": ("inf", "inf"),
}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("", "c a d e b g f"),
        ("name", "a b c d e f g"),
        ("slack", "b d c g a f e"),
        ("relative", "d a g b f c e"),
    ],
)
def test_claims_are_sorted(browser, by, expected):
    rows = "".join(
        f'<tr data-provenance="measured" data-slack="{slack}" data-relative="{relative}" '
        f'data-name="{name}"><th>{name}</th></tr>'
        for name, (slack, relative) in ROWS.items()
    )
    script = (ROOT / "book" / "_static" / "report.js").read_text("utf8")
    page = browser.new_page()
    page.set_content(
        '<div class="lowrot-ledger"><details class="lowrot-chapter" id="claims-x"><summary>x'
        '<span class="lowrot-shown">7</span></summary>'
        f"<table><tbody>{rows}</tbody></table></details></div><script>{script}</script>"
    )
    choice = page.get_by_label("sort by")
    for other in ("name", "slack", by):  # wherever it was before
        choice.select_option(other)
    names = page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.dataset.name[0])")
    page.close()
    assert " ".join(names) == expected
