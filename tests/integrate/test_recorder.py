"""The recorder of a run: the worst of each certificate, and sums."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lowrot.integrate import Recorder
from lowrot.path import End, Outcome


def test_a_recorder_keeps_the_worst_and_treats_nan_as_infinite():
    recorder = Recorder({"worst": (1.0, "w"), "sum": (1.0, "s"), "nan": (1.0, "n")})
    recorder.add({"tau": 0.0}, {"z": np.zeros(1)})
    for value in (0.2, 0.5, -3.0):
        recorder.violation("worst", value)
        recorder.accumulate("sum", abs(value))
    recorder.violation("nan", math.nan)
    path = recorder.path(End(Outcome.REACHED, "done"), {}, {})
    assert path.certificates["worst"].value == 0.5
    assert path.certificates["sum"].value == pytest.approx(3.7)
    assert math.isinf(path.certificates["nan"].value)
