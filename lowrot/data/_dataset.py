"""Validated data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from lowrot import _validate

_NORM_SLACK = 1e-12
"""Inputs longer than 1 by at most this are unit inputs but for the rounding of their norm."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labelled data set for binary classification, checked on construction.

    Two data sets are equal only if they are the same object; compare their X and y otherwise.

    Args:
        X: inputs, shape (n, d), float64, with ``0 < ||x_i|| <= 1``.
        y: labels, shape (n,), each -1 or +1.
        groups: optional group index of each point, shape (n,), integers >= 0.
        name: what to call it in figures and reports.
        known: quantities known exactly, by name (for example ``gamma_gl``).

    Raises:
        ValueError: non-finite values, labels other than -1 and +1, shapes that disagree, an
            empty set, zero rows or rows longer than 1, or tensors on different devices.
        TypeError: a dtype other than float64 (integers are converted).

    Source: chapter "Notation and the common frame".
    """

    X: Tensor
    y: Tensor
    groups: Tensor | None = None
    name: str = ""
    known: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        X = _validate.real_array("X", self.X, ("n", "d"))
        y = _validate.signs("y", self.y, X.shape[0])
        _validate.same_device(X=X, y=y)
        _check_norms(X)
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        if self.groups is not None:
            groups = _validate.real_array("groups", self.groups, (X.shape[0],))
            if bool(((groups < 0) | (groups != groups.round())).any()):
                raise ValueError(f"groups is {self.groups!r}; expected integers >= 0")
            object.__setattr__(self, "groups", groups.long().to(X.device))

    @property
    def n(self) -> int:
        """Number of points."""
        return self.X.shape[0]

    @property
    def d(self) -> int:
        """Input dimension."""
        return self.X.shape[1]

    def to(self, device: torch.device | str) -> Dataset:
        """Return the same data on another device."""
        groups = None if self.groups is None else self.groups.to(device)
        return replace(self, X=self.X.to(device), y=self.y.to(device), groups=groups)


def _check_norms(X: Tensor) -> None:
    norms = X.norm(dim=1)
    zero = torch.nonzero(norms == 0)
    if len(zero):
        raise ValueError(f"X[{int(zero[0])}] is zero; expected 0 < ||x_i|| <= 1")
    longest = int(norms.argmax())
    if norms[longest] > 1 + _NORM_SLACK:
        raise ValueError(
            f"X[{longest}] has norm {norms[longest].item():.6g}; expected ||x_i|| <= 1 "
            "(divide X by its largest norm, or load with scale=True)"
        )
