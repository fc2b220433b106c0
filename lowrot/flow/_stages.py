"""The equations of both stages of a step, with outputs that are linear in the dual weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
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
_SWEEPS = 3
"""Triangular sweeps over both stages an iteration: more than one saves whole iterations."""


class Equations(ABC):
    """What both stages of a step ask for.

    Attributes:
        objective: the objective.
        K: the kernels of both stages, each (n, n).
        stiff: whether these enter.
    """

    objective: Objective
    K: Sequence[np.ndarray]
    stiff: bool

    @abstractmethod
    def solve(
        self, p: Sequence[np.ndarray], guess: Sequence[Any], accuracy: float
    ) -> list[Any] | None:
        """The weights at both stages, to an accuracy of the outputs; None where there are none.

        Args:
            p: the outputs at both stages under the guess.
            guess: weights.
            accuracy: in the unit of the outputs.
        """

    def slopes(self, weights: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """The derivatives of the outputs at both stages."""
        first, second = (K @ self.objective.vector(w) for K, w in zip(self.K, weights))
        return first, second


@dataclass(frozen=True, eq=False)
class Stages(Equations):
    """Kernels of both stages of a step, and what solves for each stage alone.

    Attributes:
        objective: the objective.
        K: the kernels, each (n, n).
        early: that by which what precedes the first stage acts on the second, shape (n, n).
        h: length of the step.
        solvers: of the stages; None where one has no solution.
    """

    stiff = True
    objective: Objective
    K: Sequence[np.ndarray]
    early: np.ndarray
    h: float
    solvers: Sequence[Solver | None]

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

        The systems are what those of other kernels, in the same step, have left.
        """
        factors = A[0][0] * h, LATE * h
        solvers = [
            objective.stage(factor * one, system)
            for factor, one, system in zip(factors, K, systems)
        ]
        return cls(objective, K, early, h, solvers)

    def solve(
        self, p: Sequence[np.ndarray], guess: Sequence[Any], accuracy: float
    ) -> list[Any] | None:
        """The weights at both stages.

        The first third of the step acts on the second stage through a kernel of its own, as neurons
        forget it where planes hold them later. Triangular sweeps: the first stage, then the second
        given the first.
        """
        vector, (first_K, second_K), integrals = self.objective.vector, self.K, self.h * _PARTS
        solve_first, solve_second = self.solvers
        if solve_first is None or solve_second is None:
            return None
        base, new = np.array([vector(one) for one in guess]), list(guess)
        d = np.zeros_like(base)
        for sweep in range(_SWEEPS):
            first = p[0] + first_K @ (integrals[0] @ d) if sweep else p[0]
            new[0] = solve_first(first, new[0], accuracy)
            if new[0] is None:
                return None
            d[0] = vector(new[0]) - base[0]
            third, rest = integrals @ d
            second = p[1] + second_K @ rest + self.early @ third
            new[1] = solve_second(second, new[1], accuracy)
            if new[1] is None:
                return None
            d[1] = vector(new[1]) - base[1]
        return new


@dataclass(frozen=True, eq=False)
class Unstiff(Equations):
    """A step that is not stiff, for which plain substitution converges as fast.

    Attributes:
        objective: the objective.
        K: the kernels of both stages.
    """

    stiff = False
    objective: Objective
    K: Sequence[np.ndarray]

    def solve(self, p: Sequence[np.ndarray], guess: Sequence[Any], accuracy: float) -> list[Any]:
        """The weights that the outputs ask for."""
        return [self.objective.respond(one) for one in p]
