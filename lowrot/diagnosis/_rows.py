"""What a diagnosis shows, as rows of text; the terminal and the page draw the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lowrot._numbers import plain
from lowrot.diagnosis._findings import Findings
from lowrot.diagnosis._symbols import explained
from lowrot.diagnosis._verdict import OTHER_LABELS, Decision, Verdict
from lowrot.diagnosis._words import exact, interval, needed, number, slack, words


@dataclass(frozen=True)
class Rows:
    """A table: its heading, its columns and the rows of text below them."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def only(self, *columns: str) -> Rows:
        """Return the table with these columns."""
        kept = [self.columns.index(column) for column in columns]
        return Rows(self.heading, columns, tuple(tuple(r[k] for k in kept) for r in self.rows))


def summary(found: Findings) -> str:
    """The data, the start and the count of verdicts, in a line."""
    start = "your network" if found.network else f"starts of seed {found.seed}"
    asked = "asked before the interrupt" if found.unfinished else "that speak of such data"
    return (
        f"{found.name}: {found.task}, n = {plain(found.n)}, d = {plain(found.d)}; {start}, width "
        f"{plain(found.m)}, slope {found.slope:g}. Of {len(found.applicable)} theorems {asked} "
        f"{found.count('holds')} hold, {found.count('fails')} fail, "
        f"{found.count('too large to decide')} are too large to decide."
    )


def verdicts(found: Findings) -> Rows:
    """The theorems that speak of such data."""
    columns = ("theorem", "verdict", "slack", "would hold at", "asked of", "why not", "says")
    return Rows(
        "Theorems",
        columns,
        tuple(
            (v.title, str(v.decision), slack(v), needed(v.needed), v.start, words(v.reason), v.says)
            for v in found.applicable
        ),
    )


def symbols(found: Findings, *, every: bool) -> Rows:
    """What the symbols in the reasons mean, or in every hypothesis."""
    pairs = explained(found.applicable, every=every)
    rows = tuple((words(name), words(meaning)) for name, meaning in pairs)
    return Rows("Symbols", ("symbol", "meaning"), rows)


SLACK = (
    "Slack is how far a number is from what is asked, relative to that, and below 0 where a "
    "hypothesis fails; of several the least."
)
PREDICTED = (
    "A width that is predicted is where the hypotheses would hold with numbers carried on from a "
    "start; no start of that width was sampled."
)


def reading(found: Findings) -> list[str]:
    """How to read the columns, as far as it is needed."""
    foretold = any(v.needed and v.needed.how == "predicted" for v in found.applicable)
    return [SLACK, PREDICTED] if foretold else [SLACK]


def hypotheses(found: Findings) -> Rows:
    """Every hypothesis with its value."""
    columns = ("theorem", "hypothesis", "value", "asked", "holds")
    rows = tuple(row for verdict in found.applicable for row in _lines(verdict))
    return Rows("Every hypothesis", columns, rows)


def _lines(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    for h in verdict.hypotheses:
        yield (verdict.title, words(h.statement), exact(h.value), words(h.limit),
               plain(bool(h.holds)))  # fmt: skip


def others(found: Findings) -> Rows:
    """The theorems that speak of other data, and of what they speak."""
    off = [v for v in found.verdicts if v.decision == Decision.NOT_APPLICABLE]
    rows = tuple((v.title, words(v.reason)) for v in off)
    return Rows("Theorems that speak of other data", ("theorem", "why"), rows)


def other_names(found: Findings) -> str:
    """The same in a line: by name those that speak of such labels."""
    rows = others(found).rows
    named = [title for title, reason in rows if not reason.endswith(OTHER_LABELS)]
    names = f"Not applicable: {'; '.join(named)}. " if named else ""
    return f"{names}{len(rows) - len(named)} theorems speak of other labels."


def quantities(found: Findings) -> Iterator[Rows]:
    """Margins, neurons and all other numbers, one table a part."""
    columns = ("what", "value", "between", "unit", "note")
    for heading, rows in found.quantities():
        cells = ((r.name, number(r.value), interval(r), r.unit, words(r.note)) for r in rows)
        yield Rows(heading, columns, tuple(cells))


def runs(found: Findings) -> Rows:
    """What the flows did."""
    columns = ("theorem", "start", "until", "reached", "promised", "agrees", "ended")
    return Rows(
        "Flows",
        columns,
        tuple(
            (found[r.theorem].title, r.start, f"{r.clock} = {plain(r.until)}",
             f"{r.measured[0]} = {plain(r.measured[1])}", number(r.promised), plain(r.agrees),
             r.ended)
            for r in found.runs
        ),
    )  # fmt: skip
