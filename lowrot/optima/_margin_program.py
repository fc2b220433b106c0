"""The linear program of margins, by column generation."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lowrot._validate import Array
from lowrot.optima._conic import project

HIGHS_ATTEMPTS = (("highs", 1e-10), ("highs-ipm", 1e-10), ("highs-ds", 1e-8), ("highs", 1e-7))
"""Methods of HiGHS and their tolerances, until one succeeds: 1e-10 is the tightest it accepts."""

_SMALL = 1e-3
"""A value below this times the shortest row is solved for again in a larger unit: an absolute
tolerance of 1e-10 would be a relative one of 1e-7 there, a tenth of the gap promised."""

_SHORTEST = 1e-8
"""The shortest row counts as this part of a longer one at least: HiGHS drops entries up to 1e-9.
No value is larger than the shortest row, so that the other asks for 1e-8 of itself more."""

_PIVOTS = 50
"""Iterations allowed a row or column: a method that cycles is given up, and the next one tried."""

_LEAST_BATCH = 200
"""Fewest columns added a round, so that few rows do not mean many rounds."""

_DROPPED_BEYOND = 20
"""Batches of working columns beyond which those far from active are dropped."""

_NEAR_OPTIMAL = 0.9
"""Columns priced above this times the value are not dropped: the next rounds would add them."""

_TINY_BOUND = 1e-12
"""The unit of the relative gap is at least this: a smaller bound is zero but for rounding."""


class MarginSolution(NamedTuple):
    """A solution of ``max {min_i (C u)_i : u >= 0, sum u <= 1}`` by column generation.

    Attributes:
        working: indices of the columns that u weighs, shape (k,).
        u: their weights, shape (k,).
        q: the dual point of the smallest bound ``max(C^T q)``, shape (n,).
    """

    working: Array
    u: Array
    q: Array


class ProgramSolution(NamedTuple):
    """A solution of the whole program.

    Attributes:
        u: primal point, shape (m,).
        q: dual point on the simplex, shape (n,).
        value: ``min_i (C u)_i`` up to the solver's tolerance.
    """

    u: Array
    q: Array
    value: float


def margin_program(
    columns: Callable[[Array], Array],
    price: Callable[[Array], Array],
    n: int,
    m: int,
    tolerance: float = 1e-7,
    batch: int | None = None,
    rounds: int = 200,
) -> MarginSolution:
    """Solve ``max {min_i (C u)_i : u >= 0, sum u <= 1}`` by column generation.

    Args:
        columns: returns ``C[:, index]``, shape (n, len(index)).
        price: returns ``C^T q``, shape (m,), exactly.
        n: number of rows.
        m: number of columns.
        tolerance: stop at this relative gap between the priced dual and the master's value.
        batch: columns added a round.
        rounds: at most so many, at least one.

    Raises:
        RuntimeError: HiGHS solves none of the programs in any of its ways.
    """
    batch = max(4 * n, _LEAST_BATCH) if batch is None else batch
    upper, best_q = np.inf, np.full(n, 1.0 / n)
    working = np.arange(m) if m <= 4 * batch else _largest(price(best_q), 2 * batch)
    for _ in range(rounds):
        weighed, C = working, columns(working)
        master = solve_margin_program(C)
        scores = price(master.q)
        if scores.max() < upper:
            upper, best_q = float(scores.max()), master.q
        closed = upper - master.value <= tolerance * max(upper, _TINY_BOUND)
        if len(working) == m or closed or upper <= 0:
            break
        new = _violated(scores, working, master.value, batch)
        if len(new) == 0:
            break
        # While the value is zero, what was added so far is the only progress there is.
        if len(working) > _DROPPED_BEYOND * batch and master.value > 0:
            kept = (master.u > 0) | (C.T @ master.q > _NEAR_OPTIMAL * master.value)
            working = working[kept]
        working = np.concatenate([working, new])
    return MarginSolution(weighed, master.u, best_q)


def _violated(scores: Array, working: Array, value: float, batch: int) -> Array:
    """Return the columns, not working yet, whose dual constraints are violated most."""
    scores[working] = -np.inf
    new = _largest(scores, batch)
    return new[scores[new] > value]


def _largest(scores: Array, k: int) -> Array:
    """Return the indices of the k largest scores, in no order."""
    if k >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(-scores, k)[:k]


def solve_margin_program(C: Array) -> ProgramSolution:
    """Solve ``max {min_i (C u)_i : u >= 0, sum u <= 1}``, C of shape (n, m), by HiGHS.

    HiGHS' tolerances are absolute: each row is solved for in its own unit, a small value again in
    a larger one, and its basic solution from its linear system.

    Raises:
        RuntimeError: HiGHS finds no solution in any of its ways.
    """
    sizes = _row_sizes(C)
    shortest = float(sizes.min())
    rows, targets = C / sizes[:, None], np.maximum(shortest / sizes, _SHORTEST)
    best = _highs(rows, targets, unit=1.0)
    if best is None:
        raise RuntimeError(f"HiGHS found no solution of a {len(C)} x {C.shape[1]} margin program")
    small = 0 < best.value < _SMALL
    if small:
        again = _highs(rows, targets, unit=float(np.sqrt(best.value)))
        best = best if again is None else again
    best = ProgramSolution(best.u, project(best.q / sizes), best.value * shortest)
    if small:
        u, q = _basic(C, best.u, best.q)
        best = ProgramSolution(u, q, float((C @ u).min()))
    return best


def _row_sizes(C: Array) -> Array:
    """Return the power of two above the largest entry of each row, shape (n,)."""
    largest = np.abs(C).max(axis=1)
    sizes: Array = np.ldexp(1.0, np.frexp(largest)[1])
    return np.where(largest > 0, sizes, 1.0)


def _highs(rows: Array, targets: Array, unit: float) -> ProgramSolution | None:
    """Solve ``max {t : rows u >= t targets}`` for t in a unit; None if no way of HiGHS succeeds.

    The dual point is that of the rows given.
    """
    from scipy.optimize import linprog

    n, k = rows.shape
    whole = np.append(np.ones(k), 0.0)[None, :]
    bounded = np.vstack([np.column_stack([-rows / unit, targets]), whole])
    for method, feasibility in HIGHS_ATTEMPTS:
        result = linprog(
            np.append(np.zeros(k), -1.0),
            A_ub=bounded,
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
    q = project(-result.ineqlin.marginals[:n])
    return ProgramSolution(u / max(1.0, u.sum()), q, float(-result.fun) * unit)


def _basic(C: Array, u: Array, q: Array) -> tuple[Array, Array]:
    """Solve for the basic solution again, without the tolerances of the linear program."""
    columns, rows = np.flatnonzero(u > 0), np.flatnonzero(q > 0)
    sizes = _row_sizes(C[rows])
    block = C[np.ix_(rows, columns)] / sizes[:, None]
    primal, dual = np.zeros_like(u), np.zeros_like(q)
    primal[columns] = _equalized(block, sizes.min() / sizes)
    dual[rows] = _equalized(block.T, np.ones(len(columns))) / sizes
    better = primal.min() >= 0 and (C @ primal).min() > (C @ u).min() * primal.sum()
    tighter = dual.min() >= 0 and (dual @ C).max() < (q @ C).max() * dual.sum()
    return primal / primal.sum() if better else u, dual / dual.sum() if tighter else q


def _equalized(block: Array, targets: Array) -> Array:
    """Return weights of the columns, of sum 1, whose rows have values proportional to targets."""
    system = np.block([[block, -targets[:, None]], [np.ones((1, block.shape[1])), 0.0]])
    weights: Array = np.linalg.lstsq(system, np.append(np.zeros(len(block)), 1.0))[0][:-1]
    return weights
