"""The equations of both stages of a step, with outputs that are linear in the dual weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lowrot.flow._objectives import Objective, Solver

C1 = 1.0 / 3.0
"""The first Radau point; the second is 1."""
A = ((5.0 / 12.0, -1.0 / 12.0), (3.0 / 4.0, 1.0 / 4.0))
"""The integrals of the line through two stages, up to each of them."""
_PARTS = np.array([A[0], np.subtract(A[1], A[0])])
"""Those over the first third of a step, and over the rest."""
LATE = 0.4
"""What elimination of the first stage leaves on the diagonal for the second."""


@dataclass(frozen=True, eq=False)
class Stages:
    """What both stages of a step ask for.

    Attributes:
        objective: the objective.
        K: the kernels of both stages, each (n, n).
        solver: of both stages; None where one has no solution.
    """

    objective: Objective
    K: Sequence[np.ndarray]
    solver: Solver | None

    @classmethod
    def of(
        cls,
        objective: Objective,
        K: Sequence[np.ndarray],
        early: np.ndarray,
        h: float,
        systems: Sequence[Any],
    ) -> Stages:
        """The equations for given kernels.

        Early is that by which what precedes the first stage acts on the second, shape (n, n). The
        systems are what the equations of other kernels, in the same step, have left.
        """
        curvatures = A[0][0] * h * K[0], LATE * h * K[1]
        kernels = K[0], K[1], early
        return cls(objective, K, objective.stages(kernels, h * _PARTS, curvatures, systems))

    def solve(
        self, p: Sequence[np.ndarray], guess: Sequence[Any], accuracy: float
    ) -> list[Any] | None:
        """The weights at both stages, by triangular sweeps over them; None where there are none.

        Args:
            p: the outputs at both stages under the guess.
            guess: weights.
            accuracy: in the unit of the outputs.
        """
        return None if self.solver is None else self.solver(p, guess, accuracy)

    def slopes(self, weights: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """The derivatives of the outputs at both stages."""
        first, second = (K @ self.objective.vector(w) for K, w in zip(self.K, weights))
        return first, second
