"""Symmetric data, and data that one deletes a mirrored pair from to trap gradient flow."""

from __future__ import annotations

import math

import numpy as np
import torch

from lowrot import _validate
from lowrot.data._dataset import Dataset

_SHORTEST_OFFSET = 0.1
"""Least length of the offsets after the first pair, as a part of the first one's."""


def symmetric_pairs(
    pairs: int = 2, d: int = 2, gamma: float = 0.3, zero_mean: bool = True, seed: int = 0
) -> Dataset:
    """Symmetric separable data: with (x, y) also (-x, -y).

    The members with label +1 are ``z = (gamma, w)``, offsets w orthogonal to the first axis, at
    most as long as unit inputs allow; the first has that length.

    Args:
        pairs: number of mirrored pairs; n is twice this.
        d: input dimension, at least 2.
        gamma: what every z has along the first axis, in [0.01, 1].
        zero_mean: the offsets come as pairs w, -w (so ``pairs`` is even), and the first axis is
            the direction of the linear margin; independent ones otherwise.
        seed: of the offsets; with two pairs in the plane nothing is random.

    Returns:
        A data set of the points z, then of their mirrors; with zero mean it knows
        ``gamma_svm = gamma``.

    Raises:
        ValueError: numbers outside their limits, or an odd number of pairs with zero mean.
        TypeError: numbers or a flag of another kind.

    Source: chapter "Symmetric data and simplicity bias".
    """
    pairs, d = _validate.integer("pairs", pairs, 1), _validate.integer("d", d, 2)
    gamma = _validate.number("gamma", gamma, 0.01, 1.0)
    zero_mean = _validate.flag("zero_mean", zero_mean)
    rng = np.random.default_rng(_validate.integer("seed", seed, 0))
    if zero_mean and pairs % 2:
        raise ValueError(f"pairs is {pairs}; expected an even number with zero_mean=True")
    drawn = pairs // 2 if zero_mean else pairs
    offsets = rng.standard_normal((drawn, d - 1))
    if d == 2 and zero_mean:
        offsets = np.abs(offsets)
    length = rng.uniform(_SHORTEST_OFFSET, 1.0, drawn)
    length[0] = 1.0
    offsets *= (length * math.sqrt(1 - gamma**2) / np.linalg.norm(offsets, axis=1))[:, None]
    if zero_mean:
        offsets = np.concatenate([offsets, -offsets])
    Z = torch.as_tensor(np.column_stack([np.full(pairs, gamma), offsets]))
    known = {"gamma_svm": gamma} if zero_mean else {}
    name = f"{pairs} symmetric pairs, d = {d}, gamma = {gamma:.4g}"
    y = torch.ones(pairs, dtype=_validate.DTYPE)
    return Dataset(torch.cat([Z, -Z]), torch.cat([y, -y]), None, name, known)


def fragile_pairs(
    b: float = 0.03, h: float = 0.15, d: int = 2, tilt: float = 0.0, completed: bool = False
) -> Dataset:
    """Data on which small starts end at a linear classifier far below the largest margin.

    Points far along the first axis e on both sides, ``e`` with label +1 and ``-e`` with -1, and
    points close to its equator, ``b e + h e_k`` and ``b e - h e_k`` with label +1 for each other
    axis. With their mirrors, labelled -1, they are symmetric, and the linear classifier optimal.

    Args:
        b: height of the near points, in (0, 1].
        h: their distance from the axis, in (0, 1]; ``b^2 + h^2 <= 1``.
        d: input dimension, at least 2: the near points are 2 (d - 1).
        tilt: angle, radians, in [0, pi/2), of the far points from the axis: if it is not 0, each
            is a pair, tilted to both sides along the second axis. At most arccos(b).
        completed: adds the mirrors of the near points.

    Returns:
        A data set of 4 (plane), 6 (tilted, or d = 3), 8 (both) or more points, far ones first. It
        knows ``gamma_svm = b``; its largest margin is for `global_margin`.

    Raises:
        ValueError: numbers outside their limits.
        TypeError: numbers or a flag of another kind.

    Source: chapter "Symmetric data and simplicity bias".
    """
    b, h = _validate.number("b", b, 1e-9, 1.0), _validate.number("h", h, 1e-9, 1.0)
    if b * b + h * h > 1:
        raise ValueError(f"b is {b:g} and h is {h:g}; expected b^2 + h^2 <= 1")
    d = _validate.integer("d", d, 2)
    tilt = _validate.number("tilt", tilt, 0.0, math.acos(b))
    completed = _validate.flag("completed", completed)
    axes = torch.eye(d, dtype=_validate.DTYPE)
    e, across = axes[0], axes[1:]
    far = (math.cos(tilt) * e)[None, :]
    if tilt > 0:
        far = torch.stack(
            [far[0] + math.sin(tilt) * across[0], far[0] - math.sin(tilt) * across[0]]
        )
    near = torch.cat([b * e + h * across, b * e - h * across])
    parts = [far, -far, near] + ([-near] if completed else [])
    y = torch.cat([torch.full((len(part),), (-1.0) ** k) for k, part in enumerate(parts)])
    X = torch.cat(parts)
    what = "completed" if completed else "fragile"
    name = f"{what} pairs, b = {b:.4g}, h = {h:.4g}, n = {len(X)}"
    return Dataset(X, y.to(_validate.DTYPE), None, name, {"gamma_svm": b})
