"""One integration of the gradient flow of the exponential or logistic loss, in the clock tau."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lowrot.data import Dataset
from lowrot.flow._objectives import Classification
from lowrot.flow._planes import Planes
from lowrot.flow._radau import C1, A, Collocation, State, Step
from lowrot.flow._run import FlowRun, Setting
from lowrot.flow.neuron import Rates
from lowrot.integrate import DualWeights, Row, ln_time_after
from lowrot.losses import dual_weights, entropy_constant, log_loss, soft_margin
from lowrot.network import Network
from lowrot.path import Path

_RESOLVED = 1e12
"""Margins beyond which doubles no longer resolve the differences that the weights come from."""
_REST = 1e-8
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

    def __init__(self, net: Network, data: Dataset, loss: str, rates: Rates, rtol: float) -> None:
        self.objective = Classification(data.y, loss, _EXACT * rtol)
        stepper = Collocation(Planes.of(data.X, net.slope), self.objective, rates, rtol)
        super().__init__(Setting(net, "flow", rates, rtol), stepper, certificates(rtol))
        self.loss, self.c_n = loss, entropy_constant(data.n, loss)
        self.ln_t = -math.inf

    def resume_from(self, path: Path) -> None:
        """Continue a path of the same arguments."""
        self.same(path, loss=self.loss)
        self.resume(path, DualWeights.from_plain(path.meta["weights"], self.point.p))
        self.ln_t = float(path["ln_t"][-1])
        unit = max(1.0, self.common()["norm_squared"])
        self.agree(path, "min_margin", float(self.point.p.min()), unit)

    def advance(self, limit: float) -> str:
        """Take a step, or say why the flow cannot usefully go on."""
        if float(self.point.p.max()) > _RESOLVED:
            return f"margins exceed {_RESOLVED:g}: doubles no longer resolve the dual weights"
        reason = super().advance(limit)
        least = float(self.point.p.min())
        if (
            not reason
            and self.step
            and least <= 0
            and self.step.speeds[1] < _REST * self.common()["norm_squared"]
        ):
            where = f"at rest at tau = {self.time:.6g}"
            return f"{where}: the data are not separated (min p = {least:.3g})"
        return reason

    def arrive(self, stages: tuple[State, State], h: float) -> None:
        """Advance ln t, with ln Lam the parabola through its values at the stages."""
        values = [-float(dual_weights(point.p, self.loss)[1]) for point in (self.point, *stages)]
        if np.isinf(values).any():
            rates = np.array(values)
        else:
            first, middle, last = values
            bend = first - 1.5 * middle + 0.5 * last
            line = middle + 1.5 * (_GRID - C1) * (last - middle)
            rates = line + bend * (3.0 * _GRID**2 - 4.0 * _GRID + 1.0)
            rates = rates.clip(min(values), max(values))
        self.ln_t = ln_time_after(self.ln_t, rates, h)

    def row(self) -> Row:
        """The scalars at the current point."""
        p, common = self.point.p, self.common()
        P, least = float(soft_margin(p, self.loss)), float(p.min())
        return {
            "tau": self.time,
            "ln_t": self.ln_t,
            "P": P,
            "min_margin": least,
            "margin": max(P, 0.0) / common["norm_squared"],
            "normalized": least / common["norm_squared"],
            "mean": float(self.point.weights.q @ p),
            "ln_loss": float(log_loss(p, self.loss)),
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
        self.recorder.accumulate("energy", self.setting.rtol * self.defected)

    def monotone(self, row: Row) -> float:
        """A margin that never decreases where P > 0, whichever layers are trained (F5)."""
        both = all(self.setting.rates)
        return row["margin"] if both else row["P"] / (row["norm_a"] * row["norm_V"])

    def defect(self, step: Step, h: float) -> float:
        """Relative defect of ``P' = ||W'||^2`` over a step, in units of the tolerance.

        Of P, kinks resolved, or of asinh P, which is smooth when P grows by factors.
        """
        assert step.stages is not None
        before = float(soft_margin(self.point.p, self.loss))
        after = float(soft_margin(step.stages[1].p, self.loss))
        plain, stretched, mean = after - before, math.asinh(after) - math.asinh(before), 0.0
        for weight, speed, stage in zip(A[1], step.speeds, step.stages):
            P = float(soft_margin(stage.p, self.loss))
            rate = self.objective.rate(stage.p)
            mean += weight * rate
            stretched -= h * weight * speed * rate / math.hypot(1.0, P)
        plain -= mean * step.energy
        return min(abs(plain) / max(1.0, abs(after)), abs(stretched)) / self.setting.rtol

    def meta(self) -> dict[str, Any]:
        """What is needed to continue the run, and to describe it."""
        return super().meta() | {"loss": self.loss, "weights": self.point.weights.plain()}

    def line(self, row: Row) -> str:
        """A line of progress."""
        return (
            f"tau {row['tau']:.4g}  P {row['P']:.5g}  normalized margin {row['normalized']:.6g}  "
            f"sliding {row['sliding']:.0f}  steps {self.stats['steps']:.0f}"
        )
