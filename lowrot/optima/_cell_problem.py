"""The dual function of the global margin over activation cells, and its restricted master."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import clarabel
import numpy as np
from scipy import sparse

from lowrot._hyperplanes import Hyperplanes
from lowrot._validate import Array
from lowrot.optima._arrangement import Arrangement, enumerate_cells
from lowrot.optima._conic import project, tight_settings
from lowrot.optima._optimum import TINY

_STEPS = 25
"""Coordinate-descent steps of all cells at most: they leave few cells above the target."""

_BLOCK = 20_000
"""Cells of one vectorized descent step: some tens of MB at the largest arrangements."""

_EXACT = 3000
"""Cells few enough to be projected exactly, one after the other, without any descent."""

_WANTED = 400
"""Cells above the target after which pricing stops: a round adds about as many as points."""


class Pairs(NamedTuple):
    """Cells with the sign of the outer weight of a neuron in each.

    Attributes:
        cell: index, shape (k,).
        sign: +1 or -1, shape (k,).
    """

    cell: Array
    sign: Array


class Priced(NamedTuple):
    """The dual function at a point, as far as it is of use.

    Attributes:
        bound: rigorous upper bound of the dual function.
        pairs: cells that may exceed the target, the highest first.
        directions: unit vectors that (nearly) attain the maximum over each, shape (k, r).
    """

    bound: float
    pairs: Pairs
    directions: Array


class Master(NamedTuple):
    """A solution of the restricted master.

    Attributes:
        w: the vector of each cell's neuron, shape (k, r).
        q: the dual point, shape (n,).
    """

    w: Array
    q: Array


@dataclass(eq=False)
class _Open:
    """Pairs whose maximum is not yet known to be below the target.

    With ``A`` the normals of a cell, oriented inwards, ``w = sign g + A^T multipliers``.

    Attributes:
        pairs: the cells and signs, k of them.
        w: shape (k, r).
        multipliers: non-negative, shape (k, N).
        bound: upper bounds of the maxima, shape (k,).
    """

    pairs: Pairs
    w: Array
    multipliers: Array
    bound: Array

    def keep(self, chosen: Array) -> None:
        """Drop all others."""
        self.pairs = Pairs(self.pairs.cell[chosen], self.pairs.sign[chosen])
        self.w, self.bound = self.w[chosen], self.bound[chosen]
        self.multipliers = self.multipliers[chosen]


class CellProblem:
    """``min_q max_{||v|| <= 1} |sum_i q_i y_i s(v.x_i)|`` over the cells of an arrangement.

    Attributes:
        cells: of the distinct hyperplanes of the inputs.
        error: of each input, shape (n,): ``|v.x_i - v.x'_i|`` is at most this for unit v, where
            x'_i is the input whose hyperplane the arrangement has.
    """

    def __init__(self, hyperplanes: Hyperplanes, y: Array, slope: float) -> None:
        self._set(hyperplanes, y, slope, enumerate_cells(hyperplanes.normals))
        self._listed = {row.tobytes() for row in self.orientation}

    def _set(self, hyperplanes: Hyperplanes, y: Array, slope: float, cells: Arrangement) -> None:
        """Keep the inputs and the cells known."""
        self.cells, self.normals, self.orientation = cells, cells.normals, cells.signs
        self.plane, self.side, self.y, self.slope = hyperplanes.plane, hyperplanes.side, y, slope
        self.lengths = np.linalg.norm(hyperplanes.Z, axis=1)
        self.points = (self.side * self.lengths)[:, None] * self.normals[self.plane]
        self.error = hyperplanes.error + self.lengths * cells.shift

    def gradients(self, q: Array) -> Array:
        """Return ``g_c = sum_i q_i y_i s'_ic x_i`` for every cell, shape (C, r)."""
        weight = q * self.y * self.side * self.lengths
        N = len(self.normals)
        same, opposite = (
            np.bincount(self.plane, weight * (self.side == side), minlength=N) for side in (1, -1)
        )
        mean = (same + opposite) * (1 + self.slope) / 2
        jump = (same - opposite) * (1 - self.slope) / 2
        out: Array = mean @ self.normals + self.orientation @ (jump[:, None] * self.normals)
        return out

    # Pricing

    def price(self, q: Array, target: float) -> Priced:
        """Bound the dual function at q from above, and list where it may exceed ``target``.

        Over a cell the maximum of ``g.v`` on the unit ball is the length of the projection of g
        on the cell's cone, at most ``||g + A^T lam||`` for every ``lam >= 0``. So the bound holds
        whatever the accuracy of the projections; cells are dropped once they are below target.
        """
        g = self.gradients(q)
        left = self._descended(self._above(g, target), target)
        found = self._projected(left, g, target)
        highest = max(target, float(left.bound.max(initial=0.0)))
        pairs = Pairs(left.pairs.cell[found], left.pairs.sign[found])
        length = np.linalg.norm(left.w[found], axis=1)
        directions = left.w[found] / np.maximum(length, TINY)[:, None]
        return Priced(float(highest + q @ self.error), pairs, directions)

    def _above(self, g: Array, target: float) -> _Open:
        """Return the pairs whose unconstrained maximum ``||g||`` is above the target."""
        lengths = np.linalg.norm(g, axis=1)
        above = np.flatnonzero(np.concatenate([lengths, lengths]) > target)
        pairs = Pairs(above % len(g), np.where(above < len(g), 1.0, -1.0))
        w = g[pairs.cell] * pairs.sign[:, None]
        multipliers = np.zeros((len(w), len(self.normals)))
        return _Open(pairs, w, multipliers, np.linalg.norm(w, axis=1))

    def _descended(self, left: _Open, target: float) -> _Open:
        """Drop pairs by a few descent steps of all, until few are left."""
        for _ in range(_STEPS):
            if len(left.w) <= _EXACT:
                break
            self._descend(left)
            allowance = self.cells.shift * left.multipliers.sum(axis=1)
            left.bound = np.linalg.norm(left.w, axis=1) + allowance
            left.keep(left.bound > target)
        return left

    def _descend(self, left: _Open) -> None:
        """Move one multiplier of each pair, the one that moves most, to its best value."""
        squares = (self.normals**2).sum(axis=1)
        for part in (slice(k, k + _BLOCK) for k in range(0, len(left.w), _BLOCK)):
            orientation = self.orientation[left.pairs.cell[part]]
            w, multipliers = left.w[part], left.multipliers[part]
            move = np.maximum(-multipliers, -orientation * (w @ self.normals.T) / squares)
            h = np.abs(move).argmax(axis=1)
            at = np.arange(len(h))
            multipliers[at, h] += move[at, h]
            w += (move[at, h] * orientation[at, h])[:, None] * self.normals[h]

    def _projected(self, left: _Open, g: Array, target: float) -> Array:
        """Project the highest pairs exactly; return those still above the target, sorted."""
        from scipy.optimize import nnls

        found: list[int] = []
        for k in np.argsort(-left.bound):
            cell, sign = left.pairs.cell[k], left.pairs.sign[k]
            A = self.orientation[cell][:, None] * self.normals
            start = sign * g[cell]
            try:
                multiplier, _ = nnls(A.T, -start)
            except RuntimeError:  # the bound of the multipliers so far stands
                continue
            exact = start + A.T @ multiplier
            length = float(np.linalg.norm(exact)) + self.cells.shift * float(multiplier.sum())
            if length < left.bound[k]:
                left.w[k], left.bound[k] = exact, length
            if left.bound[k] > target:
                found.append(int(k))
            if len(found) == _WANTED:
                break
        return np.array(sorted(found, key=lambda k: -left.bound[k]), dtype=np.intp)

    # The master

    def facets(self, cell: int) -> Array:
        """Return the hyperplanes that bound a cell: those across which there is a cell."""
        row = self.orientation[cell]
        across = np.repeat(row[None, :], len(row), axis=0)
        np.fill_diagonal(across, -row)
        return np.flatnonzero([pattern.tobytes() in self._listed for pattern in across])

    def master(self, pairs: Pairs, unit: float) -> Master:
        """Solve the second-order cone program over the pairs given, its value in ``unit``.

        ``max t`` with ``t <= sum_c sign_c y_i s'_ic x_i.w_c`` for every i, w_c in its cell,
        ``||w_c|| <= tau_c`` and ``sum tau <= 1``. Variables: w (k r), tau (k), t.
        Clarabel wants A x + s = b with s in the cones.
        """
        n, r = self.points.shape
        k = len(pairs.cell)
        walls = self._walls(pairs.cell)
        limits = walls.shape[0]
        # Every margin in the unit of its input: a short one is no smaller than a tolerance.
        size = self.lengths.min() / self.lengths
        effects = size[:, None] * self._effects(pairs, unit)
        margins = np.hstack([-effects, np.zeros((n, k)), size[:, None]])
        total = np.hstack([np.zeros(k * r), np.ones(k), 0.0])[None, :]
        parts = [sparse.csc_matrix(margins), walls, sparse.csc_matrix(total), _lengths(k, r)]
        b = np.concatenate([np.zeros(n + limits), [1.0], np.zeros(k * (r + 1))])
        cones = [clarabel.NonnegativeConeT(n + limits + 1)]
        cones += [clarabel.SecondOrderConeT(r + 1) for _ in range(k)]
        variables = k * (r + 1) + 1
        solver = clarabel.DefaultSolver(
            sparse.csc_matrix((variables, variables)),
            np.append(np.zeros(variables - 1), -1.0),
            sparse.vstack(parts, format="csc"),
            b,
            cones,
            tight_settings(),
        )
        solution = solver.solve()
        w = np.asarray(solution.x)[: k * r].reshape(k, r)
        return Master(w, project(size * np.asarray(solution.z)[:n]))

    def _effects(self, pairs: Pairs, unit: float) -> Array:
        """Return ``sign_c y_i s'_ic x_i/unit``, shape (n, k r)."""
        n, r = self.points.shape
        orientation = self.orientation[pairs.cell]
        active = np.where(orientation[:, self.plane] * self.side > 0, 1.0, self.slope)
        effect = (pairs.sign[:, None] * active * self.y / unit)[:, :, None] * self.points[None]
        out: Array = effect.transpose(1, 0, 2).reshape(n, len(pairs.cell) * r)
        return out

    def _walls(self, cells: Array) -> sparse.csc_matrix:
        """Return the rows of ``-(n_h.w_c) <= 0`` for the facets of each cell, oriented inwards."""
        k = len(cells)
        blocks = []
        for cell in cells:
            h = self.facets(cell)
            blocks.append(-(self.orientation[cell][h, None] * self.normals[h]))
        inside = sparse.block_diag(blocks)
        return sparse.hstack([inside, sparse.csc_matrix((inside.shape[0], k + 1))])


def _lengths(k: int, r: int) -> sparse.csc_matrix:
    """Return the rows of ``(tau_c, w_c)`` in a second-order cone, for every pair c."""
    place = np.arange(k)
    rows = np.concatenate([place * (r + 1), (place[:, None] * (r + 1) + 1 + np.arange(r)).ravel()])
    columns = np.concatenate([k * r + place, np.arange(k * r)])
    return sparse.csc_matrix(
        (-np.ones(len(rows)), (rows, columns)), shape=(k * (r + 1), k * (r + 1) + 1)
    )
