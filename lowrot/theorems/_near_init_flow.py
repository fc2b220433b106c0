"""Near initialization, gradient flow: the margin gained is bounded below by the distance moved."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.losses import LOSSES, dual_weights, entropy_constant, soft_margin
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._flips import Flips
from lowrot.theorems._near_init import Start, at_most, columns
from lowrot.theorems._theorem import Check, Hypothesis, Theorem, times, verdict

_GRID = 2000
_START_SLACK = 1e-6


class NearInitFlow(Theorem):
    """The theorem on a sampled W_0 and data; build it with `near_init_flow`.

    ``D`` and ``rho`` are distances ``||W - W_0||``, ``tau`` is the loss-normalized clock.

    Attributes:
        start: tangent margin and sizes at W_0 (``start.g``, ``start.A``, ``start.N``).
        P0: the soft margin P(0), signed.
        c_n: ln n (exponential loss) or ln 2n (logistic loss).
        reach: the distance up to which the theorem speaks: g, or where g - rho - Phi(rho) ends.
        hypotheses: those of the theorem, then those of the corollary, evaluated.
    """

    def __init__(self, net: Network, data: Dataset, loss: str, layers: str) -> None:
        self.net, self.data = net, data
        self.loss = _validate.choice("loss", loss, LOSSES)
        self.layers = _validate.choice("layers", layers, ("outer", "both"))
        self.start = Start.of(net, data, layers)
        self.P0 = float(soft_margin(self.start.p, loss))
        self.c_n = entropy_constant(data.n, loss)
        self._flips = None
        self.reach = self.start.g
        if self.start.inner is not None:
            distances = np.linspace(0.0, self.start.g, _GRID + 1)
            self._flips = Flips.of(net, data, self.start.inner, distances)
            kept = self.rate(distances) >= 0
            self.reach = float(distances[kept].max()) if kept.any() else 0.0
        found = self._corollary()
        self._applies = all(hypothesis.holds for hypothesis in found)
        self.hypotheses = [*self.start.hypotheses(), *found]
        self._D = np.linspace(0.0, self.reach, _GRID + 1)
        self._best_ratio = np.maximum.accumulate(self.ratio_after(self._D))

    def phi(self, rho: Any) -> np.ndarray:
        """Phi(rho), what flipped activations can cost, from above; 0 for the outer layer."""
        rho = _distances(rho)
        return np.zeros_like(rho) if self._flips is None else self._flips.cost(rho)

    def rate(self, rho: Any) -> np.ndarray:
        """``g - rho - Phi(rho)``, a lower bound on ``<W', theta>`` at distance rho."""
        return self.start.g - _distances(rho) - self.phi(rho)

    def gain(self, rho: Any) -> np.ndarray:
        """Lower bound on ``P - P(0)`` once the distance rho was reached, greatest at ``reach``.

        Outer layer: ``g rho - rho^2/2``; both: the integral of ``rate``.
        """
        rho = np.minimum(_distances(rho), self.reach)
        flips = 0.0 if self._flips is None else self._flips.integral(rho)
        return self.start.g * rho - rho**2 / 2 - flips

    def floor(self, rho: Any) -> np.ndarray:
        """Lower bound on P, for ever after the distance rho was reached."""
        rho = np.minimum(_distances(rho), self.reach)
        floor = self.P0 + self.gain(rho)
        if self._applies and self.loss == "logistic" and self.layers == "outer":
            # P >= 0 came at some distance below g/8.
            g = self.start.g
            late = self.gain(rho) - 15 * g**2 / 128
            floor = np.where(rho >= g / 8, np.maximum(floor, late), floor)
        return floor

    def time(self, D: Any) -> np.ndarray:
        """Clock time by which the distance D is reached, ``D/rate(D)`` (inf beyond ``reach``)."""
        D, rate = _distances(D), self.rate(D)
        return np.where(rate > 0, D / np.where(rate > 0, rate, 1.0), np.inf)

    def reached(self, tau: Any) -> np.ndarray:
        """Distance that has been reached by clock time tau, a lower bound; g tau/(1 + tau)."""
        tau = times(tau)
        if self._flips is None:
            return self.start.g * tau / (1.0 + tau)
        index = np.searchsorted(self.time(self._D), tau, side="right") - 1
        return self._D[np.maximum(index, 0)]

    def bound(self, tau: Any) -> np.ndarray:
        """Lower bound on P at clock time tau, known before training."""
        return self.floor(self.reached(tau))

    def ratio_after(self, D: Any) -> np.ndarray:
        """Lower bound on ``P_+/(||a|| ||V||_F)``, for ever after the distance D was reached."""
        D = np.minimum(_distances(D), self.reach)
        sizes = (self.start.A + D) * (self.start.V_norm + D)
        return np.maximum(self.floor(D), 0.0) / np.where(sizes > 0, sizes, 1.0)

    def ratio_floor(self, rho: Any) -> np.ndarray:
        """The best of ``ratio_after`` over all distances D <= rho."""
        index = np.searchsorted(self._D, _distances(rho), side="right") - 1
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

    def check(self, path: Path) -> Check:
        """Compare the conclusions with a path of gradient flow: every saved time.

        The corollary's lines are there only if its hypotheses hold. Distances are the largest so
        far, since every bound lasts. Slacks of P are relative to max(1, ``|P|``).

        Raises:
            ValueError: a path without the columns of `gradient_flow`, from another start or of
                another loss.
        """
        names = ("tau", "P", "rho", "min_margin", "norm_a", "norm_V", "norm_squared", "margin")
        tau, P, rho, p, a, V, square, margin = columns(path, *names)
        self._fits(path, P[0], rho[0])
        far = np.maximum.accumulate(rho)
        frame = pd.DataFrame(
            {
                "tau": tau,
                "rho": rho,
                "reached": self.reached(tau),
                "P": P,
                "floor": self.floor(far),
                "bound": self.bound(tau),
                "min_margin": p,
                "ratio": np.maximum(P, 0.0) / (a * V),
                "ratio_floor": self.ratio_floor(far),
                "margin": margin,
                "margin_floor": self.ratio_floor(far) * a * V / square,
            }
        )
        size = np.maximum(1.0, np.abs(P))
        slack = {
            "P(0) + gain <= P": ((frame.P - frame.floor) / size).min(),
            "P <= min p": ((frame.min_margin - frame.P) / size).min(),
            "distance by tau <= rho": (far - frame.reached).min(),
            "bound at tau <= P": ((frame.P - frame.bound) / size).min(),
            "floor <= P/(||a|| ||V||)": (frame.ratio - frame.ratio_floor).min(),
            "floor <= P/||W||^2": (frame.margin - frame.margin_floor).min(),
        }
        if self._applies and self.layers == "outer":
            g, late = self.start.g, tau >= 1.0
            done = late | (far >= g / 2)
            if done.any():
                slack["corollary: P >= g^2/4"] = (P[done] - g**2 / 4).min()
            if late.any():
                slack["corollary: rho >= g/2 by tau = 1"] = far[late].min() - g / 2
        return verdict(frame, slack)

    def inequalities(self, path: Path) -> Check:
        """Evaluate both sides of each inequality of the proof, from the states ``a`` and ``V``.

        Columns: ``along`` (``<W', theta>``) and ``along_bound`` (g - rho - Phi(rho)); ``speed``
        (``||W'||^2``) and ``speed_bound`` ((g - rho)_+ ||W'||, both less Phi); ``moved``
        (``<W - W_0, theta>``) and ``moved_bound`` (tau times the rate at the largest distance so
        far); while P < 0, ``outward`` (``sum q <G, W - W_0>``) below ``outward_bound``
        (c_n + N + rho^2 + A rho).
        """
        tau, P, rho = columns(path, "tau", "P", "rho")
        self._fits(path, P[0], rho[0])
        a, V = (torch.as_tensor(path[name]).to(self.data.X) for name in ("a", "V"))
        far, rows = np.maximum.accumulate(rho), []
        for k in range(len(tau)):
            net = replace(self.net, a=a[k], V=V[k])
            q = dual_weights(net.margins(self.data), self.loss)[0]
            slope_a, slope_V = net.gradient(self.data, q)
            moved_a, moved_V = net.a - self.net.a, net.V - self.net.V
            rate = float(self.rate(rho[k]))
            square = float(slope_a.square().sum() + slope_V.square().sum())
            outward = float(slope_a @ moved_a + (slope_V * moved_V).sum())
            start = self.start
            most = self.c_n + start.N + rho[k] ** 2 + start.A * rho[k]
            rows.append(
                {
                    "tau": tau[k],
                    "along": self._along(slope_a, slope_V),
                    "along_bound": rate,
                    "speed": square,
                    "speed_bound": max(rate, 0.0) * math.sqrt(square),
                    "moved": self._along(moved_a, moved_V),
                    "moved_bound": tau[k] * float(self.rate(far[k])),
                    "outward": outward if P[k] < 0 else math.nan,
                    "outward_bound": most if P[k] < 0 else math.nan,
                }
            )
        frame = pd.DataFrame(rows)
        slack = {
            "<W', theta> >= g - rho - Phi": (frame.along - frame.along_bound).min(),
            "||W'||^2 >= (g - rho - Phi) ||W'||": (frame.speed - frame.speed_bound).min(),
            "<W - W_0, theta> >= tau (g - rho - Phi)": (frame.moved - frame.moved_bound).min(),
        }
        if (P < 0).any():
            early = (frame.outward_bound - frame.outward).min()
            slack["outward motion while P < 0"] = early
        return verdict(frame, slack)

    def _along(self, outer: torch.Tensor, inner: torch.Tensor) -> float:
        """Inner product with theta."""
        along = float(outer @ self.start.outer)
        if self.start.inner is not None:
            along += float((inner * self.start.inner).sum())
        return along

    def _fits(self, path: Path, P0: float, rho0: float) -> None:
        if path.meta.get("loss", self.loss) != self.loss:
            raise ValueError(f"path has loss {path.meta['loss']!r}; expected {self.loss!r}")
        if abs(P0 - self.P0) > _START_SLACK * (1 + abs(self.P0)) or rho0 > _START_SLACK:
            raise ValueError(
                f"path starts at P = {P0:.6g}, rho = {rho0:.3g}; expected P = {self.P0:.6g} and "
                "rho = 0, the W_0 of this theorem"
            )

    def _corollary(self) -> list[Hypothesis]:
        g, A, N = self.start.g, self.start.A, self.start.N
        if self.layers == "both":
            best = self.P0 + float(self.gain(self.reach))
            statement = "corollary: soft margin that the theorem reaches, P(0) + gain"
            return [Hypothesis(statement, best, "> 0", best > 0)]
        if self.loss == "exponential":
            size = 8 * (self.c_n + N)
            return [at_most("corollary: 8 (ln n + N)", size, "g^2", g**2)]
        size = 32 * (self.c_n + N)
        return [
            at_most("corollary: 16 ||a_0||", 16 * A, "g", g),
            at_most("corollary: 32 (ln 2n + N)", size, "g^2", g**2),
        ]


def near_init_flow(
    net: Network, data: Dataset, *, loss: str = "exponential", layers: str = "outer"
) -> NearInitFlow:
    """Evaluate the near-initialization theorem of gradient flow at a sampled W_0.

    Args:
        net: the start W_0.
        data: the data set (n points).
        loss: "exponential" or "logistic".
        layers: "outer" (theta moves the outer weights only) or "both" (the margin is larger, and
            activations that flip cost Phi).

    Raises:
        NotSeparable: the tangents of these layers have no positive margin.
        ValueError, TypeError: arguments that do not fit together.

    Source: chapter "Near initialization: gradient flow".
    """
    return NearInitFlow(net, data, loss, layers)


def _distances(rho: Any) -> np.ndarray:
    rho = np.asarray(rho, dtype=np.float64)
    if np.any(~(rho >= 0)):
        raise ValueError("distances have entries that are negative or NaN; expected >= 0")
    return rho
