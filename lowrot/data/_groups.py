"""Groups with positive inner products within and none across: found, or cut out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.sparse import csr_array

from lowrot import _validate
from lowrot._validate import Array
from lowrot.data._dataset import Dataset

ZERO = 1e-12
"""Cosines of inputs up to this are zero but for rounding."""

_MOST_POINTS = 150
"""Points up to which the largest separated part is found: n^3/2 constraints are 1.7 million."""


def cosines(X: Array) -> Array:
    """Return ``x.x'/(||x|| ||x'||)`` of the rows of X, shape (n, n): signs have no unit."""
    units = X / np.linalg.norm(X, axis=1, keepdims=True)
    out: Array = units @ units.T
    return out


def infer_groups(data: Dataset) -> Dataset:
    """Return the data with the only groups that neural collapse can have.

    Points are in one group when a chain of positive inner products joins them: groups with
    ``x.x' > 0`` within and ``x.x' <= 0`` across are the connected components of that graph, and
    exist exactly when every component is complete.

    Args:
        data: n points; groups that it has are replaced.

    Raises:
        TypeError: anything but a `Dataset`.

    Source: chapter "Neural collapse".
    """
    from scipy.sparse.csgraph import connected_components

    X = _validate.kind("data", data, Dataset).X.cpu().numpy()
    graph = csr_array(cosines(X) > ZERO)
    groups = connected_components(graph, directed=False)[1]
    return replace(data, groups=torch.as_tensor(groups))


def largest_separated(data: Dataset) -> Dataset:
    """Return a largest part of the data whose groups are separated and have one label each.

    Args:
        data: at most 150 points (the integer program has up to n^3/2 constraints).

    Returns:
        The part, with the groups of `infer_groups`.

    Raises:
        ValueError: more points.
        TypeError: anything but a `Dataset`.
        RuntimeError: HiGHS does not solve the integer program.

    Source: chapter "Neural collapse"; HiGHS.
    """
    if _validate.kind("data", data, Dataset).n > _MOST_POINTS:
        raise ValueError(f"data has n = {data.n} points; expected at most {_MOST_POINTS}")
    kept = torch.as_tensor(_largest_subset(data.X.cpu().numpy(), data.y.cpu().numpy()))
    name = f"{len(kept)} of {data.n} points of {data.name or 'the data'}"
    return infer_groups(Dataset(data.X[kept], data.y[kept], None, name))


def _largest_subset(X: Array, y: Array) -> Array:
    """Return the indices of a largest subset with separated groups of one label each.

    An integer program: of no forbidden set are all points kept.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    n, sets = len(y), _forbidden_sets(cosines(X) > ZERO, y)
    sizes = np.concatenate([np.full(len(s), s.shape[1]) for s in sets])
    rows, limits = np.repeat(np.arange(len(sizes)), sizes), sizes - 1.0
    columns = np.concatenate([s.ravel() for s in sets])
    if len(limits) == 0:
        return np.arange(n)
    matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(limits), n))
    solved = milp(
        -np.ones(n),
        constraints=LinearConstraint(matrix, ub=limits),
        integrality=np.ones(n),
        bounds=Bounds(0, 1),
    )
    if solved.status != 0:
        raise RuntimeError(f"the largest separated subset was not found: {solved.message}")
    chosen: Array = np.flatnonzero(solved.x > 0.5)
    return chosen


def _forbidden_sets(joined: Array, y: Array) -> list[Array]:
    """Return the sets of points that no separated part holds, one array a size.

    Pairs with a positive product and different labels, and threes of which exactly two pairs have
    positive products.
    """
    i, j = np.nonzero(np.triu(joined & (y[:, None] != y[None, :]), 1))
    middle, left, right = np.nonzero(joined[:, :, None] & joined[:, None, :] & ~joined[None, :, :])
    chain = (left < right) & (middle != left) & (middle != right)
    return [np.stack([i, j], axis=1), np.stack([middle, left, right], axis=1)[chain]]
