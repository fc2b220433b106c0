"""The no-rotation theorem on instances small enough to know by hand."""

import math

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
from lowrot.theorems import cap_fraction, covering_error, covering_failure

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
    # ||u(0)||_1 = 1 > ln 2, so 2 J <= (1 + ln 2)/gamma.
    assert theorem.J_limit == pytest.approx(1 + math.log(2), abs=1e-8)
    assert theorem.bound(10.0, 0.5) == pytest.approx(0.5 - (math.log(2) + 1.0) / 20)
    assert theorem.width_of_certificate(10.0, 0.5) == pytest.approx((math.log(4) + 1.0) / 20)
    logistic = no_rotation(AXES, ORTHOGONAL, loss="logistic")
    assert logistic.c_n == pytest.approx(math.log(4))
    assert logistic.J_limit == pytest.approx(1 + math.log(2) + math.log(math.log(4)), abs=1e-8)


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
    assert not theorem.inequalities(tampered(path, ln_norm=path["ln_norm"] - 1)).holds


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
    theorem = no_rotation(balanced(64, 2), data)
    with pytest.raises(ValueError, match="loss"):
        no_rotation(balanced(64, 2), data, loss="hinge")
    with pytest.raises(ValueError, match="kind"):
        theorem.check(Path({"tau": np.zeros(1)}, {"z": np.zeros((1, 4))}))
    with pytest.raises(ValueError, match="loss 'logistic'"):
        theorem.check(coupled_flow(balanced(64, 2), data, loss="logistic", stop={"tau": 1.0}))
    with pytest.raises(ValueError, match="tau"):
        theorem.bound(-1.0, 0.0)








