"""Simplicity bias: small starts on symmetric data turn to the mean before they grow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.losses import Loss, as_loss
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._small_starts import half_tangents
from lowrot.theorems._subject import flow_subject
from lowrot.theorems._symmetric_data import (
    SAME_SIZE,
    States,
    all_mirrored,
    at_most,
    checked,
    imbalance,
    mirrors,
)
from lowrot.theorems._theorem import Check, Hypothesis, Theorem, nonnegative, verdict


class SimplicityBias(Theorem):
    """The theorem on a given network and data; build it with `simplicity_bias`.

    Attributes:
        net: the network at time 0 (m neurons).
        data: the data.
        mean: the mean of ``y x``, shape (d,).
        nu: ``(1 + alpha)/2`` times its length, the rate of the early phase.
        direction: the unit vector along it, shape (d,).
        mass: ``E_0 = ||W_0||^2/2``.
        until: epsilon, the mass up to which the theorem follows the flow.
        T: clock time before which the mass cannot reach epsilon.
        t: ``tan(theta_j/2)`` of the angles of ``s_j v_j`` with the mean, at the start, shape (m,).
        t_0: ``max(1, max t_j)``.
        end: the bound on ``max t_j`` at time T.
        mass_ratio: what ``A_+^2/A_-^2``, the masses of both signs, tends to for small starts.
        hypotheses: evaluated.
    """

    def __init__(self, net: Network, data: Dataset, loss: str | Loss, until: float | None) -> None:
        checked(net, data)
        self.net, self.data, self.loss = net, data, as_loss(loss).name
        self.subject = flow_subject(net, net.margins(data), self.loss)
        self.mirror = mirrors(data)
        self.mean = (data.y[:, None] * data.X).mean(dim=0).cpu().numpy()
        length = float(np.linalg.norm(self.mean))
        self.nu = 0.5 * (1 + net.slope) * length
        self.direction = self.mean / length if length > 0 else np.eye(data.d)[0]
        self.mass = 0.5 * net.norm_squared
        self.t, _ = half_tangents(net, data, self.direction)
        self.t_0 = max(1.0, float(self.t.max(initial=0.0)))
        most = self.nu / self.t_0
        usual = min(most, max(self.mass ** (1 / 3), 2.0 * self.mass))
        self.until = usual if until is None else _validate.number("until", until, 0.0)
        self.T = self._time()
        self.end = self._at_most(self.t.max(initial=0.0), self.T)
        self.mass_ratio = self._mass_ratio()
        self.hypotheses = self._evaluate(most)

    def _time(self) -> float:
        """``ln[eps (nu + E_0)/(E_0 (nu + eps))]/(2 nu)``."""
        if not (self.nu > 0 and self.until > self.mass):
            return 0.0
        ratio = self.until * (self.nu + self.mass) / (self.mass * (self.nu + self.until))
        return math.log(ratio) / (2 * self.nu)

    def _mass_ratio(self) -> float:
        r = self._sizes(States.of(self.net, self.data))[0] ** 2
        a = self.net.a.cpu().numpy()
        down = float(r[a < 0].sum())
        return float(r[a > 0].sum()) / down if down > 0 else math.inf

    def _evaluate(self, most: float) -> list[Hypothesis]:
        off = imbalance(self.net)
        opposite = int((~np.isfinite(self.t)).sum())
        return [
            all_mirrored(self.data, self.mirror),
            Hypothesis(r"rate $\omega$ of the mean", self.nu, "$> 0$", self.nu > 0),
            Hypothesis("imbalance of a neuron", off, at_most(SAME_SIZE), off <= SAME_SIZE),
            Hypothesis("neurons opposite to the mean", opposite, "$= 0$", opposite == 0),
            Hypothesis(
                r"mass $M_0$ at the start", self.mass, rf"$< \epsilon = {self.until:.3g}$",
                self.mass < self.until, self.until,
            ),
            Hypothesis(
                r"mass $\epsilon$ at the end", self.until, rf"$\le \omega/\chi_0 = {most:.3g}$",
                self.until <= most, most,
            ),
        ]  # fmt: skip

    def mass_bound(self, tau: Any) -> np.ndarray:
        """Upper bound ``nu/[(1 + nu/E_0) e^{-2 nu tau} - 1]`` on the mass; infinite after its end.

        Args:
            tau: clock times >= 0.

        Raises:
            ValueError: times that are negative or NaN.
            TypeError: no real numbers.
        """
        tau = nonnegative("tau", tau)
        if self.nu == 0:
            return np.where(tau >= 0, math.inf, 0.0)
        left = (1 + self.nu / self.mass) * np.exp(-2 * self.nu * tau) - 1
        return np.where(left > 0, self.nu / np.where(left > 0, left, 1.0), math.inf)

    def bound(self, tau: Any) -> np.ndarray:
        """Upper bound on ``max_j tan(theta_j/2)`` at clock times up to T; infinite after it.

        Args:
            tau: clock times >= 0.

        Returns:
            Of the shape of tau.

        Raises:
            ValueError: times that are negative or NaN.
            TypeError: no real numbers.
        """
        return self._at_most(self.t.max(initial=0.0), tau)

    def _at_most(self, t: Any, tau: Any) -> np.ndarray:
        """``e^{1/4} (t(0) e^{-nu tau} + E^/(6 nu))``, infinite after T."""
        tau = nonnegative("tau", tau)
        mass = self.mass_bound(tau)
        inside = (tau <= self.T * (1 + 1e-12)) & np.isfinite(mass) & (self.nu > 0)
        rest = np.where(inside, mass, 0.0) / (6 * self.nu if self.nu > 0 else 1.0)
        value = math.exp(0.25) * (t * np.exp(-self.nu * tau) + rest)
        return np.where(inside, value, math.inf)

    def _sizes(self, states: States) -> np.ndarray:
        """``r_j = |a_j| (1 + cos theta_j)``, shape (k, m)."""
        size = np.where(states.size > 0, states.size, 1.0)
        return np.abs(states.a) * (1 + states.along(self.direction) / size)

    def check(self, path: Path) -> Check:
        """Compare the conclusions with a path of this network, at the saved times up to T.

        Args:
            path: of `gradient_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has the largest ``t`` beside its ``bound``, the ``mass`` beside
            ``mass_bound``, the distance ``off`` of f from the two-slope linear classifier on the
            data, over ``E ||x||``, beside ``off_bound``, and the error of ``ln r_j`` beside its.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        self.require_path(path, "norm_squared", "a", "V")
        import pandas as pd

        early = path["tau"] <= self.T
        tau, mass = path["tau"][early], 0.5 * path["norm_squared"][early]
        states = self._early(path, early)
        t = self._half(states)
        own = np.exp(0.25) * (
            self.t * np.exp(-self.nu * tau)[:, None]
            + self.mass_bound(tau)[:, None] / (6 * self.nu if self.nu > 0 else math.inf)
        )
        off = self._off(states) / mass
        r, first = self._sizes(states), self._sizes(States.of(self.net, self.data))
        alive = (first > 0)[0]
        error = np.abs(np.log(r[:, alive] / first[:, alive]) - self.nu * tau[:, None]).max(axis=1)
        allowed = math.sqrt(1 + self.t_0**2) * self.mass_bound(tau)
        allowed = allowed / (2 * self.nu if self.nu > 0 else 1.0)
        frame = pd.DataFrame(
            {
                "tau": tau,
                "t": t.max(axis=1),
                "bound": self.bound(tau),
                "mass": mass,
                "mass_bound": self.mass_bound(tau),
                "off": off,
                "off_bound": 2 * t.max(axis=1),
                "size_error": error,
                "size_bound": allowed,
            }
        )
        slack = {
            "angles": (1 - t / np.where(own > 0, own, 1.0)).min(),
            "mass": (1 - mass / frame.mass_bound).min(),
            "two-slope classifier": (frame.off_bound - off).min(),
            "sizes": (allowed - error).min(),
        }
        return verdict(frame, slack)

    def inequalities(self, path: Path) -> Check:
        """Compare both sides of each inequality of the proof along a path, up to T.

        Args:
            path: of `gradient_flow` from this network, with its states ``a``, ``V`` and ``q``.

        Returns:
            A `Check`; its frame has the distance ``uneven`` of q from equal weights beside the
            largest ``drift`` of a field from ``(1 + alpha)/2`` times the mean, and the ``mass``
            that bounds both; ``growth``, the rate of the mass, and its bound.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "norm_squared", "mean", "a", "V", "q")
        early = path["tau"] <= self.T
        states, mass = self._early(path, early), 0.5 * path["norm_squared"][early]
        assert states.q is not None
        uneven = np.abs(states.q - 1 / self.data.n).sum(axis=1)
        fields = states.fields
        even = 0.5 * (1 + self.net.slope) * self.mean
        drift = np.linalg.norm(fields - even, axis=2).max(axis=1)
        share = 2 if self.loss == "exponential" else 4
        frame = pd.DataFrame(
            {
                "tau": path["tau"][early],
                "drift": drift,
                "uneven": uneven,
                "uneven_bound": 2 * np.tanh(mass / share),
                "mass": mass,
                "growth": 2 * path["mean"][early],
                "growth_bound": 2 * (self.nu + mass) * mass,
            }
        )
        slack = {
            "drift of the field": (uneven - drift).min(),
            "uneven weights": (frame.uneven_bound - uneven).min(),
            "below the mass": (mass - frame.uneven_bound).min(),
            "growth of the mass": ((frame.growth_bound - frame.growth) / mass).min(),
            "turning": self._turning(states, fields, mass),
        }
        return verdict(frame, slack)

    def _turning(self, states: States, fields: np.ndarray, mass: np.ndarray) -> float:
        """Least of ``(cos theta)' - (nu sin theta - E) sin theta``: ``theta' <= E - nu sin``."""
        size = np.where(states.size > 0, states.size, 1.0)
        unit = states.signs[:, :, None] * states.V / size[:, :, None]
        along = unit @ self.direction
        rate = fields @ self.direction - along * (fields * unit).sum(axis=2)
        sine = np.linalg.norm(unit - along[:, :, None] * self.direction, axis=2)
        ahead = rate - (self.nu * sine - mass[:, None]) * sine
        return float(np.where(states.size > 0, ahead, np.inf).min())

    def _early(self, path: Path, early: np.ndarray) -> States:
        q = path["q"][early] if "q" in path.states else None
        whole = States.of(path, self.data)
        return States(whole.a[early], whole.V[early], whole.X, whole.y, whole.slope, q)

    def _half(self, states: States) -> np.ndarray:
        """``tan(theta_j/2)`` of the neurons that are not zero at the start, shape (k, m)."""
        alive = (states.size[0] > 0) if len(states.a) else slice(None)
        V, signs = states.V[:, alive], states.signs[:, alive]
        unit = signs[:, :, None] * V / np.linalg.norm(V, axis=2, keepdims=True)
        with np.errstate(divide="ignore"):
            return np.linalg.norm(unit - self.direction, axis=2) / np.linalg.norm(
                unit + self.direction, axis=2
            )

    def _off(self, states: States) -> np.ndarray:
        """Largest ``|f - F|/||x||`` on the data, F the classifier of two slopes, shape (k,)."""
        length = np.linalg.norm(states.X, axis=1)
        ahead = states.X @ self.direction
        masses = [np.where(sign * states.a > 0, states.a**2, 0.0).sum(axis=1) for sign in (1, -1)]
        F = masses[0][:, None] * np.maximum(ahead, states.slope * ahead) - masses[1][
            :, None
        ] * np.maximum(-ahead, -states.slope * ahead)
        return (np.abs(states.margins() * states.y - F) / length).max(axis=1)


def simplicity_bias(
    net: Network,
    data: Dataset,
    *,
    loss: str | Loss = "exponential",
    until: float | None = None,
) -> SimplicityBias:
    """Evaluate the theorem on small starts: early on, a classifier by the mean of the data.

    Args:
        net: the network at time 0, balanced, or at any saved time (`Path.network`).
        data: symmetric data, with (x, y) also (-x, -y).
        loss: "exponential" or "logistic".
        until: the mass ``||W||^2/2`` up to which the flow is followed; the cube root of the mass
            at the start when None, as far as the theorem allows.

    Returns:
        The theorem, its hypotheses evaluated.

    Raises:
        ValueError: net and data that do not fit together, zero weights, an unknown loss, or a
            mass that is negative or infinite.
        TypeError: a net, data or mass of another type.

    Source: chapter "Symmetric data and simplicity bias".
    """
    return SimplicityBias(net, data, loss, until)
