"""Points in well-separated groups: simplices in mutually orthogonal blocks of coordinates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lowrot import _validate
from lowrot._validate import Array
from lowrot.data._dataset import Dataset
from lowrot.data._groups import ZERO, cosines

_TINY = 1e-300
"""A divisor instead of zero."""


def collapsed_groups(
    r: int,
    d: int,
    sizes: int | Sequence[int] = 4,
    spread: float | Sequence[float] = 0.1,
    labels: Sequence[int] | None = None,
    blocks: int | None = None,
    mirrored: bool = True,
    seed: int = 0,
) -> Dataset:
    """Unit points in r groups with ``x.x' > 0`` within a group and ``x.x' <= 0`` across groups.

    The groups are dealt to mutually orthogonal blocks of coordinates; within a block their centres
    are the corners of a regular simplex, and each group lies in a cap about its centre.

    Args:
        r: number of groups, at most 2 d.
        d: input dimension.
        sizes: points a group, one number or one a group.
        spread: half-angle of the caps in radians, one number or one a group; below pi/4 for one or
            two groups a block, below ``arcsin(1/(g - 1))/2`` for g groups a block, and 0 in a
            block of one coordinate.
        labels: sigma_k of each group, -1 or +1; alternating from +1 when None.
        blocks: number of orthogonal blocks: 1 puts all centres on one simplex, r makes all groups
            orthogonal; as few as fit, ``max(1, r - d)``, when None.
        mirrored: points come in pairs mirrored at the centre, the first pair at the full spread,
            so that the centre is the group's own SVM direction; independent points, uniform in
            angle to the power d_b - 1 (d_b coordinates a block), otherwise.
        seed: of the points.

    Returns:
        A data set with its groups. If mirrored it knows ``gamma_k`` of each group k (for example
        ``gamma_0``), ``S = sum_k 1/gamma_k``, and ``gamma_gl`` where it is known: when groups of
        one label are orthogonal, that is in different blocks.

    Raises:
        ValueError: groups that do not fit, by dimension or by spread, with the reason; lists of
            another length than r; labels other than -1 and +1.
        TypeError: numbers that are no integers, or arguments of another kind.

    Source: chapter "Neural collapse".
    """
    r, d = _validate.integer("r", r, 1), _validate.integer("d", d, 1)
    mirrored = _validate.flag("mirrored", mirrored)
    layout = dealt_blocks(r, d, blocks)
    counts = [_validate.integer("sizes", size, 1) for size in per_group("sizes", sizes, r)]
    angles = [
        _validate.number("spread", angle, 0.0, math.pi / 4)
        for angle in per_group("spread", spread, r)
    ]
    sigma = _validate.signs(
        "labels", [(-1) ** k for k in range(r)] if labels is None else labels, r
    )
    rng = np.random.default_rng(_validate.integer("seed", seed, 0))
    X = points(layout, d, counts, angles, mirrored, rng)
    groups = np.repeat(np.arange(r), counts)
    if not _separated(X, groups):
        raise ValueError(
            f"spread is {spread!r}; rounding puts it at its limit, so expected a smaller one"
        )
    known: dict[str, float] = {}
    if mirrored:
        gammas = np.array([math.cos(a) if n > 1 else 1.0 for a, n in zip(angles, counts)])
        known = _known_margins(gammas, sigma.numpy(), layout)
    name, index = f"{r} groups in {d} dimensions", torch.as_tensor(groups)
    return Dataset(torch.as_tensor(X), sigma[index], index, name, known)


@dataclass(frozen=True)
class Block:
    """Coordinates ``[first, first + dim)`` that hold ``count`` groups and no others.

    Attributes:
        first: the first coordinate.
        dim: number of coordinates, at least ``max(1, count - 1)``.
        count: number of groups.
    """

    first: int
    dim: int
    count: int

    @property
    def limit(self) -> float:
        """Half-angles below this keep products positive within groups and <= 0 across them.

        Corners of a regular simplex are ``pi/2 + arcsin(1/(count - 1))`` apart.
        """
        return math.pi / 4 if self.count <= 2 else 0.5 * math.asin(1 / (self.count - 1))

    def centres(self, d: int) -> Array:
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


def dealt_blocks(r: int, d: int, count: int | None) -> list[Block]:
    """Deal r groups and d coordinates to ``count`` blocks, as evenly as they go.

    Args:
        r: number of groups.
        d: number of coordinates.
        count: number of blocks; as few as fit when None.

    Raises:
        ValueError: they do not fit.
    """
    if r > 2 * d:
        raise ValueError(
            f"r is {r} and d is {d}; expected r <= 2 d = {2 * d}: more than 2 d nonzero vectors "
            "of R^d cannot have pairwise inner products <= 0"
        )
    count = max(1, r - d) if count is None else _validate.integer("blocks", count, 1, r)
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
    """Return one value a group; a scalar stands for all.

    Raises:
        ValueError: a list of another length than r.
        TypeError: neither a list nor a number.
    """
    if isinstance(value, (int, float, np.number)):
        return [value] * r
    values = _validate.listed(name, value)
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
) -> Array:
    """Return unit inputs, group after group, shape (sum of sizes, d).

    Args:
        layout: the blocks.
        d: input dimension.
        sizes: points of each group.
        spreads: half-angle of each group's cap, radians.
        mirrored: see `_cap`.
        rng: source of the points.

    Raises:
        ValueError: a spread that its block has no room for.
    """
    rows: list[Array] = []
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


def _cap(
    centre: Array,
    block: Block,
    size: int,
    spread: float,
    mirrored: bool,
    rng: np.random.Generator,
) -> Array:
    """Return unit points within the angle ``spread`` of the centre, inside the block.

    Mirrored points come in pairs ``cos(t) c +- sin(t) u``, the first pair at t = spread, with the
    centre itself added to an odd number: then no unit vector beats the centre.
    """
    drawn = size // 2 if mirrored else size
    u = np.zeros((drawn, len(centre)))
    u[:, block.first : block.first + block.dim] = rng.standard_normal((drawn, block.dim))
    u -= np.outer(u @ centre, centre)
    u /= np.maximum(np.linalg.norm(u, axis=1, keepdims=True), _TINY)
    angle = spread * rng.random(drawn) ** (1 / max(1, block.dim - 1))
    if not mirrored:
        return np.cos(angle)[:, None] * centre + np.sin(angle)[:, None] * u
    angle[:1] = spread
    along, across = np.cos(angle)[:, None] * centre, np.sin(angle)[:, None] * u
    middle = np.repeat(centre[None, :], size % 2, axis=0)
    return np.concatenate([along + across, along - across, middle])


def _separated(X: Array, groups: Array) -> bool:
    """Whether products are positive within groups and at most zero across."""
    product, same = cosines(X), groups[:, None] == groups[None, :]
    return bool(product[same].min() > 0 and product[~same].max(initial=-1.0) <= ZERO)


def _known_margins(gammas: Array, sigma: Array, layout: Sequence[Block]) -> dict[str, float]:
    """Return what is known of groups whose centres are their own SVM directions.

    Args:
        gammas: the margin of each group, shape (r,).
        sigma: its label, shape (r,).
        layout: the blocks that hold the groups, in order.
    """
    known = {f"gamma_{k}": float(gamma) for k, gamma in enumerate(gammas)}
    known["S"] = math.fsum(1 / gamma for gamma in gammas.tolist())
    block = np.repeat(np.arange(len(layout)), [part.count for part in layout])
    labels = [sigma == sign for sign in (1, -1)]
    if all(len(set(block[label])) == label.sum() for label in labels):
        # Groups of one label are orthogonal: the margin is 1/(T_+ + T_-).
        known["gamma_gl"] = 1 / sum(float(np.linalg.norm(1 / gammas[label])) for label in labels)
    return known
