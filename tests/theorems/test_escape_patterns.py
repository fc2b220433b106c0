"""Two points of one label: the margins of the KKT points, the constants, the law of patterns."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from lowrot import (
    balanced,
    global_margin,
    in_plane,
    kkt_residual,
    normalized_margin,
    two_points,
)
from lowrot.path import Path
from lowrot.theorems import escape_margins, escape_probabilities, patterns, start_pattern

PHI = math.radians(75)


def test_margins_are_those_of_networks():
    for degrees in (61, 64, 67):
        phi = math.radians(degrees)
        found, data, c = escape_margins(phi), two_points(phi), -math.cos(2 * phi)
        tilted = in_plane([degrees, 180 - 3 * degrees], [(2 * c - 1) * (c + 1), 1])
        middle = in_plane([0, 10], [1, 0])
        for net, value in ((tilted, found.tilted), (middle, found.bad)):
            assert normalized_margin(net, data) == pytest.approx(value, rel=1e-12)
            residual = kkt_residual(net, data)
            assert residual.stationarity + residual.complementarity < 1e-9
        assert global_margin(data).value / 2 == pytest.approx(found.optimum, abs=1e-7)
        assert found.bad < found.tilted < found.optimum
    assert math.isnan(escape_margins(math.radians(68)).tilted)


@pytest.mark.parametrize("degrees", [61, 67.5, 75, 89])
def test_constants_are_those_of_the_barrier(degrees):
    phi = math.radians(degrees)
    found = escape_margins(phi)
    assert math.tanh((found.start - found.small) / 2) == pytest.approx(found.inner)
    assert math.tanh((found.start + found.small) / 2) == pytest.approx(found.kappa)
    g = (1 + np.array([-1, 1]) * found.kappa) / 2  # q_+ and q_- at delta = -kappa
    assert g[0] + g[1] * math.cos(2 * phi) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("degrees", [61, 67.5, 75, 89])
def test_the_dual_weights_pull_back_exactly_beyond_the_inner_constant(degrees):
    # A neuron on both, at the angle psi, moves p_+ - p_- by b(psi), in units of its mass:
    # beyond ``inner`` that is positive wherever the neuron is, and before that somewhere not.
    phi = math.radians(degrees)
    psi = np.linspace(-1, 1, 2001) * (math.pi / 2 - phi)

    def least(delta):
        pull = delta * math.sin(phi) * (1 + np.sin(psi) ** 2)
        return (math.cos(phi) * np.sin(psi) * np.cos(psi) + pull).min()

    inner = escape_margins(phi).inner
    assert least(inner) == pytest.approx(0.0, abs=1e-14)
    assert least(0.999 * inner) < 0 < least(1.001 * inner)


def test_the_bracket_is_the_derivative_along_the_flow():
    # d/dtau (a v.(x_+ - x_-)) of a balanced neuron on both, by differences of its own flow.
    phi, psi, delta, h = PHI, 0.1, 0.05, 1e-5
    x = two_points(phi).X.numpy()
    g = (x * np.array([[1 + delta], [1 - delta]]) / 2).sum(axis=0)

    def difference(step):
        v = np.array([math.cos(psi), math.sin(psi)])
        a, v = 1 + step * (v @ g), v + step * g
        return a * v @ (x[0] - x[1])

    b = math.cos(phi) * math.sin(psi) * math.cos(psi)
    b += delta * math.sin(phi) * (1 + math.sin(psi) ** 2)
    slope = (difference(h) - difference(-h)) / (2 * h)
    assert slope == pytest.approx(2 * math.sin(phi) * b, rel=1e-8)


def test_law_by_hand_and_by_sampling():
    for m, degrees in ((1, 65), (3, 75), (6, 85)):
        law = escape_probabilities(m, math.radians(degrees))
        assert sum(law.values()) == pytest.approx(1.0)
        drawn = [start_pattern(balanced(m, 2, seed), math.radians(degrees)) for seed in range(1500)]
        for name, probability in law.items():
            assert binomtest(drawn.count(name), 1500, probability).pvalue > 1e-4
    one = escape_probabilities(1, PHI)
    both = (180 - 150) / 720
    assert one["all on both"] == pytest.approx(both)
    assert one["uncovered"] == pytest.approx(1 - both)
    assert one["one-sided"] == pytest.approx(0.0, abs=1e-15)
    assert one["covered"] == pytest.approx(0.0, abs=1e-15)


def test_pattern_of_signs():
    plus, minus = in_plane([60, 0], [1, 1]), in_plane([60, 0], [1, 1], [1, -1])
    assert start_pattern(plus, PHI) == "one-sided"
    assert start_pattern(minus, PHI) == "uncovered"
    assert start_pattern(in_plane([0, -60], [1, 0]), PHI) == "all on both"


def test_what_has_decayed_below_rounding_has_no_pattern():
    a, V = np.array([[1.0, 1e-16]]), np.array([[[1.0, 0.0], [0.0, 1e-15]]])
    path = Path({"tau": np.zeros(1)}, {"a": a, "V": V})
    assert patterns(path, PHI) == ["all on both"]
    path.states["V"][0, 1, 1] = 1e-13
    assert patterns(path, PHI) == ["one-sided"]


def test_each_neuron_counts_only_where_it_is_active():
    both, plus, none = [0, 60, 180], [1, 1, 1], [1, 1, -1]
    assert start_pattern(in_plane(both, plus), PHI) == "one-sided"
    assert start_pattern(in_plane(both[:1], plus[:1]), PHI) == "all on both"
    assert start_pattern(in_plane([60, 180], [1, 1]), PHI) == "uncovered"
    assert start_pattern(in_plane([60, -60], [1, 1]), PHI) == "covered"
    assert start_pattern(in_plane([60, -60], [1, 1], [1, -1]), PHI) == "uncovered"
    assert start_pattern(in_plane(both, plus, none), PHI) == "one-sided"


def test_arguments_are_checked():
    for phi in (1.0, math.pi / 2):
        for call in (escape_margins, lambda x: start_pattern(in_plane([0], [1]), x)):
            with pytest.raises(ValueError, match="phi is"):
                call(phi)
    with pytest.raises(ValueError, match="m is 0"):
        escape_probabilities(0, PHI)
    with pytest.raises(ValueError, match="phi is"):
        escape_probabilities(3, 0.7)
