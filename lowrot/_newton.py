"""Compiled Newton's method and interior-point method for the convex problem of a step.

Weights are triples (ln q, excess, ln Lam), a problem is (force, curvature, origin, temperature,
accuracy): see `lowrot._model`. The excess is an array without entries for the exponential loss.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lowrot._jit import jit

_NEWTON, _INTERIOR = 20, 60
_TINY, _SATURATED = 1e-8, 1e-12
_LARGEST = 690.0
"""Exponents up to this have an exponential."""

Triple = tuple[np.ndarray, np.ndarray, float]


@jit
def solved(problem: Any, guess: Triple) -> tuple[Triple, bool]:
    """The weights that solve a problem, and whether they do."""
    weights, done = newton(problem, guess)
    if not done and not len(guess[1]):
        weights, done = newton(problem, interior(problem, guess))
    return (weights, True) if done else cooled(problem, guess)


@jit
def cooled(problem: Any, weights: Triple) -> tuple[Triple, bool]:
    """Solve at a high temperature first, where the entropy rules, then at lower ones."""
    force, curvature, origin, temperature, accuracy = problem
    hottest = np.abs(force).max() + np.diag(curvature).max()
    ratio = max(hottest / temperature, 1.0)
    falls = max(1, math.ceil(math.log(min(ratio, 1e300)) / math.log(4.0)))
    done = False
    for fall in range(falls, -1, -1):
        warm = force, curvature, origin, temperature * 4.0**fall, accuracy
        weights, done = newton(warm, weights)
        if not done:
            break
    return weights, done


@jit
def newton(problem: Any, weights: Triple) -> tuple[Triple, bool]:
    """Damped Newton, until the residual is far below the temperature."""
    _, curvature, _, temperature, accuracy = problem
    diagonal = np.diag(curvature)
    pull = np.minimum(np.maximum(diagonal / temperature, 1e-12), 1e300)
    rounding = 2e-16 * (4.0 + diagonal.max())
    rest, size = residual(problem, weights)
    for _ in range(_NEWTON):
        largest = np.abs(rest).max()
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
    force, curvature, origin, temperature, _ = problem
    ln_q, excess, ln_lam = weights
    rest = np.dot(curvature, np.exp(ln_q) - origin)
    square = 0.0
    for i in range(len(rest)):
        logit = ln_q[i] + ln_lam + (excess[i] if len(excess) else 0.0)
        rest[i] += force[i] + temperature * logit
        square += rest[i] * rest[i]
    return rest, math.sqrt(square)


@jit
def newton_step(problem: Any, weights: Triple, rest: np.ndarray) -> tuple[Triple, bool]:
    """Newton's changes of ln q, of the logits and of ln Lam, with the sum of q kept at one."""
    _, curvature, _, temperature, _ = problem
    ln_q, excess, _ = weights
    n = len(ln_q)
    matrix, root, diagonal = np.empty((n, n)), np.exp(0.5 * ln_q), np.empty(n)
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
    bent = np.dot(curvature, root * first)
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
        upper = np.ascontiguousarray(np.linalg.cholesky(matrix).T)
    except Exception:
        return False
    for k in range(len(first)):
        row = upper[k]
        for right in (first, second):
            right[k] /= row[k]
            for i in range(k + 1, len(right)):
                right[i] -= right[k] * row[i]
    for k in range(len(first) - 1, -1, -1):
        row = upper[k]
        for right in (first, second):
            right[k] = (right[k] - np.dot(row[k + 1 :], right[k + 1 :])) / row[k]
    return math.isfinite(first[0]) and math.isfinite(second[0])


@jit
def interior(problem: Any, guess: Triple) -> Triple:
    """Primal-dual interior-point steps, with slacks s of q >= 0 (exponential loss)."""
    force, curvature, origin, T, _ = problem
    n = len(force)
    q = np.exp(np.maximum(guess[0], math.log(1e-4)))
    q /= q.sum()
    now = force + np.dot(curvature, q - origin)
    slack = np.maximum(now - now.min(), 1e-2 * np.abs(now).max() + T)
    for _ in range(_INTERIOR):
        gap = np.dot(q, slack)
        if gap <= 0.1 * T:
            break
        barrier = 0.1 * gap / n
        matrix, step, ones = curvature.copy(), np.empty(n), np.ones(n)
        for i in range(n):
            matrix[i, i] += (slack[i] + T) / q[i]
            step[i] = barrier / q[i] - now[i] - T * math.log(q[i])
        if not factorize_and_solve(matrix, step, ones):
            break
        step -= ones * (step.sum() / ones.sum())
        slack_step = barrier / q - slack - slack / q * step
        length = min(1.0, 0.95 * min(room(q, step), room(slack, slack_step)))
        q += length * step
        slack += length * slack_step
        now = force + np.dot(curvature, q - origin)
    ln_q, ln_lam = np.empty(n), 0.0
    for i in range(n):
        ln_q[i] = math.log(q[i]) if q[i] * T > slack[i] * 1e-3 else -slack[i] / T
        ln_lam -= q[i] * (now[i] / T + math.log(q[i]))
    return ln_q, guess[1], ln_lam


@jit
def room(x: np.ndarray, step: np.ndarray) -> float:
    """Largest multiple of the step that keeps x nonnegative."""
    return 1.0 / max((-step / x).max(), 1e-300)


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
    return ln_q - total, next_excess, ln_lam + total


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
