"""What is said of a theorem on given data, and of any other number."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from lowrot.theorems import Hypothesis, Statement

OTHER_LABELS = ("real labels", "labels -1 and +1")
"""What theorems speak of that do not speak of such labels."""


class Decision(StrEnum):
    """Whether a theorem speaks of given data and a given start."""

    HOLDS = "holds"
    """every hypothesis holds"""
    FAILS = "fails"
    """some hypothesis does not"""
    NOT_APPLICABLE = "not applicable"
    """it speaks of other data"""
    TOO_LARGE = "too large to decide"
    """its hypotheses cost more than is spent here"""


@dataclass(frozen=True)
class Needed:
    """At which width, scale or slope a theorem would hold.

    Attributes:
        what: "width", "scale" (a factor for all weights of the start) or "slope".
        value: the least width, or the largest scale or slope; infinite where none was found.
        how: "evaluated" (the theorem was built there, and one below it fails), "predicted" (its
            own hypotheses, with the numbers of this start carried to that width) or "none".
        words: what is meant, in a line.
    """

    what: str
    value: float
    how: str
    words: str


@dataclass(frozen=True, eq=False)
class Verdict:
    """What one theorem of the book says of the data.

    Attributes:
        theorem: its label in the book.
        title: its name.
        says: its conclusion in a line.
        decision: whether its hypotheses hold.
        reason: why not, in plain words; empty where they hold.
        start: the network that it was asked of.
        hypotheses: each evaluated, as the theorem itself does.
        needed: where it would hold, or from where on it does; None where that was not asked.
        statement: the theorem itself, where it could be built.
    """

    theorem: str
    title: str
    says: str
    decision: Decision
    reason: str = ""
    start: str = ""
    hypotheses: tuple[Hypothesis, ...] = ()
    needed: Needed | None = None
    statement: Statement | None = field(default=None, repr=False)

    @property
    def slack(self) -> float:
        """The least relative slack of the hypotheses, of those that fail if some do; nan if none.

        Hypotheses whose bound is zero have none.
        """
        missed = [h for h in self.hypotheses if not h.holds]
        known = [h.slack for h in missed or self.hypotheses if not math.isnan(h.slack)]
        return min(known) if known else math.nan


@dataclass(frozen=True)
class Quantity:
    """A number between two others, with its unit.

    Attributes:
        name: what it is.
        value: the number; nan where only an interval is known.
        low: no less than this (nan: not known).
        high: no more than this (nan: not known).
        unit: of all three; empty for shares and counts.
        note: how it was found, in plain words.
    """

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Ran:
    """What a flow did beside a theorem.

    Attributes:
        theorem: label of the theorem.
        start: from which network.
        clock: name of the clock, "tau" or "t".
        until: where the run ended.
        measured: name and number at the end.
        promised: the bound of the theorem on the same number there.
        agrees: whether the conclusion holds at every saved time; it may fail where hypotheses do.
        ended: why the run ended.
    """

    theorem: str
    start: str
    clock: str
    until: float
    measured: tuple[str, float]
    promised: float
    agrees: bool
    ended: str
