"""One integration of a gradient flow: step control, columns, certificates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from lowrot._collocation import A, Collocation, State
from lowrot._follow import Follower, Row, later
from lowrot._laws import Regression, Separation
from lowrot._model import Weights
from lowrot._neurons import Rates
from lowrot._planes import Planes
from lowrot.data import Dataset
from lowrot.margins import dual_weights, entropy_constant, log_loss, soft_margin
from lowrot.network import Network
from lowrot.path import Path, Recorder

_GROWTH = 2.0
"""Largest ln growth of a neuron in a step."""
_RESOLVED = 1e12
"""Margins beyond which doubles no longer resolve the differences that the weights come from."""
_REST = 1e-8


def certificates(rtol: float) -> dict[str, tuple[float, str]]:
    """What is checked along a classification flow, and how far rounding and rtol may move it."""
    return {
        "balance": (1e-9, "a_j^2 - ||v_j||^2 is constant (F4), relative to the neuron's size"),
        "loss_increase": (rtol, "P never decreases (F2), relative to max(1, | P |)"),
        "margin_decrease": (rtol, "P_+/||W||^2 never decreases (F5), relative to its value"),
        "sandwich": (rtol, "P <= sum q p <= P_+ + c_n (F3), relative to max(1, | P |)"),
        "energy": (rtol ** (1 / 3), "P' = ||W'||^2 (F2), sum of the relative defects of the steps"),
        "failed_steps": (0.0, "steps that no size made accurate enough"),
    }


@dataclass(frozen=True)
class Setting:
    """What a run follows: the start, the objective's name and the rates of the two layers."""

    initial: Network
    kind: str
    rates: Rates
    rtol: float


