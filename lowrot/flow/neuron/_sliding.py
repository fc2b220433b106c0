"""The velocity of least norm at a point where several kinks meet (`_contact` says what is held).

The velocities of a neuron there are ``h + sum_k s_k u_k`` with ``|s_k| <= bound_k``, a zonotope;
gradient flow takes the one of least norm. Planes along whose normal u_k that velocity has no part
are slid on.
"""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import allocating, part
from lowrot.flow.neuron._linalg import copy, dot

_MOVES = 1e-6
"""A normal velocity above this (relative to the forces) leaves the plane."""
HELD = 1e-9
"""A normal velocity below this (relative to the forces) is zero: pivoting decides so."""
_ROUNDS, _GAP = 40, 1e-14
"""Most interior-point steps, and the gap at which they end (some fifteen suffice)."""
_PIVOTS = 8
"""Most exchanges of block pivoting; it needs one or two, or cycles."""
_RIDGE = 1e-13
"""Added to Gram matrices of unit normals that may depend on each other."""
_CENTRING, _SHORTENED = 0.1, 0.98
"""Interior-point steps: the part of the gap aimed at, and of the way to the boundary taken."""


@allocating
def minimal_norm_velocity(
    U: np.ndarray, bound: np.ndarray, h: np.ndarray, normal: np.ndarray, r: np.ndarray
) -> None:
    """Write the least r, shape (d,), and its normal parts ``u_k.r``, 0 on planes that are held.

    Args:
        U: unit normals of the planes, shape (k, d).
        bound: sizes of the jumps of the field there, shape (k,).
        h: the field without them, shape (d,).
        normal: where the normal parts are written, shape (k,).
        r: where the velocity is written.

    Block principal pivoting decides nearly always, and a primal-dual interior-point method where
    it cycles (planes that depend on each other).
    """
    if not pivot(U, bound, h, _PIVOTS, normal, r):
        interior(U, bound, h, normal, r)


@part
def forces(bound: np.ndarray, h: np.ndarray) -> float:
    """The size of what meets: the field, and the jumps at the planes."""
    size = math.sqrt(dot(h, h))
    for k in range(len(bound)):
        size += bound[k]
    return size


@allocating
def free_multipliers(U: np.ndarray, inner: np.ndarray, h: np.ndarray, s: np.ndarray) -> None:
    """Write the least s on inner, unbounded, without normal parts of ``h + U^T s`` there."""
    index, count = np.empty(len(inner), dtype=np.int64), 0
    for k in range(len(inner)):
        s[k] = 0.0
        if inner[k]:
            index[count] = k
            count += 1
    gram, right = np.empty((count, count)), np.empty(count)
    for i in range(count):
        right[i] = -dot(U[index[i]], h)
        for j in range(i + 1):
            gram[i, j] = dot(U[index[i]], U[index[j]])
        gram[i, i] += _RIDGE
    solve(gram, right)
    for i in range(count):
        s[index[i]] = right[i]


@part
def solve(matrix: np.ndarray, right: np.ndarray) -> None:
    """Solve in place; of the positive definite matrix the lower half counts.

    By ``L D L^T``, row by row, so that the inner loops run along rows; ``1/D`` replaces D, and what
    remains of the columns is kept in the upper half.
    """
    n = len(right)
    for k in range(n):
        pivot = 1.0 / max(matrix[k, k], 1e-300)
        for i in range(k + 1, n):
            matrix[k, i] = matrix[i, k]
        for i in range(k + 1, n):
            factor = matrix[k, i] * pivot
            right[i] -= factor * right[k]
            for j in range(k + 1, i + 1):
                matrix[i, j] -= factor * matrix[k, j]
        right[k] *= pivot
        matrix[k, k] = pivot
    for i in range(n - 1, -1, -1):
        left = 0.0
        for k in range(i + 1, n):
            left += matrix[i, k] * right[k]
        right[i] -= matrix[i, i] * left


@part
def add(r: np.ndarray, U: np.ndarray, s: np.ndarray) -> None:
    """Add ``U^T s`` to r in place."""
    for k in range(len(s)):
        if s[k]:
            for c in range(len(r)):
                r[c] += s[k] * U[k, c]


