"""One integration of a gradient flow: steps, landing on rules, columns, certificates."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np

from lowrot.flow._objectives import norm
from lowrot.flow._point import FlowPoint, Setting, Untaken
from lowrot.flow._radau import Radau
from lowrot.flow._step import FlowState, Step
from lowrot.integrate import (
    START,
    Recorder,
    Row,
    Run,
    StepSize,
    Time,
    land,
    overshoot,
    same_arguments,
)
from lowrot.path import End, Outcome, Path

_SIZES = StepSize(order=3, growth=8.0, unsolved=0.4)
"""Of the local error of the weights; by a factor of 8 steps catch up with the flow in few."""
_GROWTH = 2.0
"""Largest ln growth of a neuron in a step."""
_WORTH = 2.0
"""Longer first lengths than this times one that is known to be accurate are looked at."""
_EASY, _SMOOTH = 2.0, 6.0
"""A step that took k iterations, more than `_EASY`, makes the next one shorter, by
``(_EASY + _SMOOTH)/(k + _SMOOTH)``."""


class FlowRun(Run[FlowPoint]):
    """A gradient flow on a network; see `lowrot.flow`."""

    compiled = "follow_all"

    def __init__(self, setting: Setting, stepper: Radau, limits: dict[str, tuple[float, str]]):
        self.setting, self.stepper, self.rules = setting, stepper, {}
        self.recorder = Recorder(limits)
        counts = ("steps", "rejected", "iterations", "kernels", "seconds")
        self.stats = dict.fromkeys(counts, 0.0)
        state = stepper.start(setting.initial.a.cpu(), setting.initial.V.cpu())
        self.origin = state.neurons
        assert state.kernel is not None
        self.point = FlowPoint(0.0, state, math.inf, self._first_length(state))

    def _first_length(self, state: FlowState) -> float:
        """The length to try first: accurate, by all that is known where nothing has moved yet.

        At most a time in which no neuron moves by more than its size.
        """
        stepper, weights = self.stepper, state.weights
        assert state.kernel is not None
        stiffness = stepper.objective.stiffness(state.kernel, weights)
        h, fastest = self.setting.rtol ** (1 / 3) / max(1.0, stiffness), stepper.fastest(weights)
        while True:
            longer = _SIZES.after_accepted(h, h, stepper.foreseen_error(state, h))
            if longer < _WORTH * h or not 0.0 < _SIZES.growth * h * fastest <= 1.0:
                return min(h, longer)
            h = longer

    def _longest(self, state: FlowState, wish: float) -> float:
        """The longest step in which no neuron grows too much; only found where wishes reach it."""
        stepper, both = self.stepper, math.sqrt(self.setting.rates[0] * self.setting.rates[1])
        if wish * both * stepper.fastest(state.weights) <= _GROWTH:
            return wish
        return _GROWTH / max(stepper.fastest_growth(state), 1e-300)

    @property
    def now(self) -> float:
        """The clock time of the current point."""
        return self.point.time

    def resume(self, path: Path, weights: Any = None) -> None:
        """Continue at the end of a path, with its dual weights where the outputs lose digits."""
        state = self.stepper.start(path["a"][-1], path["V"][-1], weights)
        time, error, ln_t = (float(path[name][-1]) for name in (self.clock, "error", "ln_t"))
        h = float(path.meta["h"])
        t = Time(ln_t, path.meta.get("t_error", 0.0))
        self.point = FlowPoint(time, state, math.inf, h, error, t)
        self.recorder.restore(path)
        self.stats |= path.stats

    def same(self, path: Path, **expected: Any) -> None:
        """Refuse to continue a path of another kind, of other sizes, or from another start."""
        setting, net = self.setting, self.setting.initial
        wanted = {
            "kind": setting.kind,
            "rates": list(setting.rates),
            "slope": net.slope,
            "rtol": setting.rtol,
            "data": setting.data,
        }
        same_arguments(path, wanted | expected)
        shapes = {"V": tuple(net.V.shape), "q": (len(self.point.state.p),)}
        found = {name: path.states[name].shape[1:] for name in shapes if name in path.states}
        if found != shapes:
            raise ValueError(f"resume is a path with states of {found}; expected {shapes}")
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

    def advance(self, point: FlowPoint, limit: float) -> tuple[FlowPoint, End | None]:
        """The end of one accepted step that does not pass ``limit``, landed on the rules."""
        while True:
            tried = self._accurate_step(point, limit)
            if isinstance(tried, Untaken):
                return tried
            step, h, end = tried
            landed = self._landed(point, step, h, end)
            if landed is not None:
                self.stats["steps"] += 1
                return landed, None
            self.stats["rejected"] += 1
            point = replace(point, h=0.5 * h)
            if (spent := self.exhausted()) is not None:
                return point, spent

    def _landed(self, point: FlowPoint, step: Step, h: float, end: FlowPoint) -> FlowPoint | None:
        """The end of a step or where it meets a rule; None where it is not accurate there.

        Inside a step the weights are known to one order less than at its end.
        """
        early = point.t == START
        landed, fraction = land(
            lambda fraction: self._part(point, step, h, fraction),
            lambda at: overshoot(self.rules, self.row(at), self.clock, early=early),
            point,
            end,
        )
        if fraction == 1.0:
            return landed
        assert landed.step is not None
        defect = self.defect(point, landed.step, fraction * h)
        if defect > 1.0:
            return None
        landed = replace(landed, h=end.h, error=end.error, defect=defect)
        return self.timed(point, landed, step, h)

    def _accurate_step(
        self, point: FlowPoint, limit: float
    ) -> tuple[Step, float, FlowPoint] | Untaken:
        """A step that is accurate enough, its length and its end; or why there is none."""
        room, wish = limit - point.time, point.h
        if point.step is not None and wish > self.stepper.longest(point.state.weights):
            words = f"too slow to follow in doubles from {self.clock} = {point.time:.6g} on"
            return Untaken(point, End(Outcome.ROUNDING, f"{words}: {self.standing(point)}"))
        longest = self._longest(point.state, wish)
        while True:
            h = _SIZES.trial(min(wish, longest), room)
            if h < room and (h < 1e-14 * max(1.0, point.time) or h < 1e-280):
                self.recorder.accumulate("failed_steps", 1.0)
                words = f"step size fell below {h:.1e} at {self.clock} = {point.time:.6g}"
                return Untaken(point, End(Outcome.STALLED, words))
            step, defect = self._tried(point, h)
            error = max(step.error, defect)
            if step.stages is not None and error <= 1.0:
                break
            self.stats["rejected"] += 1
            wish = _SIZES.after_rejected(h, error)
            if (spent := self.exhausted()) is not None:
                return Untaken(replace(point, h=wish), spent)
        effort = min(1.0, (_EASY + _SMOOTH) / (step.iterations + _SMOOTH))
        end = replace(
            self._end(point, step, h),
            time=limit if h == room else point.time + h,
            h=_SIZES.after_accepted(wish, h, error, effort),
            error=point.error + error * self.setting.rtol,
            defect=defect,
        )
        return step, h, self.timed(point, end, step, h)

    def _tried(self, point: FlowPoint, h: float) -> tuple[Step, float]:
        """A step of length h, counted, and its second error estimate."""
        step = self.stepper.attempt(point.state, h)
        self.stats["iterations"] += step.iterations
        self.stats["kernels"] += step.kernels
        return step, math.inf if step.stages is None else self.defect(point, step, h)

    def _end(self, point: FlowPoint, step: Step, h: float) -> FlowPoint:
        """Where a step of length h from a point leads."""
        assert step.stages is not None
        return replace(
            point,
            time=point.time + h,
            state=step.stages[1],
            last=h,
            step=step,
        )

    def _part(self, point: FlowPoint, step: Step, h: float, fraction: float) -> FlowPoint | None:
        """Where a fraction of an accepted step leads."""
        part = self.stepper.part(point.state, step, h, fraction)
        if part is None:
            return None
        end = self._end(point, part, fraction * h)
        return self.timed(point, end, step, h) if "ln_t" in self.rules else end

    def timed(self, start: FlowPoint, end: FlowPoint, step: Step, h: float) -> FlowPoint:
        """A point with its time t, at the end or within a step of length h, where it is kept."""
        return end

    @abstractmethod
    def standing(self, point: FlowPoint) -> str:
        """What a run that ends without a rule has to say of its end."""

    def defect(self, point: FlowPoint, step: Step, h: float) -> float:
        """A second estimate of a step's error in units of the tolerance, where there is one."""
        return 0.0

    def common(self, point: FlowPoint) -> Row:
        """The columns of every flow."""
        now, start = point.state.neurons, self.origin
        norm_a, norm_V = norm(now.a), norm(now.V)
        moved = math.hypot(norm(now.a - start.a), norm(now.V - start.V))
        return {
            "norm_a": norm_a,
            "norm_V": norm_V,
            "norm_squared": norm_a**2 + norm_V**2,
            "rho": moved,
            "sliding": float(now.S.size - np.count_nonzero(now.S)),
            "error": point.error,
        }

    def drift(self) -> float:
        """Change of the invariants, relative to the size of each neuron."""
        return self.point.state.neurons.drift(self.origin, self.setting.rates)

    def state(self, point: FlowPoint) -> dict[str, np.ndarray]:
        """Weights and dual weights at a point."""
        now = point.state.neurons
        dual = self.stepper.objective.vector(point.state.weights)
        return {"a": now.a.copy(), "V": now.V.copy(), "q": dual.copy()}

    def meta(self) -> dict[str, Any]:
        """What is needed to continue the run, and to describe it."""
        setting = self.setting
        return {
            "kind": setting.kind,
            "rates": list(setting.rates),
            "rtol": setting.rtol,
            "data": setting.data,
            "h": self.point.h,
            "t_error": self.point.t.error,
            "slope": setting.initial.slope,
        }
