"""The distinct hyperplanes at which neurons have kinks, from the inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lowrot._validate import Array

ON = 1e-9
"""Distance from a hyperplane over ``||v||`` at which a neuron is on it."""

RANK = 1e-9
"""Squares of parts of unit normals below this are rounding: neurons are on planes up to `ON`."""

_PARALLEL = 1e-15
"""Unit normals at most this far apart are one: 4.5 units in the last place of float64."""

_NEARLY = 1e-12
"""Products of unit normals this close to 1 are looked at: far more than those of parallel ones."""

_ENTRIES = 2**20
"""Products that are held at once."""

_RANK = 1e-13
"""Singular values of the unit inputs up to this times the largest and max(n, d) are rounding of 13
correct digits. A short input spans its direction as a long one does."""


@dataclass(frozen=True, eq=False)
class Hyperplanes:
    """The distinct hyperplanes ``{v : v.x_i = 0}`` of n inputs, in a basis of the inputs' span.

    Attributes:
        Z: coordinates ``z_i`` of the inputs in the basis, shape (n, r).
        basis: orthonormal rows that span the inputs, shape (r, d).
        normals: one unit normal a distinct hyperplane, in the basis, shape (N, r).
        plane: index into ``normals`` of each input's hyperplane, shape (n,).
        side: +1 or -1, shape (n,): input i is ``side_i ||z_i|| normals[plane_i]`` but for its
            ``error``.
        error: distance of that form from the input, shape (n,).
    """

    Z: Array
    basis: Array
    normals: Array
    plane: Array
    side: Array
    error: Array


def distinct_hyperplanes(X: Array) -> Hyperplanes:
    """Return the hyperplanes of the rows of X, shape (n, d); parallel rows define one."""
    basis = _span(X)
    Z = X @ basis.T
    lengths = np.linalg.norm(Z, axis=1)
    normals, plane, side = _merge_parallel(Z / lengths[:, None])
    form = (side * lengths)[:, None] * normals[plane]
    error = np.linalg.norm(X - form @ basis, axis=1)
    return Hyperplanes(Z, basis, normals, plane, side, error)


def _span(X: Array) -> Array:
    """Return orthonormal rows that span the rows of X."""
    units = X / np.linalg.norm(X, axis=1, keepdims=True)
    _, singular, basis = np.linalg.svd(units, full_matrices=False)
    return np.asarray(basis[singular > _RANK * singular[0] * max(X.shape)])


def _merge_parallel(units: Array) -> tuple[Array, Array, Array]:
    """Return the distinct rows up to sign, and of each row its index among them and its sign."""
    first, side = np.arange(len(units)), np.ones(len(units))
    for row, others in _nearly_parallel(units):
        known = np.unique(first[others])
        signs = np.where(units[known] @ units[row] >= 0, 1.0, -1.0)
        distance = np.linalg.norm(units[known] * signs[:, None] - units[row], axis=1)
        nearest = int(distance.argmin())
        if distance[nearest] <= _PARALLEL:
            first[row], side[row] = known[nearest], signs[nearest]
    distinct = np.flatnonzero(first == np.arange(len(units)))
    return units[distinct], np.searchsorted(distinct, first), side


def _nearly_parallel(units: Array) -> Iterator[tuple[int, Array]]:
    """Yield the rows that earlier ones may be parallel to, and these, in order."""
    size = max(1, _ENTRIES // len(units))
    for start in range(0, len(units), size):
        near = np.abs(units[start : start + size] @ units.T) > 1.0 - _NEARLY
        for row in np.flatnonzero(near.sum(1) > 1):
            others = np.flatnonzero(near[row, : start + row])
            if others.size:
                yield start + int(row), others
