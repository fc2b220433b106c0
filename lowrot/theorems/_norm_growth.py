"""Theorems that compare the growth of the norm with that of the margin, and their integral J."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np

from lowrot.integrate import Line, time_under
from lowrot.path import Path
from lowrot.theorems._theorem import Theorem, fitting, nonnegative, over


class NormGrowthTheorem(Theorem):
    """A theorem whose bound on the smoothed margin is ``limit - (lost + J(tau)) / (k tau)``.

    The norm grows at least at a rate that the constants know (a potential function), and at most
    at one that the margin reached and J allow: where the two meet, the margin is bounded below.

    Attributes:
        c_n: ln n (exponential loss) or ln 2n (logistic loss).
        limit: the bound on the limit of the smoothed margin.
        lost: what the start costs.
    """

    c_n: float
    limit: float
    lost: float
    _per_margin: float
    """k: at the margin gamma, the logarithm in which J is measured grows at the rate k gamma."""

    @property
    @abstractmethod
    def J_limit(self) -> float:
        """An upper bound on J at every tau, known before the run."""

    def bound(self, tau: Any, J: Any = None) -> np.ndarray:
        """Lower bound on the smoothed margin at clock times.

        Args:
            tau: clock times >= 0.
            J: J(tau) along a path, of a shape that broadcasts with tau; ``J_limit`` when None.

        Returns:
            Of the shape of tau; -inf at tau = 0, the limit at tau = inf.

        Raises:
            ValueError: numbers that are negative or NaN, or J of a shape that does not broadcast.
            TypeError: no real numbers.
        """
        J = self.J_limit if J is None else J
        return margin_floor(self.limit, self.lost, self._per_margin, tau, J)

    def bound_a_priori(self, tau: Any) -> np.ndarray:
        """The bound as it is known before the run, with ``J_limit`` in place of J."""
        return self.bound(tau)


def margin_floor(limit: float, lost: float, k: float, tau: Any, J: Any) -> np.ndarray:
    """Return ``limit - (lost + J)/(k tau)``, -inf at tau = 0; raise unless tau >= 0."""
    tau, J = nonnegative("tau", tau), nonnegative("J", J)
    fitting("J", J, tau)
    return limit - over((lost + J) / k, tau)


def early_growth(
    path: Path, c_n: float, floor: Line | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds on ``int_0^tau min(2, 4 c_n/||W||^2)`` at the saved times of a gradient flow.

    Between saved times ln ||W||^2 lies between lines: it changes by at most 2 a unit of tau (F1),
    and at least at the rate 4 P/||W||^2, P at the earlier time (F3 to F5).

    Args:
        path: columns ``tau``, ``P`` and ``norm_squared``.
        c_n: the constant of F3.
        floor: value at tau = 0 and slope of one more lower bound of ln ||W||^2, if known.

    Returns:
        Lower and upper bound, each of shape (k,).
    """
    least, most = np.zeros(len(path)), np.zeros(len(path))
    if c_n == 0:
        return least, most
    level, tau, ln_norm = math.log(2.0 * c_n), path["tau"], np.log(path["norm_squared"])
    rate = 4.0 * path["P"] * np.exp(-ln_norm)
    for i, h in enumerate(np.diff(tau)):
        slope = min(rate[i], 2.0)
        if slope < 0:
            # P never falls (F2) but ||W||^2 may, by at most e^{-2 h}, and so may 4 P/||W||^2 < 0.
            slope = max(-2.0, slope * math.exp(min(2.0 * h, 700.0)))
        start, end = ln_norm[i], ln_norm[i + 1]
        below = [(start, slope), (end - 2.0 * h, 2.0)]
        if floor is not None:
            below.append((floor[0] + floor[1] * tau[i], floor[1]))
        above = [(start, 2.0), (end - slope * h, slope)]
        most[i + 1] = most[i] + 2.0 * time_under(level, below, h, max)
        least[i + 1] = least[i] + 2.0 * time_under(level, above, h, min)
    return least, most
