"""A maximal margin between two bounds: primal point, dual point, gap."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
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
"""Part of the data's scale down to which ``GAP`` is promised. Without a primal point that separates
the data, a dual bound up to this part of it is what the solvers leave of zero."""

_ROUNDING = 2.0**-52
"""Relative error of a product of inputs and weights, relative to its scale: a unit in the last
place, as far as it was tried on many cases."""

_SEPARATES = 16 * _ROUNDING
"""A margin up to this times its size may be rounding: 16 units in the last place."""

_UNIT_LENGTH = 1 - 2.0**-40
"""The longest input times this is below the unit, so that inputs of length 1 are not halved."""

TINY = 1e-300
"""A divisor instead of zero."""


@dataclass(frozen=True, eq=False)
class Optimum(Generic[Primal]):
    """A maximal margin between two bounds, both evaluated on the data from the points returned.

    The scale of the data is that of the margins of single points: ``sum_i q_i ||x_i||``, or with
    the length of the gradient instead of the input's. Below some 1e-10 of it nothing is certified:
    what rounding leaves of sums that nearly cancel is a larger part of the margin than its gap.

    Attributes:
        value: the margin that the primal point attains, a lower bound of the optimum.
        primal: the feasible point that attains it.
        dual: the dual point q on the simplex, shape (n,).
        gap: ``(upper - value) / upper``.
        upper: the dual function at q: no feasible point has a larger margin.
        promised: the gap promised at this size, 1e-6, or 1e-4 beyond 10^6 pairs (point, neuron)
            or 2000 points, for margins down to 1e-9 of the data's scale.
        rounding: relative error of both bounds: the last place of float64 at the data's scale.
        searched: an estimate of the optimum from above where a search took the place of a proof
            (`global_margin` with ``search``); None otherwise.
    """

    value: float
    primal: Primal
    dual: Tensor
    gap: float
    upper: float
    promised: float = GAP
    rounding: float = 0.0
    searched: float | None = None

    @property
    def certified(self) -> bool:
        """Whether the gap and the rounding together are at most the gap promised."""
        return self.gap + self.rounding <= self.promised


class NotSeparable(ValueError):
    """No positive margin exists, as the dual point proves; or none that float64 can tell from 0.

    Attributes:
        dual: the point q on the simplex, shape (n,).
        upper: the dual function at q, an upper bound of every margin: at most 1e-9 of the data's
            scale.
    """

    def __init__(self, message: str, dual: Tensor, upper: float) -> None:
        super().__init__(message)
        self.dual = dual
        self.upper = upper


@dataclass(frozen=True, eq=False)
class Bounds(Generic[Primal]):
    """What the solver of a margin found.

    Attributes:
        primal: a feasible point.
        margins: of all points there, shape (n,).
        sizes: the largest margins that the points could have each alone, shape (n,): bounds of
            the terms whose rounding decides what is zero.
        q: a dual point, shape (n,).
        upper: the dual function at q, or a bound of it.
        searched: an estimate from above, if upper may be far off for want of a better proof.
    """

    primal: Primal
    margins: Tensor
    sizes: Tensor
    q: Tensor
    upper: float
    searched: float | None = None


def maximal_margin(
    solve: Callable[[Dataset], Bounds[Primal]], data: Dataset, *, proves: str, m: int = 1
) -> Optimum[Primal]:
    """Return the optimum of a margin, for a public function to return at once.

    Every margin is homogeneous in the inputs. ``solve`` sees them in the power of two that makes
    the longest about 1, so that no tolerance of a solver depends on their unit.

    Args:
        solve: returns bounds of the margin of the data given.
        data: the data.
        proves: in words, what ``upper`` is and bounds.
        m: neurons that the problem has, for the gap promised.

    Raises:
        NotSeparable: no margin is positive.

    Warns:
        RuntimeWarning: the margin is not certified, and no search was asked for.
    """
    unit = _unit(data)
    bounds = solve(Dataset(data.X / unit, data.y))
    value, upper = unit * float(bounds.margins.min()), unit * bounds.upper
    scale = unit * float(bounds.q @ bounds.sizes)
    separated = bool((bounds.margins > _SEPARATES * bounds.sizes).all())
    if not separated and upper <= ZERO * scale:
        raise NotSeparable(
            f"the data are not separable: at the dual point q (attribute dual) {proves}, and is "
            f"{upper:.3g}, not above {ZERO:g} times the scale {scale:.3g} of the data there",
            bounds.q,
            upper,
        )
    upper = max(upper, value)  # they may cross by rounding
    large = data.n > _MANY_POINTS or data.n * m > LARGE
    optimum = Optimum(
        value,
        bounds.primal,
        bounds.q,
        (upper - value) / upper,
        upper,
        LARGE_GAP if large else GAP,
        _ROUNDING * scale / upper,
        None if bounds.searched is None else max(unit * bounds.searched, value),
    )
    if not optimum.certified and optimum.searched is None:
        warnings.warn(
            f"the margin lies between {value:.9g} and {upper:.9g}: a relative gap of "
            f"{optimum.gap:.2g} and a rounding of {optimum.rounding:.2g}, together above the "
            f"{optimum.promised:g} promised (certified is False)",
            RuntimeWarning,
            stacklevel=3,
        )
    return optimum


def _unit(data: Dataset) -> float:
    """Return the power of two just above the longest input, but for rounding."""
    longest = float(data.X.norm(dim=1).max())
    return math.ldexp(1.0, math.frexp(_UNIT_LENGTH * longest)[1])


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
