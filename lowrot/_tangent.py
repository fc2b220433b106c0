"""The tangent margins at a sampled network: dual point, primal point and dual value in each norm.

A primal point theta is the pair of its blocks, shapes (m,) and (m, d); a block that is not asked
for is zero. Source: chapter "Margins and their optima".
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lowrot import _pointwise
from lowrot._simplex import least_norm
from lowrot.data import Dataset
from lowrot.network import Network, activation, derivative

Blocks = tuple[Tensor, Tensor]


def l2(net: Network, data: Dataset, block: str) -> tuple[Tensor, Blocks, float]:
    """Solve for ``||theta|| <= 1``, as the point of least norm in n dimensions.

    Returns:
        q, shape (n,), theta, and the upper bound ``||sum_i q_i G_i||/sqrt(m)``.
    """
    q = torch.as_tensor(least_norm(_root(net.kernel(data, block).cpu().numpy()))).to(data.X)
    outer, inner = _combined(net, data, q, block)
    length = math.sqrt(float(outer.square().sum()) + float(inner.square().sum()))
    unit = max(length, 1e-300)
    return q, (outer / unit, inner / unit), length / math.sqrt(net.m)


def pointwise(
    net: Network, data: Dataset, block: str, tolerance: float
) -> tuple[Tensor, Blocks, float]:
    """Solve for ``||theta_j|| <= 1/sqrt(m)``: as a cone program when small, else by Newton.

    Args:
        net: the network W_0.
        data: the data.
        block: "outer", "inner" or "both".
        tolerance: the relative gap at which Newton's method stops.

    Returns:
        q, shape (n,), theta, and the upper bound ``(1/m) sum_j ||sum_i q_i G_ij||``.
    """
    solved = _pointwise.conic(net, data, block)
    if solved is None:
        problem = _pointwise.Smoothed(net, data, block)
        q, eps, at = _pointwise.newton(problem, tolerance)
        theta = problem.primal(at, eps)
    else:
        q, theta = solved
    outer, inner = _combined(net, data, q, block)
    return q, theta, float((outer.square() + inner.square().sum(dim=1)).sqrt().mean())


def margins(net: Network, data: Dataset, theta: Blocks) -> Tensor:
    """Return ``<G_i, theta>/sqrt(m)``, shape (n,)."""
    outer, inner = theta
    total = data.X.new_zeros(data.n)
    for part in net.chunks(data.n):
        z = data.X @ net.V[part].T
        total += activation(z, net.slope) @ outer[part]
        active = derivative(z, net.slope) * net.a[part]
        total += (active * (data.X @ inner[part].T)).sum(dim=1)
    return data.y * total / math.sqrt(net.m)


def _combined(net: Network, data: Dataset, q: Tensor, block: str) -> Blocks:
    """Return ``sum_i q_i G_i``."""
    outer, inner = net.gradient(data, q)
    return outer * (block != "inner"), inner * (block != "outer")


def _root(K: np.ndarray) -> np.ndarray:
    """Return A with ``A^T A = K``."""
    values, vectors = np.linalg.eigh(K)
    rounding = 4 * len(K) * np.finfo(float).eps * values[-1]
    out: np.ndarray = np.sqrt(np.where(values > rounding, values, 0.0))[:, None] * vectors.T
    return out
