"""One integration of the gradient flow of the squared loss, in the time t."""

from __future__ import annotations

import math

from torch import Tensor

from lowrot.data._dataset import fingerprint
from lowrot.flow._objectives import Regression, norm
from lowrot.flow._planes import Planes
from lowrot.flow._point import FlowPoint, Setting
from lowrot.flow._radau import Radau
from lowrot.flow._run import FlowRun
from lowrot.flow.neuron import Rates
from lowrot.integrate import Row
from lowrot.network import Network
from lowrot.path import End, Outcome, Path

_ROUNDING = 1e-15
"""Part of the largest outputs that residuals lose in their rounding."""


class RegressionRun(FlowRun):
    """Gradient flow of the squared loss, in the time t."""

    clock = "t"

    def __init__(self, net: Network, X: Tensor, y: Tensor, rates: Rates, rtol: float) -> None:
        self.objective = Regression(y.cpu().numpy())
        stepper = Radau(Planes.of(X.cpu(), net.slope), self.objective, rates, rtol)
        limits = {
            "balance": (1e-9, "eta_V a_j^2 - eta_a ||v_j||^2 is constant, relative to its size"),
            "dual_weights": (rtol, "they are minus the residuals, relative to their norm"),
            "loss_increase": (
                rtol,
                "the loss never increases, relative to its value, rounding aside",
            ),
            "energy": (rtol ** (1 / 3), "dL/dt = -r^T (eta_a K_a + eta_V K_V) r, summed over L(0)"),
            "failed_steps": (0.0, "steps that no size made accurate enough"),
        }
        mark = fingerprint(X, y)
        super().__init__(Setting(net, "regression", rates, rtol, mark), stepper, limits)
        self.first = self.loss_value(self.point)
        self.size_X = float(X.norm())

    def resume_from(self, path: Path) -> None:
        """Continue a path of the same arguments."""
        self.same(path)
        self.resume(path)
        self.agree(path, "loss", self.loss_value(self.point), self.first)

    def ended(self, point: FlowPoint) -> End | None:
        """Why the flow cannot usefully go on: residuals at rounding, or nothing moves."""
        now, loss = point.state.neurons, self.loss_value(point)
        outputs = norm(now.a) * norm(now.V) * self.size_X
        if math.sqrt(2.0 * loss) <= _ROUNDING * outputs:
            words = f"residuals are at the rounding of the outputs at t = {point.time:.6g}"
            return End(Outcome.ROUNDING, words)
        if point.step is None or not self.stepper.at_rest(point.state):
            return None
        words = f"at rest at t = {point.time:.6g}: {self.standing(point)}"
        return End(Outcome.STATIONARY, words)

    def standing(self, point: FlowPoint) -> str:
        """Which loss is left."""
        return f"relative loss {self.loss_value(point) / self.first:.6g}"

    def loss_value(self, point: FlowPoint) -> float:
        """``||r||^2/2``."""
        return 0.5 * norm(self.objective.respond(point.state.p)) ** 2

    def row(self, point: FlowPoint) -> Row:
        """The scalars at a point."""
        loss = self.loss_value(point)
        ln_loss = math.log(loss) if loss > 0 else -math.inf
        return {
            "t": point.time,
            "ln_t": math.log(point.time) if point.time > 0 else -math.inf,
            "loss": loss,
            "ln_loss": ln_loss,
            "relative_loss": loss / self.first if self.first > 0 else 0.0,
            **self.common(point),
        }

    def certify(self, before: Row, row: Row) -> None:
        """Check the rate identity and the invariants on the step just taken."""
        self.recorder.violation("balance", self.drift())
        self.recorder.violation("dual_weights", self.point.state.mismatch)
        state = self.point.state
        rounding = math.sqrt(2.0 * before["loss"] * len(state.p)) * self.stepper.rounding(state)
        rise = (row["loss"] - before["loss"] - rounding) / max(before["loss"], 1e-300)
        self.recorder.violation("loss_increase", rise)
        assert self.point.step is not None
        gap = abs(before["loss"] - row["loss"] - self.point.step.energy) / self.first
        self.recorder.accumulate("energy", gap)

    def line(self, row: Row) -> str:
        """A line of progress."""
        return (
            f"t {row['t']:.4g}  relative loss {row['relative_loss']:.3g}  "
            f"steps {self.stats['steps']:.0f}"
        )
