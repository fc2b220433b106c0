"""Two points of one label: where starts end, bounds on the way, and what must be noticed."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from lowrot import (
    Network,
    balanced,
    escape,
    gradient_flow,
    in_plane,
    neural_collapse,
    normalized_margin,
    small,
    two_points,
)
from lowrot.path import Path
from lowrot.theorems import escape_margins, patterns, start_pattern

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


@pytest.mark.parametrize("name", STARTS)
def test_patterns_and_ends(name, flows):
    theorem, path = escape(STARTS[name], PHI), flows[name]
    assert theorem.pattern == start_pattern(STARTS[name], PHI) == name
    assert theorem.holds
    check = theorem.check(path)
    assert check.holds, check.slack
    assert path["normalized"][-1] == pytest.approx(theorem.limit, abs=1e-3)
    last = "covered" if name == "one-sided" else name
    assert patterns(path, PHI)[-1] == last


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
    theorem = escape(net, PHI)
    assert theorem.holds
    assert float(theorem.bound(8.0, 0.0)) < normalized_margin(other, data)


def test_escape_of_a_small_neuron_is_exact():
    eps, tau = 1e-3, 12.0
    net = in_plane([0, 75, -75], [1, eps**2, eps**2])
    path = gradient_flow(net, two_points(PHI), stop={"tau": tau})
    middle, side = math.exp(2 * math.cos(PHI) * tau), eps**2 * math.exp(tau)
    exact = (math.cos(PHI) * middle + side) / (2 * middle + 4 * side)
    assert path["normalized"][-1] == pytest.approx(exact, rel=1e-9)


def test_hypotheses_that_fail():
    failing = {
        "mass ": in_plane([10, 30], [1e-3, 0.01], [1, -1]),
        "imbalance": in_plane([14, -14], [5, 0.1]),
        "balance": replace(STARTS["covered"], a=2 * STARTS["covered"].a),
        "ReLU": replace(STARTS["covered"], slope=0.1),
    }
    for text, net in failing.items():
        theorem = escape(net, PHI)
        frame = theorem.hypothesis_frame()
        assert not theorem.holds
        assert not frame.holds[frame.statement.str.contains(text)].all()
        assert math.isnan(theorem.limit)
    low = escape(STARTS["one-sided"], math.radians(65))
    assert low.pattern == "one-sided"
    assert not low.holds
    with pytest.raises(ValueError, match="until it is covered"):
        low.check(gradient_flow(low.net, low.data, stop={"tau": 1}))


def test_kink_at_the_start_is_seen():
    net = Network([1.0, 1.0], [[1.0, 0.0], [math.sin(PHI), math.cos(PHI)]])
    theorem = escape(net, PHI)
    frame = theorem.hypothesis_frame()
    assert frame.value[frame.statement.str.startswith("no kink")].item() < 1e-15
    c, s = two_points(PHI).X[0].tolist()
    theorem = escape(Network([1.0, 1.0], [[1.0, 0.0], [s, -c]]), PHI)
    (kink,) = (h for h in theorem.hypotheses if h.statement.startswith("no kink"))
    assert kink.value == 0.0
    assert not kink.holds


def test_balance_is_asked_for_to_rounding():
    net = STARTS["covered"]
    for factor, holds in ((1 + 1e-11, True), (1 + 1e-6, False)):
        theorem = escape(replace(net, a=net.a * factor), PHI)
        assert theorem.holds == holds, theorem.hypothesis_frame()


def test_zero_neurons_ask_for_nothing():
    theorem = escape(in_plane([0, 75, -75], [1, 0, 0]), PHI)
    assert theorem.holds
    assert theorem.limit == pytest.approx(math.cos(PHI) / 2)


def test_bad_paths_are_noticed(flows):
    path = flows["all on both"]
    theorem = escape(STARTS["all on both"], PHI)
    bent = {**path.columns, "margin": path["margin"] - 0.2}
    check = theorem.check(replace(path, columns=bent))
    assert check.slack["bound <= margin"] < 0
    high = {**path.columns, "normalized": path["normalized"] + 0.2}
    assert theorem.check(replace(path, columns=high)).slack["margin <= bad"] < 0
    q = path["q"].copy()
    q[3] = [0.9, 0.1]
    check = theorem.check(replace(path, states={**path.states, "q": q}))
    assert check.slack["dual weights within the barrier"] < 0
    V = path["V"].copy()
    V[-1, 0] = [0.1, 1.0]
    check = theorem.check(replace(path, states={**path.states, "V": V}))
    assert check.slack["pattern persists"] < 0
    lost = escape(STARTS["uncovered"], PHI)
    up = {**flows["uncovered"].columns, "normalized": flows["uncovered"]["normalized"] + 0.01}
    assert not lost.check(replace(flows["uncovered"], columns=up)).holds
    with pytest.raises(ValueError, match="away from V of this theorem"):
        lost.check(path)
    part = {name: values[:2] for name, values in flows["one-sided"].columns.items()}
    states = {name: values[:2] for name, values in flows["one-sided"].states.items()}
    with pytest.raises(ValueError, match="until it is covered"):
        escape(STARTS["one-sided"], PHI).check(Path(part, states, meta=path.meta))


def test_below_the_separating_angle_a_one_sided_start_can_rest():
    phi = math.radians(64)
    path = gradient_flow(in_plane([64, -1], [0.3, 0.3]), two_points(phi), stop={"tau": 100})
    assert patterns(path, phi)[-1] == "one-sided"
    assert path["normalized"][-1] == pytest.approx(escape_margins(phi).tilted, rel=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_small_random_starts_end_as_their_pattern_says(seed):
    net = small(balanced(4, 2, seed), 0.02)
    theorem = escape(net, PHI)
    path = gradient_flow(net, two_points(PHI), stop={"min_margin": 1e6, "tau": 100})
    assert path["normalized"][-1] == pytest.approx(theorem.limit, abs=1e-3)


def test_arguments_are_checked():
    for phi in (1.0, math.pi / 2):
        with pytest.raises(ValueError, match="phi is"):
            escape(STARTS["covered"], phi)
    with pytest.raises(TypeError, match="net is a str"):
        escape("net", PHI)
    with pytest.raises(ValueError, match="d = 3"):
        escape(balanced(3, 3), PHI)
    with pytest.raises(ValueError, match="norm 0"):
        escape(Network(torch.zeros(1).double(), torch.zeros(1, 2).double()), PHI)
    with pytest.raises(ValueError, match="tau"):
        escape(STARTS["all on both"], PHI).bound([-1.0], 0.0)
    assert isinstance(escape(STARTS["covered"], PHI).data.X, torch.Tensor)


def test_the_bound_of_each_pattern_holds_along_its_flow(flows):
    for name, path in flows.items():
        theorem, tau = escape(STARTS[name], PHI), path["tau"]
        for J in (None, theorem.J(path)[1]):
            bound = theorem.bound(tau, J)
            assert bound.shape == tau.shape
            assert (bound <= path["margin"] + 1e-9).all()
        # Late, the a priori bound is that of the limit; one-sided starts name no time.
        late = theorem.bound(1e9)
        assert late == (-math.inf if name == "one-sided" else pytest.approx(theorem.limit, 1e-4))
        assert (theorem.J(path)[0] <= theorem.J_limit).all()
    assert escape(STARTS["uncovered"], PHI).J_limit == math.inf
    collapse = neural_collapse(STARTS["covered"], two_points(PHI))
    assert escape(STARTS["covered"], PHI).J_limit == collapse.J_limit


def test_J_of_a_trapped_start_by_hand():
    theorem = escape(in_plane([0], [0.5]), PHI)
    # a = v_1 = sqrt(1/2): G = 2 v_1^2 = ||W_0||^2.
    mass = theorem.net.norm_squared
    assert theorem.ln_G == pytest.approx(math.log(mass))
    limit = (1 + math.log(2 * math.log(2) / mass)) / math.cos(PHI)
    assert theorem.J_limit == pytest.approx(limit)
    assert theorem.bound(10.0, 0.5) == pytest.approx(math.cos(PHI) / 2 - 0.5 / 40)
    assert theorem.bound(10.0) == pytest.approx(math.cos(PHI) / 2 - limit / 40)
    big = escape(in_plane([0], [50.0]), PHI)
    assert big.J_limit == pytest.approx(1 / math.cos(PHI))


def test_a_conclusion_is_compared_although_a_hypothesis_fails():
    leaky = replace(STARTS["all on both"], slope=0.1)
    theorem = escape(leaky, PHI)
    check = theorem.check(gradient_flow(leaky, two_points(PHI), stop={"tau": 5}))
    assert not theorem.holds
    assert "dual weights within the barrier" in check.slack
