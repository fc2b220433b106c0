"""The global margin by column generation over activation cells, with a rigorous dual bound."""

from __future__ import annotations

from dataclasses import dataclass

import clarabel
import numpy as np
from scipy import sparse
from scipy.optimize import nnls

from lowrot._cells import Arrangement, enumerate_cells
from lowrot._simplex import margin_program, project, solve_margin_program, tight_settings

Array = np.ndarray

_PARALLEL = 1e-15
_RANK = 1e-13
_STEPS = 25
_BLOCK = 20_000
_TOLERANCE = 2e-7
_ADDED = 60
_EXACT = 3000
_WANTED = 400
_ROUNDS = 100
_NOTHING = 1e-14
_UNUSED = 1e-9
_WEAK = 1e-3
"""Below this times the upper bound, the margin found so far is no unit for the next master."""


@dataclass(frozen=True)
class Reduced:
    """Inputs in an orthonormal basis of their span, and the distinct hyperplanes they define.

    Attributes:
        Z: coordinates, shape (n, r).
        basis: orthonormal rows, shape (r, d).
        normals: distinct unit normals, shape (N, r).
        plane: index of each point's hyperplane, shape (n,).
        side: +1 or -1, shape (n,): point i is ``side |z_i| normals[plane]``.
        error: distance of that form from the input, shape (n,).
    """

    Z: Array
    basis: Array
    normals: Array
    plane: Array
    side: Array
    error: Array


def reduce(X: Array) -> Reduced:
    """Reduce the inputs to the span of the rows and merge parallel hyperplanes."""
    _, singular, basis = np.linalg.svd(X, full_matrices=False)
    basis = basis[singular > _RANK * singular[0] * max(X.shape)]
    Z = X @ basis.T
    lengths = np.linalg.norm(Z, axis=1)
    units = Z / lengths[:, None]
    normals: list[Array] = []
    plane, side = np.zeros(len(Z), dtype=np.intp), np.ones(len(Z))
    for i, unit in enumerate(units):
        if normals:
            known = np.asarray(normals)
            signed = np.where(known @ unit >= 0, 1.0, -1.0)
            distance = np.linalg.norm(known * signed[:, None] - unit, axis=1)
            nearest = int(distance.argmin())
            if distance[nearest] <= _PARALLEL:
                plane[i], side[i] = nearest, signed[nearest]
                continue
        plane[i] = len(normals)
        normals.append(unit)
    stacked = np.asarray(normals)
    form = (side * lengths)[:, None] * stacked[plane]
    error = np.linalg.norm(X - form @ basis, axis=1)
    return Reduced(Z, basis, stacked, plane, side, error)


class CellProblem:
    """``min_q max_{||v|| <= 1} |sum_i q_i y_i s(v.x_i)|`` over the cells of an arrangement."""

    def __init__(self, reduced: Reduced, y: Array, slope: float) -> None:
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


def features(V: Array, X: Array, slope: float) -> Array:
    """Return ``s(v_j.x_i)``, shape (n, m)."""
    z = X @ V.T
    return np.maximum(z, slope * z)


def solve(reduced: Reduced, X: Array, y: Array, slope: float) -> tuple[Array, Array, Array, float]:
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
