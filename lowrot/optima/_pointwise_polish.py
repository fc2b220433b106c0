"""The pointwise NTK margin to the last digits, also where the gradients nearly cancel.

The margins of theta are all small when no large theta has larger ones, as for two points that are
close and have opposite labels: an absolute tolerance of a solver is then a large part of the
margin. The cone program is solved in coordinates of the size of one instead. With orthonormal
columns Q of ``G^T = Q R`` the margins of theta are ``R^T (Q^T theta)``, and with a feasible
``centre`` of margins ``kappa + excess``, kappa the smallest, those of the solution are
``t (kappa + excess) + s``. So the program has the equations

    ``Q^T theta = t Q^T centre + sum_i sigma_i D_i``,   ``D_i = length_i^{-1} R^{-T} e_i``,

of unit vectors ``D_i`` and ``sigma_i = length_i s_i >= -t length_i excess_i``, and maximizes t. Two
gradients that nearly cancel have a large ``length``: what is near zero there is a small ``s_i``,
not a small sigma. The multipliers of the equations are ``R q`` of a dual point q.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import clarabel
import numpy as np
from scipy import sparse

from lowrot._validate import Array
from lowrot.optima._conic import project, tight_settings

_CLOSED = 1e-8
"""Relative gap that needs no improvement: a hundredth of the one promised."""

_ROUNDS = 8
"""Programs with more points, or about a better centre, at most."""

_CLOSE = 10.0
"""Points whose margin at the first centre is below this times the smallest are in the program."""

_WEIGHTED = 1e-5
"""So are points whose dual weights are above this times the largest."""

_NEAR = 1e3
"""Points whose excess is above this times the smallest margin have a plain row instead of a
coordinate: at the solution they are active only if theta moves far."""

_SPACING = 1e-15
"""A pivot up to this times the largest is rounding, and"""

_NEGLIGIBLE = 1e-9
"""one up to this times the smallest margin changes no margin by more than that."""

_ACTIVE = 1e-6
"""Points whose part of the combined gradient, which is of the size of one, is above this are
active, and so are those for which it is above their excess."""

_VIOLATION = 1e-9
"""A margin below the smallest of the program by less than this part is not a violation."""

_STEPS = np.concatenate([1 - np.append(0.0, np.logspace(-10, -1, 10)), np.logspace(-2, -0.3, 5)])
"""Steps tried from the centre to a solution: points that it violates by rounding cost little."""


@dataclass(frozen=True, eq=False)
class _Frame:
    """Coordinates of the points of a program about a centre.

    Attributes:
        basis: points with a coordinate each, shape (r,); their gradients are independent.
        dependent: points whose gradients are combinations of those, shape (s,).
        far: points with a plain row, shape (f,).
        Q: orthonormal columns, shape (m k, r).
        inverse: ``R^{-1}`` of the basis, shape (r, r).
        combination: coefficients of the dependent gradients, shape (r, s).
        excess: margins of all points at the centre above the smallest, shape (n,).
        smallest: the smallest margin at the centre.
        centre: shape (m k,).
    """

    basis: Array
    dependent: Array
    far: Array
    Q: Array
    inverse: Array
    combination: Array
    excess: Array
    smallest: float
    centre: Array

    @property
    def length(self) -> Array:
        """Length of the rows of ``R^{-1}``, shape (r,)."""
        out: Array = np.linalg.norm(self.inverse, axis=1)
        return out


class _Solved(NamedTuple):
    """A solution of a program.

    Attributes:
        theta: in the balls, shape (m, k).
        q: dual point, shape (n,).
        active: points that are active by their multipliers.
    """

    theta: Array
    q: Array
    active: Array


class _Best:
    """The best bounds so far, and where they are attained.

    Attributes:
        G: the gradients, shape (n, m, k).
        A: the same, shape (n, m k).
        q: the dual point of the smallest bound ``upper``.
        theta: the primal point, shape (m, k), of the largest margin ``lower``.
    """

    def __init__(self, G: Array, q: Array, theta: Array) -> None:
        self.G, self.A = G, G.reshape(len(G), -1)
        self.q, self.theta = q, theta
        self.upper = self._dual(q)
        self.lower = float(self.margins(theta).min())

    def margins(self, theta: Array) -> Array:
        out: Array = self.A @ theta.ravel()
        return out

    @property
    def gap(self) -> float:
        return 1.0 - self.lower / self.upper

    def update(self, found: _Solved) -> None:
        """Take the dual point if it is better, and the best point on the way to the primal."""
        upper = self._dual(found.q)
        if upper < self.upper:
            self.q, self.upper = found.q, upper
        here, there = self.margins(self.theta), self.margins(found.theta)
        step = max(_STEPS, key=lambda step: float((step * there + (1 - step) * here).min()))
        theta = step * found.theta + (1 - step) * self.theta
        lower = float(self.margins(theta).min())
        if lower > self.lower:
            self.theta, self.lower = theta, lower

    def violated(self, theta: Array, points: Array) -> Array:
        """Return the points outside the program whose margins are below those inside."""
        margins = self.margins(theta)
        floor = min(float(margins[points].min()), self.upper)
        return np.setdiff1d(np.flatnonzero(margins < (1 - _VIOLATION) * floor), points)

    def _dual(self, q: Array) -> float:
        return float(np.linalg.norm(np.tensordot(q, self.G, (0, 0)), axis=1).sum())


def polish(G: Array, q: Array, theta: Array) -> tuple[Array, Array]:
    """Improve both points of ``max min_i <G_i, theta>`` with ``||theta_j|| <= 1``.

    Args:
        G: the gradients, shape (n, m, k).
        q: a dual point, shape (n,).
        theta: a feasible point of positive margins, shape (m, k).

    Returns:
        q and theta, no worse than those given.
    """
    best = _Best(G / np.linalg.norm(G, axis=2).sum(axis=1).max(), q, theta)
    points = np.flatnonzero((best.margins(theta) < _CLOSE * best.lower) | (q > _WEIGHTED * q.max()))
    for _ in range(_ROUNDS):
        if best.lower <= 0 or best.gap <= _CLOSED:
            break
        centre, before = best.theta, best.gap
        found = _solve(best, points, centre)
        if found is None:
            break
        best.update(found)
        if best.gap > _CLOSED and 0 < len(found.active) < len(points):
            only_active = _solve(best, found.active, centre)  # nothing is rounded to zero in q
            if only_active is not None:
                best.update(only_active)
        violated = best.violated(found.theta, points)
        if len(violated) == 0 and best.gap > 0.5 * before:
            break
        points = np.union1d(points, violated)
    return best.q, best.theta


def _solve(best: _Best, points: Array, centre: Array) -> _Solved | None:
    """Solve the program of some points about a centre; None where Clarabel fails."""
    n, m, k = best.G.shape
    points = np.union1d(points, best.margins(centre).argmin())  # one point is near at least
    frame = _frame(best.A, points, centre.ravel())
    rows, units = _inequalities(best.A, frame)
    r, size = len(frame.basis), m * k
    solution = _cone_program(frame, rows, m, k).solve()
    x, z = np.asarray(solution.x), np.asarray(solution.z)
    if not (np.isfinite(x).all() and np.isfinite(z).all() and x[-1] > 0):
        return None
    t, length = float(x[-1]), frame.length
    # The equations hold to the last digits afterwards; theta is then longer by a tolerance only.
    sigma = np.maximum(x[size : size + r], -t * length * frame.excess[frame.basis])
    image = (sigma / length) @ frame.inverse + t * (frame.centre @ frame.Q)
    theta = (x[:size] + frame.Q @ (image - x[:size] @ frame.Q)).reshape(m, k)
    theta = theta / max(1.0, float(np.linalg.norm(theta, axis=1).max()))
    others = z[2 * r : r + rows.shape[0]] / units[r:]
    dependent = others[: len(frame.dependent)]
    q = np.zeros(n)
    q[frame.dependent] = dependent
    q[frame.far] = others[len(dependent) :]
    q[frame.basis] = -frame.inverse @ z[:r] - frame.combination @ dependent
    above = best.margins(theta)[points] / (t * frame.smallest) - 1
    sizes = np.linalg.norm(best.A[points], axis=1)
    return _Solved(theta, project(q), points[q[points] * sizes > np.minimum(above, _ACTIVE)])


def _frame(A: Array, points: Array, centre: Array) -> _Frame:
    """Return the coordinates of some points about a centre, shape (m k,)."""
    from scipy.linalg import qr, solve_triangular

    margins = A @ centre
    smallest = float(margins.min())
    excess = margins - smallest
    is_far = excess[points] > _NEAR * smallest
    near = points[~is_far]
    Q, R, order = qr(A[near].T, mode="economic", pivoting=True)
    pivots = np.abs(np.diagonal(R))
    r = int((pivots > max(_SPACING * pivots[0], _NEGLIGIBLE * smallest)).sum())
    return _Frame(
        basis=near[order[:r]],
        dependent=near[order[r:]],
        far=points[is_far],
        Q=Q[:, :r],
        inverse=solve_triangular(R[:r, :r], np.eye(r)),
        combination=solve_triangular(R[:r, :r], R[:r, r:]),
        excess=excess,
        smallest=smallest,
        centre=centre,
    )


def _inequalities(A: Array, frame: _Frame) -> tuple[sparse.csc_matrix, Array]:
    """Return the rows that are at most zero, for theta, sigma and t, and the units they are in.

    Rows: the basis, the dependent points, then the far ones.
    """
    length, r, size = frame.length, len(frame.basis), A.shape[1]
    coefficients = np.vstack([np.eye(r), (frame.combination / length[:, None]).T])
    bound = np.append(length * frame.excess[frame.basis], frame.excess[frame.dependent])
    units = np.maximum(np.abs(coefficients).max(axis=1), bound)
    units[units == 0] = 1.0
    near = np.column_stack([coefficients, bound]) / units[:, None]
    far = len(frame.far)
    rows = sparse.bmat(
        [
            [sparse.csc_matrix((len(near), size)), sparse.csc_matrix(-near)],
            [
                sparse.csc_matrix(-A[frame.far]),
                sparse.csc_matrix(
                    np.column_stack([np.zeros((far, r)), np.full(far, frame.smallest)])
                ),
            ],
        ],
        format="csc",
    )
    return rows, np.append(units, np.ones(far))


def _cone_program(frame: _Frame, rows: sparse.csc_matrix, m: int, k: int) -> clarabel.DefaultSolver:
    """Return the solver of ``max t``. Variables: theta (m k), sigma (r), t."""
    r, size, variables = len(frame.basis), m * k, rows.shape[1]
    directions = frame.inverse / frame.length[:, None]
    equations = np.hstack([frame.Q.T, -directions.T, -(frame.centre @ frame.Q)[:, None]])
    place = np.arange(m)
    ball_rows = (place[:, None] * (k + 1) + 1 + np.arange(k)).ravel()
    balls = sparse.csc_matrix(
        (-np.ones(size), (ball_rows, np.arange(size))), (m * (k + 1), variables)
    )
    radii = np.zeros(m * (k + 1))
    radii[place * (k + 1)] = 1.0
    return clarabel.DefaultSolver(
        sparse.csc_matrix((variables, variables)),
        np.append(np.zeros(variables - 1), -1.0),
        sparse.vstack([sparse.csc_matrix(equations), rows, balls], format="csc"),
        np.concatenate([np.zeros(r + rows.shape[0]), radii]),
        [clarabel.ZeroConeT(r), clarabel.NonnegativeConeT(rows.shape[0])]
        + [clarabel.SecondOrderConeT(k + 1) for _ in range(m)],
        tight_settings(),
    )
