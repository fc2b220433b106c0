"""Damped Newton for the convex problem of a step, compiled.

    margins + K (q - q_0) + T logit = 0,   sum q = 1

in the weights ``q``: see `lowrot.integrate._implicit`. With a low temperature T this is a quadratic
program, to which a ladder of temperatures leads where Newton's method alone does not settle.
"""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import allocating, jit, part
from lowrot.integrate._implicit_moves import NewtonWeights, moved
from lowrot.integrate._implicit_system import (
    NewtonProblem,
    System,
    factorize,
    greatest,
    newton_step,
    room,
)

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
_COOLING = 4.0
"""Ratio of a temperature to the next."""
_HOTTEST = 1e300
"""Largest ratio of the first temperature to the last: their ratio is a double."""
_GAIN = 0.1
"""Factor of the residual that a step with an older system must bring; else that is renewed."""


@jit
def solve(problem_fields: tuple, weights_fields: tuple, system_fields: tuple) -> tuple[tuple, bool]:
    """Solve a problem by the first method that settles: `solved` for Python.

    The arguments, and what is returned, are the fields: plain tuples reach compiled code faster.
    """
    weights, system = NewtonWeights(*weights_fields), System(*system_fields)
    weights, done = solved(NewtonProblem(*problem_fields), weights, system)
    return (weights.ln_q, weights.excess, weights.ln_lam), done


@allocating
def solved(
    problem: NewtonProblem, guess: NewtonWeights, system: System
) -> tuple[NewtonWeights, bool]:
    """The last weights, and whether they solve a problem; the arguments are those of `newton`."""
    weights, done = newton(problem, guess, system)
    return (weights, done) if done else temperature_continuation(problem, guess)


@allocating
def temperature_continuation(
    problem: NewtonProblem, weights: NewtonWeights
) -> tuple[NewtonWeights, bool]:
    """Solve at a high temperature first, where the entropy rules, then at lower ones.

    Returns:
        The last weights, and whether they solve the problem.
    """
    margins, curvature, origin, temperature, accuracy = problem
    steepest = 0.0
    for i in range(len(margins)):
        steepest = max(steepest, curvature[i, i])
    hottest, done = greatest(margins) + steepest, False
    if not math.isfinite(hottest):
        return weights, False
    ratio = min(max(hottest / temperature, 1.0), _HOTTEST)
    for rung in range(max(1, math.ceil(math.log(ratio) / math.log(_COOLING))), -1, -1):
        warm = temperature * _COOLING**rung
        problem = NewtonProblem(margins, curvature, origin, warm, accuracy)
        weights, done = newton(problem, weights, room(0))
        if not done:
            break
    return weights, done


@allocating
def newton(
    problem: NewtonProblem, weights: NewtonWeights, system: System
) -> tuple[NewtonWeights, bool]:
    """Damped Newton until the residual is far below the temperature.

    Args:
        problem: to be solved.
        weights: to start from.
        system: from a problem with about this curvature, with which the method begins; written, the
            last one. No entries: nothing is handed on.

    Returns:
        The last weights, and whether they solve the problem.
    """
    ratio, rounding = scales(problem)
    many = len(system.root) > 0
    if not many:
        system = room(len(problem.origin))
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
