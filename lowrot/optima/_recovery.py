"""The linear program of recovery: do samples of 2-sparse parity have the margin of the cube?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array
from lowrot.data import Dataset
from lowrot.optima._margin_program import HIGHS_ATTEMPTS
from lowrot.optima._optimum import like_inputs

_OFF = 1e-9
"""Distance of ``sqrt(d) x`` from +-1 that is rounding."""

_MET = 1e-8
"""Sum of violations up to which the conditions are met: a hundred times HiGHS' tolerance for one
row. Their data are the integers 0, +-1 and 1/4, so that what fails does so by far more."""

QUADRANTS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
"""Signs of the two coordinates whose product is the label."""


@dataclass(frozen=True, eq=False)
class Recovery:
    """Whether the samples meet the conditions for the margin of the whole cube, with a proof.

    Attributes:
        feasible: whether they do.
        q: the dual point of the margin, mass 1/4 a quadrant, shape (n,); None if there is none.
        w: for each quadrant k the part of q of its two neighbours that counts as active at the
            kink, shape (4, n); None likewise.
        residual: the sum of violations at (q, w), those of the masses and of the coordinates in
            the unit 1/sqrt(d).
        farkas: multipliers of the conditions that prove them impossible, shape (4 + 4 (d - 1),);
            None if they are met.
        excess: by how much the multipliers do so, > 0; no rounding is near it. 0 if they are met.
    """

    feasible: bool
    q: Tensor | None
    w: Tensor | None
    residual: float
    farkas: Tensor | None
    excess: float


class _Program(NamedTuple):
    """Conditions ``A z = b`` on z = (q, w_1, .., w_4), ``0 <= w_k <= q`` on the neighbours of k.

    Attributes:
        A: shape (4 + 4 (d - 1), n + neighbours).
        b: shape (4 + 4 (d - 1),).
        owner: of each w, the point whose q bounds it.
        quadrant: of each w, the quadrant k.
    """

    A: Array
    b: Array
    owner: Array
    quadrant: Array


def parity_recovery(data: Dataset, *, pair: tuple[int, int] = (0, 1)) -> Recovery:
    """Decide the linear program of recovery on samples of 2-sparse parity.

    The margin ``gamma_gl`` of the samples is at least 1/sqrt(8 d), that of the whole cube. If it is
    equal, the dual point q of the margin is stationary at the four directions
    ``v_k = (+-1, +-1, 0, ..)/sqrt 2``: q has mass 1/4 in each quadrant of the two coordinates, and
    there are ``0 <= w_k <= q`` on the two neighbours of quadrant k, of equal mass on both, with
    ``sum_k q x' = sum w_k x'`` for the other coordinates x'. So samples that fail have a larger
    margin, of a network that is not the target. That samples that pass have the margin of the cube
    is not proved: `global_margin` with ``search`` proves it for given samples.

    Args:
        data: points of the cube {-1, +1}^d / sqrt(d), with the labels ``d x_i x_j``.
        pair: i and j.

    Returns:
        The verdict, with a point that meets the conditions, or with multipliers that prove that
        none does: ``y.b > max_i (A^T y)_i`` over the extreme rays of the (q, w), of q-mass 1.

    Raises:
        ValueError: points off the cube, other labels, or a pair out of bounds.
        TypeError: anything but a `Dataset`.
        RuntimeError: HiGHS finds no solution, or one that decides nothing.

    Source: chapter "Sample complexity"; HiGHS by SciPy.
    """
    signs, pair = parity_signs(data, pair)
    program = _conditions(signs, pair)
    n = data.n
    z, multipliers = _least_violation(program, n)
    residual = float(np.abs(program.A @ z - program.b).sum())
    excess = proven(program, multipliers, n)
    if residual <= _MET:
        w = np.zeros((4, n))
        w[program.quadrant, program.owner] = z[n:]
        return Recovery(True, like_inputs(data, z[:n]), like_inputs(data, w), residual, None, 0.0)
    if excess <= _MET:
        raise RuntimeError(
            f"the linear program is undecided: violations sum to {residual:.3g}, and the "
            f"multipliers prove {excess:.3g}"
        )
    return Recovery(False, None, None, residual, like_inputs(data, multipliers), excess)


def parity_signs(data: Dataset, pair: tuple[int, int]) -> tuple[Array, tuple[int, int]]:
    """Return the inputs as +-1, shape (n, d), and the pair, checked.

    Raises:
        ValueError: points off the cube, other labels than ``d x_i x_j``, or a pair out of bounds.
        TypeError: anything but a `Dataset`, or a pair of anything but integers.
    """
    d = _validate.kind("data", data, Dataset).d
    i, j = _validate.coordinates("pair", pair, d)
    scaled = data.X.cpu().numpy() * np.sqrt(d)
    signs = np.sign(scaled)
    off = np.abs(scaled - signs).max(axis=1)
    if off.max() > _OFF or not signs.all():
        worst = int(off.argmax())
        raise ValueError(f"data has X[{worst}], no point of the cube {{-1, +1}}^{d} / sqrt({d})")
    wrong = np.flatnonzero(signs[:, i] * signs[:, j] != data.y.cpu().numpy())
    if len(wrong):
        raise ValueError(
            f"data has y[{wrong[0]}] = {float(data.y[wrong[0]]):g}; expected the product of the "
            f"signs of coordinates {i} and {j}"
        )
    return signs, (i, j)


def _conditions(signs: Array, pair: tuple[int, int]) -> _Program:
    """Return the conditions of n points of signs +-1, shape (n, d)."""
    n, d = signs.shape
    at, others = signs[:, pair], np.delete(signs, pair, axis=1)
    differ = np.array([(at != k).sum(axis=1) for k in QUADRANTS])  # 0 its own, 1 a neighbour
    quadrant, owner = np.nonzero(differ == 1)
    A = np.zeros((4 + 4 * (d - 1), n + len(owner)))
    A[:4, :n] = differ == 0
    for k, rows in enumerate(np.split(A[4:], 4)):
        here = quadrant == k
        near = owner[here]
        rows[: d - 2, :n] = ((differ[k] == 0)[:, None] * others).T
        rows[: d - 2, n:][:, here] = -others[near].T
        # Neighbours that differ in the first coordinate weigh as much as the others.
        rows[d - 2, n:][here] = np.where(at[near, 0] != QUADRANTS[k][0], 1.0, -1.0)
    return _Program(A, np.append(np.full(4, 0.25), np.zeros(4 * (d - 1))), owner, quadrant)


def _least_violation(program: _Program, n: int) -> tuple[Array, Array]:
    """Return z of the least sum of violations, and the multipliers of the conditions."""
    from scipy.optimize import linprog

    rows, columns = program.A.shape
    parts = len(program.owner)
    elastic = sparse.hstack([program.A, sparse.identity(rows), -sparse.identity(rows)])
    of_point = sparse.csr_matrix((np.ones(parts), (np.arange(parts), program.owner)), (parts, n))
    bounded = sparse.hstack(
        [-of_point, sparse.identity(parts), sparse.csr_matrix((parts, 2 * rows))]
    )
    for method, feasibility in HIGHS_ATTEMPTS:
        result = linprog(
            np.concatenate([np.zeros(columns), np.ones(2 * rows)]),
            A_ub=bounded if parts else None,
            b_ub=np.zeros(parts) if parts else None,
            A_eq=elastic,
            b_eq=program.b,
            method=method,
            options={
                "primal_feasibility_tolerance": feasibility,
                "dual_feasibility_tolerance": feasibility,
            },
        )
        if result.status == 0:
            break
    else:
        raise RuntimeError(f"HiGHS found no solution of the recovery program of {n} points")
    z = result.x[:columns].clip(min=0.0)
    z[n:] = np.minimum(z[n:], z[program.owner])
    return z, np.asarray(result.eqlin.marginals)


def proven(program: _Program, multipliers: Array, n: int) -> float:
    """Return by how much ``y.b`` exceeds every ``y.A z`` of conditions' cone with q-mass 1.

    An extreme ray of the cone is one point with some of its parts w at their bound, the best
    being those of positive value.
    """
    values = multipliers @ program.A
    rays = values[:n] + np.bincount(program.owner, values[n:].clip(min=0.0), minlength=n)
    return float(multipliers @ program.b - rays.max())
