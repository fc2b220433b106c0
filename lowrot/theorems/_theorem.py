"""What every theorem object shares: its hypotheses, evaluated, and its conclusion, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lowrot.network import Network
from lowrot.path import Path

ROUNDING = 1e-7
"""Allowance of a conclusion for rounding and for the accuracy of the optima."""


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis, evaluated: what is asked, the measured value, the limit, the verdict."""

    statement: str
    value: float
    limit: str
    holds: bool


class Theorem:
    """A theorem on given objects: its hypotheses, evaluated.

    Attributes:
        hypotheses: each with its value and its limit.
    """

    hypotheses: list[Hypothesis]

    @property
    def holds(self) -> bool:
        """Whether every hypothesis holds."""
        return all(hypothesis.holds for hypothesis in self.hypotheses)

    def hypothesis_frame(self) -> pd.DataFrame:
        """Return the hypotheses as a data frame."""
        return pd.DataFrame([vars(hypothesis) for hypothesis in self.hypotheses])


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


def require_start(path: Path, net: Network, loss: str) -> None:
    """Raise unless the path has states a and V, this loss, and starts at tau = 0 from net."""
    shape = (net.m, net.d)
    if path["V"].shape[1:] != shape or path["a"].shape[1:] != shape[:1]:
        raise ValueError(f"path has inner weights of shape {path['V'].shape[1:]}; expected {shape}")
    if path.meta.get("loss", loss) != loss:
        raise ValueError(f"path has loss {path.meta['loss']!r}; expected {loss!r}")
    moved = np.abs(path["V"][0] - net.V.cpu().numpy()).max()
    moved = max(moved, np.abs(path["a"][0] - net.a.cpu().numpy()).max())
    if path["tau"][0] != 0 or moved > 1e-9:
        raise ValueError(
            f"path is saved from tau = {path['tau'][0]:g} on, {moved:.3g} away from net; expected "
            "one saved from tau = 0 on, at net"
        )
