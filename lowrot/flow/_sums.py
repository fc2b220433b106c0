"""Outputs and kernels: what sums over all pairs of a neuron and a plane, compiled.

A point's features are linear in ``u.v`` and ``|u.v|`` of its plane, its slopes in the side: so each
part of a kernel is made of three Gram matrices of planes. Points come last.
"""

from __future__ import annotations

import numpy as np

from lowrot._jit import allocating, jit, part
from lowrot.flow.neuron import Arrays, Held

ENTRIES = 2**18
"""Largest number of (plane, neuron) pairs that are held at once."""
_TILE = 32
"""Side of the tiles in which a symmetric matrix is written."""
_ROWS = 64
"""Rows of a Gram matrix that are one product: those left of its diagonal are not computed."""
Grams = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Sums for rows W, shape (r, d), and columns T, shape (N, r): ``W^T W``, ``T W``, and of ``T T^T``
the upper half."""


@jit
def outputs(planes: Arrays, a: np.ndarray, V: np.ndarray) -> np.ndarray:
    """``f(x_i)`` times signs, shape (n,): see `lowrot.flow._planes`."""
    _, columns, index, mean, jump, _ = planes
    n, m, N = len(index), len(a), columns.shape[1]
    size = _block(N)
    absolute, linear, f = np.zeros(N), np.zeros(N), np.empty(n)
    _linear(columns, a, V, linear)
    for first in range(0, m, size):
        z = np.dot(V[first : first + size], columns)
        for j in range(len(z)):
            for k in range(N):
                absolute[k] += a[first + j] * abs(z[j, k])
    for i in range(n):
        f[i] = mean[i] * linear[index[i]] + jump[i] * absolute[index[i]]
    return f


@part
def _linear(columns: np.ndarray, a: np.ndarray, V: np.ndarray, linear: np.ndarray) -> None:
    """Write ``sum_j a_j v_j.u_k``."""
    for c in range(len(columns)):
        total = 0.0
        for j in range(len(a)):
            total += a[j] * V[j, c]
        for k in range(len(linear)):
            linear[k] += total * columns[c, k]


@jit
def field(planes: Arrays, w: np.ndarray, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The base, shape (2, d), and the jumps, shape (2, N), of the field of weights ``w + t rate``.

    Points of one plane are summed first, so that those which cancel leave nothing.
    """
    U, _, index, mean, jump, _ = planes
    N = len(U)
    means, jumps = np.zeros((2, N)), np.zeros((2, N))
    for i in range(len(index)):
        k = index[i]
        means[0, k] += w[i] * mean[i]
        means[1, k] += rate[i] * mean[i]
        jumps[0, k] += w[i] * jump[i]
        jumps[1, k] += rate[i] * jump[i]
    return np.dot(means, U), jumps


@jit
def kernel(
    planes: Arrays,
    neurons: tuple[np.ndarray, np.ndarray, np.ndarray],
    rates: tuple[float, float, float],
    held: Held,
    released: Held,
) -> np.ndarray:
    """``eta_a K_a + eta_V K_V`` of the outputs times signs, shape (n, n).

    Args:
        planes: see `lowrot.flow._planes`.
        neurons: a, V and patterns, in which neurons slide where these are 0.
        rates: of the outer weights, of the inner ones, and of these in the directions below.
        held: directions in which neurons do not move.
        released: directions that count once more.
    """
    U, columns, index, _, _, _ = planes
    (a, V, S), n, (N, d), size = neurons, len(index), U.shape, _block(len(U))
    features = np.zeros((d, d)), np.zeros((N, d)), np.zeros((N, N))
    slopes = np.zeros((1, 1)), np.zeros((N, 1)), np.zeros((N, N))
    for first in range(0, len(a), size):
        if rates[0] > 0.0:
            W = V[first : first + size]
            T = np.dot(U, W.T)
            for k in range(N):
                for j in range(len(W)):
                    T[k, j] = abs(T[k, j])
            _add(rates[0], W, T, features)
        if rates[1] > 0.0:
            count = min(size, len(a) - first)
            outer, T = np.empty((count, 1)), np.empty((N, count))
            for j in range(count):
                outer[j, 0] = a[first + j]
            _signed(outer, S[first : first + size], T)
            _add(rates[1], outer, T, slopes)
    _add_held(-rates[2], planes, neurons, held, features)
    _add_held(rates[2], planes, neurons, released, features)
    means = np.dot(np.dot(U, features[0]), columns)
    mixed = np.dot(U, features[1].T)
    K = np.empty((n, n))
    _of_points(planes, (means, mixed, features[2]), slopes, K)
    return K


@part
def _block(N: int) -> int:
    """Neurons that are held at once."""
    return max(1, ENTRIES // N)


@part
def _signed(a: np.ndarray, S: np.ndarray, T: np.ndarray) -> None:
    """Write outer weights times patterns."""
    for k in range(len(T)):
        for j in range(len(a)):
            T[k, j] = a[j, 0] * S[j, k]


@allocating
def _add_held(rate: float, planes: Arrays, neurons: Arrays, held: Held, grams: Grams) -> None:
    """Add what neurons would do in the directions in which they are held, times a rate."""
    (owner, normals), U, (a, _, S) = held, planes[0], neurons
    size, d = _block(len(U)), U.shape[1]
    for first in range(0, len(owner), size):
        count = min(size, len(owner) - first)
        lost = np.empty((count, d))
        for r in range(count):
            for c in range(d):
                lost[r, c] = a[owner[first + r]] * normals[first + r, c]
        T = np.dot(U, lost.T)
        for r in range(count):
            for k in range(len(U)):
                T[k, r] *= S[owner[first + r], k]
        _add(rate, lost, T, grams)


@allocating
def _add(rate: float, W: np.ndarray, T: np.ndarray, grams: Grams) -> None:
    """Add the sums of rows W, shape (r, d), and columns T, shape (N, r), times a rate."""
    square, mixed, total = grams
    N = len(T)
    _plus(rate, np.dot(W.T, W), square, 0, 0)
    _plus(rate, np.dot(T, W), mixed, 0, 0)
    for top in range(0, N, _ROWS):
        _plus(rate, np.dot(T[top : top + _ROWS], T[top:].T), total, top, top)


@part
def _plus(rate: float, added: np.ndarray, total: np.ndarray, top: int, left: int) -> None:
    """Add a matrix times a rate, from a row and a column on."""
    for i in range(added.shape[0]):
        for j in range(added.shape[1]):
            total[top + i, left + j] += rate * added[i, j]


@part
def _of_points(planes: Arrays, features: Grams, slopes: Grams, K: np.ndarray) -> None:
    """Write the matrix of points of those of planes, of which the last ones are upper halves."""
    _, _, index, mean, jump, products = planes
    (means, mixed, jumps), (even, along, squares), n = features, slopes, len(index)
    for top in range(0, n, _TILE):
        for left in range(0, top + 1, _TILE):  # what is mirrored stays in the caches
            for i in range(top, min(top + _TILE, n)):
                for j in range(left, min(left + _TILE, i + 1)):
                    k, l = index[i], index[j]
                    u, low, high = products[k, l], min(k, l), max(k, l)
                    value = mean[i] * mean[j] * (means[k, l] + even[0, 0] * u)
                    value += mean[i] * jump[j] * (mixed[k, l] + along[l, 0] * u)
                    value += jump[i] * mean[j] * (mixed[l, k] + along[k, 0] * u)
                    value += jump[i] * jump[j] * (jumps[low, high] + squares[low, high] * u)
                    K[i, j] = value
                    K[j, i] = value
