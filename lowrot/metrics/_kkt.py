"""The KKT residual of a network: gradients as columns, and the closest multipliers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import clarabel
import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.metrics._margins import _norm_squared
from lowrot.network import Network, activation, derivative

Array = np.ndarray


def gradient_columns(
    net: Network, data: Dataset, kink: float
) -> tuple[sparse.csc_matrix, Array, Array]:
    """Return the G_i without their kinks and one column per kink, all over ||W||, and W/||W||.

    A kink of point i at neuron j is the column ``a_j y_i x_i`` in the block of ``v_j``. The last
    return value is the point i of each kink.
    """
    z = data.X @ net.V.T
    close = z.abs() <= kink * torch.outer(data.X.norm(dim=1), net.V.norm(dim=1))
    close &= net.a != 0
    smooth = torch.where(close, 0.0, derivative(z, net.slope) * net.a) * data.y[:, None]
    outer = activation(z, net.slope) * data.y[:, None]
    inner = smooth[:, :, None] * data.X[:, None, :]
    full = torch.cat([outer, inner.reshape(data.n, -1)], dim=1)
    pairs: Array = torch.nonzero(close).cpu().numpy()
    points, neurons = pairs[:, 0], pairs[:, 1]
    vectors = (net.a[neurons] * data.y[points])[:, None] * data.X[points]
    rows = net.m + np.add.outer(net.d * neurons, np.arange(net.d))
    kinks = sparse.csc_matrix(
        (
            vectors.cpu().numpy().ravel(),
            (rows.ravel(), np.repeat(np.arange(len(points)), net.d)),
        ),
        shape=(net.m * (net.d + 1), len(points)),
    )
    scale = math.sqrt(net.norm_squared)
    smooth_columns = sparse.csc_matrix(full.cpu().numpy().T)
    target = torch.cat([net.a, net.V.reshape(-1)]).cpu().numpy() / scale
    return sparse.hstack([smooth_columns, kinks], format="csc") / scale, target, points


def closest_multipliers(
    columns: sparse.csc_matrix,
    target: Array,
    slack: Array,
    at_kink: Array,
    slope: float,
) -> tuple[Array, Array]:
    """Minimize ``|target - columns (lam, mu)|^2 + 2 slack.lam``, slope lam_i <= mu <= lam_i."""
    n, k = len(slack), len(at_kink)
    if n + k < columns.shape[0]:
        full = np.column_stack([columns.toarray(), target])
        reduced: Array = np.asarray(np.linalg.qr(full, mode="r"))
        columns, target = sparse.csc_matrix(reduced[:, :-1]), reduced[:, -1]
    rows = columns.shape[0]
    pick = sparse.csc_matrix((np.ones(k), (np.arange(k), at_kink)), shape=(k, n))
    eye = sparse.identity(k)
    quadratic = sparse.block_diag([sparse.csc_matrix((n + k, n + k)), sparse.identity(rows)])
    linear = np.concatenate([slack, np.zeros(k + rows)])
    constraints = sparse.bmat(
        [
            [columns, sparse.identity(rows)],
            [sparse.hstack([-sparse.identity(n), sparse.csc_matrix((n, k))]), None],
            [sparse.hstack([slope * pick, -eye]), None],
            [sparse.hstack([-pick, eye]), None],
        ]
    )
    bound = np.concatenate([target, np.zeros(n + 2 * k)])
    cones = [clarabel.ZeroConeT(rows), clarabel.NonnegativeConeT(n + 2 * k)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-13
    solver = clarabel.DefaultSolver(
        sparse.triu(quadratic, format="csc"), linear, constraints.tocsc(), bound, cones, settings
    )
    z = np.asarray(solver.solve().x)
    lam = z[:n].clip(min=0.0)
    return lam, np.clip(z[n : n + k], slope * lam[at_kink], lam[at_kink])


@dataclass(frozen=True)
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
        data: the data.
        kink: a pair is at the kink when ``|v_j.x_i| <= kink ||v_j|| ||x_i||``.

    Raises:
        ValueError: the network does not separate the data, or a negative ``kink``.

    Source: approximate KKT points as in Lyu and Li, Gradient descent maximizes the margin of
    homogeneous neural networks, ICLR 2020; chapter "Margins and their optima".
    """
    kink = _validate.number("kink", kink, 0.0)
    p = net.margins(data)
    if float(p.min()) <= 0:
        raise ValueError(
            f"the smallest margin of net is {float(p.min()):.3g}; the KKT conditions are those of "
            "a network that separates the data"
        )
    scale = math.sqrt(_norm_squared(net))
    slack = (p - p.min()).cpu().numpy() / scale**2
    columns, target, at_kink = gradient_columns(net, data, kink)
    lam, mu = closest_multipliers(columns, target, slack, at_kink, net.slope)
    stationarity = float(np.linalg.norm(target - columns @ np.concatenate([lam, mu])))
    multipliers = torch.as_tensor(lam, device=data.X.device)
    return KKTResidual(multipliers, stationarity, float(lam @ slack))
