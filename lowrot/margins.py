"""Margins of a network in the log domain, rotation, KKT residual, and neural-collapse metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from lowrot import _check, _kkt
from lowrot._change import FeatureChange, angles, feature_change
from lowrot._collapse import CollapseMetrics, collapse_metrics
from lowrot.data import Dataset
from lowrot.network import Network

__all__ = [
    "LOSSES",
    "CollapseMetrics",
    "FeatureChange",
    "KKTResidual",
    "collapse_metrics",
    "dual_weights",
    "entropy_constant",
    "feature_change",
    "kkt_residual",
    "log_loss",
    "normalized_margin",
    "rotation",
    "smoothed_margin",
    "soft_margin",
]

LOSSES = ("exponential", "logistic")
"""The losses by name, ``l(p) = exp(-p)`` and ``l(p) = ln(1 + exp(-p))``."""


_TINY = 1e-300
"""Below this numbers lose digits (they become subnormal), and ratios of two are not to be used."""


def log_loss(p: Tensor, loss: str = "exponential") -> Tensor:
    """Return ``ln L = ln sum_i l(p_i)``, which neither overflows nor underflows.

    Args:
        p: margins, shape (..., n); the last axis is summed.
        loss: ``"exponential"`` or ``"logistic"``.

    Returns:
        Shape (...), natural logarithm.

    Source: chapter "Notation and the common frame" (F1).
    """
    p = _margins(p, loss)
    if loss == "exponential":
        return torch.logsumexp(-p, dim=-1)
    return torch.logsumexp(_log_logistic(p), dim=-1)


def soft_margin(p: Tensor, loss: str = "exponential") -> Tensor:
    """Return the soft margin ``P = l^{-1}(L)``, at most ``min_i p_i``.

    Exponential: ``P = -ln L``; logistic: ``P = -ln(e^L - 1)``. Accurate to rounding for all
    finite margins, however large or negative.

    Args:
        p: margins, shape (..., n); the last axis is reduced.
        loss: ``"exponential"`` or ``"logistic"``.

    Returns:
        Shape (...), in the unit of the margins.

    Source: chapter "Notation and the common frame" (F2).
    """
    p = _margins(p, loss)
    log_L = log_loss(p, loss)
    if loss == "exponential":
        return -log_L
    L = -logsigmoid(p).sum(dim=-1)
    small = log_L.clamp_max(0.0).exp()
    ratio = torch.where(small > _TINY, torch.expm1(small) / small, 1.0)
    return torch.where(log_L < 0, -log_L - torch.log(ratio), -L - torch.log1p(-torch.exp(-L)))


def dual_weights(p: Tensor, loss: str = "exponential") -> tuple[Tensor, Tensor]:
    """Return the weights ``q_i = |l'(p_i)| / Lam`` and ``ln Lam``, ``Lam = sum_i |l'(p_i)|``.

    Args:
        p: margins, shape (..., n).
        loss: ``"exponential"`` or ``"logistic"``.

    Returns:
        q, shape (..., n), on the simplex along the last axis, and ln Lam, shape (...).

    Source: chapter "Notation and the common frame" (F1).
    """
    p = _margins(p, loss)
    log_slopes = -p if loss == "exponential" else logsigmoid(-p)
    return torch.softmax(log_slopes, dim=-1), torch.logsumexp(log_slopes, dim=-1)


def entropy_constant(n: int, loss: str = "exponential") -> float:
    """Return ``c_n``, for which ``sum_i q_i p_i <= P_+ + c_n`` at any margins of n points.

    Args:
        n: number of points, at least 1.
        loss: ``"exponential"`` (``c_n = ln n``) or ``"logistic"`` (``c_n = ln 2n``).

    Returns:
        In the unit of the margins; natural logarithm.

    Raises:
        ValueError, TypeError: ``n`` is not a positive integer, or an unknown loss.

    Source: chapter "Notation and the common frame" (F3).
    """
    n = _check.integer("n", n, 1)
    return math.log(2 * n if _check.choice("loss", loss, LOSSES) == "logistic" else n)


def normalized_margin(net: Network, data: Dataset) -> float:
    """Return ``min_i p_i / ||W||^2``, at most half the global margin.

    Raises:
        ValueError: the network is zero.

    Source: chapter "Notation and the common frame".
    """
    return float(net.margins(data).min()) / _norm_squared(net)


def smoothed_margin(net: Network, data: Dataset, loss: str = "exponential") -> float:
    """Return ``P_+ / ||W||^2``, which never decreases along the gradient flow.

    Raises:
        ValueError: the network is zero, or an unknown loss.

    Source: chapter "Notation and the common frame" (F5).
    """
    soft = float(soft_margin(net.margins(data), loss))
    return max(soft, 0.0) / _norm_squared(net)


def rotation(net: Network, initial: Network) -> Tensor:
    """Return the angle between ``v_j`` and its initial value, for each neuron.

    Args:
        net: the network now.
        initial: the network at time 0, of the same width and input dimension.

    Returns:
        Shape (m,), radians in [0, pi]; nan where either vector is zero and has no direction.

    Raises:
        ValueError: the two networks differ in shape or device.

    Source: chapter "Notation and the common frame".
    """
    if net.V.shape != initial.V.shape:
        raise ValueError(
            f"initial has inner weights of shape {tuple(initial.V.shape)}; "
            f"expected {tuple(net.V.shape)}, as in net"
        )
    _check.same_device(net=net.V, initial=initial.V)
    return angles(net.V, initial.V)


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


def kkt_residual(net: Network, data: Dataset, kink: float = 1e-12) -> KKTResidual:
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
    kink = _check.number("kink", kink, 0.0)
    p = net.margins(data)
    if float(p.min()) <= 0:
        raise ValueError(
            f"the smallest margin of net is {float(p.min()):.3g}; the KKT conditions are those of "
            "a network that separates the data"
        )
    scale = math.sqrt(_norm_squared(net))
    excess = (p - p.min()).cpu().numpy() / scale**2
    columns, target, at_kink = _kkt.gradient_columns(net, data, kink)
    lam, mu = _kkt.closest_multipliers(columns, target, excess, at_kink, net.slope)
    stationarity = float(np.linalg.norm(target - columns @ np.concatenate([lam, mu])))
    multipliers = torch.as_tensor(lam, device=data.X.device)
    return KKTResidual(multipliers, stationarity, float(lam @ excess))


def _log_logistic(p: Tensor) -> Tensor:
    """Return ``ln ln(1 + e^{-p})`` for any finite p."""
    t = torch.exp(-p.clamp_min(0.0))
    ratio = torch.where(t > _TINY, torch.log1p(t) / t, 1.0)
    return torch.where(p > 0, -p + torch.log(ratio), torch.log(-logsigmoid(p.clamp_max(0.0))))


def _margins(p: Any, loss: str) -> Tensor:
    _check.choice("loss", loss, LOSSES)
    if not isinstance(p, Tensor) or p.ndim < 1 or p.shape[-1] == 0 or p.dtype != _check.DTYPE:
        what = f"{p.dtype} of shape {tuple(p.shape)}" if isinstance(p, Tensor) else repr(p)
        raise ValueError(f"p is {what}; expected a float64 tensor of shape (..., n), n >= 1")
    return p


def _norm_squared(net: Network) -> float:
    square = net.norm_squared
    if square == 0:
        raise ValueError("net is zero; a normalized margin needs a nonzero network")
    return square
