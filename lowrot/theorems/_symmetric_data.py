"""Symmetric data: mirrors, the linear margin, and what neurons do there, seen along their path."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._theorem import Hypothesis

_SAME = 1e-12
"""Largest distance of a mirror from where it should be: rounding of coordinates up to 1."""
_KINK = 1e-12
"""Sine up to which a neuron is at the kink of a point, where its slope may be any of [alpha, 1]."""
SAME_SIZE = 1e-9
"""Relative difference up to which |a_j| and ||v_j|| are equal, at a start and along a path."""

Array = np.ndarray


def at_most(level: float) -> str:
    """The relation of a hypothesis whose level is a power of ten, as a formula."""
    return rf"$\le 10^{{{math.log10(level):.0f}}}$"


def mirrors(data: Dataset) -> Array | None:
    """Return which point is the mirror of which, (x, y) and (-x, -y), shape (n,), if all have one.

    Args:
        data: n points.
    """
    out = _matched(data)
    return None if (out < 0).any() else out


def mirrorless(data: Dataset) -> int:
    """Return the number of points that have no mirror, no two the same one."""
    return int((_matched(data) < 0).sum())


def _matched(data: Dataset) -> Array:
    """The mirror of each point, -1 where it has none, for as many points as possible."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching
    from scipy.spatial.distance import cdist

    y = data.y.cpu().numpy()
    Z = (data.y[:, None] * data.X).cpu().numpy()
    plus, minus = np.flatnonzero(y > 0), np.flatnonzero(y < 0)
    out = np.full(data.n, -1)
    if len(plus) and len(minus):
        near = csr_array(cdist(Z[plus], Z[minus], "chebyshev") <= _SAME)
        mirror = maximum_bipartite_matching(near, perm_type="column")
        left, right = plus[mirror >= 0], minus[mirror[mirror >= 0]]
        out[left], out[right] = right, left
    return out


def all_mirrored(data: Dataset, mirror: Array | None) -> Hypothesis:
    """The hypothesis that all points have a mirror, which is known where they do."""
    without = 0 if mirror is not None else mirrorless(data)
    return Hypothesis("points without a mirror", without, "$= 0$", without == 0)


@dataclass(frozen=True, eq=False)
class States:
    """Saved states of m neurons on n points, and what the proofs read from them.

    Args:
        a: outer weights, shape (k, m).
        V: inner weights, shape (k, m, d).
        X: inputs, shape (n, d).
        y: labels, shape (n,).
        slope: of the activation.
        q: dual weights, shape (k, n), where known.
    """

    a: Array
    V: Array
    X: Array
    y: Array
    slope: float
    q: Array | None = None

    @classmethod
    def of(cls, source: Network | Path, data: Dataset) -> States:
        """Return the states of a path, or the one state of a network."""
        X, y = data.X.cpu().numpy(), data.y.cpu().numpy()
        if isinstance(source, Network):
            return cls(source.a.cpu().numpy()[None], source.V.cpu().numpy()[None], X, y,
                       source.slope)  # fmt: skip
        slope = source.meta.get("slope", 0.0)
        return cls(source["a"], source["V"], X, y, slope, source.states.get("q"))

    @property
    def signs(self) -> Array:
        """``s_j = sign a_j``, shape (k, m)."""
        return np.sign(self.a)

    @property
    def size(self) -> Array:
        """``||v_j||``, shape (k, m)."""
        return np.linalg.norm(self.V, axis=2)

    @property
    def alive(self) -> Array:
        """Which neurons are not zero, shape (k, m)."""
        return (self.a != 0) | (self.size > 0)

    def along(self, e: Array) -> Array:
        """``c_j = s_j v_j.e``, shape (k, m)."""
        return self.signs * (self.V @ e)

    @property
    def good(self) -> Array:
        """Which neurons have ``s_j v_j . y_i x_i > 0`` at every point, shape (k, m)."""
        pull = np.einsum("kmd,nd->kmn", self.V, self.X * self.y[:, None])
        return (self.signs[:, :, None] * pull > 0).all(axis=2)

    @property
    def active(self) -> Array:
        """Slopes ``s'_ij``, shape (k, m, n): at a kink the middle of [alpha, 1].

        There every slope is allowed whose values at two mirrors add up to ``1 + alpha``.
        """
        z = np.einsum("kmd,nd->kmn", self.V, self.X)
        limit = _KINK * self.size[:, :, None] * np.linalg.norm(self.X, axis=1)
        slopes = np.where(z > 0, 1.0, self.slope)
        return np.where(np.abs(z) <= limit, 0.5 * (1 + self.slope), slopes)

    @property
    def fields(self) -> Array:
        """``sum_i q_i y_i s'_ij x_i``, the field that drives a neuron, shape (k, m, d)."""
        assert self.q is not None
        return np.einsum("kmn,nd->kmd", self.active * self.q[:, None, :], self.X * self.y[:, None])

    def margins(self) -> Array:
        """``p_i``, shape (k, n)."""
        z = np.einsum("kmd,nd->kmn", self.V, self.X)
        return self.y * np.einsum("km,kmn->kn", self.a, np.maximum(z, self.slope * z))

    def odd_defect(self) -> Array:
        """``max_i |e_i|``, ``e_i = sum_j a_j |v_j . x_i|``, shape (k,)."""
        z = np.abs(np.einsum("kmd,nd->kmn", self.V, self.X))
        return np.abs(np.einsum("km,kmn->kn", self.a, z)).max(axis=1)


def least_domination(net: Network) -> float:
    """The least ``|a_j|/||v_j||`` of neurons that are not zero (infinite where v_j is)."""
    size = net.V.norm(dim=1)
    ratio = torch.where(size > 0, net.a.abs() / torch.where(size > 0, size, 1.0), torch.inf)
    return float(ratio.min())


def imbalance(net: Network) -> float:
    """The largest relative difference of ``|a_j|`` and ``||v_j||``."""
    size, outer = net.V.norm(dim=1), net.a.abs()
    largest = torch.maximum(size, outer)
    return float(((size - outer).abs() / torch.where(largest > 0, largest, 1.0)).max())


def checked(net: Network, data: Dataset) -> None:
    """Raise unless a network and data fit together, and the network is not zero."""
    net.margins(_validate.kind("data", data, Dataset)) if isinstance(net, Network) else (
        _validate.kind("net", net, Network)
    )
    if net.norm_squared == 0:
        raise ValueError("net has only zero weights and stays so; expected some that are not")
