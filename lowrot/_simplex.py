"""Two convex solvers over the simplex: the point of least norm, and the program of margins."""

from __future__ import annotations

from collections.abc import Callable

import clarabel
import numpy as np
from scipy import sparse
from scipy.optimize import linprog, nnls

Array = np.ndarray

_WORKING_POINTS = 1500
_POLISHED_POINTS = 400
_NO_MARGIN = 0.1
_HIGHS_ATTEMPTS = (("highs", 1e-10), ("highs-ipm", 1e-10), ("highs-ds", 1e-8), ("highs", 1e-7))
_SMALL = 1e-3
_PIVOTS = 50


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


def margin_program(
    columns: Callable[[Array], Array],
    price: Callable[[Array], Array],
    n: int,
    m: int,
    tolerance: float = 1e-7,
    batch: int | None = None,
    rounds: int = 200,
) -> tuple[Array, Array, Array]:
    """Solve ``max {min_i (C u)_i : u >= 0, sum u <= 1}`` by column generation.

    Args:
        columns: returns ``C[:, index]``, shape (n, len(index)).
        price: returns ``C^T q``, shape (m,), exactly.
        n: number of rows.
        m: number of columns.
        tolerance: stop at this relative gap between the priced dual and the master's value.
        batch: columns added a round.
        rounds: at most so many.

    Returns:
        The working columns (k,), their weights u (k,), and the best dual point q (n,).
    """
    batch = max(4 * n, 200) if batch is None else batch
    best_upper, best_q = np.inf, np.full(n, 1.0 / n)
    working = np.arange(m) if m <= 4 * batch else _largest(price(best_q), 2 * batch)
    for _ in range(rounds):
        C = columns(working)
        u, q, value = solve_margin_program(C)
        scores = price(q)
        if scores.max() < best_upper:
            best_upper, best_q = float(scores.max()), q
        if len(working) == m or best_upper - value <= tolerance * max(best_upper, 1e-12):
            break
        if best_upper <= 0:
            break
        scores[working] = -np.inf
        new = _largest(scores, batch)
        new = new[scores[new] > value]
        if len(new) == 0:
            break
        if len(working) > 20 * batch:
            kept = (u > 0) | (C.T @ q > 0.9 * value)
            working = working[kept]
        working = np.concatenate([working, new])
    if len(u) < len(working):
        u = solve_margin_program(columns(working))[0]
    return working, u, best_q


def solve_margin_program(C: Array) -> tuple[Array, Array, float]:
    """Return u, q and the value of ``max {min_i (C u)_i : u >= 0, sum u <= 1}``, by HiGHS.

    HiGHS' tolerances are absolute: a small value is solved for again in a larger unit, and its
    basic solution from its linear system.
    """
    best = _highs(C)
    if best is None:
        raise RuntimeError(f"HiGHS found no solution of a {len(C)} x {C.shape[1]} margin program")
    size = float(np.abs(C).max())
    if 0 < best[2] < _SMALL * size:
        again = _highs(C / float(np.sqrt(best[2] * size)))
        best = best if again is None else again
        u, q = _basic(C, *best[:2])
        best = u, q, float((C @ u).min())
    return best


def _basic(C: Array, u: Array, q: Array) -> tuple[Array, Array]:
    """Solve for the basic solution again, without the tolerances of the linear program."""
    columns, rows = np.flatnonzero(u > 0), np.flatnonzero(q > 0)
    block = C[np.ix_(rows, columns)]
    system = np.block([[block, -np.ones((len(rows), 1))], [np.ones((1, len(columns))), 0.0]])
    unit = np.append(np.zeros(len(rows)), 1.0)
    primal, dual = np.zeros_like(u), np.zeros_like(q)
    primal[columns] = np.linalg.lstsq(system, unit)[0][:-1]
    system = np.block([[block.T, -np.ones((len(columns), 1))], [np.ones((1, len(rows))), 0.0]])
    dual[rows] = np.linalg.lstsq(system, np.append(np.zeros(len(columns)), 1.0))[0][:-1]
    better = primal.min() >= 0 and (C @ primal).min() > (C @ u).min() * primal.sum()
    tighter = dual.min() >= 0 and (dual @ C).max() < (q @ C).max() * dual.sum()
    return primal / primal.sum() if better else u, dual / dual.sum() if tighter else q


def _highs(C: Array) -> tuple[Array, Array, float] | None:
    n, k = C.shape
    rows = np.vstack([np.hstack([-C, np.ones((n, 1))]), np.append(np.ones(k), 0.0)[None, :]])
    for method, feasibility in _HIGHS_ATTEMPTS:
        result = linprog(
            np.append(np.zeros(k), -1.0),
            A_ub=rows,
            b_ub=np.append(np.zeros(n), 1.0),
            bounds=[(0, None)] * k + [(None, None)],
            method=method,
            options={
                "primal_feasibility_tolerance": feasibility,
                "dual_feasibility_tolerance": feasibility,
                "maxiter": _PIVOTS * (n + k),
            },
        )
        if result.x is not None:
            break
    else:
        return None
    u = result.x[:k].clip(min=0.0)
    return u / max(1.0, u.sum()), project(-result.ineqlin.marginals[:n]), float(-result.fun)


def project(q: Array) -> Array:
    """Return q without its rounding errors: non-negative, of sum 1."""
    q = np.nan_to_num(q).clip(min=0.0)
    return q / q.sum() if q.sum() > 0 else np.full(len(q), 1.0 / len(q))


def tight_settings() -> clarabel.DefaultSettings:
    """Return settings that let Clarabel run to the end of its precision."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    return settings


def _largest(scores: Array, k: int) -> Array:
    if k >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(-scores, k)[:k]
