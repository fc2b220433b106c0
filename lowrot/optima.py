"""Exact optima of the margins: each with a primal point, a dual point and the gap between them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from lowrot import _cells, _check, _global, _tangent
from lowrot._simplex import least_norm, margin_program
from lowrot.data import Dataset
from lowrot.network import Network, activation

Primal = TypeVar("Primal")

GAP = 1e-6
"""Relative gap promised for ordinary sizes."""
LARGE_GAP = 1e-4
"""Relative gap promised beyond ``LARGE`` pairs (point, neuron), or beyond 2000 points."""
LARGE = 1_000_000
CELL_LIMIT = 100_000
"""Largest number of activation cells that `global_margin` enumerates."""
ZERO = 1e-9
"""A margin is not positive when its dual bound is at most this times the shortest input."""

_MANY_POINTS = 2000
_UNIT_SLACK = 1e-9
_CHUNK_ENTRIES = 2**22


@dataclass(frozen=True)
class Optimum(Generic[Primal]):
    """A maximal margin between two bounds, both evaluated on the data from the points returned.

    Attributes:
        value: the margin that the primal point attains, a lower bound of the optimum.
        primal: the feasible point that attains it.
        dual: the dual point q on the simplex, shape (n,).
        gap: ``(upper - value) / upper``.
        upper: the dual function at q: no feasible point has a larger margin.
        promised: the gap promised at this size, 1e-6, or 1e-4 beyond 10^6 pairs (point, neuron)
            or 2000 points.
    """

    value: float
    primal: Primal
    dual: Tensor
    gap: float
    upper: float
    promised: float = GAP

    @property
    def certified(self) -> bool:
        """Whether the gap is at most the one promised."""
        return self.gap <= self.promised


class NotSeparable(ValueError):
    """No positive margin exists, as the dual point proves.

    Attributes:
        dual: the point q on the simplex, shape (n,).
        upper: the dual function at q, an upper bound of every margin.
    """

    def __init__(self, message: str, dual: Tensor, upper: float) -> None:
        super().__init__(message)
        self.dual = dual
        self.upper = upper


def svm_margin(data: Dataset) -> Optimum[Tensor]:
    """Return the linear margin ``max_{||w|| = 1} min_i y_i w.x_i``.

    Returns:
        An `Optimum` in the unit of the inputs; ``primal`` is the unit vector w, shape (d,), and
        the dual function is ``||sum_i q_i y_i x_i||``.

    Raises:
        NotSeparable: the data are not linearly separable through the origin.

    Source: chapter "Margins and their optima"; solved by Clarabel and an active-set polish.
    """
    _check.kind("data", data, Dataset)
    signed = data.y[:, None] * data.X
    q = _to(data, least_norm(signed.T.cpu().numpy()))
    point = q @ signed
    upper = float(point.norm())
    w = point / max(upper, 1e-300)
    value = float((signed @ w).min())
    proves = "||sum_i q_i y_i x_i|| bounds every linear margin"
    return _certify(value, upper, w, q, data, proves, data.n > _MANY_POINTS)


def ntk_margin(
    net: Network, data: Dataset, block: str = "outer", norm: str = "l2"
) -> Optimum[Tensor | tuple[Tensor, Tensor]]:
    """Return the margin of the tangent kernel at ``net``: ``max_theta min_i <G_i, theta>/sqrt(m)``.

    Args:
        net: the network W_0 at which ``G_i = grad p_i`` is taken (at a kink, its left derivative).
        data: the data.
        block: ``"outer"`` or ``"inner"`` weights, or ``"both"``.
        norm: ``"l2"``, ``||theta|| <= 1``, with dual function ``||sum_i q_i G_i||/sqrt(m)``; or
            ``"pointwise"``, ``||theta_j|| <= 1/sqrt(m)`` for every neuron j, with dual function
            ``(1/m) sum_j ||sum_i q_i G_ij||``.

    Returns:
        An `Optimum`; ``primal`` is theta: shape (m,) for the outer block, (m, d) for the inner,
        and the pair of them for both.

    Raises:
        NotSeparable: no theta has a positive margin.
        ValueError: net and data differ in dimension or device, or an unknown option.

    Source: chapter "Margins and their optima"; l2 by Clarabel in n dimensions, pointwise by
    Clarabel when small and by a path-following Newton method in n dimensions otherwise.
    """
    block = _check.choice("block", block, ("outer", "inner", "both"))
    norm = _check.choice("norm", norm, ("l2", "pointwise"))
    _check.kind("net", net, Network)
    _check.kind("data", data, Dataset)
    _same_space("net.V", net.V, data)
    large = data.n > _MANY_POINTS or data.n * net.m > LARGE
    if norm == "l2":
        q, theta, upper = _tangent.l2(net, data, block)
        proves = "||sum_i q_i G_i||/sqrt(m) bounds every tangent margin"
    else:
        q, theta, upper = _tangent.pointwise(net, data, block, 0.1 * GAP)
        proves = "(1/m) sum_j ||sum_i q_i G_ij|| bounds every tangent margin"
    value = float(_tangent.margins(net, data, theta).min())
    primal: Tensor | tuple[Tensor, Tensor]
    primal = theta if block == "both" else theta[0] if block == "outer" else theta[1]
    return _certify(value, upper, primal, q, data, proves, large)


def frozen_margin(
    directions: Tensor, signs: Tensor, data: Dataset, slope: float = 0.0
) -> Optimum[Tensor]:
    """Return the margin of frozen features, a linear program.

    ``max min_i y_i sum_j u_j s(v_j.x_i)`` subject to ``||u||_1 <= 1`` and ``sign(u_j) = s_j`` or
    ``u_j = 0``. Its dual function is ``max_j s_j sum_i q_i y_i s(v_j.x_i)``.

    Args:
        directions: unit rows v_j, shape (m, d).
        signs: s_j in {-1, +1}, shape (m,).
        data: the data.
        slope: of the activation for negative inputs, in [0, 1].

    Returns:
        An `Optimum`; ``primal`` is u, shape (m,), with at most n + 1 nonzeros.

    Raises:
        NotSeparable: no such u has a positive margin.
        ValueError: rows that are not unit vectors, signs other than -1 and +1, or shapes or
            devices that disagree.

    Source: chapters "Margins and their optima" and "No rotation"; HiGHS with column generation,
    exact pricing chunked over m.
    """
    _check.kind("data", data, Dataset)
    V = _check.real_array("directions", directions, ("m", data.d))
    s = _check.signs("signs", signs, V.shape[0])
    slope = _check.number("slope", slope, 0.0, 1.0)
    _same_space("directions", V, data)
    _check.same_device(directions=V, signs=s)
    off = (V.norm(dim=1) - 1).abs()
    if float(off.max()) > _UNIT_SLACK:
        j = int(off.argmax())
        raise ValueError(
            f"directions[{j}] has norm {float(V[j].norm()):.6g}; expected unit rows "
            "(divide each by its norm)"
        )
    m, size = len(V), max(1, _CHUNK_ENTRIES // data.n)

    def columns(index: np.ndarray) -> np.ndarray:
        at = torch.as_tensor(index, device=V.device)
        z = activation(data.X @ V[at].T, slope)
        out: np.ndarray = (data.y[:, None] * z * s[at]).cpu().numpy()
        return out

    def price(q: np.ndarray) -> np.ndarray:
        weight = data.y * _to(data, q)
        scores = torch.empty_like(s)
        for part in (slice(k, k + size) for k in range(0, m, size)):
            scores[part] = s[part] * (weight @ activation(data.X @ V[part].T, slope))
        out: np.ndarray = scores.cpu().numpy()
        return out

    working, weights, dual = margin_program(columns, price, data.n, m, tolerance=0.1 * GAP)
    u = torch.zeros_like(s)
    u[torch.as_tensor(working, device=V.device)] = _to(data, weights)
    q = _to(data, dual)
    value = float(torch.as_tensor(columns(working) @ weights).min())
    upper = float(price(dual).max())
    proves = "max_j s_j sum_i q_i y_i s(v_j.x_i) bounds every margin of these features"
    large = data.n > _MANY_POINTS or data.n * m > LARGE
    return _certify(value, upper, s * u, q, data, proves, large)


def global_margin(data: Dataset, slope: float = 0.0) -> Optimum[Network]:
    """Return the global margin, over all directions and signs, with a rigorous bound.

    ``gamma_gl = min_q max_{||v|| = 1} |sum_i q_i y_i s(v.x_i)|``, twice the largest normalized
    margin ``min_i p_i/||W||^2`` of networks of any width.

    Args:
        data: the data; the activation cells of the inputs must number at most 100 000 (n = 316
            at d = 3, 67 at d = 4, 34 at d = 5; parallel inputs count once, and d is the dimension
            of their span). Seconds at d = 2, n = 200 and at d = 5, n = 32; minutes near the limit
            when the labels are random.
        slope: of the activation for negative inputs, in [0, 1].

    Returns:
        An `Optimum`; ``primal`` is a balanced `Network` of ``||W||^2 = 2`` whose smallest margin
        is the value, so that its normalized margin is half of it. ``upper`` includes the
        rounding of the inputs in the enumeration of the cells.

    Raises:
        NotSeparable: no network has a positive margin.
        ValueError: more cells than the limit; the message gives d, n and both numbers.

    Source: chapter "Margins and their optima"; column generation over activation cells, a
    second-order cone program by Clarabel as master, a projection on each cell's cone as pricing.
    """
    _check.kind("data", data, Dataset)
    slope = _check.number("slope", slope, 0.0, 1.0)
    proves = "max_v |sum_i q_i y_i s(v.x_i)| bounds every margin of a network with ||W||^2 = 2"
    if slope == 1.0:
        linear = svm_margin(data)
        net = Network(data.X.new_ones(1), linear.primal[None, :], slope)
        return _certify(
            float(net.margins(data).min()), linear.upper, net, linear.dual, data, proves, False
        )
    X, y = data.X.cpu().numpy(), data.y.cpu().numpy()
    reduced = _global.reduce(X)
    N, r = reduced.normals.shape
    cells = _cells.count(N, r)
    if cells > CELL_LIMIT:
        raise ValueError(
            f"d is {data.d} and n is {data.n}: {N} distinct hyperplanes in {r} dimensions have "
            f"{cells} activation cells; global_margin certifies up to {CELL_LIMIT} "
            "(use fewer points, or frozen_margin over many directions for a lower bound)"
        )
    directions, u, dual, upper = _global.solve(reduced, X, y, slope)
    if len(u) == 0:
        directions, u = np.eye(1, data.d), np.ones(1)
    mass = np.sqrt(np.abs(u) / np.abs(u).sum())
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    net = Network(_to(data, np.sign(u) * mass), _to(data, mass[:, None] * directions), slope)
    value = float(net.margins(data).min())
    return _certify(value, upper, net, _to(data, dual), data, proves, data.n > _MANY_POINTS)


def _certify(
    value: float, upper: float, primal: Primal, q: Tensor, data: Dataset, proves: str, large: bool
) -> Optimum[Primal]:
    """Return the optimum; raise if no margin is positive, warn if the gap is not as promised."""
    if upper <= ZERO * float(data.X.norm(dim=1).min()):
        raise NotSeparable(
            f"the data are not separable: at the dual point q (attribute dual) {proves}, and is "
            f"{upper:.3g}, not above {ZERO:g} times the shortest input",
            q,
            upper,
        )
    optimum = Optimum(value, primal, q, (upper - value) / upper, upper, LARGE_GAP if large else GAP)
    if not optimum.certified:
        warnings.warn(
            f"the margin lies between {value:.9g} and {upper:.9g}: a relative gap of "
            f"{optimum.gap:.2g}, above the {optimum.promised:g} promised (certified is False)",
            RuntimeWarning,
            stacklevel=3,
        )
    return optimum


def _same_space(name: str, V: Tensor, data: Dataset) -> None:
    if V.shape[1] != data.d:
        raise ValueError(f"{name} has {V.shape[1]} columns; expected {data.d}, as in data.X")
    _check.same_device(**{name: V, "data.X": data.X})


def _to(data: Dataset, array: Any) -> Tensor:
    return torch.as_tensor(array, dtype=_check.DTYPE, device=data.X.device)
