"""The cells of a central hyperplane arrangement, enumerated exactly and counted to prove it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

import numpy as np

from lowrot._validate import Array

_BITS = 60
"""Unit normals are rounded to this many binary places: 7 beyond the 53 of float64."""

_EXTRA_BITS = 30
"""Further binary places, for noise that no float64 sees: coordinates are integers over 2^90."""

_NOISE_BITS = 24
"""Noise is at most 2^24 in the last place: a degenerate subset of r hyperplanes stays degenerate
with a chance of at most r 2^-25 (Schwartz and Zippel)."""

_SHIFT = 1e-15
"""Rounding (2^-61) and noise (2^-66) of a coordinate move a normal by 5e-19 sqrt(r); this is
about 1000 times as much, and covers the rounding of the sums in which it is used."""

_CANDIDATES = 4_000_000
"""Entries of candidate sign vectors held at once."""

_CLOSE = 1e-12
"""Products of unit vectors up to this have their sign from exact integers, not from float64."""


@dataclass(frozen=True, eq=False)
class Arrangement:
    """All cells of a simple arrangement of N hyperplanes ``{v : n_h.v = 0}`` in R^r.

    Attributes:
        normals: shape (N, r), as asked for.
        signs: one row a cell, shape (C, N), int8: the sign in the cell of each ``n_h.v``, where
            n_h is within ``shift`` of ``normals[h]``.
        inside: one unit vector in each cell, shape (C, r), up to rounding.
        shift: largest distance of n_h from ``normals[h]``.
    """

    normals: Array
    signs: Array
    inside: Array
    shift: float


def count(N: int, r: int) -> int:
    """Return the number of cells of a simple central arrangement of N hyperplanes in R^r.

    Source: L. Schläfli; T. M. Cover, Geometrical and statistical properties of systems of linear
    inequalities, IEEE Transactions on Electronic Computers 14, 1965.
    """
    return 2 * sum(comb(N - 1, i) for i in range(r))


def enumerate_cells(normals: Array, seeds: int = 20) -> Arrangement:
    """Enumerate the cells of N distinct hyperplanes through the origin whose normals span R^r.

    The unit normals become integers over 2^90, with noise below 2^24 that makes the arrangement
    simple; rounding and noise are far below the spacing of float64. Every cell then has an extreme
    ray on exactly r - 1 hyperplanes, with all 2^(r-1) cells around it: all rays are computed in
    exact integer arithmetic, and the number of distinct sign vectors must equal the count of a
    simple arrangement.

    Args:
        normals: unit normals, shape (N, r).
        seeds: attempts with noise of another seed.

    Raises:
        RuntimeError: no noise of ``seeds`` attempts gave a simple arrangement.
    """
    for seed in range(seeds):
        integers = _noisy_integers(normals, seed)
        found = _cells_of_integers(integers)
        if found is not None:
            return Arrangement(normals, *found, _SHIFT)
    raise RuntimeError(
        f"no simple arrangement of {len(normals)} hyperplanes after {seeds} perturbations"
    )


def _noisy_integers(normals: Array, seed: int) -> Array:
    """Return the normals times 2^90 as Python integers, with noise."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(-(2**_NOISE_BITS), 2**_NOISE_BITS + 1, size=normals.shape)
    whole = np.rint(np.ldexp(normals, _BITS)).astype(np.int64).astype(object)
    return whole * 2**_EXTRA_BITS + noise.astype(object)


