"""The hyperplanes at which neurons have kinks, and everything that sums over (neuron, point) pairs.

Parallel inputs share a hyperplane: ``x_i = c_i u_k`` with unit normals u_k, so a neuron's pattern
is one number ``S_jk`` a hyperplane: the side (+1 or -1) of v_j, or 0 while it slides along it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg.blas import dsyrk

from lowrot._hyperplanes import distinct_hyperplanes
from lowrot._jit import jit
from lowrot.flow.neuron import ON, Drive, Held, normals_slid_on

_ENTRIES = 2**18
"""Largest number of (point, neuron) pairs that are held at once."""
_TILE = 32
"""Side of the tiles in which a symmetric matrix is written."""


@dataclass(frozen=True, eq=False)
class Planes:
    """Distinct hyperplanes of the inputs.

    Attributes:
        U: unit normals, shape (N, d).
        index: hyperplane of each point, shape (n,).
        c: signed length of each point along its normal, shape (n,).
        X: inputs, shape (n, d).
        even, odd: ``(1 + slope)/2`` and ``(1 - slope)/2``: s(z) = even z + odd ``|z|``.
    """

    U: np.ndarray
    index: np.ndarray
    c: np.ndarray
    X: np.ndarray
    even: float
    odd: float

    @classmethod
    def of(cls, X: Any, slope: float) -> Planes:
        """The hyperplanes of inputs X, shape (n, d)."""
        X = np.asarray(X)
        reduced = distinct_hyperplanes(X)
        lengths = reduced.side * np.linalg.norm(reduced.Z, axis=1)
        U = np.ascontiguousarray(reduced.normals @ reduced.basis)
        return cls(U, reduced.plane, lengths, X, (1.0 + slope) / 2.0, (1.0 - slope) / 2.0)

    @cached_property
    def columns(self) -> np.ndarray:
        """The normals as columns, shape (d, N)."""
        return np.ascontiguousarray(self.U.T)

    @cached_property
    def _products(self) -> np.ndarray:
        """``u_k.u_l``, shape (N, N)."""
        return self.U @ self.columns

    @cached_property
    def _lengths(self) -> tuple[np.ndarray, np.ndarray]:
        """What the points add to the means and to the jumps of their planes, each (n,)."""
        return self.even * self.c, self.odd * np.abs(self.c)

    def coefficients(self, w: Any) -> tuple[np.ndarray, np.ndarray]:
        """The means and jumps of ``sum_i w_i s'_i x_i = sum_k (mean_k + jump_k S_k) u_k``."""
        w = np.asarray(w)
        mean, jump = (np.bincount(self.index, one * w, len(self.U)) for one in self._lengths)
        return mean, jump

    def drive(self, weights: Any, rate: Any) -> Drive:
        """The field of the weights ``w(t) = weights + t rate``, each of shape (n,)."""
        parts = self.coefficients(weights), self.coefficients(rate)
        mean, jump = (np.stack(pair) for pair in zip(*parts))
        return Drive(self.U, self.columns, mean @ self.U, jump)

    def sides(self, V: Any) -> np.ndarray:
        """Patterns of neurons, int8, shape (m, N): their sides, and 0 on a plane with a kink."""
        V = np.asarray(V)
        S = np.empty((len(V), len(self.U)), dtype=np.int8)
        for part in _parts(len(V), len(self.U)):
            Z = V[part] @ self.columns
            on = np.abs(Z) <= ON * np.linalg.norm(V[part], axis=1, keepdims=True)
            S[part] = np.where(on, 0.0 if self.odd else 1.0, np.sign(Z))
        return S

    def outputs(self, a: Any, V: Any) -> np.ndarray:
        """``f(x_i)``, shape (n,)."""
        a, V = np.asarray(a), np.asarray(V)
        absolute = np.zeros(len(self.U))
        for part in _parts(len(a), len(self.U)):
            absolute += a[part] @ np.abs(V[part] @ self.columns)
        mean, jump = self._lengths
        return mean * (self.U @ (a @ V))[self.index] + jump * absolute[self.index]

    def kernel(
        self,
        a: Any,
        V: Any,
        S: np.ndarray,
        rates: tuple[float, float],
        held: Held | None = None,
    ) -> np.ndarray:
        """``eta_a K_a + eta_V K_V`` of the outputs, shape (n, n), with sliding where S is 0.

        A point's features are linear in ``u.v`` and ``|u.v|`` of its plane, its slopes are ``even +
        odd s``: so each part of the kernel is made of three Gram matrices of planes. Neurons do not
        move in the directions in which they are held, by default those of the planes they slide on.
        """
        a, V = np.asarray(a), np.asarray(V)
        U, grams = self.U, _Grams(*self.U.shape[::-1])
        if rates[0]:
            for j in _parts(len(a), len(U)):
                grams.add(rates[0], V[j], np.abs(V[j] @ self.columns))
        if rates[1]:
            self._lose(grams, rates[1], a, S, normals_slid_on(U, S) if held is None else held)
        means, mixed, jumps = grams.of_planes(U, self.columns)
        if rates[1]:
            slopes, sides, sizes = np.zeros_like(jumps), np.zeros(len(U)), rates[1] * a
            for j in _parts(len(a), len(U)):
                slope = a[j, None] * S[j]
                sides += sizes[j] @ slope
                slopes = _squares(rates[1], slope, slopes)
            means += (sizes @ a) * self._products
            mixed += self._products * sides
            jumps += self._products * slopes
        return self._of_points(means, mixed, jumps)

    def difference(self, a: Any, S: np.ndarray, rate: float, less: Held, more: Held) -> np.ndarray:
        """By how much a kernel with some directions held exceeds one with more, shape (n, n)."""
        a, grams = np.asarray(a), _Grams(*self.U.shape[::-1])
        self._lose(grams, -rate, a, S, more)
        self._lose(grams, rate, a, S, less)
        return self._of_points(*grams.of_planes(self.U, self.columns))

    def _lose(self, grams: _Grams, rate: float, a: np.ndarray, S: np.ndarray, held: Held) -> None:
        """Take away what neurons would do in the directions in which they are held."""
        owner, normals = held
        lost = a[owner, None] * normals
        for j in _parts(len(owner), len(self.U)):
            grams.add(-rate, lost[j], (lost[j] @ self.columns) * S[owner[j]])

    def _of_points(self, means: np.ndarray, mixed: np.ndarray, jumps: np.ndarray) -> np.ndarray:
        """The matrix of points, shape (n, n), of three of planes."""
        K = np.empty((len(self.c), len(self.c)))
        _of_points(self.index, *self._lengths, means, mixed, jumps, K)
        return K


