"""What every theorem object shares: its hypotheses, its bound, its conclusion and its proof."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lowrot import _validate
from lowrot.path import Path
from lowrot.theorems._subject import Subject

if TYPE_CHECKING:
    import pandas as pd

ROUNDING = 1e-7
"""By how much an inequality may fail: constants come from optima that are certified to a relative
gap of 1e-6 and are mostly a hundred times better, and paths from steps of finite accuracy."""


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis, evaluated.

    Args:
        statement: what is asked, and of which number; it may hold formulas between dollar signs.
        value: that number.
        limit: what it has to be, in words or as a formula.
        holds: whether it is.
        bound: the number in the limit, nan where it has none.
    """

    statement: str
    value: float
    limit: str
    holds: bool
    bound: float = math.nan

    @property
    def slack(self) -> float:
        """How far the value is from its bound, relative to it: below 0 where it does not hold.

        nan where there is no bound, or where it is 0, to which nothing is relative.
        """
        if math.isnan(self.bound) or self.bound == 0:
            return math.nan
        away = abs(self.value - self.bound) / abs(self.bound)
        return away if self.holds else -away


@dataclass(frozen=True, eq=False)
class Check:
    """Inequalities compared with a path.

    Args:
        frame: one row a saved time: both sides of every inequality.
        slack: the smallest (right side - left side), by inequality.
        holds: whether every slack is above minus the rounding allowance (NaN is not).
    """

    frame: pd.DataFrame
    slack: dict[str, float]
    holds: bool


class Statement:
    """A theorem on given objects, with its hypotheses evaluated.

    Attributes:
        hypotheses: each evaluated, with its value and its limit.
    """

    hypotheses: list[Hypothesis]

    @property
    def holds(self) -> bool:
        """Whether every hypothesis holds."""
        return all(hypothesis.holds for hypothesis in self.hypotheses)

    def hypothesis_frame(self) -> pd.DataFrame:
        """Return the hypotheses as a data frame: statement, value, limit, holds."""
        import pandas as pd

        rows = [(h.statement, h.value, h.limit, h.holds) for h in self.hypotheses]
        return pd.DataFrame(rows, columns=["statement", "value", "limit", "holds"])


class Theorem(Statement, ABC):
    """A theorem on a run: hypotheses, a bound, the conclusion and the proof on a path.

    Attributes:
        hypotheses: each evaluated, with its value and its limit.
        subject: the runs that the theorem speaks of.
    """

    subject: Subject

    def require_path(self, path: Path, *names: str) -> None:
        """Raise unless a path belongs to this theorem and has what is to be read from it.

        Args:
            path: of the dynamics, the settings and the start that the theorem speaks of, saved
                from the start on.
            names: columns and states that it must have.

        Raises:
            TypeError: not a `Path`.
            ValueError: a path of other dynamics, settings or another start, one saved from later
                on or at the start only, or one without these columns and states.
        """
        self.subject.require(path, names)

    @abstractmethod
    def bound(self, clock: Any, /) -> np.ndarray:
        """Return the bound of the conclusion at clock times, as it is known before the run.

        Args:
            clock: times tau >= 0 (numbers of samples for SGD), of any shape.

        Returns:
            Of the shape of ``clock``.

        Raises:
            ValueError: times that are negative or NaN.
            TypeError: no real numbers.
        """

    @abstractmethod
    def check(self, path: Path, /) -> Check:
        """Compare the conclusion with a path at every saved time.

        It is compared whether or not the hypotheses hold; where they do not, it may fail.

        Args:
            path: one that belongs to the theorem (`require_path`).

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """

    @abstractmethod
    def inequalities(self, path: Path, /) -> Check:
        """Compare both sides of each inequality of the proof along a path.

        Args:
            path: one that belongs to the theorem (`require_path`), with its states.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """


def verdict(frame: pd.DataFrame, slack: dict[str, Any]) -> Check:
    """Return the check of these slacks."""
    slack = {name: float(value) for name, value in slack.items()}
    return Check(frame, slack, all(value >= -ROUNDING for value in slack.values()))


def at_most(statement: str, value: float, name: str, limit: float) -> Hypothesis:
    """Return the hypothesis ``value <= limit``, the limit shown by name (TeX) and number."""
    return Hypothesis(statement, value, rf"$\le {name} = {limit:.3g}$", value <= limit, limit)


def nonnegative(name: str, values: Any) -> np.ndarray:
    """Return numbers as an array; raise unless all are >= 0."""
    values = _validate.numbers(name, values)
    wrong = values[~(values >= 0)]
    if wrong.size:
        raise ValueError(f"{name} has the entry {wrong.flat[0]:g}; expected numbers >= 0")
    return values


def fitting(name: str, values: np.ndarray, time: np.ndarray) -> None:
    """Raise unless values broadcast to the shape of the times."""
    try:
        fits = np.broadcast_shapes(values.shape, time.shape) == time.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} has shape {values.shape}; expected one that fits {time.shape}")


def over(total: Any, time: np.ndarray) -> np.ndarray:
    """Return ``total/time``, infinite at time 0 and where the total is."""
    defined = (time > 0) & np.isfinite(total)
    return np.where(defined, np.where(defined, total, 0.0) / np.where(defined, time, 1.0), np.inf)