class FlowRun(Follower):
    """A gradient flow on a network; see `lowrot.flow`."""

    def __init__(
        self, setting: Setting, stepper: Collocation, limits: dict[str, tuple[float, str]]
    ):
        self.setting, self.stepper = setting, stepper
        self.recorder = Recorder(limits)
        self.stats = dict.fromkeys(
            ("steps", "rejected", "stiff", "iterations", "kernels", "seconds"), 0.0
        )
        net = setting.initial
        self.time, self.point = 0.0, stepper.start(net.a, net.V)
        self.before, self.last, self.error = self.point.weights, math.inf, 0.0
        self.stages: tuple[State, State] = (self.point, self.point)
        self.speeds = (0.0, 0.0)
        self.invariant = setting.rates[1] * net.a.square() - setting.rates[0] * net.V.square().sum(
            1
        )
        self.h = 1e-3 / max(
            1.0, math.sqrt(float(stepper.kernel(self.point.neurons).diagonal().max()))
        )

    @property
    def now(self) -> float:
        """The clock time of the current point."""
        return self.time

    def resume(self, path: Path, weights: Any) -> None:
        """Continue at the end of a path."""
        a, V = (self.point.p.new_tensor(path[name][-1]) for name in ("a", "V"))
        self.point = self.stepper.start(a, V, weights)
        self.before, self.last = self.point.weights, math.inf
        self.time, self.h = float(path[self.clock][-1]), float(path.meta["h"])
        self.error = float(path["error"][-1])
        for index in range(len(path) - 1):
            row = {name: float(values[index]) for name, values in path.columns.items()}
            self.recorder.add(row, {name: s[index] for name, s in path.states.items()})
        for name, certificate in path.certificates.items():
            self.recorder.violation(name, certificate.value)
        self.stats |= path.stats

    def advance(self, limit: float) -> str:
        """Take one accepted step that does not pass ``limit``; a reason in words if none can be."""
        room = limit - self.time
        longest = _GROWTH / max(self.stepper.growth(self.point), 1e-300)
        while True:
            wish = min(self.h, longest)
            h = room if room <= wish else min(wish, 0.5 * room)
            if h < 1e-14 * max(1.0, self.time) or h < 1e-280:
                self.recorder.accumulate("failed_steps", 1.0)
                return f"step size fell below {h:.1e} at {self.clock} = {self.time:.6g}"
            step = self.stepper.attempt(self.point, self.before, min(h / self.last, 2.0), h)
            self.stats["iterations"] += step.iterations
            self.stats["kernels"] += step.kernels
            if step.stages is not None and step.error <= 1.0:
                break
            self.stats["rejected"] += 1
            self.h = h * (0.4 if step.stages is None else max(0.2, 0.9 * step.error ** (-1 / 3)))
        self.before, self.last = self.point.weights, h
        self.arrive(step.stages[1], h)
        self.stages, self.speeds, self.point = step.stages, step.speeds, step.stages[1]
        self.time = limit if h == room else self.time + h
        self.error += step.error * self.setting.rtol
        self.stats["steps"] += 1
        self.stats["stiff"] += step.stiff
        proposed = h * min(3.0, max(0.2, 0.9 * max(step.error, 1e-4) ** (-1 / 3)))
        self.h = max(self.h, proposed) if h < self.h else proposed
        return ""

    def arrive(self, end: State, h: float) -> None:
        """Advance whatever is integrated beside the state."""

    def common(self) -> Row:
        """The columns of every flow."""
        now, net = self.point.neurons, self.setting.initial
        norm_a, norm_V = float(now.a.norm()), float(now.V.norm())
        moved = float((now.a - net.a).square().sum() + (now.V - net.V).square().sum())
        return {
            "norm_a": norm_a,
            "norm_V": norm_V,
            "norm_squared": norm_a**2 + norm_V**2,
            "rho": math.sqrt(moved),
            "sliding": float((now.S == 0).sum()),
            "error": self.error,
        }

    def drift(self) -> float:
        """Change of the invariants, relative to the size of each neuron."""
        now, (rate_a, rate_V) = self.point.neurons, self.setting.rates
        outer, inner = rate_V * now.a.square(), rate_a * now.V.square().sum(1)
        size = (outer + inner + self.invariant.abs()).clamp_min(1e-300)
        return float(((outer - inner - self.invariant).abs() / size).max())

    def state(self) -> dict[str, np.ndarray]:
        """Weights and dual weights at the current point."""
        now = self.point.neurons
        dual = self.stepper.law.vector(self.point.weights)
        arrays = {"a": now.a, "V": now.V, "q": dual}
        return {name: value.cpu().numpy().copy() for name, value in arrays.items()}

    def meta(self) -> dict[str, Any]:
        """What is needed to continue the run, and to describe it."""
        setting = self.setting
        return {
            "kind": setting.kind,
            "rates": list(setting.rates),
            "rtol": setting.rtol,
            "h": self.h,
            "slope": setting.initial.slope,
        }


