"""The loop that every flow shares: steps until a rule is met, each kept and certified."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from lowrot._jit import kept
from lowrot.integrate._recorder import Recorder
from lowrot.integrate._stop import reached
from lowrot.path import Path

Row = dict[str, float]


class Run(ABC):
    """A run of some dynamics; subclasses know the state and how to take a step.

    Attributes:
        recorder: the points kept and the running certificates.
        stats: counts of work.
        rules: what ends the run.
        clock: name of the column that the run advances in.
        compiled: a function that the first run of an installation compiles.
    """

    recorder: Recorder
    stats: dict[str, float]
    rules: dict[str, Any]
    clock = "tau"
    compiled = "newton"

    @property
    @abstractmethod
    def now(self) -> float:
        """The clock time of the current point."""

    @abstractmethod
    def advance(self, limit: float) -> str:
        """Take one accepted step that does not pass ``limit``; a reason in words if none can be."""

    @abstractmethod
    def row(self) -> Row:
        """The scalars at the current point."""

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """The arrays kept with the current point."""

    @abstractmethod
    def certify(self, before: Row, row: Row) -> None:
        """Check the step just taken."""

    @abstractmethod
    def meta(self) -> dict[str, Any]:
        """What is needed to continue the run."""

    @abstractmethod
    def line(self, row: Row) -> str:
        """A line of progress."""

    def follow(
        self, rules: dict[str, Any], targets: list[float], progress: bool, max_steps: int
    ) -> Path:
        """Integrate until a rule is met; keep every step, or the target times only."""
        started, self.rules = time.perf_counter(), rules
        shown = started
        if progress and not kept(self.compiled):
            print("the first flow of an installation: compiling", flush=True)
        row = self.row()
        self.recorder.add(row, self.state())
        reason = reached(rules, row, self.clock)
        ahead = [t for t in targets if t > self.now]
        first = self.stats["steps"]
        try:
            while not reason:
                if targets and not ahead:
                    reason = f"reached the last time to save, {self.clock} = {self.now:g}"
                    break
                if self.stats["steps"] - first >= max_steps:
                    reason = f"max_steps = {max_steps} taken before any stop rule was met"
                    break
                limit = min(rules.get(self.clock, math.inf), ahead[0] if ahead else math.inf)
                reason = self.advance(limit)
                if reason:
                    break
                before, row = row, self.row()
                self.certify(before, row)
                reason = reached(rules, row, self.clock)
                if not targets or (ahead and self.now >= ahead[0]) or reason:
                    self.recorder.add(row, self.state())
                    ahead = [t for t in ahead if t > self.now]
                if progress and time.perf_counter() - shown > 2.0:
                    shown = time.perf_counter()
                    print(self.line(row), flush=True)
        except KeyboardInterrupt:
            reason = f"interrupted at {self.clock} = {self.now:g}"
        self.stats["seconds"] += time.perf_counter() - started
        if self.recorder.last(self.clock) != self.now:
            self.recorder.add(self.row(), self.state())
        meta = self.meta()
        return self.recorder.path(reason, dict(self.stats), meta)
