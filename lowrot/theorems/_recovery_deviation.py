"""A search for directions along which samples deviate most from the cube, beside their distance."""

from __future__ import annotations

import torch
from torch import Tensor

from lowrot.data import Dataset
from lowrot.theorems._parity_features import distances, mean_features, nearest

LARGEST = 14
"""Largest d of the search: every step visits 2^(d-3) points a start."""

_STEPS = 150
"""Steps of ascent of all starts: their lengths halve when they gain nothing."""

_SHORTEST_STEP = 1e-7
"""Below it a start stands still."""

_LEAST = 1e-7
"""Distances up to this are none."""

_LEAST_SEARCHED = 1e-4
"""Closer to the four directions quotients are nearly those at this distance, but for rounding."""

_CLIMBERS = 8
"""The highest ends of ascents, from which climbs over the kinks begin."""

_CLIMBS = 400
"""Random steps of each climber; their lengths shrink where they gain nothing."""

_SHRINK = 0.95
"""By what: 1e-9 of the first step after the last."""


def deviations(
    V: Tensor, data: Dataset, q: Tensor, pair: tuple[int, int], least: float = _LEAST
) -> Tensor:
    """Return ``|sum_i q_i y_i s(v_j.x_i) - E chi s(v_j.x)|/delta_j``, shape (m,).

    A distance of at most ``least`` counts as none, and the quotient as 0.

    Args:
        V: unit rows, shape (m, d).
        data: the samples.
        q: weights of the samples, shape (n,).
        pair: i and j of the label.
        least: what the rounding of the numerator is divided by, at most.
    """
    sample = (q * data.y) @ (data.X @ V.T).clamp_min(0.0)
    apart = distances(V, pair)
    off = (sample - mean_features(V, pair)).abs()
    return torch.where(apart > least, off / apart.clamp_min(least), 0.0 * off)


def search(data: Dataset, q: Tensor, pair: tuple[int, int], starts: int, seed: int) -> Tensor:
    """Return the direction of the largest deviation that ascents have met, shape (d,)."""
    generator = torch.Generator().manual_seed(seed)
    V = torch.randn(starts, data.d, generator=generator, dtype=data.X.dtype).to(data.X)
    V = V / V.norm(dim=1, keepdim=True)
    # Half of the starts near the four directions, where the deviation is a quotient of small ones.
    near = nearest(V, pair) + 0.3 * V
    V = torch.cat([V, near / near.norm(dim=1, keepdim=True)])
    height, gradient = _slope(V, data, q, pair)
    step = torch.full_like(height, 0.3)
    for _ in range(_STEPS):
        moved = V + step[:, None] * gradient
        moved = moved / moved.norm(dim=1, keepdim=True)
        higher, slope = _slope(moved, data, q, pair)
        gains = higher > height
        V = torch.where(gains[:, None], moved, V)
        gradient = torch.where(gains[:, None], slope, gradient)
        height = torch.where(gains, higher, height)
        step = torch.where(gains, step, step / 2)
        if float(step.max()) < _SHORTEST_STEP:
            break
    return _climbed(V[height.argsort(descending=True)[:_CLIMBERS]], data, q, pair, generator)


def _climbed(
    V: Tensor, data: Dataset, q: Tensor, pair: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """Return the highest direction that random steps reach: gradients stop at the first kink."""
    height = deviations(V, data, q, pair, _LEAST_SEARCHED)
    step = torch.full_like(height, 0.1)
    for _ in range(_CLIMBS):
        change = torch.randn(V.shape, generator=generator, dtype=V.dtype).to(V)
        moved = V + step[:, None] * change / V.shape[1] ** 0.5
        moved = moved / moved.norm(dim=1, keepdim=True)
        higher = deviations(moved, data, q, pair, _LEAST_SEARCHED)
        gains = higher > height
        V = torch.where(gains[:, None], moved, V)
        height, step = torch.where(gains, higher, height), torch.where(gains, step, _SHRINK * step)
    return V[int(height.argmax())]


def _slope(V: Tensor, data: Dataset, q: Tensor, pair: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the deviations and their unit gradients along the sphere."""
    V = V.detach().requires_grad_(True)
    with torch.enable_grad():
        height = deviations(V, data, q, pair, _LEAST_SEARCHED)
        (gradient,) = torch.autograd.grad(height.sum(), V)
    V, height = V.detach(), height.detach()
    gradient = torch.nan_to_num(gradient)
    gradient = gradient - (gradient * V).sum(dim=1, keepdim=True) * V
    return height, gradient / gradient.norm(dim=1, keepdim=True).clamp_min(1e-300)
