"""The linear program of margins, by column generation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import linprog

from lowrot.optima._conic import Array, project

_HIGHS_ATTEMPTS = (("highs", 1e-10), ("highs-ipm", 1e-10), ("highs-ds", 1e-8), ("highs", 1e-7))

_SMALL = 1e-3

_PIVOTS = 50


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


def _largest(scores: Array, k: int) -> Array:
    if k >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(-scores, k)[:k]
