"""The HTML of the reproduction report: what is reproduced, every claim, run times, versions."""

from __future__ import annotations

import html
import itertools
import math
import re
from collections.abc import Iterable

from lowrot._numbers import typeset

from . import reproduction
from .html import TAGS, tag_html
from .ledger import RELATIONS
from .mathml import prose
from .reproduction import Row
from .where import Places

DASH = "–"


def figure(value: float | str | None, unit: str = "1") -> str:
    """A number with three digits and its unit; whole numbers below a million in full."""
    if value is None:
        return DASH
    x = float(value)
    whole = math.isfinite(x) and x.is_integer() and abs(x) < 1e6
    text = typeset(f"{x:.0f}" if whole else f"{x:.3g}")
    return text if unit == "1" else f"{text}&nbsp;{html.escape(unit)}"


def worst(claim: dict) -> float | str:
    """The measured value that comes nearest to breaking the relation."""
    low, high = (claim["measured"][end] for end in ("min", "max"))
    if claim["relation"] in (">=", ">"):
        return low
    if claim["relation"] in ("<=", "<"):
        return high
    return max(low, high, key=lambda value: abs(float(value) - float(claim["bound"])))


def measured_html(claim: dict) -> str:
    """The median, and the spread if there is any."""
    measured, unit = claim["measured"], claim["unit"]
    line = figure(measured["median"], unit)
    if measured["count"] > 1:
        low, high = figure(measured["min"]), figure(measured["max"])
        line += f"<small>{low} to {high}, {measured['count']} values</small>"
    return line


def seeds_html(seeds: list[int] | None) -> str:
    """The seeds in one line; nothing where none are said."""
    if seeds is None:
        return ""
    if not seeds:
        return "<small>nothing random</small>"
    row = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    shown = f"{seeds[0]}–{seeds[-1]}" if row else ", ".join(map(str, seeds))
    return f"<small>{'seeds' if len(seeds) > 1 else 'seed'}&nbsp;{shown}</small>"


def bound_html(claim: dict) -> str:
    """The relation and the other side."""
    text = f"{RELATIONS[claim['relation']]}&nbsp;{figure(claim['bound'], claim['unit'])}"
    if claim["relation"] == "~":
        text += f"<small>within {figure(claim['tolerance'])}</small>"
    return text


def percent(share: float | None) -> str:
    """A share in percent, three digits at most."""
    return DASH if share is None else f"{typeset(f'{100 * share:.3g}')}&nbsp;%"


def claim_row(claim: dict, places: Places) -> str:
    """One claim, one row; the labels are shown where a phone turns rows into cards."""
    link = html.escape(f"{places.page(claim['chapter'])}#{claim['anchor']}")
    near = [places.figure(claim["chapter"], claim["figure"])]
    if claim["theorem"]:
        near.insert(0, places.statement(claim["theorem"]))
    relative, slack = claim["relative_slack"], claim["slack"]
    return (
        f'<tr data-provenance="{claim["provenance"]}" data-slack="{slack}"'
        f' data-relative="{"" if relative is None else relative}" data-name="{claim["id"]}">'
        f'<th scope="row">{prose(html.escape(claim["statement"]))} '
        f"{tag_html(claim['provenance'])}"
        f'<a class="lowrot-id" href="{link}">{html.escape(claim["id"])}</a></th>'
        f'<td data-label="measured">{measured_html(claim)}</td>'
        f'<td data-label="bound">{bound_html(claim)}{seeds_html(claim["seeds"])}</td>'
        f'<td data-label="slack">{figure(slack, claim["unit"])}'
        f"<small>{percent(relative)}</small></td>"
        f'<td data-label="see">{", ".join(filter(None, near)) or DASH}</td></tr>'
    )


def chapter_html(entry: dict, own: list[dict], places: Places) -> str:
    """The claims of one chapter, folded."""
    kinds = ", ".join(
        f"{count} {name}" for name in TAGS if (count := sum(c["provenance"] == name for c in own))
    )
    rows = "".join(claim_row(claim, places) for claim in own)
    name = entry["chapter"].rsplit("/", 1)[-1]
    return (
        f'<details class="lowrot-chapter" id="claims-{html.escape(name)}">'
        f"<summary>{html.escape(entry['title'])}"
        f'<small><span class="lowrot-shown">{len(own)}</span> claims: {kinds}</small></summary>'
        f'<p class="lowrot-more"><a href="{places.page(entry["chapter"])}">To the chapter</a></p>'
        f'<table class="lowrot-claims table"><thead><tr><th scope="col">claim</th>'
        '<th scope="col">measured</th><th scope="col">bound</th><th scope="col">slack</th>'
        f'<th scope="col">see</th></tr></thead><tbody>{rows}</tbody></table></details>'
    )


def claims_html(claims: list[dict], chapters: list[dict], places: Places) -> str:
    """A sentence, the file, and all claims by chapter."""
    counts = {name: sum(c["provenance"] == name for c in claims) for name in TAGS}
    kinds = ", ".join(f"{count} {tag_html(name)}" for name, count in counts.items() if count)
    out = [
        f'<p class="lowrot-counts"><strong>{len(claims)} claims</strong> in '
        f"{sum(c['claims'] > 0 for c in chapters)} chapters were checked, and all hold: {kinds}. "
        f'As data: <a href="{places.top}claims.json">claims.json</a>, described by a '
        f'<a href="{places.top}_static/claims.schema.json">JSON schema</a>.</p>',
        '<div class="lowrot-ledger">',
    ]
    for entry in chapters:
        own = [c for c in claims if c["chapter"] == entry["chapter"]]
        if own:
            out.append(chapter_html(entry, own, places))
    return "\n".join([*out, "</div>"])


