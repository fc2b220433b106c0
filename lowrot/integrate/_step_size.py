"""The length of the next step from the error of the last one."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class StepSize:
    """The elementary controller ``h error^(-1/order)``, with a safety factor and limits.

    A run decides whether a step is accepted (`FlowRun`, `CoupledRun`); this says what comes next.

    Args:
        order: of the local error in the step, so that an error of 1 (in units of the tolerance) is
            met by a factor ``error^(-1/order)``.
        growth: the largest ratio of a step to the one before.
        unsolved: the ratio after a step that could not be solved at all.
        safety: the part of the ideal step that is tried.
        shrinkage: the smallest ratio of a step to the one before.
        least_error: errors below this count as this: they say nothing about the next step.

    Source: Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.4.
    """

    order: int
    growth: float
    unsolved: float
    safety: float = 0.9
    shrinkage: float = 0.2
    least_error: float = 1e-4

    def trial(self, wish: float, room: float) -> float:
        """The length to try: all the room that is left, or at most half of it.

        So no step is left over that is much shorter than the others.
        """
        return room if room <= wish else min(wish, 0.5 * room)

    def after_rejected(self, h: float, error: float) -> float:
        """The length to try after a step of length h with an error above 1, or unsolved (inf)."""
        if math.isinf(error):
            return h * self.unsolved
        return h * max(self.shrinkage, self.safety * error ** (-1 / self.order))

    def after_accepted(self, wish: float, h: float, error: float, effort: float = 1.0) -> float:
        """The length to wish for after an accepted step of length h.

        Args:
            wish: what was wished for before; a step cut short by its room does not lower it.
            h: the length taken.
            error: in units of the tolerance.
            effort: a factor below 1 where the step was hard to solve.
        """
        ideal = self.safety * max(error, self.least_error) ** (-1 / self.order)
        proposed = h * min(self.growth, max(self.shrinkage, ideal))
        proposed *= effort
        return max(wish, proposed) if h < wish else proposed
