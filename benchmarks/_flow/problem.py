"""The problem of `flow.py` in NumPy: the normalized field in closed form, and its Jacobian.

The state W is flat: first a, then V by coordinates (shape (d, m)), so that every product is one
call of BLAS on contiguous arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from lowrot import sparse_parity, standard


@dataclass(frozen=True)
class Problem:
    """Exponential loss, slope 0: data X (n, d), labels y (n,), the state at the start, width m."""

    X: np.ndarray
    y: np.ndarray
    start: np.ndarray
    m: int

    @classmethod
    def of(cls, net, data):
        start = np.concatenate([net.a.numpy(), net.V.numpy().T.ravel()])
        return cls(data.X.numpy(), data.y.numpy(), start, net.m)

    def forward(self, W):
        """The features s(v_j . x_i), shape (n, m), and the margins p."""
        features = np.maximum(self.X @ W[self.m :].reshape(-1, self.m), 0.0)
        return features, self.y * (features @ W[: self.m])

    def min_margin(self, W):
        return self.forward(W)[1].min()

    def normalized(self, W):
        return self.min_margin(W) / (W @ W)

    def slope(self, W, features, q):
        """``dW/dtau = sum_i q_i G_i``, with the derivative 0 at a kink."""
        w = q * self.y
        out = np.empty_like(W)
        np.dot(w, features, out=out[: self.m])
        inner = out[self.m :].reshape(-1, self.m)
        np.matmul((w[:, None] * self.X).T, (features > 0).astype(float), out=inner)
        inner *= W[: self.m]
        return out

    def field(self, tau, W):
        features, p = self.forward(W)
        return self.slope(W, features, softmax(p)[0])

    def jacobian(self, tau, W):
        """The Jacobian where the field has one, as a dense matrix."""
        return StructuredJacobian.at(self, W).dense()


def softmax(p):
    """The weights q of the margins p, and ln L."""
    low = p.min()
    q = np.exp(low - p)
    total = q.sum()
    return q / total, np.log(total) - low


def parity(m=512):
    """2-sparse parity on the whole cube, d = 6 (n = 64), and the standard initialization."""
    net, data = standard(m, 6), sparse_parity(6)
    return net, data, Problem.of(net, data)


def small_parity():
    """The same in d = 4 (n = 16), with 256 neurons."""
    net, data = standard(256, 4), sparse_parity(4)
    return net, data, Problem.of(net, data)


def runge_kutta(problem, W, h):
    """The classical fourth-order step."""
    k1 = problem.field(0.0, W)
    k2 = problem.field(0.0, W + h / 2.0 * k1)
    k3 = problem.field(0.0, W + h / 2.0 * k2)
    k4 = problem.field(0.0, W + h * k3)
    return W + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


@dataclass(frozen=True)
class StructuredJacobian:
    """``J = H - G^T S G``, ``S = diag(q) - q q^T``: H couples a_j with v_j only, G is (n, N)."""

    q: np.ndarray
    coupling: np.ndarray
    G: np.ndarray

    __array_ufunc__ = None  # a NumPy scalar times this is left to __rmul__

    @classmethod
    def at(cls, problem, W):
        features, p = problem.forward(W)
        q = softmax(p)[0]
        X, y, (n, d), m = problem.X, problem.y, problem.X.shape, problem.m
        active = (features > 0).astype(float)
        G = np.empty((n, m * (d + 1)))
        np.multiply(y[:, None], features, out=G[:, :m])
        inner = y[:, None] * active * W[:m]
        for k in range(d):
            np.multiply(inner, X[:, k : k + 1], out=G[:, m * (k + 1) : m * (k + 2)])
        return cls(q, ((q * y)[:, None] * X).T @ active, G)

    def dense(self):
        qG = self.q @ self.G
        J = np.outer(qG, qG) - (self.q[:, None] * self.G).T @ self.G
        m = self.coupling.shape[1]
        j = np.arange(m)
        for k, row in enumerate(self.coupling, 1):
            J[j, k * m + j] += row
            J[k * m + j, j] += row
        return J

    def __rmul__(self, factor):
        return Shifted(0.0, -factor, self)


@dataclass(frozen=True)
class Shifted:
    """``shift I - factor J``, with a factorization that costs O(n^2 N) instead of O(N^3)."""

    shift: complex
    factor: complex
    J: StructuredJacobian

    def factorize(self):
        """Return a solver: the small blocks of H inverted, then Woodbury's n x n system."""
        b = -self.factor * self.J.coupling / self.shift
        determinant = 1.0 - (b * b).sum(axis=0)

        def without_G(right):
            R = right.reshape(len(b) + 1, b.shape[1], -1) / self.shift
            top = (R[0] - np.einsum("dj,djk->jk", b, R[1:])) / determinant[:, None]
            return np.concatenate([top[None], R[1:] - b[:, :, None] * top]).reshape(right.shape)

        q, G = self.J.q, self.J.G
        S = self.factor * (np.diag(q) - np.outer(q, q))
        Y = without_G(G.T)
        small = lu_factor(np.eye(len(q)) + S @ (G @ Y))

        def solve(right):
            x = without_G(right)
            return x - Y @ lu_solve(small, S @ (G @ x))

        return solve


class Identity:
    """Stands for I in ``I - c J`` (SciPy's BDF) and ``c I - J`` (its Radau)."""

    __array_ufunc__ = None

    def __init__(self, factor=1.0):
        self.factor = factor

    def __rmul__(self, factor):
        return Identity(factor * self.factor)

    def __sub__(self, other):
        if isinstance(other, Shifted):
            return Shifted(self.factor, -other.factor, other.J)
        return Shifted(self.factor, 1.0, other)
