"""One integration of the coupled flow: implicit Runge-Kutta stages, step control, certificates.

It runs in the unit of the features, a power of two r: inputs ``X/r`` and weights ``r u`` have the
same margins and dual weights, in the clock ``r tau``. What users give and see is in theirs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lowrot.coupled._implicit_step import ScaledMargins, implicit_weights
from lowrot.coupled._point import CoupledPoint, Stage
from lowrot.coupled._potential import Potential, soft_ratio
from lowrot.coupled._tableaux import Method
from lowrot.integrate import (
    DualWeights,
    Node,
    Recorder,
    Row,
    Run,
    StepSize,
    Time,
    same_arguments,
    time_of_step,
    time_under,
)
from lowrot.losses import Loss
from lowrot.path import End, Outcome, Path

_FINITE = 600.0
"""ln ||u||_1 from which margins and their rates are too large for doubles to work with."""

CERTIFICATES = {
    "loss_increase": (1e-7, "ln L never increases (F2), relative to max(1, | ln L |)"),
    "margin_decrease": (1e-7, "P_+/||u||_1 never decreases (F5), relative to its value"),
    "sandwich": (
        1e-7,
        "P <= sum q p <= P_+ + c_n (F3), relative to max(1, ||u||_1) in the unit of the features",
    ),
    "duality": (
        1e-9,
        'the time-averaged weights bound every margin from above (chapter "No rotation"), in the '
        "unit of the features",
    ),
    "clock": (1e-9, "sum_i z_i = tau, relative to tau"),
    "failed_steps": (0.0, "implicit steps that Newton's method left unsolved"),
}

_CLOCK = "error of the quadrature of ln t (F1), estimated, over max(1, | P |)"


class CoupledRun(Run[CoupledPoint]):
    """One integration of the coupled flow."""

    def __init__(
        self,
        potential: Potential,
        n: int,
        loss: Loss,
        method: Method,
        rtol: float,
        resume: Path | None,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        self.unit, self.potential = potential.unit, potential.scaled()
        self.loss, self.method, self.rtol = loss, method, rtol
        self.fixed = {"kind": "coupled", "loss": loss.name, "rtol": rtol, **(given or {})}
        self.sizes = StepSize(order=method.order + 1, growth=3.0, unsolved=0.25)
        self.c_n = loss.entropy_constant(n)
        self.stats = {"steps": 0.0, "rejected": 0.0, "evaluations": 0.0, "seconds": 0.0}
        self.recorder = Recorder(CERTIFICATES | {"ln_t": (rtol, _CLOCK)})
        zero = self.potential.zero
        self.point = self._start(zero) if resume is None else self._resume(resume, zero)

    def _start(self, z: Tensor) -> CoupledPoint:
        margins = self.potential.margins(z)
        p = margins.p * math.exp(min(margins.ln_scale, 600.0))
        weights, h = DualWeights.of_margins(p, self.loss), 0.1 * self.rtol**0.5
        return CoupledPoint(0.0, z, weights, margins, self._node(0.0, margins, weights.q), h)

    def _resume(self, path: Path, zero: Tensor) -> CoupledPoint:
        same_arguments(path, self.fixed)
        size = path.states.get("z", zero[None, :0]).shape[1]
        if size != len(zero):
            raise ValueError(f"resume is a path with {size} points; expected {len(zero)}")
        tau, J, h = (self.unit * one for one in (path["tau"][-1], path["J"][-1], path.meta["h"]))
        z, ln_t = self.unit * zero.new_tensor(path["z"][-1]), float(path["ln_t"][-1])
        margins = self.potential.margins(z)
        _same_features(path, margins.ln_scale - math.log(self.unit))
        self.recorder.restore(path)
        self.stats |= path.stats
        weights = DualWeights.from_plain(path.meta["weights"], z)
        t = Time(ln_t, path.meta.get("t_error", 0.0))
        node = self._node(0.0, margins, weights.q)
        return CoupledPoint(float(tau), z, weights, margins, node, float(h), t, float(J))

    def _node(self, at: float, margins: ScaledMargins, velocity: Tensor) -> Node:
        """What the integral of t needs at a state that moves with ``z' = velocity``.

        P is infinite once it is too large.
        """
        if margins.ln_scale >= _FINITE:
            return Node(at, math.copysign(math.inf, soft_ratio(margins, self.loss)), 1.0)
        scale = math.exp(margins.ln_scale)
        p = margins.p * scale
        q = self.loss.dual_weights(p)[0]
        slopes = scale * margins.slopes(velocity)
        return Node.of(at, p, self.loss, float(q @ slopes), slopes)

    @property
    def now(self) -> float:
        """The clock tau of the current point."""
        return self.point.tau / self.unit

    def advance(self, point: CoupledPoint, limit: float) -> tuple[CoupledPoint, End | None]:
        """The end of one accepted step that does not pass ``limit``; or why there is none."""
        limit *= self.unit
        room, wish = limit - point.tau, point.h
        while True:
            h = self.sizes.trial(wish, room)
            if h < room and h < 1e-13 * max(1.0, point.tau):
                self.recorder.accumulate("failed_steps", 1.0)
                least, now = wish / self.unit, point.tau / self.unit
                words = f"step size fell below {least:.1e} at tau = {now:.6g}"
                return point, End(Outcome.STALLED, words)
            stages, z = self._stages(point, h)
            error = self._error(point, stages, h) if stages else math.inf
            if error <= 1.0:
                break
            self.stats["rejected"] += 1
            wish = self.sizes.after_rejected(h, error)
            if (spent := self.exhausted()) is not None:
                return replace(point, h=wish), spent
        self.stats["steps"] += 1
        tau = limit if h == room else point.tau + h
        wish = self.sizes.after_accepted(wish, h, error)
        return self._end(point, tau, z, stages[-1], wish), None

    def _error(self, start: CoupledPoint, stages: list[Stage], h: float) -> float:
        """Local error of z in the 1-norm in units of the tolerance.

        It is the distance to the quadrature of one order more through the start and the stages.
        """
        q = torch.stack([start.weights.q] + [stage.weights.q for stage in stages])
        return (
            h
            * float((q.new_tensor(self.method.defect) @ q).abs().sum())
            / (self.rtol * max(1.0, start.tau))
        )

    def _stages(self, start: CoupledPoint, h: float) -> tuple[list[Stage], Tensor]:
        """The stages of a step, none if one could not be solved, and z at its end."""
        stages: list[Stage] = []
        z, guess = start.z, start.weights
        for coefficients in self.method.stages:
            known = start.z
            for coefficient, stage in zip(coefficients, stages, strict=False):
                known = known + h * coefficient * stage.weights.q
            eta = h * coefficients[-1]
            solution = implicit_weights(self.potential.near, known, eta, guess)
            if not solution.converged:
                return [], z
            guess, z = solution.weights, known + eta * solution.weights.q
            stages.append(Stage(solution.weights, solution.margins))
        return stages, z

    def _end(
        self, start: CoupledPoint, tau: float, z: Tensor, last: Stage, h: float
    ) -> CoupledPoint:
        """The end of a step, with J and ln t there; h is the length of the next.

        J is an upper bound on the integral along the segment from z to z: ln ||u||_1 is convex
        there, so its tangents at both ends bound it from below.
        """
        weights, margins = last
        length = tau - start.tau
        drift = 2.0 * (z - start.z) / length
        at_start, at_end = float(start.margins.p @ drift), float(margins.p @ drift)
        level = math.log(self.c_n) + math.log(self.unit) if self.c_n > 0 else -math.inf
        below = [
            (start.margins.ln_scale, at_start),
            (margins.ln_scale - at_end * length, at_end),
        ]
        J = start.J + 2.0 * time_under(level, below, length, max)
        end = CoupledPoint(tau, z, weights, margins, self._node(length, margins, weights.q), h, J=J)
        return replace(end, t=start.t.after(self._time_between(start, end)))

    def _time_between(self, start: CoupledPoint, end: CoupledPoint) -> Time:
        """The time t of a step, on which z is the cubic with the dual weights at both ends."""
        h, first, last = end.node.at, start.weights.q, end.weights.q
        mean = (end.z - start.z) / h

        def node(time: float) -> Node:
            s = time / h
            moved = s * (3.0 - 2.0 * s) * mean + (1.0 - s) ** 2 * first + s * (s - 1.0) * last
            velocity = (1.0 - s) * (1.0 - 3.0 * s) * first + s * (3.0 * s - 2.0) * last
            velocity = velocity + 6.0 * s * (1.0 - s) * mean
            return self._node(time, self.potential.margins(start.z + time * moved), velocity)

        nodes = [start.node._replace(at=0.0), end.node]
        passed = time_of_step(nodes, self.loss, self.rtol, lambda times: [node(t) for t in times])
        return passed._replace(ln_t=passed.ln_t - math.log(self.unit))

    def row(self, point: CoupledPoint) -> Row:
        """The scalars at a point."""
        ln_scale, unit = point.margins.ln_scale, self.unit
        ratio = unit * soft_ratio(point.margins, self.loss)
        margin, dual, ln_norm = max(ratio, 0.0), math.inf, ln_scale - math.log(unit)
        if point.tau > 0:
            dual = unit * point.margins.ln_growth / (2.0 * point.tau)
        ln_P = ln_norm + math.log(margin) if margin > 0 else -math.inf
        scaled = point.margins.p * math.exp(min(ln_scale, 700.0))
        ln_loss = float(self.loss.log_loss(scaled)) if ln_scale < 700.0 else -math.inf
        return {
            "tau": point.tau / unit,
            "ln_t": point.t.ln_t,
            "ln_norm": ln_norm,
            "margin": margin,
            "soft_ratio": ratio,
            "min_ratio": unit * float(point.margins.p.min()),
            "ln_P": ln_P,
            "ln_loss": ln_loss,
            "dual": dual,
            "gap": (dual - margin) / dual if 0.0 < dual < math.inf else 1.0,
            "J": point.J / unit,
        }

    def state(self, point: CoupledPoint) -> dict[str, np.ndarray]:
        """The arrays z and q at a point."""
        return {"z": (point.z / self.unit).cpu().numpy(), "q": point.weights.q.cpu().numpy()}

    def meta(self) -> dict[str, Any]:
        """What is needed to continue the run."""
        self.stats["evaluations"] += self.potential.evaluations
        now = {"t_error": self.point.t.error, "h": self.point.h / self.unit}
        return self.fixed | now | {"weights": self.point.weights.plain()}

    def line(self, row: Row) -> str:
        """A line of progress."""
        return (
            f"tau {row['tau']:.4g}  ln||u|| {row['ln_norm']:.4g}  margin {row['margin']:.6g}  "
            f"gap {row['gap']:.2e}  steps {self.stats['steps']:.0f}"
        )

    def certify(self, before: Row, row: Row) -> None:
        """Check F3, F5, duality and the clock on the step just taken."""
        note, margin = self.recorder.violation, row["margin"]
        if row["ln_loss"] > -math.inf:
            loss = before["ln_loss"]
            note("loss_increase", (row["ln_loss"] - loss) / max(1.0, abs(loss)))
        if before["margin"] > 0:
            note("margin_decrease", (before["margin"] - margin) / before["margin"])
        ln_scale, margins = row["ln_norm"] + math.log(self.unit), self.point.margins
        mean, lowest = float(self.point.weights.q @ margins.p), row["soft_ratio"] / self.unit
        inverse = math.exp(min(-ln_scale, 600.0))
        ceiling = margin / self.unit + self.c_n * inverse
        note("sandwich", max(lowest - mean, mean - ceiling) / max(1.0, inverse))
        note("duality", (margin - row["dual"]) / self.unit)
        note("ln_t", self.point.t.error)
        note("clock", abs(float(self.point.z.sum()) / (self.unit * row["tau"]) - 1.0))


def _same_features(path: Path, ln_norm: float) -> None:
    kept = float(path["ln_norm"][-1])
    if abs(kept - ln_norm) > 1e-9 * max(1.0, abs(kept)):
        raise ValueError(
            f"resume ends at ln ||u||_1 = {kept:.9g}, but these features and data have "
            f"{ln_norm:.9g} there; expected the features and data of that run"
        )
