"""The losses and what a flow needs of them, in the log domain: never L, only ln L.

Each loss is an object; wherever one is asked for, its name is accepted too.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from lowrot import _validate

_TINY = 1e-300
"""Below this numbers lose digits (they become subnormal), and ratios of two are not to be used."""


class Loss(ABC):
    """A loss ``l`` of the margins; ``L = sum_i l(p_i)``, ``Lam = sum_i |l'(p_i)|``.

    Tensors p have shape (..., n) and float64; sums run over the last axis.

    Attributes:
        name: of the loss, as paths and arguments spell it.

    Source: chapter "Notation and the common frame" (F1 to F3).
    """

    name: str

    @abstractmethod
    def log_values(self, p: Tensor) -> Tensor:
        """``ln l(p_i)``, shape (..., n)."""

    @abstractmethod
    def log_slopes(self, p: Tensor) -> Tensor:
        """``ln |l'(p_i)|``, shape (..., n)."""

    @abstractmethod
    def soft_margin(self, p: Tensor) -> Tensor:
        """``P = l^{-1}(L)``, shape (...)."""

    @abstractmethod
    def soft_margin_far(self, p: Tensor) -> float:
        """The limit of ``P(c p)/c`` as c grows, for p of shape (n,)."""

    @abstractmethod
    def soft_margin_rate(self, p: Tensor, P: float) -> float:
        """``P' / ||W'||^2`` along gradient flow in tau (F2), for p of shape (n,) with margin P."""

    @abstractmethod
    def excess(self, p: Tensor) -> Tensor | None:
        """``-ln(1 - |l'(p_i)|)``, shape (..., n); None where slopes have no bound."""

    @abstractmethod
    def entropy_constant(self, n: int) -> float:
        """``c_n`` with ``sum_i q_i p_i <= P_+ + c_n`` at any n margins (F3)."""

    def log_loss(self, p: Tensor) -> Tensor:
        """``ln L``, shape (...)."""
        return torch.logsumexp(self.log_values(p), dim=-1)

    def dual_weights(self, p: Tensor) -> tuple[Tensor, Tensor]:
        """``q_i = |l'(p_i)|/Lam``, shape (..., n), and ``ln Lam``, shape (...)."""
        log_slopes = self.log_slopes(p)
        return torch.softmax(log_slopes, dim=-1), torch.logsumexp(log_slopes, dim=-1)

    def __repr__(self) -> str:
        return f"<{self.name} loss>"


class Exponential(Loss):
    """``l(p) = exp(-p)``."""

    name = "exponential"

    def log_values(self, p: Tensor) -> Tensor:
        """``-p``."""
        return -p

    def log_slopes(self, p: Tensor) -> Tensor:
        """``-p``."""
        return -p

    def soft_margin(self, p: Tensor) -> Tensor:
        """``-ln L``."""
        return -self.log_loss(p)

    def soft_margin_far(self, p: Tensor) -> float:
        """The smallest margin."""
        return float(p.min())

    def soft_margin_rate(self, p: Tensor, P: float) -> float:
        """1: the soft margin is ``-ln L``."""
        return 1.0

    def excess(self, p: Tensor) -> None:
        """None: the slopes have no bound."""
        return None

    def entropy_constant(self, n: int) -> float:
        """``ln n``."""
        return math.log(n)


class Logistic(Loss):
    """``l(p) = ln(1 + exp(-p))``."""

    name = "logistic"

    def log_values(self, p: Tensor) -> Tensor:
        """``ln ln(1 + e^{-p})``, accurate for any finite p."""
        t = torch.exp(-p.clamp_min(0.0))
        ratio = torch.where(t > _TINY, torch.log1p(t) / t, 1.0)
        return torch.where(p > 0, -p + torch.log(ratio), torch.log(-logsigmoid(p.clamp_max(0.0))))

    def log_loss(self, p: Tensor) -> Tensor:
        """``ln L``, in logarithms throughout only where L is below the doubles."""
        L = -logsigmoid(p).sum(dim=-1)
        return L.log() if bool((L > _TINY).all()) else super().log_loss(p)

    def log_slopes(self, p: Tensor) -> Tensor:
        """``-ln(1 + e^p)``."""
        return logsigmoid(-p)

    def soft_margin(self, p: Tensor) -> Tensor:
        """``-ln(e^L - 1)``, accurate however large L or -ln L."""
        log_L, L = self.log_loss(p), -logsigmoid(p).sum(dim=-1)
        small = log_L.clamp_max(0.0).exp()
        ratio = torch.where(small > _TINY, torch.expm1(small) / small, 1.0)
        return torch.where(log_L < 0, -log_L - torch.log(ratio), -L - torch.log1p(-torch.exp(-L)))

    def soft_margin_far(self, p: Tensor) -> float:
        """The smallest margin, or the sum of the negative ones: L is their sum then."""
        lowest = float(p.min())
        return float(p.clamp_max(0.0).sum()) if lowest < 0 else lowest

    def soft_margin_rate(self, p: Tensor, P: float) -> float:
        """``Lam / |l'(P)|``."""
        ln_slope = -max(P, 0.0) - math.log1p(math.exp(-abs(P)))
        return math.exp(float(torch.logsumexp(self.log_slopes(p), 0)) - ln_slope)

    def excess(self, p: Tensor) -> Tensor:
        """``ln(1 + e^{-p})``."""
        return -logsigmoid(p)

    def entropy_constant(self, n: int) -> float:
        """``ln 2n``."""
        return math.log(2 * n)


