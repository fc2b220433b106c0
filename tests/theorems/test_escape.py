"""Two points of one label: patterns, their law, where starts end, and what must be noticed."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.stats import binomtest

from lowrot import (
    Network,
    balanced,
    escape,
    global_margin,
    gradient_flow,
    in_plane,
    kkt_residual,
    normalized_margin,
    small,
    two_points,
)
from lowrot.path import Path
from lowrot.theorems import escape_margins, escape_probabilities, patterns, start_pattern

PHI = math.radians(75)
STARTS = {
    "uncovered": in_plane([80, 40, 20, 180], [1e-3] * 4, [1, 1, -1, 1]),
    "all on both": in_plane([10, -5, 30, 180], [1e-3] * 4, [1, 1, -1, 1]),
    "one-sided": in_plane([70, -10, 30, 180], [1e-3] * 4, [1, 1, -1, 1]),
    "covered": in_plane([70, -60, 30, 180], [1e-3] * 4, [1, 1, -1, 1]),
}


@pytest.fixture(scope="module")
def flows():
    data = two_points(PHI)
    return {name: gradient_flow(net, data, stop={"tau": 100}) for name, net in STARTS.items()}


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


def test_constants_are_those_of_the_barrier():
    found = escape_margins(PHI)
    assert math.tanh((found.start - found.small) / 2) == pytest.approx(found.inner)
    assert math.tanh((found.start + found.small) / 2) == pytest.approx(found.kappa)
    g = (1 + np.array([-1, 1]) * found.kappa) / 2  # q_+ and q_- at delta = -kappa
    assert g[0] + g[1] * math.cos(2 * PHI) == pytest.approx(0.0, abs=1e-15)


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


@pytest.mark.parametrize("name", STARTS)
def test_patterns_and_ends(name, flows):
    stated, path = escape(STARTS[name], PHI), flows[name]
    assert stated.pattern == start_pattern(STARTS[name], PHI) == name
    assert stated.holds
    check = stated.check(path)
    assert check.holds, check.slack
    assert path["normalized"][-1] == pytest.approx(stated.limit, abs=1e-3)
    last = "covered" if name == "one-sided" else name
    assert patterns(path, PHI)[-1] == last


def test_pattern_of_signs():
    plus, minus = in_plane([60, 0], [1, 1]), in_plane([60, 0], [1, 1], [1, -1])
    assert start_pattern(plus, PHI) == "one-sided"
    assert start_pattern(minus, PHI) == "uncovered"
    assert start_pattern(in_plane([0, -60], [1, 0]), PHI) == "all on both"


def linear_flow(net, phi, tau):
    """The flow of neurons that stay on both points, where the network is linear, by SciPy."""
    X = two_points(phi).X.numpy()

    def field(_, state):
        W = state.reshape(net.m, 3)
        p = X @ (W[:, :1] * W[:, 1:]).sum(axis=0)
        g = np.exp(-p - np.logaddexp.reduce(-p)) @ X
        return np.column_stack([W[:, 1:] @ g, W[:, :1] * g]).ravel()

    start = np.column_stack([net.a.numpy(), net.V.numpy()]).ravel()
    end = solve_ivp(field, (0, tau), start, rtol=1e-11, atol=1e-13).y[:, -1].reshape(net.m, 3)
    return Network(end[:, 0], end[:, 1:])


def test_trapped_flow_against_scipy():
    net = in_plane([14, -13, 6], [0.2, 0.01, 0.01])
    data, tau = two_points(PHI), 8.0
    path = gradient_flow(net, data, stop={"tau": tau}, rtol=1e-6)
    other = linear_flow(net, PHI, tau)
    assert path["normalized"][-1] == pytest.approx(normalized_margin(other, data), rel=1e-5)
    stated = escape(net, PHI)
    assert stated.holds
    assert float(stated.bound(8.0, 0.0)) < normalized_margin(other, data)


def test_escape_of_a_small_neuron_is_exact():
    eps, tau = 1e-3, 12.0
    net = in_plane([0, 75, -75], [1, eps**2, eps**2])
    path = gradient_flow(net, two_points(PHI), stop={"tau": tau})
    middle, side = math.exp(2 * math.cos(PHI) * tau), eps**2 * math.exp(tau)
    exact = (math.cos(PHI) * middle + side) / (2 * middle + 4 * side)
    assert path["normalized"][-1] == pytest.approx(exact, rel=1e-9)


def test_hypotheses_that_fail():
    failing = {
        "mass of neurons": in_plane([10, 30], [1e-3, 0.01], [1, -1]),
        "imbalance": in_plane([14, -14], [5, 0.1]),
        "balance": replace(STARTS["covered"], a=2 * STARTS["covered"].a),
        "ReLU": replace(STARTS["covered"], slope=0.1),
    }
    for text, net in failing.items():
        stated = escape(net, PHI)
        frame = stated.hypothesis_frame()
        assert not stated.holds
        assert not frame.holds[frame.statement.str.contains(text)].all()
        assert math.isnan(stated.limit)
    low = escape(STARTS["one-sided"], math.radians(65))
    assert low.pattern == "one-sided"
    assert not low.holds
    with pytest.raises(ValueError, match="hypotheses"):
        low.check(gradient_flow(low.net, low.data, stop={"tau": 1}))


def test_kink_at_the_start_is_seen():
    net = Network([1.0, 1.0], [[1.0, 0.0], [math.sin(PHI), math.cos(PHI)]])
    stated = escape(net, PHI)
    kink = stated.hypothesis_frame().set_index("statement")["value"][
        "no kink at the start: min |v.x|/||v||"
    ]
    assert kink < 1e-15


def test_zero_neurons_ask_for_nothing():
    stated = escape(in_plane([0, 75, -75], [1, 0, 0]), PHI)
    assert stated.holds
    assert stated.limit == pytest.approx(math.cos(PHI) / 2)


def test_bad_paths_are_noticed(flows):
    path = flows["all on both"]
    stated = escape(STARTS["all on both"], PHI)
    bent = {**path.columns, "margin": path["margin"] - 0.2}
    check = stated.check(replace(path, columns=bent))
    assert check.slack["bound <= margin"] < 0
    high = {**path.columns, "normalized": path["normalized"] + 0.2}
    assert stated.check(replace(path, columns=high)).slack["margin <= bad"] < 0
    q = path["q"].copy()
    q[3] = [0.9, 0.1]
    check = stated.check(replace(path, states={**path.states, "q": q}))
    assert check.slack["dual weights within kappa"] < 0
    V = path["V"].copy()
    V[-1, 0] = [0.1, 1.0]
    check = stated.check(replace(path, states={**path.states, "V": V}))
    assert check.slack["pattern persists"] < 0
    lost = escape(STARTS["uncovered"], PHI)
    up = {**flows["uncovered"].columns, "normalized": flows["uncovered"]["normalized"] + 0.01}
    assert not lost.check(replace(flows["uncovered"], columns=up)).holds
    with pytest.raises(ValueError, match="away from net"):
        lost.check(path)
    part = {name: values[:2] for name, values in flows["one-sided"].columns.items()}
    states = {name: values[:2] for name, values in flows["one-sided"].states.items()}
    with pytest.raises(ValueError, match="until it is covered"):
        escape(STARTS["one-sided"], PHI).check(Path(part, states))


def test_what_has_decayed_below_rounding_has_no_pattern():
    a, V = np.array([[1.0, 1e-16]]), np.array([[[1.0, 0.0], [0.0, 1e-15]]])
    path = Path({"tau": np.zeros(1)}, {"a": a, "V": V})
    assert patterns(path, PHI) == ["all on both"]
    path.states["V"][0, 1, 1] = 1e-13
    assert patterns(path, PHI) == ["one-sided"]


def test_below_the_separating_angle_a_one_sided_start_can_rest():
    phi = math.radians(64)
    path = gradient_flow(in_plane([64, -1], [0.3, 0.3]), two_points(phi), stop={"tau": 100})
    assert patterns(path, phi)[-1] == "one-sided"
    assert path["normalized"][-1] == pytest.approx(escape_margins(phi).tilted, rel=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_small_random_starts_end_as_their_pattern_says(seed):
    net = small(balanced(4, 2, seed), 0.02)
    stated = escape(net, PHI)
    path = gradient_flow(net, two_points(PHI), stop={"min_margin": 1e6, "tau": 100})
    assert path["normalized"][-1] == pytest.approx(stated.limit, abs=1e-3)


def test_arguments_are_checked():
    for phi in (1.0, math.pi / 2):
        with pytest.raises(ValueError, match="phi is"):
            escape_margins(phi)
    with pytest.raises(ValueError, match="d = 3"):
        escape(balanced(3, 3), PHI)
    with pytest.raises(ValueError, match="norm 0"):
        escape(Network(torch.zeros(1).double(), torch.zeros(1, 2).double()), PHI)
    with pytest.raises(ValueError, match="tau"):
        escape(STARTS["all on both"], PHI).bound([-1.0], 0.0)
    assert isinstance(escape(STARTS["covered"], PHI).data.X, torch.Tensor)
