"""Near initialization, SGD: constants by hand, runs that meet the hypotheses, tampered runs."""

import math

import numpy as np
import pytest
import torch

from lowrot import (
    Dataset,
    Network,
    NotSeparable,
    Stream,
    near_init_sgd,
    one_pass_sgd,
    parity_stream,
    sparse_parity,
    standard,
)
from lowrot.path import Path

XOR = sparse_parity(2)
POINT = Dataset(torch.tensor([[1.0, 0.0]], dtype=torch.float64), [1])
E = math.e / (math.e - 1)


def quiet(m, seed=0):
    """A start of small output weights: it meets the hypotheses at a smaller width."""
    net = standard(m, 2, seed=seed)
    return Network(0.1 * net.a, net.V)


def one_neuron(a, c):
    return Network(torch.tensor([a]).double(), torch.tensor([[c, 0.0]]).double())


def test_constants_of_one_neuron_on_one_point():
    theorem = near_init_sgd(one_neuron(1.0, 48.0), POINT, samples=1000)
    # g = s(v.x) = 48, A = 1, N = 0, ||s(V_0 x)|| = ||V_0||_op = 48.
    assert theorem.start.g == pytest.approx(48.0)
    assert pytest.approx(2.0) == theorem.R
    assert theorem.Gam == pytest.approx(24.0)
    assert pytest.approx(math.hypot(48, 1) + 6) == theorem.B
    assert theorem.B_operator == pytest.approx(theorem.B)
    assert theorem.eta == pytest.approx(24 / theorem.B**2)
    assert theorem.displacement == pytest.approx(2 * (1 + math.sqrt(2)))
    assert theorem.sum_lam == pytest.approx(2 / (3 * theorem.eta))
    assert theorem.mistakes == pytest.approx(4 / (3 * theorem.eta))
    assert theorem.holds
    limit = theorem.samples_limit
    assert math.log(12 * theorem.eta * limit / (math.e * 24)) == pytest.approx(48**2 / 384)
    bound = 2 * E / 1e4 * (theorem.sum_lam + math.log(20))
    assert theorem.error(1e4) == pytest.approx(bound)
    assert theorem.error(1.0) == 1.0
    assert theorem.error(theorem.samples_for(0.1)) == pytest.approx(0.1)
    given = near_init_sgd(one_neuron(1.0, 48.0), POINT, samples=1000, eta=1e-3)
    assert (given.eta, given.sum_lam) == (1e-3, pytest.approx(2000 / 3))


def test_the_gradient_is_bounded_by_features_or_by_the_operator_norm():
    net = quiet(200)
    theorem = near_init_sgd(net, XOR, samples=10)
    g, A = theorem.start.g, float(net.a.norm())
    features = float(torch.relu(XOR.X @ net.V.T).norm(dim=1).max())
    operator = float(torch.linalg.svdvals(net.V)[0])
    assert pytest.approx(math.hypot(features, A) + g / 8) == theorem.B
    assert theorem.B_operator == pytest.approx(math.hypot(operator, A) + g / 8)
    assert theorem.B < theorem.B_operator < math.hypot(float(net.V.norm()), A) + g / 8


def test_constants_of_the_perceptron():
    theorem = near_init_sgd(one_neuron(1.0, 48.0), POINT, samples=1000, update="perceptron")
    assert pytest.approx(3.0) == theorem.R
    assert theorem.eta == pytest.approx(3 * 48**2 / (64 * theorem.B**2))
    assert theorem.displacement == pytest.approx(6.0)
    assert theorem.mistakes == pytest.approx(64 / 21 * theorem.B**2 / 48**2)
    assert theorem.samples_limit == math.inf
    assert theorem.error(1e4, 0.01) == pytest.approx(E / 1e4 * (theorem.mistakes + math.log(100)))
    assert theorem.error(theorem.samples_for(0.1)) == pytest.approx(0.1)
    assert theorem.holds


