"""Validated data sets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from lowrot import _validate

_NORM_SLACK = 1e-12
"""Inputs longer than 1 by at most this are unit inputs but for the rounding of their norm."""

SHORTEST = 1e-150
"""Norm of the shortest input: its square is a normal double."""

_TINIEST = 5e-324
"""The smallest positive double."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labelled data set for binary classification, checked on construction.

    Two data sets are equal only if they are the same object; compare their X and y otherwise.
    What is passed is copied, without gradient: later changes of it do not reach the data set. Its
    own tensors are checked once and cannot be locked, so change a clone, never them.

    Args:
        X: inputs, shape (n, d), float64, with ``0 < ||x_i|| <= 1`` (at least 1e-150: the
            square of less is lost to doubles).
        y: labels, shape (n,), each -1 or +1.
        groups: optional group index of each point, shape (n,), integers >= 0.
        name: what to call it in figures and reports.
        known: quantities known exactly, by name (for example ``gamma_gl``).

    Raises:
        ValueError: non-finite values, labels other than -1 and +1, shapes that disagree, an
            empty set, zero rows or rows shorter or longer than those limits, tensors on
            different devices or without values.
        TypeError: a dtype other than float64 (integers and booleans are converted); masked,
            sparse, nested or quantized values; a name or ``known`` of another kind.

    Source: chapter "Notation and the common frame".
    """

    X: Tensor
    y: Tensor
    groups: Tensor | None = None
    name: str = ""
    known: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        X = _validate.real_array("X", self.X, ("n", "d"), copy=True)
        y = _validate.signs("y", self.y, X.shape[0], copy=True)
        _validate.same_device(X=X, y=y)
        check_norms(X)
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        _validate.kind("name", self.name, str)
        known = {
            _validate.kind("a name in known", name, str): _validate.number(
                f"known[{name!r}]", value
            )
            for name, value in _validate.kind("known", self.known, Mapping).items()
        }
        object.__setattr__(self, "known", known)
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
        """Return the same data on another device.

        Raises:
            TypeError, ValueError: no device of this machine, or "meta".
        """
        place = _validate.device("device", device)
        groups = None if self.groups is None else self.groups.to(place)
        return replace(self, X=self.X.to(place), y=self.y.to(place), groups=groups)


def fingerprint(*tensors: Tensor) -> str:
    """Return a hash of the values and shapes of tensors, the same on every device."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(str(tuple(tensor.shape)).encode())
        found.update((tensor + 0.0).cpu().contiguous().numpy().tobytes())  # -0 and 0 are equal
    return found.hexdigest()[:16]


def row_norms(X: Tensor) -> Tensor:
    """Return the norms of the rows, shape (n,), also where squares overflow or underflow."""
    norms = X.norm(dim=1)
    extreme = ~((norms > SHORTEST) & (norms < 1 / SHORTEST))
    if bool(extreme.any()):
        rows = X[extreme]
        size = rows.abs().amax(dim=1).clamp_min(_TINIEST)
        norms[extreme] = size * (rows / size[:, None]).norm(dim=1)
    return norms


def check_norms(X: Tensor, *, longest: float = 1.0) -> None:
    """Check that every input has a norm between `SHORTEST` and ``longest``.

    Raises:
        ValueError: one has not; the message names it and its norm.
    """
    norms = row_norms(X)
    i, j = (int((norms == end).nonzero()[0]) for end in (norms.min(), norms.max()))
    least, most = float(norms[i]), float(norms[j])
    if least == 0:
        raise ValueError(
            f"X[{i}] is zero; expected 0 < ||x_i|| <= {longest:g} (drop the point, or give every "
            "point one more coordinate, a constant)"
        )
    if most > longest * (1 + _NORM_SLACK):
        raise ValueError(
            f"X[{j}] has norm {_near_one(most)}; expected ||x_i|| <= {longest:g} "
            "(divide X by its largest norm, or load with scale=True)"
        )
    if least < SHORTEST:
        raise ValueError(
            f"X[{i}] has norm {least:.6g} and the longest {most:.6g}; expected ||x_i|| >= "
            f"{SHORTEST:g}, whose square doubles still hold (multiply X, or drop the point)"
        )


def _near_one(norm: float) -> str:
    """Return a norm above 1 in words that do not round to 1."""
    return f"{norm:.6g}" if norm > 1.00001 else f"1 + {norm - 1:.2g}"
