"""Floors of the soft margin around W_0, by distance and by time, known before training."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.losses import Loss, as_loss, entropy_constant, soft_margin
from lowrot.network import Network
from lowrot.theorems._flips import Flips
from lowrot.theorems._near_init import Start
from lowrot.theorems._subject import flow_subject
from lowrot.theorems._theorem import Hypothesis, Theorem, at_most, nonnegative

_GRID = 2000
"""Intervals of the distances at which Phi and the best ratio are evaluated; between two of them
the worse end counts, so that a coarser grid gives a weaker bound, never a false one."""


class Floors(Theorem):
    """What the theorem of gradient flow says before training; `NearInitFlow` has the attributes."""

    def __init__(self, net: Network, data: Dataset, loss: str | Loss, layers: str) -> None:
        self.net = _validate.kind("net", net, Network)
        self.data = _validate.kind("data", data, Dataset)
        self.loss = as_loss(loss).name
        self.layers = _validate.choice("layers", layers, ("outer", "both"))
        self.start = Start.of(net, data, layers)
        self.subject = flow_subject(net, self.start.p, self.loss)
        self.P0 = float(soft_margin(self.start.p, loss))
        self.c_n = entropy_constant(data.n, loss)
        self._flips, self.reach = self._reach()
        found = self._corollary()
        self._applies = all(hypothesis.holds for hypothesis in found)
        self.hypotheses = [*self.start.hypotheses(), *found]
        self._D = np.linspace(0.0, self.reach, _GRID + 1)
        self._best_ratio = np.maximum.accumulate(self.ratio_after(self._D))

    def phi(self, rho: Any) -> np.ndarray:
        """Phi(rho), what flipped activations can cost, from above; 0 for the outer layer."""
        rho = nonnegative("rho", rho)
        return np.zeros_like(rho) if self._flips is None else self._flips.cost(rho)

    def rate(self, rho: Any) -> np.ndarray:
        """``g - rho - Phi(rho)``, a lower bound on ``<W', theta>`` at distance rho."""
        return self.start.g - nonnegative("rho", rho) - self.phi(rho)

    def gain(self, rho: Any) -> np.ndarray:
        """Lower bound on ``P - P(0)`` once the distance rho was reached, greatest at ``reach``.

        Outer layer: ``g rho - rho^2/2``; both: the integral of ``rate``.
        """
        rho = np.minimum(nonnegative("rho", rho), self.reach)
        flips = 0.0 if self._flips is None else self._flips.integral(rho)
        return self.start.g * rho - rho**2 / 2 - flips

    def floor(self, rho: Any) -> np.ndarray:
        """Lower bound on P, for ever after the distance rho was reached."""
        rho = np.minimum(nonnegative("rho", rho), self.reach)
        floor = self.P0 + self.gain(rho)
        if self._applies and self.loss == "logistic" and self.layers == "outer":
            # P >= 0 came at some distance below g/8.
            g = self.start.g
            late = self.gain(rho) - 15 * g**2 / 128
            floor = np.where(rho >= g / 8, np.maximum(floor, late), floor)
        return floor

    def time(self, D: Any) -> np.ndarray:
        """Clock time by which the distance D is reached, ``D/rate(D)`` (inf beyond ``reach``)."""
        D, rate = nonnegative("D", D), self.rate(D)
        return np.where(rate > 0, D / np.where(rate > 0, rate, 1.0), np.inf)

    def reached(self, tau: Any) -> np.ndarray:
        """Distance that has been reached by clock time tau, a lower bound; g tau/(1 + tau)."""
        tau = nonnegative("tau", tau)
        if self._flips is None:
            # In two forms, of which each holds to all digits where it is used, also at infinity.
            late = self.start.g / (1.0 + 1.0 / np.maximum(tau, 1.0))
            return np.where(tau > 1.0, late, self.start.g * np.minimum(tau, 1.0) / (1.0 + tau))
        tau = np.minimum(tau, np.finfo(float).max)  # distances never reached have an infinite time
        index = np.searchsorted(self.time(self._D), tau, side="right") - 1
        return self._D[np.maximum(index, 0)]

    def bound(self, tau: Any) -> np.ndarray:
        """Lower bound on P at clock time tau, known before training."""
        return self.floor(self.reached(tau))

    def ratio_after(self, D: Any) -> np.ndarray:
        """Lower bound on ``P_+/(||a|| ||V||_F)``, for ever after the distance D was reached."""
        D = np.minimum(nonnegative("D", D), self.reach)
        sizes = (self.start.A + D) * (self.start.V_norm + D)
        return np.maximum(self.floor(D), 0.0) / np.where(sizes > 0, sizes, 1.0)

    def ratio_floor(self, rho: Any) -> np.ndarray:
        """The best of ``ratio_after`` over all distances D <= rho."""
        index = np.searchsorted(self._D, nonnegative("rho", rho), side="right") - 1
        return self._best_ratio[index]

    @property
    def limit(self) -> float:
        """Lower bound on the limit of the normalized margin ``min_i p_i/||W||^2``.

        0 where no distance makes the floor positive: then the theorem says nothing of the limit.
        """
        return float(self._best_ratio[-1]) / 2

    @property
    def best_distance(self) -> float:
        """The distance D at which ``limit`` is attained."""
        return float(self._D[int(np.argmax(self.ratio_after(self._D)))])

    @property
    def limit_explicit(self) -> float:
        """``(2/9) g/(||V_0||_F + g/2)``, or nan where the corollary or A <= g/16 fails."""
        g = self.start.g
        if not (self._applies and self.layers == "outer" and g >= 16 * self.start.A):
            return math.nan
        return 2 / 9 * g / (self.start.V_norm + g / 2)

    def _reach(self) -> tuple[Flips | None, float]:
        """What flips cost, and the distance at which g - rho - Phi(rho) ends."""
        g, inner = self.start.g, self.start.inner
        if inner is None:
            return None, g
        grid = np.linspace(0.0, g, _GRID + 1)
        flips = Flips.of(self.net, self.data, inner, grid)
        kept = g - grid - flips.values >= 0
        return flips, float(grid[kept].max()) if kept.any() else 0.0

    def at_width(self, m: int) -> list[Hypothesis]:
        """The hypotheses as they would be at another width, from the numbers of this start.

        The tangent margin, ``||a_0||`` and N are taken to stay as they are; g then grows with the
        root of the width. A sampled start may differ.

        Args:
            m: width.

        Raises:
            ValueError: below 1, or both layers, whose flips depend on every neuron.
            TypeError: no integer.
        """
        if self.layers == "both":
            raise ValueError("layers is 'both'; expected 'outer', whose hypotheses have no flips")
        other, grown = copy(self), math.sqrt(_validate.integer("m", m, 1) / self.net.m)
        other.start = replace(self.start, g=self.start.g * grown)
        return [*other.start.hypotheses(), *other._corollary()]

    def _corollary(self) -> list[Hypothesis]:
        g, A, N = self.start.g, self.start.A, self.start.N
        if self.layers == "both":
            best = self.P0 + float(self.gain(self.reach))
            statement = "corollary: soft margin that the theorem reaches, $P(0)$ + gain"
            return [Hypothesis(statement, best, "$> 0$", best > 0)]
        if self.loss == "exponential":
            size = 8 * (self.c_n + N)
            return [at_most(r"corollary: $8 (\ln n + N)$", size, "g^2", g**2)]
        size = 32 * (self.c_n + N)
        return [
            at_most(r"corollary: $16 A$, $A = \|a_0\|$", 16 * A, "g", g),
            at_most(r"corollary: $32 (\ln 2n + N)$", size, "g^2", g**2),
        ]
