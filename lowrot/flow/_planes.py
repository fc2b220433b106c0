"""The hyperplanes at which neurons have kinks, and what sums over (neuron, point) pairs.

Parallel inputs share a hyperplane: ``x_i = c_i u_k`` with unit normals u_k, so a neuron's pattern
is one number ``S_jk`` a hyperplane: the side (+1 or -1) of v_j, or 0 while it slides along it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from lowrot._hyperplanes import distinct_hyperplanes
from lowrot.flow._sums import ENTRIES, field, kernel, outputs
from lowrot.flow.neuron import ON, Arrays, Drive, Held, Neurons, Rates, normals_slid_on

_NONE = np.empty(0, dtype=np.int64)
"""No neurons."""


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
    def _lengths(self) -> tuple[np.ndarray, np.ndarray]:
        """What the points add to the means and to the jumps of their planes, each (n,)."""
        return self.sign * self.even * self.c, self.sign * self.odd * np.abs(self.c)

    def drive(self, weights: Any, rate: Any) -> Drive:
        """The field of the weights ``w(t) = weights + t rate``, each of shape (n,).

        It is ``sum_i w_i s'_i x_i = sum_k (mean_k + jump_k S_k) u_k``: points of one plane are
        summed first, so that those which cancel leave nothing.
        """
        return Drive(
            self.U, self.columns, *field(self.arrays, np.asarray(weights), np.asarray(rate))
        )

    def sides(self, V: Any) -> np.ndarray:
        """Patterns of neurons, int8, shape (m, N): their sides, and 0 on a plane with a kink."""
        V = np.asarray(V)
        S = np.empty((len(V), len(self.U)), dtype=np.int8)
        size = max(1, ENTRIES // len(self.U))
        for first in range(0, len(V), size):
            part = slice(first, first + size)
            Z = V[part] @ self.columns
            on = np.abs(Z) <= ON * np.linalg.norm(V[part], axis=1, keepdims=True)
            S[part] = np.where(on, 0.0 if self.odd else 1.0, np.sign(Z))
        return S

    @cached_property
    def arrays(self) -> Arrays:
        """What compiled functions take: normals, those as columns, products, and of the points.

        In the order of `lowrot.flow._sums`: U, columns, the plane of each point, what points add to
        the means and to the jumps of their planes, and ``u_k.u_l``, shape (N, N).
        """
        return self.U, self.columns, self.index, *self._lengths, self.U @ self.columns

    def outputs(self, a: Any, V: Any) -> np.ndarray:
        """``f(x_i)`` times signs, shape (n,)."""
        return outputs(self.arrays, np.asarray(a), np.asarray(V))

    def kernel(
        self, a: Any, V: Any, S: np.ndarray, rates: Rates, held: Held | None = None
    ) -> np.ndarray:
        """``eta_a K_a + eta_V K_V`` of the `outputs`, shape (n, n), with sliding where S is 0.

        Neurons do not move in the directions in which they are held, by default those of the planes
        they slide on.
        """
        if held is None and not S.all():
            held = normals_slid_on(self.U, S)
        neurons = np.asarray(a), np.asarray(V), S
        return kernel(self.arrays, neurons, (*rates, rates[1]), held or self._none, self._none)

    def difference(self, neurons: Neurons, rate: float, less: Held, more: Held) -> np.ndarray:
        """By how much a kernel with some directions held exceeds one with more, shape (n, n)."""
        arrays = neurons.a, neurons.V, neurons.S
        return kernel(self.arrays, arrays, (0.0, 0.0, rate), less, more)

    @cached_property
    def _none(self) -> Held:
        """No directions."""
        return _NONE, np.empty((0, self.U.shape[1]))
