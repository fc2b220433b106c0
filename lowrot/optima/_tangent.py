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
from lowrot.network import Network, activation, derivative
from lowrot.optima import _pointwise, _pointwise_conic, _pointwise_polish
from lowrot.optima._active_set import separate
from lowrot.optima._jacobian import HELD_ENTRIES, entries, jacobian, join, split
from lowrot.optima._least_norm import least_norm
from lowrot.optima._optimum import GAP, TINY, Bounds, Optimum, check_space, maximal_margin

Blocks = tuple[Tensor, Tensor]

_TOLERANCE = 0.1 * GAP
"""Relative gap at which Newton's method stops: a digit is left to the final evaluation."""

_POLISHED_ABOVE = 0.5 * GAP
"""Relative gap above which the pointwise margin is polished: rounding may take the other half."""

_POLISHED_ENTRIES = 2**21
"""Entries of G up to which it is: a minute on one core."""

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
        the outer layer, (m, d) for the inner, and the pair of them for both. Its gap is at most
        1e-6 for margins down to 1e-9 of ``sum_i q_i ||G_i||/sqrt(m)`` in l2, or of
        ``(1/m) sum_ij q_i ||G_ij||`` pointwise, as long as all gradients have at most 1.6e7
        entries (2e6 pointwise); larger problems are accurate to some 1e-10 of that, absolutely.
        Pointwise it can be missed, rarely, where dependent gradients nearly cancel. A warning says
        when the gap is larger than promised.

    Raises:
        NotSeparable: no theta has a positive margin.
        ValueError: net and data differ in dimension or device, or an unknown option.
        TypeError: net or data of another type.

    Source: chapter "Margins and their optima"; l2 by Clarabel in n dimensions, pointwise by
    Clarabel when small and by a path-following Newton method in n dimensions otherwise;
    polished by Clarabel in the coordinates of a QR factorization where a gap is left.
    """
    _validate.layers(layers)
    norm = _validate.choice("norm", norm, ("l2", "pointwise"))
    _validate.kind("net", net, Network)
    _validate.kind("data", data, Dataset)
    check_space("net.V", net.V, data)
    proves = (
        "||sum_i q_i G_i||/sqrt(m) bounds every tangent margin"
        if norm == "l2"
        else "(1/m) sum_j ||sum_i q_i G_ij|| bounds every tangent margin"
    )
    return maximal_margin(
        lambda data: _bounds(net, data, layers, norm), data, proves=proves, m=net.m
    )


def _bounds(
    net: Network, data: Dataset, layers: str, norm: str
) -> Bounds[Tensor | tuple[Tensor, Tensor]]:
    """Solve in a norm."""
    solved = l2(net, data, layers) if norm == "l2" else pointwise(net, data, layers)
    outer, inner = _validate.layers(layers)
    primal: Tensor | tuple[Tensor, Tensor] = solved.theta
    if not (outer and inner):
        primal = solved.theta[0] if outer else solved.theta[1]
    margins = tangent_margins(net, data, solved.theta)
    return Bounds(primal, margins, _sizes(net, data, layers, norm), solved.q, solved.upper)


def _sizes(net: Network, data: Dataset, layers: str, norm: str) -> Tensor:
    """Return the largest margin of each point alone: the norm of its ``G_i`` over sqrt(m)."""
    outer, inner = _validate.layers(layers)
    total = data.X.new_zeros(data.n)
    for part in net.chunks(data.n):
        z = data.X @ net.V[part].T
        square = activation(z, net.slope).square() * outer
        active = derivative(z, net.slope) * net.a[part]
        square += (active * data.X.norm(dim=1)[:, None]).square() * inner
        total += square.sum(dim=1) if norm == "l2" else square.sqrt().sum(dim=1)
    return (total / net.m).sqrt() if norm == "l2" else total / net.m


def tangent_margins(net: Network, data: Dataset, theta: Blocks) -> Tensor:
    """Return ``<G_i, theta>/sqrt(m)``, shape (n,)."""
    return net.tangent(data, *theta) / math.sqrt(net.m)


def l2(net: Network, data: Dataset, layers: str) -> TangentSolution:
    """Solve for ``||theta|| <= 1``, as the point of least norm in n dimensions.

    The kernel squares the condition: where that leaves a gap, the gradients themselves decide.
    """
    kernel = net.kernel(data, layers=layers, kink=None).cpu().numpy()
    q = torch.as_tensor(least_norm(_root(kernel))).to(data.X)
    outer, inner = _combined(net, data, q, layers)
    length = math.sqrt(float(outer.square().sum()) + float(inner.square().sum()))
    unit = max(length, TINY)
    solved = TangentSolution(q, (outer / unit, inner / unit), length / math.sqrt(net.m))
    if _closed(net, data, solved) or entries(net, data, layers) > HELD_ENTRIES:
        return solved
    G = jacobian(net, data, layers)
    found = separate(G.reshape(data.n, -1).T, q.cpu().numpy())
    theta = split(found.w.reshape(G.shape[1:]), net, layers)
    return TangentSolution(
        torch.as_tensor(found.q).to(data.X), theta, found.upper / math.sqrt(net.m)
    )


def _closed(net: Network, data: Dataset, solved: TangentSolution, gap: float = _TOLERANCE) -> bool:
    """Whether the bounds agree to a relative gap."""
    return float(tangent_margins(net, data, solved.theta).min()) >= (1 - gap) * solved.upper > 0


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
    solved = TangentSolution(q, theta, _pointwise_upper(net, data, q, layers))
    if _closed(net, data, solved, _POLISHED_ABOVE):
        return solved
    solved = _better(net, data, layers, solved)
    attained = float(tangent_margins(net, data, solved.theta).min())
    if attained <= 0 or entries(net, data, layers) > _POLISHED_ENTRIES:
        return solved
    return _polished(net, data, layers, solved)


def _polished(net: Network, data: Dataset, layers: str, solved: TangentSolution) -> TangentSolution:
    """Return both points of the pointwise margin to the last digits."""
    unit = math.sqrt(net.m)
    G, theta = jacobian(net, data, layers), join(solved.theta, layers) * unit
    dual, theta = _pointwise_polish.polish(G, solved.q.cpu().numpy(), theta)
    q = torch.as_tensor(dual).to(data.X)
    return TangentSolution(
        q, split(theta / unit, net, layers), _pointwise_upper(net, data, q, layers)
    )


def _pointwise_upper(net: Network, data: Dataset, q: Tensor, layers: str) -> float:
    """Return ``(1/m) sum_j ||sum_i q_i G_ij||``."""
    outer, inner = _combined(net, data, q, layers)
    return float((outer.square() + inner.square().sum(dim=1)).sqrt().mean())


def _better(net: Network, data: Dataset, layers: str, solved: TangentSolution) -> TangentSolution:
    """Return the better of both bounds and those of the l2 margin, which is zero with this one."""
    flat = l2(net, data, layers)
    longest = float((flat.theta[0].square() + flat.theta[1].square().sum(dim=1)).sqrt().max())
    unit = max(longest * math.sqrt(net.m), TINY)
    scaled = (flat.theta[0] / unit, flat.theta[1] / unit)
    upper = _pointwise_upper(net, data, flat.q, layers)
    q, upper = (flat.q, upper) if upper < solved.upper else (solved.q, solved.upper)
    attained = [float(tangent_margins(net, data, t).min()) for t in (solved.theta, scaled)]
    return TangentSolution(q, scaled if attained[1] > attained[0] else solved.theta, upper)


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
