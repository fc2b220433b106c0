"""What the two near-initialization theorems share: the tangent margin and sizes at the start."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lowrot.data import Dataset
from lowrot.network import Network, activation
from lowrot.optima import Optimum, ntk_margin
from lowrot.path import Path
from lowrot.theorems._theorem import Hypothesis


@dataclass(frozen=True, eq=False)
class Start:
    """Numbers measured at the sampled W_0, before training.

    Attributes:
        gamma: the l2 tangent margin with its certificate.
        outer: the part theta_a of the point that attains it, shape (m,).
        inner: the part theta_V, shape (m, d), or None when only the outer weights move.
        g: ``min_i <G_i(W_0), theta> = gamma sqrt(m)``.
        A: ``||a_0||``.
        V_norm: ``||V_0||_F``.
        N: ``max_i (-p_i(W_0))_+``.
        p: margins p_i(W_0), shape (n,).
    """

    gamma: Optimum
    outer: Tensor
    inner: Tensor | None
    g: float
    A: float
    V_norm: float
    N: float
    p: Tensor

    @classmethod
    def of(cls, net: Network, data: Dataset, layers: str) -> Start:
        """Measure the start.

        Args:
            net: W_0.
            data: the points over which g and N are taken.
            layers: those that theta moves, "outer" or "both".

        Raises:
            NotSeparable: there is no positive margin.
        """
        gamma = ntk_margin(net, data, layers=layers, norm="l2")
        outer, inner = gamma.primal if isinstance(gamma.primal, tuple) else (gamma.primal, None)
        p = net.margins(data)
        return cls(
            gamma,
            outer,
            inner,
            gamma.value * math.sqrt(net.m),
            float(net.a.norm()),
            float(net.V.norm()),
            max(0.0, -float(p.min())),
            p,
        )

    def along(self, outer: Tensor, inner: Tensor) -> float:
        """Inner product of weights (outer, inner) with theta."""
        along = float(outer @ self.outer)
        if self.inner is not None:
            along += float((inner * self.inner).sum())
        return along

    def hypotheses(self) -> list[Hypothesis]:
        """What both theorems ask for: a positive margin, attained and certified."""
        gap, promised = self.gamma.gap, self.gamma.promised
        return [
            Hypothesis(
                r"tangent margin: $g = \gamma_{\ell_2} \sqrt m$",
                self.g,
                "$> 0$",
                self.g > 0,
            ),
            Hypothesis(
                "relative gap of its optimum",
                gap,
                rf"$\le 10^{{{math.log10(promised):.0f}}}$",
                gap <= promised,
                promised,
            ),
        ]


def networks(path: Path, net: Network) -> Iterator[Network]:
    """Yield the networks of a path with states ``a`` and ``V``, with slope and device of net."""
    for a, V in zip(path["a"], path["V"], strict=True):
        yield replace(net, a=torch.as_tensor(a).to(net.a), V=torch.as_tensor(V).to(net.V))


def distinct(data: Dataset) -> Dataset:
    """Return the data set without repeated points."""
    rows = torch.unique(torch.cat([data.X, data.y[:, None]], dim=1), dim=0)
    return Dataset(rows[:, :-1].contiguous(), rows[:, -1].contiguous(), None, data.name)


def largest_features(net: Network, data: Dataset) -> float:
    """Return ``max_i ||s(V_0 x_i)||``, a few neurons at a time."""
    total = data.X.new_zeros(data.n)
    for part in net.chunks(data.n):
        total += activation(data.X @ net.V[part].T, net.slope).square().sum(dim=1)
    return math.sqrt(float(total.max()))
