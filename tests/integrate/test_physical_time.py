"""ln t along a step, from lines of ln dt/dtau."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from lowrot.integrate import ln_time_after


@pytest.mark.parametrize(("start", "end"), [(0.0, 3.0), (5.0, 5.0), (1.0, 1 + 1e-10), (3.0, -40.0)])
def test_ln_time_adds_the_integral(start, end):
    h, before = 0.7, 1.3

    def inside(s):
        return math.exp(start + (end - start) * s / h)

    exact = math.log(math.exp(before) + quad(inside, 0, h, epsabs=0, epsrel=1e-13)[0])
    assert ln_time_after(before, (start, end), h) == pytest.approx(exact, rel=1e-12)


def test_ln_time_beyond_the_doubles():
    assert ln_time_after(-math.inf, (0.0, 0.0), 0.5) == pytest.approx(math.log(0.5))
    assert ln_time_after(1e5, (2e5, 3e5), 1.0) == pytest.approx(3e5 - math.log(1e5), abs=1e-6)
    assert ln_time_after(0.0, (1.0, math.inf), 1.0) == math.inf
    assert ln_time_after(1e5, np.linspace(2e5, 3e5, 50), 1.0) == pytest.approx(
        3e5 - math.log(1e5), abs=1e-6
    )
