"""One integration of the gradient flow of the exponential or logistic loss, in the clock tau."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lowrot.data import Dataset
from lowrot.data._dataset import fingerprint
from lowrot.flow._objectives import Classification
from lowrot.flow._planes import Planes
from lowrot.flow._radau import C1, A, FlowState, Radau, Step
from lowrot.flow._run import FlowPoint, FlowRun, Setting
from lowrot.flow.neuron import Rates
from lowrot.integrate import DualWeights, Row, ln_time_after
from lowrot.losses import Loss
from lowrot.network import Network
from lowrot.path import End, Outcome, Path

_RESOLVED = 1e12
"""Margins beyond which doubles no longer resolve the differences that the weights come from."""
_STATIONARY = 1e-8
"""Part of ``||W||^2`` below which ``||W'||^2`` counts as nothing."""
_EXACT = 1e-3
"""Accuracy over rtol to which the margins of a stage are solved for."""
_GRID = np.linspace(0.0, 1.0, 101)
"""Where on a step ln Lam is interpolated, by the parabola through its values at 0, C1 and 1."""


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
            "P_+/||W||^2 never decreases, P_+/(||a|| ||V||) if one layer is frozen (F5), relative",
        ),
        "sandwich": (rtol, "P <= sum q p <= P_+ + c_n (F3), relative to max(1, | P |)"),
        "energy": (rtol ** (1 / 3), "P' = ||W'||^2 (F2), sum of the relative defects of the steps"),
        "failed_steps": (0.0, "steps that no size made accurate enough"),
    }


class ClassificationRun(FlowRun):
    """Gradient flow of the exponential or logistic loss, in the clock tau."""

    def __init__(self, net: Network, data: Dataset, loss: Loss, rates: Rates, rtol: float) -> None:
        self.loss = loss
        self.objective = Classification(data.y, loss, _EXACT * rtol)
        stepper = Radau(Planes.of(data.X, net.slope), self.objective, rates, rtol)
        mark = fingerprint(data.X, data.y)
        super().__init__(Setting(net, "flow", rates, rtol, mark), stepper, certificates(rtol))
        self.c_n = loss.entropy_constant(data.n)

    def resume_from(self, path: Path) -> None:
        """Continue a path of the same arguments."""
        self.same(path, loss=self.loss.name)
        self.resume(path, DualWeights.from_plain(path.meta["weights"], self.point.state.p))
        unit = max(1.0, self.common(self.point)["norm_squared"])
        self.agree(path, "min_margin", float(self.point.state.p.min()), unit)

    def ended(self, point: FlowPoint) -> End | None:
        """Why the flow cannot usefully go on: margins beyond doubles, or nothing moves."""
        p = point.state.p
        if float(p.max()) > _RESOLVED:
            words = f"margins exceed {_RESOLVED:g}: doubles no longer resolve the dual weights"
            return End(Outcome.ROUNDING, words)
        if point.step is None or float(p.min()) > 0:
            return None
        if point.step.speeds[1] >= _STATIONARY * self.common(point)["norm_squared"]:
            return None
        where = f"at rest at tau = {point.time:.6g}"
        words = f"{where}: the data are not separated (min p = {float(p.min()):.3g})"
        return End(Outcome.STATIONARY, words)

    def ln_time(self, point: FlowPoint, stages: tuple[FlowState, FlowState], h: float) -> float:
        """``ln t`` after a step, with ln Lam the parabola through its values at the stages."""
        values = [-float(self.loss.dual_weights(s.p)[1]) for s in (point.state, *stages)]
        if np.isinf(values).any():
            rates = np.array(values)
        else:
            first, middle, last = values
            bend = first - 1.5 * middle + 0.5 * last
            line = middle + 1.5 * (_GRID - C1) * (last - middle)
            rates = line + bend * (3.0 * _GRID**2 - 4.0 * _GRID + 1.0)
            rates = rates.clip(min(values), max(values))
        return ln_time_after(point.ln_t, rates, h)

    def row(self, point: FlowPoint) -> Row:
        """The scalars at a point."""
        p, common = point.state.p, self.common(point)
        P, least = float(self.loss.soft_margin(p)), float(p.min())
        return {
            "tau": point.time,
            "ln_t": point.ln_t,
            "P": P,
            "min_margin": least,
            "margin": max(P, 0.0) / common["norm_squared"],
            "normalized": least / common["norm_squared"],
            "mean": float(point.state.weights.q @ p),
            "ln_loss": float(self.loss.log_loss(p)),
            **common,
        }

    def certify(self, before: Row, row: Row) -> None:
        """Check F2 to F5 on the step just taken."""
        note, unit = self.recorder.violation, max(1.0, abs(row["P"]))
        note("balance", self.drift())
        note("loss_increase", (before["P"] - row["P"]) / unit)
        if before["margin"] > 0:
            kept = self.monotone(row) / self.monotone(before)
            note("margin_decrease", 1.0 - kept)
        ceiling = max(row["P"], 0.0) + self.c_n
        note("sandwich", max(row["P"] - row["mean"], row["mean"] - ceiling) / unit)
        self.recorder.accumulate("energy", self.setting.rtol * self.point.defect)

    def monotone(self, row: Row) -> float:
        """A margin that never decreases where P > 0, whichever layers are trained (F5)."""
        both = all(self.setting.rates)
        return row["margin"] if both else row["P"] / (row["norm_a"] * row["norm_V"])

    def defect(self, point: FlowPoint, step: Step, h: float) -> float:
        """Relative defect of ``P' = ||W'||^2`` over a step, in units of the tolerance.

        Of P, kinks resolved, or of asinh P, which is smooth when P grows by factors.
        """
        assert step.stages is not None
        before = float(self.loss.soft_margin(point.state.p))
        after = float(self.loss.soft_margin(step.stages[1].p))
        plain, stretched, mean = after - before, math.asinh(after) - math.asinh(before), 0.0
        for weight, speed, stage in zip(A[1], step.speeds, step.stages):
            P = float(self.loss.soft_margin(stage.p))
            rate = self.objective.rate(stage.p)
            mean += weight * rate
            stretched -= h * weight * speed * rate / math.hypot(1.0, P)
        plain -= mean * step.energy
        return min(abs(plain) / max(1.0, abs(after)), abs(stretched)) / self.setting.rtol

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
