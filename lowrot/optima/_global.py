"""The global margin by column generation over activation cells, with a rigorous dual bound."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from lowrot import _validate
from lowrot._hyperplanes import Hyperplanes, distinct_hyperplanes
from lowrot._validate import Array
from lowrot.data import Dataset
from lowrot.network import Network, activation
from lowrot.optima import _arrangement, _linear
from lowrot.optima._cell_problem import CellProblem, Pairs, Priced
from lowrot.optima._margin_program import MarginSolution, margin_program, solve_margin_program
from lowrot.optima._optimum import Bounds, Optimum, like_inputs, maximal_margin
from lowrot.optima._relaxation import relaxed_bound
from lowrot.optima._searched_cells import SearchedProblem

CELL_LIMIT = 100_000
"""Largest number of activation cells that `global_margin` enumerates."""

_TOLERANCE = 2e-7
"""Relative gap at which column generation stops: a fifth of the gap promised."""

_ADDED = 60
"""Fewest pairs (cell, sign) that a round may add, so that few points do not mean many rounds."""

_ROUNDS = 100
"""Masters at most; the bounds found so far stand, and the optimum says if its gap is too large."""

_NOTHING = 1e-14
"""A dual value up to ten times this part of ``sum_i q_i ||x_i||`` is zero but for rounding."""

_UNUSED = 1e-9
"""A vector of the master shorter than this times the longest is zero but for its tolerance."""

_WEAK = 1e-3
"""Below this times the upper bound, the margin found so far is no unit for the next master."""

_NEARBY = 1e5
"""Directions that agree when multiplied by this and rounded count as nearly one."""

_ALIKE = 2
"""Pairs of nearly one direction that a round may add: the two sides of a wall."""

_PROVES = "max_v |sum_i q_i y_i s(v.x_i)| bounds every margin of a network with ||W||^2 = 2"


def global_margin(
    data: Dataset, *, slope: float = 0.0, search: int | None = None, seed: int = 0
) -> Optimum[Network]:
    """Return the global margin, over all directions and signs, with a rigorous bound.

    ``gamma_gl = min_q max_{||v|| = 1} |sum_i q_i y_i s(v.x_i)|``, twice the largest normalized
    margin ``min_i p_i/||W||^2`` of networks of any width.

    Args:
        data: the data; without ``search`` the activation cells of the inputs must number at most
            100 000 (n = 316 at d = 3, 67 at d = 4, 34 at d = 5; parallel inputs count once, and d
            is the dimension of their span). Seconds at d = 2, n = 200 and at d = 5, n = 32;
            minutes near the limit when the labels are random.
        slope: of the activation for negative inputs, in [0, 1].
        search: beyond that many cells, random directions from which each pricing searches the
            cells that matter (64 will do); not used up to that many. Seconds at d = 8, n = 30 and
            at d = 16, n = 60.
        seed: of these directions.

    Returns:
        An `Optimum` in the unit of the inputs; ``primal`` is a balanced `Network` of
        ``||W||^2 = 2`` whose smallest margin is the value, so that its normalized margin is half
        of it. ``upper`` includes the rounding of the inputs in the enumeration of the cells.
        With a search, both bounds stay rigorous: ``value`` is attained, and ``upper`` is that of
        a semidefinite relaxation, at its own ``dual``. They can be per cents apart: ``certified``
        is False then, without a warning, and ``searched`` says what the search found: the
        largest value that the dual function was met to have at a better dual point. It is an
        estimate and no bound, as maxima may have been missed. Data without a positive margin are
        not refused unless the relaxation shows it.

    Raises:
        NotSeparable: no network has a positive margin.
        ValueError: more cells than the limit (the message gives d, n and both numbers), or a
            slope, search or seed out of bounds.
        TypeError: anything but a `Dataset`, or no numbers.

    Source: chapter "Margins and their optima"; column generation over activation cells, a
    second-order cone program by Clarabel as master, a projection on each cell's cone as pricing;
    beyond, the cells that ascents of the dual function meet, and a semidefinite program.
    """
    _validate.kind("data", data, Dataset)
    slope = _validate.number("slope", slope, 0.0, 1.0)
    search = None if search is None else _validate.integer("search", search, 1)
    seed = _validate.integer("seed", seed, 0)
    return maximal_margin(lambda data: _bounds(data, slope, search, seed), data, proves=_PROVES)


def _bounds(data: Dataset, slope: float, search: int | None, seed: int) -> Bounds[Network]:
    """Solve for the global margin."""
    if slope == 1.0:
        linear = _linear.bounds(data)
        net = Network(data.X.new_ones(1), linear.primal[None, :], slope)
        return Bounds(net, net.margins(data), data.X.norm(dim=1), linear.q, linear.upper)
    X, y = data.X.cpu().numpy(), data.y.cpu().numpy()
    hyperplanes = distinct_hyperplanes(X)
    searched = None
    if search is not None and _arrangement.count(*hyperplanes.normals.shape) > CELL_LIMIT:
        found = SearchedProblem(hyperplanes, y, slope, search, seed)
        solution = _ColumnGeneration(found, hyperplanes.basis, X).solve()
        searched = solution.upper
        solution = solution._replace(**_relaxed(hyperplanes, X, y, slope))
    else:
        _check_cells(data, *hyperplanes.normals.shape)
        problem = CellProblem(hyperplanes, y, slope)
        solution = _ColumnGeneration(problem, hyperplanes.basis, X).solve()
    net = _balanced(data, solution, slope)
    q = like_inputs(data, solution.q)
    return Bounds(net, net.margins(data), data.X.norm(dim=1), q, solution.upper, searched)


def _relaxed(hyperplanes: Hyperplanes, X: Array, y: Array, slope: float) -> dict[str, Any]:
    """Return the dual point of the relaxation, in the inputs' span, and its bound."""
    Z = hyperplanes.Z
    relaxed = relaxed_bound(Z, y, slope)
    off = np.linalg.norm(X - Z @ hyperplanes.basis, axis=1)
    return {"q": relaxed.q, "upper": relaxed.upper + float(relaxed.q @ off)}


