"""Newton's method for the convex problem of a step, compiled.

Weights are triples (ln q, excess, ln Lam), a problem is (force, curvature, origin, temperature,
accuracy): see `lowrot.integrate._implicit`. The excess has no entries for the exponential loss.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lowrot._jit import jit

_NEWTON = 20
_TINY, _SATURATED = 1e-8, 1e-12
_LARGEST = 690.0
"""Exponents up to this have an exponential."""

Triple = tuple[np.ndarray, np.ndarray, float]


@jit
def newton(problem: Any, weights: Triple) -> tuple[Triple, bool]:
    """Damped Newton, until the residual is far below the temperature."""
    _, curvature, _, temperature, accuracy = problem
    pull, steepest = np.empty(len(curvature)), 0.0
    for i in range(len(pull)):
        pull[i] = min(max(curvature[i, i] / temperature, 1e-12), 1e300)
        steepest = max(steepest, curvature[i, i])
    rounding = 2e-16 * (4.0 + steepest)
    rest, size = residual(problem, weights)
    for _ in range(_NEWTON):
        largest = greatest(rest)
        if largest <= accuracy * temperature + rounding:
            return weights, True
        step, done = newton_step(problem, weights, rest)
        if not done:
            break
        length = 1.0
        while True:
            trial = moved(weights, step, length, pull)
            trial_rest, trial_size = residual(problem, trial)
            if trial_size <= (1.0 - 1e-4 * length) * size:
                break
            length *= 0.3
            if length < 1e-3:
                loose = max(1e-7, accuracy) * temperature + 100.0 * rounding
                return weights, largest <= loose
        weights, rest, size = trial, trial_rest, trial_size
    return weights, False


@jit
def residual(problem: Any, weights: Triple) -> tuple[np.ndarray, float]:
    """``force + K (q - q_0) + T logit``, shape (n,), and its norm."""
    temperature, square = problem[3], 0.0
    ln_q, excess, ln_lam = weights
    q = np.empty(len(ln_q))
    for i in range(len(q)):
        q[i] = math.exp(ln_q[i])
    rest = forces(problem, q)
    for i in range(len(q)):
        logit = ln_q[i] + ln_lam + (excess[i] if len(excess) else 0.0)
        rest[i] += temperature * logit
        square += rest[i] * rest[i]
    return rest, math.sqrt(square)


@jit
def newton_step(problem: Any, weights: Triple, rest: np.ndarray) -> tuple[Triple, bool]:
    """Newton's changes of ln q, of the logits and of ln Lam, with the sum of q kept at one."""
    _, curvature, _, temperature, _ = problem
    ln_q, excess, _ = weights
    n = len(ln_q)
    matrix, root, diagonal = np.empty((n, n)), np.empty(n), np.empty(n)
    for i in range(n):
        root[i] = math.exp(0.5 * ln_q[i])
    first, second, change, logit = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        elasticity = math.exp(-excess[i]) if len(excess) else 1.0
        diagonal[i] = temperature / max(elasticity, _SATURATED)
        first[i], second[i] = root[i] * rest[i], root[i] * diagonal[i]
        for k in range(n):
            matrix[i, k] = root[i] * curvature[i, k] * root[k]
        matrix[i, i] += diagonal[i]
    if not factorize_and_solve(matrix, first, second):
        return (change, logit, 0.0), False
    lam = -np.dot(root, first) / np.dot(root, second)
    for i in range(n):
        first[i] = -(first[i] + lam * second[i])
        change[i] = root[i] * first[i]
    bent = np.dot(curvature, change)
    # Where q is tiny its own row of the system gives ln q without dividing by sqrt(q).
    for i in range(n):
        elasticity = math.exp(-excess[i]) if len(excess) else 1.0
        logit[i] = -(rest[i] + bent[i]) / temperature
        tiny = root[i] * root[i] <= _TINY
        change[i] = elasticity * logit[i] - lam if tiny else first[i] / root[i]
    return (change, logit, lam), math.isfinite(lam)


@jit
def factorize_and_solve(matrix: np.ndarray, first: np.ndarray, second: np.ndarray) -> bool:
    """Solve a positive definite system for two right-hand sides, in place; False if it is not."""
    try:
        lower = np.linalg.cholesky(matrix)  # by columns
    except Exception:
        return False
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
    return math.isfinite(first[0]) and math.isfinite(second[0])


@jit
def forces(problem: Any, q: np.ndarray) -> np.ndarray:
    """The margins at q, shape (n,)."""
    force, curvature, origin = problem[:3]
    change = np.empty(len(q))
    for i in range(len(q)):
        change[i] = q[i] - origin[i]
    now = np.dot(curvature, change)
    for i in range(len(q)):
        now[i] += force[i]
    return now


@jit
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
def moved(weights: Triple, step: Triple, length: float, pull: np.ndarray) -> Triple:
    """A step along Newton's, straight in ``ln q + pull q`` once Lam has changed.

    ``pull`` is the curvature over the temperature: in this variable the step suits a point whose
    weight the curvature decides (linear in q) and one whose weight the entropy decides (linear in
    ln q). It solves a diagonal model at once. For the logistic loss ``1 - q Lam`` takes the place
    of ``q Lam`` beyond one half, with the variable continued oddly.
    """
    old, excess, before = weights
    change, logit_change, lam = step
    n, ln_lam, logistic = len(old), before + length * lam, len(excess) > 0
    ln_q, next_excess = np.empty(n), np.empty(len(excess))
    half, total = -math.log(2.0) - ln_lam, 0.0
    for i in range(n):
        at, slope, ln_pull, upper = old[i], change[i], math.log(pull[i]), False
        if logistic:
            logit = old[i] + excess[i] + ln_lam
            other, upper = softplus(logit), logit > 0.0
            if upper:
                at, slope = -other - ln_lam, math.exp(logit - other) * (lam - logit_change[i])
            else:
                at += excess[i] - other
                slope += (1.0 - math.exp(-excess[i])) * lam
        bend = math.exp(min(at + ln_pull, _LARGEST))
        value = at + bend + length * (1.0 + bend) * slope
        if logistic:
            middle = half + math.exp(min(half + ln_pull, _LARGEST))
            if value > middle:
                value, upper = 2.0 * middle - value, not upper
        ln_q[i] = ln_omega(value + ln_pull) - ln_pull
        if logistic:
            other = -math.log1p(-math.exp(min(ln_q[i] + ln_lam, -math.log(2.0))))
            next_excess[i] = -(ln_q[i] + ln_lam) if upper else other
            ln_q[i] = -other - ln_lam if upper else ln_q[i]
    top = ln_q.max()
    for i in range(n):
        total += math.exp(ln_q[i] - top)
    total = top + math.log(total)
    for i in range(n):
        ln_q[i] -= total
    return ln_q, next_excess, ln_lam + total


@jit
def softplus(x: float) -> float:
    """``ln(1 + e^x)``."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@jit
def ln_omega(x: float) -> float:
    """The u with ``u + e^u = x``: the logarithm of Wright's omega function, by Newton's method.

    The left-hand side is convex and increasing: from above its iterates fall to the solution.
    """
    u = x if x < 1.0 else math.log(x)
    for _ in range(_NEWTON):
        exponential = math.exp(u)
        fall = (u + exponential - x) / (1.0 + exponential)
        u -= fall
        if abs(fall) <= 1e-8 * max(1.0, abs(u)):
            break
    return u
