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
    stated = no_rotation(AXES, ORTHOGONAL)
    # u* = (1/2 on the first point, -1/2 on the second): gamma = 1/2, KL against 1/4 each is ln 2.
    assert stated.holds
    assert stated.gamma.value == pytest.approx(0.5, abs=1e-9)
    assert stated.divergence == pytest.approx(math.log(2), abs=1e-9)
    assert stated.c_n == pytest.approx(math.log(2))
    # ||u(0)||_1 = 1 > ln 2, so 2 J <= (1 + ln 2)/gamma.
    assert stated.J_limit == pytest.approx(1 + math.log(2), abs=1e-8)
    assert stated.bound(10.0, 0.5) == pytest.approx(0.5 - (math.log(2) + 1.0) / 20)
    assert stated.width_of_certificate(10.0, 0.5) == pytest.approx((math.log(4) + 1.0) / 20)
    logistic = no_rotation(AXES, ORTHOGONAL, loss="logistic")
    assert logistic.c_n == pytest.approx(math.log(4))
    assert logistic.J_limit == pytest.approx(1 + math.log(2) + math.log(math.log(4)), abs=1e-8)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_conclusion_and_proof_hold_along_a_path(loss):
    data, features = sparse_parity(3), Features.from_network(balanced(64, 3, seed=2))
    stated = no_rotation(features, data, loss=loss)
    path = coupled_flow(features, data, loss=loss, stop={"tau": 300.0})
    assert path.ok, path.status
    check, proof = stated.check(path), stated.inequalities(path)
    assert check.holds, check.slack
    assert proof.holds, proof.slack


def tampered(path, **columns):
    return Path({**path.columns, **columns}, path.states, meta=path.meta)


def test_a_false_conclusion_is_seen():
    data, features = sparse_parity(2), Features.from_network(balanced(64, 2, seed=0))
    stated = no_rotation(features, data)
    path = coupled_flow(features, data, stop={"tau": 1000.0})
    assert stated.check(path).holds
    slow, fast = 0.9 * path["margin"], np.where(path["tau"] > 500, 1.1, 1.0) * path["margin"]
    assert stated.check(tampered(path, margin=slow)).slack["bound <= margin"] < -1e-3
    assert stated.check(tampered(path, margin=fast)).slack["margin <= gamma"] < -1e-3
    assert not stated.check(tampered(path, dual=0.9 * path["dual"])).holds
    assert not stated.check(tampered(path, J=path["J"] + 100)).holds
    assert not stated.inequalities(tampered(path, margin=slow)).holds
    assert not stated.inequalities(tampered(path, ln_norm=path["ln_norm"] - 1)).holds


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
    stated = no_rotation(balanced(64, 2), data)
    with pytest.raises(ValueError, match="loss"):
        no_rotation(balanced(64, 2), data, loss="hinge")
    with pytest.raises(ValueError, match="kind"):
        stated.check(Path({"tau": np.zeros(1)}, {"z": np.zeros((1, 4))}))
    with pytest.raises(ValueError, match="loss 'logistic'"):
        stated.check(coupled_flow(balanced(64, 2), data, loss="logistic", stop={"tau": 1.0}))
    with pytest.raises(ValueError, match="tau"):
        stated.bound(-1.0, 0.0)


@pytest.mark.parametrize("eps", [0.1, 0.7, math.sqrt(2), 1.9, 2.0])
def test_caps_of_circle_and_sphere_are_exact(eps):
    angle = 2 * math.asin(eps / 2)
    assert cap_fraction(2, eps) == pytest.approx(angle / math.pi, abs=1e-12)
    assert cap_fraction(3, eps) == pytest.approx((1 - math.cos(angle)) / 2, abs=1e-12)


@pytest.mark.parametrize("d", [2, 3, 5, 9])
def test_a_cap_is_at_most_half_the_power_of_its_radius(d):
    for eps in (0.01, 0.3, 1.0, math.sqrt(2)):
        assert cap_fraction(d, eps) <= 0.5 * eps ** (d - 1) * (1 + 1e-12)


def test_covering_bound_against_sampling():
    # Four targets on the circle, 40 neurons, eps = 0.2: the failure rate of 2000 trials stays
    # below the bound plus four standard deviations, and is of its size.
    generator = torch.Generator().manual_seed(0)
    angle = 2 * math.pi * torch.rand(2000, 40, generator=generator, dtype=torch.float64)
    sign = torch.randint(2, (2000, 40), generator=generator)
    missed = torch.zeros(2000, dtype=torch.bool)
    for k in range(4):
        near = 2 * torch.sin((angle - k * math.pi / 2) / 2).abs() <= 0.2
        missed |= ~(near & (sign == k % 2)).any(dim=1)
    bound = covering_failure(2, 40, 0.2, 4)
    rate, deviation = float(missed.double().mean()), math.sqrt(0.25 / 2000)
    single = 1 - (1 - (1 - cap_fraction(2, 0.2) / 2) ** 40) ** 4
    assert bound == 1.0 or rate <= bound + 4 * deviation
    assert rate == pytest.approx(single, abs=4 * deviation + 0.02)


def test_covering_error_inverts_the_failure():
    eps = covering_error(3, 5000, 4, 0.1)
    assert covering_failure(3, 5000, eps, 4) == pytest.approx(0.1, rel=1e-6)
    assert covering_error(3, 1, 4, 0.1) == 2.0