def _check_cells(data: Dataset, N: int, r: int) -> None:
    """Refuse more cells than the limit, of N hyperplanes in r dimensions."""
    cells = _arrangement.count(N, r)
    if cells > CELL_LIMIT:
        raise ValueError(
            f"d is {data.d} and n is {data.n}: {N} distinct hyperplanes in {r} dimensions have "
            f"{cells} activation cells; global_margin enumerates up to {CELL_LIMIT} (use fewer "
            "points, or search=64 for bounds that may leave a gap)"
        )


class _Solution(NamedTuple):
    """Neurons ``u_j s(v_j.x)`` and a dual point.

    Attributes:
        directions: v_j, shape (k, d), of any positive length.
        u: their weights, shape (k,).
        q: the dual point, shape (n,).
        upper: a rigorous bound of the dual function at q.
    """

    directions: Array
    u: Array
    q: Array
    upper: float


def _balanced(data: Dataset, solution: _Solution, slope: float) -> Network:
    """Return the balanced network of ``||W||^2 = 2`` with these neurons."""
    directions, u = solution.directions, solution.u
    if len(u) == 0:
        directions, u = np.eye(1, data.d), np.ones(1)
    mass = np.sqrt(np.abs(u) / np.abs(u).sum())
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    a, V = np.sign(u) * mass, mass[:, None] * directions
    return Network(like_inputs(data, a), like_inputs(data, V), slope)


