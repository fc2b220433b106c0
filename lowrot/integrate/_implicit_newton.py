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


@jit
def newton(problem_fields: tuple, weights_fields: tuple) -> tuple[NewtonWeights, bool]:
    """Damped Newton until the residual is far below the temperature.

    Args:
        problem_fields: of a `NewtonProblem`: plain tuples reach compiled code faster.
        weights_fields: of the `NewtonWeights` to start from.

    Returns:
        The last weights, and whether they solve the problem.
    """
    problem, weights = NewtonProblem(*problem_fields), NewtonWeights(*weights_fields)
    ratio, rounding = scales(problem)
    accurate = problem.accuracy * problem.temperature + rounding
    loose = max(_LOOSE, problem.accuracy) * problem.temperature + _LOOSE_ROUNDING * rounding
    residual, size = residual_at(problem, weights)
    for _ in range(_ITERATIONS):
        largest = greatest(residual)
        if largest <= accurate:
            return weights, True
        step, done = newton_step(problem, weights, residual)
        if not done:
            break
        length = 1.0
        while True:
            trial = moved(weights, step, length, ratio)
            trial_residual, trial_size = residual_at(problem, trial)
            if trial_size <= (1.0 - _ARMIJO * length) * size:
                break
            length *= _SHORTER
            if length < _SHORTEST:
                return weights, largest <= loose
        weights, residual, size = trial, trial_residual, trial_size
    return weights, False


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
def newton_step(
    problem: NewtonProblem, weights: NewtonWeights, residual: np.ndarray
) -> tuple[NewtonStep, bool]:
    """The step that makes the residual vanish to first order, with the sum of q kept at one.

    With ``e = d ln q_i / d logit_i``, where Lam is kept, and with x = sqrt(q) d ln q the system is
    ``(sqrt(q) K sqrt(q) + T/e) x = -sqrt(q) (residual + (T/e) d ln Lam)``, symmetric and positive
    definite, and ``sqrt(q).x = 0``.

    Returns:
        The step, and whether there is one: False where the system is not positive definite.
    """
    n = len(residual)
    matrix, roots = np.empty((n, n)), (np.empty(n), np.empty(n))
    sides, ln_q, logit = (np.empty(n), np.empty(n)), np.empty(n), np.empty(n)
    _system(problem, weights, residual, matrix, roots, sides)
    if not factorize_and_solve(matrix, sides[0], sides[1]):
        return NewtonStep(ln_q, logit, 0.0), False
    ln_lam = _kept(roots[0], sides, ln_q)
    bent = np.dot(problem.curvature, ln_q)  # K dq
    _directions(problem.temperature, residual, bent, ln_lam, roots, sides[0], ln_q, logit)
    return NewtonStep(ln_q, logit, ln_lam), math.isfinite(ln_lam)


@part
def _system(
    problem: NewtonProblem,
    weights: NewtonWeights,
    residual: np.ndarray,
    matrix: np.ndarray,
    roots: tuple[np.ndarray, np.ndarray],
    sides: tuple[np.ndarray, np.ndarray],
) -> None:
    """Write the matrix, the roots of q with the elasticities, and both right-hand sides."""
    (root, elasticity), (first, second), curvature = roots, sides, problem.curvature
    for i in range(len(root)):
        root[i] = math.exp(0.5 * weights.ln_q[i])
    for i in range(len(root)):
        elasticity[i] = math.exp(-weights.excess[i]) if len(weights.excess) else 1.0
        diagonal = problem.temperature / max(elasticity[i], _SATURATED)
        first[i], second[i] = root[i] * residual[i], root[i] * diagonal
        for k in range(len(root)):
            matrix[i, k] = root[i] * curvature[i, k] * root[k]
        matrix[i, i] += diagonal


@part
def _kept(root: np.ndarray, sides: tuple[np.ndarray, np.ndarray], dq: np.ndarray) -> float:
    """The d ln Lam that keeps the sum of q; written, x into the first side, and dq."""
    first, second = sides
    ln_lam = -np.dot(root, first) / np.dot(root, second)
    for i in range(len(root)):
        first[i] = -(first[i] + ln_lam * second[i])
        dq[i] = root[i] * first[i]
    return ln_lam


@part
def _directions(
    temperature: float,
    residual: np.ndarray,
    bent: np.ndarray,
    ln_lam: float,
    roots: tuple[np.ndarray, np.ndarray],
    x: np.ndarray,
    ln_q: np.ndarray,
    logit: np.ndarray,
) -> None:
    """Write the changes of ln q and of the logits.

    Where q is tiny its own row of the system gives ln q without dividing by sqrt(q).
    """
    root, elasticity = roots
    for i in range(len(root)):
        logit[i] = -(residual[i] + bent[i]) / temperature
        tiny = root[i] * root[i] <= _TINY
        ln_q[i] = elasticity[i] * logit[i] - ln_lam if tiny else x[i] / root[i]


@allocating
def factorize_and_solve(matrix: np.ndarray, first: np.ndarray, second: np.ndarray) -> bool:
    """Solve a positive definite system for two right-hand sides, in place; False if it is not."""
    try:
        lower = np.linalg.cholesky(matrix.T)  # by columns, both
    except Exception:
        return False
    _substitute(lower, first, second)
    return math.isfinite(first[0]) and math.isfinite(second[0])


@part
def _substitute(lower: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
    """Solve with a factor, and with its transpose, for two right-hand sides, in place."""
    n = len(first)
    for k in range(n):
        one, two = first[k] / lower[k, k], second[k] / lower[k, k]
        first[k], second[k] = one, two
        for i in range(k + 1, n):
            first[i] -= one * lower[i, k]
            second[i] -= two * lower[i, k]
    for k in range(n - 1, -1, -1):
        one, two = first[k], second[k]
        for i in range(k + 1, n):
            one -= first[i] * lower[i, k]
            two -= second[i] * lower[i, k]
        first[k], second[k] = one / lower[k, k], two / lower[k, k]


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
