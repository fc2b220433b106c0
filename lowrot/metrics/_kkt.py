"""The KKT residual of a network: gradients as columns, and the closest multipliers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import clarabel
import numpy as np
import torch
from scipy import sparse
from scipy.sparse import linalg as sparse_linalg
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array
from lowrot.data import Dataset
from lowrot.network import Network, activation, derivative

_TOLERANCE = 1e-13
"""Of Clarabel's gap and residuals: below what it reaches, so that it runs until it cannot gain."""


@dataclass(frozen=True, eq=False)
class KKTResidual:
    """How far a network is from a KKT point of ``max min_i p_i / ||W||^2``.

    Attributes:
        multipliers: lambda_i >= 0, shape (n,); invariant to the scale of the weights.
        stationarity: ``||W - sum_i lambda_i G_i|| / ||W||``, 0 at a KKT point.
        complementarity: ``sum_i lambda_i (p_i - min p) / ||W||^2``, 0 at a KKT point.
    """

    multipliers: Tensor
    stationarity: float
    complementarity: float


def kkt_residual(net: Network, data: Dataset, *, kink: float = 1e-12) -> KKTResidual:
    """Return the multipliers that come closest to the KKT conditions, and what they leave over.

    The conditions are those of ``min ||W||^2/2`` subject to ``p_i >= min p``:
    ``W = sum_i lambda_i G_i`` with ``lambda >= 0`` and ``lambda_i (p_i - min p) = 0``. The
    multipliers minimize ``stationarity^2 + 2 complementarity``, a convex problem whose value is 0
    exactly at the KKT points. At a kink the gradient is Clarke's: every pair (neuron, point) on
    it has a slope of its own in [slope, 1].

    Args:
        net: the network; its smallest margin must be positive.
        data: n points.
        kink: a pair is at the kink when ``|v_j.x_i| <= kink ||v_j|| ||x_i||``.

    Returns:
        The multipliers, and both residuals, which have no unit.

    Raises:
        ValueError: the network does not separate the data, or a negative ``kink``.
        TypeError: a net, data or ``kink`` of another type.

    Source: approximate KKT points as in Lyu and Li, Gradient descent maximizes the margin of
    homogeneous neural networks, ICLR 2020; chapter "Margins and their optima".
    """
    kink = _validate.number("kink", kink, 0.0)
    p = _validate.kind("net", net, Network).margins(data)
    if float(p.min()) <= 0:
        raise ValueError(
            f"the smallest margin of net is {float(p.min()):.3g}; the KKT conditions are those of "
            "a network that separates the data"
        )
    scale = math.sqrt(net.norm_squared)
    slack = (p - p.min()).cpu().numpy() / scale**2
    gradients = gradient_columns(net, data, kink)
    lam, mu = closest_multipliers(gradients, slack, net.slope)
    left_over = gradients.target - gradients.columns @ np.concatenate([lam, mu])
    multipliers = torch.as_tensor(lam, device=data.X.device)
    return KKTResidual(multipliers, float(np.linalg.norm(left_over)), float(lam @ slack))


class Gradients(NamedTuple):
    """The gradients of the margins and the weights, all over ``||W||``.

    Attributes:
        columns: the n gradients G_i without their pairs at a kink, and one column for each of the
            k kinks: ``a_j y_i x_i`` in the block of ``v_j``. Shape (m + m d, n + k).
        target: the weights, shape (m + m d,).
        kink_point: index of the point of each kink, shape (k,).
    """

    columns: sparse.csc_matrix
    target: Array
    kink_point: Array


def gradient_columns(net: Network, data: Dataset, kink: float) -> Gradients:
    """Return the gradients as columns; a pair nearer to its hyperplane than ``kink`` is on it."""
    z = data.X @ net.V.T
    close = z.abs() <= kink * torch.outer(data.X.norm(dim=1), net.V.norm(dim=1))
    close &= net.a != 0
    smooth = torch.where(close, 0.0, derivative(z, net.slope) * net.a) * data.y[:, None]
    outer = activation(z, net.slope) * data.y[:, None]
    inner = smooth[:, :, None] * data.X[:, None, :]
    full = torch.cat([outer, inner.reshape(data.n, -1)], dim=1)
    pairs: Array = torch.nonzero(close).cpu().numpy()
    scale = math.sqrt(net.norm_squared)
    parts = [sparse.csc_matrix(full.cpu().numpy().T), _kink_columns(net, data, pairs)]
    target = torch.cat([net.a, net.V.reshape(-1)]).cpu().numpy() / scale
    return Gradients(sparse.hstack(parts, format="csc") / scale, target, pairs[:, 0])


