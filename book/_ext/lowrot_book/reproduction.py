"""The first table of the report: what the papers state, what we do, what came of it.

Its rows are in ``book/reproduction.yml``: the papers' statements in our words, labels of our
statements, ids of claims. Everything else, sizes, values and verdicts, comes from the claims.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROWS = Path("book") / "reproduction.yml"
VERDICTS = {
    "absent": "not yet in this book",
    "proved": "proved here; every run agrees",
    "measured": "measured here, not proved",
    "beyond": "proved here; the rest is measured",
}


@dataclass(frozen=True)
class Row:
    """One statement of a paper.

    Attributes:
        paper: the key of the paper in the bibliography.
        says: its statement, in our words.
        statements: the labels of ours.
        differs: how ours differ from what the paper says, where they do.
        hypotheses: the ids of claims on where the hypotheses are met.
        claims: the ids of claims on what follows.
        chapter: the docname of a chapter that is not written yet.
    """

    paper: str
    says: str
    statements: list[str] = field(default_factory=list)
    hypotheses: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    chapter: str = ""
    differs: str = ""


def rows(root: Path) -> list[Row]:
    """The rows as they are written; a project without the file has none."""
    if not (root / ROWS).is_file():
        return []
    listed = yaml.safe_load((root / ROWS).read_text("utf8"))
    return [Row(paper=part["paper"], **row) for part in listed for row in part["rows"]]


def problems(row: Row, claims: dict[str, dict], labels, docnames) -> list[str]:
    """Everything that a row says and the book does not bear out."""
    found = [f"no statement has the label {label!r}" for label in row.statements
             if label not in labels]  # fmt: skip
    found += [f"there is no claim {name!r}" for name in row.hypotheses + row.claims
              if name not in claims]  # fmt: skip
    if row.chapter and row.chapter in docnames:
        found.append(f"the chapter {row.chapter} stands: name its statements and claims")
    if row.chapter and (row.statements or row.hypotheses or row.claims):
        found.append("a row of a chapter to come has no statements and claims")
    if not row.chapter and not (row.statements and row.claims):
        found.append("a row needs statements and claims, or the chapter to come")
    return [f"{ROWS.name}, {row.says[:40]!r}...: {problem}" for problem in found]


def verdict(row: Row, claims: dict[str, dict]) -> str:
    """The key of `VERDICTS` that the claims of a row bear out; each of them has passed."""
    kinds = {claims[name]["provenance"] for name in row.claims}
    if not kinds:
        return "absent"
    if "derived" not in kinds:
        return "measured"
    return "beyond" if "measured" in kinds else "proved"


def sizes(row: Row, claims: dict[str, dict]) -> dict[str, list[float]]:
    """The sizes at which the hypotheses were met, by symbol; none where no claim says them."""
    found: dict[str, set[float]] = {}
    for name in row.hypotheses:
        for symbol, values in claims[name]["sizes"].items():
            found.setdefault(symbol, set()).update(values)
    return {symbol: sorted(values) for symbol, values in found.items()}
