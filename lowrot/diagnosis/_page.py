"""A diagnosis as one page that needs nothing else: tables, figures, day and night, any width."""

from __future__ import annotations

from html import escape

from lowrot.diagnosis import _rows
from lowrot.diagnosis._figures import margins, wide, widths
from lowrot.diagnosis._findings import Findings
from lowrot.diagnosis._rows import Rows

STYLE = """
:root{--ink:#222;--ground:#fff;--line:#d5d5d5;--soft:#f4f4f4;
--holds:#0072b2;--fails:#b34700;--muted:#666}
@media (prefers-color-scheme:dark){:root{--ink:#e8e8e8;--ground:#121212;--line:#444;--soft:#1e1e1e;
--holds:#56b4e9;--fails:#f2994a;--muted:#a5a5a5}}
.lowrot-diagnosis{color:var(--ink);font:16px/1.5 system-ui,sans-serif}
.lowrot-diagnosis h1{font-size:1.5rem;line-height:1.2}
.lowrot-diagnosis h2{font-size:1.2rem;margin-top:2rem}
.lowrot-diagnosis .wide{overflow-x:auto}
.lowrot-diagnosis table{border-collapse:collapse;font-size:.9rem;width:100%;min-width:44rem}
.lowrot-diagnosis .widest table{min-width:60rem}
.lowrot-diagnosis .numbers td:nth-child(-n+4){white-space:nowrap}
.lowrot-diagnosis caption{text-align:left;color:var(--muted);padding-bottom:.3rem}
.lowrot-diagnosis th,.lowrot-diagnosis td{border-bottom:1px solid var(--line);padding:.35rem .6rem;
text-align:left;vertical-align:top;font-weight:normal}
.lowrot-diagnosis thead th{font-weight:600;background:var(--soft)}
.lowrot-diagnosis .holds{color:var(--holds);font-weight:600}
.lowrot-diagnosis .fails{color:var(--fails);font-weight:600}
.lowrot-diagnosis svg{display:block;width:100%;min-width:44rem;max-width:50rem;height:auto;
color:var(--ink)}
.lowrot-diagnosis figure{margin:1rem 0}
.lowrot-diagnosis dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}
.lowrot-diagnosis dt{font-weight:600;max-width:7rem}
.lowrot-diagnosis dd{margin:0}
.lowrot-diagnosis figcaption{color:var(--muted);font-size:.9rem}
.lowrot-diagnosis a:focus-visible,.lowrot-diagnosis .wide:focus-visible,
.lowrot-diagnosis summary:focus-visible{outline:2px solid var(--holds)}
"""
"""Colours by day and by night have a contrast of at least 4.5 with their ground."""

CAPTIONS = {"Theorems": "Theorems that speak of such data", "Flows": "What the flows did"}
"""Of tables that say more than their heading."""

_PAGE = "body{margin:0 auto;max-width:70rem;padding:1rem;background:var(--ground)}"


def page(found: Findings) -> str:
    """Return the page."""
    title = escape(f"Diagnosis of {found.name}")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>'
        '\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<link rel="icon" href="data:,">\n'  # else a browser asks the server for one
        f"<style>{STYLE}{_PAGE}</style>\n</head>\n<body>\n<main class='lowrot-diagnosis'>\n"
        f"<h1>{title}</h1>\n{_body(found)}\n</main>\n</body>\n</html>\n"
    )


def fragment(found: Findings) -> str:
    """Return what a notebook shows: the summary, the table of verdicts and their symbols."""
    return (
        f"<style>{STYLE}</style><div class='lowrot-diagnosis'>"
        f"<p>{escape(_rows.summary(found))}</p>{_table(_rows.verdicts(found))}"
        f"{_legend(_rows.symbols(found, every=False))}</div>"
    )


def _body(found: Findings) -> str:
    parts = [f"<p>{escape(_rows.summary(found))}</p>"]
    if found.notes:
        parts.append("<ul>" + "".join(f"<li>{escape(n)}</li>" for n in found.notes) + "</ul>")
    if found.unfinished:
        left = escape("; ".join(found.unfinished))
        parts.append(f"<p class='fails'>Interrupted; not done: {left}.</p>")
    parts += ["<h2>Theorems</h2>", _table(_rows.verdicts(found))]
    parts.append(f"<p>{escape(' '.join(_rows.reading(found)))}</p>")
    parts += [widths(found), _folded("Every hypothesis with its value", _rows.hypotheses(found))]
    parts += [_folded("Not applicable", _rows.others(found))]
    parts.append(_legend(_rows.symbols(found, every=True)))
    for rows in _rows.quantities(found):
        parts.append(f"<h2>{escape(rows.heading)}</h2>")
        if rows.heading == "Margins":
            parts.append(margins(found.margins))
        parts.append(_table(rows, "numbers"))
    if found.runs:
        parts += ["<h2>Flows</h2>", _table(_rows.runs(found))]
    return "\n".join(part for part in parts if part)


def _table(found: Rows, kind: str = "") -> str:
    """A table that scrolls by itself where it is too wide; the first column names the row."""
    head = "".join(f"<th scope='col'>{escape(column)}</th>" for column in found.columns)
    lines = []
    for first, *rest in found.rows:
        cells = "".join(f"<td>{_cell(cell)}</td>" for cell in rest)
        lines.append(f"<tr><th scope='row'>{escape(first)}</th>{cells}</tr>")
    caption = CAPTIONS.get(found.heading, found.heading)
    table = (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )
    return wide(table, caption, kind or "widest" * (len(found.columns) > 5))


def _cell(text: str) -> str:
    shown = escape(text)
    return f"<span class='{text}'>{shown}</span>" if text in ("holds", "fails") else shown


def _folded(title: str, found: Rows) -> str:
    """A table behind its title."""
    if not found.rows:
        return ""
    return f"<details><summary>{escape(title)}</summary>{_table(found)}</details>"


def _legend(found: Rows) -> str:
    """Symbols and what they mean."""
    if not found.rows:
        return ""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(what)}</dd>" for name, what in found.rows)
    return f"<h2>{escape(found.heading)}</h2><dl>{items}</dl>"