@pytest.mark.parametrize(
    ("a", "c", "options", "holds"),
    [
        (0.999 / 24, 1.0, {"samples": 1, "eta": 1e-9}, True),  # 24 A <= g
        (1.001 / 24, 1.0, {"samples": 1, "eta": 1e-9}, False),
        (-0.999 / 192, 1.0, {"samples": 1, "eta": 1e-9}, True),  # 192 N <= g^2
        (-1.001 / 192, 1.0, {"samples": 1, "eta": 1e-9}, False),
        (0.0, 48.0, {"samples": 9, "eta": 0.99 * 24 / 54**2}, True),  # eta <= Gam/B^2
        (0.0, 48.0, {"samples": 9, "eta": 1.01 * 24 / 54**2}, False),
        (0.999 / 16, 1.0, {"samples": 1, "eta": 1e-9, "update": "perceptron"}, True),
        (1.001 / 16, 1.0, {"samples": 1, "eta": 1e-9, "update": "perceptron"}, False),
        (-0.999 / 128, 1.0, {"samples": 1, "eta": 1e-9, "update": "perceptron"}, True),
        (-1.001 / 128, 1.0, {"samples": 1, "eta": 1e-9, "update": "perceptron"}, False),
        (0.0, 8.0, {"samples": 1, "eta": 0.99 * 3 / 81, "update": "perceptron"}, True),
        (0.0, 8.0, {"samples": 1, "eta": 1.01 * 3 / 81, "update": "perceptron"}, False),
    ],
)
def test_hypotheses_on_both_sides_of_their_limits(a, c, options, holds):
    theorem = near_init_sgd(one_neuron(a, c), POINT, **options)
    assert theorem.holds == holds, theorem.hypothesis_frame()


def test_the_number_of_samples_is_limited():
    theorem = near_init_sgd(one_neuron(0.0, 40.0), POINT, samples=1, eta=0.008)
    for factor, holds in ((0.99, True), (1.01, False)):
        t = round(factor * theorem.samples_limit)
        assert near_init_sgd(one_neuron(0.0, 40.0), POINT, samples=t, eta=0.008).holds == holds


@pytest.mark.parametrize("update", ["logistic", "perceptron"])
def test_conclusion_and_proof_along_runs_that_meet_the_hypotheses(update):
    net = quiet(6000)
    theorem = near_init_sgd(net, XOR, samples=400, update=update)
    assert theorem.holds, theorem.hypothesis_frame()
    runs = one_pass_sgd(
        net,
        parity_stream(2),
        samples=400,
        eta=theorem.eta,
        update=update,
        seeds=[0, 1],
        records=range(400),
        keep=True,
    )
    for path, drawn in zip(runs.paths, runs.drawn, strict=True):
        check, proof = theorem.check(path), theorem.inequalities(path)
        assert check.holds, check.slack
        assert proof.holds, proof.slack
        assert "average error <= its bound" in check.slack
        # g and N over the drawn samples are at least as good, and the same conclusions hold.
        sampled = near_init_sgd(net, drawn, samples=400, eta=theorem.eta, update=update)
        assert sampled.start.g >= theorem.start.g * (1 - 1e-9)
        assert sampled.start.N <= theorem.start.N
        assert sampled.holds
        assert sampled.check(path).holds


