"""The loop that all flows share: steps until a rule is met, each kept and certified."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np

from lowrot import _validate
from lowrot._jit import kept
from lowrot.integrate._recorder import Recorder
from lowrot.integrate._stop import reached
from lowrot.path import End, Outcome, Path

Row = dict[str, float]
Point = TypeVar("Point")
"""Where a run is, with all that the next step needs: never changed, only replaced."""

_PROGRESS = 2.0
"""Seconds between two lines of progress."""


class Run(ABC, Generic[Point]):
    """A run of some dynamics; subclasses know the points and how to take a step.

    Attributes:
        point: where the run is.
        recorder: the points kept and the running certificates.
        stats: counts of work.
        rules: what ends the run.
        tries: steps tried before this call, and how many it may try.
        clock: name of the column that the run advances in.
        unit: of margins over norms: those far below are none.
        compiled: a function that the first run of an installation compiles.
    """

    point: Point
    recorder: Recorder
    stats: dict[str, float]
    rules: dict[str, Any]
    tries: tuple[float, float] = (0.0, math.inf)
    clock = "tau"
    unit = 1.0
    compiled = "solve"

    @property
    @abstractmethod
    def now(self) -> float:
        """The clock time of the current point."""

    @abstractmethod
    def advance(self, point: Point, limit: float) -> tuple[Point, End | None]:
        """The end of one accepted step that does not pass ``limit``.

        Where none can be taken: the point to go on from another time, and why.
        """

    @abstractmethod
    def row(self, point: Point) -> Row:
        """The scalars at a point."""

    @abstractmethod
    def state(self, point: Point) -> dict[str, np.ndarray]:
        """The arrays kept with a point."""

    @abstractmethod
    def certify(self, before: Row, row: Row) -> None:
        """Check the step that led to the current point."""

    @abstractmethod
    def meta(self) -> dict[str, Any]:
        """What is needed to continue the run from the current point."""

    @abstractmethod
    def line(self, row: Row) -> str:
        """A line of progress."""

    def ended(self, point: Point) -> End | None:
        """Why the dynamics cannot usefully go on from a point, if so."""
        return None

    def follow(
        self, rules: dict[str, Any], targets: list[float], progress: bool, max_steps: int
    ) -> Path:
        """Integrate until a rule is met; keep every step, or the target times only."""
        progress = _validate.flag("progress", progress)
        started = shown = time.perf_counter()
        self.rules = rules
        if progress and not kept(self.compiled):
            print("the first flow of an installation: compiling", flush=True)
        row = self.row(self.point)
        self.recorder.add(row, self.state(self.point))
        end, self.tries = reached(rules, row, self.clock, self.unit), (self.tried, max_steps)
        try:
            while end is None:
                end = self.ended(self.point) or self._spent(targets)
                if end is None:
                    row, end = self._step(row, targets)
                if progress and time.perf_counter() - shown > _PROGRESS:
                    shown = time.perf_counter()
                    print(self.line(row), flush=True)
        except KeyboardInterrupt:
            end = End(Outcome.INTERRUPTED, f"interrupted at {self.clock} = {self.now:g}")
        self.stats["seconds"] += time.perf_counter() - started
        if self.recorder.last(self.clock) != self.now:
            self.recorder.add(self.row(self.point), self.state(self.point))
        meta = self.meta()
        return self.recorder.path(end, dict(self.stats), meta)

    @property
    def tried(self) -> float:
        """Steps tried so far, accepted or not."""
        return self.stats["steps"] + self.stats["rejected"]

    def exhausted(self) -> End | None:
        """Whether the steps allowed are tried: to be asked before each."""
        before, most = self.tries
        if self.tried - before < most:
            return None
        words = f"max_steps = {most} tried before any stop rule was met"
        return End(Outcome.MAX_STEPS, words)

    def _spent(self, targets: list[float]) -> End | None:
        """Whether the times to save or the steps allowed are used up."""
        if targets and targets[-1] <= self.now:
            words = f"reached the last time to save, {self.clock} = {self.now:g}"
            return End(Outcome.SAVED, words)
        return self.exhausted()

    def _step(self, before: Row, targets: list[float]) -> tuple[Row, End | None]:
        """Take one step, check it, and keep its end where it is asked for."""
        ahead = next((t for t in targets if t > self.now), math.inf)
        limit = min(self.rules.get(self.clock, math.inf), ahead)
        self.point, end = self.advance(self.point, limit)
        if end is not None:
            return before, end
        row = self.row(self.point)
        self.certify(before, row)
        end = reached(self.rules, row, self.clock, self.unit)
        if not targets or self.now >= ahead or end:
            self.recorder.add(row, self.state(self.point))
        return row, end
