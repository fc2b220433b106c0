"""Two points of one label: where a balanced start ends, evaluated and checked along a path."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from lowrot.data import two_points
from lowrot.losses import entropy_constant
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._escape_patterns import (
    ALL_ON_BOTH,
    COVERED,
    ONE_SIDED,
    SEPARATING_ANGLE,
    UNCOVERED,
    active_on,
    escape_margins,
    patterns,
    require_angle,
    start_pattern,
)
from lowrot.theorems._neural_collapse import neural_collapse
from lowrot.theorems._norm_growth import early_growth
from lowrot.theorems._theorem import Check, Hypothesis, Theorem, require_start, times, verdict

_BALANCE = 1e-9


class Escape(Theorem):
    """Where a start on two points ends; build it with `escape`.

    Attributes:
        net: the network at time 0.
        data: the two points.
        margins: the margins of the KKT points, and the constants.
        ln_G: ln of ``G = 2 sum_j v_j1^2`` over the neurons with ``a_j > 0`` on both points.
        pattern: of the start.
        limit: what the smoothed margin tends to: 0, ``cos(phi)/2`` or 1/4; nan where the theorem
            does not say (a start that is not small, or one-sided below the separating angle).
        hypotheses: those on the start that the pattern needs, evaluated; that no neuron with
            ``a_j > 0`` rests at a kink (one-sided starts) is a hypothesis on the flow.
    """

    def __init__(self, net: Network, phi: float) -> None:
        self.net, self.phi = net, require_angle(phi)
        self.data, self.margins = two_points(phi), escape_margins(phi)
        self.pattern = start_pattern(net, phi)
        self.c_n = entropy_constant(2, "exponential")
        on_both = active_on(net.V, self.data.X).all(dim=1) & (net.a > 0)
        self.ln_G = (
            math.log(2.0 * float((net.V[on_both, 0] ** 2).sum())) if on_both.any() else (-math.inf)
        )
        self.hypotheses = self._evaluate()
        ends = {UNCOVERED: 0.0, ALL_ON_BOTH: self.margins.bad}
        self.limit = ends.get(self.pattern, self.margins.optimum) if self.holds else math.nan

    def bound(self, tau: Any, J: Any) -> np.ndarray:
        """Lower bound on ``P_+/||W||^2`` at clock times tau, for a start all on both."""
        tau = times(tau)
        lost = math.log(self.net.norm_squared) - self.ln_G + np.asarray(J, dtype=np.float64)
        late = np.where(tau > 0, tau, 1.0)
        return self.margins.bad - np.where(tau > 0, lost / (4.0 * late), np.inf)

    @property
    def J_limit(self) -> float:
        """``(1 + ln_+(2 c_n/G))/cos(phi)``, an upper bound on J for a start all on both."""
        return (1.0 + max(0.0, math.log(2.0 * self.c_n) - self.ln_G)) / math.cos(self.phi)

    def J(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound on J at the saved times, for a start all on both."""
        floor = (self.ln_G, 2.0 * math.cos(self.phi)) if self.holds else None
        return early_growth(path, self.c_n, floor)

    def check(self, path: Path) -> Check:
        """Compare the conclusion with a path of this network, at every saved time.

        Args:
            path: of the gradient flow with the exponential loss, saved from tau = 0 on, with its
                states.

        Raises:
            ValueError: a path of another network or loss, a start whose hypotheses fail, or a
                one-sided path that ends before its pattern is covered.
        """
        if not self.holds:
            raise ValueError(f"the hypotheses of a start that is {self.pattern} do not hold")
        require_start(path, self.net, "exponential")
        if self.pattern in (COVERED, ONE_SIDED):
            return self._check_covered(path)
        q = path["q"]
        frame = pd.DataFrame(
            {
                "tau": path["tau"],
                "margin": path["margin"],
                "normalized": path["normalized"],
                "imbalance": q[:, 0] - q[:, 1],
                "pattern": patterns(path, self.phi),
            }
        )
        kept = float((frame.pattern == self.pattern).mean()) - 1.0
        if self.pattern == UNCOVERED:
            return verdict(
                frame, {"pattern persists": kept, "not separated": -frame.normalized.max()}
            )
        least, most = self.J(path)
        frame["bound"] = self.bound(frame.tau, most)
        slack = {
            "pattern persists": kept,
            "dual weights within kappa": self.margins.kappa - frame.imbalance.abs().max(),
            "margin <= bad": self.margins.bad - frame.normalized.max(),
            "bound <= margin": (frame.margin - frame.bound)[1:].min(),
            "J <= its limit": self.J_limit - least.max(),
        }
        return verdict(frame, slack)

    def _check_covered(self, path: Path) -> Check:
        """The bound of neural collapse, from the first saved time whose pattern is covered."""
        seen = patterns(path, self.phi)
        if COVERED not in seen:
            raise ValueError(
                f"path ends at tau = {path['tau'][-1]:g} with pattern {seen[-1]!r}; expected one "
                "followed until it is covered"
            )
        first = seen.index(COVERED)
        now = path.network(first)
        late = Path(
            {name: values[first:] for name, values in path.columns.items()},
            {name: values[first:] for name, values in path.states.items()},
            meta=path.meta,
        )
        late.columns["tau"] = late.columns["tau"] - path["tau"][first]
        check = neural_collapse(now, self.data).check(late)
        frame = check.frame.assign(tau=check.frame.tau + path["tau"][first])
        kept = float(np.mean([pattern == COVERED for pattern in seen[first:]])) - 1.0
        return verdict(frame, {"pattern persists": kept, **check.slack})

    def _evaluate(self) -> list[Hypothesis]:
        net, X = self.net, self.data.X
        size = net.V.norm(dim=1)
        # A neuron that is exactly zero stays so, and asks for nothing.
        zero = (size == 0) & (net.a == 0)
        off = ((net.a**2 - size**2).abs() / size.square())[~zero].max().item()
        near = ((net.V @ X.T).abs() / size[:, None])[~zero].min().item()
        found = [
            Hypothesis("ReLU: slope of the activation", net.slope, "= 0", net.slope == 0),
            Hypothesis("balance: max |a^2/||v||^2 - 1|", off, "= 0, to rounding", off <= _BALANCE),
            Hypothesis("no kink at the start: min |v.x|/||v||", near, "> 0", near > 0),
        ]
        if self.pattern in (ALL_ON_BOTH, ONE_SIDED):
            mass = float((net.a[net.a < 0] ** 2).sum())
            limit = self.margins.small
            found.append(
                Hypothesis("mass of neurons with a < 0", mass, f"< {limit:.4g}", mass < limit)
            )
            positive = Network(net.a.clamp_min(0.0), net.V)
            p = positive.margins(self.data)
            D, most = abs(float(p[0] - p[1])), self.margins.start
            found.append(Hypothesis("imbalance |D| of the others", D, f"< {most:.4g}", most > D))
        if self.pattern == ONE_SIDED:
            degrees = math.degrees(self.phi)
            wide = self.phi > SEPARATING_ANGLE
            found.append(Hypothesis("angle phi, degrees", degrees, "> 67.5", wide))
        return found


def escape(net: Network, phi: float) -> Escape:
    """Evaluate the theorem on two points: where gradient flow of the exponential loss ends.

    Args:
        net: the network at time 0, in the plane, balanced.
        phi: half the angle between the points of `two_points`, radians, in (pi/3, pi/2).

    Raises:
        ValueError: an angle outside the range, or a network of another dimension or of norm 0.

    Source: chapter "Bad KKT points and the escape".
    """
    if net.d != 2:
        raise ValueError(f"net has d = {net.d}; expected 2")
    if net.norm_squared == 0:
        raise ValueError("net has norm 0; expected a neuron that is not zero")
    return Escape(net, phi)