class _ColumnGeneration:
    """Neurons, cells and bounds of the global margin, improved round by round.

    A restricted master over some pairs (cell, sign) proposes directions and a dual point; a
    linear program over all directions met so far gives the primal point, and a second dual point;
    pricing bounds the dual function over all cells, and names the pairs that the master lacks.

    Attributes:
        pairs: those of the next master.
        v: unit directions of the primal point, in the basis of the hyperplanes, shape (k, r).
        signs: of their weights, shape (k,).
        u: their masses, shape (k,).
        lower: the margin that they attain.
        q: the dual point to be priced next, shape (n,).
        linear_q: that of the last linear program.
        upper: the least bound priced, at ``best_q``.
    """

    def __init__(self, problem: CellProblem, basis: Array, X: Array) -> None:
        self.problem = problem
        self.basis, self.X, self.y, self.slope = basis, X, problem.y, problem.slope
        inside = self.problem.cells.inside
        first = self._one_in_every_cell(inside)
        used = first.working[first.u > 0]
        self.pairs = Pairs(used % len(inside), np.where(used < len(inside), 1.0, -1.0))
        self.v, self.signs = inside[self.pairs.cell], self.pairs.sign
        self.u = first.u[first.u > 0]
        attained = self._effects(self.v, self.signs) @ self.u
        self.lower = float(attained.min()) if len(self.u) else 0.0
        self.q = self.linear_q = self.best_q = first.q
        self.upper, self.masters = np.inf, 0

    def solve(self) -> _Solution:
        """Improve until the gap is closed, both dual points are priced, or rounds run out."""
        for _ in range(_ROUNDS):
            priced = self._price()
            if self._closed():
                break
            new = self._lacking(priced)
            if new or not self.masters:
                self._improve(new)
            elif self.q is not self.linear_q:
                self.q = self.linear_q
            else:
                break
        return _Solution(self.v @ self.basis, self.signs * self.u, self.best_q, self.upper)

    def _effects(self, directions: Array, signs: Array) -> Array:
        """Return ``y_i chi_j s(v_j.x_i)``, shape (n, k), for directions in the basis."""
        z = self.X @ (directions @ self.basis).T
        features = activation(torch.as_tensor(z), self.slope).numpy()
        out: Array = self.y[:, None] * features * signs
        return out

    def _one_in_every_cell(self, inside: Array) -> MarginSolution:
        """Solve the linear program over one direction in each of C cells, with both signs."""
        C = len(inside)
        full = self._effects(inside, np.ones(C))
        return margin_program(
            lambda index: full[:, index % C] * np.where(index < C, 1.0, -1.0),
            lambda q: np.concatenate([q @ full, -(q @ full)]),
            len(self.y),
            2 * C,
            tolerance=_TOLERANCE,
        )

    def _price(self) -> Priced:
        """Bound the dual function at q, and list the pairs above the margin attained."""
        nothing = _NOTHING * float(self.q @ self.problem.lengths)
        target = max(self.lower * (1 + _TOLERANCE / 2), nothing)
        priced = self.problem.price(self.q, target)
        if priced.bound < self.upper:
            self.upper, self.best_q = priced.bound, self.q
        return priced

    def _closed(self) -> bool:
        nothing = _NOTHING * float(self.best_q @ self.problem.lengths)
        return self.lower >= self.upper * (1 - _TOLERANCE) or self.upper <= 10 * nothing

    def _lacking(self, priced: Priced) -> list[tuple[int, float]]:
        """Return new pairs (cell, sign), only few of nearly one direction."""
        limit = max(_ADDED, len(self.y))
        known = set(zip(self.pairs.cell.tolist(), self.pairs.sign.tolist()))
        seen: dict[bytes, int] = {}
        chosen: list[tuple[int, float]] = []
        rounded = np.rint(_NEARBY * np.column_stack([priced.directions, priced.pairs.sign]))
        proposed = zip(priced.pairs.cell.tolist(), priced.pairs.sign.tolist())
        for pair, direction in zip(proposed, rounded.astype(np.int64)):
            name = direction.tobytes()
            if pair not in known and seen.get(name, 0) < _ALIKE:
                seen[name] = seen.get(name, 0) + 1
                chosen.append(pair)
            if len(chosen) == limit:
                break
        return chosen

    def _improve(self, new: list[tuple[int, float]]) -> None:
        """Solve the master with the new pairs, then the program over all directions met."""
        self.masters += 1
        cell = np.append(self.pairs.cell, [c for c, _ in new]).astype(np.intp)
        self.pairs = Pairs(cell, np.append(self.pairs.sign, [s for _, s in new]))
        unit = self.lower if self.lower > _WEAK * self.upper else self.upper
        w, self.q = self.problem.master(self.pairs, unit)
        length = np.linalg.norm(w, axis=1)
        used = length > _UNUSED * length.max(initial=0.0)
        v = np.concatenate([self.v, w[used] / length[used, None]])
        signs = np.concatenate([self.signs, self.pairs.sign[used]])
        program = solve_margin_program(self._effects(v, signs))
        self.linear_q, self.lower = program.q, program.value
        kept = program.u > 0
        self.v, self.signs, self.u = v[kept], signs[kept], program.u[kept]
