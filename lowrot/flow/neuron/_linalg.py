"""Small vectors: the normals that a neuron slides on, and what lies along them."""

from __future__ import annotations

import math

import numpy as np

from lowrot._hyperplanes import ON as ON
from lowrot._hyperplanes import RANK as RANK
from lowrot._jit import jit, part

_TWICE = 0.25
"""Square of what projections leave of a unit vector, from which on they need not be repeated."""


@part
def dot(x: np.ndarray, y: np.ndarray) -> float:
    """The inner product."""
    total = 0.0
    for c in range(len(x)):
        total += x[c] * y[c]
    return total


@part
def copy(x: np.ndarray, into: np.ndarray) -> None:
    """Copy a vector."""
    for c in range(len(x)):
        into[c] = x[c]


@part
def fill(x: np.ndarray, value: float) -> None:
    """Write one value into all places of an array of one dimension."""
    for k in range(len(x)):
        x[k] = value


@part
def zeros(x: np.ndarray) -> int:
    """Count the zeros of an array of one dimension."""
    count = 0
    for k in range(len(x)):
        count += x[k] == 0
    return count


@part
def resize(v: np.ndarray, size: float) -> None:
    """Give v this norm, in place."""
    scale = size / max(math.sqrt(dot(v, v)), 1e-300)
    for c in range(len(v)):
        v[c] *= scale


@part
def heights(columns: np.ndarray, v: np.ndarray, z: np.ndarray) -> None:
    """Write ``v.u_k`` into z, shape (N,), where the u_k are the columns, shape (d, N)."""
    for k in range(len(z)):
        z[k] = 0.0
    for c in range(len(v)):
        for k in range(len(z)):
            z[k] += v[c] * columns[c, k]


@part
def span(U: np.ndarray, pattern: np.ndarray, basis: np.ndarray) -> int:
    """Write an orthonormal basis of the normals slid on into the rows of basis; return the rank."""
    rank, d = 0, U.shape[1]
    for k in range(len(pattern)):
        if pattern[k] == 0 and rank < d:
            residual = basis[rank]
            copy(U[k], residual)
            remove(basis, rank, residual)
            square = dot(residual, residual)
            if square < _TWICE:
                remove(basis, rank, residual)
                square = dot(residual, residual)
            if square > RANK:
                for c in range(d):
                    residual[c] /= math.sqrt(square)
                rank += 1
    return rank


@part
def remove(basis: np.ndarray, rank: int, v: np.ndarray) -> None:
    """Take away from v, in place, what lies in the span of the first rows of basis."""
    for r in range(rank):
        along = dot(basis[r], v)
        for c in range(len(v)):
            v[c] -= along * basis[r, c]


@jit
def normals_slid_on(U: np.ndarray, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal bases of the normals that neurons slide on, and whose they are.

    Args:
        U: unit normals of the planes, shape (N, d).
        patterns: of the neurons, shape (m, N), 0 where they slide.

    Returns:
        The neurons, shape (R,), and one vector of a basis for each, shape (R, d).
    """
    d, most, last = U.shape[1], 0, 0
    for j in range(len(patterns)):
        most += min(zeros(patterns[j]), d)
    owner, normals, basis = np.empty(most, dtype=np.int64), np.empty((most, d)), np.empty((d, d))
    for j in range(len(patterns)):
        for r in range(span(U, patterns[j], basis)):
            owner[last] = j
            copy(basis[r], normals[last])
            last += 1
    return owner[:last], normals[:last]
