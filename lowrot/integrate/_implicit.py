"""The implicit step for margins that are linear in q: a convex problem in n unknowns, no neurons.

    margins + K (q - q_0) + T logit = 0,   q_i Lam = exp(logit_i) or sigmoid(logit_i),   sum q = 1

(exponential or logistic loss; the margins are -logit).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lowrot.integrate._dual_weights import DualWeights
from lowrot.integrate._implicit_moves import NewtonWeights
from lowrot.integrate._implicit_newton import solve
from lowrot.integrate._implicit_system import NewtonProblem, System

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
    fields, done = solve(tuple(problem), tuple(guess), tuple(system))
    return NewtonWeights(*fields) if done else None
