"""The losses and what a flow needs of them, in the log domain: never L, only ln L."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from lowrot import _validate

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
    n = _validate.integer("n", n, 1)
    return math.log(2 * n if _validate.choice("loss", loss, LOSSES) == "logistic" else n)


def _log_logistic(p: Tensor) -> Tensor:
    """Return ``ln ln(1 + e^{-p})`` for any finite p."""
    t = torch.exp(-p.clamp_min(0.0))
    ratio = torch.where(t > _TINY, torch.log1p(t) / t, 1.0)
    return torch.where(p > 0, -p + torch.log(ratio), torch.log(-logsigmoid(p.clamp_max(0.0))))


def _margins(p: Any, loss: str) -> Tensor:
    _validate.choice("loss", loss, LOSSES)
    if not isinstance(p, Tensor) or p.ndim < 1 or p.shape[-1] == 0 or p.dtype != _validate.DTYPE:
        what = f"{p.dtype} of shape {tuple(p.shape)}" if isinstance(p, Tensor) else repr(p)
        raise ValueError(f"p is {what}; expected a float64 tensor of shape (..., n), n >= 1")
    return p
