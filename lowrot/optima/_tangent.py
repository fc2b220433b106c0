"""The tangent margins at a sampled network: dual point, primal point and dual value in each norm.

A primal point theta is the pair of its blocks, shapes (m,) and (m, d); a block that is not asked
for is zero. Source: chapter "Margins and their optima".
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import Network, activation, derivative
from lowrot.optima import _pointwise
from lowrot.optima._least_norm import least_norm
from lowrot.optima._optimum import _MANY_POINTS, GAP, LARGE, Optimum, _certify, _same_space

Blocks = tuple[Tensor, Tensor]


def l2(net: Network, data: Dataset, layers: str) -> tuple[Tensor, Blocks, float]:
    """Solve for ``||theta|| <= 1``, as the point of least norm in n dimensions.

    Returns:
        q, shape (n,), theta, and the upper bound ``||sum_i q_i G_i||/sqrt(m)``.
    """
    q = torch.as_tensor(least_norm(_root(net.kernel(data, layers=layers).cpu().numpy()))).to(data.X)
    outer, inner = _combined(net, data, q, layers)
    length = math.sqrt(float(outer.square().sum()) + float(inner.square().sum()))
    unit = max(length, 1e-300)
    return q, (outer / unit, inner / unit), length / math.sqrt(net.m)


def pointwise(
    net: Network, data: Dataset, layers: str, tolerance: float
) -> tuple[Tensor, Blocks, float]:
    """Solve for ``||theta_j|| <= 1/sqrt(m)``: as a cone program when small, else by Newton.

    Args:
        net: the network W_0.
        data: the data.
        layers: "outer", "inner" or "both".
        tolerance: the relative gap at which Newton's method stops.

    Returns:
        q, shape (n,), theta, and the upper bound ``(1/m) sum_j ||sum_i q_i G_ij||``.
    """
    solved = _pointwise.conic(net, data, layers)
    if solved is None:
        problem = _pointwise.Smoothed(net, data, layers)
        q, eps, at = _pointwise.newton(problem, tolerance)
        theta = problem.primal(at, eps)
    else:
        q, theta = solved
    outer, inner = _combined(net, data, q, layers)
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


def _combined(net: Network, data: Dataset, q: Tensor, layers: str) -> Blocks:
    """Return ``sum_i q_i G_i``."""
    outer, inner = net.gradient(data, q)
    return outer * (layers != "inner"), inner * (layers != "outer")


def _root(K: np.ndarray) -> np.ndarray:
    """Return A with ``A^T A = K``."""
    values, vectors = np.linalg.eigh(K)
    rounding = 4 * len(K) * np.finfo(float).eps * values[-1]
    out: np.ndarray = np.sqrt(np.where(values > rounding, values, 0.0))[:, None] * vectors.T
    return out


def ntk_margin(
    net: Network, data: Dataset, *, layers: str = "outer", norm: str = "l2"
) -> Optimum[Tensor | tuple[Tensor, Tensor]]:
    """Return the margin of the tangent kernel at ``net``: ``max_theta min_i <G_i, theta>/sqrt(m)``.

    Args:
        net: the network W_0 at which ``G_i = grad p_i`` is taken (at a kink, its left derivative).
        data: the data.
        layers: ``"outer"`` or ``"inner"`` weights, or ``"both"``.
        norm: ``"l2"``, ``||theta|| <= 1``, with dual function ``||sum_i q_i G_i||/sqrt(m)``; or
            ``"pointwise"``, ``||theta_j|| <= 1/sqrt(m)`` for every neuron j, with dual function
            ``(1/m) sum_j ||sum_i q_i G_ij||``.

    Returns:
        An `Optimum`; ``primal`` is theta: shape (m,) for the outer layer, (m, d) for the inner,
        and the pair of them for both.

    Raises:
        NotSeparable: no theta has a positive margin.
        ValueError: net and data differ in dimension or device, or an unknown option.

    Source: chapter "Margins and their optima"; l2 by Clarabel in n dimensions, pointwise by
    Clarabel when small and by a path-following Newton method in n dimensions otherwise.
    """
    layers = _validate.choice("layers", layers, ("outer", "inner", "both"))
    norm = _validate.choice("norm", norm, ("l2", "pointwise"))
    _validate.kind("net", net, Network)
    _validate.kind("data", data, Dataset)
    _same_space("net.V", net.V, data)
    large = data.n > _MANY_POINTS or data.n * net.m > LARGE
    if norm == "l2":
        q, theta, upper = l2(net, data, layers)
        proves = "||sum_i q_i G_i||/sqrt(m) bounds every tangent margin"
    else:
        q, theta, upper = pointwise(net, data, layers, 0.1 * GAP)
        proves = "(1/m) sum_j ||sum_i q_i G_ij|| bounds every tangent margin"
    value = float(margins(net, data, theta).min())
    primal: Tensor | tuple[Tensor, Tensor]
    primal = theta if layers == "both" else theta[0] if layers == "outer" else theta[1]
    return _certify(value, upper, primal, q, data, proves, large)
