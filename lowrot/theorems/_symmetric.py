"""Symmetric data: what gradient flow of leaky networks attains, from any start or a good one."""

from __future__ import annotations

import math

import numpy as np

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.losses import Loss, as_loss, entropy_constant
from lowrot.network import Network
from lowrot.optima import svm_margin
from lowrot.path import Path
from lowrot.theorems._lorentz import least_boosted
from lowrot.theorems._small_starts import SmallStart, acute_start
from lowrot.theorems._subject import flow_subject
from lowrot.theorems._symmetric_data import (
    SAME_SIZE,
    States,
    checked,
    least_domination,
    mirrors,
)
from lowrot.theorems._symmetric_proof import Evaluated, hypotheses, lines, lock_in, unpaired
from lowrot.theorems._theorem import Check, verdict

PARTS = ("any", "paired", "acute", "locked")
"""The starts that the theorems speak of."""


class Symmetric(Evaluated):
    """The theorem on a given network and data; build it with `symmetric`.

    Attributes:
        net: the network at time 0 (m neurons).
        data: the data.
        part: which starts it speaks of: "any", "paired", "acute" or "locked".
        mirror: which point is the mirror of which, shape (n,), or None.
        gamma: the linear margin, an `Optimum`.
        gain: ``(1 + alpha)/2 gamma``; half of it is the largest margin of any network.
        c: ``s_j v_j . w``, w the direction of the linear margin, shape (m,).
        ln_G: ln of the constant G of the start.
        ln_start_norm: ``ln ||W_0||^2``.
        limit: the bound on the limit of the smoothed margin.
        ceiling: the largest margin of a network with these signs of the a_j (1/2 unless symmetric).
        lost: ``ln(||W_0||^2/G)``, what the start costs.
        c_n: ln n (exponential loss) or ln 2n (logistic loss).
        hypotheses: evaluated.
    """

    def __init__(self, net: Network, data: Dataset, loss: str | Loss, part: str) -> None:
        checked(net, data)
        self.net, self.data, self.part = net, data, _validate.choice("part", part, PARTS)
        self.loss = as_loss(loss).name
        self.c_n = entropy_constant(data.n, loss)
        self.mirror = mirrors(data)
        self.gamma = svm_margin(data)
        self.gain = 0.5 * (1 + net.slope) * self.gamma.value
        self.direction = self.gamma.primal.cpu().numpy()
        self.subject = flow_subject(net, net.margins(data), self.loss)
        start = States.of(net, data)
        self.c = start.along(self.direction)[0]
        self.good = start.good[0]
        self.dominated = least_domination(net) >= 1 - SAME_SIZE
        self.limit = 0.5 * (net.slope * self.gamma.value if part == "any" else self.gain)
        self.ceiling = self._ceiling()
        self.ln_start_norm = math.log(net.norm_squared)
        self.ln_G = self._ln_G()
        self.lost = self.ln_start_norm - self.ln_G
        self.hypotheses = hypotheses(self)

    def _ceiling(self) -> float:
        if self.mirror is None:
            return 0.5
        both = bool((self.net.a > 0).any()) and bool((self.net.a < 0).any())
        # Neurons may change the sign of a_j where |a_j| < ||v_j||.
        return 0.5 * (self.gain if both or not self.dominated
                      else self.net.slope * self.gamma.value)  # fmt: skip

    def _ln_G(self) -> float:
        """``ln G``, with ``||W||^2 >= G exp(4 limit tau)``; -inf where there is none."""
        own = 2.0 * float((np.clip(self.c, 0.0, None) ** 2).sum())
        if self.part == "any":
            G = own
        elif self.part == "paired":
            beta = least_boosted(self.net) if unpaired(self.net) == 0 else 0.0
            G = max(beta, own) if self.dominated else beta
        else:
            up, down = (
                math.sqrt(float((self.c[self.good & (sign * self.a > 0)] ** 2).sum()))
                for sign in (1, -1)
            )
            G = 4.0 * up * down
        return math.log(G) if G > 0 else -math.inf

    @property
    def lock_in(self) -> dict[str, float]:
        """The numbers of the lock-in certificate: delta, rho, D, distance and gamma."""
        return lock_in(self)

    def small_start(self) -> SmallStart:
        """How small a balanced start makes good neurons of both signs, for acute data."""
        return acute_start(self.net, self.data)

    def _of(self, net: Network) -> Symmetric:
        return Symmetric(net, self.data, self.loss, self.part)

    def odd_bound(self, path: Path) -> np.ndarray:
        """The bound of the oddness certificate in time: data symmetric, ``|a_j| >= ||v_j||``.

        Between saved times k(e), e the oddness defect, is taken as the smaller of both ends.

        Args:
            path: of `gradient_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            Shape (k,); -inf at time 0.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem, or data that are
                not symmetric.
        """
        self.require_path(path, "P", "norm_squared", "a", "V")
        if self.mirror is None:
            raise ValueError("path has data that are not symmetric; expected (-x, -y) with (x, y)")
        slope = self.net.slope
        defect = States.of(path, self.data).odd_defect()
        k = 0.5 * (1 + slope) - 0.5 * (1 - slope) * np.tanh(0.5 * (1 - slope) * defect)
        tau = path["tau"]
        total = np.append(0.0, np.cumsum(np.minimum(k[1:], k[:-1]) * np.diff(tau)))
        own = 2.0 * float((np.clip(self.c, 0.0, None) ** 2).sum())
        lost = self.ln_start_norm - math.log(own) if own > 0 else math.inf
        value = 0.5 * self.gamma.value * total - (lost + self.J(path)[1]) / 4
        return np.where(tau > 0, value / np.where(tau > 0, tau, 1.0), -math.inf)

    def check(self, path: Path) -> Check:
        """Compare the conclusion with a path of this network, at every saved time after the start.

        Args:
            path: of `gradient_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has ``margin`` beside ``bound``, ``bound_a_priori``, ``limit``
            and ``ceiling``, the bounds ``J_least`` and ``J`` on J beside ``J_limit``, and, on
            symmetric data, ``apart``, the sum of ``||v_j - a_j w||^2`` over ``||W||^2``, beside
            ``apart_bound``, ``1 - P/(gain ||W||^2/2)``.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        self.require_path(path, "P", "margin", "norm_squared", "a", "V")
        frame, slack = self._bounds(path)
        frame["ceiling"] = self.ceiling
        slack["margin <= ceiling"] = (frame.ceiling - frame.margin).min()
        if self.mirror is not None:
            late, square = path["tau"] > 0, path["norm_squared"]
            away = path["V"] - path["a"][:, :, None] * self.direction
            frame["apart"] = ((away**2).sum(axis=(1, 2)) / square)[late]
            frame["apart_bound"] = (1.0 - path["P"] / (0.5 * self.gain * square))[late]
            slack["rigidity"] = (frame.apart_bound - frame.apart).min()
        return verdict(frame, slack)

    def inequalities(self, path: Path) -> Check:
        """Compare both sides of each inequality of the proof along a path of this network.

        Args:
            path: of `gradient_flow` from this network, with its states ``a``, ``V`` and ``q``.

        Returns:
            A `Check`; its frame has ``growth``, ``ln G + 4 limit tau``, below ``ln_norm``, of
            ``||W||^2``, below ``norm_bound``, ``ln ||W_0||^2 + 4 tau P_+/||W||^2 + J``; and what
            the part adds: the least ``pull`` of a field along w with its bound, ``paired`` and
            ``good`` beside what they were, the spread of the ``u_j`` and their distance from w.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        self.require_path(path, "P", "margin", "norm_squared", "a", "V", "q")
        frame, slack = self._growth(path)
        more, slacks = lines(self, path)
        return verdict(frame.assign(**more), slack | slacks)


def symmetric(
    net: Network, data: Dataset, *, part: str = "any", loss: str | Loss = "exponential"
) -> Symmetric:
    """Evaluate the theorems on symmetric data, with (x, y) also (-x, -y).

    Args:
        net: the network at time 0, or at any saved time (`Path.network`).
        data: linearly separable data; for the parts other than "any" they have to be symmetric.
        part: "any" start (the universal bound, for which data need not be symmetric), "paired"
            (with each neuron also its negative), "acute" (data with products ``z_i.z_k >= 0``),
            or "locked" (the lock-in certificate).
        loss: "exponential" or "logistic".

    Returns:
        The theorem, its hypotheses evaluated.

    Raises:
        NotSeparable: the data are not linearly separable.
        ValueError: net and data that do not fit together, zero weights, an unknown part or loss.
        TypeError: a net or data of another type.

    Source: chapter "Symmetric data and simplicity bias".
    """
    return Symmetric(net, data, loss, part)
