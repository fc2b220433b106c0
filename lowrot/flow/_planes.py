"""The hyperplanes at which neurons have kinks, and everything that sums over (neuron, point) pairs.

Parallel inputs share a hyperplane: ``x_i = c_i u_k`` with unit normals u_k, so a neuron's pattern
is one number ``S_jk`` a hyperplane: the side (+1 or -1) of v_j, or 0 while it slides along it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lowrot._hyperplanes import distinct_hyperplanes
from lowrot.flow.neuron import ON, Drive, normals_slid_on

_ENTRIES = 2**18
"""Largest number of (point, neuron) pairs that are held at once."""


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

    U: Tensor
    index: Tensor
    c: Tensor
    X: Tensor
    even: float
    odd: float

    @classmethod
    def of(cls, X: Tensor, slope: float) -> Planes:
        """The hyperplanes of inputs X, shape (n, d)."""
        reduced = distinct_hyperplanes(X.cpu().numpy())
        lengths = reduced.side * np.linalg.norm(reduced.Z, axis=1)
        return cls(
            X.new_tensor(reduced.normals @ reduced.basis),
            torch.as_tensor(reduced.plane, device=X.device),
            X.new_tensor(lengths),
            X,
            (1.0 + slope) / 2.0,
            (1.0 - slope) / 2.0,
        )

    def coefficients(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """The means and jumps of ``sum_i w_i s'_i x_i = sum_k (mean_k + jump_k S_k) u_k``."""
        zero = w.new_zeros(*w.shape[:-1], len(self.U))
        mean = zero.index_add(-1, self.index, self.even * self.c * w)
        return mean, zero.index_add(-1, self.index, self.odd * self.c.abs() * w)

    def drive(self, weights: Tensor, rate: Tensor) -> Drive:
        """The field of the weights ``w(t) = weights + t rate``, each of shape (n,)."""
        mean, jump = self.coefficients(torch.stack([weights, rate]))
        U, base = self.U.cpu().numpy(), (mean @ self.U).cpu().numpy()
        return Drive(U, np.ascontiguousarray(U.T), base, jump.cpu().numpy())

    def sides(self, V: Tensor) -> Tensor:
        """Patterns of neurons, int8, shape (m, N): their sides, and 0 on a plane with a kink."""
        S = torch.empty(len(V), len(self.U), dtype=torch.int8, device=V.device)
        for part in _parts(len(V), len(self.U)):
            Z = V[part] @ self.U.T
            on = Z.abs() <= ON * V[part].norm(dim=1, keepdim=True)
            S[part] = torch.where(on, 0.0 if self.odd else 1.0, Z.sign()).to(torch.int8)
        return S

    def outputs(self, a: Tensor, V: Tensor) -> Tensor:
        """``f(x_i)``, shape (n,)."""
        linear, absolute = self.U @ (V.T @ a), self.U.new_zeros(len(self.U))
        for part in _parts(len(a), len(self.U)):
            absolute.addmv_((self.U @ V[part].T).abs_(), a[part])
        return (
            self.even * self.c * linear[self.index] + self.odd * self.c.abs() * absolute[self.index]
        )

    def kernel(self, a: Tensor, V: Tensor, S: Tensor, rates: tuple[float, float]) -> Tensor:
        """``eta_a K_a + eta_V K_V`` of the outputs, shape (n, n), with sliding where S is 0.

        A point's features are linear in ``u.v`` and ``|u.v|`` of its plane, its slopes are ``even +
        odd s``: so each part of the kernel is made of three Gram matrices of planes.
        """
        U, grams = self.U, self.U.new_zeros(3, len(self.U), len(self.U))
        if rates[0]:
            grams += rates[0] * _grams(U, len(a), lambda j: (V[j], (V[j] @ U.T).abs_()))
        if rates[1]:
            one = U.new_ones(len(U), 1)
            slopes = _grams(one, len(a), lambda j: (a[j, None], a[j, None] * S[j]))
            grams += rates[1] * (slopes * (U @ U.T) - self._held(a, S))
        linear, mixed = self.even**2 * grams[0], self.even * self.odd * grams[1]
        upper, lower = (
            torch.cat([linear, mixed], 1),
            torch.cat([mixed.T, self.odd**2 * grams[2]], 1),
        )
        return self._of_points(self._of_points(torch.cat([upper, lower])).T)

    def _held(self, a: Tensor, S: Tensor) -> Tensor:
        """The Gram matrices of the inner slopes along normals that neurons slide on."""
        owner, normals = normals_slid_on(self.U.cpu().numpy(), S.cpu().numpy())
        if not len(owner):
            return self.U.new_zeros(3, 1, 1)
        j, lost = torch.as_tensor(owner).to(S.device), torch.as_tensor(normals).to(self.U)
        lost *= a[j, None]
        return _grams(self.U, len(j), lambda r: (lost[r], (lost[r] @ self.U.T).mul_(S[j[r]])))

    def _of_points(self, blocks: Tensor) -> Tensor:
        """Rows of points, shape (n, k), from those of planes, shape (2N, k)."""
        N, c = len(self.U), self.c[:, None]
        return c * blocks[:N][self.index] + c.abs() * blocks[N:][self.index]


def _grams(U: Tensor, count: int, rows: Callable[[slice], tuple[Tensor, Tensor]]) -> Tensor:
    """``U W^T W U^T``, ``U W^T T`` and ``T^T T``, shape (3, N, N), of rows W (d) and T (N)."""
    N, d = U.shape
    square, along, total = U.new_zeros(d, d), U.new_zeros(d, N), U.new_zeros(N, N)
    for part in _parts(count, N):
        W, T = rows(part)
        square.addmm_(W.T, W)
        along.addmm_(W.T, T)
        total.addmm_(T.T, T)
    return torch.stack([U @ square @ U.T, U @ along, total])


def _parts(m: int, n: int) -> Iterator[slice]:
    size = max(1, _ENTRIES // n)
    for start in range(0, m, size):
        yield slice(start, min(start + size, m))
