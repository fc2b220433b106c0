"""The point of least norm in the convex hull of columns."""

from __future__ import annotations

import clarabel
import numpy as np
from scipy import sparse
from scipy.optimize import nnls

from lowrot.optima._conic import Array, project, tight_settings

_WORKING_POINTS = 1500

_POLISHED_POINTS = 400

_NO_MARGIN = 0.1


def least_norm(A: Array, rounds: int = 30) -> Array:
    """Return q on the simplex that minimizes ``||A q||`` for A of shape (k, n).

    Clarabel on a working set of columns, polished by an active-set method; columns that violate
    optimality join the working set until none does.
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
        point = A @ q
        slack = A.T @ point - point @ point
        outside = np.setdiff1d(np.flatnonzero(slack < -1e-10 * max(point @ point, 1e-20)), working)
        if len(outside) == 0:
            break
        worst = outside[np.argsort(slack[outside])[: _WORKING_POINTS // 4]]
        working = np.union1d(np.flatnonzero(q > 0), worst)
    return q


def _least_norm_of_all(A: Array) -> Array:
    """Interior point, then non-negative least squares on the points near the margin."""
    q = _interior_point(A)
    point = A @ q
    norm = float(np.linalg.norm(point))
    if norm == 0:
        return q
    near = np.flatnonzero((q > 1e-7) | (A.T @ point < (1 + 1e-5) * norm**2))
    if len(near) > _POLISHED_POINTS:
        return q
    candidates = [q]
    for weight in (norm, 1.0):
        # min |A u|^2 + weight^2 (sum u - 1)^2 over u >= 0 is attained on the ray of the solution.
        stacked = np.vstack([A[:, near], np.full((1, len(near)), weight)])
        try:
            u, _ = nnls(stacked, np.append(np.zeros(len(A)), weight))
        except RuntimeError:
            continue
        if u.sum() > 0:
            candidates.append(np.zeros_like(q))
            candidates[-1][near] = u / u.sum()
    best = min(candidates, key=lambda candidate: _relative_gap(A, candidate))
    if _relative_gap(A, best) > _NO_MARGIN:
        best = min(candidates, key=lambda candidate: float(np.linalg.norm(A @ candidate)))
    return best


def _relative_gap(A: Array, q: Array) -> float:
    point = A @ q
    square = float(point @ point)
    return np.inf if square == 0 else 1.0 - float((A.T @ point).min()) / square


def _interior_point(A: Array) -> Array:
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
