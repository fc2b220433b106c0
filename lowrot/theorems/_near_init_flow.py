"""Near initialization, gradient flow: the margin gained is bounded below by the distance moved."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lowrot.data import Dataset
from lowrot.losses import Loss, dual_weights
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._near_init import networks
from lowrot.theorems._near_init_floors import Floors
from lowrot.theorems._theorem import Check, verdict

if TYPE_CHECKING:
    import pandas as pd

_READ = ("tau", "P", "rho", "min_margin", "norm_a", "norm_V", "norm_squared", "margin")
"""What the conclusion is compared with."""


class NearInitFlow(Floors):
    """The theorem on a sampled W_0 and data; build it with `near_init_flow`.

    ``D`` and ``rho`` are distances ``||W - W_0||``, ``tau`` is the loss-normalized clock; the
    functions of them take arrays, and raise ValueError where one is negative or NaN.

    Attributes:
        net: W_0.
        data: the data set (n points).
        loss: "exponential" or "logistic".
        layers: those that theta moves, "outer" or "both".
        start: tangent margin and sizes at W_0 (``start.g``, ``start.A``, ``start.N``).
        P0: the soft margin P(0), signed.
        c_n: ln n (exponential loss) or ln 2n (logistic loss).
        reach: the distance up to which the theorem speaks: g, or where g - rho - Phi(rho) ends.
        hypotheses: those of the theorem, then those of the corollary, evaluated.
    """

    def check(self, path: Path) -> Check:
        """Compare the conclusions with a path of gradient flow, at every saved time.

        The corollary's lines are there only if its hypotheses hold. Distances are the largest so
        far, since every bound lasts. Slacks of P are relative to max(1, ``|P|``).

        Args:
            path: of `gradient_flow` from W_0, of this loss.

        Returns:
            A `Check`; its frame has the measured ``P``, ``rho``, ``min_margin``, ``ratio``
            (``P_+/(||a|| ||V||)``) and ``margin`` beside ``floor``, ``bound``, ``reached``,
            ``ratio_floor`` and ``margin_floor``.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        frame = self._conclusion(path)
        size = frame.P.abs().clip(lower=1.0)
        slack = {
            "P(0) + gain <= P": ((frame.P - frame.floor) / size).min(),
            "P <= min p": ((frame.min_margin - frame.P) / size).min(),
            "distance by tau <= rho": (frame.rho.cummax() - frame.reached).min(),
            "bound at tau <= P": ((frame.P - frame.bound) / size).min(),
            "floor <= P/(||a|| ||V||)": (frame.ratio - frame.ratio_floor).min(),
            "floor <= P/||W||^2": (frame.margin - frame.margin_floor).min(),
        }
        return verdict(frame, slack | self._corollary_slack(frame))

    def _conclusion(self, path: Path) -> pd.DataFrame:
        """What the path has, and what it must have, at each saved time."""
        import pandas as pd

        self.require_path(path, *_READ)
        tau, P, rho, p, a, V, square, margin = (path[name] for name in _READ)
        far = np.maximum.accumulate(rho)
        return pd.DataFrame(
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

    def _corollary_slack(self, frame: pd.DataFrame) -> dict[str, float]:
        """The lines of the corollary, from the saved times at which they speak."""
        if not self._applies or self.layers != "outer":
            return {}
        g, far, late = self.start.g, frame.rho.cummax(), frame.tau >= 1.0
        done, slack = late | (far >= g / 2), {}
        if done.any():
            slack["corollary: P >= g^2/4"] = (frame.P[done] - g**2 / 4).min()
        if late.any():
            slack["corollary: rho >= g/2 by tau = 1"] = far[late].min() - g / 2
        return slack

    def inequalities(self, path: Path) -> Check:
        """Compare both sides of each inequality of the proof along a path.

        Args:
            path: of `gradient_flow` from W_0, of this loss, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has ``along`` (``<W', theta>``) and ``along_bound``
            (g - rho - Phi(rho)); ``speed`` (``||W'||^2``) and ``speed_bound``
            ((g - rho)_+ ||W'||, both less Phi); ``moved`` (``<W - W_0, theta>``) and
            ``moved_bound`` (tau times the rate at the largest distance so far); while P < 0,
            ``outward`` (``sum q <G, W - W_0>``) below ``outward_bound`` (c_n + N + rho^2 + A rho).

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "tau", "P", "rho", "a", "V")
        tau, P, rho = path["tau"], path["P"], path["rho"]
        lines = pd.DataFrame([self._lines(net) for net in networks(path, self.net)])
        rate, far = self.rate(rho), np.maximum.accumulate(rho)
        outward = self.c_n + self.start.N + rho**2 + self.start.A * rho
        frame = pd.DataFrame(
            {
                "tau": tau,
                "along": lines.along,
                "along_bound": rate,
                "speed": lines.speed,
                "speed_bound": np.maximum(rate, 0.0) * np.sqrt(lines.speed),
                "moved": lines.moved,
                "moved_bound": tau * self.rate(far),
                "outward": lines.outward.where(P < 0),
                "outward_bound": np.where(P < 0, outward, math.nan),
            }
        )
        slack = {
            "<W', theta> >= g - rho - Phi": (frame.along - frame.along_bound).min(),
            "||W'||^2 >= (g - rho - Phi) ||W'||": (frame.speed - frame.speed_bound).min(),
            "<W - W_0, theta> >= tau (g - rho - Phi)": (frame.moved - frame.moved_bound).min(),
        }
        if (P < 0).any():
            early = (frame.outward_bound - frame.outward).min()
            slack["outward motion while P < 0"] = early
        return verdict(frame, slack)

    def _lines(self, net: Network) -> dict[str, float]:
        """The measured sides of the lines of the proof at one W."""
        q = dual_weights(net.margins(self.data), self.loss)[0]
        slope_a, slope_V = net.gradient(self.data, q)
        moved_a, moved_V = net.a - self.net.a, net.V - self.net.V
        return {
            "along": self.start.along(slope_a, slope_V),
            "speed": float(slope_a.square().sum() + slope_V.square().sum()),
            "moved": self.start.along(moved_a, moved_V),
            "outward": float(slope_a @ moved_a + (slope_V * moved_V).sum()),
        }


def near_init_flow(
    net: Network, data: Dataset, *, loss: str | Loss = "exponential", layers: str = "outer"
) -> NearInitFlow:
    """Evaluate the near-initialization theorem of gradient flow at a sampled W_0.

    Args:
        net: the start W_0.
        data: the data set (n points).
        loss: "exponential" or "logistic".
        layers: "outer" (theta moves the outer weights only) or "both" (the margin is larger, and
            activations that flip cost Phi).

    Returns:
        The theorem, its hypotheses evaluated.

    Raises:
        NotSeparable: the tangents of these layers have no positive margin.
        ValueError: an unknown loss or layers, or net and data that do not fit together.
        TypeError: a net or data of another type.

    Source: chapter "Near initialization: gradient flow".
    """
    return NearInitFlow(net, data, loss, layers)
