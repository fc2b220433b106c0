"""The potential of the coupled flow, F(z) = sum_j ``|u_j(z)|`` / 2, in the log domain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace

import torch
from torch import Tensor

from lowrot.coupled._implicit_step import ScaledMargins
from lowrot.data import Dataset
from lowrot.data._dataset import row_norms
from lowrot.losses import Loss
from lowrot.network import activation

_ENTRIES = 2**21
"""Entries of the feature array that are read at once: few enough to stay in the cache."""
_NEGLIGIBLE = -54.0
"""ln of a share of ||u||_1 below which a neuron is left out of a step, until the step is checked:
even a million of them, each e^8 times larger at the end of the step, are below rounding."""
_SAMPLES = 2**15
"""Neurons that enter the curvature of a wide network."""
_FEATURE = 2.0**-20
"""A largest feature below this, over the longest input, may be rounding: then this is the unit."""
_UNIT_LENGTH = 1.0 - 2.0**-40
"""So that features of unit inputs, which rounding may make longer, have the unit 1."""


class Potential:
    """Evaluates margins and curvature of frozen features at any z.

    Args:
        directions: unit v_j, shape (m, d).
        signs: chi_j in {-1, +1}, shape (m,).
        ln_start: ``ln |u_j(0)|``, shape (m,).
        data: the data set.
        slope: of the activation.

    One m x n array of signed features ``C_ji = chi_j y_i s(v_j . x_i)`` is held, no other. Its
    ``unit`` is the power of two just above the largest of them.
    Source: chapter "No rotation".
    """

    def __init__(
        self, directions: Tensor, signs: Tensor, ln_start: Tensor, data: Dataset, slope: float
    ) -> None:
        self.ln_start, self.evaluations = ln_start, 0
        self.C = torch.empty(len(signs), data.n, dtype=data.X.dtype, device=data.X.device)
        for part in self.parts():
            features = activation(directions[part] @ data.X.T, slope)
            self.C[part] = features.mul_(data.y).mul_(signs[part, None])
        largest = max(float(self.C[part].abs().max()) for part in self.parts())
        largest = max(largest, _FEATURE * float(row_norms(data.X).max()))
        self.unit = math.ldexp(1.0, math.frexp(_UNIT_LENGTH * largest)[1])

    def scaled(self) -> Potential:
        """The same flow with features in their unit, which is 1 then.

        With features ``C/unit`` and weights ``unit u`` margins and dual weights are the same; z
        and the clock are multiplied by the unit.
        """
        if self.unit == 1.0:
            return self
        other = copy(self)
        other.C, other.ln_start = self.C / self.unit, self.ln_start + math.log(self.unit)
        other.unit, other.evaluations = 1.0, 0
        return other

    def parts(self) -> Iterator[slice]:
        """Yield chunks of neurons."""
        m, size = len(self.ln_start), max(1, _ENTRIES // self.C.shape[1])
        for start in range(0, m, size):
            yield slice(start, min(start + size, m))

    def ln_growth(self, z: Tensor) -> Tensor:
        """``ln |u_j(z)| - ln |u_j(0)| = 2 sum_i z_i C_ji``, shape (m,)."""
        return self.C @ (2.0 * z)

    def margins(self, z: Tensor) -> ScaledMargins:
        """Margins at z, in units of ``||u||_1``, and their curvature when it is asked for."""
        return self._at(z)[0]

    def near(self, z: Tensor) -> tuple[ScaledMargins, Callable[[Tensor], ScaledMargins]]:
        """Return the margins at z, and a function for those nearby without negligible neurons.

        What is negligible is judged at z: the caller checks where it arrives.
        """
        margins, ln_share = self._at(z)
        kept = ln_share > _NEGLIGIBLE
        if not 0 < 2 * int(kept.sum()) <= len(kept):
            return margins, self.margins
        part = copy(self)
        part.C, part.ln_start = self.C[kept], self.ln_start[kept]

        return margins, lambda point: replace(part.margins(point), complete=False)

    def _at(self, z: Tensor) -> tuple[ScaledMargins, Tensor]:
        """Margins at z and ln of the shares, with one pass over the features."""
        self.evaluations += 1
        ln_u, double = torch.empty_like(self.ln_start), 2.0 * z
        top, ln_growth, total, p = -math.inf, -math.inf, 0.0, torch.zeros_like(z)
        for part in self.parts():
            C = self.C[part]
            here = torch.mv(C, double)
            ln_growth = max(ln_growth, float(here.max()))
            ln_u[part] = here.add_(self.ln_start[part])
            largest = float(here.max())
            if largest > top:
                factor, top = math.exp(top - largest), largest
                total, p = total * factor, p.mul_(factor)
            weight = here.sub_(top).exp_()
            total += float(weight.sum())
            p += weight @ C
        ln_norm = top + math.log(total)
        ln_share = ln_u.sub_(ln_norm)
        return ScaledMargins(
            ln_norm,
            p / total,
            ln_growth,
            lambda centred, exact: self._hessian(ln_share, centred, exact),
            lambda velocity: self._slopes(ln_share, velocity),
        ), ln_share

    def _slopes(self, ln_share: Tensor, velocity: Tensor) -> Tensor:
        """``2 C^T (share (C velocity))``, shape (n,)."""
        total, double = torch.zeros_like(velocity), 2.0 * velocity
        for part in self.parts():
            C = self.C[part]
            total += torch.mv(C, double).mul_(ln_share[part].exp()) @ C
        return total

    def _hessian(self, ln_share: Tensor, centred: bool, exact: bool) -> Tensor:
        """``2 C^T diag(share) C``, shape (n, n), less twice the square of the mean if centred.

        Of a wide network a sample of neurons serves: all that have a share above 1/N (N the size
        of the sample), and of the others a systematic sample in proportion to their shares. The
        result is within a few percent: enough for Newton's method, whose residual stays exact,
        as long as it makes progress; then the exact curvature is asked for.
        """
        share = ln_share.exp()
        if exact or len(share) <= 2 * _SAMPLES:
            mean = share @ self.C if centred else share.new_zeros(self.C.shape[1])
            total = share.new_zeros(len(mean), len(mean))
            for part in self.parts():
                rows = (self.C[part] - mean).mul_(share[part].sqrt()[:, None])
                total.addmm_(rows.T, rows, alpha=2.0)
            return total
        heavy = share > 1.0 / _SAMPLES
        ladder = share.masked_fill(heavy, 0.0).cumsum(0)
        light = float(ladder[-1])
        size = max(1, math.ceil(light * _SAMPLES))
        rungs = (torch.arange(size, dtype=share.dtype, device=share.device) + 0.5) / size
        sampled = torch.searchsorted(ladder, rungs * light).clamp_max(len(share) - 1)
        rows = torch.cat([self.C[heavy], self.C[sampled]])
        share = torch.cat([share[heavy], share.new_full((size,), light / size)])
        if centred:
            rows = rows - (share @ rows) / share.sum()
        rows.mul_(share.sqrt()[:, None])
        return 2.0 * (rows.T @ rows)


def soft_ratio(margins: ScaledMargins, loss: Loss) -> float:
    """``P / ||u||_1`` at margins measured in units of ``||u||_1``, at any size of ``||u||_1``."""
    if abs(margins.ln_scale) < 600.0:
        scale = math.exp(margins.ln_scale)
        return float(loss.soft_margin(margins.p * scale)) / scale
    if margins.ln_scale < 0:
        raise ValueError(
            f"||u||_1 is exp({margins.ln_scale:.4g}) in the unit of the features; expected a start "
            "above exp(-600)"
        )
    return loss.soft_margin_far(margins.p)
