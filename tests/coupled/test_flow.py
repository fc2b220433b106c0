"""The no-rotation flow against exact solutions, other integrators, the theorem and its limits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import quad, solve_ivp
from scipy.special import expit, softmax

from lowrot import (
    Dataset,
    Features,
    Network,
    balanced,
    coupled_flow,
    frozen_margin,
    no_rotation,
    small,
    sparse_parity,
    two_points,
)
from lowrot.coupled import METHODS
from lowrot.coupled._run import CoupledRun
from lowrot.integrate import _loop
from lowrot.losses import LOSSES, as_loss
from lowrot.path import Path


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def random_problem(seed, m=40, n=5, d=3, slope=0.0, spread=0.5):
    """Features of both signs with an unequal start, and random labelled points."""
    generator = torch.Generator().manual_seed(seed)
    V = torch.randn(m, d, generator=generator, dtype=torch.float64)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    signs = 2.0 * (torch.arange(m) % 2).double() - 1.0
    start = spread * torch.randn(m, generator=generator, dtype=torch.float64) - math.log(m)
    y = 2.0 * (torch.arange(n) % 2).double() - 1.0
    features = Features(V / V.norm(dim=1, keepdim=True), signs, start, slope)
    return features, Dataset(X / X.norm(dim=1, keepdim=True), y)


def weights_of(p, loss):
    return softmax(-p) if loss == "exponential" else softmax(-np.logaddexp(0.0, p))


def reference(features, data, loss, times):
    """The states z by a high-order integrator that shares no code with the library."""
    V, X = features.directions.numpy(), data.X.numpy()
    z = V @ X.T
    C = features.signs.numpy()[:, None] * np.maximum(z, features.slope * z) * data.y.numpy()
    start = features.start.numpy()

    def slope(_, z):
        return weights_of(np.exp(start + 2.0 * C @ z) @ C, loss)

    options = {"rtol": 1e-11, "atol": 1e-13, "t_eval": times}
    return solve_ivp(slope, (0.0, times[-1]), np.zeros(data.n), method="Radau", **options).y.T


def fixed_steps(features, data, loss, method, h, tau, monkeypatch):
    """Run with a step size that the controller leaves alone."""
    chosen = METHODS[method]
    monkeypatch.setattr(CoupledRun, "_error", lambda *_: 0.9 ** (chosen.order + 1))
    run = CoupledRun(features.potential(data), data.n, as_loss(loss), chosen, 1e-3, None)
    run.point = replace(run.point, h=h)
    return run.follow({"tau": tau}, [], False, 100_000)


@pytest.mark.parametrize("loss", LOSSES)
def test_one_neuron_on_one_point(loss):
    c, start, end = 0.6, math.log(0.3), 4.0
    features = Features(tensor([[1.0, 0.0]]), tensor([1.0]), tensor([start]))
    data = Dataset(tensor([[0.6, 0.8]]), tensor([1.0]))
    path = coupled_flow(features, data, loss=loss, stop={"tau": end}, rtol=1e-9, save=[1.0, end])
    assert path.ok
    assert path["tau"].tolist() == [0.0, 1.0, end]
    np.testing.assert_allclose(path["ln_norm"], start + 2 * c * path["tau"], rtol=0, atol=1e-13)
    np.testing.assert_allclose(path["margin"], c, rtol=1e-13)
    np.testing.assert_allclose(path["dual"][1:], c, rtol=1e-13)
    np.testing.assert_array_equal(path["q"], 1.0)

    def slope(tau):  # dt/dtau = 1/Lam
        p = c * math.exp(start + 2 * c * tau)
        return math.exp(p) if loss == "exponential" else 1.0 / expit(-p)

    # Steps grow freely here (q is constant), and t has an error control of its own.
    exact = math.log(quad(slope, 0.0, end, epsabs=0, epsrel=1e-12)[0])
    for rtol in (1e-2, 1e-4, 1e-6, 1e-8):
        path = coupled_flow(features, data, loss=loss, rtol=rtol, stop={"tau": end})
        P = path["margin"][-1] * math.exp(path["ln_norm"][-1])
        assert abs(path["ln_t"][-1] - exact) < rtol * P, rtol
        assert path.certificates["ln_t"].value <= rtol


@pytest.mark.parametrize("loss", LOSSES)
def test_the_time_of_the_unnormalized_flow(loss):
    """``ln t`` as the last unknown of an integrator that shares no code with the library."""
    features, data = random_problem(5, spread=1.0)
    V, X = features.directions.numpy(), data.X.numpy()
    C = features.signs.numpy()[:, None] * np.maximum(V @ X.T, 0.0) * data.y.numpy()

    def ln_lam(p):
        return np.logaddexp.reduce(-p if loss == "exponential" else -np.logaddexp(0.0, p))

    def slope(_, state):
        p = np.exp(features.start.numpy() + 2.0 * C @ state[:-1]) @ C
        return np.append(weights_of(p, loss), np.exp(-ln_lam(p) - state[-1]))

    times, early = [0.5, 2.0, 4.0, 6.0], 1e-7
    p = np.exp(features.start.numpy()) @ C
    start = np.append(early * weights_of(p, loss), math.log(early) - ln_lam(p))
    options = {"method": "Radau", "rtol": 1e-11, "atol": 1e-11, "t_eval": times}
    exact = solve_ivp(slope, (early, 6.0), start, **options).y[-1]
    for rtol in (1e-3, 1e-5, 1e-6):
        path = coupled_flow(features, data, loss=loss, rtol=rtol, stop={"tau": 6.0}, save=times)
        # Errors of P add up over the steps.
        assert np.abs(path["ln_t"][1:] - exact).max() < 20 * rtol
        assert path.ok, path.status


@pytest.mark.parametrize("loss", LOSSES)
def test_orthogonal_features_against_radau(loss):
    n = 4
    features = Features(
        torch.eye(n, dtype=torch.float64), torch.ones(n).double(), -tensor([0.1, 1, 2, 3])
    )
    scale = tensor([1.0, 0.9, 0.7, 0.8])
    data = Dataset(torch.eye(n, dtype=torch.float64) * scale, torch.ones(n).double())
    times = [0.5, 2.0, 6.0, 12.0]
    expected = reference(features, data, loss, times)
    path = coupled_flow(features, data, loss=loss, stop={"tau": 12.0}, rtol=1e-6, save=times)
    np.testing.assert_allclose(path["z"][1:], expected, atol=1e-4)
    path = coupled_flow(features, data, loss=loss, stop={"tau": 12.0}, rtol=1e-3, save=times)
    np.testing.assert_allclose(path["z"][1:], expected, atol=2e-2)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("sdirk2", 2)])
def test_order_of_convergence(method, order, loss, monkeypatch):
    features, data = random_problem(3, spread=1.0)
    tau = 4.0
    exact = reference(features, data, loss, [tau])[-1]
    steps = tau / np.array([20, 40, 80, 160])
    errors = []
    for h in steps:
        path = fixed_steps(features, data, loss, method, h, tau, monkeypatch)
        assert len(path) == pytest.approx(tau / h + 1, abs=2)
        errors.append(np.abs(path["z"][-1] - exact).sum())
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert abs(slope - order) < 0.1
    assert errors[-1] > 1e-9


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("h", [0.1, 1.0, 10.0, 50.0, 1e3])
@pytest.mark.parametrize("seed", range(3))
def test_implicit_euler_keeps_the_theorem_at_any_step_size(seed, h, loss, monkeypatch):
    features, data = random_problem(seed, n=6, d=4, slope=0.1 * seed)
    path = fixed_steps(features, data, loss, "euler", h, 40 * h, monkeypatch)
    assert len(path) == pytest.approx(41, abs=1)
    assert path.ok
    assert np.diff(path["margin"]).min() >= -1e-9
    theorem = no_rotation(features, data, loss=loss)
    slack = theorem.check(path).slack | theorem.inequalities(path).slack
    if h > 50:
        # The integral of the flow is bounded a priori; that along one huge segment need not be.
        del slack["J <= its limit"], slack["a priori bound <= bound"]
    assert min(slack.values()) >= -1e-7, slack


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_agrees_with_the_network_itself(loss, slope):
    """The (a, b) system, both layers separately, by an explicit integrator."""
    net = balanced(12, 3, seed=5, slope=slope)
    data = sparse_parity(3)
    V = (net.V / net.V.norm(dim=1, keepdim=True)).numpy()
    z = V @ data.X.numpy().T
    S, y, m = np.maximum(z, slope * z), data.y.numpy(), net.m

    def velocity(_, w):
        a, b = w[:m], w[m:]
        force = S @ (y * weights_of(y * ((a * b) @ S), loss))
        return np.concatenate([b * force, a * force])

    start = np.concatenate([net.a.numpy(), net.V.norm(dim=1).numpy()])
    times = [1.0, 4.0, 8.0]
    w = solve_ivp(velocity, (0, 8.0), start, "DOP853", times, rtol=1e-11, atol=1e-13).y.T
    path = coupled_flow(
        net, data, loss=loss, stop={"tau": 8.0}, rtol=1e-7, save=times, max_steps=10**5
    )
    for row, state in zip(path["z"][1:], w):
        u = Features.from_network(net).ln_weights(data, row).exp().numpy()
        np.testing.assert_allclose(u, np.abs(state[:m] * state[m:]), rtol=1e-4)
        moved = Network(torch.tensor(state[:m]), torch.tensor(state[m:, None] * V), slope)
        p = moved.margins(data).numpy() / np.abs(state[:m] * state[m:]).sum()
        index = int(np.argmin(np.abs(path["z"] - row).sum(1)))
        np.testing.assert_allclose(path["min_ratio"][index], p.min(), atol=1e-5)


def test_the_reason_names_the_rule_that_was_met():
    net, data = balanced(20, 2, seed=0), sparse_parity(2)
    assert coupled_flow(net, data, stop={"tau": 5}).reason == "reached tau = 5"
    met = coupled_flow(net, data, stop={"ln_norm": 2.0, "tau": 1e4}).reason
    assert met.startswith("reached ln_norm = 2.")
    assert " at tau = " in met


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("seed", "slope"), [(0, 0.0), (1, 0.3), (2, 0.0)])
def test_limit_is_the_linear_program(seed, slope, loss):
    features, data = random_problem(seed, m=60, n=6, d=4, slope=slope)
    optimum = frozen_margin(features.directions, features.signs, data, slope=slope)
    path = coupled_flow(features, data, loss=loss, stop={"gap": 1e-4})
    assert path.ok
    assert "reached gap" in path.reason
    assert path["margin"][-1] <= optimum.upper * (1 + 1e-9)
    assert path["margin"][-1] >= optimum.value * (1 - 1e-4)
    # The certificate is valid at every saved time, not at the end only.
    assert np.all(path["dual"][1:] >= optimum.value * (1 - 1e-9))
    assert np.all(path["margin"] <= optimum.upper * (1 + 1e-9))
    assert np.diff(path["margin"]).min() >= -1e-8
    check = no_rotation(features, data, loss=loss).check(path)
    assert check.holds, check.slack


@pytest.mark.parametrize("loss", LOSSES)
def test_far_into_the_log_domain(loss):
    path = coupled_flow(balanced(50, 3, seed=1), sparse_parity(3), loss=loss, stop={"ln_norm": 1e4})
    assert path.ok
    assert path["ln_norm"][-1] >= 1e4
    for name, values in path.columns.items():
        finite = np.isfinite(values)
        assert not np.isnan(values).any(), name
        if name not in ("dual", "ln_P", "ln_t", "ln_loss"):
            assert finite.all(), name
    assert math.isinf(path["dual"][0])
    assert np.isfinite(path["dual"][1:]).all()
    positive = path["margin"] > 0
    assert np.isfinite(path["ln_P"][positive]).all()
    assert np.all(path["ln_P"][~positive] == -math.inf)
    assert np.isfinite(path["ln_t"][1:][path["ln_norm"][1:] < 600]).all()
    # ln t = P to leading order: with ln t beyond the doubles, ln_P is still ln(ln t).
    late = np.isfinite(path["ln_t"]) & (path["ln_norm"] > 30)
    np.testing.assert_allclose(np.log(path["ln_t"][late]), path["ln_P"][late], rtol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_save_times_are_hit_exactly(method):
    times = [0.1, 0.10001, 1 / 3, 7.0, 150.0]
    path = coupled_flow(
        balanced(30, 3), sparse_parity(3), stop={"tau": 200.0}, save=times, method=method
    )
    assert path["tau"].tolist() == [0.0, *times]
    np.testing.assert_allclose(path["z"].sum(1), path["tau"], rtol=1e-12)
    early = coupled_flow(balanced(30, 3), sparse_parity(3), stop={"tau": 5.0}, save=times)
    assert early["tau"].tolist() == [0.0, 0.1, 0.10001, 1 / 3, 5.0]


@pytest.mark.parametrize("loss", LOSSES)
def test_resume_continues_bit_for_bit(loss, tmp_path):
    features, data = random_problem(4)
    whole = coupled_flow(features, data, loss=loss, stop={"when": lambda row: False}, max_steps=25)
    first = coupled_flow(features, data, loss=loss, stop={"when": lambda row: False}, max_steps=10)
    first.save(tmp_path / "first")
    second = coupled_flow(
        features,
        data,
        loss=loss,
        stop={"when": lambda row: False},
        max_steps=15,
        resume=Path.load(tmp_path / "first"),
    )
    assert "max_steps" in first.reason
    assert len(second) == len(whole) == whole.stats["steps"] + 1
    for name in [*whole.columns, *whole.states]:
        np.testing.assert_array_equal(second[name], whole[name], err_msg=name)
    for name in ("steps", "rejected"):
        assert second.stats[name] == whole.stats[name]
    assert {k: c.value for k, c in second.certificates.items()} == {
        k: c.value for k, c in whole.certificates.items()
    }


def test_resume_refuses_another_problem():
    features, data = random_problem(4)
    path = coupled_flow(features, data, stop={"tau": 3.0})
    with pytest.raises(ValueError, match="loss"):
        coupled_flow(features, data, loss="logistic", resume=path)
    with pytest.raises(ValueError, match="with data"):
        coupled_flow(features, random_problem(4, n=4)[1], resume=path)
    with pytest.raises(ValueError, match="with features"):
        coupled_flow(random_problem(5)[0], data, resume=path)
    path.meta["kind"] = "flow"
    with pytest.raises(ValueError, match="kind 'flow'"):
        coupled_flow(features, data, resume=path)


def test_an_interrupt_keeps_the_path():
    features, data = random_problem(4)

    def interrupt(row):
        if row["tau"] > 2.0:
            raise KeyboardInterrupt
        return False

    rules = {"when": interrupt}
    path = coupled_flow(features, data, stop=rules)
    assert "interrupted at tau" in path.reason
    assert path.ok
    assert path["tau"][-1] > 2.0 >= path["tau"][-2]
    np.testing.assert_allclose(path["z"].sum(1), path["tau"], rtol=1e-12, atol=1e-15)
    resumed = coupled_flow(features, data, stop={"tau": 20.0}, resume=path)
    straight = coupled_flow(features, data, stop={"tau": 20.0})
    np.testing.assert_allclose(resumed["z"][-1], straight["z"][-1], atol=1e-2)


def test_an_interrupt_inside_a_step_keeps_a_consistent_point(monkeypatch):
    features, data = random_problem(4)
    original, calls = CoupledRun.row, []

    def row(self, point):
        calls.append(point.tau)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return original(self, point)

    monkeypatch.setattr(CoupledRun, "row", row)
    path = coupled_flow(features, data)
    monkeypatch.undo()
    assert len(path) == 7
    np.testing.assert_allclose(path["z"].sum(1), path["tau"], rtol=1e-12, atol=1e-15)
    ln_norm = [float(torch.logsumexp(features.ln_weights(data, z), 0)) for z in path["z"]]
    np.testing.assert_allclose(path["ln_norm"], ln_norm, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("method", METHODS)
def test_contradictory_labels_end_honestly(method, loss):
    X = tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    data = Dataset(X, tensor([1.0, -1.0, 1.0]))
    path = coupled_flow(balanced(20, 2), data, loss=loss, method=method, max_steps=500)
    assert "no positive margin" in path.reason
    assert path.ok
    assert np.all(path["margin"] == 0.0)
    assert np.all(path["gap"] == 1.0)
    assert path["dual"][-1] <= 1e-9


@pytest.mark.parametrize("loss", LOSSES)
def test_wrong_signs_end_honestly(loss):
    generator = torch.Generator().manual_seed(0)
    V = torch.randn(10, 3, generator=generator, dtype=torch.float64)
    V = V / V.norm(dim=1, keepdim=True)
    data = Dataset(torch.eye(3, dtype=torch.float64), torch.ones(3).double())
    features = Features(V, -torch.ones(10).double())
    path = coupled_flow(features, data, loss=loss)
    assert "no positive margin" in path.reason
    assert np.all(path["gap"] == 1.0)
    onward = coupled_flow(features, data, loss=loss, stop={"tau": 1e4})
    assert onward["tau"][-1] == 1e4
    assert onward.ok
    assert np.diff(onward["ln_norm"]).max() <= 1e-12


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e2, 1e4])
def test_small_and_large_initialization(scale, loss):
    net, data = small(balanced(50, 3, seed=1), scale), sparse_parity(3)
    path = coupled_flow(net, data, loss=loss)
    assert "reached gap" in path.reason
    assert path.ok
    assert path["ln_norm"][0] == pytest.approx(2 * math.log(scale), abs=1e-9)
    theorem = no_rotation(net, data, loss=loss)
    check = theorem.check(path)
    assert check.holds, check.slack


def test_a_start_too_small_for_the_doubles_is_refused():
    features, data = random_problem(0)
    tiny = Features(features.directions, features.signs, features.start - 1000.0)
    with pytest.raises(ValueError, match="start above"):
        coupled_flow(tiny, data)


@pytest.mark.parametrize("loss", LOSSES)
def test_one_point_many_neurons_and_many_points_one_neuron(loss):
    data = Dataset(tensor([[0.0, 1.0]]), tensor([-1.0]))
    path = coupled_flow(balanced(30, 2, seed=2), data, loss=loss, stop={"gap": 1e-3})
    assert path.ok
    assert path["gap"][-1] <= 1e-3
    path = coupled_flow(
        Features(tensor([[1.0, 0.0]]), tensor([1.0])),
        two_points(0.3),
        loss=loss,
        stop={"gap": 1e-6},
    )
    assert path.ok
    assert path["margin"][-1] == pytest.approx(math.cos(0.3), rel=1e-6)


def test_accuracy_follows_rtol():
    features, data = random_problem(6, n=6, d=4)
    times = [1.0, 5.0, 20.0, 50.0]
    exact = coupled_flow(features, data, stop={"tau": 50.0}, save=times, rtol=1e-6)
    for rtol in (1e-2, 1e-3, 1e-4):
        path = coupled_flow(features, data, stop={"tau": 50.0}, save=times, rtol=rtol)
        error = np.abs(path["z"] - exact["z"]).sum(1) / np.maximum(path["tau"], 1.0)
        assert error.max() < 10 * rtol


def test_wide_networks_use_checked_subsets(monkeypatch):
    """Subsets of neurons and a sampled curvature change the work, not the result."""
    net, data = balanced(3000, 3, seed=2), sparse_parity(3)
    full = coupled_flow(net, data, stop={"gap": 1e-3}, save=[50.0, 200.0])
    from lowrot.coupled import _potential

    monkeypatch.setattr(_potential, "_SAMPLES", 200)
    monkeypatch.setattr(_potential, "_ENTRIES", 1000)
    monkeypatch.setattr(_potential, "_NEGLIGIBLE", -38.0)  # for 3000 neurons, at rounding
    rough = coupled_flow(net, data, stop={"gap": 1e-3}, save=[50.0, 200.0])
    assert rough.ok
    np.testing.assert_allclose(rough["z"], full["z"], atol=2e-2 * 200)
    np.testing.assert_allclose(rough["margin"], full["margin"], rtol=1e-4)
    ln_norm = [
        float(torch.logsumexp(Features.from_network(net).ln_weights(data, z), 0))
        for z in rough["z"]
    ]
    np.testing.assert_allclose(rough["ln_norm"], ln_norm, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("plant", "caught"),
    [
        ("sign", ("loss_increase", "duality", "sandwich")),
        ("weights", ("loss_increase", "margin_decrease")),
        ("newton", ("margin_decrease", "sandwich")),
    ],
)
def test_certificates_catch_planted_bugs(plant, caught, monkeypatch):
    from lowrot.coupled import _run
    from lowrot.coupled._implicit_step import Solution
    from lowrot.coupled._potential import Potential

    features, data = random_problem(0, m=60, n=6, d=4)
    if plant == "sign":
        grow = Potential._at

        def wrong(self, z):
            return grow(self, -z)

        monkeypatch.setattr(Potential, "_at", wrong)
    else:

        def unsolved(near, z0, eta, guess):
            margins, _ = near(z0 + eta * guess.q)
            if plant == "weights":  # weights of the wrong points: all on the largest margin
                ln_q = torch.log_softmax(20 * margins.p, 0)
                guess = type(guess)(ln_q, guess.ln_lam)
                margins, _ = near(z0 + eta * guess.q)
            return Solution(guess, margins, True)

        monkeypatch.setattr(_run, "implicit_weights", unsolved)
    path = coupled_flow(features, data, stop={"tau": 60.0}, max_steps=200)
    assert not path.ok
    assert any(not path.certificates[name].ok for name in caught), path.status
    assert "NOT certified" in path.status


def test_a_step_that_cannot_be_solved_says_so(monkeypatch):
    from lowrot.coupled import _run
    from lowrot.coupled._implicit_step import Solution

    features, data = random_problem(0)
    solve, calls = _run.implicit_weights, []

    def failing(near, z0, eta, guess):
        calls.append(eta)
        good = solve(near, z0, eta, guess)
        return good if len(calls) < 8 else Solution(good.weights, good.margins, False)

    monkeypatch.setattr(_run, "implicit_weights", failing)
    path = coupled_flow(features, data)
    assert not path.ok
    assert "step size fell below" in path.reason
    assert not path.certificates["failed_steps"].ok


def test_progress_and_stats(capsys, monkeypatch):
    import time

    clock = iter(range(0, 10**6, 3))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(_loop, "kept", lambda name: True)  # whatever ran before this test
    path = coupled_flow(balanced(20, 2), sparse_parity(2), progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all("margin" in line and "gap" in line for line in lines)
    assert path.stats["steps"] == len(path) - 1
    assert path.stats["evaluations"] > path.stats["steps"]


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"net_or_features": "net"}, TypeError, "expected Network or Features"),
        ({"net_or_features": balanced(10, 4)}, ValueError, "d = 2 but the directions have d = 4"),
        ({"loss": "hinge"}, ValueError, "loss is 'hinge'"),
        ({"method": "rk4"}, ValueError, "method is 'rk4'"),
        ({"rtol": 0.0}, ValueError, "rtol"),
        ({"rtol": math.nan}, ValueError, "rtol"),
        ({"rtol": "small"}, TypeError, "rtol"),
        ({"max_steps": 0}, ValueError, "max_steps"),
        ({"max_steps": 1.5}, TypeError, "max_steps"),
        ({"stop": {}}, ValueError, "stop is empty"),
        ({"stop": {"time": 3.0}}, ValueError, "stop key"),
        ({"stop": {"tau": math.inf}}, ValueError, "tau"),
        ({"stop": {"when": 3}}, TypeError, "when"),
        ({"stop": 0.01}, TypeError, "mapping"),
        ({"save": [2.0, 1.0]}, ValueError, "increasing"),
        ({"save": [-1.0]}, ValueError, "increasing"),
        ({"save": []}, ValueError, "save"),
        ({"save": [math.nan]}, ValueError, "save"),
    ],
)
def test_bad_arguments_are_named(change, error, match):
    arguments = {"net_or_features": balanced(10, 2), "data": sparse_parity(2), **change}
    with pytest.raises(error, match=match):
        coupled_flow(**arguments)
