"""The gradients of all margins as one array, for problems small enough to hold it."""

from __future__ import annotations

import torch
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array
from lowrot.data import Dataset
from lowrot.network import Network, activation, derivative

HELD_ENTRIES = 2**24
"""Entries of G up to which it is held: 134 MB, and its factors again."""


def entries(net: Network, data: Dataset, layers: str) -> int:
    """Return the number of entries of G."""
    selected = _validate.layers(layers)
    return data.n * net.m * (selected.outer + net.d * selected.inner)


def jacobian(net: Network, data: Dataset, layers: str) -> Array:
    """Return the blocks ``G_ij``, shape (n, m, k): the outer entry first."""
    selected = _validate.layers(layers)
    z = data.X @ net.V.T
    blocks = []
    if selected.outer:
        blocks.append(activation(z, net.slope)[:, :, None])
    if selected.inner:
        blocks.append((derivative(z, net.slope) * net.a)[:, :, None] * data.X[:, None, :])
    G: Array = (torch.cat(blocks, dim=2) * data.y[:, None, None]).cpu().numpy()
    return G


def split(theta: Array, net: Network, layers: str) -> tuple[Tensor, Tensor]:
    """Return the blocks (m,) and (m, d) of theta, shape (m, k); one not selected is zero."""
    selected = _validate.layers(layers)
    rows = torch.as_tensor(theta).to(net.V)
    outer = rows[:, 0] if selected.outer else rows.new_zeros(net.m)
    inner = rows[:, selected.outer :] if selected.inner else rows.new_zeros(net.m, net.d)
    return outer, inner


def join(theta: tuple[Tensor, Tensor], layers: str) -> Array:
    """Return theta, shape (m, k), from its blocks (m,) and (m, d)."""
    selected = _validate.layers(layers)
    outer, inner = theta
    rows = torch.cat([outer[:, None]] * selected.outer + [inner] * selected.inner, dim=1)
    joined: Array = rows.cpu().numpy()
    return joined
