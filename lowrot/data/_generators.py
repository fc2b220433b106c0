"""Generators of data sets that know what is exactly true of what they generate."""

from __future__ import annotations

import itertools
import math

import torch

from lowrot import _validate
from lowrot.data._cube import LARGEST_WHOLE_CUBE
from lowrot.data._dataset import Dataset


def sparse_parity(d: int, k: int = 2, n: int | None = None, seed: int = 0) -> Dataset:
    """k-sparse parity: x uniform on {-1, +1}^d / sqrt(d), the label the product of k signs.

    Args:
        d: input dimension.
        k: the label is the product of the signs of the first k coordinates.
        n: number of independent samples; the whole hypercube (2^d points) when None.
        seed: of the samples; one stream a seed: fewer samples are the first of more.

    Returns:
        A data set; for k = 2 on the whole hypercube it knows ``gamma_gl = 1/sqrt(8 d)``.

    Raises:
        ValueError: k larger than d, no points, a negative seed, or a whole hypercube of d > 20.
        TypeError: numbers that are no integers.

    Source: chapter "Margins and their optima".
    """
    d = _validate.integer("d", d, 1)
    k = _validate.integer("k", k, 1, d)
    if n is None:
        if d > LARGEST_WHOLE_CUBE:
            raise ValueError(
                f"d is {d}; the whole hypercube needs d <= {LARGEST_WHOLE_CUBE}, so pass n"
            )
        cube = torch.tensor(list(itertools.product((1.0, -1.0), repeat=d)), dtype=_validate.DTYPE)
    else:
        n = _validate.integer("n", n, 1)
        generator = torch.Generator().manual_seed(_validate.integer("seed", seed, 0))
        cube = 1.0 - 2.0 * torch.randint(2, (n, d), generator=generator).to(_validate.DTYPE)
    known = {"gamma_gl": 1 / math.sqrt(8 * d)} if k == 2 and n is None else {}
    size = "whole cube" if n is None else f"n = {n}"
    return Dataset(
        cube / math.sqrt(d),
        cube[:, :k].prod(dim=1),
        None,
        f"{k}-sparse parity, d = {d}, {size}",
        known,
    )


def two_points(phi: float) -> Dataset:
    """Two points at angles +-phi from the first axis, both labelled +1.

    Args:
        phi: angle in radians, in [0, pi/2].

    Returns:
        A data set that knows ``gamma_svm = cos(phi)`` and ``gamma_gl = max(1/2, cos(phi))``.

    Raises:
        ValueError: an angle outside [0, pi/2].
        TypeError: not a number.

    Source: chapter "Margins and their optima".
    """
    phi = _validate.number("phi", phi, 0.0, math.pi / 2)
    c, s = math.cos(phi), math.sin(phi)
    known = {"gamma_svm": c, "gamma_gl": max(0.5, c)}
    X = torch.tensor([[c, s], [c, -s]], dtype=_validate.DTYPE)
    return Dataset(
        X, torch.ones(2, dtype=_validate.DTYPE), None, f"two points, phi = {phi:.4g}", known
    )
