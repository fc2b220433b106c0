"""The no-rotation theorem on instances small enough to know by hand."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lowrot import (
    Dataset,
    Features,
    NotSeparable,
    balanced,
    coupled_flow,
    no_rotation,
    sparse_parity,
    standard,
)
from lowrot.path import Path

# One neuron of each sign on each of two orthogonal points, labels +1 and -1, norms 1.
X = torch.eye(2, dtype=torch.float64)
AXES = Features(torch.cat([X, X]), [1, 1, -1, -1])
ORTHOGONAL = Dataset(X, [1, -1])


def test_constants_of_two_orthogonal_points():
    theorem = no_rotation(AXES, ORTHOGONAL)
    # u* = (1/2 on the first point, -1/2 on the second): gamma = 1/2, KL against 1/4 each is ln 2.
    assert theorem.holds
    assert theorem.gamma.value == pytest.approx(0.5, abs=1e-9)
    assert theorem.divergence == pytest.approx(math.log(2), abs=1e-9)
    assert theorem.c_n == pytest.approx(math.log(2))
    # ||u(0)||_1 = 1 > ln 2, so J <= (1 + ln 2)/gamma.
    assert theorem.J_limit == pytest.approx(2 + 2 * math.log(2), abs=1e-8)
    assert theorem.bound(10.0, 1.0) == pytest.approx(0.5 - (math.log(2) + 1.0) / 20)
    assert theorem.width_of_certificate(10.0, 1.0) == pytest.approx((math.log(4) + 1.0) / 20)
    logistic = no_rotation(AXES, ORTHOGONAL, loss="logistic")
    assert logistic.c_n == pytest.approx(math.log(4))
    late = math.log(2) + math.log(math.log(4))
    assert logistic.J_limit == pytest.approx(2 + 2 * late, abs=1e-8)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_conclusion_and_proof_hold_along_a_path(loss):
    data, features = sparse_parity(3), Features.from_network(balanced(64, 3, seed=2))
    theorem = no_rotation(features, data, loss=loss)
    path = coupled_flow(features, data, loss=loss, stop={"tau": 300.0})
    assert path.ok, path.status
    check, proof = theorem.check(path), theorem.inequalities(path)
    assert check.holds, check.slack
    assert proof.holds, proof.slack


def tampered(path, **columns):
    return Path({**path.columns, **columns}, path.states, meta=path.meta)


def test_a_false_conclusion_is_seen():
    data, features = sparse_parity(2), Features.from_network(balanced(64, 2, seed=0))
    theorem = no_rotation(features, data)
    path = coupled_flow(features, data, stop={"tau": 1000.0})
    assert theorem.check(path).holds
    slow, fast = 0.9 * path["margin"], np.where(path["tau"] > 500, 1.1, 1.0) * path["margin"]
    assert theorem.check(tampered(path, margin=slow)).slack["bound <= margin"] < -1e-3
    assert theorem.check(tampered(path, margin=fast)).slack["margin <= gamma"] < -1e-3
    assert not theorem.check(tampered(path, dual=0.9 * path["dual"])).holds
    assert not theorem.check(tampered(path, J=path["J"] + 100)).holds
    assert not theorem.inequalities(tampered(path, margin=slow)).holds
    assert not theorem.inequalities(
        tampered(path, ln_norm=path["ln_norm"] - (path["tau"] > 0))
    ).holds


def test_constants_of_an_unequal_start():
    ln_start = torch.tensor([0.0, -1.0, -2.0, -5.0], dtype=torch.float64)
    theorem = no_rotation(replace(AXES, ln_start=ln_start), ORTHOGONAL)
    total = math.log(sum(math.exp(x) for x in ln_start.tolist()))
    assert theorem.ln_start_norm == pytest.approx(total)
    # u* has 1/2 on the first and the last neuron.
    divergence = -math.log(2) + total - (0.0 - 5.0) / 2
    assert theorem.divergence == pytest.approx(divergence, abs=1e-8)
    assert theorem.width_of_certificate(10.0, 1.0) == pytest.approx((total + 5.0 + 1.0) / 20)
    assert theorem.width_of_certificate(0.0, 0.0) == math.inf
    assert theorem.J_limit == pytest.approx(2 + 2 * divergence, abs=1e-7)
    assert theorem.bound(10.0) == pytest.approx(0.5 - (divergence + 2 + 2 * divergence) / 20)
    assert theorem.bound_a_priori(10.0) == theorem.bound(10.0)


def test_each_line_of_the_proof_by_hand():
    theorem = no_rotation(AXES, ORTHOGONAL)
    path = coupled_flow(AXES, ORTHOGONAL, stop={"tau": 6.0}, save=[2.0, 6.0])
    frame = theorem.inequalities(path).frame
    # q = 1/2 for ever, z = tau/2: each good neuron grows as e^tau/4, each other stays or shrinks.
    np.testing.assert_allclose(frame.optimal_growth, frame.tau, rtol=1e-9)
    np.testing.assert_allclose(frame.two_gamma_tau, frame.tau, rtol=1e-8)
    np.testing.assert_allclose(frame.gibbs, frame.tau - math.log(2), rtol=1e-8)
    np.testing.assert_allclose(frame.norm_growth, frame.ln_norm, atol=1e-12)
    bound = 2 * path["tau"] * path["margin"] + path["J"]
    np.testing.assert_allclose(frame.norm_growth_bound, bound[1:])


def test_each_hypothesis_can_fail():
    theorem = no_rotation(AXES, ORTHOGONAL)
    assert theorem.holds
    names = ["unit directions", "bounded features", "positive frozen margin", "its optimum"]
    assert [h.statement.split(":")[0] for h in theorem.hypotheses][2] == names[2]
    theorem.data = SimpleNamespace(X=1.1 * X)
    assert [h.holds for h in theorem._evaluate()] == [True, False, True, True]
    theorem.data = ORTHOGONAL
    theorem.gamma = replace(theorem.gamma, value=0.0, gap=0.01)
    assert [h.holds for h in theorem._evaluate()] == [True, True, False, False]
    off = replace(theorem.features)
    object.__setattr__(off, "directions", off.directions * (1 + 2e-9))
    theorem.features = off
    assert not theorem._evaluate()[0].holds


def test_paths_of_other_features_or_data_are_refused():
    data, net = sparse_parity(2), balanced(64, 2, seed=0)
    theorem = no_rotation(net, data)
    other = coupled_flow(balanced(64, 2, seed=1), data, stop={"tau": 1.0})
    with pytest.raises(ValueError, match="away from q of this theorem"):
        theorem.check(other)
    # Equal sizes, directions swapped by a symmetry of the data: other points get the weights.
    equal = Features(Features.from_network(net).directions, Features.from_network(net).signs)
    turned = Features(equal.directions.flip(1), equal.signs)
    theorem = no_rotation(equal, data)
    with pytest.raises(ValueError, match="away from q of this theorem"):
        theorem.check(coupled_flow(turned, data, stop={"tau": 1.0}))
    assert theorem.check(coupled_flow(equal, data, stop={"tau": 30.0})).holds
    # Large starts are known by their least margin: q would be rounding.
    large = replace(equal, ln_start=equal.start + 12.0)
    shuffled = Features(equal.directions, equal.signs[torch.arange(64) ^ 1], large.start)
    with pytest.raises(ValueError, match="starts at min_ratio"):
        no_rotation(large, data).check(coupled_flow(shuffled, data, stop={"tau": 1.0}))
    assert no_rotation(large, data).check(coupled_flow(large, data, stop={"tau": 9.0})).holds
    other = Dataset(0.9 * data.X, data.y)
    with pytest.raises(ValueError, match="away from q of"):
        theorem.check(coupled_flow(equal, other, stop={"tau": 1.0}))
    three = coupled_flow(equal, Dataset(data.X[:3], data.y[:3]), stop={"tau": 1.0})
    with pytest.raises(ValueError, match=r"states z of shape \(3,\); expected \(4,\)"):
        theorem.inequalities(three)


def test_no_margin_no_theorem():
    features = Features.from_network(balanced(64, 2, seed=0))
    positive = Features(features.directions, features.signs.abs())
    with pytest.raises(NotSeparable) as refusal:
        no_rotation(positive, sparse_parity(2))
    q = refusal.value.dual
    assert float(q.sum()) == pytest.approx(1.0)
    scores = (q * sparse_parity(2).y) @ torch.relu(sparse_parity(2).X @ features.directions.T)
    assert float(scores.max()) <= 1e-9


def test_arguments_that_do_not_fit_are_named():
    data = sparse_parity(2)
    with pytest.raises(ValueError, match=r"needs .a_j. = "):
        no_rotation(standard(8, 2), data)
    with pytest.raises(TypeError, match="net_or_features"):
        no_rotation("net", data)
    with pytest.raises(TypeError, match="data is a str"):
        no_rotation(balanced(64, 2), "data")
    theorem = no_rotation(balanced(64, 2), data)
    with pytest.raises(ValueError, match="loss"):
        no_rotation(balanced(64, 2), data, loss="hinge")
    with pytest.raises(ValueError, match="kind"):
        theorem.check(Path({"tau": np.zeros(2)}, {"z": np.zeros((2, 4))}))
    with pytest.raises(ValueError, match="loss 'logistic'"):
        theorem.check(coupled_flow(balanced(64, 2), data, loss="logistic", stop={"tau": 1.0}))
    with pytest.raises(ValueError, match="tau"):
        theorem.bound(-1.0, 0.0)
