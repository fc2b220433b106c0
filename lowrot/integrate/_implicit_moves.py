"""Dual weights moved a part of a Newton step: along the line that suits each, compiled.

See `lowrot.integrate._implicit_newton`, which finds the steps.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from lowrot._jit import allocating, part

_LARGEST = 690.0
"""Exponents up to this have an exponential, with room for a factor."""
_OMEGA_ITERATIONS, _OMEGA_ACCURACY = 20, 1e-8
"""Newton's method for ln omega: at most so many (it takes four to six), until a step is relatively
below this, after which, as it converges quadratically, the next one would be rounding."""


class NewtonWeights(NamedTuple):
    """Dual weights, as in `DualWeights`.

    Attributes:
        ln_q: shape (n,).
        excess: shape (n,); no entries for the exponential loss.
        ln_lam: ``ln Lam``.
    """

    ln_q: np.ndarray
    excess: np.ndarray
    ln_lam: float

    @property
    def logit(self) -> np.ndarray:
        """Minus the margins, shape (n,)."""
        ln_slopes = self.ln_q + self.ln_lam
        return ln_slopes + self.excess if len(self.excess) else ln_slopes

    def plain(self) -> dict[str, Any]:
        """The three as numbers and lists."""
        excess = self.excess.tolist() if len(self.excess) else None
        return {"ln_q": self.ln_q.tolist(), "ln_lam": self.ln_lam, "excess": excess}

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> NewtonWeights:
        """The weights that `plain` described."""
        excess = values["excess"] or []
        return cls(np.array(values["ln_q"]), np.array(excess, float), values["ln_lam"])


class NewtonStep(NamedTuple):
    """Changes of the dual weights to first order.

    Attributes:
        ln_q: of ln q, shape (n,).
        logit: of minus the margins, shape (n,).
        ln_lam: of ln Lam.
    """

    ln_q: np.ndarray
    logit: np.ndarray
    ln_lam: float


@allocating
def moved(
    weights: NewtonWeights, step: NewtonStep, length: float, ratio: np.ndarray
) -> NewtonWeights:
    """The weights after a part of a step, straight in ``ln q + ratio q`` once Lam has changed.

    ``ratio`` is the curvature over the temperature: in this variable the step suits a point whose
    weight the curvature decides (linear in q) and one whose weight the entropy decides (linear in
    ln q). It solves a diagonal problem at once.
    """
    ln_q, excess = np.empty(len(weights.ln_q)), np.empty(len(weights.excess))
    return NewtonWeights(ln_q, excess, _move(weights, step, length, ratio, ln_q, excess))


@part
def _move(
    weights: NewtonWeights,
    step: NewtonStep,
    length: float,
    ratio: np.ndarray,
    ln_q: np.ndarray,
    excess: np.ndarray,
) -> float:
    """Write ln q and the excess after a part of a step, and return ln Lam."""
    n, logistic = len(ln_q), len(excess) > 0
    ln_lam, total = weights.ln_lam + length * step.ln_lam, 0.0
    for i in range(n):
        ln_ratio = math.log(ratio[i])
        if logistic:
            ln_q[i], excess[i] = moved_logistic(weights, step, length, ln_ratio, ln_lam, i)
        else:
            value = straight(weights.ln_q[i], step.ln_q[i], length, ln_ratio)
            ln_q[i] = ln_omega(value + ln_ratio) - ln_ratio
    top = -math.inf
    for i in range(n):
        top = max(top, ln_q[i])
    for i in range(n):
        total += math.exp(ln_q[i] - top)
    total = top + math.log(total)
    for i in range(n):
        ln_q[i] -= total
    return ln_lam + total


@part
def straight(ln_q: float, slope: float, length: float, ln_ratio: float) -> float:
    """``ln q + ratio q`` after a straight step of a length, where ln q has the slope given."""
    bend = math.exp(min(ln_q + ln_ratio, _LARGEST))
    return ln_q + bend + length * (1.0 + bend) * slope


@part
def moved_logistic(
    weights: NewtonWeights, step: NewtonStep, length: float, ln_ratio: float, ln_lam: float, i: int
) -> tuple[float, float]:
    """The ln q and the excess of point i after a part of a step, for the logistic loss.

    ``1 - q Lam`` takes the place of ``q Lam`` beyond one half, with the variable continued oddly.
    ln_lam is the new one.
    """
    logit = weights.ln_q[i] + weights.excess[i] + ln_lam
    other, upper = softplus(logit), logit > 0.0
    if upper:
        at = -other - ln_lam
        slope = math.exp(logit - other) * (step.ln_lam - step.logit[i])
    else:
        at = weights.ln_q[i] + (weights.excess[i] - other)
        slope = step.ln_q[i] + (1.0 - math.exp(-weights.excess[i])) * step.ln_lam
    value = straight(at, slope, length, ln_ratio)
    half = -math.log(2.0) - ln_lam
    middle = half + math.exp(min(half + ln_ratio, _LARGEST))
    if value > middle:
        value, upper = 2.0 * middle - value, not upper
    ln_q = ln_omega(value + ln_ratio) - ln_ratio
    other = -math.log1p(-math.exp(min(ln_q + ln_lam, -math.log(2.0))))
    return (-other - ln_lam, -(ln_q + ln_lam)) if upper else (ln_q, other)


@part
def softplus(x: float) -> float:
    """``ln(1 + e^x)``."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@part
def ln_omega(x: float) -> float:
    """The u with ``u + e^u = x``: the logarithm of Wright's omega function, by Newton's method.

    The left-hand side is convex and increasing: from above its iterates fall to the solution.
    Source: Corless and Jeffrey, The Wright omega function, LNCS 2385, 2002.
    """
    u = x if x < 1.0 else math.log(x)
    for _ in range(_OMEGA_ITERATIONS):
        exponential = math.exp(u)
        fall = (u + exponential - x) / (1.0 + exponential)
        u -= fall
        if abs(fall) <= _OMEGA_ACCURACY * max(1.0, abs(u)):
            break
    return u
