"""The implicit step for margins that are linear in q: a convex problem in n unknowns, no neurons.

    force + K (q - q_0) + T logit = 0,   q_i Lam = exp(logit_i) or sigmoid(logit_i),   sum q = 1

(exponential or logistic loss; the margins are -logit). With a low temperature T this is a
quadratic program, to which a ladder of temperatures leads where Newton's method alone does not
settle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from lowrot._newton import Triple, newton


@dataclass(frozen=True)
class Weights:
    """Dual weights ``q_i = |l'(p_i)|/Lam``, which determine the margins they belong to.

    Args:
        ln_q: ``ln q_i``, shape (n,), accurate however small q_i.
        ln_lam: ``ln Lam``.
        excess: ``-ln(1 - q_i Lam)``, shape (n,), accurate however close q_i Lam is to one
            (logistic loss); None for the exponential loss.
    """

    ln_q: Tensor
    ln_lam: float
    excess: Tensor | None = None

    @classmethod
    def of_margins(cls, p: Tensor, loss: str) -> Weights:
        """The weights at margins p, shape (n,)."""
        excess = softplus(-p) if loss == "logistic" else None
        ln_slopes = -p if excess is None else -softplus(p)
        ln_lam = float(torch.logsumexp(ln_slopes, 0))
        return cls(ln_slopes - ln_lam, ln_lam, excess)

    @classmethod
    def from_plain(cls, values: dict[str, Any], like: Tensor) -> Weights:
        """The weights that `plain` described, with the dtype and device of ``like``."""
        ln_q, excess = like.new_tensor(values["ln_q"]), values["excess"]
        return cls(ln_q, values["ln_lam"], None if excess is None else like.new_tensor(excess))

    def plain(self) -> dict[str, Any]:
        """The three attributes as numbers and lists."""
        excess = None if self.excess is None else self.excess.tolist()
        return {"ln_q": self.ln_q.tolist(), "ln_lam": self.ln_lam, "excess": excess}

    @property
    def arrays(self) -> Triple:
        """What compiled functions take."""
        excess = self.ln_q.new_empty(0) if self.excess is None else self.excess
        return self.ln_q.cpu().numpy(), excess.cpu().numpy(), self.ln_lam

    @cached_property
    def q(self) -> Tensor:
        """The point of the simplex, shape (n,)."""
        return self.ln_q.exp()

    @property
    def logit(self) -> Tensor:
        """Minus the margins, shape (n,)."""
        ln_slopes = self.ln_q + self.ln_lam
        return ln_slopes if self.excess is None else ln_slopes + self.excess


@dataclass(frozen=True)
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

    def solve(self, guess: Weights) -> Weights | None:
        """The weights of the model, or None where no method settles.

        By compiled code on the processor, wherever the tensors live.
        """
        arrays = (x.cpu().contiguous().numpy() for x in (self.force, self.curvature, self.origin))
        problem = *arrays, self.temperature, self.accuracy
        weights, done = newton(problem, guess.arrays)
        if not done:
            weights, done = cooled(problem, guess.arrays)
        if not done:
            return None
        (ln_q, excess, ln_lam), to = weights, self.force.new_tensor
        return Weights(to(ln_q), ln_lam, None if guess.excess is None else to(excess))


def cooled(problem: Any, weights: Triple) -> tuple[Triple, bool]:
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
