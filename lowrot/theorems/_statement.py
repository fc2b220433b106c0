"""What every theorem object shares: its hypotheses, evaluated, and its conclusion, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

ROUNDING = 1e-7
"""Allowance of a conclusion for rounding and for the accuracy of the optima."""


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis, evaluated: what is asked, the measured value, the limit, the verdict."""

    statement: str
    value: float
    limit: str
    holds: bool


@dataclass(frozen=True)
class Check:
    """A conclusion compared with a path.

    Args:
        frame: one row a saved time: both sides of every inequality of the conclusion.
        slack: the smallest (right side - left side), by inequality.
        holds: whether every slack is above minus the rounding allowance.
    """

    frame: pd.DataFrame
    slack: dict[str, float]
    holds: bool


def verdict(frame: pd.DataFrame, slack: dict[str, Any]) -> Check:
    """Return the check of these slacks."""
    slack = {name: float(value) for name, value in slack.items()}
    return Check(frame, slack, all(value >= -ROUNDING for value in slack.values()))


def times(tau: Any) -> np.ndarray:
    """Return clock times as an array; raise unless all are >= 0."""
    tau = np.asarray(tau, dtype=np.float64)
    if np.any(~(tau >= 0)):
        raise ValueError("tau has entries that are negative or NaN; expected clock times >= 0")
    return tau
