"""The runs that a theorem speaks of, and whether a path is one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from lowrot import _validate
from lowrot.losses import soft_margin
from lowrot.network import Network
from lowrot.path import Path

_SAME = 1e-9
"""Relative difference up to which numbers at the start are the same: rounding, on any device."""
_MAKERS = {
    "flow": "gradient_flow",
    "regression": "regression_flow",
    "coupled": "coupled_flow",
    "sgd": "one_pass_sgd, with keep=True for the states",
}
"""What makes the paths of each kind."""
_UNSAID = {"slope": 0.0, "rates": [1.0, 1.0]}
"""What a path is taken to be that does not say so: ReLU, both layers trained at rate 1."""


@dataclass(frozen=True)
class Subject:
    """The runs that a theorem speaks of.

    Args:
        kind: of the dynamics, as ``meta`` of a path says: "flow", "coupled" or "sgd".
        settings: what else ``meta`` has to say, by name.
        columns: scalars at the start, by name; a path that lacks one is not asked for it.
        states: arrays at the start, by name; likewise.
        clock: the column that is 0 at the start.
    """

    kind: str
    settings: Mapping[str, Any]
    columns: Mapping[str, float]
    states: Mapping[str, np.ndarray] = field(default_factory=dict)
    clock: str = "tau"

    def require(self, path: Path, names: Sequence[str]) -> None:
        """Raise unless the path is one of these runs, whole, with these columns and states."""
        _validate.kind("path", path, Path)
        for name, wanted in {"kind": self.kind, **self.settings}.items():
            found = path.meta.get(name, _UNSAID.get(name))
            if found != wanted:
                raise ValueError(
                    f"path has {name} {found!r}; expected {wanted!r}, a path of "
                    f"{_MAKERS[self.kind]}, as this theorem speaks of"
                )
        self.require_names(path, names)
        if len(path) < 2 or path[self.clock][0] != 0:
            times = ", ".join(f"{time:g}" for time in path[self.clock][:2])
            raise ValueError(
                f"path has {len(path)} saved points, from {self.clock} = {times or 'none'} on; "
                f"expected one saved from {self.clock} = 0 on, and at some later time"
            )
        self._require_start(path)

    def require_names(self, path: Path, names: Sequence[str]) -> None:
        """Raise unless the path has the clock of these runs, and these columns and states."""
        _validate.kind("path", path, Path)
        names = [self.clock, *names]
        missing = [name for name in names if name not in {**path.columns, **path.states}]
        if missing:
            raise ValueError(
                f"path has no column or state {', '.join(missing)}; expected {', '.join(names)} "
                f"(a path of {_MAKERS[self.kind]}), and it has "
                f"{', '.join([*path.columns, *path.states])}"
            )

    def _require_start(self, path: Path) -> None:
        for name, wanted in self.states.items():
            if name not in path.states:
                continue
            found = np.asarray(path.states[name][0])
            if found.shape != wanted.shape:
                raise ValueError(
                    f"path has states {name} of shape {found.shape}; expected {wanted.shape}"
                )
            away = np.abs(found - wanted).max()
            if not away <= _SAME * np.abs(wanted).max():
                raise ValueError(
                    f"path starts up to {away:.3g} away from {name} of this theorem; expected a "
                    "path from the same start"
                )
        for name, value in self.columns.items():
            first = float(path.columns[name][0]) if name in path.columns else value
            if not abs(first - value) <= _SAME * max(1.0, abs(value)):
                raise ValueError(
                    f"path starts at {name} = {first:.9g}; expected {value:.9g}, the start and the "
                    "data of this theorem"
                )


def flow_subject(net: Network, p: Tensor, loss: str) -> Subject:
    """Return the gradient flows of both layers from a network.

    Args:
        net: the start (m neurons in dimension d).
        p: its margins on the data, shape (n,).
        loss: "exponential" or "logistic".

    Returns:
        The subject: of this loss and slope, with these weights and this soft margin at tau = 0.
    """
    return Subject(
        "flow",
        {"loss": loss, "slope": net.slope, "rates": [1.0, 1.0]},
        {"rho": 0.0, "P": float(soft_margin(p, loss)), "norm_squared": net.norm_squared},
        {"a": net.a.cpu().numpy(), "V": net.V.cpu().numpy()},
    )