@allocating
def pivot(
    U: np.ndarray, bound: np.ndarray, h: np.ndarray, rounds: int, normal: np.ndarray, r: np.ndarray
) -> bool:
    """Guess which s are at a bound, solve for the others, exchange what is infeasible, repeat."""
    fixed, s, inner = np.zeros(len(U)), np.zeros(len(U)), np.ones(len(U), dtype=np.bool_)
    limit = HELD * forces(bound, h)
    for _ in range(rounds):
        copy(h, r)
        add(r, U, fixed)
        free_multipliers(U, inner, r, s)
        add(r, U, s)
        done = True
        for k in range(len(U)):
            along = dot(U[k], r)
            normal[k] = along if abs(along) > limit else 0.0
            if not inner[k] and along * fixed[k] > limit * bound[k]:
                fixed[k], inner[k], done = 0.0, True, False
            elif inner[k] and not abs(s[k]) <= bound[k]:
                fixed[k], inner[k], done = math.copysign(bound[k], s[k]), False, False
            elif inner[k] and normal[k] != 0.0:
                done = False
        if done:
            return True
    return False


@allocating
def interior(
    U: np.ndarray, bound: np.ndarray, h: np.ndarray, normal: np.ndarray, r: np.ndarray
) -> None:
    """Minimize ``||h + sum_k S_k bound_k u_k||^2/2`` over the box by interior-point steps."""
    count, d = U.shape
    scale = max(forces(bound, h), 1e-300)
    D, field = np.empty((count, d)), np.empty(d)
    S, upper, lower = np.zeros(count), np.ones(count), np.ones(count)
    for c in range(d):
        field[c] = h[c] / scale
        for k in range(count):
            D[k, c] = bound[k] * U[k, c] / scale
    for _ in range(_ROUNDS):
        if interior_step(D, field, S, upper, lower) <= _GAP:
            break
    copy(field, r)
    add(r, D, S)
    inner = np.empty(count, dtype=np.bool_)
    for k in range(count):
        along = dot(U[k], r) * scale
        inner[k] = abs(along) <= _MOVES * scale
        normal[k] = 0.0 if inner[k] else along
    free_multipliers(U, inner, r, S)
    add(r, U, S)
    for c in range(d):
        r[c] *= scale


@allocating
def interior_step(
    D: np.ndarray, h: np.ndarray, S: np.ndarray, upper: np.ndarray, lower: np.ndarray
) -> float:
    """One step in S and the multipliers of ``S <= 1`` and ``S >= -1``; return the gap before it."""
    count, d = D.shape
    r, inner, system = h.copy(), np.zeros(d), np.zeros((d, d))
    theta, right, moves = np.empty(count), np.empty(count), np.empty((count, 3))
    add(r, D, S)
    gap, shrink = 0.0, _SHORTENED
    for k in range(count):
        gap += upper[k] * (1.0 - S[k]) + lower[k] * (1.0 + S[k])
    barrier = _CENTRING * gap / (2 * count)
    for i in range(d):
        system[i, i] = 1.0
    for k in range(count):
        above, below = 1.0 - S[k], 1.0 + S[k]
        theta[k] = upper[k] / above + lower[k] / below
        right[k] = barrier / below - barrier / above - dot(D[k], r)
        for i in range(d):
            inner[i] += D[k, i] * right[k] / theta[k]
            for j in range(i + 1):
                system[i, j] += D[k, i] * D[k, j] / theta[k]
    solve(system, inner)
    for k in range(count):
        above, below = 1.0 - S[k], 1.0 + S[k]
        step = (right[k] - dot(D[k], inner)) / theta[k]
        rise = (barrier + upper[k] * step) / above - upper[k]
        fall = (barrier - lower[k] * step) / below - lower[k]
        shrink = max(shrink, step / above, -step / below, -rise / upper[k], -fall / lower[k])
        moves[k, 0], moves[k, 1], moves[k, 2] = step, rise, fall
    length = _SHORTENED / shrink
    for k in range(count):
        S[k] += length * moves[k, 0]
        upper[k] += length * moves[k, 1]
        lower[k] += length * moves[k, 2]
    return gap
