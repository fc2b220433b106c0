"""The hyperplanes at which neurons have kinks, and everything that sums over (neuron, point) pairs.

Parallel inputs share a hyperplane: ``x_i = c_i u_k`` with unit normals u_k, so a neuron's pattern
is one number ``S_jk`` a hyperplane: the side (+1 or -1) of v_j, or 0 while it slides along it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
        sign: by which the output of each point is multiplied, shape (n,).
    """

    U: np.ndarray
    index: np.ndarray
    c: np.ndarray
    X: np.ndarray
    even: float
    odd: float
    sign: np.ndarray

    @classmethod
    def of(cls, X: Any, slope: float) -> Planes:
        """The hyperplanes of inputs X, shape (n, d)."""
        X = np.asarray(X)
        reduced = distinct_hyperplanes(X)
        lengths = reduced.side * np.linalg.norm(reduced.Z, axis=1)
        U = np.ascontiguousarray(reduced.normals @ reduced.basis)
        even, odd = (1.0 + slope) / 2.0, (1.0 - slope) / 2.0
        return cls(U, reduced.plane, lengths, X, even, odd, np.ones(len(X)))

    def signed(self, sign: np.ndarray) -> Planes:
        """The same with outputs times signs, shape (n,)."""
        return replace(self, sign=sign)

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
        return self.sign * self.even * self.c, self.sign * self.odd * np.abs(self.c)

    def drive(self, weights: Any, rate: Any) -> Drive:
        """The field of the weights ``w(t) = weights + t rate``, each of shape (n,).

        It is ``sum_i w_i s'_i x_i = sum_k (mean_k + jump_k S_k) u_k``: points of one plane are
        summed first, so that those which cancel leave nothing.
        """
        mean, jump = self._lengths
        w = np.array((weights, rate))
        return Drive(
            self.U, self.columns, self._of_planes(w * mean) @ self.U, self._of_planes(w * jump)
        )

    def _of_planes(self, parts: np.ndarray) -> np.ndarray:
        """The sums over the points of each plane, shape (2, N), of parts, shape (2, n)."""
        if len(self.U) == len(self.c):  # then they are in the same order
            return parts
        return np.array([np.bincount(self.index, one, len(self.U)) for one in parts])

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
        """``f(x_i)`` times signs, shape (n,)."""
        a, V = np.asarray(a), np.asarray(V)
        mean, jump = self._lengths
        absolute = np.zeros(len(self.U))
        for part in _parts(len(a), len(self.U)):
            heights = V[part] @ self.columns
            absolute += a[part] @ np.abs(heights, out=heights)
        linear = self.U @ (a @ V)
        return mean * linear.take(self.index) + jump * absolute.take(self.index)

    def kernel(
        self,
        a: Any,
        V: Any,
        S: np.ndarray,
        rates: tuple[float, float],
        held: Held | None = None,
    ) -> np.ndarray:
        """``eta_a K_a + eta_V K_V`` of the `outputs`, shape (n, n), with sliding where S is 0.

        A point's features are linear in ``u.v`` and ``|u.v|`` of its plane, its slopes are ``even +
        odd s``: so each part of the kernel is made of three Gram matrices of planes. Neurons do not
        move in the directions in which they are held, by default those of the planes they slide on.
        """
        a, V, N = np.asarray(a), np.asarray(V), len(self.U)
        grams, slopes = _Grams(*self.columns.shape), _Grams(1, N)
        if rates[0]:
            for j in _parts(len(a), N):
                heights = V[j] @ self.columns
                grams.add(rates[0], V[j], np.abs(heights, out=heights))
        if rates[1]:
            for j in _parts(len(a), N):
                slopes.add(rates[1], a[j, None], a[j, None] * S[j])
            if held is None and not S.all():
                held = normals_slid_on(self.U, S)
            if held is not None:
                self._lose(grams, rates[1], a, S, held)
        return self._of_points(grams, slopes)

    def difference(self, a: Any, S: np.ndarray, rate: float, less: Held, more: Held) -> np.ndarray:
        """By how much a kernel with some directions held exceeds one with more, shape (n, n)."""
        a, grams = np.asarray(a), _Grams(*self.columns.shape)
        self._lose(grams, -rate, a, S, more)
        self._lose(grams, rate, a, S, less)
        return self._of_points(grams, _Grams(1, len(self.U)))

    def _lose(self, grams: _Grams, rate: float, a: np.ndarray, S: np.ndarray, held: Held) -> None:
        """Take away what neurons would do in the directions in which they are held."""
        owner, normals = held
        for j in _parts(len(owner), len(self.U)):
            lost = a[owner[j], None] * normals[j]
            heights = lost @ self.columns
            heights *= S[owner[j]]
            grams.add(-rate, lost, heights)

    def _of_points(self, grams: _Grams, slopes: _Grams) -> np.ndarray:
        """The matrix of points, shape (n, n), of those of features and of slopes of planes."""
        n, left = len(self.c), self.U @ grams.along
        means, mixed = left[:, : -len(self.U)] @ self.columns, left[:, -len(self.U) :]
        K = np.empty((n, n))
        features, sides = (means, mixed, grams.total), (slopes.along[0], slopes.total)
        _of_points(self.index, *self._lengths, features, self._products, sides, K)
        return K


class _Grams:
    """Sums for rows W and T: ``W^T (W, T)``, and of ``T^T T`` the upper half."""

    def __init__(self, d: int, N: int) -> None:
        self.along, self.total = np.zeros((d, d + N)), np.zeros((N, N), order="F")

    def add(self, rate: float, W: np.ndarray, T: np.ndarray) -> None:
        """Add those of rows W, shape (r, d), and T, shape (r, N), times a rate."""
        self.along += (rate * W.T) @ np.concatenate((W, T), axis=1)
        self.total = _squares(rate, T, self.total)


def _squares(rate: float, T: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Add ``rate T^T T`` to the upper half of a matrix, in place where BLAS can."""
    return dsyrk(rate, T.T, beta=1.0, c=total, overwrite_c=1) if len(T) else total


@jit
def _of_points(
    index: np.ndarray,
    mean: np.ndarray,
    jump: np.ndarray,
    features: tuple[np.ndarray, np.ndarray, np.ndarray],
    products: np.ndarray,
    sides: tuple[np.ndarray, np.ndarray],
    K: np.ndarray,
) -> None:
    """Write the matrix of points of those of planes, of which the last ones are upper halves."""
    n, (means, mixed, jumps), (along, squares) = len(index), features, sides
    for top in range(0, n, _TILE):
        for left in range(0, top + 1, _TILE):  # what is mirrored stays in the caches
            for i in range(top, min(top + _TILE, n)):
                for j in range(left, min(left + _TILE, i + 1)):
                    k, l = index[i], index[j]
                    u, low, high = products[k, l], min(k, l), max(k, l)
                    value = mean[i] * mean[j] * (means[k, l] + along[0] * u)
                    value += mean[i] * jump[j] * (mixed[k, l] + along[1 + l] * u)
                    value += jump[i] * mean[j] * (mixed[l, k] + along[1 + k] * u)
                    value += jump[i] * jump[j] * (jumps[low, high] + squares[low, high] * u)
                    K[i, j] = value
                    K[j, i] = value


def _parts(m: int, n: int) -> Iterator[slice]:
    size = max(1, _ENTRIES // n)
    for start in range(0, m, size):
        yield slice(start, min(start + size, m))
