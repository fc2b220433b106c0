"""The potential of the coupled flow, F(z) = sum_j ``|u_j(z)|`` / 2, in the log domain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lowrot._hyperplanes import distinct_hyperplanes
from lowrot._jit import in_threads
from lowrot.coupled._implicit_step import ScaledMargins
from lowrot.coupled._pass import respond, weigh
from lowrot.data import Dataset
from lowrot.data._dataset import row_norms
from lowrot.losses import Loss

_ENTRIES = 2**21
"""Features that are made at once."""
_PAIRS_A_THREAD = 2**20
"""Pairs (neuron, plane) that are worth a thread of their own."""
_NEGLIGIBLE = -54.0
"""ln of a share of ||u||_1 below which a neuron is left out of a step, until the step is checked:
even a million of them, each e^8 times larger at the end of the step, are below rounding."""
_SAMPLES = 2**15
"""Neurons that enter the curvature of a wide network."""
_FEATURE = 2.0**-20
"""A largest feature below this, over the longest input, may be rounding: then this is the unit."""
_UNIT_LENGTH = 1.0 - 2.0**-40
"""So that features of unit inputs, which rounding may make longer, have the unit 1."""


class Weighed(NamedTuple):
    """Some neurons with the weights ``u_j exp(-top)``.

    Attributes:
        top: the largest ``ln u_j``.
        total: the sum of the weights.
        growth: the largest ``ln u_j - ln u_j(0)``.
        sums: of heights above and below the planes, shape (2, N).
    """

    top: float
    total: float
    growth: float
    sums: Tensor


class Potential:
    """Evaluates margins and curvature of frozen features at any z.

    Args:
        directions: unit v_j, shape (m, d).
        signs: chi_j in {-1, +1}, shape (m,).
        ln_start: ``ln |u_j(0)|``, shape (m,).
        data: the data set.
        slope: of the activation.

    Held are the heights of neurons over the N distinct hyperplanes of the points, shape (m, N), no
    other large array: of them follow the signed features ``C_ji = chi_j y_i s(v_j . x_i)``. The
    ``unit`` is the power of two just above the largest of these.
    Source: chapter "No rotation".
    """

    def __init__(
        self, directions: Tensor, signs: Tensor, ln_start: Tensor, data: Dataset, slope: float
    ) -> None:
        planes, new = distinct_hyperplanes(data.X.cpu().numpy()), data.X.new_tensor
        self.signs, self.ln_start, self.evaluations = signs, ln_start, 0
        self.heights = directions @ new(planes.normals @ planes.basis).T
        self.index = torch.as_tensor(planes.plane, device=signs.device)
        lengths, side = row_norms(data.X), new(planes.side)
        # of the features of a point per height above its plane, and below
        one = torch.ones_like(side)
        self.above = data.y * lengths * torch.where(side > 0, one, -slope * one)
        self.below = data.y * lengths * torch.where(side > 0, slope * one, -one)
        highest, lowest = self.heights.amax(0).clamp_min(0.0), self.heights.amin(0).clamp_max(0.0)
        extremes = highest[self.index] * self.above, lowest[self.index] * self.below
        largest = max(float(one.abs().max()) for one in extremes)
        largest = max(largest, _FEATURE * float(lengths.max()))
        self.unit = math.ldexp(1.0, math.frexp(_UNIT_LENGTH * largest)[1])

    def scaled(self) -> Potential:
        """The same flow with features in their unit, which is 1 then.

        With features ``C/unit`` and weights ``unit u`` margins and dual weights are the same; z
        and the clock are multiplied by the unit.
        """
        if self.unit == 1.0:
            return self
        other = copy(self)
        other.above, other.below = self.above / self.unit, self.below / self.unit
        other.ln_start = self.ln_start + math.log(self.unit)
        other.unit, other.evaluations = 1.0, 0
        return other

    @property
    def zero(self) -> Tensor:
        """The z of the start, shape (n,)."""
        return torch.zeros_like(self.above)

    def features(self, neurons: Any = slice(None)) -> Tensor:
        """The signed features of some neurons, shape (., n)."""
        at = self.heights[neurons][:, self.index]
        above, below = at.clamp_min(0.0).mul_(self.above), at.clamp_max_(0.0).mul_(self.below)
        return above.add_(below).mul_(self.signs[neurons][:, None])

    def parts(self) -> Iterator[slice]:
        """Yield chunks of neurons."""
        m, size = len(self.ln_start), max(1, _ENTRIES // len(self.index))
        for start in range(0, m, size):
            yield slice(start, min(start + size, m))

    def ln_growth(self, z: Tensor) -> Tensor:
        """``ln |u_j(z)| - ln |u_j(0)| = 2 sum_i z_i C_ji``, shape (m,)."""
        return torch.cat([self.features(part) @ (2.0 * z) for part in self.parts()])

    def margins(self, z: Tensor) -> ScaledMargins:
        """Margins at z, in units of ``||u||_1``, and their curvature when it is asked for."""
        return self._at(z)[0]

    def near(self, z: Tensor) -> tuple[ScaledMargins, Callable[[Tensor], ScaledMargins]]:
        """Return the margins at z, and a function for those nearby without negligible neurons.

        What is negligible is judged at z: the caller checks where it arrives.
        """
        margins, ln_share = self._at(z)
        kept = ln_share > _NEGLIGIBLE
        if not 0 < 4 * int(kept.sum()) <= len(kept):
            return margins, self.margins
        part = copy(self)
        part.heights, part.signs = self.heights[kept], self.signs[kept]
        part.ln_start = self.ln_start[kept]
        return margins, lambda point: replace(part.margins(point), complete=False)

    def _at(self, z: Tensor) -> tuple[ScaledMargins, Tensor]:
        """Margins at z and ln of the shares, with one pass over the heights."""
        self.evaluations += 1
        rates, ln_u = self._rates(2.0 * z), torch.empty_like(self.ln_start)

        def weighed(low: int, high: int) -> Weighed:
            sums = self.heights.new_empty(2, self.heights.shape[1])
            arrays = self.heights[low:high], self.signs[low:high], self.ln_start[low:high]
            return Weighed(*weigh(*arrays, rates, ln_u[low:high], sums), sums)

        parts = in_threads(weighed, len(ln_u), self._most)
        top = max(part.top for part in parts)
        factors = [math.exp(part.top - top) for part in parts]
        total = sum(part.total * factor for part, factor in zip(parts, factors))
        sums = torch.stack([part.sums * factor for part, factor in zip(parts, factors)]).sum(0)
        ln_norm = top + math.log(total)
        ln_share = ln_u.sub_(ln_norm)
        return ScaledMargins(
            ln_norm,
            self._of_points(sums / total),
            max(part.growth for part in parts),
            lambda centred, exact: self._hessian(ln_share, centred, exact),
            lambda velocity: self._slopes(ln_share, velocity),
        ), ln_share

    @property
    def _most(self) -> int:
        """Threads that are worth starting: one where the heights are not on the processor."""
        return self.heights.numel() // _PAIRS_A_THREAD if self.heights.is_cpu else 1

    def _rates(self, z: Tensor) -> Tensor:
        """What heights above and below each plane add to ``sum_i z_i C_ji/chi_j``, shape (2, N)."""
        rates = z.new_zeros(2, self.heights.shape[1])
        return rates.index_add_(1, self.index, torch.stack([z * self.above, z * self.below]))

    def _of_points(self, sums: Tensor) -> Tensor:
        """Sums of features from those of heights above and below the planes, shape (n,)."""
        above, below = sums[:, self.index]
        return above * self.above + below * self.below

    def _slopes(self, ln_share: Tensor, velocity: Tensor) -> Tensor:
        """``2 C^T (share (C velocity))``, shape (n,)."""
        rates = self._rates(2.0 * velocity)

        def responded(low: int, high: int) -> Tensor:
            sums = self.heights.new_empty(2, self.heights.shape[1])
            respond(self.heights[low:high], ln_share[low:high], rates, sums)
            return sums

        parts = in_threads(responded, len(ln_share), self._most)
        return self._of_points(torch.stack(parts).sum(0))

    def _hessian(self, ln_share: Tensor, centred: bool, exact: bool) -> Tensor:
        """``2 C^T diag(share) C``, shape (n, n), less twice the square of the mean if centred.

        Of a wide network a sample of neurons serves: all that have a share above 1/N (N the size
        of the sample), and of the others a systematic sample in proportion to their shares. The
        result is within a few percent: enough for Newton's method, whose residual stays exact,
        as long as it makes progress; then the exact curvature is asked for.
        """
        share = ln_share.exp()
        if exact or len(share) <= 2 * _SAMPLES:
            mean = self._of_all(share) if centred else self.zero
            total = share.new_zeros(len(mean), len(mean))
            for part in self.parts():
                rows = (self.features(part) - mean).mul_(share[part].sqrt()[:, None])
                total.addmm_(rows.T, rows, alpha=2.0)
            return total
        heavy = (share > 1.0 / _SAMPLES).nonzero()[:, 0]
        ladder = share.index_fill(0, heavy, 0.0).cumsum_(0)
        light = float(ladder[-1])
        size = max(1, math.ceil(light * _SAMPLES))
        rungs = (torch.arange(size, dtype=share.dtype, device=share.device) + 0.5) / size
        sampled = torch.searchsorted(ladder, rungs * light).clamp_max(len(share) - 1)
        rows = self.features(torch.cat([heavy, sampled]))
        share = torch.cat([share[heavy], share.new_full((size,), light / size)])
        if centred:
            rows = rows - (share @ rows) / share.sum()
        rows.mul_(share.sqrt()[:, None])
        return 2.0 * (rows.T @ rows)

    def _of_all(self, share: Tensor) -> Tensor:
        """``sum_j share_j C_j``, shape (n,)."""
        return torch.stack([share[part] @ self.features(part) for part in self.parts()]).sum(0)


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