@pytest.mark.parametrize("update", ["logistic", "perceptron"])
def test_both_sides_of_each_line_by_hand(update):
    # g = 48, A = 1; at W = W_0 + (b, 0): p = 48 (1 + b), and <G, W - U> = 48 (b - R).
    net = one_neuron(1.0, 48.0)
    theorem = near_init_sgd(net, POINT, samples=10, eta=1e-3, update=update)
    moved = np.array([0.0, -1.5, 0.25])
    states = {"a": 1.0 + moved[:, None], "V": np.repeat(net.V.numpy()[None], 3, 0)}
    columns = {"samples": np.arange(3.0), "tau": np.zeros(3), "rho": np.abs(moved)}
    columns |= {"sum_lam": np.array([0.0, 0.5, 1.25]), "test_lam": np.array([0.5, 0.25, 0.125])}
    meta = {"kind": "sgd", "update": update, "eta": 1e-3}
    frame = theorem.inequalities(Path(columns, states, meta=meta), delta=0.2).frame
    p, lam = 48.0 * (1.0 + moved), columns["sum_lam"]
    if update == "logistic":
        early = math.exp(-1 - 6.0)  # Gam = 24
        expected = {
            "gain": 48 * (moved - 2) - p,
            "gain_bound": [-24.0] * 3,
            "step": (p - 6.0) / (1 + np.exp(p)),
            "step_bound": [early] * 3,
            "potential": (moved - 2) ** 2 / 2 + 1e-3 * 24 / 4 * lam,
            "potential_bound": 2.0 + 1e-3 * np.arange(3) * early,
        }
    else:
        expected = {
            "gain": np.where(p <= 0, 48 * (moved - 3), -math.inf),
            "gain_bound": [-3 * 48**2 / 128] * 3,
            "growth": moved,
            "growth_bound": 7 * 48 / 8 * 1e-3 * lam,
            "potential": (moved - 3) ** 2 / 2,
            "potential_bound": [4.5] * 3,
        }
    expected["fresh"] = np.array([0.0, 0.5, 0.75]) * (1 - 1 / math.e)
    expected["fresh_bound"] = lam + math.log(5)
    assert set(expected) | {"samples"} == set(frame)
    for name, values in expected.items():
        np.testing.assert_allclose(frame[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


def test_only_the_samples_that_are_spoken_of_are_compared():
    net = quiet(6000)
    theorem = near_init_sgd(net, XOR, samples=20)
    path = one_pass_sgd(
        net, parity_stream(2), samples=40, eta=theorem.eta, records=range(40), keep=True
    ).paths[0]
    for check in (theorem.check(path), theorem.inequalities(path)):
        assert check.frame.samples.max() == 20
        assert check.holds, check.slack
    far = np.where(path["samples"] > 20, 1e4, path["rho"])
    assert theorem.check(tampered(path, rho=far)).holds


def test_runs_without_test_points_have_no_line_on_fresh_samples():
    net = quiet(6000)
    theorem = near_init_sgd(net, XOR, samples=4)
    stream = Stream.ordered(XOR)
    path = one_pass_sgd(net, stream, samples=4, eta=theorem.eta, records=range(4), keep=True)
    check, proof = (method(path.paths[0]) for method in (theorem.check, theorem.inequalities))
    assert not [line for line in check.slack if "error" in line]
    assert "fresh" not in proof.slack
    assert check.holds
    assert proof.holds


def test_no_steps_no_limit():
    theorem = near_init_sgd(one_neuron(1.0, 48.0), POINT, samples=10, eta=0.0)
    assert theorem.holds
    assert theorem.sum_lam == theorem.mistakes == theorem.samples_limit == math.inf
    assert theorem.bound(100) == 1.0


def test_the_average_is_that_of_the_iterates_before_each_sample():
    net = quiet(6000)
    theorem = near_init_sgd(net, XOR, samples=60)
    path = one_pass_sgd(
        net, parity_stream(2), samples=60, eta=theorem.eta, records=range(60)
    ).paths[0]
    frame = theorem.check(path).frame
    for t in (1, 7, 60):
        assert frame.average_error[t] == pytest.approx(np.mean(path["test_error"][:t]))
    sparse = one_pass_sgd(net, parity_stream(2), samples=60, eta=theorem.eta).paths[0]
    assert "best_error" in theorem.check(sparse).frame


def test_any_order_of_samples_is_fine_for_the_perceptron():
    # Mistakes first: the order that hurts most among a few.
    net = quiet(6000)
    p = net.margins(XOR)
    order = torch.cat([torch.argsort(p), torch.argsort(p, descending=True)]).repeat(20)
    data = Dataset(XOR.X[order], XOR.y[order])
    theorem = near_init_sgd(net, data, samples=data.n, update="perceptron")
    path = one_pass_sgd(
        net, Stream.ordered(data), samples=data.n, eta=theorem.eta, update="perceptron"
    ).paths[0]
    assert theorem.holds
    assert theorem.check(path).holds
    assert path["mistakes"][-1] >= 1


def tampered(path, **changed):
    return Path({**path.columns, **changed}, path.states, meta=path.meta)


@pytest.mark.parametrize("update", ["logistic", "perceptron"])
def test_false_conclusions_are_seen(update):
    net = quiet(6000)
    theorem = near_init_sgd(net, XOR, samples=4000, update=update)
    path = one_pass_sgd(
        net, parity_stream(2), samples=4000, eta=theorem.eta, update=update, keep=True
    ).paths[0]
    assert theorem.check(path).holds
    for name, line in [
        ("rho", "||W_k - W_0|| <= its bound"),
        ("sum_lam", "sum Lam <= its bound"),
        ("mistakes", "mistakes <= their bound"),
        ("largest_gradient", "||grad p|| <= B"),
    ]:
        later = 1e4 * (path["samples"] > 0)
        check = theorem.check(tampered(path, **{name: path[name] + later}))
        assert not check.holds
        assert [key for key, value in check.slack.items() if value < 0] == [line]
    wrong = theorem.check(tampered(path, test_error=np.ones(len(path))))
    assert wrong.slack["best error <= its bound"] < 0
    # Weights that went the other way, or too far.
    a, V = path["a"], path["V"]
    states = {"a": 2 * a[:1] - a, "V": 2 * V[:1] - V}
    bad = theorem.inequalities(Path(path.columns, states, meta=path.meta))
    assert bad.slack["potential"] < 0
    states = {"a": a, "V": V * (path["samples"] == 0)[:, None, None]}
    bad = theorem.inequalities(Path(path.columns, states, meta=path.meta))
    assert bad.slack["gain"] < 0


def test_the_pointwise_line_of_the_logistic_proof():
    # lam (p - Gam/4) <= exp(-1 - Gam/4) for every p; nearly attained at p = 1 + Gam/4.
    for Gam in (0.1, 2.0, 30.0):
        p = np.linspace(-50, 100, 20001)
        lam = np.where(p > 0, np.exp(-p) / (1 + np.exp(-np.abs(p))), 1 / (1 + np.exp(p)))
        assert np.max(lam * (p - Gam / 4)) <= math.exp(-1 - Gam / 4) * (1 + 1e-12)
    assert np.max(lam * (p - Gam / 4)) >= 0.99 * math.exp(-1 - Gam / 4)


def test_what_does_not_fit_is_named():
    net = quiet(100)
    with pytest.raises(NotSeparable):
        near_init_sgd(Network(net.a[:1], net.V[:1]), XOR, samples=10)
    for options, words in [
        ({"samples": 0}, "samples is 0"),
        ({"samples": 5, "eta": -1.0}, "eta is -1"),
        ({"samples": 5, "update": "adam"}, "update is 'adam'"),
    ]:
        with pytest.raises(ValueError, match=words):
            near_init_sgd(net, XOR, **options)
    theorem = near_init_sgd(net, XOR, samples=10, eta=0.1)
    path = one_pass_sgd(net, parity_stream(2), samples=10, eta=0.1).paths[0]
    other = one_pass_sgd(quiet(100, seed=1), parity_stream(2), samples=10, eta=0.1).paths[0]
    for bad, words in [
        (one_pass_sgd(net, parity_stream(2), samples=10, eta=0.2).paths[0], "eta 0.2"),
        (
            one_pass_sgd(net, parity_stream(2), samples=10, eta=0.1, update="perceptron").paths[0],
            "'perceptron'",
        ),
        (other, r"starts at norm_a = .*the start and the data"),
        (tampered(path, rho=path["rho"] + 1), "starts at rho = 1"),
        (Path({"tau": np.zeros(2)}, meta=path.meta), "no column or state samples, samples, rho"),
    ]:
        with pytest.raises(ValueError, match=words):
            theorem.check(bad)
    with pytest.raises(ValueError, match=r"no column or state a, V.* keep=True"):
        theorem.inequalities(path)
    with pytest.raises(ValueError, match="delta"):
        theorem.error(10, 0.0)
    with pytest.raises(ValueError, match="error"):
        theorem.samples_for(2.0)