def sizes_html(sizes: dict[str, list[float]]) -> str:
    """Sizes by symbol: all of a few, the ends of many."""
    parts = []
    for symbol, values in sizes.items():
        few = [figure(v) for v in values]
        shown = ", ".join(few) if len(few) <= 4 else f"{few[0]} to {few[-1]} ({len(few)} values)"
        first, space, rest = shown.partition(" ")
        size = f"{prose(f'${symbol}$')}&nbsp;=&nbsp;{first}"
        parts.append(f'<span class="lowrot-together">{size}</span>{space}{rest}')
    return "; ".join(parts) or DASH


_SHOWN = 2
"""Claims of a statement that are seen at once: the table stays short on a phone."""


def row_html(row: Row, claims: dict[str, dict], places: Places, cited: str) -> str:
    """One statement of a paper that the book has a chapter on."""
    own = [claims[name] for name in row.claims]
    met = "".join(
        f"<small>{places.link(c['chapter'], c['anchor'], c['id'])}: {measured_html(c)}</small>"
        for c in (claims[name] for name in row.hypotheses)
        if c["relation"] == "=="
    )
    every = [
        f'<div>{prose(html.escape(c["statement"]) + ":")} <a href="'
        f'{html.escape(places.page(c["chapter"]))}#{c["anchor"]}">{figure(worst(c), c["unit"])}'
        f"</a> {bound_html(c)}</div>"
        for c in own
    ]
    measured, more = "".join(every[:_SHOWN]), "".join(every[_SHOWN:])
    if more:
        measured += f"<details><summary>{len(every) - _SHOWN} more</summary>{more}</details>"
    chapters = list(dict.fromkeys(c["chapter"] for c in own))
    where = [f'<a href="{places.page(n)}">{html.escape(places.title(n))}</a>' for n in chapters]
    drawn = dict.fromkeys((c["chapter"], c["figure"]) for c in own)
    where += [text for name, fig in drawn if (text := places.figure(name, fig))]
    verdict = reproduction.verdict(row, claims)
    differs = f"<small>{prose(html.escape(row.differs))}</small>" if row.differs else ""
    return (
        f'<tr><th scope="row">{prose(html.escape(row.says))} {cited}</th>'
        f'<td data-label="ours">{", ".join(map(places.statement, row.statements))}'
        f"{differs}</td>"
        f'<td data-label="hypotheses met at">{sizes_html(reproduction.sizes(row, claims))}'
        f"{met}</td>"
        f'<td data-label="measured">{measured}</td>'
        f'<td data-label="verdict" class="lowrot-verdict lowrot-{verdict}">'
        f"{reproduction.VERDICTS[verdict]}</td>"
        f'<td data-label="where">{", ".join(where)}</td></tr>'
    )


def absent_html(row: Row, cited: str) -> str:
    """One statement of a paper whose chapter is to come."""
    return (
        f'<tr class="lowrot-later"><th scope="row" colspan="4">{prose(html.escape(row.says))} '
        f'{cited}</th><td colspan="2" data-label="verdict" class="lowrot-verdict">'
        f"{reproduction.VERDICTS['absent']}</td></tr>"
    )


def reproduction_html(rows: Iterable[Row], claims: dict[str, dict], places: Places, cite) -> str:
    """The table of what is reproduced: of the first paper open, of each other one folded."""
    tables = []
    for paper, group in itertools.groupby(rows, key=lambda row: row.paper):
        own = list(group)
        table = paper_html(own, claims, places, cite(paper))
        if tables:
            name = re.sub("<[^>]+>", "", cite(paper))  # a summary holds no links
            count = f"{len(own)} statement{'s' if len(own) > 1 else ''}"
            table = (
                f'<details class="lowrot-paper"><summary>{name}: {count}</summary>{table}</details>'
            )
        tables.append(table)
    return "".join(tables)


def paper_html(rows: Iterable[Row], claims: dict[str, dict], places: Places, cited: str) -> str:
    """The table of the statements of one paper."""
    body = "".join(
        absent_html(row, cited) if row.chapter else row_html(row, claims, places, cited)
        for row in rows
    )
    heads = ("the paper states", "ours", "hypotheses met at", "measured", "verdict", "where")
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return (
        '<table class="lowrot-claims lowrot-reproduced table"><caption>What is reproduced</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
    )


def facts_html(chapters: list[dict], made: dict, places: Places) -> str:
    """Run times, and what everything was made with."""
    times = "".join(
        f'<tr><th scope="row"><a href="{places.page(c["chapter"])}">{html.escape(c["title"])}</a>'
        f"</th><td>{DASH if c['seconds'] is None else figure(c['seconds'], 's')}</td>"
        f"<td>{c['claims']}</td></tr>"
        for c in chapters
    )
    commit = made["commit"][:12] + (" with local changes" if made["local_changes"] else "")
    known = {**made["versions"], "commit": commit, "machine": made["machine"], "date": made["date"]}
    facts = "".join(
        f'<tr><th scope="row">{name}</th><td>{html.escape(value)}</td></tr>'
        for name, value in known.items()
    )
    return (
        '<details class="lowrot-chapter"><summary>Run times, versions, commit</summary>'
        '<table class="lowrot-facts table"><caption>Run time of each chapter</caption><thead><tr>'
        '<th scope="col">chapter</th><th scope="col">run time</th><th scope="col">claims</th></tr>'
        f"</thead><tbody>{times}</tbody></table>"
        '<table class="lowrot-facts table"><caption>Made with</caption>'
        f"<tbody>{facts}</tbody></table></details>"
    )
