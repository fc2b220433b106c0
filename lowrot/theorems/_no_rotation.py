"""The no-rotation theorem: the coupled flow attains the maximal frozen margin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.coupled import Features
from lowrot.coupled._features import as_features
from lowrot.data import Dataset
from lowrot.losses import Loss, as_loss, dual_weights, entropy_constant
from lowrot.network import Network, activation
from lowrot.optima import Optimum, frozen_margin
from lowrot.path import Path
from lowrot.theorems._norm_growth import NormGrowthTheorem
from lowrot.theorems._subject import Subject
from lowrot.theorems._theorem import Check, Hypothesis, fitting, nonnegative, over, verdict

_UNIT = 1e-9
"""How far norms may be from 1, as `Features` allows."""
_GAP = 1e-4
"""Relative gap that `frozen_margin` promises at its largest sizes."""
_RESOLVED = math.log(1e5)
"""ln ||u(0)||_1 up to which dual weights are known to nine digits: margins are, to fourteen."""


class NoRotation(NormGrowthTheorem):
    """The theorem on given features and data; build it with `no_rotation`.

    Here the smoothed margin is ``P_+/||u||_1``, twice ``P_+/||W||^2``, and J(tau) the integral of
    ``min(2, 4 c_n/||W||^2) = min(2, 2 c_n/||u||_1)``, column ``J`` of a coupled path.

    Attributes:
        features: the frozen features (m neurons).
        data: the data set (n points).
        loss: "exponential" or "logistic".
        gamma: the optimum ``gamma_frozen`` with its certificate.
        divergence: ``KL(|u*| , |u(0)|/||u(0)||_1)`` at the primal optimum u*.
        c_n: ln n (exponential loss) or ln 2n (logistic loss).
        ln_start_norm: ``ln ||u(0)||_1``.
        limit: what ``P_+/||u||_1`` tends to: the value of ``gamma``.
        lost: the divergence, what the start costs.
        hypotheses: evaluated.
    """

    _per_margin = 2.0  # of ln ||u||_1

    def __init__(self, features: Features, data: Dataset, loss: str | Loss) -> None:
        self.features = features
        self.data = _validate.kind("data", data, Dataset)
        self.loss = as_loss(loss).name
        self.gamma: Optimum[Tensor] = frozen_margin(
            features.directions, features.signs, data, slope=features.slope
        )
        self.c_n = entropy_constant(data.n, loss)
        self.ln_start_norm = float(torch.logsumexp(features.start, 0))
        self._support = torch.nonzero(self.gamma.primal != 0).flatten()
        weights = self.gamma.primal[self._support].abs()
        self._optimal = weights / weights.sum()
        relative_start = features.start[self._support] - self.ln_start_norm
        self.divergence = float((self._optimal * (self._optimal.log() - relative_start)).sum())
        self.limit, self.lost = self.gamma.value, self.divergence
        self.subject = self._runs()
        self.hypotheses = self._evaluate()

    @property
    def J_limit(self) -> float:
        """``(1 + KL + ln_+(c_n/||u(0)||_1)) / gamma_frozen``, an upper bound on J at every tau."""
        late = max(math.log(self.c_n) - self.ln_start_norm, 0.0) if self.c_n > 0 else 0.0
        return (1.0 + self.divergence + late) / self.gamma.value

    def width_of_certificate(self, tau: Any, J: Any) -> np.ndarray:
        """Upper bound on ``dual - P_+/||u||_1``, the width of the certificate that needs no solver.

        Args:
            tau: clock times >= 0.
            J: J(tau) along a path, of a shape that broadcasts with tau.

        Returns:
            Of the shape of tau; inf at tau = 0.

        Raises:
            ValueError: numbers that are negative or NaN, or J of a shape that does not broadcast.
            TypeError: no real numbers.
        """
        spread = self.ln_start_norm - float(self.features.start.min())
        tau, J = nonnegative("tau", tau), nonnegative("J", J)
        fitting("J", J, tau)
        return over(0.5 * (spread + J), tau)

    def check(self, path: Path) -> Check:
        """Compare the conclusion with a coupled path, at every saved time after the start.

        Args:
            path: of `coupled_flow` of these features on these data.

        Returns:
            A `Check`; its frame has ``margin`` beside ``bound``, ``bound_a_priori`` and ``gamma``,
            the certificate ``dual`` and its ``width`` beside ``width_bound``, ``J`` beside
            ``J_limit``.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "J", "margin", "dual")
        late = path["tau"] > 0
        tau, J, margin, dual = (path[name][late] for name in ("tau", "J", "margin", "dual"))
        frame = pd.DataFrame(
            {
                "tau": tau,
                "margin": margin,
                "bound": self.bound(tau, J),
                "bound_a_priori": self.bound_a_priori(tau),
                "gamma": self.gamma.value,
                "dual": dual,
                "width": dual - margin,
                "width_bound": self.width_of_certificate(tau, J),
                "J": J,
                "J_limit": self.J_limit,
            }
        )
        slack = {
            "bound <= margin": (frame.margin - frame.bound).min(),
            "a priori bound <= bound": (frame.bound - frame.bound_a_priori).min(),
            "margin <= gamma": (self.gamma.upper - frame.margin).min(),
            "gamma <= dual": (frame.dual - self.gamma.value).min(),
            "dual - margin <= width": (frame.width_bound - frame.width).min(),
            "J <= its limit": (frame.J_limit - frame.J).min(),
        }
        return verdict(frame, slack)

    def inequalities(self, path: Path) -> Check:
        """Compare both sides of each inequality of the proof along a coupled path.

        Args:
            path: of `coupled_flow` of these features on these data, with its states ``z``.

        Returns:
            A `Check`; its frame has, by line of the proof: ``optimal_growth``,
            ``sum |u*_j| ln(|u_j(tau)|/|u_j(0)|)``, and ``two_gamma_tau``; ``ln_norm`` and its
            lower bound ``gibbs`` (Gibbs' inequality); ``norm_growth``, of ``ln ||u||_1``, and
            ``norm_growth_bound``, ``2 tau P_+/||u||_1 + J``.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "J", "margin", "ln_norm", "z")
        tau, ln_norm = path["tau"], path["ln_norm"]
        optimal_growth, gibbs = self._optimal_growth(path["z"])
        frame = pd.DataFrame(
            {
                "tau": tau,
                "optimal_growth": optimal_growth,
                "two_gamma_tau": 2.0 * self.gamma.value * tau,
                "ln_norm": ln_norm,
                "gibbs": optimal_growth + gibbs,
                "norm_growth": ln_norm - self.ln_start_norm,
                "norm_growth_bound": 2.0 * tau * path["margin"] + path["J"],
            }
        )
        frame = frame[frame.tau > 0]
        scale = frame.tau.clip(lower=1.0)
        slack = {
            "growth of the optimal neurons": (
                (frame.optimal_growth - frame.two_gamma_tau) / scale
            ).min(),
            "Gibbs": ((frame.ln_norm - frame.gibbs) / scale).min(),
            "growth of the norm": ((frame.norm_growth_bound - frame.norm_growth) / scale).min(),
        }
        return verdict(frame, slack)

    def _optimal_growth(self, z: np.ndarray) -> tuple[np.ndarray, float]:
        """``sum |u*_j| ln x_j``: of ``x_j = |u_j|/|u_j(0)|`` at z, and of ``|u_j(0)/u*_j|``."""
        chosen = self.features.directions[self._support]
        s = activation(self.data.X @ chosen.T, self.features.slope)
        C = self.data.y[:, None] * s * self.features.signs[self._support]
        growth = 2.0 * (torch.as_tensor(z).to(C) @ C)
        relative = self.features.start[self._support] - self._optimal.log()
        return (growth @ self._optimal).cpu().numpy(), float((self._optimal * relative).sum())

    def _runs(self) -> Subject:
        """The coupled flows of these features on these data, known by their first margins."""
        shares = self.features.signs * torch.softmax(self.features.start, 0)
        first = Network(shares, self.features.directions, self.features.slope).margins(self.data)
        start = {"ln_norm": self.ln_start_norm, "min_ratio": float(first.min())}
        states = {"z": np.zeros(self.data.n)}
        if self.ln_start_norm < _RESOLVED:
            p = first * math.exp(self.ln_start_norm)
            states["q"] = dual_weights(p, self.loss)[0].cpu().numpy()
        return Subject("coupled", {"loss": self.loss}, start, states)

    def _evaluate(self) -> list[Hypothesis]:
        V = self.features.directions
        unit = float((V.norm(dim=1) - 1.0).abs().max())
        # |s(v . x)| <= ||x|| for unit v and a slope in [0, 1], so the inputs decide.
        largest = float(self.data.X.norm(dim=1).max())
        value, gap = self.gamma.value, self.gamma.gap
        return [
            Hypothesis(
                r"unit directions: $\max_j \vert \|v_j\| - 1 \vert$",
                unit,
                r"$\le 10^{-9}$",
                unit <= _UNIT,
            ),
            Hypothesis(
                r"bounded features: $\max_{ij} |s(v_j \cdot x_i)| \le \max_i \|x_i\|$",
                largest,
                r"$\le 1$",
                largest <= 1 + 1e-12,
            ),
            Hypothesis(
                r"positive frozen margin: $\gamma_{\mathrm{frozen}}$", value, "$> 0$", value > 0
            ),
            Hypothesis(
                "its optimum is certified: relative gap", gap, r"$\le 10^{-4}$", gap <= _GAP
            ),
        ]


def no_rotation(
    net_or_features: Network | Features, data: Dataset, *, loss: str | Loss = "exponential"
) -> NoRotation:
    """Evaluate the no-rotation theorem: the coupled flow attains the maximal frozen margin.

    Args:
        net_or_features: a balanced network, or `Features` (m neurons).
        data: the data set (n points).
        loss: "exponential" or "logistic".

    Returns:
        The theorem, its hypotheses evaluated.

    Raises:
        NotSeparable: the features admit no positive margin (with the dual point that proves it).
        ValueError: an unbalanced network, an unknown loss, or features and data that do not fit.
        TypeError: features or data of another type.

    Source: chapter "No rotation".
    """
    features = as_features(net_or_features)
    if features.directions.shape[1] != _validate.kind("data", data, Dataset).d:
        raise ValueError(
            f"data has d = {data.d}; expected {features.directions.shape[1]}, as net_or_features"
        )
    return NoRotation(features, data, loss)
