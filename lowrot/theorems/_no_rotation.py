"""The no-rotation theorem: the coupled flow attains the maximal frozen margin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.coupled import Features
from lowrot.coupled._features import as_features
from lowrot.data import Dataset
from lowrot.losses import LOSSES, entropy_constant
from lowrot.network import Network, activation
from lowrot.optima import Optimum, frozen_margin
from lowrot.path import Path
from lowrot.theorems._theorem import Check, Hypothesis, Theorem, times, verdict


class NoRotation(Theorem):
    """The no-rotation theorem on given features and data; build it with `no_rotation`.

    Attributes:
        gamma: the optimum ``gamma_frozen`` with its certificate.
        divergence: ``KL(|u*| , |u(0)|/||u(0)||_1)`` at the primal optimum u*.
        c_n: ln n (exponential loss) or ln 2n (logistic loss).
        hypotheses: the hypotheses, evaluated.
    """

    def __init__(self, features: Features, data: Dataset, loss: str) -> None:
        self.features, self.data = features, data
        self.loss = _validate.choice("loss", loss, LOSSES)
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
        self.hypotheses = self._evaluate()

    def bound(self, tau: Any, J: Any) -> np.ndarray:
        """Lower bound on ``P_+/||u||_1`` at clock times tau, from J(tau) along the path."""
        tau, J = times(tau), np.asarray(J, dtype=np.float64)
        return self.gamma.value - _over(self.divergence + 2.0 * J, 2.0 * tau)

    def bound_a_priori(self, tau: Any) -> np.ndarray:
        """The same bound with J replaced by what is known of it before the run."""
        return self.bound(tau, np.full_like(times(tau), self.J_limit))

    @property
    def J_limit(self) -> float:
        """``(1 + KL + ln_+(c_n/||u(0)||_1)) / (2 gamma)``, an upper bound on J at every tau."""
        late = max(math.log(self.c_n) - self.ln_start_norm, 0.0) if self.c_n > 0 else 0.0
        return (1.0 + self.divergence + late) / (2.0 * self.gamma.value)

    def width_of_certificate(self, tau: Any, J: Any) -> np.ndarray:
        """Upper bound on ``D - P_+/||u||_1``, the certificate that needs no solver."""
        spread = self.ln_start_norm - float(self.features.start.min())
        return _over(spread + 2.0 * np.asarray(J, dtype=np.float64), 2.0 * times(tau))

    def check(self, path: Path) -> Check:
        """Compare the conclusion with a coupled path: every inequality at every saved time.

        Raises:
            ValueError: a path of another dynamics, or of another number of points.
        """
        self._fits(path)
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
            "gamma <= D": (frame.dual - self.gamma.value).min(),
            "D - margin <= width": (frame.width_bound - frame.width).min(),
            "J <= its limit": (frame.J_limit - frame.J).min(),
        }
        return verdict(frame, slack)

    def inequalities(self, path: Path) -> Check:
        """Evaluate both sides of each inequality of the proof along a coupled path.

        The frame has, by line of the proof: ``optimal_growth``,
        ``sum |u*_j| ln(|u_j(tau)|/|u_j(0)|)``, and ``two_gamma_tau``; ``ln_norm`` and its lower
        bound ``gibbs`` (Gibbs' inequality); ``norm_growth``, of ``ln ||u||_1``, and
        ``norm_growth_bound``, ``2 tau P_+/||u||_1 + 2 J``.
        """
        self._fits(path)
        chosen = self.features.directions[self._support]
        s = activation(self.data.X @ chosen.T, self.features.slope)
        C = self.data.y[:, None] * s * self.features.signs[self._support]
        growth = 2.0 * (torch.as_tensor(path["z"]).to(C) @ C)
        relative = self.features.start[self._support] - self._optimal.log()
        gibbs = float((self._optimal * relative).sum())
        optimal_growth = (growth @ self._optimal).cpu().numpy()
        tau, ln_norm = path["tau"], path["ln_norm"]
        frame = pd.DataFrame(
            {
                "tau": tau,
                "optimal_growth": optimal_growth,
                "two_gamma_tau": 2.0 * self.gamma.value * tau,
                "ln_norm": ln_norm,
                "gibbs": optimal_growth + gibbs,
                "norm_growth": ln_norm - self.ln_start_norm,
                "norm_growth_bound": 2.0 * tau * path["margin"] + 2.0 * path["J"],
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

    def _fits(self, path: Path) -> None:
        if path.meta.get("kind") != "coupled" or path["z"].shape[1] != self.data.n:
            raise ValueError(
                f"path is of kind {path.meta.get('kind')!r}; expected a coupled path on "
                f"{self.data.n} points"
            )
        if path.meta["loss"] != self.loss:
            raise ValueError(f"path has loss {path.meta['loss']!r}; expected {self.loss!r}")

    def _evaluate(self) -> list[Hypothesis]:
        V = self.features.directions
        unit = float((V.norm(dim=1) - 1.0).abs().max())
        # |s(v . x)| <= ||x|| for unit v and a slope in [0, 1], so the inputs decide.
        largest = float(self.data.X.norm(dim=1).max())
        value, gap = self.gamma.value, self.gamma.gap
        return [
            Hypothesis("unit directions: max | ||v_j|| - 1 |", unit, "<= 1e-9", unit <= 1e-9),
            Hypothesis(
                "bounded features: max |s(v_j . x_i)| <= max ||x_i||",
                largest,
                "<= 1",
                largest <= 1 + 1e-12,
            ),
            Hypothesis("positive frozen margin: gamma_frozen", value, "> 0", value > 0),
            Hypothesis("its optimum is certified: relative gap", gap, "<= 1e-4", gap <= 1e-4),
        ]


def no_rotation(
    net_or_features: Network | Features, data: Dataset, *, loss: str = "exponential"
) -> NoRotation:
    """Evaluate the no-rotation theorem: the coupled flow attains the maximal frozen margin.

    Args:
        net_or_features: a balanced network, or `Features` (m neurons).
        data: the data set (n points).
        loss: "exponential" or "logistic".

    Raises:
        NotSeparable: the features admit no positive margin (with the dual point that proves it).
        ValueError, TypeError: arguments that do not fit together.

    Source: chapter "No rotation".
    """
    return NoRotation(as_features(net_or_features), data, loss)


def _over(total: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Divide; infinite at time 0."""
    return np.where(time > 0, total / np.where(time > 0, time, 1.0), np.inf)
