"""The pointwise NTK margin of small instances, as one cone program."""

from __future__ import annotations

import math

import clarabel
import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lowrot._validate import Array
from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.optima._conic import project, tight_settings
from lowrot.optima._jacobian import entries, jacobian, split

_CONIC_ENTRIES = 60_000
"""Entries of G up to which it is given to Clarabel: a tenth of a second, and six more digits than
Newton's method is asked for."""


def is_small(net: Network, data: Dataset, layers: str) -> bool:
    """Whether G is small enough for Clarabel."""
    return entries(net, data, layers) <= _CONIC_ENTRIES


def solve(net: Network, data: Dataset, layers: str) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Solve ``max min_i <G_i, theta>/sqrt(m)`` with ``||theta_j|| <= 1/sqrt(m)``.

    Returns:
        q, shape (n,), and theta, blocks (m,) and (m, d).
    """
    G = jacobian(net, data, layers) / net.m
    n, m, k = G.shape
    solution = _cone_program(G.reshape(n, m * k), m, k).solve()
    theta = into_balls(np.asarray(solution.x)[: m * k].reshape(m, k))
    q = torch.as_tensor(project(np.asarray(solution.z)[:n])).to(data.X)
    return q, split(theta / math.sqrt(m), net, layers)


def into_balls(theta: Array) -> Array:
    """Return theta, shape (m, k), with rows longer than 1 cut to length 1."""
    out: Array = theta / np.maximum(np.linalg.norm(theta, axis=1, keepdims=True), 1.0)
    return out


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
