"""Groups with positive inner products within and none across: found, or cut out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from lowrot.data._dataset import Dataset

ZERO = 1e-12
"""Inner products of unit-size points up to this are zero but for rounding."""


def components(X: np.ndarray) -> np.ndarray:
    """Return the connected components of the graph of positive inner products, shape (n,)."""
    graph = csr_array(X @ X.T > ZERO)
    labels: np.ndarray = connected_components(graph, directed=False)[1]
    return labels


def _largest_subset(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the indices of a largest subset with separated groups of one label each.

    An integer program: no pair with positive product and different labels, and no three points
    of which exactly two pairs have positive products.
    """
    joined = X @ X.T > ZERO
    n = len(y)
    i, j = np.nonzero(np.triu(joined & (y[:, None] != y[None, :]), 1))
    sets = [np.stack([i, j], axis=1)]
    middle, left, right = np.nonzero(joined[:, :, None] & joined[:, None, :] & ~joined[None, :, :])
    chain = (left < right) & (middle != left) & (middle != right)
    sets.append(np.stack([middle, left, right], axis=1)[chain])
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
    chosen: np.ndarray = np.flatnonzero(solved.x > 0.5)
    return chosen


def infer_groups(data: Dataset) -> Dataset:
    """Return the data with the only groups that neural collapse can have.

    Points are in one group when a chain of positive inner products joins them: groups with
    ``x.x' > 0`` within and ``x.x' <= 0`` across are the connected components of that graph, and
    exist exactly when every component is complete. Source: chapter "Neural collapse".
    """
    groups = torch.as_tensor(components(data.X.cpu().numpy()))
    return replace(data, groups=groups)


def largest_separated(data: Dataset) -> Dataset:
    """Return a largest part of the data whose groups are separated and have one label each.

    Args:
        data: at most 150 points (the integer program has up to n^3/2 constraints).

    Returns:
        The part, with the groups of `infer_groups`. Source: chapter "Neural collapse"; HiGHS.
    """
    if data.n > 150:
        raise ValueError(f"data has n = {data.n} points; expected at most 150")
    kept = torch.as_tensor(_largest_subset(data.X.cpu().numpy(), data.y.cpu().numpy()))
    name = f"{len(kept)} of {data.n} points of {data.name or 'the data'}"
    return infer_groups(Dataset(data.X[kept], data.y[kept], None, name))