def _cells_of_integers(M: Array) -> tuple[Array, Array] | None:
    """Return the signs and a direction inside of every cell; None if M is not simple."""
    N, r = M.shape
    subsets = np.array(list(itertools.combinations(range(N), r - 1)), dtype=np.intp)
    subsets = subsets.reshape(comb(N, r - 1), r - 1)
    choices = np.array(list(itertools.product((0, 1), repeat=r - 1)), dtype=np.uint8)
    choices = choices.reshape(2 ** (r - 1), r - 1)
    batch = max(1, _CANDIDATES // (2 * len(choices) * N))
    found: list[tuple[Array, Array]] = []
    for start in range(0, len(subsets), batch):
        part = subsets[start : start + batch]
        rays = _rays(M, part)
        if rays is None:
            return None
        found.append(_cells_around(rays, part, choices))
    codes, sums = zip(*found)
    code, total = _merge(np.concatenate(codes), np.concatenate(sums))
    if len(code) != count(N, r):
        return None
    bits = np.unpackbits(code.view(np.uint8).reshape(len(code), -1), axis=1)[:, :N]
    return (2 * bits.astype(np.int8) - 1), total / np.linalg.norm(total, axis=1, keepdims=True)


class _Rays(NamedTuple):
    """The extreme rays on some subsets of r - 1 hyperplanes each; their opposites are rays too.

    Attributes:
        directions: unit vectors, shape (k, r).
        positive: whether each ``M[h].ray > 0``, shape (k, N), uint8; 0 on the ray's own h.
    """

    directions: Array
    positive: Array


def _rays(M: Array, subsets: Array) -> _Rays | None:
    """Return the rays on the subsets, their signs exact; None if one lies on more hyperplanes."""
    exact = _cross_product(M, subsets)
    rays = exact.astype(np.float64)
    largest = np.abs(rays).max(axis=1, keepdims=True)
    if (largest == 0).any():
        return None
    rays /= largest
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    dots = rays @ (M.astype(np.float64) / 2.0 ** (_BITS + _EXTRA_BITS)).T
    own = np.zeros(dots.shape, dtype=bool)
    np.put_along_axis(own, subsets, True, axis=1)
    positive = (dots > 0).astype(np.uint8)
    rows, columns = np.nonzero((np.abs(dots) < _CLOSE) & ~own)
    signs = (exact[rows] * M[columns]).sum(axis=1)
    if (signs == 0).any():
        return None
    positive[rows, columns] = signs > 0
    return _Rays(rays, positive)


def _cells_around(rays: _Rays, subsets: Array, choices: Array) -> tuple[Array, Array]:
    """Return the codes of the cells around each ray and its opposite, and the sums of their rays.

    Around a ray the signs of its own hyperplanes are free: one cell a row of ``choices``.
    """
    directions, positive = rays
    r, N = directions.shape[1], positive.shape[1]
    both = np.stack([positive, 1 - positive], axis=1)[:, :, None, :]
    patterns = np.repeat(both, len(choices), axis=2)
    patterns[
        np.arange(len(subsets))[:, None, None, None],
        np.arange(2)[None, :, None, None],
        np.arange(len(choices))[None, None, :, None],
        subsets[:, None, None, :],
    ] = choices[None, None, :, :]
    ends = np.stack([directions, -directions], axis=1)[:, :, None, :]
    repeated = np.repeat(ends, len(choices), axis=2)
    return _merge(_pack(patterns.reshape(-1, N)), repeated.reshape(-1, r))


def _cross_product(M: Array, subsets: Array) -> Array:
    """Return the generalized cross product of the rows of each subset, in exact integers."""
    r = M.shape[1]
    rows = M[subsets]
    minors: dict[tuple[int, ...], Array] = {(): np.full(len(subsets), 1, dtype=object)}
    for k in range(r - 1):
        grown = {}
        for columns in itertools.combinations(range(r), k + 1):
            total = np.zeros(len(subsets), dtype=object)
            for place, column in enumerate(columns):
                rest = columns[:place] + columns[place + 1 :]
                term = rows[:, k, column] * minors[rest]
                total = total + term if (k + place) % 2 == 0 else total - term
            grown[columns] = total
        minors = grown
    out = np.empty((len(subsets), r), dtype=object)
    for column in range(r):
        rest = tuple(c for c in range(r) if c != column)
        out[:, column] = minors[rest] * (-1) ** column
    return out


def _pack(patterns: Array) -> Array:
    """Pack rows of 0 and 1 to one sortable scalar each."""
    packed = np.packbits(patterns, axis=1)
    width = -packed.shape[1] % 8
    packed = np.ascontiguousarray(np.pad(packed, ((0, 0), (0, width))))
    words = packed.shape[1] // 8
    return packed.view(np.uint64 if words == 1 else np.dtype((np.void, 8 * words))).ravel()


def _merge(codes: Array, directions: Array) -> tuple[Array, Array]:
    """Return the distinct codes and the sum of the directions of each."""
    unique, inverse = np.unique(codes, return_inverse=True)
    inverse = inverse.ravel()
    total = np.stack(
        [np.bincount(inverse, column, minlength=len(unique)) for column in directions.T], axis=1
    )
    return unique, total
