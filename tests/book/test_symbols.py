"""Each letter that has a meaning in the book has it on every page."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import formulas
import pytest
from lowrot_book import symbols

ROOT = Path(__file__).parents[2]

TABLE = symbols.read(ROOT)
PAGES = sorted((ROOT / "book").glob("*.md"))
LOCAL = {"b", "w", "B", "H", "chi", "psi", "theta", "u", "z", "x", "y"}
"""Letters that, beside what the table says of them on their pages, proofs elsewhere may use."""


def meanings() -> dict[str, set[str]]:
    """The pages on which each letter of the table may stand."""
    found: dict[str, set[str]] = defaultdict(set)
    for symbol in TABLE:
        for letter in formulas.letters(symbol["tex"]):
            found[letter] |= {"*"} if symbol["pages"] == "*" else set(symbol["pages"])
    return found


def strangers(text: str, page: str) -> list[str]:
    """Letters of a page that mean something else in the book, with their lines."""
    known, found = meanings(), []
    for line, formula in formulas.formulas(text):
        for letter in formulas.letters(formula):
            pages = known.get(letter, {"*"})
            if letter not in LOCAL and not pages & {"*", page}:
                found.append(f"{line}: {letter}, which is of {', '.join(sorted(pages))}")
    return found


@pytest.mark.parametrize("page", [p for p in PAGES if p.stem != "notation"], ids=lambda p: p.stem)
def test_letters_keep_their_meaning(page):
    assert strangers(page.read_text("utf8"), page.stem) == []


def stands(symbol: dict, page: str) -> bool:
    """Whether a symbol has its meaning on a page."""
    if symbol["pages"] == "*":
        return page not in symbol.get("except", [])
    return page in symbol["pages"]


def test_no_page_has_two_meanings_of_a_symbol():
    names = {page.stem for page in PAGES}
    forms: dict[str, list[dict]] = defaultdict(list)
    for symbol in TABLE:
        assert set(symbol.get("except", [])) <= (names if symbol["pages"] == "*" else set())
        for form in {symbol["tex"], *symbol.get("also", ())}:
            forms[form].append(symbol)
    for form, meant in forms.items():
        for name in names - {"notation"}:
            assert sum(stands(symbol, name) for symbol in meant) <= 1, (name, form)


def test_every_symbol_is_used_where_the_table_says():
    names = {page.stem for page in PAGES}
    for symbol in TABLE:
        pages = names if symbol["pages"] == "*" else set(symbol["pages"])
        assert pages <= names, symbol["tex"]
        first = next(formulas.letters(symbol["tex"]))
        for name in pages if symbol["pages"] != "*" else ():
            text = (ROOT / "book" / f"{name}.md").read_text("utf8")
            used = {x for _, formula in formulas.formulas(text) for x in formulas.letters(formula)}
            assert first in used, f"{symbol['tex']} is not on {name}"


@pytest.mark.parametrize(
    ("formula", "stranger"),
    [
        (r"let $\kappa = \cot\varphi$", "kappa"),
        (r"$$D(\tau) \ge 1$$", "D"),
        ("```{math}\nR^* + h\n```", "R"),
        (r"$\norm{V}_F$ and $\bigl(\ell\bigr)$ and `$S$`", ""),
        ("```{code-cell} ipython3\nprint('$S$')\n```", ""),
    ],
)
def test_a_letter_with_two_meanings_is_found(formula, stranger):
    found = strangers(formula, "margins")
    assert [line.split(": ")[1].split(",")[0] for line in found][:1] == [stranger] * bool(stranger)


def test_formulas_are_read_letter_by_letter():
    text = r"$\tilde E^* \le \mathcal S_k \operatorname{softmax}(\ggl) + \lVert x \rVert_F$"
    ((_, formula),) = formulas.formulas(text)
    assert list(formulas.letters(formula)) == ["E", "mathcal S", "k", "gamma", "x"]


def test_an_epsilon_has_one_form():
    book = ROOT / "book"
    kinds = ("*.md", "*.toml", "*.yml", "figures/*.py", "data/*.py")
    for path in (path for kind in kinds for path in book.glob(kind)):
        text = path.read_text("utf8")
        assert not any(form in text for form in (r"\varepsilon", "ε", "ϵ")), path.name
