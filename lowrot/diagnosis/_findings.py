"""Everything that was found about a data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lowrot import _validate
from lowrot.diagnosis._verdict import Decision, Quantity, Ran, Verdict

if TYPE_CHECKING:
    import pandas as pd

SECTIONS = {
    "facts": "Data",
    "margins": "Margins",
    "neurons": "Good neurons",
    "samples": "Sample sizes",
    "clocks": "Clocks",
}
"""Parts of a diagnosis that are quantities, and their headings."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What a `Diagnosis` is made of; its attributes are described there."""

    name: str
    task: str
    n: int
    d: int
    m: int
    slope: float
    seed: int
    network: bool = False
    notes: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    facts: tuple[Quantity, ...] = ()
    margins: tuple[Quantity, ...] = ()
    neurons: tuple[Quantity, ...] = ()
    samples: tuple[Quantity, ...] = ()
    clocks: tuple[Quantity, ...] = ()
    runs: tuple[Ran, ...] = ()
    unfinished: tuple[str, ...] = ()

    def __getitem__(self, theorem: str) -> Verdict:
        """Return the verdict on a theorem, by its label in the book.

        Raises:
            KeyError: no such label, or an interrupt came before it.
        """
        for verdict in self.verdicts:
            if verdict.theorem == theorem:
                return verdict
        raise KeyError(theorem)

    @property
    def applicable(self) -> tuple[Verdict, ...]:
        """The verdicts on theorems that speak of such data."""
        return tuple(v for v in self.verdicts if v.decision != Decision.NOT_APPLICABLE)

    def count(self, decision: str) -> int:
        """Return how many theorems have a decision, "holds", "fails" and so on.

        Raises:
            ValueError: no decision.
            TypeError: no text.
        """
        decision = _validate.choice("decision", decision, [str(d) for d in Decision])
        return sum(v.decision == decision for v in self.verdicts)

    def quantities(self) -> Iterator[tuple[str, tuple[Quantity, ...]]]:
        """Yield heading and rows of every part that has some."""
        for part, heading in SECTIONS.items():
            rows = getattr(self, part)
            if part == "clocks" and self.task == "regression":
                heading = "Rates and clocks"
            if rows:
                yield heading, rows

    def to_frame(self) -> pd.DataFrame:
        """Return the verdicts as a data frame, one row a theorem."""
        import pandas as pd

        return pd.DataFrame([_row(verdict) for verdict in self.verdicts], columns=COLUMNS)


COLUMNS = (
    "theorem",
    "title",
    "decision",
    "slack",
    "needed",
    "value",
    "how",
    "start",
    "reason",
)


def _row(verdict: Verdict) -> dict[str, Any]:
    needed = verdict.needed
    return {
        "theorem": verdict.theorem,
        "title": verdict.title,
        "decision": str(verdict.decision),
        "slack": verdict.slack,
        "needed": needed.what if needed else "",
        "value": needed.value if needed else float("nan"),
        "how": needed.how if needed else "",
        "start": verdict.start,
        "reason": verdict.reason,
    }
