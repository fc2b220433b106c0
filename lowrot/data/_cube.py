"""The hypercube, part by part."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from lowrot import _validate

LARGEST_WHOLE_CUBE = 20
"""Largest d at which the whole hypercube is visited: 2^20 points of 20 coordinates are 170 MB."""

_CHUNK_POINTS = 2**15
"""Points of a part: a network of 64 neurons holds 16 MB of them."""


def cube_parts(d: int, size: int = _CHUNK_POINTS) -> Iterator[Tensor]:
    """Yield the points of {-1, +1}^d / sqrt(d) in parts of shape (<= size, d).

    Their order is that of `sparse_parity`: all signs positive first, the last coordinate changes
    fastest.
    """
    place = torch.arange(d - 1, -1, -1)
    for start in range(0, 2**d, size):
        index = torch.arange(start, min(start + size, 2**d))
        bits = (index[:, None] >> place) & 1
        yield (1.0 - 2.0 * bits.to(_validate.DTYPE)) / math.sqrt(d)
