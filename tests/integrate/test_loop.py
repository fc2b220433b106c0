"""The loop that the flows share, on a dynamics that only counts; and ln t."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from lowrot.integrate import Recorder, Run, ln_time_after


class Counter(Run):
    """Steps of 1 that stop at limits; x = tau^2; fails or is interrupted at a given time."""

    def __init__(self, fail=math.inf, interrupt=math.inf):
        self.tau, self.fail, self.interrupt, self.checked = 0.0, fail, interrupt, []
        self.stats = {"steps": 0.0, "seconds": 0.0}
        self.recorder = Recorder({"grows": (0.0, "x grows")})

    @property
    def now(self):
        return self.tau

    def advance(self, limit):
        if self.tau >= self.fail:
            return "cannot"
        self.tau = min(self.tau + 1.0, limit)
        if self.tau > self.interrupt:
            raise KeyboardInterrupt
        self.stats["steps"] += 1
        return ""

    def row(self):
        return {"tau": self.tau, "x": self.tau**2}

    def state(self):
        return {"s": np.array([self.tau])}

    def certify(self, before, row):
        self.checked.append((before["tau"], row["tau"]))
        self.recorder.violation("grows", before["x"] - row["x"])

    def meta(self):
        return {"tau": self.tau}

    def line(self, row):
        return f"x {row['x']}"


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
    assert path.reason == "max_steps = 5 taken before any stop rule was met"
    path = Counter(fail=3.0).follow({"x": 1e9}, [1.0, 50.0], False, 100)
    assert path.reason == "cannot"
    assert path["tau"].tolist() == [0, 1, 3]
    path = Counter(interrupt=2.5).follow({"x": 1e9}, [50.0], False, 100)
    assert path.reason == "interrupted at tau = 3"
    assert path["tau"].tolist() == [0, 3]


def test_an_interrupt_from_the_user_function():
    def interrupt(row):
        if row["tau"] == 2.0:
            raise KeyboardInterrupt

    path = Counter().follow({"when": interrupt}, [], False, 100)
    assert path.reason == "interrupted at tau = 2"
    assert path["tau"].tolist() == [0, 1, 2]


def test_a_broken_certificate_shows():
    run = Counter()
    run.row = lambda: {"tau": run.tau, "x": -run.tau}
    path = run.follow({"tau": 3.0}, [], False, 100)
    assert not path.ok
    assert path.certificates["grows"].value == 1.0


def test_progress_prints_lines(monkeypatch, capsys):
    import time

    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    Counter().follow({"x": 9.0}, [], True, 100)
    assert capsys.readouterr().out.splitlines() == ["x 1.0", "x 4.0", "x 9.0"]


@pytest.mark.parametrize(("start", "end"), [(0.0, 3.0), (5.0, 5.0), (1.0, 1 + 1e-10), (3.0, -40.0)])
def test_later_adds_the_integral(start, end):
    h, before = 0.7, 1.3

    def inside(s):
        return math.exp(start + (end - start) * s / h)

    exact = math.log(math.exp(before) + quad(inside, 0, h, epsabs=0, epsrel=1e-13)[0])
    assert ln_time_after(before, (start, end), h) == pytest.approx(exact, rel=1e-12)


def test_later_beyond_the_doubles():
    assert ln_time_after(-math.inf, (0.0, 0.0), 0.5) == pytest.approx(math.log(0.5))
    assert ln_time_after(1e5, (2e5, 3e5), 1.0) == pytest.approx(3e5 - math.log(1e5), abs=1e-6)
    assert ln_time_after(0.0, (1.0, math.inf), 1.0) == math.inf
    assert ln_time_after(1e5, np.linspace(2e5, 3e5, 50), 1.0) == pytest.approx(
        3e5 - math.log(1e5), abs=1e-6
    )