class SeparationRun(FlowRun):
    """Gradient flow of the exponential or logistic loss, in the clock tau."""

    def __init__(self, net: Network, data: Dataset, loss: str, rates: Rates, rtol: float) -> None:
        self.law = Separation(data.y, loss)
        stepper = Collocation(Planes.of(data.X, net.slope), self.law, rates, rtol)
        super().__init__(Setting(net, "flow", rates, rtol), stepper, certificates(rtol))
        self.loss, self.c_n = loss, entropy_constant(data.n, loss)
        self.ln_t = -math.inf

    def resume_from(self, path: Path) -> None:
        """Continue a path of the same arguments."""
        n, shape = len(self.point.p), tuple(self.setting.initial.V.shape)
        got = path.meta.get("kind"), path.meta.get("loss"), tuple(path.states["V"].shape[1:])
        if got != ("flow", self.loss, shape) or path["q"].shape[1] != n:
            raise ValueError(
                f"resume is a path of kind, loss and shape of V {got}; expected "
                f"{('flow', self.loss, shape)} on {n} points"
            )
        self.resume(path, Weights.from_plain(path.meta["weights"], self.point.p))
        self.ln_t = float(path["ln_t"][-1])

    def advance(self, limit: float) -> str:
        """Take a step, or say why the flow cannot usefully go on."""
        if float(self.point.p.max()) > _RESOLVED:
            return f"margins exceed {_RESOLVED:g}: doubles no longer resolve the dual weights"
        reason = super().advance(limit)
        least = float(self.point.p.min())
        if not reason and least <= 0 and self.speeds[1] < _REST * self.common()["norm_squared"]:
            where = f"at rest at tau = {self.time:.6g}"
            return f"{where}: the data are not separated (min p = {least:.3g})"
        return reason

    def arrive(self, end: State, h: float) -> None:
        """Advance ln t, with ln Lam linear over the step."""
        lam = [float(dual_weights(point.p, self.loss)[1]) for point in (self.point, end)]
        self.ln_t = later(self.ln_t, -lam[0], -lam[1], h)

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
            note("margin_decrease", 1.0 - row["margin"] / before["margin"])
        ceiling = max(row["P"], 0.0) + self.c_n
        note("sandwich", max(row["P"] - row["mean"], row["mean"] - ceiling) / unit)
        self.recorder.accumulate("energy", self.defect(before["P"], row["P"]))

    def defect(self, before: float, after: float) -> float:
        """Relative defect of ``P' = ||W'||^2`` over the last step, by the quadrature of the stages.

        Of P while it is small and of asinh P when it grows by factors: the smoother counts.
        """
        plain, stretched = after - before, math.asinh(after) - math.asinh(before)
        for weight, speed, stage in zip(A[1], self.speeds, self.stages):
            P = float(soft_margin(stage.p, self.loss))
            part = self.last * weight * speed * self.law.rate(stage.p)
            plain, stretched = plain - part, stretched - part / math.hypot(1.0, P)
        return min(abs(plain) / max(1.0, abs(after)), abs(stretched))

    def meta(self) -> dict[str, Any]:
        """What is needed to continue the run, and to describe it."""
        return super().meta() | {"loss": self.loss, "weights": self.point.weights.plain()}

    def line(self, row: Row) -> str:
        """A line of progress."""
        return (
            f"tau {row['tau']:.4g}  P {row['P']:.5g}  normalized margin {row['normalized']:.6g}  "
            f"sliding {row['sliding']:.0f}  steps {self.stats['steps']:.0f}"
        )


class RegressionRun(FlowRun):
    """Gradient flow of the squared loss, in the time t."""

    clock = "t"

    def __init__(self, net: Network, X: Tensor, y: Tensor, rates: Rates, rtol: float) -> None:
        self.law = Regression(y)
        stepper = Collocation(Planes.of(X, net.slope), self.law, rates, rtol)
        limits = {
            "balance": (1e-9, "eta_V a_j^2 - eta_a ||v_j||^2 is constant, relative to its size"),
            "loss_increase": (rtol, "the loss never increases, relative to its value"),
            "energy": (rtol ** (1 / 3), "dL/dt = -r^T (eta_a K_a + eta_V K_V) r, summed over L(0)"),
            "failed_steps": (0.0, "steps that no size made accurate enough"),
        }
        super().__init__(Setting(net, "regression", rates, rtol), stepper, limits)
        self.first = self.loss_value()

    def loss_value(self) -> float:
        """``||r||^2/2``."""
        return 0.5 * float(self.law.respond(self.point.p).square().sum())

    def row(self) -> Row:
        """The scalars at the current point."""
        loss = self.loss_value()
        ln_loss = math.log(loss) if loss > 0 else -math.inf
        return {
            "t": self.time,
            "ln_t": math.log(self.time) if self.time > 0 else -math.inf,
            "loss": loss,
            "ln_loss": ln_loss,
            "relative_loss": loss / self.first if self.first > 0 else 0.0,
            **self.common(),
        }

    def certify(self, before: Row, row: Row) -> None:
        """Check the rate identity and the invariants on the step just taken."""
        self.recorder.violation("balance", self.drift())
        rise = (row["loss"] - before["loss"]) / max(before["loss"], 1e-300)
        self.recorder.violation("loss_increase", rise)
        gained = self.last * (A[1][0] * self.speeds[0] + A[1][1] * self.speeds[1])
        gap = abs(before["loss"] - row["loss"] - gained) / self.first
        self.recorder.accumulate("energy", gap)

    def line(self, row: Row) -> str:
        """A line of progress."""
        return (
            f"t {row['t']:.4g}  relative loss {row['relative_loss']:.3g}  "
            f"steps {self.stats['steps']:.0f}"
        )
