"""One pass over the heights of all neurons: on the processor each is read from memory once."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from lowrot._jit import reordered

_BLOCK = 512
"""Neurons whose sum is taken by itself: so rounding grows with the root of their number only."""


def weigh(
    heights: Tensor, signs: Tensor, ln_start: Tensor, rates: Tensor, ln_u: Tensor, sums: Tensor
) -> tuple[float, float, float]:
    """Write ``ln u_j`` and sums over neurons with the weights ``exp(ln u_j - top)``.

    Args:
        heights: of neurons over planes, shape (m, N).
        signs: of the neurons, shape (m,).
        ln_start: ``ln u_j`` where it has not grown, shape (m,).
        rates: by which a height above and one below a plane make ``ln u_j`` grow, shape (2, N).
        ln_u: written, shape (m,).
        sums: written, those of ``signs_j heights_jk`` above and below the planes, shape (2, N).

    Returns:
        The largest ``ln u_j``, called the top, the sum of the weights, and the largest growth.
    """
    tensors = heights, signs, ln_start, rates, ln_u, sums
    if heights.is_cpu:
        return weigh_compiled(*(x.numpy() for x in tensors))
    return weigh_elsewhere(*tensors)


def respond(heights: Tensor, ln_share: Tensor, rates: Tensor, sums: Tensor) -> None:
    """Write the sums over neurons, with their shares, of growth times heights, shape (2, N).

    The arguments are those of `weigh`; signs enter twice, and so do not count.
    """
    if heights.is_cpu:
        respond_compiled(*(x.numpy() for x in (heights, ln_share, rates, sums)))
        return
    _sum(heights, _growth(heights, rates) * ln_share.exp(), sums)


def weigh_elsewhere(
    heights: Tensor, signs: Tensor, ln_start: Tensor, rates: Tensor, ln_u: Tensor, sums: Tensor
) -> tuple[float, float, float]:
    """What `weigh` does, by products that any device has."""
    growth = signs * _growth(heights, rates)
    ln_u.copy_(growth + ln_start)
    top = float(ln_u.max())
    weight = (ln_u - top).exp()
    _sum(heights, signs * weight, sums)
    return top, float(weight.sum()), float(growth.max())


def _growth(heights: Tensor, rates: Tensor) -> Tensor:
    return heights.clamp_min(0.0) @ rates[0] + heights.clamp_max(0.0) @ rates[1]


def _sum(heights: Tensor, weight: Tensor, sums: Tensor) -> None:
    sums[0], sums[1] = weight @ heights.clamp_min(0.0), weight @ heights.clamp_max(0.0)


@reordered
def weigh_compiled(
    heights: np.ndarray,
    signs: np.ndarray,
    ln_start: np.ndarray,
    rates: np.ndarray,
    ln_u: np.ndarray,
    sums: np.ndarray,
) -> tuple[float, float, float]:
    """What `weigh` does, for arrays."""
    m, N = heights.shape
    part, total, some = np.zeros((2, N)), 0.0, 0.0
    top, most = -math.inf, -math.inf
    sums[:] = 0.0
    for j in range(m):
        growth = 0.0
        for k in range(N):
            up = heights[j, k] if heights[j, k] > 0.0 else 0.0
            growth += up * rates[0, k] + (heights[j, k] - up) * rates[1, k]
        growth *= signs[j]
        most = max(most, growth)
        ln_u[j] = growth + ln_start[j]
        if ln_u[j] > top:
            factor, top = math.exp(top - ln_u[j]), ln_u[j]
            total, some = total * factor, some * factor
            for k in range(N):
                part[0, k], part[1, k] = part[0, k] * factor, part[1, k] * factor
                sums[0, k], sums[1, k] = sums[0, k] * factor, sums[1, k] * factor
        weight = math.exp(ln_u[j] - top)
        some += weight
        weight *= signs[j]
        for k in range(N):
            up = heights[j, k] if heights[j, k] > 0.0 else 0.0
            part[0, k] += weight * up
            part[1, k] += weight * (heights[j, k] - up)
        if (j + 1) % _BLOCK == 0 or j + 1 == m:
            total, some = total + some, 0.0
            for k in range(N):
                sums[0, k], sums[1, k] = sums[0, k] + part[0, k], sums[1, k] + part[1, k]
                part[0, k], part[1, k] = 0.0, 0.0
    return top, total, most


@reordered
def respond_compiled(
    heights: np.ndarray, ln_share: np.ndarray, rates: np.ndarray, sums: np.ndarray
) -> None:
    """What `respond` does, for arrays."""
    m, N = heights.shape
    sums[:] = 0.0
    for j in range(m):
        growth = 0.0
        for k in range(N):
            up = heights[j, k] if heights[j, k] > 0.0 else 0.0
            growth += up * rates[0, k] + (heights[j, k] - up) * rates[1, k]
        weight = growth * math.exp(ln_share[j])
        for k in range(N):
            up = heights[j, k] if heights[j, k] > 0.0 else 0.0
            sums[0, k] += weight * up
            sums[1, k] += weight * (heights[j, k] - up)