LOSSES: dict[str, Loss] = {loss.name: loss for loss in (Exponential(), Logistic())}
"""The losses by name."""


def as_loss(loss: str | Loss) -> Loss:
    """Return a loss as it is, or the one of this name.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(loss, Loss):
        return loss
    return LOSSES[_validate.choice("loss", loss, tuple(LOSSES))]


def log_loss(p: Tensor, loss: str | Loss = "exponential") -> Tensor:
    """Return ``ln L = ln sum_i l(p_i)``, which neither overflows nor underflows.

    Args:
        p: margins, shape (..., n), float64; the last axis is summed.
        loss: ``"exponential"``, ``"logistic"`` or a `Loss`.

    Returns:
        Shape (...), natural logarithm.

    Raises:
        ValueError: p is not such a tensor, or an unknown loss.

    Source: chapter "Notation and the common frame" (F1).
    """
    return as_loss(loss).log_loss(_margins(p))


def soft_margin(p: Tensor, loss: str | Loss = "exponential") -> Tensor:
    """Return the soft margin ``P = l^{-1}(L)``, at most ``min_i p_i``.

    Exponential: ``P = -ln L``; logistic: ``P = -ln(e^L - 1)``. Accurate to rounding for all
    finite margins, however large or negative.

    Args:
        p: margins, shape (..., n), float64; the last axis is reduced.
        loss: ``"exponential"``, ``"logistic"`` or a `Loss`.

    Returns:
        Shape (...), in the unit of the margins.

    Raises:
        ValueError: p is not such a tensor, or an unknown loss.

    Source: chapter "Notation and the common frame" (F2).
    """
    return as_loss(loss).soft_margin(_margins(p))


def dual_weights(p: Tensor, loss: str | Loss = "exponential") -> tuple[Tensor, Tensor]:
    """Return the weights ``q_i = |l'(p_i)| / Lam`` and ``ln Lam``, ``Lam = sum_i |l'(p_i)|``.

    Args:
        p: margins, shape (..., n), float64.
        loss: ``"exponential"``, ``"logistic"`` or a `Loss`.

    Returns:
        q, shape (..., n), on the simplex along the last axis, and ln Lam, shape (...).

    Raises:
        ValueError: p is not such a tensor, or an unknown loss.

    Source: chapter "Notation and the common frame" (F1).
    """
    return as_loss(loss).dual_weights(_margins(p))


def entropy_constant(n: int, loss: str | Loss = "exponential") -> float:
    """Return ``c_n``, for which ``sum_i q_i p_i <= P_+ + c_n`` at any margins of n points.

    Args:
        n: number of points, at least 1.
        loss: ``"exponential"`` (``c_n = ln n``), ``"logistic"`` (``c_n = ln 2n``) or a `Loss`.

    Returns:
        In the unit of the margins; natural logarithm.

    Raises:
        ValueError, TypeError: ``n`` is not a positive integer, or an unknown loss.

    Source: chapter "Notation and the common frame" (F3).
    """
    return as_loss(loss).entropy_constant(_validate.integer("n", n, 1))


def _margins(p: Any) -> Tensor:
    plain = isinstance(p, Tensor) and p.layout == torch.strided and not p.is_meta
    if not plain or p.ndim < 1 or p.shape[-1] == 0 or p.dtype != _validate.DTYPE:
        what = f"{p.dtype} of shape {tuple(p.shape)}" if isinstance(p, Tensor) else repr(p)
        raise ValueError(f"p is {what}; expected a float64 tensor of shape (..., n), n >= 1")
    return p
