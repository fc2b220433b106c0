"""Damped Newton for the convex problem of a step, compiled.

    margins + K (q - q_0) + T logit = 0,   sum q = 1

in the weights ``q``: see `lowrot.integrate._implicit`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lowrot._jit import allocating, jit, part
from lowrot.integrate._implicit_moves import NewtonStep, NewtonWeights, moved

_ITERATIONS = 20
"""Newton steps before the method gives up; from the guess of a step it takes fewer than ten."""
_ARMIJO = 1e-4
"""Part of the linear decrease of the residual that a step must bring (Armijo's rule; Nocedal and
Wright, Numerical Optimization, section 3.1)."""
_SHORTER, _SHORTEST = 0.3, 1e-3
"""Factor of a step that does not bring it; below the second factor in all there is no descent."""
_ROUNDING = 2e-16
"""Rounding of the residual, for a unit of the curvature."""
_LOOSE, _LOOSE_ROUNDING = 1e-7, 100.0
"""Residual over the temperature, and multiple of rounding, that do where there is no descent."""
_FLATTEST, _STEEPEST = 1e-12, 1e300
"""Bounds of the curvature over the temperature, which has a logarithm."""
_TINY = 1e-8
"""Weights up to this are not found by dividing by their square root."""
_SATURATED = 1e-12
"""Least elasticity of a slope: beyond it the diagonal of the system leaves the doubles."""
MANY = 192
"""Points from which on a factorization costs more than the steps that an older one saves."""
_GAIN = 0.1
"""Factor of the residual that a step with an older system must bring; else that is renewed."""


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


@jit
def newton(
    problem_fields: tuple, weights_fields: tuple, system_fields: tuple
) -> tuple[NewtonWeights, bool]:
    """Damped Newton until the residual is far below the temperature.

    Args:
        problem_fields: of a `NewtonProblem`: plain tuples reach compiled code faster.
        weights_fields: of the `NewtonWeights` to start from.
        system_fields: of a `System` from a problem with about this curvature, with which the method
            begins; written, the last one. No entries: nothing is handed on.

    Returns:
        The last weights, and whether they solve the problem.
    """
    problem, weights = NewtonProblem(*problem_fields), NewtonWeights(*weights_fields)
    (ratio, rounding), system = scales(problem), System(*system_fields)
    many = len(system.root) > 0
    if not many:
        system = _room(len(problem.origin))
    accurate = problem.accuracy * problem.temperature + rounding
    loose = max(_LOOSE, problem.accuracy) * problem.temperature + _LOOSE_ROUNDING * rounding
    residual, size = residual_at(problem, weights)
    older = many and greatest(system.root) > 0.0
    for _ in range(_ITERATIONS):
        largest = greatest(residual)
        if largest <= accurate:
            return weights, True
        if not older and not factorize(problem, weights, system):
            break
        step, done = newton_step(problem, system, residual)
        if not done:
            break
        length = 1.0
        while True:
            trial = moved(weights, step, length, ratio)
            trial_residual, trial_size = residual_at(problem, trial)
            enough = _GAIN if older else 1.0 - _ARMIJO * length
            if older or trial_size <= enough * size:
                break
            length *= _SHORTER
            if length < _SHORTEST:
                return weights, largest <= loose
        if trial_size <= enough * size:
            weights, residual, size = trial, trial_residual, trial_size
            older = many
        else:
            older = False
    return weights, False


@jit
def answer(
    problem_fields: tuple, weights_fields: tuple, system_fields: tuple, residual: np.ndarray
) -> np.ndarray:
    """The change of q that takes a residual away, to first order, shape (n,).

    The arguments are those of `newton`, of which a system is taken as it is; there is no change
    where the system is not positive definite.
    """
    problem, weights = NewtonProblem(*problem_fields), NewtonWeights(*weights_fields)
    system, dq = System(*system_fields), np.zeros(len(residual))
    done = len(system.root) > 0 and greatest(system.root) > 0.0
    if not done:
        system = _room(len(residual))
        done = factorize(problem, weights, system)
    if done:
        _solve(system, residual, np.empty(len(residual)), dq)
    return dq


@allocating
def _room(n: int) -> System:
    """Room for a system."""
    return System(np.empty((n, n)), np.empty(n), np.empty(n), np.empty(n))


@allocating
def scales(problem: NewtonProblem) -> tuple[np.ndarray, float]:
    """The diagonal of the curvature over the temperature, shape (n,), and the rounding."""
    n = len(problem.origin)
    ratio, steepest = np.empty(n), 0.0
    for i in range(n):
        diagonal = problem.curvature[i, i]
        ratio[i] = min(max(diagonal / problem.temperature, _FLATTEST), _STEEPEST)
        steepest = max(steepest, diagonal)
    return ratio, _ROUNDING * (4.0 + steepest)


@allocating
def residual_at(problem: NewtonProblem, weights: NewtonWeights) -> tuple[np.ndarray, float]:
    """``margins + K (q - q_0) + T logit``, shape (n,), and its Euclidean norm."""
    change = np.empty(len(weights.ln_q))
    _change(problem, weights, change)
    residual = np.dot(problem.curvature, change)
    return residual, _complete(problem, weights, residual)


@part
def _change(problem: NewtonProblem, weights: NewtonWeights, change: np.ndarray) -> None:
    """Write the change of q since the origin."""
    for i in range(len(change)):
        change[i] = math.exp(weights.ln_q[i]) - problem.origin[i]


@part
def _complete(problem: NewtonProblem, weights: NewtonWeights, residual: np.ndarray) -> float:
    """Add to a residual what is not the curvature's, and return the norm."""
    square = 0.0
    for i in range(len(residual)):
        excess = weights.excess[i] if len(weights.excess) else 0.0
        logit = weights.ln_q[i] + weights.ln_lam + excess
        residual[i] += problem.margins[i]
        residual[i] += problem.temperature * logit
        square += residual[i] * residual[i]
    return math.sqrt(square)


@allocating
def factorize(problem: NewtonProblem, weights: NewtonWeights, system: System) -> bool:
    """Write the system of a step from these weights; False where it is not positive definite.

    With ``e = d ln q_i / d logit_i``, where Lam is kept, and with x = sqrt(q) d ln q the system is
    ``(sqrt(q) K sqrt(q) + T/e) x = -sqrt(q) (residual + (T/e) d ln Lam)``, symmetric and positive
    definite, and ``sqrt(q).x = 0``.
    """
    _write(problem, weights, system)
    try:
        lower = np.linalg.cholesky(system.lower.T)  # by columns, as LAPACK has it
    except Exception:
        for i in range(len(system.root)):
            system.root[i] = 0.0
        return False
    for i in range(len(lower)):
        for k in range(i + 1):
            system.lower[i, k] = lower[i, k]
    _substitute(system.lower, system.along)
    return math.isfinite(system.along[0])


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
    _substitute(system.lower, x)
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
def _substitute(lower: np.ndarray, x: np.ndarray) -> None:
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
