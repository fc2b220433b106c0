"""The hyperplanes at which neurons have kinks, and everything that sums over (neuron, point) pairs.

Parallel inputs share a hyperplane: ``x_i = c_i u_k`` with unit normals u_k, so a neuron's pattern
is one number ``S_jk`` a hyperplane: the side (+1 or -1) of v_j, or 0 while it slides along it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lowrot._global import reduce

_ENTRIES = 2**22
"""Largest number of (point, neuron) pairs that the kernel holds at once."""
_RANK = 1e-9


@dataclass(frozen=True)
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
        reduced = reduce(X.cpu().numpy())
        lengths = reduced.side * np.linalg.norm(reduced.Z, axis=1)
        return cls(
            X.new_tensor(reduced.normals @ reduced.basis),
            torch.as_tensor(reduced.plane, device=X.device),
            X.new_tensor(lengths),
            X,
            (1.0 + slope) / 2.0,
            (1.0 - slope) / 2.0,
        )

    @property
    def outer(self) -> Tensor:
        """``u_k u_k^T``, one row a hyperplane, shape (N, d^2)."""
        return (self.U[:, :, None] * self.U[:, None, :]).flatten(1)

    def coefficients(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """The means and jumps of ``sum_i w_i s'_i x_i = sum_k (mean_k + jump_k S_k) u_k``."""
        zero = w.new_zeros(*w.shape[:-1], len(self.U))
        mean = zero.index_add(-1, self.index, self.even * self.c * w)
        return mean, zero.index_add(-1, self.index, self.odd * self.c.abs() * w)

    def outputs(self, a: Tensor, V: Tensor, Z: Tensor) -> Tensor:
        """``f(x_i)``, shape (n,), where ``Z = V U^T``."""
        linear, absolute = self.U @ (V.T @ a), Z.abs().T @ a
        return (
            self.even * self.c * linear[self.index] + self.odd * self.c.abs() * absolute[self.index]
        )

    def kernel(
        self, a: Tensor, V: Tensor, S: Tensor, sliding: Sliding, rates: tuple[float, float]
    ) -> Tensor:
        """``eta_a K_a + eta_V K_V`` of the outputs, shape (n, n), with sliding."""
        n = len(self.c)
        outer, inner = self.X.new_zeros(2, n, n)
        size, weights = self.odd * self.c.abs(), self.even * self.c
        for part in _parts(len(a), n):
            if rates[0]:
                Z = (V[part] @ self.U.T)[:, self.index]
                features = Z.abs().mul_(size).addcmul_(Z, weights)
                outer.addmm_(features.T, features)
            if rates[1]:
                active = self._slopes(S[part]).mul_(a[part, None])
                inner.addmm_(active.T, active)
        K = rates[0] * outer + rates[1] * inner * (self.X @ self.X.T)
        if rates[1] and len(sliding.rows):
            lost = torch.einsum("nd,edr->ern", self.X, sliding.basis)
            lost *= (self._slopes(S[sliding.rows]) * a[sliding.rows, None])[:, None, :]
            flat = lost.flatten(0, 1)
            K -= rates[1] * (flat.T @ flat)
        return K

    def _slopes(self, S: Tensor) -> Tensor:
        """``s'(v_j.x_i)``, shape (m, n), at the patterns S."""
        return (self.odd * self.c.sign() * S[:, self.index]).add_(self.even)


@dataclass(frozen=True)
class Sliding:
    """The neurons that slide, with an orthonormal basis of the normals they may not move along.

    Attributes:
        rows: their indices, shape (e,).
        basis: shape (e, d, d), one column a direction, padded with zeros.
    """

    rows: Tensor
    basis: Tensor

    @classmethod
    def of(cls, planes: Planes, S: Tensor) -> Sliding:
        """The neurons with a 0 in their pattern."""
        on = S == 0
        rows = on.any(dim=1).nonzero()[:, 0]
        d = planes.U.shape[1]
        gram = (on[rows].to(S) @ planes.outer).unflatten(1, (d, d))
        values, vectors = torch.linalg.eigh(gram)
        return cls(rows, vectors * (values > _RANK)[:, None, :])

    def take(self, rows: Tensor, m: int) -> Sliding:
        """Those among some of the m neurons, counted within these."""
        place = torch.full((m,), -1, device=rows.device)
        place[self.rows] = torch.arange(len(self.rows), device=rows.device)
        found = place[rows]
        on = (found >= 0).nonzero()[:, 0]
        return Sliding(on, self.basis[found[on]])

    def project(self, H: Tensor) -> Tensor:
        """H, shape (m, d), without what lies along the normals of the planes slid on."""
        if not len(self.rows):
            return H
        H = H.clone()
        H[self.rows] = self.tangent(H[self.rows])
        return H

    def tangent(self, H: Tensor) -> Tensor:
        """The same for the sliding rows alone, shape (e, d)."""
        along = self.basis.transpose(1, 2) @ H[:, :, None]
        return H - (self.basis @ along)[:, :, 0]


def _parts(m: int, n: int) -> Iterator[slice]:
    size = max(1, _ENTRIES // n)
    for start in range(0, m, size):
        yield slice(start, min(start + size, m))
