"""A maximal margin between two bounds: primal point, dual point, gap."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset

Primal = TypeVar("Primal")

GAP = 1e-6
"""Relative gap promised for ordinary sizes."""

LARGE_GAP = 1e-4
"""Relative gap promised beyond ``LARGE`` pairs (point, neuron), or beyond 2000 points."""

LARGE = 1_000_000
"""Pairs (point, neuron) up to which ``GAP`` is promised: as far as it was tried on many cases."""

_MANY_POINTS = 2000
"""Points up to which ``GAP`` is promised: above, the least-norm solver has no active-set polish."""

ZERO = 1e-9
"""A margin is not positive when its dual bound is at most this times the shortest input: what the
solvers leave of a bound that is zero in exact arithmetic is smaller."""

TINY = 1e-300
"""A divisor instead of zero."""


@dataclass(frozen=True, eq=False)
class Optimum(Generic[Primal]):
    """A maximal margin between two bounds, both evaluated on the data from the points returned.

    Attributes:
        value: the margin that the primal point attains, a lower bound of the optimum.
        primal: the feasible point that attains it.
        dual: the dual point q on the simplex, shape (n,).
        gap: ``(upper - value) / upper``.
        upper: the dual function at q: no feasible point has a larger margin.
        promised: the gap promised at this size, 1e-6, or 1e-4 beyond 10^6 pairs (point, neuron)
            or 2000 points.
    """

    value: float
    primal: Primal
    dual: Tensor
    gap: float
    upper: float
    promised: float = GAP

    @property
    def certified(self) -> bool:
        """Whether the gap is at most the one promised."""
        return self.gap <= self.promised


class NotSeparable(ValueError):
    """No positive margin exists, as the dual point proves.

    Attributes:
        dual: the point q on the simplex, shape (n,).
        upper: the dual function at q, an upper bound of every margin.
    """

    def __init__(self, message: str, dual: Tensor, upper: float) -> None:
        super().__init__(message)
        self.dual = dual
        self.upper = upper


def certify(
    data: Dataset, *, value: float, primal: Primal, q: Tensor, upper: float, proves: str, m: int = 1
) -> Optimum[Primal]:
    """Return the optimum of a margin, for a public function to return at once.

    Args:
        data: the data.
        value: the margin that ``primal`` attains.
        primal: a feasible point.
        q: a dual point, shape (n,).
        upper: the dual function at q.
        proves: in words, what ``upper`` is and bounds.
        m: neurons that the problem has, for the gap promised.

    Raises:
        NotSeparable: no margin is positive.

    Warns:
        RuntimeWarning: the gap is above the one promised.
    """
    if upper <= ZERO * float(data.X.norm(dim=1).min()):
        raise NotSeparable(
            f"the data are not separable: at the dual point q (attribute dual) {proves}, and is "
            f"{upper:.3g}, not above {ZERO:g} times the shortest input",
            q,
            upper,
        )
    large = data.n > _MANY_POINTS or data.n * m > LARGE
    optimum = Optimum(value, primal, q, (upper - value) / upper, upper, LARGE_GAP if large else GAP)
    if not optimum.certified:
        warnings.warn(
            f"the margin lies between {value:.9g} and {upper:.9g}: a relative gap of "
            f"{optimum.gap:.2g}, above the {optimum.promised:g} promised (certified is False)",
            RuntimeWarning,
            stacklevel=3,
        )
    return optimum


def check_space(name: str, V: Tensor, data: Dataset) -> None:
    """Check that the rows of V, shape (m, d), live where the inputs do.

    Raises:
        ValueError: another dimension or device; the message names both.
    """
    if V.shape[1] != data.d:
        raise ValueError(f"{name} has {V.shape[1]} columns; expected {data.d}, as in data.X")
    _validate.same_device(**{name: V, "data.X": data.X})


def like_inputs(data: Dataset, array: Any) -> Tensor:
    """Return an array as a tensor of the inputs' type, on their device."""
    return torch.as_tensor(array, dtype=_validate.DTYPE, device=data.X.device)
