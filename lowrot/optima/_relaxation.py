"""A rigorous upper bound of the global margin in any dimension: a semidefinite relaxation."""

from __future__ import annotations

from typing import NamedTuple

import clarabel
import numpy as np
from scipy import sparse

from lowrot._validate import Array
from lowrot.optima._conic import project, tight_settings
from lowrot.optima._optimum import TINY

_ROUNDING = 1e-14
"""Relative rounding of the final evaluation, whose sums have some hundred terms: ten times it."""

_LEAST = 1e-9
"""Coefficients of squares are at least this times the weight: they divide its square."""

_BISECTIONS = 200
"""Halvings of the interval of the multiplier: more than doubles have."""


class Relaxed(NamedTuple):
    """A dual point with a rigorous bound of the dual function there.

    Attributes:
        q: on the simplex, shape (n,).
        upper: at least ``max_{||v|| = 1} |sum_i q_i y_i s(v.x_i)|``.
    """

    q: Array
    upper: float


class _Side(NamedTuple):
    """Where the variables of one sign stand; its points are those whose kinks are convex or not.

    Attributes:
        sign: of ``sum_i q_i y_i s(v.x_i)``.
        convex: indices of the points with ``sign y_i > 0``.
        concave: indices of the others.
        square: of the coefficients a of squares at convex kinks.
        rest: of the constants w there, ``16 a w >= q^2``.
        linear: of the coefficients beta at concave kinks.
        bend: of the coefficients kappa of squares there.
        radius: of lambda.
        corner: of mu.
    """

    sign: float
    convex: Array
    concave: Array
    square: Array
    rest: Array
    linear: Array
    bend: Array
    radius: int
    corner: int


def relaxed_bound(Z: Array, y: Array, slope: float) -> Relaxed:
    """Return the dual point of the least bound of this kind.

    For ``|z| <= r`` and any a, beta, kappa >= 0 with ``kappa r <= min(beta, q - beta)``:
    ``q max(z, 0) <= q z/2 + a z^2 + q^2/(16 a)``, ``-q max(z, 0) <= -beta z - kappa z^2``. So
    for each sign the dual function is at most a quadratic function of v, whose maximum on the
    sphere is the least ``lambda + mu`` with ``[[lambda I - Q, -b/2], [., mu]]`` positive
    semidefinite. All of it is convex in q and the coefficients together: one program.

    Args:
        Z: inputs, shape (n, r).
        y: labels, shape (n,).
        slope: of the activation for negative inputs, in [0, 1).
    """
    n, r = Z.shape
    lengths = np.linalg.norm(Z, axis=1)
    sides, size = _sides(y)
    program = _Program(size)
    program.equal(dict.fromkeys(range(n), 1.0), float(n))
    for side in sides:
        for point, beta, kappa in zip(side.concave, side.linear, side.bend):
            program.at_most_zero({kappa: lengths[point], beta: -1.0})
            program.at_most_zero({kappa: lengths[point], beta: 1.0, int(point): -1.0})
        rests = {int(k): 1.0 - slope for k in side.rest}
        program.at_most_zero({**rests, side.radius: 1.0, side.corner: 1.0, size - 1: -1.0})
    for k in range(size - 1):
        if k not in {side.radius for side in sides}:  # lambda alone may be negative
            program.at_most_zero({k: -1.0})
    for side in sides:
        for point, a, w in zip(side.convex, side.square, side.rest):
            program.product(int(point), int(a), int(w))
        program.semidefinite(_matrix(Z, y, slope, side, size), r + 1)
    x = program.solve() / n
    q = project(x[:n])
    return Relaxed(q, max(_evaluated(Z, y, slope, side, q, x) for side in sides))


def _sides(y: Array) -> tuple[list[_Side], int]:
    """Return the places of the variables of both signs, and their number: q first, t last."""
    at, sides = len(y), []
    for sign in (1.0, -1.0):
        convex, concave = np.flatnonzero(sign * y > 0), np.flatnonzero(sign * y < 0)
        places = []
        for count in (len(convex), len(convex), len(concave), len(concave), 1, 1):
            places.append(np.arange(at, at + count))
            at += count
        square, rest, linear, bend, (radius,), (corner,) = places
        sides.append(
            _Side(sign, convex, concave, square, rest, linear, bend, int(radius), int(corner))
        )
    return sides, at + 1


def _quadratic(
    Z: Array, y: Array, slope: float, side: _Side, q: Array, a: Array, beta: Array, kappa: Array
) -> tuple[Array, Array]:
    """Return b and Q of the bound ``b.v + v^T Q v`` of one sign, without its constant."""
    up, down = Z[side.convex], Z[side.concave]
    b = slope * side.sign * (q * y) @ Z
    b += (1 - slope) * (q[side.convex] @ up / 2 - beta @ down)
    Q = (1 - slope) * (up.T @ (a[:, None] * up) - down.T @ (kappa[:, None] * down))
    return b, Q


