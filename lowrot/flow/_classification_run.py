"""One integration of the gradient flow of the exponential or logistic loss, in the clock tau."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from lowrot.data import Dataset
from lowrot.data._dataset import fingerprint
from lowrot.flow._objectives import Classification
from lowrot.flow._planes import Planes
from lowrot.flow._point import FlowPoint, Setting
from lowrot.flow._radau import Radau
from lowrot.flow._run import FlowRun
from lowrot.flow._stages import C1, A
from lowrot.flow._step import FlowState, Step
from lowrot.flow.neuron import Rates
from lowrot.integrate import NewtonWeights, Node, Row, time_of_step
from lowrot.losses import Loss
from lowrot.network import Network
from lowrot.path import End, Outcome, Path

_RESOLVED = 1e12
"""Margins beyond which doubles no longer resolve the differences that the weights come from."""
_EQUAL = 1e-3
"""Part of rtol that may be neglected of ``ln L - ln Lam``."""


def certificates(rtol: float) -> dict[str, tuple[float, str]]:
    """What is checked along a classification flow, and how far rounding and rtol may move it."""
    return {
        "balance": (
            1e-9,
            "a_j^2 - ||v_j||^2 is constant (F4), relative to its largest size",
        ),
        "loss_increase": (rtol, "P never decreases (F2), relative to max(1, | P |)"),
        "margin_decrease": (
            rtol,
            "P_+/||W||^2 never decreases, P_+/(||a|| ||V||) if one layer is frozen (F5): how far "
            "P falls short, relative to max(1, | P |)",
        ),
        "dual_weights": (rtol, "q belongs to the margins, relative to max(1, | P |)"),
        "sandwich": (rtol, "P <= sum q p <= P_+ + c_n (F3), relative to max(1, | P |)"),
        "energy": (rtol ** (1 / 3), "P' = ||W'||^2 (F2), sum of the relative defects of the steps"),
        "ln_t": (rtol, "error of the quadrature of ln t (F1), estimated, over max(1, | P |)"),
        "failed_steps": (0.0, "steps that no size made accurate enough"),
    }


class ClassificationRun(FlowRun):
    """Gradient flow of the exponential or logistic loss, in the clock tau."""

    def __init__(self, net: Network, data: Dataset, loss: Loss, rates: Rates, rtol: float) -> None:
        self.loss = loss
        self.objective = Classification(data.y.cpu().numpy(), loss)
        stepper = Radau(Planes.of(data.X.cpu(), net.slope), self.objective, rates, rtol)
        mark = fingerprint(data.X, data.y)
        super().__init__(Setting(net, "flow", rates, rtol, mark), stepper, certificates(rtol))
        self.c_n = loss.entropy_constant(data.n)

    def resume_from(self, path: Path) -> None:
        """Continue a path of the same arguments."""
        self.same(path, loss=self.loss.name)
        self.resume(path, NewtonWeights.from_plain(path.meta["weights"]))
        unit = max(1.0, self.common(self.point)["norm_squared"])
        self.agree(path, "min_margin", float(self.point.state.p.min()), unit)

    def ended(self, point: FlowPoint) -> End | None:
        """Why the flow cannot usefully go on: margins beyond doubles, or nothing moves."""
        p = point.state.p
        if float(p.max()) > _RESOLVED:
            words = f"margins exceed {_RESOLVED:g}: doubles no longer resolve the dual weights"
            return End(Outcome.ROUNDING, words)
        if point.step is None or float(p.min()) > 0 or not self.stepper.at_rest(point.state):
            return None
        words = f"at rest at tau = {point.time:.6g}: {self.standing(point)}"
        return End(Outcome.STATIONARY, words)

    def standing(self, point: FlowPoint) -> str:
        """Whether the data are separated."""
        least = float(point.state.p.min())
        return f"the data are {'' if least > 0 else 'not '}separated (min p = {least:.3g})"

    def timed(self, start: FlowPoint, end: FlowPoint, step: Step, h: float) -> FlowPoint:
        """A point with its time t, at the end or within a step of length h."""
        assert end.step is not None
        assert end.step.stages is not None
        first, times = start.node or self._node(0.0, start.state), (C1 * end.last, end.last)
        slopes = end.step.slopes or (None, None)
        known = zip(times, end.step.stages, end.step.speeds, slopes)
        middle, last = (self._node(*one) for one in known)

        def sample(times: list[float]) -> list[Node] | None:
            found = self.stepper.within(start.state, step, h, (times[0], times[1]))
            return found and [self._node(*one) for one in zip(times, *found[:2])]

        nodes = [first._replace(at=0.0), middle, last]
        passed = time_of_step(nodes, self.loss, self.setting.rtol, sample)
        return replace(end, t=start.t.after(passed), node=last)

    def _node(
        self,
        time: float,
        state: FlowState,
        speed: float | None = None,
        slopes: np.ndarray | None = None,
    ) -> Node:
        """What the integral of t needs at a state, of which ``||W'||^2`` and p' may be known."""
        q = self.objective.vector(state.weights)
        if speed is None:
            slopes = self.stepper.kernel(state.neurons) @ q
            speed = float(q @ slopes)
        p, P, objective = state.p, self.soft_margin(state), self.objective
        if not objective.logistic:
            return Node(time, P, speed)
        own = objective.respond(p)
        excess, slope = objective.log_loss(p) - own.ln_lam, 0.0
        if excess > _EQUAL * self.setting.rtol:
            slopes = self.stepper.kernel(state.neurons) @ q if slopes is None else slopes
            bent = math.exp(own.ln_lam) * float(np.square(objective.vector(own)) @ slopes)
            slope = -speed * math.expm1(-excess) - bent
        return Node(time, P, speed * objective.rate(p, P), excess, slope)

    def soft_margin(self, state: FlowState) -> float:
        """P."""
        return self.objective.soft_margin(state.p)

    def row(self, point: FlowPoint) -> Row:
        """The scalars at a point."""
        p, common = point.state.p, self.common(point)
        P, least = self.soft_margin(point.state), float(p.min())
        return {
            "tau": point.time,
            "ln_t": point.t.ln_t,
            "P": P,
            "min_margin": least,
            "margin": max(P, 0.0) / max(common["norm_squared"], 1e-300),
            "normalized": least / max(common["norm_squared"], 1e-300),
            "mean": float(self.objective.vector(point.state.weights) @ p),
            "ln_loss": self.objective.log_loss(p),
            **common,
        }

    def certify(self, before: Row, row: Row) -> None:
        """Check F2 to F5 on the step just taken."""
        note, unit = self.recorder.violation, max(1.0, abs(row["P"]))
        note("balance", self.drift())
        note("loss_increase", (before["P"] - row["P"]) / unit)
        sizes = self.divisor(before), self.divisor(row)
        note("margin_decrease", self.fallen(before["P"], row["P"], *sizes) / unit)
        ceiling = max(row["P"], 0.0) + self.c_n
        note("sandwich", max(row["P"] - row["mean"], row["mean"] - ceiling) / unit)
        note("dual_weights", self.point.state.mismatch)
        note("ln_t", self.point.t.error)
        self.recorder.accumulate("energy", self.setting.rtol * self.point.defect)

    @staticmethod
    def fallen(before: float, after: float, size: float, now: float) -> float:
        """By how much P falls short of a margin that does not decrease, its size growing to now."""
        return max(before, 0.0) * now / max(size, 1e-300) - max(after, 0.0)

    def divisor(self, row: Row) -> float:
        """By what P is divided to give what never decreases, whichever layers are trained (F5)."""
        both = all(self.setting.rates)
        return max(row["norm_squared"] if both else row["norm_a"] * row["norm_V"], 1e-300)

    def defect(self, point: FlowPoint, step: Step, h: float) -> float:
        """Relative defect of ``P' = ||W'||^2`` over a step, in units of the tolerance.

        Of P, kinks resolved, or of asinh P, which is smooth when P grows by factors. The rates at
        which P changes for that energy are known at the stages alone.
        """
        assert step.stages is not None
        margins = [self.soft_margin(state) for state in (point.state, *step.stages)]
        before, _, after = margins
        plain, stretched = after - before, math.asinh(after) - math.asinh(before)
        kinks, mean = step.energy, 0.0
        for weight, speed, stage, P in zip(A[1], step.speeds, step.stages, margins[1:]):
            rate = self.objective.rate(stage.p, P)
            mean += weight * rate
            kinks -= h * weight * speed
            plain -= h * weight * speed * rate
            stretched -= h * weight * speed * rate / math.hypot(1.0, P)
        plain -= mean * kinks
        unit = max(1.0, abs(after))
        sizes = (state.norm_squared for state in (point.state, step.stages[1]))
        fallen = self.fallen(before, after, *sizes) if all(self.setting.rates) else 0.0
        return max(min(abs(plain) / unit, abs(stretched)), fallen / unit) / self.setting.rtol

    def meta(self) -> dict[str, Any]:
        """What is needed to continue the run, and to describe it."""
        return super().meta() | {
            "loss": self.loss.name,
            "weights": self.point.state.weights.plain(),
        }

    def line(self, row: Row) -> str:
        """A line of progress."""
        return (
            f"tau {row['tau']:.4g}  P {row['P']:.5g}  normalized margin {row['normalized']:.6g}  "
            f"sliding {row['sliding']:.0f}  steps {self.stats['steps']:.0f}"
        )
