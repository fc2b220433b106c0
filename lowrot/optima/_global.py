"""The global margin by column generation over activation cells, with a rigorous dual bound."""

from __future__ import annotations

import numpy as np

from lowrot import _validate
from lowrot._hyperplanes import Array, Hyperplanes, distinct_hyperplanes
from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.optima import _arrangement
from lowrot.optima._cell_problem import CellProblem
from lowrot.optima._linear import svm_margin
from lowrot.optima._margin_program import margin_program, solve_margin_program
from lowrot.optima._optimum import (
    _MANY_POINTS,
    Optimum,
    _certify,
    _to,
)

CELL_LIMIT = 100_000
"""Largest number of activation cells that `global_margin` enumerates."""


def global_margin(data: Dataset, *, slope: float = 0.0) -> Optimum[Network]:
    """Return the global margin, over all directions and signs, with a rigorous bound.

    ``gamma_gl = min_q max_{||v|| = 1} |sum_i q_i y_i s(v.x_i)|``, twice the largest normalized
    margin ``min_i p_i/||W||^2`` of networks of any width.

    Args:
        data: the data; the activation cells of the inputs must number at most 100 000 (n = 316
            at d = 3, 67 at d = 4, 34 at d = 5; parallel inputs count once, and d is the dimension
            of their span). Seconds at d = 2, n = 200 and at d = 5, n = 32; minutes near the limit
            when the labels are random.
        slope: of the activation for negative inputs, in [0, 1].

    Returns:
        An `Optimum`; ``primal`` is a balanced `Network` of ``||W||^2 = 2`` whose smallest margin
        is the value, so that its normalized margin is half of it. ``upper`` includes the
        rounding of the inputs in the enumeration of the cells.

    Raises:
        NotSeparable: no network has a positive margin.
        ValueError: more cells than the limit; the message gives d, n and both numbers.

    Source: chapter "Margins and their optima"; column generation over activation cells, a
    second-order cone program by Clarabel as master, a projection on each cell's cone as pricing.
    """
    _validate.kind("data", data, Dataset)
    slope = _validate.number("slope", slope, 0.0, 1.0)
    proves = "max_v |sum_i q_i y_i s(v.x_i)| bounds every margin of a network with ||W||^2 = 2"
    if slope == 1.0:
        linear = svm_margin(data)
        net = Network(data.X.new_ones(1), linear.primal[None, :], slope)
        return _certify(
            float(net.margins(data).min()), linear.upper, net, linear.dual, data, proves, False
        )
    X, y = data.X.cpu().numpy(), data.y.cpu().numpy()
    reduced = distinct_hyperplanes(X)
    N, r = reduced.normals.shape
    cells = _arrangement.count(N, r)
    if cells > CELL_LIMIT:
        raise ValueError(
            f"d is {data.d} and n is {data.n}: {N} distinct hyperplanes in {r} dimensions have "
            f"{cells} activation cells; global_margin certifies up to {CELL_LIMIT} "
            "(use fewer points, or frozen_margin over many directions for a lower bound)"
        )
    directions, u, dual, upper = _solve(reduced, X, y, slope)
    if len(u) == 0:
        directions, u = np.eye(1, data.d), np.ones(1)
    mass = np.sqrt(np.abs(u) / np.abs(u).sum())
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    net = Network(_to(data, np.sign(u) * mass), _to(data, mass[:, None] * directions), slope)
    value = float(net.margins(data).min())
    return _certify(value, upper, net, _to(data, dual), data, proves, data.n > _MANY_POINTS)


_TOLERANCE = 2e-7

_ADDED = 60

_ROUNDS = 100

_NOTHING = 1e-14

_UNUSED = 1e-9

_WEAK = 1e-3
"""Below this times the upper bound, the margin found so far is no unit for the next master."""


def features(V: Array, X: Array, slope: float) -> Array:
    """Return ``s(v_j.x_i)``, shape (n, m)."""
    z = X @ V.T
    return np.maximum(z, slope * z)


def _solve(
    reduced: Hyperplanes, X: Array, y: Array, slope: float
) -> tuple[Array, Array, Array, float]:
    """Return directions (k, d), weights u (k,), the dual point q and its rigorous upper bound."""
    problem = CellProblem(reduced, y, slope)
    inside, count = problem.cells.inside, len(problem.cells.inside)

    def effects(directions: Array, sign: Array) -> Array:
        out: Array = y[:, None] * features(directions @ reduced.basis, X, slope) * sign
        return out

    full = effects(inside, np.ones(count))
    working, u, q = margin_program(
        lambda index: full[:, index % count] * np.where(index < count, 1.0, -1.0),
        lambda q: np.concatenate([q @ full, -(q @ full)]),
        len(y),
        2 * count,
        tolerance=_TOLERANCE,
    )
    cell, sign = working[u > 0] % count, np.where(working[u > 0] < count, 1.0, -1.0)
    v, u = inside[cell], u[u > 0]
    signs, lower = sign, float((effects(v, sign) @ u).min()) if len(u) else 0.0
    upper, best_q, linear_q, solved = np.inf, q, q, False
    for _ in range(_ROUNDS):
        target = max(lower * (1 + _TOLERANCE / 2), _NOTHING)
        bound, new_cell, new_sign, new_v = problem.price(q, target)
        if bound < upper:
            upper, best_q = bound, q
        if lower >= upper * (1 - _TOLERANCE) or upper <= 10 * _NOTHING:
            break
        known = set(zip(cell.tolist(), sign.tolist()))
        added = _spread(new_cell, new_sign, new_v, known, max(_ADDED, len(y)))
        if not added and solved:
            if q is linear_q:
                break
            q = linear_q
            continue
        solved = True
        cell = np.append(cell, [c for c, _ in added]).astype(np.intp)
        sign = np.append(sign, [s for _, s in added])
        w, q = problem.master(cell, sign, lower if lower > _WEAK * upper else upper)
        length = np.linalg.norm(w, axis=1)
        used = length > _UNUSED * length.max(initial=0.0)
        v = np.concatenate([v, w[used] / length[used, None]])
        signs = np.concatenate([signs, sign[used]])
        u, linear_q, lower = solve_margin_program(effects(v, signs))
        v, signs, u = v[u > 0], signs[u > 0], u[u > 0]
    return v @ reduced.basis, signs * u, best_q, upper


def _spread(
    cell: Array, sign: Array, directions: Array, known: set[tuple[int, float]], limit: int
) -> list[tuple[int, float]]:
    """Return at most ``limit`` new pairs (cell, sign), at most two of nearly one direction."""
    seen: dict[bytes, int] = {}
    chosen: list[tuple[int, float]] = []
    keys = np.rint(1e5 * np.column_stack([directions, sign])).astype(np.int64)
    for pair, key in zip(zip(cell.tolist(), sign.tolist()), keys):
        name = key.tobytes()
        if pair not in known and seen.get(name, 0) < 2:
            seen[name] = seen.get(name, 0) + 1
            chosen.append(pair)
        if len(chosen) == limit:
            break
    return chosen
