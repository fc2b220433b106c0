"""Bounds from the growth of the norm: J between its bounds, and the margin that they promise."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from lowrot.path import Path
from lowrot.theorems._norm_growth import early_growth, margin_floor

C_1 = math.log(2)  # logistic loss, one point


def hyperbola(a, c, tau):
    """One neuron along one point: a' = c, c' = a, P = p = a c for both losses."""
    grown = a * np.cosh(tau) + c * np.sinh(tau), c * np.cosh(tau) + a * np.sinh(tau)
    return Path(
        {"tau": tau, "P": grown[0] * grown[1], "norm_squared": grown[0] ** 2 + grown[1] ** 2}
    )


def exactly(a, c, tau):
    def height(s):
        square = (a**2 + c**2) * math.cosh(2 * s) + 2 * a * c * math.sinh(2 * s)
        return min(2.0, 4.0 * C_1 / square)

    return quad(height, 0.0, tau, limit=500, epsabs=1e-11)[0]


@pytest.mark.parametrize(
    ("a", "c"), [(0.3, 0.4), (-0.3, 0.4), (-0.39, 0.4), (-2.0, 2.1), (0.0, 1.5), (3.0, 3.0)]
)
def test_J_is_between_its_bounds_on_any_grid(a, c):
    # With a < 0 the norm falls first, and P < 0.
    width = 0.0
    for count in (2000, 50, 10, 4, 2):
        tau = np.linspace(0.0, 4.0, count)
        least, most = early_growth(hyperbola(a, c, tau), C_1)
        exact = np.array([exactly(a, c, end) for end in tau[:: max(1, count // 4)]])
        assert (least[:: max(1, count // 4)] <= exact + 1e-8).all()
        assert (exact <= most[:: max(1, count // 4)] + 1e-8).all()
        assert (np.diff(least) >= 0).all()
        assert most[-1] - least[-1] >= width - 1e-9
        width = most[-1] - least[-1]
        if count == 2000:
            assert most[-1] == pytest.approx(least[-1], rel=2e-3)
    assert least[0] == most[0] == 0.0


def test_a_known_floor_lowers_the_upper_bound_only():
    path = hyperbola(0.0, 0.5, np.array([0.0, 3.0]))
    exact = exactly(0.0, 0.5, 3.0)
    least, most = early_growth(path, C_1)
    # ln ||W||^2 = ln(cosh(2 tau)/4) is convex: above its tangent at tau = 1.2.
    slope = 2 * math.tanh(2.4)
    floor = (math.log(math.cosh(2.4) / 4) - 1.2 * slope, slope)
    better = early_growth(path, C_1, floor)
    assert better[0][-1] == least[-1] <= exact <= better[1][-1] < most[-1]
    # The floor is a function of tau, not of the time since the last saved point.
    path = hyperbola(0.0, 0.5, np.array([0.0, 1.0, 3.0]))
    assert exact <= early_growth(path, C_1, floor)[1][-1] <= better[1][-1]
    useless = early_growth(path, C_1, (-math.inf, 1.0))
    assert useless[1][-1] == early_growth(path, C_1)[1][-1]


def test_a_norm_that_falls_is_bounded_below():
    # P = -0.1 for ever and (ln ||W||^2)' = 4 P/||W||^2: the extreme that F1 to F5 allow.
    def square(tau):
        return 1.0 - 0.4 * tau

    for grid in ([0.0, 1.9], [0.0, 1.0, 1.9], np.linspace(0.0, 1.9, 400)):
        tau = np.asarray(grid)
        path = Path({"tau": tau, "P": np.full(len(tau), -0.1), "norm_squared": square(tau)})
        least, most = early_growth(path, 0.2)
        exact = quad(lambda s: min(2.0, 0.8 / square(s)), 0.0, 1.9)[0]
        assert least[-1] <= exact <= most[-1]
    assert most[-1] == pytest.approx(exact, rel=1e-3)


def test_no_constant_no_J():
    least, most = early_growth(hyperbola(0.3, 0.4, np.array([0.0, 1.0])), 0.0)
    assert least.tolist() == most.tolist() == [0.0, 0.0]


def test_the_floor_of_the_margin_by_hand():
    assert margin_floor(0.5, 1.0, 4.0, 10.0, 3.0) == pytest.approx(0.5 - 4.0 / 40.0)
    assert margin_floor(0.5, 1.0, 4.0, [0.0, 1.0], [0.0, 1.0]).tolist() == [-math.inf, 0.0]
    assert margin_floor(0.0, math.inf, 4.0, 1.0, 0.0) == -math.inf
    with pytest.raises(ValueError, match="tau has the entry -1"):
        margin_floor(0.5, 1.0, 4.0, -1.0, 0.0)
