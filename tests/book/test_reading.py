"""Numbers as they are read, and which chapter builds on which."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils import nodes
from lowrot_book import glued, paths, symbols


@pytest.mark.parametrize(
    ("written", "plain", "html"),
    [
        ("12", "12", ["12"]),
        ("-0.5", "−0.5", ["−0.5"]),
        ("4.1e-10", "4.1\u00a0·\u00a010⁻¹⁰", ["4.1\u00a0·\u00a010", "−10"]),
        ("1e+06", "10⁶", ["10", "6"]),
        ("-2e+03 to 5", "−2000 to 5", ["−2000 to 5"]),
        ("-2e+07 to 5", "−2\u00a0·\u00a010⁷ to 5", ["−2\u00a0·\u00a010", "7", " to 5"]),
        ("3.5e+05", "350\u202f000", ["350\u202f000"]),
        ("15000, 9999", "15\u202f000, 9999", ["15\u202f000, 9999"]),
        ("2000000", "2\u00a0·\u00a010⁶", ["2\u00a0·\u00a010", "6"]),
        ("0.134801", "0.134801", ["0.134801"]),
        ("run-20000", "run-20000", ["run-20000"]),
        ("12345.67", "12\u202f345.67", ["12\u202f345.67"]),
        ("two-layer", "two-layer", ["two-layer"]),
        ("", "", [""]),
    ],
)
def test_powers_of_ten(written, plain, html):
    assert glued.plain_powers(written) == plain
    assert [node.astext() for node in glued.powers(written)] == html


@pytest.mark.parametrize(
    ("tex", "space", "closed"),
    [
        ("d =", " ", True),
        (r"\tau\le{}", "\n", True),
        (r"x \approx", " ", True),
        ("d = 4", " ", False),
        (r"\margin", " ", False),
        ("d =", " about ", False),
    ],
)
@pytest.mark.parametrize("form", ["html", "latex"])
def test_a_number_is_as_near_to_its_relation_as_in_a_formula(tex, space, closed, form):
    number = nodes.inline("", "4", classes=["pasted-text"])
    line = nodes.paragraph("", "In ", nodes.math("", tex), nodes.Text(space), number)
    line += nodes.Text(", so")
    app = SimpleNamespace(builder=SimpleNamespace(format=form))
    glued.close_up(app, line, "page")
    if closed and form == "html":
        assert [type(node) for node in line] == [nodes.Text, nodes.inline, nodes.Text]
        assert number in line[1].children
        assert line[1].astext().endswith("4,")
        assert line[1]["classes"] == ["lowrot-together"]
        assert line.astext() == f"In {tex}4, so"
    else:
        assert line.astext() == f"In {tex}{space}4, so"


def test_what_opens_before_a_relation_and_closes_behind_its_number_stays_with_them():
    number = nodes.inline("", "4", classes=["pasted-text"])
    line = nodes.paragraph("", "later (", nodes.math("", "d ="), nodes.Text(" "), number)
    line += nodes.Text("), so")
    glued.close_up(SimpleNamespace(builder=SimpleNamespace(format="html")), line, "page")
    assert [part.astext() for part in line] == ["later ", "(d =4),", " so"]


def box(name, *needs):
    return paths.Box(name, name.title() + " of a long & longer name", f"{name}.html", 7, [*needs])


ROWS = [[box("a")], [box("b", "a"), box("c", "a")], [box("d", "a", "b", "c", "elsewhere")]]


def test_only_direct_needs_are_drawn():
    assert paths.direct(ROWS) == [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]


def test_every_chapter_is_drawn_and_listed_once():
    drawn, listed = paths.drawn(ROWS), paths.listed(ROWS)
    for name in "abcd":
        assert drawn.count(f'<a href="{name}.html" aria-label="') == 1
        assert listed.count(f'<a href="{name}.html">') == 1
    assert "&amp; longer" in drawn
    assert drawn.count('class="lowrot-way-on"') == 4
    assert "after A of a long &amp; longer name, B of" in listed


@pytest.mark.parametrize("count", range(1, 10))
def test_a_row_has_at_most_four_boxes_and_keeps_them_all(count):
    row = [box(name) for name in "abcdefghi"[:count]]
    lines = paths.broken(row)
    assert [one for line in lines for one in line] == row
    sizes = [len(line) for line in lines]
    assert max(sizes) <= 4
    assert max(sizes) - min(sizes) <= 1


def test_the_list_is_in_the_order_of_the_chapters_and_titles_are_whole():
    title = "Near initialization: what the flow attains in the end, and what it never does again"
    late = [paths.Box(name, title, f"{name}.html", 7, needs, number) for name, needs, number in
            (("e", ["a"], 3), ("f", ["e", "a"], 2), ("g", ["a", "e", "f"], 4))]  # fmt: skip
    rows = [[paths.Box("a", "Start", "a.html", 7, [], 1)], late[:1], late[1:2], late[2:]]
    drawn, listed = paths.drawn(rows), paths.listed(rows)
    assert all(drawn.count(f">{word}") or f" {word}" in drawn for word in title.split())
    assert [listed.index(f'value="{number}"') for number in (1, 2, 3, 4)] == sorted(
        listed.index(f'value="{number}"') for number in (1, 2, 3, 4)
    )
    assert "7 min, after 1 and 3<" in listed
    assert "7 min, after 1, 2 and 3<" in listed


def test_symbols_say_what_they_mean_and_where():
    found = symbols.read(Path(__file__).parents[2])
    assert all(symbol["means"] and symbol["pages"] for symbol in found)
