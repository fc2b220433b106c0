"""The points of a run and its running certificates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lowrot.path import Certificate, End, Path


class Recorder:
    """Collects the points of a run, tracks the running certificates, and builds the `Path`."""

    def __init__(self, certificates: Mapping[str, tuple[float, str]]) -> None:
        self._rows: list[dict[str, float]] = []
        self._states: list[dict[str, np.ndarray]] = []
        self._limits = dict(certificates)
        self._worst = dict.fromkeys(certificates, 0.0)

    def add(self, row: dict[str, float], state: dict[str, np.ndarray]) -> None:
        """Keep one point."""
        self._rows.append(row)
        self._states.append(state)

    def restore(self, path: Path) -> None:
        """Keep all points of a path to be continued but the last, and all its violations."""
        for index in range(len(path) - 1):
            row = {name: float(values[index]) for name, values in path.columns.items()}
            self.add(row, {name: values[index] for name, values in path.states.items()})
        for name, certificate in path.certificates.items():
            self.violation(name, certificate.value)

    def last(self, name: str) -> float:
        """Value of a column at the last point kept."""
        return self._rows[-1][name]

    def violation(self, name: str, value: float) -> None:
        """Record a violation of the named certificate; NaN counts as infinite."""
        value = math.inf if math.isnan(value) else value
        self._worst[name] = max(self._worst[name], value)

    def accumulate(self, name: str, value: float) -> None:
        """Add to a certificate that is a running sum."""
        self._worst[name] += math.inf if math.isnan(value) else value

    def path(self, end: End, stats: dict[str, float], meta: dict[str, Any]) -> Path:
        """Return everything recorded so far."""
        columns = {name: np.array([row[name] for row in self._rows]) for name in self._rows[0]}
        states = {name: np.stack([s[name] for s in self._states]) for name in self._states[0]}
        certificates = {
            name: Certificate(self._worst[name], tolerance, meaning)
            for name, (tolerance, meaning) in self._limits.items()
        }
        return Path(columns, states, certificates, stats, end.reason, meta, end.outcome)
