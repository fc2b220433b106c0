"""Implicit Runge-Kutta methods of the coupled flow."""

from __future__ import annotations

import math
from dataclasses import dataclass

_GAMMA = 1.0 - 1.0 / math.sqrt(2.0)


@dataclass(frozen=True)
class Method:
    """A diagonally implicit Runge-Kutta method, stiffly accurate, with nonnegative weights.

    Args:
        stages: coefficients of each stage; the last row is also the weights of the step.
        defect: weights of the step less those of the quadrature of one order more, at the start
            and the stages.
        order: of the global error.
    """

    stages: tuple[tuple[float, ...], ...]
    defect: tuple[float, ...]
    order: int


METHODS = {
    "euler": Method(((1.0,),), (-0.5, 0.5), 1),
    "sdirk2": Method(
        ((_GAMMA,), (1.0 - _GAMMA, _GAMMA)),
        (
            (1.0 - 3.0 * _GAMMA) / (6.0 * _GAMMA),
            1.0 - _GAMMA - 1.0 / (6.0 * _GAMMA * (1.0 - _GAMMA)),
            _GAMMA - (2.0 - 3.0 * _GAMMA) / (6.0 * (1.0 - _GAMMA)),
        ),
        2,
    ),
}
"""With nonnegative weights z/tau stays in the simplex (sdirk2: R. Alexander, SIAM J. Numer. Anal.
14, 1977)."""
