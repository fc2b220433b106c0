"""The tangent margins at a sampled network: dual point, primal point and dual value in each norm.

A primal point theta is the pair of its blocks, shapes (m,) and (m, d); a block that is not asked
for is zero. Source: chapter "Margins and their optima".
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array
from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.optima import _pointwise, _pointwise_conic
from lowrot.optima._least_norm import least_norm
from lowrot.optima._optimum import GAP, TINY, Optimum, certify, check_space

Blocks = tuple[Tensor, Tensor]

_TOLERANCE = 0.1 * GAP
"""Relative gap at which Newton's method stops: a digit is left to the final evaluation."""

_ROUNDING = 4
"""Eigenvalues up to this times n units in the last place of the largest are zero but for rounding:
the backward error of a symmetric eigensolver is a small multiple of n units."""


class TangentSolution(NamedTuple):
    """A solution of a tangent margin.

    Attributes:
        q: the dual point, shape (n,).
        theta: the primal point, a block for each layer.
        upper: the dual function at q.
    """

    q: Tensor
    theta: Blocks
    upper: float


def ntk_margin(
    net: Network, data: Dataset, *, layers: str = "outer", norm: str = "l2"
) -> Optimum[Tensor | tuple[Tensor, Tensor]]:
    """Return the margin of the tangent kernel at ``net``: ``max_theta min_i <G_i, theta>/sqrt(m)``.

    Args:
        net: the network W_0 at which ``G_i = grad p_i`` is taken (at a kink, its left derivative).
        data: n points.
        layers: ``"outer"`` or ``"inner"`` weights, or ``"both"``.
        norm: ``"l2"``, ``||theta|| <= 1``, with dual function ``||sum_i q_i G_i||/sqrt(m)``; or
            ``"pointwise"``, ``||theta_j|| <= 1/sqrt(m)`` for every neuron j, with dual function
            ``(1/m) sum_j ||sum_i q_i G_ij||``.

    Returns:
        An `Optimum` in the unit of the margins per sqrt(m); ``primal`` is theta: shape (m,) for
        the outer layer, (m, d) for the inner, and the pair of them for both.

    Raises:
        NotSeparable: no theta has a positive margin.
        ValueError: net and data differ in dimension or device, or an unknown option.
        TypeError: net or data of another type.

    Source: chapter "Margins and their optima"; l2 by Clarabel in n dimensions, pointwise by
    Clarabel when small and by a path-following Newton method in n dimensions otherwise.
    """
    selected = _validate.layers(layers)
    norm = _validate.choice("norm", norm, ("l2", "pointwise"))
    _validate.kind("net", net, Network)
    _validate.kind("data", data, Dataset)
    check_space("net.V", net.V, data)
    if norm == "l2":
        solved = l2(net, data, layers)
        proves = "||sum_i q_i G_i||/sqrt(m) bounds every tangent margin"
    else:
        solved = pointwise(net, data, layers)
        proves = "(1/m) sum_j ||sum_i q_i G_ij|| bounds every tangent margin"
    primal: Tensor | tuple[Tensor, Tensor] = solved.theta
    if not all(selected):
        primal = solved.theta[0] if selected.outer else solved.theta[1]
    return certify(
        data,
        value=float(tangent_margins(net, data, solved.theta).min()),
        primal=primal,
        q=solved.q,
        upper=solved.upper,
        proves=proves,
        m=net.m,
    )


def tangent_margins(net: Network, data: Dataset, theta: Blocks) -> Tensor:
    """Return ``<G_i, theta>/sqrt(m)``, shape (n,)."""
    return net.tangent(data, *theta) / math.sqrt(net.m)


def l2(net: Network, data: Dataset, layers: str) -> TangentSolution:
    """Solve for ``||theta|| <= 1``, as the point of least norm in n dimensions."""
    kernel = net.kernel(data, layers=layers, kink=None).cpu().numpy()
    q = torch.as_tensor(least_norm(_root(kernel))).to(data.X)
    outer, inner = _combined(net, data, q, layers)
    length = math.sqrt(float(outer.square().sum()) + float(inner.square().sum()))
    unit = max(length, TINY)
    return TangentSolution(q, (outer / unit, inner / unit), length / math.sqrt(net.m))


def pointwise(
    net: Network, data: Dataset, layers: str, tolerance: float = _TOLERANCE
) -> TangentSolution:
    """Solve for ``||theta_j|| <= 1/sqrt(m)``: as a cone program when small, else by Newton.

    Args:
        net: the network W_0.
        data: n points.
        layers: "outer", "inner" or "both".
        tolerance: the relative gap at which Newton's method stops.
    """
    if _pointwise_conic.is_small(net, data, layers):
        q, theta = _pointwise_conic.solve(net, data, layers)
    else:
        problem = _pointwise.Smoothed(net, data, layers)
        best = _pointwise.newton(problem, tolerance)
        q, theta = best.q, problem.primal(best.primal_q, best.eps)
    outer, inner = _combined(net, data, q, layers)
    upper = float((outer.square() + inner.square().sum(dim=1)).sqrt().mean())
    return TangentSolution(q, theta, upper)


def _combined(net: Network, data: Dataset, q: Tensor, layers: str) -> Blocks:
    """Return ``sum_i q_i G_i``."""
    selected = _validate.layers(layers)
    outer, inner = net.gradient(data, q)
    return outer * selected.outer, inner * selected.inner


def _root(K: Array) -> Array:
    """Return A with ``A^T A = K``, K positive semidefinite but for rounding."""
    values, vectors = np.linalg.eigh(K)
    rounding = _ROUNDING * len(K) * np.finfo(float).eps * values[-1]
    out: Array = np.sqrt(np.where(values > rounding, values, 0.0))[:, None] * vectors.T
    return out
