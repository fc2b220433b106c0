"""The linear system of a Newton step on the weights, and its factorization, compiled.

See `lowrot.integrate._implicit_newton`, which takes the steps.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lowrot._jit import allocating, jit, part
from lowrot.integrate._implicit_moves import NewtonStep, NewtonWeights

_TINY = 1e-8
"""Weights up to this are not found by dividing by their square root."""
_SATURATED = 1e-12
"""Least elasticity of a slope: beyond it the diagonal of the system leaves the doubles."""
MANY = 48
"""Points from which on a factorization costs more than the steps that an older one saves."""


class NewtonProblem(NamedTuple):
    """Margins that are linear in the weights, with the entropy of a loss at a temperature.

    Attributes:
        margins: at the origin, in the unit of the problem, shape (n,).
        curvature: their derivative K in q, shape (n, n), positive semidefinite.
        origin: q_0, shape (n,).
        temperature: T, in the unit of the problem.
        accuracy: largest residual of a solution over the temperature, beside rounding.
    """

    margins: np.ndarray
    curvature: np.ndarray
    origin: np.ndarray
    temperature: float
    accuracy: float


class System(NamedTuple):
    """The system of a Newton step, factorized.

    Attributes:
        lower: its factor, shape (n, n), by rows.
        root: ``sqrt(q)``, shape (n,); zeros while there is no system.
        elasticity: ``d ln q_i / d logit_i``, where Lam is kept, shape (n,).
        along: its solution for a change of ln Lam, shape (n,).
    """

    lower: np.ndarray
    root: np.ndarray
    elasticity: np.ndarray
    along: np.ndarray

    @classmethod
    def kept(cls, n: int) -> System:
        """Room for a system that problems of n points hand on; none if there are few of them."""
        n = n if n >= MANY else 0
        return cls(np.empty((n, n)), np.zeros(n), np.empty(n), np.empty(n))


@allocating
def room(n: int) -> System:
    """Room for a system."""
    return System(np.empty((n, n)), np.empty(n), np.empty(n), np.empty(n))


@part
def factorize(problem: NewtonProblem, weights: NewtonWeights, system: System) -> bool:
    """Write the system of a step from these weights; False where it is not positive definite.

    Then there is none. With ``e = d ln q_i / d logit_i``, where Lam is kept, and with
    ``x = sqrt(q) d ln q`` the system is

        (sqrt(q) K sqrt(q) + T/e) x = -sqrt(q) (residual + (T/e) d ln Lam),

    symmetric and positive definite, and ``sqrt(q).x = 0``.
    """
    _write(problem, weights, system)
    done = _in_place(system.lower)
    if done:
        substitute(system.lower, system.along)
        done = math.isfinite(system.along[0])
    if not done:
        for i in range(len(system.root)):
            system.root[i] = 0.0
    return done


@allocating
def _in_place(matrix: np.ndarray) -> bool:
    """Write the factor of a positive definite matrix into its lower half; False if it is none."""
    try:
        lower = np.linalg.cholesky(matrix.T)  # by columns, as LAPACK has it
    except Exception:
        return False
    for i in range(len(lower)):
        for k in range(i + 1):
            matrix[i, k] = lower[i, k]
    return True


@part
def _write(problem: NewtonProblem, weights: NewtonWeights, system: System) -> None:
    """Write the matrix of a step in the place of its factor, and what else belongs to it."""
    matrix, root, elasticity, along = system
    n, curvature = len(root), problem.curvature
    for i in range(n):
        root[i] = math.exp(0.5 * weights.ln_q[i])
    for i in range(n):
        elasticity[i] = math.exp(-weights.excess[i]) if len(weights.excess) else 1.0
        diagonal = problem.temperature / max(elasticity[i], _SATURATED)
        along[i] = root[i] * diagonal
        for k in range(n):
            matrix[i, k] = root[i] * curvature[i, k] * root[k]
        matrix[i, i] += diagonal


@allocating
def newton_step(
    problem: NewtonProblem, system: System, residual: np.ndarray
) -> tuple[NewtonStep, bool]:
    """The step that makes a residual vanish to first order, with the sum of q kept at one.

    Returns:
        The step, and whether it is finite.
    """
    n = len(residual)
    x, ln_q, logit = np.empty(n), np.empty(n), np.empty(n)
    ln_lam = _solve(system, residual, x, ln_q)
    bent = np.dot(problem.curvature, ln_q)  # K dq
    _directions(problem.temperature, residual, bent, ln_lam, system, x, ln_q, logit)
    return NewtonStep(ln_q, logit, ln_lam), math.isfinite(ln_lam)


@part
def _solve(system: System, residual: np.ndarray, x: np.ndarray, dq: np.ndarray) -> float:
    """Write x and dq, and return the d ln Lam that keeps the sum of q."""
    root, along = system.root, system.along
    for i in range(len(x)):
        x[i] = root[i] * residual[i]
    substitute(system.lower, x)
    ln_lam = -np.dot(root, x) / np.dot(root, along)
    for i in range(len(x)):
        x[i] = -(x[i] + ln_lam * along[i])
        dq[i] = root[i] * x[i]
    return ln_lam


@part
def _directions(
    temperature: float,
    residual: np.ndarray,
    bent: np.ndarray,
    ln_lam: float,
    system: System,
    x: np.ndarray,
    ln_q: np.ndarray,
    logit: np.ndarray,
) -> None:
    """Write the changes of ln q and of the logits.

    Where q is tiny its own row of the system gives ln q without dividing by sqrt(q).
    """
    root, elasticity = system.root, system.elasticity
    for i in range(len(root)):
        logit[i] = -(residual[i] + bent[i]) / temperature
        tiny = root[i] * root[i] <= _TINY
        ln_q[i] = elasticity[i] * logit[i] - ln_lam if tiny else x[i] / root[i]


@part
def substitute(lower: np.ndarray, x: np.ndarray) -> None:
    """Solve with a factor, and with its transpose, in place."""
    n = len(x)
    for k in range(n):
        left = x[k]
        for i in range(k):
            left -= lower[k, i] * x[i]
        x[k] = left / lower[k, k]
    for k in range(n - 1, -1, -1):
        x[k] /= lower[k, k]
        for i in range(k):
            x[i] -= x[k] * lower[k, i]


@part
def greatest(x: np.ndarray) -> float:
    """The largest absolute value; not a number if one entry is not."""
    largest = 0.0
    for i in range(len(x)):
        if not abs(x[i]) <= largest:
            largest = abs(x[i])
            if math.isnan(largest):
                break
    return largest


@jit
def answer(problem_fields: tuple, weights_fields: tuple, residual: np.ndarray) -> np.ndarray:
    """The change of q that takes a residual away, to first order, shape (n,).

    The arguments are those of `newton`. The system is that of these weights: an older one may
    answer far too much. There is no change where it is not positive definite.
    """
    problem, weights = NewtonProblem(*problem_fields), NewtonWeights(*weights_fields)
    system, dq = room(len(residual)), np.zeros(len(residual))
    if factorize(problem, weights, system):
        _solve(system, residual, np.empty(len(residual)), dq)
    return dq
