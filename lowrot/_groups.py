"""Points in well-separated groups: simplices in mutually orthogonal blocks of coordinates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from lowrot import _check

ZERO = 1e-12
"""Inner products of unit-size points up to this are zero but for rounding."""


@dataclass(frozen=True)
class Block:
    """Coordinates ``[first, first + dim)`` that hold ``count`` groups and no others."""

    first: int
    dim: int
    count: int

    @property
    def limit(self) -> float:
        """Half-angles below this keep products positive within groups and <= 0 across them.

        Corners of a regular simplex are ``pi/2 + arcsin(1/(count - 1))`` apart.
        """
        return math.pi / 4 if self.count <= 2 else 0.5 * math.asin(1 / (self.count - 1))

    def centres(self, d: int) -> np.ndarray:
        """Corners of a regular simplex (one axis for a single group), shape (count, d)."""
        out = np.zeros((self.count, d))
        if self.count == 1:
            out[0, self.first] = 1.0
            return out
        for k in range(self.count - 1):
            # Column k of Helmert's matrix: its rows, of equal length, sum to zero.
            out[: k + 1, self.first + k] = 1.0 / math.sqrt((k + 1) * (k + 2))
            out[k + 1, self.first + k] = -(k + 1) / math.sqrt((k + 1) * (k + 2))
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        return out


def blocks(r: int, d: int, count: int | None) -> list[Block]:
    """Deal r groups and d coordinates to ``count`` blocks; raise if they do not fit."""
    if r > 2 * d:
        raise ValueError(
            f"r is {r} and d is {d}; expected r <= 2 d = {2 * d}: more than 2 d nonzero vectors "
            "of R^d cannot have pairwise inner products <= 0"
        )
    count = max(1, r - d) if count is None else _check.integer("blocks", count, 1, r)
    groups = [r // count + (b < r % count) for b in range(count)]
    dims = [max(1, g - 1) for g in groups]
    if sum(dims) > d:
        raise ValueError(
            f"blocks is {count}; expected r groups in so many orthogonal blocks to fit d = {d}, "
            f"but blocks of {groups} groups need {sum(dims)} coordinates (g - 1 for g > 1 groups)"
        )
    for _ in range(d - sum(dims)):
        dims[int(np.argmin(dims))] += 1
    firsts = np.cumsum([0, *dims[:-1]])
    return [Block(int(f), n, g) for f, n, g in zip(firsts, dims, groups)]


def per_group(name: str, value: Any, r: int) -> list[Any]:
    """Return one value a group; a scalar stands for all."""
    if np.ndim(value) == 0:
        return [value] * r
    values = list(value)
    if len(values) != r:
        raise ValueError(f"{name} has {len(values)} entries; expected one, or one a group: {r}")
    return values


def points(
    layout: Sequence[Block],
    d: int,
    sizes: Sequence[int],
    spreads: Sequence[float],
    mirrored: bool,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return unit inputs, group after group, shape (sum of sizes, d)."""
    rows: list[np.ndarray] = []
    for block in layout:
        for centre in block.centres(d):
            k = len(rows)
            if spreads[k] > 0 and block.dim == 1:
                raise ValueError(
                    f"spread of group {k} is {spreads[k]:g} radians; expected 0: {d} coordinates "
                    f"in {len(layout)} orthogonal blocks leave its block one coordinate, "
                    "on which a group has no room to spread"
                )
            if spreads[k] >= block.limit:
                raise ValueError(
                    f"spread of group {k} is {spreads[k]:g} radians; expected less than "
                    f"{block.limit:.6g}: its block has {block.count} groups, and wider ones would "
                    "have inner products <= 0 within or > 0 across"
                )
            rows.append(_cap(centre, block, sizes[k], spreads[k], mirrored, rng))
    return np.concatenate(rows)


def components(X: np.ndarray) -> np.ndarray:
    """Return the connected components of the graph of positive inner products, shape (n,)."""
    graph = csr_array(X @ X.T > ZERO)
    labels: np.ndarray = connected_components(graph, directed=False)[1]
    return labels


def largest_separated(X: np.ndarray, y: np.ndarray) -> np.ndarray:
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


def _cap(
    centre: np.ndarray,
    block: Block,
    size: int,
    spread: float,
    mirrored: bool,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return unit points within the angle ``spread`` of the centre, inside the block.

    Mirrored points come in pairs ``cos(t) c +- sin(t) u``, the first pair at t = spread, with the
    centre itself added to an odd number: then no unit vector beats the centre.
    """
    drawn = size // 2 if mirrored else size
    u = np.zeros((drawn, len(centre)))
    u[:, block.first : block.first + block.dim] = rng.standard_normal((drawn, block.dim))
    u -= np.outer(u @ centre, centre)
    u /= np.maximum(np.linalg.norm(u, axis=1, keepdims=True), 1e-300)
    angle = spread * rng.random(drawn) ** (1 / max(1, block.dim - 1))
    if not mirrored:
        return np.cos(angle)[:, None] * centre + np.sin(angle)[:, None] * u
    angle[:1] = spread
    along, across = np.cos(angle)[:, None] * centre, np.sin(angle)[:, None] * u
    middle = np.repeat(centre[None, :], size % 2, axis=0)
    return np.concatenate([along + across, along - across, middle])
