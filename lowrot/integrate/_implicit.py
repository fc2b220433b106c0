"""The implicit step for margins that are linear in q: a convex problem in n unknowns, no neurons.

    margins + K (q - q_0) + T logit = 0,   q_i Lam = exp(logit_i) or sigmoid(logit_i),   sum q = 1

(exponential or logistic loss; the margins are -logit). With a low temperature T this is a
quadratic program, to which a ladder of temperatures leads where Newton's method alone does not
settle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lowrot.integrate._dual_weights import DualWeights
from lowrot.integrate._implicit_moves import NewtonWeights
from lowrot.integrate._implicit_newton import newton
from lowrot.integrate._implicit_system import NewtonProblem, System

_COOLING = 4.0
"""Ratio of a temperature to the next."""
_HOTTEST = 1e300
"""Largest ratio of the first temperature to the last: their ratio is a double."""
NONE = System.kept(0)
"""Nothing is handed on from problem to problem."""


@dataclass(frozen=True, eq=False)
class Model:
    """Margins linear in q, with the entropy of a loss at a temperature.

    Args:
        margins: at ``origin``, in the unit of the problem, shape (n,).
        curvature: their derivative in q, shape (n, n), positive semidefinite.
        origin: q_0, shape (n,).
        temperature: T, in the unit of the problem.
        accuracy: largest residual of a solution over the temperature, beside rounding.
    """

    margins: Tensor
    curvature: Tensor
    origin: Tensor
    temperature: float
    accuracy: float = 1e-9

    def solve(self, guess: DualWeights) -> DualWeights | None:
        """The weights of the model, or None where no method settles.

        By compiled code on the processor, wherever the tensors live.
        """
        tensors = self.margins, self.curvature, self.origin
        margins, curvature, origin = (x.cpu().contiguous().numpy() for x in tensors)
        problem = NewtonProblem(margins, curvature, origin, self.temperature, self.accuracy)
        weights = solve_weights(problem, guess.arrays)
        if weights is None:
            return None
        to = self.margins.new_tensor
        excess = None if guess.excess is None else to(weights.excess)
        return DualWeights(to(weights.ln_q), weights.ln_lam, excess)


def solve_weights(
    problem: NewtonProblem, guess: NewtonWeights, system: System = NONE
) -> NewtonWeights | None:
    """The weights that solve a problem, or None where no method settles.

    Problems of about the same curvature may share a system.
    """
    weights, done = newton(tuple(problem), tuple(guess), tuple(system))
    if not done:
        weights, done = temperature_continuation(problem, guess)
    return weights if done else None


def temperature_continuation(
    problem: NewtonProblem, weights: NewtonWeights
) -> tuple[NewtonWeights, bool]:
    """Solve at a high temperature first, where the entropy rules, then at lower ones.

    Returns:
        The last weights, and whether they solve the problem.
    """
    hottest = float(np.abs(problem.margins).max() + problem.curvature.diagonal().max())
    if not math.isfinite(hottest):
        return weights, False
    ratio = min(max(hottest / problem.temperature, 1.0), _HOTTEST)
    for rung in range(max(1, math.ceil(math.log(ratio, _COOLING))), -1, -1):
        warm = problem._replace(temperature=problem.temperature * _COOLING**rung)
        weights, done = newton(tuple(warm), tuple(weights), tuple(NONE))
        if not done:
            break
    return weights, done
