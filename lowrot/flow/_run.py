"""One integration of a gradient flow: step control, columns, certificates."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lowrot.flow._radau import Collocation, State, Step
from lowrot.flow.neuron import Rates
from lowrot.integrate import Recorder, Row, Run, overshoot
from lowrot.network import Network
from lowrot.path import Path

_LANDED, _SECANTS = 1e-6, 30
"""How far beyond a rule a run may end, and after how many evaluations the best one is taken."""
_LONGER = 8.0
"""Largest ratio of one step to the one before."""
_GROWTH = 2.0
"""Largest ln growth of a neuron in a step."""


@dataclass(frozen=True)
class Setting:
    """What a run follows: the start, the objective's name and the rates of the two layers."""

    initial: Network
    kind: str
    rates: Rates
    rtol: float


class FlowRun(Run):
    """A gradient flow on a network; see `lowrot.flow`."""

    compiled = "_follow_all"

    def __init__(
        self, setting: Setting, stepper: Collocation, limits: dict[str, tuple[float, str]]
    ):
        self.setting, self.stepper, self.rules = setting, stepper, {}
        self.recorder = Recorder(limits)
        self.stats = dict.fromkeys(
            ("steps", "rejected", "stiff", "iterations", "kernels", "seconds"), 0.0
        )
        net = setting.initial
        self.time, self.point = 0.0, stepper.start(net.a, net.V)
        self.before, self.last, self.error = self.point.weights, math.inf, 0.0
        self.step: Step | None = None
        self.defected = 0.0
        self.invariant = setting.rates[1] * net.a.square() - setting.rates[0] * net.V.square().sum(
            1
        )
        self.size = setting.rates[1] * net.a.square() + setting.rates[0] * net.V.square().sum(1)
        kernel = stepper.kernel(self.point.neurons)
        fastest = stepper.objective.stiffness(kernel, self.point.weights)
        self.h = setting.rtol ** (1 / 3) / max(1.0, fastest)

    @property
    def now(self) -> float:
        """The clock time of the current point."""
        return self.time

    def resume(self, path: Path, weights: Any = None) -> None:
        """Continue at the end of a path, with its dual weights where the outputs lose digits."""
        a, V = (self.point.p.new_tensor(path[name][-1]) for name in ("a", "V"))
        self.point = self.stepper.start(a, V, weights)
        self.before, self.last = self.point.weights, math.inf
        self.time, self.h = float(path[self.clock][-1]), float(path.meta["h"])
        self.error = float(path["error"][-1])
        self.recorder.restore(path)
        self.stats |= path.stats

    def same(self, path: Path, **expected: Any) -> None:
        """Refuse to continue a path of another kind, of other sizes, or from another start."""
        setting, net = self.setting, self.setting.initial
        expected = {
            "kind": setting.kind,
            "rates": list(setting.rates),
            "slope": net.slope,
        } | expected
        got = {name: path.meta.get(name) for name in expected}
        shapes = {"V": tuple(net.V.shape), "q": (len(self.point.p),)}
        found = {name: path.states[name].shape[1:] for name in shapes if name in path.states}
        if (got, found) != (expected, shapes):
            raise ValueError(f"resume is a path with {got} {found}; expected {expected} {shapes}")
        for name, value in (("a", net.a), ("V", net.V)):
            away = float(np.abs(path[name][0] - value.cpu().numpy()).max())
            if away != 0:
                raise ValueError(
                    f"net.{name} is up to {away:.3g} away from the start of resume; expected the "
                    "network that the path started from"
                )

    def agree(self, path: Path, name: str, value: float, unit: float) -> None:
        """Refuse to continue a path whose last value of a column is another on these data."""
        found = float(path[name][-1])
        if not abs(value - found) <= 1e-9 * unit:
            raise ValueError(
                f"resume ends at {name} = {found:.6g}, but its weights have {value:.6g} on these "
                "data; expected the data of the path"
            )

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
            defect = math.inf if step.stages is None else self.defect(step, h)
            error = max(step.error, defect)
            if step.stages is not None and error <= 1.0:
                break
            self.stats["rejected"] += 1
            self.h = h * (0.4 if math.isinf(error) else max(0.2, 0.9 * error ** (-1 / 3)))
        end, before = limit if h == room else self.time + h, self.point.weights
        part, share = self.landed(step, h)
        proposed = h * min(_LONGER, max(0.2, 0.9 * max(error, 1e-4) ** (-1 / 3)))
        proposed *= 7.0 / (6.0 + step.iterations)
        self.h = max(self.h, proposed) if h < self.h else proposed
        self.stats["steps"] += 1
        self.stats["stiff"] += step.stiff
        self.error += error * self.setting.rtol
        self.defected = defect if share == 1.0 else self.defect(part, share * h)
        self.commit(part, share * h)
        self.before, self.last = before, share * h
        self.time = end if share == 1.0 else self.time
        return ""

    def commit(self, step: Step, h: float) -> None:
        """Go to the end of a step."""
        assert step.stages is not None
        self.arrive(step.stages, h)
        self.step, self.point, self.time = step, step.stages[1], self.time + h

    def landed(self, step: Step, h: float) -> tuple[Step, float]:
        """The part of a step after which a rule is just met, and its share; or the whole step.

        By regula falsi, in the variant of Illinois, which halves an end that stays.
        """
        best, share, beyond = step, 1.0, self.excess_after(step, h)
        if beyond <= _LANDED:
            return best, share
        aim = 0.5 * _LANDED
        low, under = 0.0, overshoot(self.rules, self.row(), self.clock) - aim
        high, over, stayed = 1.0, beyond - aim, 0
        for _ in range(_SECANTS):
            middle = high - (high - low) * over / (over - under)
            part = self.stepper.part(self.point, step, h, middle)
            if part is None:
                break
            beyond = self.excess_after(part, middle * h)
            if beyond >= 0.0:
                best, share = part, middle
                high, over, stayed = middle, beyond - aim, max(stayed, 0) + 1
                under *= 0.5 if stayed > 1 else 1.0
            else:
                low, under, stayed = middle, beyond - aim, min(stayed, 0) - 1
                over *= 0.5 if stayed < -1 else 1.0
            if 0.0 <= beyond <= _LANDED:
                break
        return best, share

    def excess_after(self, step: Step, h: float) -> float:
        """How far beyond the rules the end of a step is."""
        trial = copy.copy(self)
        trial.commit(step, h)
        return overshoot(self.rules, trial.row(), self.clock)

    def defect(self, step: Step, h: float) -> float:
        """A second estimate of a step's error in units of the tolerance, where there is one."""
        return 0.0

    def arrive(self, stages: tuple[State, State], h: float) -> None:
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
        size = (outer + inner).maximum(self.size).clamp_min(1e-300)
        return float(((outer - inner - self.invariant).abs() / size).max())

    def state(self) -> dict[str, np.ndarray]:
        """Weights and dual weights at the current point."""
        now = self.point.neurons
        dual = self.stepper.objective.vector(self.point.weights)
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
