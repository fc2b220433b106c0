"""When the iterations on the stage equations of a step have converged, and in which units."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_TIGHT = 2e-2
"""Part of the tolerance that the iterations may leave of the network."""
_LOOSE = 5e-2
"""Relative change that they may leave of the weights, which the network hardly sees."""
_SLOW = 0.1
"""An iteration that leaves more than this of the change before it needs new kernels."""
_PATIENCE = 8
"""Iterations before growing changes count as divergence: kernels may be old before, and groups of
neurons that arrive on a plane, or leave one, within the stages change them at once."""
_JUDGED = 5
"""Iterations before the pace of the last two is taken for that of all that may follow."""
_FIRST, _LUCKY = 0.5, 0.05
"""What is left after an iteration without one before it, and the least that is believed."""


@dataclass(frozen=True, eq=False)
class Unit:
    """In what errors are measured.

    Attributes:
        measure: the size of a change of the outputs, shape (n,).
        size: that of the outputs.
        scale: ``||W||``.
        rounding: relative changes below this are the rounding of the outputs.
    """

    measure: Callable[[np.ndarray], float]
    size: float
    scale: float
    rounding: float

    def relative(self, dz: np.ndarray, K: np.ndarray) -> float:
        """Relative change of W, or of the outputs, for a change of ``z = int w``: the larger."""
        Kd = K @ dz
        of_weights = math.sqrt(max(float(dz @ Kd), 0.0)) / self.scale
        return max(of_weights, self.measure(Kd) / self.size)


@dataclass(frozen=True, eq=False)
class Changes:
    """The changes that iterations made, and what they leave.

    Source: Hairer and Wanner, Solving Ordinary Differential Equations II, section IV.8.

    Attributes:
        network: relative changes of the network, one an iteration.
        weights: the last one of the weights.
    """

    network: tuple[float, ...] = ()
    weights: float = math.inf

    def then(self, network: float, weights: float) -> Changes:
        """These and those of one more iteration."""
        return Changes((*self.network, network), weights)

    @property
    def last(self) -> float:
        """The last change of the network."""
        return self.network[-1]

    @property
    def slow(self) -> bool:
        """Whether the last iteration gained little."""
        return len(self.network) > 1 and self.last > _SLOW * self.network[-2]

    @property
    def diverge(self) -> bool:
        """Whether changes are not finite, or grow for good."""
        grow = len(self.network) > _PATIENCE and self.last > self.network[-3]
        return grow or not math.isfinite(self.last)

    def hopeless(self, unit: float, more: int) -> bool:
        """Whether so many more iterations would not do, at the pace of the last two."""
        if len(self.network) < _JUDGED or not self.last < self.network[-3]:
            return False
        theta = math.sqrt(self.last / self.network[-3])
        return self.last * theta**more / (1.0 - theta) > _TIGHT * unit

    @property
    def left(self) -> float:
        """What remains to come, in units of the last change: ``theta + theta^2 + ..``.

        The contraction factor theta is the ratio of the last two changes.
        """
        if len(self.network) == 1:
            return _FIRST
        theta = self.last / max(self.network[-2], 1e-300)
        return max(_LUCKY, theta / (1.0 - theta)) if theta < 1.0 else math.inf

    def small(self, unit: float, rounding: float) -> bool:
        """Whether what remains is far below a unit, or no more than rounding.

        The unit is the tolerance, or the motion over the step where that is less: a flow that
        comes to rest is solved for ever more accurately.
        """
        if self.last <= rounding:
            return True
        return self.left * self.last <= _TIGHT * unit and self.left * self.weights <= _LOOSE
