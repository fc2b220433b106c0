"""The loop that the flows share, on a dynamics that only counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lowrot.integrate import Recorder, Run, _loop
from lowrot.path import End, Outcome


class Counter(Run):
    """Steps of 1 that stop at limits; x = tau^2; fails or is interrupted at a given time."""

    def __init__(self, fail=math.inf, interrupt=math.inf):
        self.point, self.fail, self.interrupt, self.checked = 0.0, fail, interrupt, []
        self.stats = {"steps": 0.0, "rejected": 0.0, "seconds": 0.0}
        self.recorder = Recorder({"grows": (0.0, "x grows")})

    @property
    def now(self):
        return self.point

    def advance(self, point, limit):
        if point >= self.fail:
            return point, End(Outcome.STALLED, "cannot")
        end = min(point + 1.0, limit)
        if end > self.interrupt:
            raise KeyboardInterrupt
        self.stats["steps"] += 1
        return end, None

    def row(self, point):
        return {"tau": point, "x": point**2}

    def state(self, point):
        return {"s": np.array([point])}

    def certify(self, before, row):
        self.checked.append((before["tau"], row["tau"]))
        self.recorder.violation("grows", before["x"] - row["x"])

    def meta(self):
        return {"tau": self.point}

    def line(self, row):
        return f"x {row['x']}"


class Refused(Counter):
    """Every step is rejected, after the first ``good`` ones, and tried again."""

    def __init__(self, good=0):
        super().__init__()
        self.good = good

    def advance(self, point, limit):
        if self.stats["steps"] < self.good:
            return super().advance(point, limit)
        while True:
            self.stats["rejected"] += 1
            if (end := self.exhausted()) is not None:
                return point, end


def test_every_step_is_kept_and_certified():
    run = Counter()
    path = run.follow({"x": 9.0}, [], False, 100)
    assert path["tau"].tolist() == [0, 1, 2, 3]
    assert run.checked == [(0, 1), (1, 2), (2, 3)]
    assert path.reason == "reached x = 9 at tau = 3"
    assert path.meta == {"tau": 3.0}
    assert path.stats["steps"] == 3
    assert path.ok


def test_times_to_save_and_clock_rules_are_hit_exactly():
    run = Counter()
    path = run.follow({"tau": 4.5}, [0.25, 2.0, 2.5, 9.0], False, 100)
    assert path["tau"].tolist() == [0, 0.25, 2, 2.5, 4.5]
    assert len(run.checked) == 6  # steps between the kept ones are certified too
    path = Counter().follow({"x": 1e9}, [0.5, 3.0], False, 100)
    assert path["tau"].tolist() == [0, 0.5, 3]
    assert path.reason == "reached the last time to save, tau = 3"


def test_a_rule_met_at_the_start_takes_no_step():
    path = Counter().follow({"x": 0.0}, [], False, 100)
    assert len(path) == 1
    assert path.stats["steps"] == 0


def test_ends_that_are_not_rules_keep_the_last_point():
    path = Counter().follow({"x": 1e9}, [], False, 5)
    assert path.reason == "max_steps = 5 tried before any stop rule was met"
    assert path.outcome == Outcome.MAX_STEPS
    path = Counter(fail=3.0).follow({"x": 1e9}, [1.0, 50.0], False, 100)
    assert (path.reason, path.outcome) == ("cannot", Outcome.STALLED)
    assert path["tau"].tolist() == [0, 1, 3]
    path = Counter(interrupt=2.5).follow({"x": 1e9}, [50.0], False, 100)
    assert path.reason == "interrupted at tau = 2"
    assert path.outcome == Outcome.INTERRUPTED
    assert path["tau"].tolist() == [0, 2]


@pytest.mark.parametrize("good", [0, 2])
def test_steps_that_are_rejected_count_as_tried(good):
    run = Refused(good)
    path = run.follow({"x": 1e9}, [], False, 5)
    assert path.outcome == Outcome.MAX_STEPS
    assert path.reason == "max_steps = 5 tried before any stop rule was met"
    assert path["tau"].tolist() == list(range(good + 1))
    assert (path.stats["steps"], path.stats["rejected"]) == (good, 5 - good)
    assert run.tried == 5
    # Another call may try as many again.
    again = run.follow({"x": 1e9}, [], False, 3)
    assert again.outcome == Outcome.MAX_STEPS
    assert run.tried == 8


def test_an_interrupt_from_the_user_function():
    def interrupt(row):
        if row["tau"] == 2.0:
            raise KeyboardInterrupt
        return False

    path = Counter().follow({"when": interrupt}, [], False, 100)
    assert path.reason == "interrupted at tau = 2"
    assert path["tau"].tolist() == [0, 1, 2]


def test_a_broken_certificate_shows():
    run = Counter()
    run.row = lambda point: {"tau": point, "x": -point}
    path = run.follow({"tau": 3.0}, [], False, 100)
    assert not path.ok
    assert path.certificates["grows"].value == 1.0


def test_progress_prints_lines(monkeypatch, capsys):
    import time

    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(_loop, "kept", lambda name: True)  # whatever ran before this test
    Counter().follow({"x": 9.0}, [], True, 100)
    assert capsys.readouterr().out.splitlines() == ["x 1.0", "x 4.0", "x 9.0"]