class _Grams:
    """Sums of ``W^T W``, ``W^T T`` and ``T^T T``, of the last the upper half, for rows W and T."""

    def __init__(self, d: int, N: int) -> None:
        self.square, self.along = np.zeros((d, d)), np.zeros((d, N))
        self.total = np.zeros((N, N), order="F")

    def add(self, rate: float, W: np.ndarray, T: np.ndarray) -> None:
        """Add those of rows W, shape (r, d), and T, shape (r, N), times a rate."""
        left = rate * W.T
        self.square += left @ W
        self.along += left @ T
        self.total = _squares(rate, T, self.total)

    def of_planes(self, U: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, ...]:
        """What they are for pairs of planes, of the last one the upper half."""
        return U @ self.square @ columns, U @ self.along, self.total


def _squares(rate: float, T: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Add ``rate T^T T`` to the upper half of a matrix, in place where BLAS can."""
    return dsyrk(rate, T.T, beta=1.0, c=total, overwrite_c=1) if len(T) else total


@jit
def _of_points(
    index: np.ndarray,
    mean: np.ndarray,
    jump: np.ndarray,
    means: np.ndarray,
    mixed: np.ndarray,
    jumps: np.ndarray,
    K: np.ndarray,
) -> None:
    """Write the matrix of points of three of planes: the upper half of the last one counts."""
    n = len(index)
    for top in range(0, n, _TILE):
        for left in range(0, top + 1, _TILE):  # what is mirrored stays in the caches
            for i in range(top, min(top + _TILE, n)):
                for j in range(left, min(left + _TILE, i + 1)):
                    k, l = index[i], index[j]
                    value = mean[i] * (mean[j] * means[k, l] + jump[j] * mixed[k, l])
                    value += jump[i] * mean[j] * mixed[l, k]
                    value += jump[i] * jump[j] * jumps[min(k, l), max(k, l)]
                    K[i, j] = value
                    K[j, i] = value


def _parts(m: int, n: int) -> Iterator[slice]:
    size = max(1, _ENTRIES // n)
    for start in range(0, m, size):
        yield slice(start, min(start + size, m))
