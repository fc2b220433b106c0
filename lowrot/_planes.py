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
from lowrot._span import ON, normals_slid_on

_ENTRIES = 2**18
"""Largest number of (point, neuron) pairs that are held at once."""


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

    def coefficients(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """The means and jumps of ``sum_i w_i s'_i x_i = sum_k (mean_k + jump_k S_k) u_k``."""
        zero = w.new_zeros(*w.shape[:-1], len(self.U))
        mean = zero.index_add(-1, self.index, self.even * self.c * w)
        return mean, zero.index_add(-1, self.index, self.odd * self.c.abs() * w)

    def sides(self, V: Tensor) -> Tensor:
        """Patterns of neurons, int8, shape (m, N): their sides, and 0 on a plane."""
        S = torch.empty(len(V), len(self.U), dtype=torch.int8, device=V.device)
        for part in _parts(len(V), len(self.U)):
            Z = V[part] @ self.U.T
            on = Z.abs() <= ON * V[part].norm(dim=1, keepdim=True)
            S[part] = torch.where(on, 0.0, Z.sign()).to(torch.int8)
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
        """``eta_a K_a + eta_V K_V`` of the outputs, shape (n, n), with sliding where S is 0."""
        n, N = len(self.c), len(self.U)
        outer, sides = self.X.new_zeros(n, n), self.X.new_zeros(N + 1, N + 1)
        for part in _parts(len(a), n):
            if rates[0]:
                Z = V[part] @ self.X.T
                features = Z.abs().mul_(self.odd).add_(Z, alpha=self.even)
                outer.addmm_(features.T, features)
            if rates[1]:
                scaled = torch.cat([a[part, None], a[part, None] * S[part]], dim=1)
                sides.addmm_(scaled.T, scaled)
        K = rates[0] * outer
        if rates[1]:
            # The slopes are even + odd s_k: their products are sums over those of the sides s_k.
            turn = self.U.new_zeros(n, N + 1)
            turn[:, 0] = self.even
            turn[torch.arange(n, device=turn.device), self.index + 1] = self.odd * self.c.sign()
            slopes = turn @ sides @ turn.T
            K += rates[1] * (slopes * (self.X @ self.X.T) - self._held(a, S))
        return K

    def _held(self, a: Tensor, S: Tensor) -> Tensor:
        """The part of the inner kernel along normals that neurons slide on, shape (n, n)."""
        owner, normals = normals_slid_on(self.U.cpu().numpy(), S.cpu().numpy())
        rows, along = torch.as_tensor(owner).to(S.device), torch.as_tensor(normals).to(self.X)
        total = self.X.new_zeros(len(self.c), len(self.c))
        for part in _parts(len(rows), len(self.c)):
            slopes = S[rows[part]][:, self.index] * (self.odd * self.c.sign()) + self.even
            lost = (along[part] @ self.X.T).mul_(slopes).mul_(a[rows[part], None])
            total.addmm_(lost.T, lost)
        return total


def _parts(m: int, n: int) -> Iterator[slice]:
    size = max(1, _ENTRIES // n)
    for start in range(0, m, size):
        yield slice(start, min(start + size, m))
