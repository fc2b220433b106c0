"""A potential of regression that never falls: the outer layer alone fits wide networks."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from lowrot import _validate
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._regression import TINY, RegressionTheorem, State, part
from lowrot.theorems._regression_width import Wider
from lowrot.theorems._theorem import Check, Hypothesis, verdict


class RegressionOuter(RegressionTheorem):
    """The theorem from a given state; build it with `regression_outer`.

    Attributes:
        net, X, y, rates, R, g, hypotheses: as every theorem on regression.
        sigma: the n-th singular value of the features ``A = s(X V^T)``, 0 for m < n.
        chi: ``||X||_op``.
        psi: the potential ``eta_a sigma^2 - g chi R``.
        drift: ``g chi``.
    """

    def __init__(self, net: Network, X: Tensor, y: Tensor, rates: tuple[float, float]) -> None:
        super().__init__(net, X, y, rates)
        self._wider: Wider | None = None
        self.chi = float(np.linalg.norm(self.X.cpu().numpy(), 2))
        self.sigma = self._sigma(self.state)
        self.drift = self.g * self.chi
        self.psi = self.eta_a * self.sigma**2 - self.drift * self.R
        self.hypotheses = self._evaluate(net.m, self.sigma**2, self.R)

    def _evaluate(self, m: int, square: float, R: float) -> list[Hypothesis]:
        """The hypotheses at a width, of the square of the singular value and of the residuals."""
        n, psi = len(self.X), self.eta_a * square - self.drift * R
        return [
            Hypothesis("width $m$", m, rf"$\ge n = {n}$", m >= n, n),
            Hypothesis(r"$\eta_a\mu^2$", self.eta_a * square, "$> 0$", self.eta_a * square > 0),
            Hypothesis(
                r"$\mathcal Q = \eta_a\mu^2 - \bar\eta\chi\mathcal U$", psi, r"$\ge 0$", psi >= 0
            ),
        ]

    def at_width(self, m: int) -> list[Hypothesis]:
        """The hypotheses as they would be at standard starts of another width, from the safe side.

        The square of the singular value grows at least in proportion to the number of neurons: it
        is carried from those of this start, in parts, and is no more than the kernel of infinite
        width allows. The residuals are what 95 in 100 starts stay below. Where this start has
        fewer neurons than points, or m is below an eighth of its width, nothing is carried and the
        hypotheses fail. A sampled start may still differ.

        Args:
            m: width.

        Raises:
            TypeError, ValueError: no integer, or below 1.
        """
        m = _validate.integer("m", m, 1)
        if self._wider is None:
            self._wider = Wider.of(self.state)
        return self._evaluate(m, self._wider.at(m), self._wider.R)

    def _sigma(self, state: State) -> float:
        if self.net.m < len(self.X):
            return 0.0
        return math.sqrt(state.least((1.0, 0.0)))

    @property
    def rho_V(self) -> float:
        """Half of rho, a bound on ``int ||V'||/sqrt(eta_V)``."""
        return 0.5 * self.rho

    @property
    def reach(self) -> float:
        """``sigma^2/(kappa chi) - ||f||``: every y of at most this norm is fitted; 0 if none."""
        if self.eta_a == 0 or self.sigma == 0:
            return 0.0
        if self.drift == 0:
            return math.inf
        outputs = float(self.net(self.X).norm())
        return max(0.0, self.eta_a * self.sigma**2 / self.drift - outputs)

    def at(self, net: Network) -> RegressionOuter:
        return RegressionOuter(net, self.X, self.y, self.rates)

    def check(self, path: Path) -> Check:
        """Compare the conclusion with a path from this state, at every saved time.

        Args:
            path: of `regression_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has ``t``, the ``residual`` below its ``bound``, and the weighted
            ``distance`` of all weights, and that of V, from the state. Slacks are relative.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "a", "V", "loss")
        both, inner = self._moved(path)
        columns, slack = self._conclusion(path, both)
        slack["distance of V <= rho/2"] = 1.0 - inner.max() / max(self.rho_V, TINY)
        return verdict(pd.DataFrame(columns | {"distance_V": inner}), slack)

    def inequalities(self, path: Path) -> Check:
        """Compare both sides of each inequality of the proof along a path from this state.

        Args:
            path: of `regression_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has ``potential``, Psi, which never falls; ``sigma``, ``residual``;
            and of ``-R R'`` the parts ``outer`` and ``inner``, with ``outer_bound``. Slacks are
            relative.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "a", "V", "loss")
        states = self._states(path)
        R = np.array([np.linalg.norm(state.r) for state in states])
        sigma = np.array([self._sigma(state) for state in states])
        outer, inner = np.array([state.speeds(self.rates) for state in states]).T
        floor = self.eta_a * (sigma * R) ** 2
        potential = self.eta_a * sigma**2 - self.drift * R
        rate = np.maximum(outer + inner, TINY)
        steps_V = np.linalg.norm(np.diff(path["V"], axis=0).reshape(len(R) - 1, -1), axis=1)
        known = np.maximum(potential[0], 0.0) if potential[0] >= 0 else 0.0
        drop = -np.diff(R) - np.sqrt(known + self.drift * R[1:]) * self._steps(path)
        frame = pd.DataFrame(
            {
                "t": path["t"],
                "residual": R,
                "sigma": sigma,
                "potential": potential,
                "outer": outer,
                "outer_bound": floor,
                "inner": inner,
            }
        )
        size = max(self.eta_a * self.sigma**2, self.drift * self.R)
        both = outer + inner - 2.0 * np.sqrt(floor * inner)
        slack = {
            "Psi never falls": part(np.diff(potential), size),
            "outer layer alone": ((outer - floor) / rate).min(),
            "both layers": (both / rate).min(),
            "singular value": part(self.chi * steps_V - np.abs(np.diff(sigma)), self.sigma),
        }
        if self.psi >= 0:
            slack["length"] = part(drop, self.R)
        return verdict(frame, slack)


def regression_outer(
    net: Network, X: Tensor, y: Tensor, *, rates: tuple[float, float] = (1.0, 1.0)
) -> RegressionOuter:
    """Evaluate the theorem on a potential that never falls, for wide networks.

    It says something for m >= n, where the outer layer alone could fit every label. Its least
    eigenvalue is computed in doubles, and what their rounding may add is subtracted: no interval
    arithmetic.

    Args:
        net: the network at time 0, or at any saved time (`Path.network`), m neurons.
        X: inputs, shape (n, d).
        y: labels, shape (n,).
        rates: eta_a and eta_V, as of `regression_flow`.

    Returns:
        The theorem, its hypotheses evaluated.

    Raises:
        ValueError: arguments that do not fit together, zero inputs, or rates out of bounds.
        TypeError: arguments of another type.

    Source: chapter "Regression beyond the tangent kernel".
    """
    _validate.kind("net", net, Network)
    return RegressionOuter(net, X, y, rates)
