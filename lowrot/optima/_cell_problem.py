"""The dual function of the global margin over activation cells, and its restricted master."""

from __future__ import annotations

import clarabel
import numpy as np
from scipy import sparse
from scipy.optimize import nnls

from lowrot._hyperplanes import Array, Hyperplanes
from lowrot.optima._arrangement import Arrangement, enumerate_cells
from lowrot.optima._conic import project, tight_settings

_STEPS = 25

_BLOCK = 20_000

_EXACT = 3000

_WANTED = 400


class CellProblem:
    """``min_q max_{||v|| <= 1} |sum_i q_i y_i s(v.x_i)|`` over the cells of an arrangement."""

    def __init__(self, reduced: Hyperplanes, y: Array, slope: float) -> None:
        self.cells: Arrangement = enumerate_cells(reduced.normals)
        self.normals, self.signs = self.cells.normals, self.cells.signs
        self.listed = {row.tobytes() for row in self.signs}
        self.plane, self.side, self.y, self.slope = reduced.plane, reduced.side, y, slope
        self.lengths = np.linalg.norm(reduced.Z, axis=1)
        self.points = (self.side * self.lengths)[:, None] * self.normals[self.plane]
        self.error = reduced.error + self.lengths * self.cells.shift

    def gradients(self, q: Array) -> Array:
        """Return ``g_c = sum_i q_i y_i s'_ic x_i`` for every cell, shape (C, r)."""
        weight = q * self.y * self.side * self.lengths
        N = len(self.normals)
        same, opposite = (
            np.bincount(self.plane, weight * (self.side == side), minlength=N) for side in (1, -1)
        )
        mean = (same + opposite) * (1 + self.slope) / 2
        jump = (same - opposite) * (1 - self.slope) / 2
        out: Array = mean @ self.normals + self.signs @ (jump[:, None] * self.normals)
        return out

    def price(self, q: Array, target: float) -> tuple[float, Array, Array, Array]:
        """Bound the dual function at q from above, and list where it may exceed ``target``.

        Over a cell the maximum of ``g.v`` on the unit ball is the length of the projection of g
        on the cell's cone, at most ``||g + A^T lam||`` for every ``lam >= 0``. So the bound holds
        whatever the accuracy of the projections; cells are dropped once they are below target.

        Returns:
            The bound for the true data; of the cells above target: their indices, signs s, and
            unit directions that (nearly) attain the maximum.
        """
        g = self.gradients(q)
        lengths = np.linalg.norm(g, axis=1)
        alive = np.flatnonzero(np.concatenate([lengths, lengths]) > target)
        cell, sign = alive % len(g), np.where(alive < len(g), 1.0, -1.0)
        w = g[cell] * sign[:, None]
        multipliers = np.zeros((len(cell), len(self.normals)))
        bound = np.linalg.norm(w, axis=1)
        for _ in range(_STEPS):
            if len(cell) <= _EXACT:
                break
            self._descend(cell, w, multipliers)
            bound = np.linalg.norm(w, axis=1) + self.cells.shift * multipliers.sum(axis=1)
            keep = bound > target
            cell, sign, w, bound = cell[keep], sign[keep], w[keep], bound[keep]
            multipliers = multipliers[keep]
        found: list[int] = []
        for k in np.argsort(-bound):
            A = self.signs[cell[k]][:, None] * self.normals
            start = sign[k] * g[cell[k]]
            try:
                multiplier, _ = nnls(A.T, -start)
            except RuntimeError:  # the bound of the multipliers so far stands
                continue
            exact = start + A.T @ multiplier
            length = float(np.linalg.norm(exact)) + self.cells.shift * float(multiplier.sum())
            if length < bound[k]:
                w[k], bound[k] = exact, length
            if bound[k] > target:
                found.append(int(k))
            if len(found) == _WANTED:
                break
        highest = max(target, float(bound.max(initial=0.0)))
        order = np.array(sorted(found, key=lambda k: -bound[k]), dtype=np.intp)
        directions = w[order] / np.maximum(np.linalg.norm(w[order], axis=1), 1e-300)[:, None]
        return float(highest + q @ self.error), cell[order], sign[order], directions

    def facets(self, cell: int) -> Array:
        """Return the hyperplanes that bound a cell: those across which there is a cell."""
        row = self.signs[cell]
        across = np.repeat(row[None, :], len(row), axis=0)
        np.fill_diagonal(across, -row)
        return np.flatnonzero([pattern.tobytes() in self.listed for pattern in across])

    def _descend(self, cell: Array, w: Array, multipliers: Array) -> None:
        """Move one multiplier of each cell, the one that moves most, to its best value."""
        squares = (self.normals**2).sum(axis=1)
        for part in (slice(k, k + _BLOCK) for k in range(0, len(cell), _BLOCK)):
            orientation = self.signs[cell[part]]
            move = np.maximum(
                -multipliers[part], -orientation * (w[part] @ self.normals.T) / squares
            )
            h = np.abs(move).argmax(axis=1)
            at = np.arange(len(h))
            multipliers[part][at, h] += move[at, h]
            w[part] += (move[at, h] * orientation[at, h])[:, None] * self.normals[h]

    def master(self, cell: Array, sign: Array, unit: float) -> tuple[Array, Array]:
        """Solve the second-order cone program over the cells given, its value in ``unit``.

        Returns:
            The vectors w of each cell, shape (k, r), and the dual point q.
        """
        n, r = self.points.shape
        k = len(cell)
        orientation = self.signs[cell]
        walls = [self.facets(c) for c in cell]
        active = np.where(orientation[:, self.plane] * self.side > 0, 1.0, self.slope)
        effect = (sign[:, None] * active * self.y / unit)[:, :, None] * self.points[None]
        effects = effect.transpose(1, 0, 2).reshape(n, k * r)
        # Variables: w (k r), tau (k), t. Clarabel wants A x + s = b with s in the cones.
        margin = sparse.csc_matrix(np.hstack([-effects, np.zeros((n, k)), np.ones((n, 1))]))
        inside = sparse.block_diag(
            [-(o[h, None] * self.normals[h]) for o, h in zip(orientation, walls)]
        )
        limits = inside.shape[0]
        inside = sparse.hstack([inside, sparse.csc_matrix((limits, k + 1))])
        total = sparse.csc_matrix(np.hstack([np.zeros(k * r), np.ones(k), 0.0])[None, :])
        place = np.arange(k)
        rows = np.concatenate(
            [place * (r + 1), (place[:, None] * (r + 1) + 1 + np.arange(r)).ravel()]
        )
        columns = np.concatenate([k * r + place, np.arange(k * r)])
        lengths = sparse.csc_matrix(
            (-np.ones(len(rows)), (rows, columns)), shape=(k * (r + 1), k * (r + 1) + 1)
        )
        A = sparse.vstack([margin, inside, total, lengths], format="csc")
        b = np.concatenate([np.zeros(n + limits), [1.0], np.zeros(k * (r + 1))])
        cones = [clarabel.NonnegativeConeT(n + limits + 1)]
        cones += [clarabel.SecondOrderConeT(r + 1) for _ in range(k)]
        variables = k * (r + 1) + 1
        objective = np.append(np.zeros(variables - 1), -1.0)
        empty = sparse.csc_matrix((variables, variables))
        solver = clarabel.DefaultSolver(empty, objective, A, b, cones, tight_settings())
        solution = solver.solve()
        x = np.asarray(solution.x)
        return x[: k * r].reshape(k, r), project(np.asarray(solution.z)[:n])
