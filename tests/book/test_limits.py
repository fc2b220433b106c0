"""Where the theorems stop: every theorem of the book has a row, and the rows are borne out."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from lowrot_book import limits
from lowrot_book.limits import Limit

ROOT = Path(__file__).parents[2]
CLAIM = {
    "id": "a-b",
    "statement": "Promised over $m$ measured",
    "measured": {"median": 2.0, "min": 1.0, "max": 5.0, "count": 3},
    "relation": ">=",
    "bound": 0.5,
    "unit": "1",
    "provenance": "measured",
    "theorem": "thm-a",
    "sizes": {"d": [2, 3]},
    "chapter": "book/here",
    "anchor": "claim-a-b",
}
LABELS = {
    "thm-a": {"realtype": "theorem", "docname": "book/here"},
    "lem-b": {"realtype": "lemma", "docname": "book/here"},
}
GOOD = Limit("thm-a", "Nothing.", ["a-b"], ["a-b"], "A thing.", ["lem-b"])


def theorems() -> dict[str, str]:
    """The page of every theorem of the book, by label, without a build."""
    found = {}
    for page in sorted((ROOT / "book").glob("*.md")):
        for label in re.findall(r"\{prf:theorem\}[^\n]*\n:label: (\S+)", page.read_text("utf8")):
            found[label] = page.stem
    return found


def test_every_theorem_of_the_book_has_one_row_in_the_order_of_its_page():
    listed = [row.theorem for row in limits.rows(ROOT)]
    assert sorted(listed) == sorted(theorems())
    pages = [theorems()[label] for label in listed]
    assert len(list(dict.fromkeys(pages))) == sum(a != b for a, b in zip([None, *pages], pages))


def test_the_rows_say_what_is_open_and_no_number_by_hand():
    for row in limits.rows(ROOT):
        assert row.open.endswith(".")
        assert not re.search(r"\d", re.sub(r"\$[^$]*\$|[Pp]arts? \d( and \d)?", "", row.open))
        assert not re.search(r"\d", re.sub(r"\$[^$]*\$", "", row.found))


@pytest.mark.parametrize(
    ("listed", "complaint"),
    [
        ([], "thm-a: a theorem without a row"),
        ([GOOD, GOOD], "thm-a: two rows"),
        ([GOOD, Limit("thm-c", "x")], "no statement has the label 'thm-c'"),
        ([Limit("thm-a", "x", see=["ex-c"])], "no statement has the label 'ex-c'"),
        ([Limit("thm-a", "x", loose=["a-c"])], "there is no claim 'a-c'"),
        ([Limit("thm-a", "x", reach=["a-d"])], "there is no claim 'a-d'"),
    ],
)
def test_rows_that_are_not_borne_out_are_named(listed, complaint):
    claims = {"a-b": CLAIM}
    assert limits.problems([GOOD], claims, LABELS) == []
    assert complaint in "\n".join(limits.problems(listed, claims, LABELS))


def test_a_row_shows_the_worst_value_the_sizes_and_its_links():
    places = SimpleNamespace(
        env=SimpleNamespace(proof_list=LABELS),
        page=lambda docname: "here.html",
        title=lambda docname: "Here",
        statement=lambda label: f"<{label}>",
        statement_title=lambda label: f"What {label} says & $x$",
        link=lambda docname, anchor, text: f"[{text}#{anchor}]",
    )
    text = limits.limits_html([GOOD], {"a-b": CLAIM}, places)
    for part in (
        'here.html#claim-a-b">1</a>',
        "2,</span> 3",
        "<thm-a> What thm-a says &amp;",
        "<lem-b>",
        "1 measured",
    ):
        assert part in text
    assert text.count("<table") == 1
