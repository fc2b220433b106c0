"""A certificate of regression at any width: pairs that may flip are projected out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._regression import TINY, RegressionTheorem, State, part
from lowrot.theorems._theorem import Check, Hypothesis, verdict

_HALVINGS = 40
"""Steps of the search for the radius."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """What the theorem computes for one set Z of pairs.

    Args:
        sigma: ``sigma_min(M_Z)``, less ``g chi_Z delta``; 0 if that is negative.
        chi: ``chi_Z``.
        R: norm of the residuals, plus ``B delta``.
        psi: ``sigma^2 - 2 g chi_Z R``.
    """

    sigma: float
    chi: float
    R: float
    psi: float


class RegressionCertificate(RegressionTheorem):
    """The certificate from a given state; build it with `regression_certificate`.

    Attributes:
        net, X, y, rates, R, g, hypotheses: as every theorem on regression.
        delta: weighted distance from the state within which every state is covered.
        Z: pairs that may still flip, True or False, shape (n, m): the least set that the theorem
            allows, or the one at which the search for it ended.
        sigma: ``sigma_min(M_Z)``.
        chi: ``chi_Z``, the largest ``||diag(s_j) X||_op`` with slope 1 on Z.
        psi: ``sigma^2 - 2 g chi_Z R``.
        drift: ``2 g chi_Z``.
        tau: by how much ``v_j.x_i`` may still move, shape (n, m).
        rounds: sets tried.
    """

    def __init__(
        self, net: Network, X: Tensor, y: Tensor, rates: tuple[float, float], delta: float = 0.0
    ) -> None:
        super().__init__(net, X, y, rates)
        self.delta = _validate.number("delta", delta, 0.0)
        self._z, self._size = np.abs(self.state.z), np.abs(net.a.cpu().numpy())
        x = self.X.cpu().numpy()
        self._lengths = np.linalg.norm(x, axis=1)
        self._squares = (x @ x.T) ** 2
        self._outer = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        self._residual = self.R
        self._search()
        n, left = len(x), int((~self.Z & (self._z <= self.tau)).sum())
        if net.slope == 1:
            left = 0
        self.hypotheses = [
            Hypothesis(r"$\mu_Z^2$", self.sigma**2, "$> 0$", self.sigma > 0),
            Hypothesis(
                r"$\psi = \mu_Z^2 - 2\bar\eta\chi_Z\mathcal U$", self.psi, "$> 0$", self.psi > 0
            ),
            Hypothesis(
                r"pairs off $Z$ that could flip", left, f"$= 0$ of ${n * net.m}$", left == 0
            ),
        ]

    def _search(self) -> None:
        """Find the least set Z that contains all pairs on kinks and all that could reach one."""
        Z, self.rounds = self.state.on_kinks, 0
        while True:
            self.rounds += 1
            found = self._numbers(Z)
            self.Z, self.chi, self.sigma = Z, found.chi, found.sigma
            self.psi, self.R, self.drift = found.psi, found.R, 2.0 * self.g * found.chi
            self.tau = self._reach(Z)
            if not self.psi > 0 or self.net.slope == 1:
                return
            more = Z | (self._z <= self.tau)
            if np.array_equal(more, Z):
                return
            Z = more

    def _slopes(self, Z: Array) -> Array:
        """Slopes, 1 on Z, shape (n, m)."""
        return np.where(Z | (self.state.z > 0), 1.0, self.net.slope)

    def _numbers(self, Z: Array) -> Numbers:
        """The numbers of a set, of the worst state within delta."""
        grams = (self._slopes(Z) ** 2).T @ self._outer
        d = self.net.d
        chi = math.sqrt(float(np.linalg.eigvalsh(grams.reshape(-1, d, d))[:, -1].max()))
        sigma = math.sqrt(self.state.least(self.rates, Z)) - self.g * chi * self.delta
        R = self._residual
        if self.delta:
            wide = float(np.linalg.norm(self.state.features, 2)) ** 2
            steep = self.eta_a * wide + self.eta_V * (chi * np.linalg.norm(self._size)) ** 2
            R += (math.sqrt(steep) + 0.5 * self.g * chi * self.delta) * self.delta
        sigma = max(0.0, sigma)
        return Numbers(sigma, chi, R, sigma**2 - 2.0 * self.g * chi * R)

    def _reach(self, Z: Array) -> Array:
        """tau, by how much ``z_ij`` may still move; infinite unless psi > 0."""
        if self.eta_V == 0 and not self.delta:
            return np.zeros_like(self._z)
        if not self.psi > 0:
            return np.full_like(self._z, math.inf)
        inner = math.sqrt(self.eta_V)
        plain = inner * self._lengths[:, None] * self.rho
        omega = np.sqrt(self._squares @ self._slopes(Z) ** 2)
        largest = self._size + math.sqrt(self.eta_a) * (self.rho + self.delta)
        sharp = self.eta_V * largest * omega * self.area
        return np.minimum(plain, sharp) + inner * self._lengths[:, None] * self.delta

    def at(self, net: Network) -> RegressionCertificate:
        return RegressionCertificate(net, self.X, self.y, self.rates, self.delta)

    def radius(self) -> float:
        """A weighted distance within which every state has the certificate, with one common Z.

        The largest that a bisection over powers of two, refined, has found; 0 if there is none.
        """
        if not self.holds:
            return 0.0
        high = self.sigma / max(self.g * self.chi, self.sigma / max(self.rho, TINY), TINY)
        low = 0.0
        for _ in range(_HALVINGS):
            if low > 0.99 * high:
                break
            middle = 0.5 * (low + high) if low else 0.25 * high
            if RegressionCertificate(self.net, self.X, self.y, self.rates, middle).holds:
                low = middle
            else:
                high = middle
        return low

    def check(self, path: Path) -> Check:
        """Compare the conclusion with a path from this state, at every saved time.

        Args:
            path: of `regression_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has ``t``, the ``residual`` below its ``bound``, the weighted
            ``distance`` from the state, and how many pairs have ``flipped`` since, on Z and
            ``off`` it. Slacks are relative, but for the number of pairs that flipped off Z.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "a", "V", "loss")
        columns, slack = self._conclusion(path, self._moved(path)[0])
        on, off = self.flips(path)
        slack["no pair off Z flips"] = -float(off.max()) if self.psi > 0 else 0.0
        return verdict(pd.DataFrame(columns | {"flipped": on, "off": off}), slack)

    def flips(self, path: Path) -> tuple[Array, Array]:
        """How many pairs have another sign than at T, on Z and off it, at every saved time.

        Args:
            path: of `regression_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            Two arrays of shape (k,).

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        self.require_path(path, "a", "V")
        on, off = [], []
        first = self.state.z > 0
        for state in self._states(path):
            changed = (state.z > 0) != first
            on.append(int((changed & self.Z).sum()))
            off.append(int((changed & ~self.Z).sum()))
        return np.array(on), np.array(off)

    def inequalities(self, path: Path) -> Check:
        """Compare both sides of each inequality of the proof along a path from this state.

        Args:
            path: of `regression_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has ``potential``, ``sigma(M_Z)^2 - 2 g chi_Z R`` with Z as at the
            start, which never falls; ``residual``, ``sigma``; ``rate``, ``-R R'``, above
            ``rate_bound``, ``r^T K^Z r``; and ``used``, the largest part of tau that a pair off Z
            has moved by. Slacks are relative.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "a", "V", "loss")
        states = self._states(path)
        R = np.array([np.linalg.norm(state.r) for state in states])
        sigma = np.sqrt([state.least(self.rates, self.Z) for state in states])
        rate = np.array([sum(state.speeds(self.rates)) for state in states])
        floor = np.array([state.pull(self.rates, self.Z) for state in states])
        potential, steps = sigma**2 - self.drift * R, self._steps(path)
        frame = pd.DataFrame(
            {
                "t": path["t"],
                "residual": R,
                "sigma": sigma,
                "potential": potential,
                "rate": rate,
                "rate_bound": floor,
                "used": [self._used(state) for state in states],
            }
        )
        weyl = self.g * self.chi * steps - np.abs(np.diff(sigma))
        slack = {
            "psi never falls": part(np.diff(potential), sigma[0] ** 2),
            "no slower than its kernel": ((rate - floor) / np.maximum(rate, TINY)).min(),
            "singular value": part(weyl, sigma[0]),
        }
        if self.psi > 0:
            outer = np.abs(path["a"]) - np.abs(path["a"][0])
            drop = -np.diff(R) - np.sqrt(self.psi + self.drift * R[1:]) * steps
            slack["length"] = part(drop, self.R)
            slack["outer weights"] = math.sqrt(self.eta_a) * self.rho - float(outer.max())
            slack["moves below tau"] = 1.0 - float(frame.used.max())
        return verdict(frame, slack)

    def _used(self, state: State) -> float:
        """The largest part of tau that a pair off Z has moved by; 0 of none."""
        moved = np.abs(state.z - self.state.z)[~self.Z] / np.maximum(self.tau[~self.Z], TINY)
        return float(moved.max(initial=0.0))


def regression_certificate(
    net: Network,
    X: Tensor,
    y: Tensor,
    *,
    rates: tuple[float, float] = (1.0, 1.0),
    delta: float = 0.0,
) -> RegressionCertificate:
    """Evaluate the certificate of convergence from a state, at any width.

    If it holds, the exact flow *from this state* tends to zero loss at the rate psi, its weighted
    path is at most rho, and only pairs of Z may still flip. It may hold at a state and not at a
    later one. Least eigenvalues are computed in doubles, and what their rounding may add is
    subtracted: no interval arithmetic.

    Args:
        net: the network at time 0, or at any saved time (`Path.network`), m neurons.
        X: inputs, shape (n, d).
        y: labels, shape (n,).
        rates: eta_a and eta_V, as of `regression_flow`.
        delta: weighted distance, >= 0; the certificate then holds for every state within it, with
            one common Z (the robust form).

    Returns:
        The theorem, its hypotheses evaluated.

    Raises:
        ValueError: arguments that do not fit together, zero inputs, or numbers out of bounds.
        TypeError: arguments of another type.

    Source: chapter "Regression beyond the tangent kernel".
    """
    _validate.kind("net", net, Network)
    return RegressionCertificate(net, X, y, rates, delta)
