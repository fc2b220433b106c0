"""A diagnosis as tables of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lowrot.diagnosis import _rows
from lowrot.diagnosis._findings import Findings
from lowrot.diagnosis._rows import Rows
from lowrot.diagnosis._verdict import Decision

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table


_COLOURS: dict[str, str] = {
    Decision.HOLDS: "green",
    Decision.FAILS: "red",
    Decision.TOO_LARGE: "yellow",
}
_VERDICTS = ("theorem", "verdict", "slack", "would hold at", "why not")
_RUNS = ("theorem", "until", "reached", "promised", "agrees", "ended")
"""The columns for which a terminal has room."""


def group(found: Findings) -> Group:
    """Return everything as tables, one below the other."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Text | Table] = [Text(_rows.summary(found), style="bold")]
    parts += [Text(f"  {note}") for note in found.notes]
    if found.unfinished:
        left = "; ".join(found.unfinished)
        parts.append(Text(f"Interrupted; not done: {left}.", style="bold red"))
    parts.append(_table(_rows.verdicts(found).only(*_VERDICTS)))
    parts += [Text(line) for line in _rows.reading(found)]
    parts.append(Text(_rows.other_names(found)))
    shown = [_rows.symbols(found, every=False), *_rows.quantities(found)]
    parts += [_table(rows) for rows in shown if rows.rows]
    if found.runs:
        parts.append(_table(_rows.runs(found).only(*_RUNS)))
    return Group(*parts)


def _table(rows: Rows) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=rows.heading, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for column in rows.columns:
        table.add_column(column, overflow="fold")
    for row in rows.rows:
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    return table
