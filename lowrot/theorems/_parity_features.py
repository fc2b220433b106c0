"""One neuron against 2-sparse parity on the whole cube: its mean feature, and the nearest target.

For ``chi = d x_i x_j`` and unit v, with r the part of v.x from the other coordinates,
``E chi s(v.x) = (1 - alpha) (E max(|r|, |v_i + v_j|/sqrt d) - E max(|r|, |v_i - v_j|/sqrt d))/4``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lowrot.data._cube import LARGEST_WHOLE_CUBE, cube_parts

_CHUNK_ENTRIES = 2**21
"""Largest number of pairs (point, neuron) held at once: 16 MB in float64."""


def mean_features(V: Tensor, pair: tuple[int, int]) -> Tensor:
    """Return ``E chi s(v_j.x)`` of the ReLU over the cube, shape (m,), exactly.

    Args:
        V: directions, shape (m, d), d <= 20.
        pair: i and j of ``chi = d x_i x_j``.

    Raises:
        ValueError: more dimensions than can be visited.
    """
    m, d = V.shape
    if d > LARGEST_WHOLE_CUBE:
        raise ValueError(f"d is {d}; the whole cube is visited for d <= {LARGEST_WHOLE_CUBE}")
    together, apart = V[:, pair[0]] + V[:, pair[1]], V[:, pair[0]] - V[:, pair[1]]
    if d == 2:
        return (together.abs() - apart.abs()) / (4 * math.sqrt(d))
    others = [k for k in range(d) if k not in pair]
    rest, total = V[:, others] * math.sqrt(len(others)), torch.zeros_like(together)
    # +x and -x count the same: half of the cube, whose first sign is positive, is enough.
    size = max(1, _CHUNK_ENTRIES // m)
    count = 0
    for X in cube_parts(d - 2, min(size, 2 ** (d - 3))):
        if count >= 2 ** (d - 3):
            break
        r = (X.to(V.device) @ rest.T).abs()
        higher = torch.maximum(r, together.abs()) - torch.maximum(r, apart.abs())
        total += higher[: 2 ** (d - 3) - count].sum(dim=0)
        count += len(X)
    return total / (2 ** (d - 3) * 4 * math.sqrt(d))


def nearest(V: Tensor, pair: tuple[int, int]) -> Tensor:
    """Return the nearest of the directions ``(+-1, +-1, 0, ..)/sqrt 2`` to each row, (m, d)."""
    out = torch.zeros_like(V)
    for k in pair:
        out[:, k] = torch.where(V[:, k] >= 0, 1.0, -1.0).to(V) / math.sqrt(2)
    return out


def distances(V: Tensor, pair: tuple[int, int]) -> Tensor:
    """Return ``delta_j = ||v_j - v_j*||``, shape (m,), of unit rows."""
    return (V - nearest(V, pair)).norm(dim=1)
