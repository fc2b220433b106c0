"""What turns the outputs of a network into the dual weights that drive it, for each objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from scipy.linalg.lapack import dposv, dpotrf

from lowrot.flow._margins import (
    LOGISTIC_LOSSES,
    LOGISTIC_SLOPES,
    LOSSES,
    log_sum,
    mismatch,
    soft_margin,
)
from lowrot.flow._triangular import sweep_linear, sweep_newton
from lowrot.flow.neuron import Arrays
from lowrot.integrate import NewtonProblem, NewtonWeights, System, answer
from lowrot.losses import Loss

_TINY = 1e-300
"""Below this numbers lose digits (they become subnormal), and ratios of two are not to be used."""


Solver = Callable[[Sequence[np.ndarray], Sequence[Any], float], list[Any] | None]
"""A function of the outputs, a guess and an accuracy of the outputs, which returns weights: all at
both stages; None where it finds none."""


@dataclass(frozen=True, eq=False)
class Classification:
    """Exponential or logistic loss: the weights are q, the outputs the margins ``p = y f``.

    The formulas are those of `lowrot.losses`, on plain arrays.

    Attributes:
        sign: the labels y, shape (n,).
        loss: exponential or logistic.
    """

    sign: np.ndarray
    loss: Loss

    @cached_property
    def logistic(self) -> bool:
        """Whether the loss is the logistic one."""
        return self.loss.name == "logistic"

    def soft_margin(self, p: np.ndarray) -> float:
        """P, accurate however large L or -ln L."""
        return soft_margin(p, self.logistic)

    def log_loss(self, p: np.ndarray) -> float:
        """``ln L``, accurate where L is below the doubles."""
        return log_sum(p, LOGISTIC_LOSSES if self.logistic else LOSSES)

    def respond(self, p: np.ndarray) -> NewtonWeights:
        """The weights of the margins p."""
        if not self.logistic:
            ln_lam = log_sum(p, LOSSES)
            return NewtonWeights(-p - ln_lam, np.empty(0), ln_lam)
        ln_lam = log_sum(p, LOGISTIC_SLOPES)
        return NewtonWeights(-np.logaddexp(0.0, p) - ln_lam, np.logaddexp(0.0, -p), ln_lam)

    def vector(self, weights: NewtonWeights) -> np.ndarray:
        """q, shape (n,)."""
        return np.exp(weights.ln_q)

    def system(self, n: int) -> System:
        """Room for what problems of n points, alike but for their curvature, hand on."""
        return System.kept(n)

    def stages(
        self,
        kernels: Arrays,
        parts: np.ndarray,
        curvatures: Arrays,
        systems: Sequence[System],
    ) -> Solver:
        """Finds the weights of both stages: see `lowrot.flow._triangular`."""
        solvers = tuple(zip(curvatures, map(tuple, systems)))

        def solve(
            p: Sequence[np.ndarray], guess: Sequence[NewtonWeights], accuracy: float
        ) -> list[NewtonWeights] | None:
            weights = tuple(map(tuple, guess))
            *found, done = sweep_newton(tuple(p), weights, kernels, parts, solvers, accuracy)
            return [NewtonWeights(*one) for one in found] if done else None

        return solve

    def difference(self, new: NewtonWeights, old: NewtonWeights) -> float:
        """Relative change of the weights, each counted by its size."""
        return float(np.exp(new.ln_q) @ np.abs(new.ln_q - old.ln_q))

    def mismatch(self, p: np.ndarray, weights: NewtonWeights) -> float:
        """By how much the margins p miss those behind the weights."""
        return mismatch(p, *weights)

    def measure(self, change: np.ndarray, weights: NewtonWeights) -> float:
        """The size of a change of the margins: that of the soft margin, ``| q.change |``."""
        return abs(float(np.exp(weights.ln_q) @ change))

    def unit(self, p: np.ndarray, weights: NewtonWeights) -> float:
        """The size in which errors of the margins are measured: max(1, | P |)."""
        return max(1.0, abs(self.soft_margin(p)))

    def rounding(self, weights: NewtonWeights, of_outputs: float) -> np.ndarray:
        """Rounding of the weights for that of the outputs, shape (n,)."""
        return self.vector(weights) * min(1.0, of_outputs)

    def stiffness(self, K: np.ndarray, weights: NewtonWeights) -> float:
        """``sum_i q_i K_ii``, a bound on the rates at which q relaxes for the exponential loss."""
        return float(K.diagonal() @ np.exp(weights.ln_q))

    def relaxed(self, z: np.ndarray, K: np.ndarray, weights: NewtonWeights, h: float) -> np.ndarray:
        """What a time h leaves of a change of ``int q``, as q resists it: an implicit step.

        With the slopes e of ``d q = q e (d logit + d ln Lam)``, where the sum of q is kept, it is
        ``z + d q`` for ``d logit = -h K (z + d q)``: the answer of a stage to the residual h K z.
        """
        problem = NewtonProblem(z, h * K, z, 1.0, 0.0)
        return z + answer(tuple(problem), tuple(weights), h * (K @ z))

    def rate(self, p: np.ndarray, P: float) -> float:
        """``P' / ||W'||^2`` (F2) at margins with soft margin P: 1 for the exponential loss."""
        if not self.logistic:
            return 1.0
        ln_slope = -max(P, 0.0) - math.log1p(math.exp(-abs(P)))
        return math.exp(log_sum(p, LOGISTIC_SLOPES) - ln_slope)


@dataclass(frozen=True, eq=False)
class Regression:
    """Squared loss: the weights are minus the residuals, the outputs those of the network.

    Attributes:
        target: the labels, shape (n,).
    """

    target: np.ndarray

    @property
    def sign(self) -> np.ndarray:
        """Ones: outputs are taken as they are."""
        return np.ones_like(self.target)

    def respond(self, f: np.ndarray) -> np.ndarray:
        """``y - f``."""
        return self.target - f

    def vector(self, weights: np.ndarray) -> np.ndarray:
        """The weights themselves."""
        return weights

    def system(self, n: int) -> None:
        """Nothing: each problem is solved at once."""

    def stages(
        self, kernels: Arrays, parts: np.ndarray, curvatures: Arrays, systems: Sequence[None]
    ) -> Solver | None:
        """Finds the weights of both stages; None if one is not positive definite."""
        factors = [dpotrf(_plus_one(one.T.copy("F")), overwrite_a=1, clean=0) for one in curvatures]
        if any(info for _, info in factors):
            return None
        solvers = tuple((self.target, upper.T) for upper, _ in factors)

        def solve(p: Sequence[np.ndarray], guess: Sequence[np.ndarray], _: float) -> list[Any]:
            return list(sweep_linear(tuple(p), tuple(guess), kernels, parts, solvers))

        return solve

    def difference(self, new: np.ndarray, old: np.ndarray) -> float:
        """Relative change of the weights."""
        return norm(new - old) / max(norm(new), _TINY)

    def mismatch(self, f: np.ndarray, weights: np.ndarray) -> float:
        """By how much the residuals miss the weights."""
        return norm(self.target - f - weights)

    def measure(self, change: np.ndarray, weights: np.ndarray) -> float:
        """The size of a change of the outputs: its norm."""
        return norm(change)

    def unit(self, f: np.ndarray, weights: np.ndarray) -> float:
        """The size in which errors of the outputs are measured: the norm of the residuals."""
        return max(norm(weights), _TINY)

    def rounding(self, weights: np.ndarray, of_outputs: float) -> np.ndarray:
        """Rounding of the weights for that of the outputs, shape (n,)."""
        return np.full_like(weights, of_outputs)

    def stiffness(self, K: np.ndarray, weights: np.ndarray) -> float:
        """Bound on the rates at which residuals relax: the trace of K."""
        return float(K.trace())

    def relaxed(self, z: np.ndarray, K: np.ndarray, weights: np.ndarray, h: float) -> np.ndarray:
        """What a time h leaves of a change of ``int r``, as r resists it: an implicit step."""
        _, x, info = dposv(_plus_one(np.multiply(h, K, order="F")), z, overwrite_a=1)
        return np.asarray(z if info else x)


def _plus_one(matrix: np.ndarray) -> np.ndarray:
    """Add one to the diagonal, in place."""
    np.fill_diagonal(matrix, matrix.diagonal() + 1.0)
    return matrix


def norm(x: np.ndarray) -> float:
    """The Euclidean norm."""
    return math.sqrt(float(np.vdot(x, x)))


class Objective(Protocol):
    """An objective, as a step sees it; its weights are of a type of their own."""

    @property
    def sign(self) -> np.ndarray: ...
    def respond(self, p: np.ndarray) -> Any: ...
    def vector(self, weights: Any) -> np.ndarray: ...
    def system(self, n: int) -> Any: ...
    def stages(
        self, kernels: Arrays, parts: np.ndarray, curvatures: Arrays, systems: Sequence[Any]
    ) -> Solver | None: ...
    def difference(self, new: Any, old: Any) -> float: ...
    def mismatch(self, p: np.ndarray, weights: Any) -> float: ...
    def measure(self, change: np.ndarray, weights: Any) -> float: ...
    def unit(self, p: np.ndarray, weights: Any) -> float: ...
    def rounding(self, weights: Any, of_outputs: float) -> np.ndarray: ...
    def stiffness(self, K: np.ndarray, weights: Any) -> float: ...
    def relaxed(self, z: np.ndarray, K: np.ndarray, weights: Any, h: float) -> np.ndarray: ...
