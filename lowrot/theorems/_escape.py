"""Two points of one label: where a balanced start ends, evaluated and checked along a path."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lowrot.data import two_points
from lowrot.losses import entropy_constant
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._escape_patterns import (
    ALL_ON_BOTH,
    COVERED,
    ONE_SIDED,
    UNCOVERED,
    active_on,
    escape_margins,
    patterns,
    require_angle,
    require_net,
    start_pattern,
)
from lowrot.theorems._escape_proof import one_sided_lines, trapped_lines, uncovered_lines
from lowrot.theorems._escape_start import hypotheses
from lowrot.theorems._neural_collapse import NeuralCollapse, neural_collapse
from lowrot.theorems._norm_growth import early_growth, margin_floor
from lowrot.theorems._subject import flow_subject
from lowrot.theorems._theorem import Check, Theorem, nonnegative, verdict

if TYPE_CHECKING:
    import pandas as pd


class Escape(Theorem):
    """The theorem on a start on two points; build it with `escape`.

    Attributes:
        net: the network at time 0 (m neurons).
        phi: half the angle between the points, radians.
        data: the two points.
        margins: the margins of the KKT points, and the constants.
        ln_G: ln of ``G_0 = 2 sum_j v_j1^2`` over the neurons with ``a_j > 0`` on both points.
        pattern: of the start.
        limit: what the smoothed margin tends to: 0, ``cos(phi)/2`` or 1/4; nan where the theorem
            does not say (a start that is not small, or one-sided below the separating angle).
        c_n: ln 2.
        hypotheses: those on the start that the pattern needs, evaluated; that no neuron with
            ``a_j > 0`` rests at a kink (one-sided starts) is a hypothesis on the flow.
    """

    def __init__(self, net: Network, phi: float) -> None:
        self.net, self.phi = net, require_angle(phi)
        self.data, self.margins = two_points(phi), escape_margins(phi)
        self.pattern = start_pattern(net, phi)
        self.c_n = entropy_constant(2, "exponential")
        self.subject = flow_subject(net, net.margins(self.data), "exponential")
        on_both = active_on(net.V, self.data.X).all(dim=1) & (net.a > 0)
        self.ln_G = (
            math.log(2.0 * float((net.V[on_both, 0] ** 2).sum())) if on_both.any() else (-math.inf)
        )
        self.hypotheses = hypotheses(net, self.phi, self.pattern)
        ends = {UNCOVERED: 0.0, ALL_ON_BOTH: self.margins.bad}
        self.limit = ends.get(self.pattern, self.margins.optimum) if self.holds else math.nan

    def bound(self, tau: Any, J: Any = None) -> np.ndarray:
        """Lower bound on ``P_+/||W||^2`` at clock times.

        All on both: by the growth of the neurons on both. Covered: the bound of neural collapse.
        Uncovered: 0, and P_+ is 0. One-sided: -inf, since the theorem names no time by which the
        pattern is covered; `check` has the bound from then on.

        Args:
            tau: clock times >= 0.
            J: J(tau) along a path, of a shape that broadcasts with tau; ``J_limit`` when None.

        Returns:
            Of the shape of tau.

        Raises:
            ValueError: times that are negative or NaN.
        """
        if self.pattern == COVERED:
            return self._covered(self.net).bound(tau, J)
        if self.pattern == ALL_ON_BOTH:
            lost = math.log(self.net.norm_squared) - self.ln_G
            J = self.J_limit if J is None else J
            return margin_floor(self.margins.bad, lost, 4.0, tau, J)
        return np.full_like(nonnegative("tau", tau), 0.0 if self.pattern == UNCOVERED else -np.inf)

    @property
    def J_limit(self) -> float:
        """Upper bound on J at every tau; all on both: ``(1 + ln_+(2 c_n/G_0))/cos(phi)``.

        Covered: that of neural collapse; otherwise inf, as the theorem does not speak of J.
        """
        if self.pattern == COVERED:
            return self._covered(self.net).J_limit
        if self.pattern != ALL_ON_BOTH:
            return math.inf
        return (1.0 + max(0.0, math.log(2.0 * self.c_n) - self.ln_G)) / math.cos(self.phi)

    def J(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound on ``J(tau) = int_0^tau min(2, 4 c_n/||W||^2)`` along a path.

        Args:
            path: columns ``tau``, ``P`` and ``norm_squared``.

        Returns:
            Two arrays of shape (k,), at the saved times.

        Raises:
            TypeError, ValueError: no path, or one without these columns.
        """
        self.subject.require_names(path, ["P", "norm_squared"])
        if self.pattern == COVERED:
            return self._covered(self.net).J(path)
        known = self.holds and self.pattern == ALL_ON_BOTH
        floor = (self.ln_G, 2.0 * math.cos(self.phi)) if known else None
        return early_growth(path, self.c_n, floor)

    def check(self, path: Path) -> Check:
        """Compare the conclusion with a path of this network, at every saved time.

        Args:
            path: of `gradient_flow` with the exponential loss from this network, with its states.

        Returns:
            A `Check`. Uncovered and all on both: its frame has ``margin``, ``normalized``,
            ``imbalance`` (zeta, ``q_+ - q_-``), ``pattern`` and, all on both, ``bound``. Covered
            and one-sided: the frame of `NeuralCollapse`, from the first saved time that is covered.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem, or a one-sided one
                that ends before its pattern is covered.
        """
        import pandas as pd

        self.require_path(path, "P", "margin", "normalized", "norm_squared", "a", "V", "q")
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
            "dual weights within the barrier": self.margins.kappa - frame.imbalance.abs().max(),
            "margin <= bad": self.margins.bad - frame.normalized.max(),
            "bound <= margin": (frame.margin - frame.bound)[1:].min(),
            "J <= its limit": self.J_limit - least.max(),
        }
        return verdict(frame, slack)

    def inequalities(self, path: Path) -> Check:
        """Compare both sides of each inequality of the proof along a path of this network.

        Args:
            path: of `gradient_flow` with the exponential loss from this network, with its states.

        Returns:
            A `Check`. Uncovered: ``product`` and ``margin_there`` stay below 0. All on both: the
            barrier (``difference``, ``negative``), the upper bound (``half_sum``), each with its
            ``_bound``, and ``growth``, ``potential``, ``ln_norm``, ``norm_bound`` in increasing
            order. One-sided: ``lead`` and ``dual``, each with its ``_bound``, until the pattern is
            covered. From then on, and for covered starts: the lines of `NeuralCollapse`.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "P", "margin", "norm_squared", "a", "V", "q")
        if self.pattern == UNCOVERED:
            return verdict(*uncovered_lines(path, self.net, self.data))
        if self.pattern == ALL_ON_BOTH:
            most = self.J(path)[1]
            given = (path, self.net, self.data, self.margins)
            return verdict(*trapped_lines(*given, self.ln_G, most))
        seen = patterns(path, self.phi)
        first = seen.index(COVERED) if COVERED in seen else len(path)
        parts: list[pd.DataFrame] = []
        slack: dict[str, float] = {}
        if self.pattern == ONE_SIDED:
            frame, slack = one_sided_lines(path, self.net, self.data, self.margins, first)
            parts.append(frame)
        if first < len(path) - 1:
            theorem, late = self._from(path, first)
            found = theorem.inequalities(late)
            parts.append(found.frame.assign(tau=found.frame.tau + path["tau"][first]))
            slack = slack | found.slack
        return verdict(pd.concat(parts, ignore_index=True), slack)

    def _check_covered(self, path: Path) -> Check:
        """The conclusion of neural collapse, from the first saved time whose pattern is covered."""
        seen = patterns(path, self.phi)
        if COVERED not in seen[:-1]:
            raise ValueError(
                f"path ends at tau = {path['tau'][-1]:g} with pattern {seen[-1]!r}; expected one "
                "followed until it is covered, and saved at some later time"
            )
        first = seen.index(COVERED)
        theorem, late = self._from(path, first)
        check = theorem.check(late)
        frame = check.frame.assign(tau=check.frame.tau + path["tau"][first])
        kept = float(np.mean([pattern == COVERED for pattern in seen[first:]])) - 1.0
        return verdict(frame, {"pattern persists": kept, **check.slack})

    def _covered(self, net: Network) -> NeuralCollapse:
        """The theorem that speaks of covered networks."""
        return neural_collapse(net, self.data)

    def _from(self, path: Path, first: int) -> tuple[NeuralCollapse, Path]:
        """The part of a path from a saved time on, as a path of its own, and its theorem."""
        late = Path(
            {name: values[first:] for name, values in path.columns.items()},
            {name: values[first:] for name, values in path.states.items()},
            meta=path.meta,
        )
        late.columns["tau"] = late.columns["tau"] - path["tau"][first]
        late.columns.pop("rho", None)  # the distance from a start that is not this one
        return self._covered(path.network(first)), late


def escape(net: Network, phi: float) -> Escape:
    """Evaluate the theorem on two points: where gradient flow of the exponential loss ends.

    Args:
        net: the network at time 0, in the plane, balanced.
        phi: half the angle between the points of `two_points`, radians, in (pi/3, pi/2).

    Returns:
        The theorem, its hypotheses evaluated.

    Raises:
        ValueError: an angle outside the range, or a network of another dimension or of norm 0.
        TypeError: a net of another type.

    Source: chapter "Bad KKT points and the escape".
    """
    require_net(net)
    if net.norm_squared == 0:
        raise ValueError("net has norm 0; expected a neuron that is not zero")
    return Escape(net, phi)
