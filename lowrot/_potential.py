"""The potential of the coupled flow, F(z) = sum_j ``|u_j(z)|`` / 2, in the log domain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from copy import copy

import torch
from torch import Tensor

from lowrot._entropic import Margins
from lowrot.data import Dataset
from lowrot.margins import soft_margin
from lowrot.network import activation

_CHUNK = 2**15
_NEGLIGIBLE = -46.0
"""ln of a share of ||u||_1 below which a neuron cannot change a double-precision curvature."""


class Potential:
    """Evaluates margins and curvature of frozen features at any z.

    Args:
        directions: unit v_j, shape (m, d).
        signs: s_j in {-1, +1}, shape (m,).
        ln_start: ``ln |u_j(0)|``, shape (m,).
        data: the data set.
        slope: of the activation.

    One m x n array of signed features ``C_ji = s_j y_i s(v_j . x_i)`` is held, no other.
    Source: theory.md section 8.
    """

    def __init__(
        self, directions: Tensor, signs: Tensor, ln_start: Tensor, data: Dataset, slope: float
    ) -> None:
        self.ln_start, self.evaluations = ln_start, 0
        self.C = torch.empty(len(signs), data.n, dtype=data.X.dtype, device=data.X.device)
        for part in self.parts():
            features = activation(directions[part] @ data.X.T, slope)
            self.C[part] = features.mul_(data.y).mul_(signs[part, None])

    def parts(self) -> Iterator[slice]:
        """Yield chunks of neurons."""
        m = len(self.ln_start)
        for start in range(0, m, _CHUNK):
            yield slice(start, min(start + _CHUNK, m))

    def growth(self, z: Tensor) -> Tensor:
        """``ln |u_j(z)| - ln |u_j(0)| = 2 sum_i z_i C_ji``, shape (m,)."""
        return self.C @ (2.0 * z)

    def near(self, z: Tensor, eta: float) -> Callable[[Tensor], Margins]:
        """Return `margins` for all ``z + eta q``, q in the simplex, without negligible neurons.

        A step of length eta changes the share of a neuron by a factor of at most exp(4 eta).
        """
        ln_u = self.growth(z).add_(self.ln_start)
        kept = ln_u - torch.logsumexp(ln_u, 0) > _NEGLIGIBLE - 4.0 * eta
        if 2 * int(kept.sum()) > len(kept):
            return self.margins
        part = copy(self)
        part.C, part.ln_start = self.C[kept], self.ln_start[kept]

        def counted(point: Tensor) -> Margins:
            self.evaluations += 1
            return part.margins(point)

        return counted

    def margins(self, z: Tensor) -> Margins:
        """Margins at z, in units of ``||u||_1``, and their curvature when it is asked for."""
        self.evaluations += 1
        ln_u = self.growth(z).add_(self.ln_start)
        ln_norm = float(torch.logsumexp(ln_u, 0))
        share = ln_u.sub_(ln_norm).exp_()
        return Margins(ln_norm, share @ self.C, lambda: self._hessian(share))

    def _hessian(self, share: Tensor) -> Tensor:
        """``2 C^T diag(share) C``, shape (n, n), by chunks of the neurons that matter."""
        hessian = self.C.new_zeros(self.C.shape[1], self.C.shape[1])
        for part in self.parts():
            C, weight = self.C[part], share[part]
            kept = weight > math.exp(_NEGLIGIBLE)
            if 2 * int(kept.sum()) < len(kept):
                C, weight = C[kept], weight[kept]
            hessian.addmm_(C.T * weight, C, alpha=2.0)
        return hessian

    def summary(self, z: Tensor) -> tuple[float, float]:
        """``max_j`` of the growth, and ``min_j ln |u_j(0)|``: what the certificate needs."""
        return float(self.growth(z).max()), float(self.ln_start.min())


def soft_ratio(margins: Margins, loss: str) -> float:
    """``P / ||u||_1`` at margins measured in units of ``||u||_1``, at any size of ``||u||_1``."""
    if abs(margins.ln_scale) < 600.0:
        scale = math.exp(margins.ln_scale)
        return float(soft_margin(margins.p * scale, loss)) / scale
    if margins.ln_scale < 0:
        raise ValueError(
            f"||u||_1 is exp({margins.ln_scale:.4g}); expected a start above exp(-600)"
        )
    lowest = float(margins.p.min())
    if loss == "logistic" and lowest < 0:
        return float(margins.p.clamp_max(0.0).sum())
    return lowest
