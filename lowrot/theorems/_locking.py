"""The locking lemma: neurons near one direction stay there, and grow at a rate known exactly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.losses import Loss, as_loss, entropy_constant
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._locking_groups import LEVEL, best_share, height_groups
from lowrot.theorems._rate import RateTheorem
from lowrot.theorems._small_starts import SmallStart, fragile_lock, symmetric_lock
from lowrot.theorems._subject import flow_subject
from lowrot.theorems._symmetric_data import (
    SAME_SIZE,
    States,
    at_most,
    checked,
    least_domination,
    mirrors,
)
from lowrot.theorems._theorem import Check, Hypothesis, verdict


class Locking(RateTheorem):
    """The theorem on a given network, data and direction; build it with `locking`.

    Attributes:
        net: the network at time 0 (m neurons).
        data: the data.
        e: the unit vector, shape (d,).
        groups: the points by label and height over e.
        k: the least ``z.e/||z_perp||``, z = y x.
        theta: the share of the mass of ``a_j > 0`` in the end.
        c: ``s_j v_j.e``, shape (m,).
        Q: sum of ``||v_j,perp||^2``.
        limit: ``M_e``, the limit of the smoothed margin, exactly, and its largest value for ever.
        ln_G: ln of the constant of the start.
        ln_start_norm: ``ln ||W_0||^2``.
        lost: ``ln(||W_0||^2/G)``, what the start costs.
        c_n: ln n (exponential loss) or ln 2n (logistic loss).
        hypotheses: evaluated.
    """

    def __init__(self, net: Network, data: Dataset, e: Any, loss: str | Loss) -> None:
        checked(net, data)
        unit = _validate.real_array("direction", e, (data.d,)).cpu()
        length = float(torch.linalg.vector_norm(unit))
        if not abs(length - 1) <= SAME_SIZE:
            raise ValueError(f"direction has length {length:.9g}; expected a unit vector")
        self.net, self.data, self.e = net, data, unit.numpy() / length
        self.loss = as_loss(loss).name
        self.c_n = entropy_constant(data.n, loss)
        self.subject = flow_subject(net, net.margins(data), self.loss)
        self.groups = height_groups(data, self.e)
        self.k = self._cone()
        self.theta, rate = best_share(self.groups, net.slope)
        self.limit = 0.5 * max(0.0, rate)
        start = States.of(net, data)
        self.signs = start.signs[0]
        self.alive = start.alive[0]
        self.c = start.along(self.e)[0]
        self.Q = float(self._across(start)[0])
        self.ln_start_norm = math.log(net.norm_squared)
        self.ln_G = float(self._potential(start)[0])
        self.lost = self.ln_start_norm - self.ln_G
        self.hypotheses = self._evaluate()

    def _cone(self) -> float:
        Z = (self.data.y[:, None] * self.data.X).cpu().numpy()
        ahead = Z @ self.e
        beside = np.linalg.norm(Z - ahead[:, None] * self.e, axis=1)
        ratio = ahead / np.where(beside > LEVEL, beside, 1.0)
        return float(np.where(beside > LEVEL, ratio, np.where(ahead > 0, np.inf, ahead)).min())

    def _across(self, states: States) -> np.ndarray:
        """``sum_j ||v_j,perp||^2``, shape (k,)."""
        beside = states.V - (states.V @ self.e)[:, :, None] * self.e
        return (beside**2).sum(axis=(1, 2))

    def _potential(self, states: States) -> np.ndarray:
        """``ln 2 + H(theta) + 2 theta ln C_+ + 2 (1 - theta) ln C_-``, shape (k,)."""
        c = states.along(self.e)
        total = np.full(len(states.a), math.log(2.0))
        for sign, share in ((1, self.theta), (-1, 1 - self.theta)):
            if share > 0:
                own = (np.where(sign * self.signs > 0, c, 0.0) ** 2).sum(axis=1)
                with np.errstate(divide="ignore"):
                    total = total + share * (np.log(own) - math.log(share))
        return total

    def _evaluate(self) -> list[Hypothesis]:
        least = float(self.c[self.alive].min())
        ratio = self.Q / least**2 if least > 0 else math.inf
        need = {1: self.theta > 0, -1: self.theta < 1}
        missing = sum(need[sign] and not bool((sign * self.signs > 0).any()) for sign in need)
        heights, across = float(self.groups.height.min()), self.groups.across
        dominated = least_domination(self.net)
        cone = self.k**2 if self.k > 0 else 0.0
        return [
            Hypothesis("least height of a point", heights, "$> 0$", heights > 0),
            Hypothesis("sum of a group across $e$", across, at_most(LEVEL), across <= LEVEL),
            Hypothesis(
                r"least $|a_j|/\|v_j\|$", dominated, r"$\ge 1$", dominated >= 1 - SAME_SIZE
            ),
            Hypothesis(r"least $c_j = s_j v_j\cdot e$", least, "$> 0$", least > 0),
            Hypothesis(
                r"$Q/\min_j c_j^2$", ratio, rf"$< k_*^2 = {cone:.3g}$", least > 0 and ratio < cone,
                cone,
            ),
            Hypothesis(
                "signs of $a_j$ that are missing", missing, "$= 0$", missing == 0
            ),
        ]  # fmt: skip

    def small_start(self) -> SmallStart | None:
        """How small a balanced start locks for sure; None on data of which that is not known.

        It is known of symmetric data whose mean is along e and whose points are at one height,
        and of the four points of `fragile_pairs`.
        """
        heights = self.groups.height
        if mirrors(self.data) is not None and np.ptp(heights) <= LEVEL and heights[0] > 0:
            return symmetric_lock(self.net, self.data, self.e, self.k)
        near = self.data.X.cpu().numpy()
        shape = self.data.n == 4 and self.data.d == 2 and self.data.y.tolist() == [1, -1, 1, 1]
        if shape and np.array_equal(near[:2], [[1, 0], [-1, 0]]) and self.e[0] == 1:
            b, h = float(near[2, 0]), float(near[2, 1])
            if b > 0 < h and np.array_equal(near[3], [b, -h]):
                return fragile_lock(self.net, self.data, b, h)
        return None

    def _of(self, net: Network) -> Locking:
        return Locking(net, self.data, self.e, self.loss)

    def check(self, path: Path) -> Check:
        """Compare the conclusion with a path of this network, at every saved time after the start.

        Args:
            path: of `gradient_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has ``margin`` between ``bound`` and ``limit``, beside
            ``bound_a_priori``, and the bounds ``J_least`` and ``J`` on J beside ``J_limit``.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        self.require_path(path, "P", "margin", "norm_squared", "a", "V")
        frame, slack = self._bounds(path)
        slack["margin <= limit"] = (frame.limit - frame.margin).min()
        return verdict(frame, slack)

    def inequalities(self, path: Path) -> Check:
        """Compare both sides of each inequality of the proof along a path of this network.

        Args:
            path: of `gradient_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has ``across``, Q, which never grows; ``least``, the least c_j,
            which never falls; the share of ``good`` neurons; ``growth``, ``ln G + 4 M_e tau``,
            below the ``potential`` below ``ln_norm``, below ``norm_bound``; and ``spread``, the
            mean margin of a group over the margin of its centre, minus 1, at its largest.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        self.require_path(path, "P", "margin", "norm_squared", "a", "V")
        states, (frame, slack) = States.of(path, self.data), self._growth(path)
        c = states.along(self.e)[:, self.alive]
        frame["across"] = self._across(states)
        frame["least"] = c.min(axis=1)
        frame["good"] = states.good[:, self.alive].mean(axis=1)
        frame["potential"] = self._potential(states)
        frame["spread"] = self._spread(states)
        scale = frame.tau.clip(lower=1.0)
        gains, steps = np.diff(frame.across) / path["norm_squared"][1:], np.diff(c, axis=0)
        return verdict(
            frame,
            slack
            | {
                "Q never grows": -gains.max(initial=0.0),
                "c_j grow": (steps / np.abs(c[:-1])).min(initial=0.0),
                "all stay good": (frame.good - 1.0).min(),
                "groups balance": -frame.spread.max(),
                "growth of the potential": ((frame.potential - frame.growth) / scale).min(),
                "potential below the norm": ((frame.ln_norm - frame.potential) / scale).min(),
            },
        )

    def _spread(self, states: States) -> np.ndarray:
        """How far the mean margin of a group is from ``p_g``, at most, over ``||W||^2``."""
        c, slope = states.along(self.e), states.slope
        weight = np.abs(states.a) * c
        up, down = (np.where(sign * states.a > 0, weight, 0.0).sum(axis=1) for sign in (1, -1))
        p, out = states.margins(), np.zeros(len(states.a))
        for g, (label, height) in enumerate(zip(self.groups.label, self.groups.height)):
            mine = up + slope * down if label > 0 else slope * up + down
            away = np.abs(p[:, self.groups.member == g].mean(axis=1) - height * mine)
            out = np.maximum(out, away)
        return out / ((states.a**2).sum(axis=1) + (states.V**2).sum(axis=(1, 2)))


def locking(
    net: Network, data: Dataset, direction: Any, *, loss: str | Loss = "exponential"
) -> Locking:
    """Evaluate the locking lemma: all neurons near one direction, groups balanced around it.

    Args:
        net: the network at time 0, or at any saved time (`Path.network`).
        data: points whose parts across the direction add up to zero within each set of points of
            one label at one height; they need not be symmetric.
        direction: the unit vector e, shape (d,).
        loss: "exponential" or "logistic".

    Returns:
        The theorem, its hypotheses evaluated.

    Raises:
        ValueError: net, data and direction that do not fit together, zero weights, a direction
            that is no unit vector, or an unknown loss.
        TypeError: a net, data or direction of another type.

    Source: chapter "Symmetric data and simplicity bias".
    """
    return Locking(net, data, direction, loss)
