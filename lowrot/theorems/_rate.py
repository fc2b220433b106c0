"""Theorems of one shape, ``||W||^2 >= G exp(4 limit tau)``, that may start at any saved time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._norm_growth import NormGrowthTheorem, early_growth
from lowrot.theorems._restart import RestartTheorem

if TYPE_CHECKING:
    import pandas as pd


class RateTheorem(NormGrowthTheorem, RestartTheorem):
    """A theorem whose norm grows at the rate ``4 limit``, from a constant G of the start on.

    Attributes:
        net: the network at time 0 (m neurons).
        data: the data.
        loss: "exponential" or "logistic".
        ln_G: ln of the constant G, with ``||W||^2 >= G exp(4 limit tau)``.
        ln_start_norm: ``ln ||W_0||^2``.
    """

    _per_margin = 4.0  # of ln ||W||^2
    net: Network
    data: Dataset
    loss: str
    ln_G: float
    ln_start_norm: float

    @property
    def J_limit(self) -> float:
        """``(1 + ln_+(2 c_n/G))/(2 limit)``, an upper bound on J at every tau (0 if c_n is 0)."""
        if self.c_n == 0:
            return 0.0
        if self.limit == 0 or self.ln_G == -math.inf:
            return math.inf
        return (1.0 + max(0.0, math.log(2.0 * self.c_n) - self.ln_G)) / (2.0 * self.limit)

    def J(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound on J at the saved times of a path of this network.

        Where the hypotheses hold, the upper bound also uses ``||W||^2 >= G exp(4 limit tau)``.

        Args:
            path: columns ``tau``, ``P`` and ``norm_squared``.

        Returns:
            Two arrays of shape (k,).

        Raises:
            TypeError, ValueError: no path, or one without these columns.
        """
        self.subject.require_names(path, ["P", "norm_squared"])
        floor = (self.ln_G, 4.0 * self.limit) if self.holds else None
        return early_growth(path, self.c_n, floor)

    def _bounds(self, path: Path) -> tuple[pd.DataFrame, dict[str, float]]:
        """The margin beside its bounds at the saved times after the start, and their slack."""
        import pandas as pd

        late = path["tau"] > 0
        tau, margin = path["tau"][late], path["margin"][late]
        least, most = (J[late] for J in self.J(path))
        frame = pd.DataFrame(
            {
                "tau": tau,
                "margin": margin,
                "bound": self.bound(tau, most),
                "bound_a_priori": self.bound_a_priori(tau),
                "limit": self.limit,
                "J_least": least,
                "J": most,
                "J_limit": self.J_limit,
            }
        )
        known = np.isfinite(frame.bound_a_priori)
        return frame, {
            "bound <= margin": float((frame.margin - frame.bound).min()),
            "a priori bound <= bound": float(
                (frame.bound - frame.bound_a_priori)[known].min() if known.any() else 0.0
            ),
            "J <= its limit": float((frame.J_limit - frame.J_least).min()),
        }

    def _growth(self, path: Path) -> tuple[pd.DataFrame, dict[str, float]]:
        """``ln ||W||^2`` between the line of the rate and what the margin lets it become."""
        import pandas as pd

        tau = path["tau"]
        frame = pd.DataFrame(
            {
                "tau": tau,
                "growth": self.ln_G + 4.0 * self.limit * tau,
                "ln_norm": np.log(path["norm_squared"]),
                "norm_bound": self.ln_start_norm + 4.0 * tau * path["margin"] + self.J(path)[1],
            }
        )
        scale = np.maximum(tau, 1.0)
        return frame, {
            "growth below the norm": float(((frame.ln_norm - frame.growth) / scale).min()),
            "growth of the norm": float(((frame.norm_bound - frame.ln_norm) / scale).min()),
        }
