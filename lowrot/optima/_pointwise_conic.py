"""The pointwise NTK margin of small instances, as one cone program."""

from __future__ import annotations

import math

import clarabel
import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array
from lowrot.data import Dataset
from lowrot.network import Network, activation, derivative
from lowrot.optima._conic import project, tight_settings

_CONIC_ENTRIES = 60_000
"""Entries of G up to which it is given to Clarabel: a tenth of a second, and six more digits than
Newton's method is asked for."""


def is_small(net: Network, data: Dataset, layers: str) -> bool:
    """Whether G is small enough for Clarabel."""
    selected = _validate.layers(layers)
    return data.n * net.m * (selected.outer + net.d * selected.inner) <= _CONIC_ENTRIES


def solve(net: Network, data: Dataset, layers: str) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Solve ``max min_i <G_i, theta>/sqrt(m)`` with ``||theta_j|| <= 1/sqrt(m)``.

    Returns:
        q, shape (n,), and theta, blocks (m,) and (m, d).
    """
    outer, inner = _validate.layers(layers)
    G = _gradients(net, data, layers)
    n, m, k = G.shape
    solution = _cone_program(G.reshape(n, m * k), m, k).solve()
    theta = torch.as_tensor(np.asarray(solution.x)[: m * k].reshape(m, k)).to(data.X)
    theta = theta / theta.norm(dim=1, keepdim=True).clamp_min(1.0) / math.sqrt(m)
    q = torch.as_tensor(project(np.asarray(solution.z)[:n])).to(data.X)
    first = theta[:, 0] if outer else theta.new_zeros(m)
    second = theta[:, outer:] if inner else theta.new_zeros(m, net.d)
    return q, (first, second)


def _gradients(net: Network, data: Dataset, layers: str) -> Array:
    """Return the blocks ``G_ij/m``, shape (n, m, k): the outer entry first."""
    outer, inner = _validate.layers(layers)
    z = data.X @ net.V.T
    blocks = []
    if outer:
        blocks.append(activation(z, net.slope)[:, :, None])
    if inner:
        blocks.append((derivative(z, net.slope) * net.a)[:, :, None] * data.X[:, None, :])
    G: Array = (torch.cat(blocks, dim=2) * data.y[:, None, None] / net.m).cpu().numpy()
    return G


def _cone_program(G: Array, m: int, k: int) -> clarabel.DefaultSolver:
    """Return the solver of ``max t`` with ``t <= G theta`` and ``||theta_j|| <= 1``.

    Variables: theta (m k), t. Clarabel wants A x + s = b with s in the cones; t is in the unit of
    the largest margin that theta could have.
    """
    n, variables = len(G), m * k + 1
    unit = float(np.abs(G).sum(axis=1).max()) or 1.0
    margin = np.hstack([-G / unit, np.ones((n, 1))])
    place = np.arange(m)
    rows = (place[:, None] * (k + 1) + 1 + np.arange(k)).ravel()
    balls = sparse.csc_matrix((-np.ones(m * k), (rows, np.arange(m * k))), (m * (k + 1), variables))
    b = np.zeros(m * (k + 1))
    b[place * (k + 1)] = 1.0
    return clarabel.DefaultSolver(
        sparse.csc_matrix((variables, variables)),
        np.append(np.zeros(m * k), -1.0),
        sparse.vstack([sparse.csc_matrix(margin), balls], format="csc"),
        np.concatenate([np.zeros(n), b]),
        [clarabel.NonnegativeConeT(n)] + [clarabel.SecondOrderConeT(k + 1) for _ in range(m)],
        tight_settings(),
    )
