"""The integral of min(1, exp(level - y)) under envelopes of lines: exact."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad

from lowrot.integrate import time_under


def numerically(level, lines, h, envelope):
    """By adaptive quadrature between the points at which the integrand can bend."""

    def height(s):
        y = envelope(value + slope * s for value, slope in lines)
        return math.exp(min(0.0, level - y))

    bends = [
        (v - value) / (slope - s)
        for k, (value, slope) in enumerate(lines)
        for v, s in [(level, 0.0), *lines[:k]]
        if s != slope
    ]
    inside = sorted({0.0, h, *(bend for bend in bends if 0 < bend < h)})
    return sum(
        quad(height, left, right, epsabs=1e-13)[0] for left, right in itertools.pairwise(inside)
    )


def upper_riemann(level, left, right, h):
    """An upper sum over 65 nodes and the crossing of the lines."""
    nodes = np.linspace(0.0, h, 65)
    if right[1] > left[1]:
        crossing = (left[0] - right[0]) / (right[1] - left[1])
        nodes = np.sort(np.append(nodes, min(max(crossing, 0.0), h)))
    lowest = np.maximum(left[0] + left[1] * nodes, right[0] + right[1] * nodes)
    height = np.exp(np.minimum(0.0, level - lowest))
    return float(np.diff(nodes) @ np.maximum(height[1:], height[:-1]))


@pytest.mark.parametrize("envelope", [max, min])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_exact_on_random_lines(count, envelope):
    g = np.random.default_rng(count)
    for _ in range(60):
        lines = [tuple(line) for line in g.normal(scale=2.0, size=(count, 2))]
        level, h = g.normal(), float(g.exponential(2.0))
        found = time_under(level, lines, h, envelope)
        assert found == pytest.approx(numerically(level, lines, h, envelope), abs=1e-10)
        assert 0.0 <= found <= h


def test_by_hand():
    # Level ln 3, y = s: 1 until s = ln 3, then 3 e^{-s}, down to s = 2.
    assert time_under(math.log(3), [(0.0, 1.0)], 2.0, max) == pytest.approx(
        math.log(3) + 1 - 3 * math.exp(-2)
    )
    # |s - 1|, an envelope of two lines, over [0, 2] and below the level 0 nowhere.
    wedge = [(1.0, -1.0), (-1.0, 1.0)]
    assert time_under(0.0, wedge, 2.0, max) == pytest.approx(2 * (1 - math.exp(-1)))
    # -|s - 1| is below the level throughout.
    assert time_under(0.0, [(-1.0, 1.0), (1.0, -1.0)], 2.0, min) == 2.0
    # Flat lines, and lines far above or below.
    assert time_under(0.0, [(1.0, 0.0)], 3.0, max) == pytest.approx(3 * math.exp(-1))
    assert time_under(0.0, [(1e4, 0.0)], 3.0, max) == 0.0
    assert time_under(0.0, [(-1e4, 0.0)], 3.0, max) == 3.0
    assert time_under(0.0, [(0.0, 1e5)], 3.0, max) == pytest.approx(1e-5)


def test_edges():
    assert time_under(-math.inf, [(0.0, 1.0), (1.0, -1.0)], 5.0, max) == 0.0
    assert time_under(0.0, [(0.0, 1.0)], 0.0, max) == 0.0
    assert time_under(0.0, [(-math.inf, 1.0), (1.0, 0.0)], 2.0, max) == pytest.approx(
        2 * math.exp(-1)
    )
    # Slopes down to none: the series of sinh(x)/x meets the constant.
    for slope in (1e-6, 1e-8, 1e-10, 1e-300):
        found = time_under(0.0, [(1.0, slope)], 1.0, max)
        assert found == pytest.approx(math.exp(-1), rel=1e-6)
        assert found <= math.exp(-1)


def test_at_most_an_upper_riemann_sum():
    g, ratios = np.random.default_rng(0), []
    for _ in range(300):
        left, right = (tuple(line) for line in g.normal(scale=3.0, size=(2, 2)))
        level, h = g.normal(), float(g.exponential(3.0))
        exact, rough = (
            time_under(level, [left, right], h, max),
            upper_riemann(level, left, right, h),
        )
        assert exact <= rough * (1 + 1e-12)
        ratios.append(rough / max(exact, 1e-300))
    assert max(ratios) > 1.1
