"""What the two near-initialization theorems share: the tangent margin and sizes at the start."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.optima import Optimum, ntk_margin
from lowrot.path import Path
from lowrot.theorems._theorem import Hypothesis


@dataclass(frozen=True)
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
        """Measure the start; raises `NotSeparable` when there is no positive margin."""
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

    def hypotheses(self) -> list[Hypothesis]:
        """Return what both theorems ask for: a positive margin, attained and certified."""
        gap, promised = self.gamma.gap, self.gamma.promised
        return [
            Hypothesis("positive tangent margin: g = sqrt(m) gamma", self.g, "> 0", self.g > 0),
            Hypothesis(
                "its optimum is certified: relative gap", gap, f"<= {promised:g}", gap <= promised
            ),
        ]


def at_most(statement: str, value: float, name: str, limit: float) -> Hypothesis:
    """Return the hypothesis ``value <= limit``, the limit shown by name and number."""
    return Hypothesis(statement, value, f"<= {name} = {limit:.4g}", value <= limit)


def columns(path: Path, *names: str) -> list[np.ndarray]:
    """Return columns of a path; raise unless it has them all."""
    missing = [name for name in names if name not in path.columns]
    if missing:
        raise ValueError(
            f"path has no column {', '.join(missing)}; expected {', '.join(names)}, and it has "
            f"{', '.join(path.columns)}"
        )
    return [path[name] for name in names]
