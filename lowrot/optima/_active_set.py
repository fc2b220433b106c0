"""The point of least norm in a convex hull, to the last digits, and the direction that attains it.

``||A q||`` is a sum that nearly cancels when the margin is small: in float64 its direction is known
to ``1e-16/margin`` only, and the margins along it no better than to that. The direction is found
from the equations ``a_i.w = margin`` of the active columns instead, by a QR factorization of the
columns themselves: their Gram matrix would square the condition.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import numpy as np

from lowrot._validate import Array

_SPACING = float(np.finfo(float).eps)

_CLOSED = 1e-10
"""Relative gap that needs no improvement: 1e-4 of the one promised."""

_STARTED = 2000
"""Columns up to which all are given to non-negative least squares for a first active set."""

_ROUNDS = 10
"""Columns added at most, a column: in exact arithmetic far fewer are, and each lowers the norm."""


class Separator(NamedTuple):
    """A point of the hull and a direction.

    Attributes:
        q: the weights on the simplex, shape (n,).
        w: a unit vector, shape (k,).
        upper: ``||A q||``: no unit vector has a larger margin.
        value: ``min_i a_i.w``.
    """

    q: Array
    w: Array
    upper: float
    value: float

    @property
    def gap(self) -> float:
        """The relative gap."""
        return 1.0 - self.value / self.upper if self.upper > 0 else np.inf

    @property
    def rank(self) -> tuple[bool, float]:
        """What makes one better than another: a positive margin, then its gap, else the norm."""
        return self.value <= 0, self.gap if self.value > 0 else self.upper


class _Face(NamedTuple):
    """The point of least norm in the affine hull of some columns.

    Attributes:
        weights: of the columns, of sum 1, shape (s,).
        w: the unit vector with the same product with all of them, shape (k,).
        norm: that product.
    """

    weights: Array
    w: Array
    norm: float


def separate(A: Array, q: Array) -> Separator:
    """Return the weights q on the simplex that minimize ``||A q||``, and the direction.

    Args:
        A: columns, shape (k, n).
        q: weights to begin with, on the simplex, shape (n,); returned when nothing better is found.
    """
    zero = np.flatnonzero(~A.any(axis=0))
    if len(zero):
        q = np.eye(A.shape[1])[zero[0]]
    best = _along_the_point(A, q)
    if len(zero) or (best.value > 0 and best.gap <= _CLOSED):
        return best
    if len(A) <= A.shape[1]:
        return _wolfe(A, best)
    Q, R = np.linalg.qr(A)
    found = _wolfe(R, best._replace(w=Q.T @ best.w))
    return best if found.q is best.q else found._replace(w=Q @ found.w)


def _wolfe(A: Array, best: Separator) -> Separator:
    """Return a better separator, or the one given.

    Wolfe's method: the column that violates optimality most joins the active ones, and those whose
    weights would turn negative leave.
    """
    n, last = A.shape[1], np.inf
    padded = np.vstack([A, np.zeros((1, n))])  # one row more: k + 1 columns may be active
    active, weights = _first(A, best.q)
    for _ in range(_ROUNDS * n):
        active, weights, face = _nearest(padded, active, weights)
        margins = face.w[:-1] @ A
        worst = int(margins.argmin())
        full = np.zeros(n)
        full[active] = weights
        found = Separator(full, face.w[:-1], float(np.linalg.norm(A @ full)), float(margins[worst]))
        best = min(best, found, key=lambda separator: separator.rank)
        full_face = len(active) == len(padded)  # the origin is inside
        if face.norm >= last or full_face or worst in active or found.gap <= _CLOSED:
            break
        active, weights, last = np.append(active, worst), np.append(weights, 0.0), face.norm
    return best


def _along_the_point(A: Array, q: Array) -> Separator:
    """Return q with the direction of its own point."""
    point = A @ q
    upper = float(np.linalg.norm(point))
    w = point / upper if upper > 0 else np.eye(len(A))[0]
    return Separator(q, w, upper, float((w @ A).min()))


def _first(A: Array, q: Array) -> tuple[Array, Array]:
    """Return columns to begin with, and their weights."""
    from scipy.optimize import nnls

    k, n = A.shape
    if n <= _STARTED:
        with suppress(RuntimeError):
            q, _ = nnls(np.vstack([A, np.ones((1, n))]), np.append(np.zeros(k), 1.0))
    active = np.argsort(-q, kind="stable")[: min(k + 1, np.count_nonzero(q))]
    return active, q[active] / q[active].sum()


def _nearest(A: Array, active: Array, weights: Array) -> tuple[Array, Array, _Face]:
    """Move to the point of least norm in the hull of the active columns, dropping some."""
    while True:
        face = _face(A[:, active])
        outside = face.weights < 0
        if not outside.any():
            return active, face.weights, face
        ratio = weights[outside] / (weights[outside] - face.weights[outside])
        weights = weights + ratio.min() * (face.weights - weights)
        weights[np.flatnonzero(outside)[ratio.argmin()]] = 0.0
        kept = weights > 0
        active, weights = active[kept], weights[kept] / weights[kept].sum()


def _face(columns: Array) -> _Face:
    """Return the point of least norm in the affine hull: with ``columns = Q R``, ``R^T z = 1``."""
    from scipy.linalg import solve_triangular

    Q, R = np.linalg.qr(columns)
    # A pivot below the spacing of its column is zero: the least norm is then rounding, too.
    diagonal = np.diagonal(R)
    floor = _SPACING * np.linalg.norm(columns, axis=0)
    pivots = np.where(np.abs(diagonal) < floor, np.where(diagonal < 0, -floor, floor), diagonal)
    np.fill_diagonal(R, pivots)
    z = solve_triangular(R, np.ones(len(R)), trans="T")
    length = float(np.linalg.norm(z))
    weights = solve_triangular(R, z / length)
    return _Face(weights / weights.sum(), Q @ (z / length), 1.0 / length)
