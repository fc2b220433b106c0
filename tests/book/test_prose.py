"""No number in prose, captions or alternative texts by hand."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import prose
import pytest

BOOK = Path(__file__).parents[2] / "book"
PAGES = sorted(BOOK.glob("*.md"))
ALLOWED = {
    path.stem: tomllib.loads(path.read_text("utf8"))["allow"]
    for path in (Path(__file__).parent / "prose_allowed").glob("*.toml")
}


def covers(rule: dict[str, str], found: prose.Found) -> bool:
    """Whether a rule allows a number: its text must cover the number where it stands."""
    return any(found.word in match[0] for match in re.finditer(rule["text"], found.text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_numbers_in_prose_are_glued(page):
    rules = ALLOWED["all"] + ALLOWED.get(page.stem, [])
    found = prose.numbers(page)
    by_hand = [str(number) for number in found if not any(covers(rule, number) for rule in rules)]
    assert not by_hand, "\n".join(by_hand)


def test_every_rule_is_needed_and_has_a_reason():
    by_page = {page.stem: list(prose.numbers(page)) for page in PAGES}
    by_page["all"] = [number for found in by_page.values() for number in found]
    assert ALLOWED.keys() <= by_page.keys()
    for page, rules in ALLOWED.items():
        idle = [rule for rule in rules if not any(covers(rule, n) for n in by_page[page])]
        assert not idle, f"{page}: rules that allow nothing: {idle}"
        assert all(len(rule["reason"].split()) > 2 for rule in rules)


PLANTED = """---
kernelspec: 3
---
# Title of 3
It takes {glue:text}`steps:.0f` steps, $m = 12$ neurons, `n = 4`, {cite}`who2022` [link](a1.md).
{line}

```{code-cell} ipython3
---
mystnb:
  figure:
    caption: "{caption}"
    name: fig-3
  image:
    alt: "{alt}"
---
x = 12
```

````{prf:theorem} Two
Let $m$ be 12.

```{math}
3
```
Then 4.
````

:::{note}
{note}
:::
"""


@pytest.mark.parametrize("place", ["line", "caption", "alt", "note"])
@pytest.mark.parametrize(
    ("words", "flagged"),
    [
        ("It rises {glue:text}`a:.2f` and $3$ ways.", []),
        ("An eighth is left.", ["eighth"]),
        ("About an order of magnitude.", ["order of magnitude"]),
        ("It is twice that.", ["twice"]),
        ("It grew by 1.5 percent.", ["1.5", "percent"]),
        ("Several times as many.", ["Several times "]),
        ("A tenfold rise of forty.", ["tenfold", "forty"]),
        ("Two losses, both layers, three panels.", []),
    ],
)
def test_a_number_is_found_where_it_stands(tmp_path, place, words, flagged):
    text = PLANTED
    for name in ("line", "caption", "alt", "note"):
        text = text.replace("{" + name + "}", words if name == place else "Nothing.")
    page = tmp_path / "page.md"
    page.write_text(text)
    heading, *found = [number.word for number in prose.numbers(page)]
    assert heading == "3"
    assert found == flagged


SIDES = re.compile(
    r"\b(?:left|right|middle|upper|topmost|bottom)\b(?! sign\b)"
    r"|\blower\b(?! bound)"
    r"|(?:^|[.:] )(?:above|below),",
    re.IGNORECASE,
)
"""Words for the place of a panel, which a phone changes; a bound or an outcome has a side too."""

PLACES = re.compile(
    r"\b(?:on|to) the (?:left|right)\b(?! side)"
    r"|\b(?:left|right|middle|upper|lower|top|bottom|first|last) (?:panel|row of panels)",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_panels_are_named_by_letters(page):
    for line, text in prose.parts(page.read_text("utf8")):
        assert not PLACES.search(text), f"{page.stem}:{line}: {text}"
    for line, text in prose.all_captions(page.read_text("utf8")):
        assert not SIDES.search(text), f"{page.stem}:{line}: {text}"


@pytest.mark.parametrize(
    ("words", "names_a_side"),
    [
        ("Left: a curve.", True),
        ("Curves. Below, their duals.", True),
        ("A band, and right the margin.", True),
        ("(a) A lower bound, below the margin.", False),
        ("A neuron with the right sign.", False),
    ],
)
def test_sides_are_found(words, names_a_side):
    assert bool(SIDES.search(words)) == names_a_side
