"""The implicit step for margins that are linear in q: a convex problem in n unknowns, no neurons.

    force + K (q - q_0) + T logit = 0,   q_i Lam = exp(logit_i) or sigmoid(logit_i),   sum q = 1

(exponential or logistic loss; the margins are -logit). With a low temperature T this is a
quadratic program, to which a ladder of temperatures leads where Newton's method alone does not
settle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from lowrot.integrate._dual_weights import DualWeights
from lowrot.integrate._implicit_newton import Triple, newton


@dataclass(frozen=True, eq=False)
class Model:
    """Margins linear in q, with the entropy of a loss at a temperature.

    Args:
        force: margins at ``origin``, in the unit of the problem, shape (n,).
        curvature: their derivative in q, shape (n, n), positive semidefinite.
        origin: q_0, shape (n,).
        temperature: T, in the unit of the problem.
        accuracy: largest residual of a solution over the temperature, beside rounding.
    """

    force: Tensor
    curvature: Tensor
    origin: Tensor
    temperature: float
    accuracy: float = 1e-9

    def solve(self, guess: DualWeights) -> DualWeights | None:
        """The weights of the model, or None where no method settles.

        By compiled code on the processor, wherever the tensors live.
        """
        arrays = (x.cpu().contiguous().numpy() for x in (self.force, self.curvature, self.origin))
        problem = *arrays, self.temperature, self.accuracy
        weights, done = newton(problem, guess.arrays)
        if not done:
            weights, done = temperature_continuation(problem, guess.arrays)
        if not done:
            return None
        (ln_q, excess, ln_lam), to = weights, self.force.new_tensor
        return DualWeights(to(ln_q), ln_lam, None if guess.excess is None else to(excess))


def temperature_continuation(problem: Any, weights: Triple) -> tuple[Triple, bool]:
    """Solve at a high temperature first, where the entropy rules, then at lower ones."""
    force, curvature, origin, temperature, accuracy = problem
    hottest = float(np.abs(force).max() + curvature.diagonal().max())
    if not math.isfinite(hottest):
        return weights, False
    ratio = min(max(hottest / temperature, 1.0), 1e300)
    for fall in range(max(1, math.ceil(math.log(ratio, 4.0))), -1, -1):
        warm = force, curvature, origin, temperature * 4.0**fall, accuracy
        weights, done = newton(warm, weights)
        if not done:
            break
    return weights, done
