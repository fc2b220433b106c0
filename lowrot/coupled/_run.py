"""One integration of the coupled flow: implicit Runge-Kutta stages, step control, certificates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lowrot.coupled._implicit_step import ScaledMargins, implicit_weights
from lowrot.coupled._potential import Potential, soft_ratio, time_below
from lowrot.coupled._tableaux import Method
from lowrot.integrate import DualWeights, Recorder, Run, ln_time_after
from lowrot.losses import dual_weights, entropy_constant, log_loss
from lowrot.path import Path

CERTIFICATES = {
    "loss_increase": (1e-7, "ln L never increases (F2), relative to max(1, | ln L |)"),
    "margin_decrease": (1e-7, "P_+/||u||_1 never decreases (F5), relative to its value"),
    "sandwich": (1e-7, "P <= sum q p <= P_+ + c_n (F3), relative to max(1, ||u||_1)"),
    "duality": (
        1e-9,
        'the time-averaged weights bound every margin from above (chapter "No rotation")',
    ),
    "clock": (1e-9, "sum_i z_i = tau, relative to tau"),
    "failed_steps": (0.0, "implicit steps that Newton's method left unsolved"),
}


@dataclass(frozen=True)
class Point:
    """The flow at one time: state, weights, margins."""

    tau: float
    z: Tensor
    weights: DualWeights
    margins: ScaledMargins
    ln_lam: float


class CoupledRun(Run):
    """One integration: the current point, the step size and the running integrals."""

    def __init__(
        self,
        potential: Potential,
        n: int,
        loss: str,
        method: Method,
        rtol: float,
        resume: Path | None,
    ) -> None:
        self.potential, self.loss, self.method, self.rtol = potential, loss, method, rtol
        self.power = -1.0 / (method.order + 1)
        self.c_n = entropy_constant(n, loss)
        self.stats = {"steps": 0.0, "rejected": 0.0, "evaluations": 0.0, "seconds": 0.0}
        self.recorder = Recorder(CERTIFICATES)
        self.ln_t, self.J, self.h = -math.inf, 0.0, 0.1 * rtol**0.5
        z, tau, weights = potential.C.new_zeros(n), 0.0, None
        if resume is not None:
            z, tau, weights = self._resume(resume, z)
        margins = potential.margins(z)
        if resume is not None:
            _same_features(resume, margins.ln_scale)
        if weights is None:
            p = margins.p * math.exp(min(margins.ln_scale, 600.0))
            weights = DualWeights.of_margins(p, loss)
        self.point = Point(tau, z, weights, margins, self._ln_lam(margins))

    def _resume(self, path: Path, z: Tensor) -> tuple[Tensor, float, DualWeights]:
        kind, size = path.meta.get("kind"), path.states.get("z", z[None, :0]).shape[1]
        if kind != "coupled" or size != len(z) or path.meta["loss"] != self.loss:
            raise ValueError(
                f"resume is a path of kind {kind!r} with {size} points and loss "
                f"{path.meta.get('loss')!r}; expected 'coupled', {len(z)} and {self.loss!r}"
            )
        self.ln_t, self.J = float(path["ln_t"][-1]), float(path["J"][-1])
        self.h = float(path.meta["h"])
        self.recorder.restore(path)
        self.stats |= path.stats
        weights = DualWeights.from_plain(path.meta["weights"], z)
        return z.new_tensor(path["z"][-1]), float(path["tau"][-1]), weights

    def _ln_lam(self, margins: ScaledMargins) -> float:
        """``ln sum_i |l'(p_i)|``; -inf once it is below every double."""
        if margins.ln_scale < 700.0:
            return float(dual_weights(margins.p * math.exp(margins.ln_scale), self.loss)[1])
        return -math.inf if soft_ratio(margins, self.loss) > 0 else math.inf

    @property
    def now(self) -> float:
        """The clock tau of the current point."""
        return self.point.tau

    def advance(self, limit: float) -> str:
        """Take one accepted step that does not pass ``limit``; a reason if none is small enough."""
        start, room = self.point, limit - self.point.tau
        while True:
            h = room if room <= self.h else min(self.h, 0.5 * room)
            if h < 1e-13 * max(1.0, start.tau):
                self.recorder.accumulate("failed_steps", 1.0)
                return f"step size fell below {self.h:.1e} at tau = {start.tau:.6g}"
            stages, z = self._stages(start, h)
            error = self._error(start, stages, h) if stages else math.inf
            if error <= 1.0:
                break
            self.stats["rejected"] += 1
            self.h = h * (0.25 if math.isinf(error) else max(0.2, 0.9 * error**self.power))
        weights, margins = stages[-1]
        tau, ln_lam = limit if h == room else start.tau + h, self._ln_lam(margins)
        self._arrive(Point(tau, z, weights, margins, ln_lam))
        self.stats["steps"] += 1
        proposed = h * min(3.0, max(0.2, 0.9 * max(error, 1e-4) ** self.power))
        self.h = max(self.h, proposed) if h < self.h else proposed
        return ""

    def _error(
        self, start: Point, stages: list[tuple[DualWeights, ScaledMargins]], h: float
    ) -> float:
        """Local error of z in the 1-norm in units of the tolerance.

        It is the distance to the quadrature of one order more through the start and the stages.
        """
        q = torch.stack([start.weights.q] + [weights.q for weights, _ in stages])
        return (
            h
            * float((q.new_tensor(self.method.defect) @ q).abs().sum())
            / (self.rtol * max(1.0, start.tau))
        )

    def _stages(
        self, start: Point, h: float
    ) -> tuple[list[tuple[DualWeights, ScaledMargins]], Tensor]:
        stages: list[tuple[DualWeights, ScaledMargins]] = []
        z, guess = start.z, start.weights
        for coefficients in self.method.stages:
            known = start.z
            for coefficient, (weights, _) in zip(coefficients, stages, strict=False):
                known = known + h * coefficient * weights.q
            eta = h * coefficients[-1]
            solution = implicit_weights(self.potential.near, known, eta, guess)
            if not solution.converged:
                return [], z
            guess, z = solution.weights, known + eta * solution.weights.q
            stages.append((solution.weights, solution.margins))
        return stages, z

    def _arrive(self, end: Point) -> None:
        """Move to the end of a step; advance J and ln t.

        J is an upper bound on the integral along the segment from z to z: ln ||u||_1 is convex
        there, so its tangents at both ends bound it from below. ln t takes ln Lam to be linear.
        """
        start, h = self.point, end.tau - self.point.tau
        drift = 2.0 * (end.z - start.z) / h
        first, last = float(start.margins.p @ drift), float(end.margins.p @ drift)
        J = self.J + time_below(
            math.log(self.c_n) if self.c_n > 0 else -math.inf,
            (start.margins.ln_scale, first),
            (end.margins.ln_scale - last * h, last),
            h,
        )
        ln_t = ln_time_after(self.ln_t, (-start.ln_lam, -end.ln_lam), h)
        self.point, self.J, self.ln_t = end, J, ln_t

    def row(self) -> dict[str, float]:
        """The scalars at the current point."""
        point, tau = self.point, self.point.tau
        ratio = soft_ratio(point.margins, self.loss)
        margin, ln_norm = max(ratio, 0.0), point.margins.ln_scale
        dual = math.inf
        if tau > 0:
            dual = point.margins.growth / (2.0 * tau)
        ln_P = ln_norm + math.log(margin) if margin > 0 else -math.inf
        scaled = point.margins.p * math.exp(min(ln_norm, 700.0))
        ln_loss = float(log_loss(scaled, self.loss)) if ln_norm < 700.0 else -math.inf
        return {
            "tau": tau,
            "ln_t": self.ln_t,
            "ln_norm": ln_norm,
            "margin": margin,
            "soft_ratio": ratio,
            "min_ratio": float(point.margins.p.min()),
            "ln_P": ln_P,
            "ln_loss": ln_loss,
            "dual": dual,
            "gap": (dual - margin) / dual if 0.0 < dual < math.inf else 1.0,
            "J": self.J,
        }

    def state(self) -> dict[str, np.ndarray]:
        """The arrays z and q at the current point."""
        return {"z": self.point.z.cpu().numpy(), "q": self.point.weights.q.cpu().numpy()}

    def meta(self) -> dict[str, Any]:
        """What is needed to continue the run."""
        self.stats["evaluations"] += self.potential.evaluations
        fixed = {"kind": "coupled", "loss": self.loss, "rtol": self.rtol}
        return fixed | {"h": self.h, "weights": self.point.weights.plain()}

    def line(self, row: dict[str, float]) -> str:
        """A line of progress."""
        return (
            f"tau {row['tau']:.4g}  ln||u|| {row['ln_norm']:.4g}  margin {row['margin']:.6g}  "
            f"gap {row['gap']:.2e}  steps {self.stats['steps']:.0f}"
        )

    def certify(self, before: dict[str, float], row: dict[str, float]) -> None:
        """Check F3, F5, duality and the clock on the step just taken."""
        note, margin = self.recorder.violation, row["margin"]
        if row["ln_loss"] > -math.inf:
            loss = before["ln_loss"]
            note("loss_increase", (row["ln_loss"] - loss) / max(1.0, abs(loss)))
        if before["margin"] > 0:
            note("margin_decrease", (before["margin"] - margin) / before["margin"])
        mean = float(self.point.weights.q @ self.point.margins.p)
        ceiling = margin + self.c_n * math.exp(min(-row["ln_norm"], 600.0))
        unit = max(1.0, math.exp(min(-row["ln_norm"], 600.0)))
        note("sandwich", max(row["soft_ratio"] - mean, mean - ceiling) / unit)
        note("duality", margin - row["dual"])
        note("clock", abs(float(self.point.z.sum()) / row["tau"] - 1.0))


def _same_features(path: Path, ln_norm: float) -> None:
    kept = float(path["ln_norm"][-1])
    if abs(kept - ln_norm) > 1e-9 * max(1.0, abs(kept)):
        raise ValueError(
            f"resume ends at ln ||u||_1 = {kept:.9g}, but these features and data have "
            f"{ln_norm:.9g} there; expected the features and data of that run"
        )
