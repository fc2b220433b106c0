"""Near initialization, one-pass SGD: the lines of the proof at one W of a path."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.theorems._near_init import Start


@dataclass(frozen=True, eq=False)
class SGDProof:
    """What the lines of the proof are made of, at the worst point of the data.

    Attributes:
        net: W_0.
        data: the points, each once.
        start: tangent margin and sizes at W_0.
        eta: the step size.
        R: distance of the comparison point ``U = W_0 + R theta``.
    """

    net: Network
    data: Dataset
    start: Start
    eta: float
    R: float

    def logistic(self, net: Network, s: float, lam: float, Gam: float) -> dict[str, float]:
        """The lines after s samples; U gains the margin Gam on each."""
        p, (toward, to_U) = net.margins(self.data), self._toward(net)
        early = math.exp(-1 - Gam / 4)
        return {
            "samples": s,
            "gain": float((toward - p).max()),
            "gain_bound": -Gam,
            "step": float((torch.sigmoid(-p) * (p - Gam / 4)).max()),
            "step_bound": early,
            "potential": to_U + self.eta * Gam / 4 * lam,
            "potential_bound": self.R**2 / 2 + self.eta * s * early,
        }

    def perceptron(self, net: Network, s: float, lam: float) -> dict[str, float]:
        """The same of the perceptron; ``lam`` counts the mistakes."""
        wrong, (toward, to_U) = net.margins(self.data) <= 0, self._toward(net)
        return {
            "samples": s,
            "gain": float(toward[wrong].max()) if bool(wrong.any()) else -math.inf,
            "gain_bound": -3 * self.start.g**2 / 128,
            "growth": float((net.a - self.net.a) @ self.start.outer),
            "growth_bound": 7 * self.start.g / 8 * self.eta * lam,
            "potential": to_U,
            "potential_bound": self.R**2 / 2,
        }

    def _toward(self, net: Network) -> tuple[Tensor, float]:
        """``<G_i, W - U>`` at each point, shape (n,), and ``||W - U||^2/2``."""
        outer = net.a - self.net.a - self.R * self.start.outer
        inner = net.V - self.net.V
        return (
            net.tangent(self.data, outer, inner),
            float(outer.square().sum() + inner.square().sum()) / 2,
        )
