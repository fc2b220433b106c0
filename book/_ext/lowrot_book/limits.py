"""Where the theorems stop: a row for every theorem, from ``book/limits.yml`` and the claims.

The file says, theorem by theorem, which claims measure its constants and where its hypotheses were
met, what is open, and what was found on the way. Numbers come from the claims.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .html import TAGS
from .mathml import prose
from .report_html import DASH, bound_html, figure, measured_html, sizes_html, worst
from .where import Places

ROWS = Path("book") / "limits.yml"


@dataclass(frozen=True)
class Limit:
    """Where one theorem stops.

    Attributes:
        theorem: its label.
        open: what is not known, in words.
        loose: ids of claims that say how far its constants are from what was measured.
        reach: ids of claims on where its hypotheses are met.
        found: what was found false or improved on the way, in words.
        see: labels of statements and exercises on it.
    """

    theorem: str
    open: str
    loose: list[str] = field(default_factory=list)
    reach: list[str] = field(default_factory=list)
    found: str = ""
    see: list[str] = field(default_factory=list)


def rows(root: Path) -> list[Limit]:
    """The rows as they are written; a project without the file has none."""
    if not (root / ROWS).is_file():
        return []
    return [Limit(**row) for row in yaml.safe_load((root / ROWS).read_text("utf8"))]


def problems(listed: list[Limit], claims: dict[str, dict], labels: dict[str, dict]) -> list[str]:
    """Everything that the rows say and the book does not bear out, theorems without a row too."""
    found = []
    for row in listed:
        found += [f"{row.theorem}: no statement has the label {label!r}"
                  for label in [row.theorem, *row.see] if label not in labels]  # fmt: skip
        found += [f"{row.theorem}: there is no claim {name!r}"
                  for name in row.loose + row.reach if name not in claims]  # fmt: skip
    named = [row.theorem for row in listed]
    found += [f"{label}: two rows" for label in sorted({n for n in named if named.count(n) > 1})]
    theorems = {label for label, known in labels.items() if known["realtype"] == "theorem"}
    found += [f"{label}: a theorem without a row" for label in sorted(theorems - set(named))]
    return [f"{ROWS.name}, {problem}" for problem in found]


def measured(claim: dict, places: Places) -> str:
    """A claim in a line: what, the worst value with a link, and its bound."""
    link = html.escape(f"{places.page(claim['chapter'])}#{claim['anchor']}")
    return (
        f"<div>{prose(html.escape(claim['statement']) + ':')} "
        f'<a href="{link}">{figure(worst(claim), claim["unit"])}</a> {bound_html(claim)}</div>'
    )


def met(row: Limit, claims: dict[str, dict], places: Places) -> str:
    """Where the hypotheses were met: sizes, and how often."""
    lines = []
    for claim in (claims[name] for name in row.reach):
        link = places.link(claim["chapter"], claim["anchor"], claim["id"])
        counted = f": {measured_html(claim)}" if claim["relation"] == "==" else ""
        lines.append(f"<div>{sizes_html(claim['sizes'])}<small>{link}{counted}</small></div>")
    return "".join(lines) or DASH


def row_html(row: Limit, claims: dict[str, dict], places: Places) -> str:
    """One theorem, one row; the labels are shown where a phone turns rows into cards."""
    own = [claim for claim in claims.values() if claim["theorem"] == row.theorem]
    counts = ", ".join(
        f"{count} {name}" for name in TAGS if (count := sum(c["provenance"] == name for c in own))
    )
    loose = "".join(measured(claims[name], places) for name in row.loose) or DASH
    see = ", ".join(map(places.statement, row.see))
    more = f"<small>{see}</small>" if see else ""
    title = prose(html.escape(places.statement_title(row.theorem)))
    return (
        f'<tr><th scope="row">{places.statement(row.theorem)} {title}'
        f"<small>{counts or DASH}</small></th>"
        f'<td data-label="constants">{loose}</td>'
        f'<td data-label="hypotheses met at">{met(row, claims, places)}</td>'
        f'<td data-label="open">{prose(html.escape(row.open))}{more}</td>'
        f'<td data-label="false or improved">{prose(html.escape(row.found)) or DASH}</td></tr>'
    )


def limits_html(listed: Iterable[Limit], claims: dict[str, dict], places: Places) -> str:
    """The tables, one a chapter, in the order of the file."""
    groups: dict[str, list[Limit]] = {}
    for row in listed:
        groups.setdefault(places.env.proof_list[row.theorem]["docname"], []).append(row)
    heads = ("theorem, claims", "constants", "hypotheses met at", "open", "false or improved")
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    parts = []
    for docname, part in groups.items():
        link = f'<a href="{places.page(docname)}">{html.escape(places.title(docname))}</a>'
        body = "".join(row_html(row, claims, places) for row in part)
        parts.append(
            f'<table class="lowrot-claims lowrot-limits table"><caption>{link}</caption>'
            f"<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
        )
    return "\n".join(parts)
