"""The distinct hyperplanes at which neurons have kinks, from the inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

_PARALLEL = 1e-15

_RANK = 1e-13


@dataclass(frozen=True)
class Hyperplanes:
    """Inputs in an orthonormal basis of their span, and the distinct hyperplanes they define.

    Attributes:
        Z: coordinates, shape (n, r).
        basis: orthonormal rows, shape (r, d).
        normals: distinct unit normals, shape (N, r).
        plane: index of each point's hyperplane, shape (n,).
        side: +1 or -1, shape (n,): point i is ``side |z_i| normals[plane]``.
        error: distance of that form from the input, shape (n,).
    """

    Z: Array
    basis: Array
    normals: Array
    plane: Array
    side: Array
    error: Array


def distinct_hyperplanes(X: Array) -> Hyperplanes:
    """Reduce the inputs to the span of the rows and merge parallel hyperplanes."""
    _, singular, basis = np.linalg.svd(X, full_matrices=False)
    basis = basis[singular > _RANK * singular[0] * max(X.shape)]
    Z = X @ basis.T
    lengths = np.linalg.norm(Z, axis=1)
    units = Z / lengths[:, None]
    normals: list[Array] = []
    plane, side = np.zeros(len(Z), dtype=np.intp), np.ones(len(Z))
    for i, unit in enumerate(units):
        if normals:
            known = np.asarray(normals)
            signed = np.where(known @ unit >= 0, 1.0, -1.0)
            distance = np.linalg.norm(known * signed[:, None] - unit, axis=1)
            nearest = int(distance.argmin())
            if distance[nearest] <= _PARALLEL:
                plane[i], side[i] = nearest, signed[nearest]
                continue
        plane[i] = len(normals)
        normals.append(unit)
    stacked = np.asarray(normals)
    form = (side * lengths)[:, None] * stacked[plane]
    error = np.linalg.norm(X - form @ basis, axis=1)
    return Hyperplanes(Z, basis, stacked, plane, side, error)
