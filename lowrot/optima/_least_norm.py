"""The point of least norm in the convex hull of columns."""

from __future__ import annotations

import clarabel
import numpy as np
from scipy import sparse

from lowrot._validate import Array
from lowrot.optima._conic import project, tight_settings

_WORKING_POINTS = 1500
"""Columns up to which all are given to the interior-point method, whose system is dense."""

_POLISHED_POINTS = 400
"""Columns near the margin up to which the active-set method polishes: it moves one at a time."""

_VIOLATION = 1e-10
"""Relative violation of the optimality condition that is rounding: 1e-4 of the gap promised."""

_TINY_SQUARE = 1e-20
"""The unit of a violation is at least this: the longest column is 1, a norm of 1e-10 is zero."""

_WEIGHTED = 1e-7
"""Weights above this are active; an interior point leaves the others smaller, but not zero."""

_NEAR_MARGIN = 1e-5
"""Columns whose products exceed the least one by at most this, relatively, may be active."""

_NO_MARGIN = 0.1
"""Relative gap above which the least norm is zero but for rounding: a gap means nothing then."""


def least_norm(A: Array, rounds: int = 30) -> Array:
    """Return q on the simplex, shape (n,), that minimizes ``||A q||``.

    Clarabel on a working set of columns, polished by an active-set method; columns that violate
    optimality join the working set until none does.

    Args:
        A: columns, shape (k, n).
        rounds: of the working set, at most.
    """
    n = A.shape[1]
    scale = np.linalg.norm(A, axis=0).max()
    A = A / scale if scale > 0 else A
    working = np.arange(n)
    if n > _WORKING_POINTS:
        working = np.sort(np.random.default_rng(0).choice(n, _WORKING_POINTS // 2, replace=False))
    q = np.zeros(n)
    for _ in range(rounds):
        q[:] = 0.0
        q[working] = _least_norm_of_all(A[:, working])
        outside = _violating(A, q, working)
        if len(outside) == 0:
            break
        working = np.union1d(np.flatnonzero(q > 0), outside[: _WORKING_POINTS // 4])
    return q


def _violating(A: Array, q: Array, working: Array) -> Array:
    """Return the columns outside the working set with ``a.Aq < ||A q||^2``, the worst first."""
    point = A @ q
    slack = A.T @ point - point @ point
    violated = np.flatnonzero(slack < -_VIOLATION * max(point @ point, _TINY_SQUARE))
    outside = np.setdiff1d(violated, working)
    return outside[np.argsort(slack[outside])]


def _least_norm_of_all(A: Array) -> Array:
    """Interior point, then non-negative least squares on the points near the margin."""
    q = _interior_point(A)
    point = A @ q
    norm = float(np.linalg.norm(point))
    if norm == 0:
        return q
    near = np.flatnonzero((q > _WEIGHTED) | (A.T @ point < (1 + _NEAR_MARGIN) * norm**2))
    if len(near) > _POLISHED_POINTS:
        return q
    candidates = [q, *_active_set_points(A, near, norm)]
    best = min(candidates, key=lambda candidate: _relative_gap(A, candidate))
    if _relative_gap(A, best) > _NO_MARGIN:
        best = min(candidates, key=lambda candidate: float(np.linalg.norm(A @ candidate)))
    return best


def _active_set_points(A: Array, near: Array, norm: float) -> list[Array]:
    """Return points of least norm among the columns ``near``, in two scalings of the condition.

    ``min |A u|^2 + weight^2 (sum u - 1)^2`` over u >= 0 is attained on the ray of the solution.
    """
    from scipy.optimize import nnls

    points = []
    for weight in (norm, 1.0):
        stacked = np.vstack([A[:, near], np.full((1, len(near)), weight)])
        try:
            u, _ = nnls(stacked, np.append(np.zeros(len(A)), weight))
        except RuntimeError:
            continue
        if u.sum() > 0:
            point = np.zeros(A.shape[1])
            point[near] = u / u.sum()
            points.append(point)
    return points


def _relative_gap(A: Array, q: Array) -> float:
    point = A @ q
    square = float(point @ point)
    return np.inf if square == 0 else 1.0 - float((A.T @ point).min()) / square


def _interior_point(A: Array) -> Array:
    """Return the minimizer over all columns, to the interior-point method's precision."""
    n = A.shape[1]
    if A.shape[0] < n:  # r = A q as a variable keeps the quadratic form small and diagonal
        k = A.shape[0]
        P = sparse.diags([0.0] * n + [1.0] * k)
        equal = sparse.bmat(
            [[np.ones((1, n)), np.zeros((1, k))], [sparse.csc_matrix(A), -sparse.identity(k)]]
        )
        positive = sparse.hstack([-sparse.identity(n), sparse.csc_matrix((n, k))])
    else:
        k = 0
        P = sparse.csc_matrix(np.triu(A.T @ A))
        equal, positive = sparse.csc_matrix(np.ones((1, n))), -sparse.identity(n)
    solver = clarabel.DefaultSolver(
        sparse.csc_matrix(P),
        np.zeros(n + k),
        sparse.vstack([equal, positive], format="csc"),
        np.concatenate([[1.0], np.zeros(k + n)]),
        [clarabel.ZeroConeT(1 + k), clarabel.NonnegativeConeT(n)],
        tight_settings(),
    )
    return project(np.asarray(solver.solve().x)[:n])