def _matrix(Z: Array, y: Array, slope: float, side: _Side, size: int) -> sparse.csc_matrix:
    """Return the upper triangle of ``[[lambda I - Q, -b/2], [., mu]]``, linear in the variables.

    Column by column, off-diagonal entries times sqrt 2, shape ((r+1)(r+2)/2, size).
    """
    n, r = Z.shape
    row, column = _triangle(r + 1)
    inner = column < r
    weight = np.where(row == column, 1.0, np.sqrt(2.0))
    out = sparse.lil_matrix((len(row), size))
    squares = (1 - slope) * weight[inner] * Z[:, row[inner]] * Z[:, column[inner]]
    out[np.ix_(inner, side.square)] = -squares[side.convex].T
    out[np.ix_(inner, side.bend)] = squares[side.concave].T
    border = column == r
    half = np.zeros((n, r + 1))
    half[:, :r] = Z * np.sqrt(0.5)
    plain = slope * side.sign * y[:, None] * half
    plain[side.convex] += (1 - slope) / 2 * half[side.convex]
    out[np.ix_(border, np.arange(n))] = -plain.T
    out[np.ix_(border, side.linear)] = (1 - slope) * half[side.concave].T
    out[np.flatnonzero((row == column) & inner), side.radius] = 1.0
    out[len(row) - 1, side.corner] = 1.0
    return out.tocsc()


def _triangle(size: int) -> tuple[Array, Array]:
    """Return rows and columns of the upper triangle, column by column."""
    column, row = np.tril_indices(size)
    return row, column


def _evaluated(Z: Array, y: Array, slope: float, side: _Side, q: Array, x: Array) -> float:
    """Return the bound at q, from coefficients that are made feasible: rigorous whatever x is."""
    weight, limit = q[side.convex], q[side.concave]
    a = np.maximum(x[side.square], _LEAST * weight)
    lengths = np.linalg.norm(Z[side.concave], axis=1)
    beta = np.clip(x[side.linear], 0.0, limit)
    kappa = np.clip(x[side.bend], 0.0, np.minimum(beta, limit - beta) / lengths)
    b, Q = _quadratic(Z, y, slope, side, q, a, beta, kappa)
    constant = (1 - slope) * float((weight**2 / np.maximum(16 * a, TINY)).sum())
    largest = on_sphere(b, Q)
    return largest + constant + _ROUNDING * (abs(largest) + constant)


def on_sphere(b: Array, Q: Array) -> float:
    """Return an upper bound, sharp, of ``b.v + v^T Q v`` over unit v.

    ``lambda + b^T (lambda I - Q)^{-1} b/4`` is one for every lambda above the eigenvalues; it is
    convex in lambda, and its minimum the maximum sought.
    """
    values, vectors = np.linalg.eigh(Q)
    halves = np.abs(vectors.T @ b) / 2
    top = float(values[-1]) + 1e-15 * float(np.abs(values).max())
    low, high = 0.0, max(float(np.linalg.norm(halves)), TINY)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        growing = ((halves / np.maximum(top + middle - values, TINY)) ** 2).sum() < 1
        low, high = (low, middle) if growing else (middle, high)
    return float(top + high + (halves * (halves / np.maximum(top + high - values, TINY))).sum())


class _Program:
    """Rows of a cone program ``min t``, t the last variable, collected and given to Clarabel."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.rows: dict[str, list[tuple[dict[int, float], float]]] = {
            "zero": [], "linear": [], "product": [],
        }  # fmt: skip
        self.matrices: list[tuple[sparse.csc_matrix, int]] = []

    def equal(self, row: dict[int, float], value: float) -> None:
        self.rows["zero"].append((row, value))

    def at_most_zero(self, row: dict[int, float]) -> None:
        self.rows["linear"].append((row, 0.0))

    def product(self, q: int, a: int, w: int) -> None:
        """Ask for ``16 a w >= q^2``: ``||(2q, 8a - 2w)|| <= 8a + 2w``."""
        for row in ({a: -8.0, w: -2.0}, {q: -2.0}, {a: -8.0, w: 2.0}):
            self.rows["product"].append((row, 0.0))

    def semidefinite(self, matrix: sparse.csc_matrix, order: int) -> None:
        self.matrices.append((-matrix, order))

    def solve(self) -> Array:
        """Return the variables."""
        parts = [self._block(self.rows[kind]) for kind in ("zero", "linear", "product")]
        b = np.concatenate([values for _, values in parts])
        cones = [
            clarabel.ZeroConeT(len(self.rows["zero"])),
            clarabel.NonnegativeConeT(len(self.rows["linear"])),
            *[clarabel.SecondOrderConeT(3)] * (len(self.rows["product"]) // 3),
            *[clarabel.PSDTriangleConeT(order) for _, order in self.matrices],
        ]
        b = np.append(b, np.zeros(sum(matrix.shape[0] for matrix, _ in self.matrices)))
        A = sparse.vstack([part for part, _ in parts] + [m for m, _ in self.matrices], "csc")
        solver = clarabel.DefaultSolver(
            sparse.csc_matrix((self.size, self.size)),
            np.append(np.zeros(self.size - 1), 1.0),
            A,
            b,
            cones,
            tight_settings(),
        )
        return np.nan_to_num(np.asarray(solver.solve().x))

    def _block(self, rows: list[tuple[dict[int, float], float]]) -> tuple[sparse.csc_matrix, Array]:
        entries = [(i, k, v) for i, (row, _) in enumerate(rows) for k, v in row.items()]
        place, column, value = zip(*entries)
        matrix = sparse.csc_matrix((value, (place, column)), (len(rows), self.size))
        return matrix, np.array([limit for _, limit in rows])