def _kink_columns(net: Network, data: Dataset, pairs: Array) -> sparse.csc_matrix:
    """Return ``a_j y_i x_i`` in the block of ``v_j``, for each pair (point i, neuron j)."""
    points, neurons = pairs[:, 0], pairs[:, 1]
    vectors = (net.a[neurons] * data.y[points])[:, None] * data.X[points]
    rows = net.m + np.add.outer(net.d * neurons, np.arange(net.d))
    columns = np.repeat(np.arange(len(points)), net.d)
    return sparse.csc_matrix(
        (vectors.cpu().numpy().ravel(), (rows.ravel(), columns)),
        shape=(net.m * (net.d + 1), len(points)),
    )


def closest_multipliers(gradients: Gradients, slack: Array, slope: float) -> tuple[Array, Array]:
    """Minimize ``|target - columns (lam, mu)|^2 + 2 slack.lam``, slope lam_i <= mu <= lam_i.

    Args:
        gradients: the columns and the target.
        slack: ``(p_i - min p)/||W||^2``, shape (n,).
        slope: of the activation: the least slope at a kink.

    Returns:
        lam, shape (n,), and mu, shape (k,), for the kinks.
    """
    columns, target, kink_point = gradients
    n, k = len(slack), len(kink_point)
    # The multipliers of a point are solved for in the unit of its gradient, whatever its length.
    unit = _units(gradients, n)
    columns = columns @ sparse.diags(1 / np.append(unit, unit[kink_point]))
    if n + k < columns.shape[0]:  # in an orthonormal basis of the columns, few rows are left
        full = np.column_stack([columns.toarray(), target])
        triangle: Array = np.asarray(np.linalg.qr(full, mode="r"))
        columns, target = sparse.csc_matrix(triangle[:, :-1]), triangle[:, -1]
    rows = columns.shape[0]
    quadratic = sparse.block_diag([sparse.csc_matrix((n + k, n + k)), sparse.identity(rows)])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TOLERANCE
    solver = clarabel.DefaultSolver(
        sparse.triu(quadratic, format="csc"),
        np.concatenate([slack / unit, np.zeros(k + rows)]),
        _constraints(columns, kink_point, n, slope),
        np.concatenate([target, np.zeros(n + 2 * k)]),
        [clarabel.ZeroConeT(rows), clarabel.NonnegativeConeT(n + 2 * k)],
        settings,
    )
    z = np.asarray(solver.solve().x)
    lam = z[:n].clip(min=0.0)
    mu = np.clip(z[n : n + k], slope * lam[kink_point], lam[kink_point])
    return lam / unit, mu / unit[kink_point]


def _units(gradients: Gradients, n: int) -> Array:
    """Return the power of two above the longest column of each point, its kinks included."""
    lengths = sparse_linalg.norm(gradients.columns, axis=0)
    longest = lengths[:n].copy()
    np.maximum.at(longest, gradients.kink_point, lengths[n:])
    units: Array = np.ldexp(1.0, np.frexp(longest)[1])
    return np.where(longest > 0, units, 1.0)


def _constraints(
    columns: sparse.csc_matrix, kink_point: Array, n: int, slope: float
) -> sparse.csc_matrix:
    """Return the rows of ``columns (lam, mu) + r = target``, lam >= 0, slope lam <= mu <= lam.

    Variables: lam (n), mu (k), and the residual r, of which the square is minimized.
    """
    k = len(kink_point)
    pick = sparse.csc_matrix((np.ones(k), (np.arange(k), kink_point)), shape=(k, n))
    eye = sparse.identity(k)
    return sparse.bmat(
        [
            [columns, sparse.identity(columns.shape[0])],
            [sparse.hstack([-sparse.identity(n), sparse.csc_matrix((n, k))]), None],
            [sparse.hstack([slope * pick, -eye]), None],
            [sparse.hstack([-pick, eye]), None],
        ]
    ).tocsc()
