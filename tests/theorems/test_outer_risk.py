"""The risk of outer-layer training: against samples, against the flow, and in one dimension."""

import math

import numpy as np
import pytest
import torch

import lowrot
from lowrot.network import Network, activation
from lowrot.theorems import outer_risk


def case(n=8, d=4, m=60, seed=0, slope=0.0):
    g = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=g).double()
    target = Network([1.0, -0.5], torch.randn(2, d, generator=g).double(), slope)
    return lowrot.standard(m, d, seed=seed, slope=slope), X, target


@pytest.mark.parametrize("slope", [0.0, 0.3])
@pytest.mark.parametrize("t", [0.0, 0.01, 1.0, math.inf])
def test_bias_and_variance_are_means_over_fresh_inputs_and_noise(slope, t):
    net, X, target = case(slope=slope)
    stated = outer_risk(net, X, target)
    g = torch.Generator().manual_seed(1)
    fresh = torch.randn(40_000, 4, generator=g).double()
    features, truth = activation(fresh @ net.V.T, slope), target(fresh)
    mean = features @ stated.weights(t, target(X))
    found = (mean - truth) ** 2
    error = float(found.std()) / math.sqrt(len(fresh))
    assert abs(float(found.mean()) - stated.bias_squared(t)) <= 4 * error + 1e-12
    noise = torch.randn(len(fresh), 8, generator=g).double()  # one noise for each fresh input
    basis = torch.stack([stated.weights(t, e) for e in torch.eye(8).double()])
    found = ((features @ basis.T) * noise).sum(dim=1) ** 2
    error = float(found.std()) / math.sqrt(len(fresh))
    assert abs(float(found.mean()) - stated.variance(t)) <= 4 * error + 1e-12
    assert stated.risk(t, 0.5) == pytest.approx(stated.bias_squared(t) + 0.25 * stated.variance(t))


@pytest.mark.parametrize("t", [0.01, 0.3, 3.0])
def test_the_weights_are_those_of_the_flow(t):
    net, X, target = case()
    y = target(X) + torch.linspace(-1, 1, 8).double()
    start = Network([0.0] * net.m, net.V)
    path = lowrot.regression_flow(start, X, y, rates=(1, 0), stop={"t": t}, rtol=1e-8)
    expected = outer_risk(net, X, target).weights(t, y)
    assert torch.allclose(path.network().a, expected, atol=1e-6 * float(expected.norm()))


def test_the_variance_never_falls_and_ends_at_its_limit():
    stated = outer_risk(*case())
    V = stated.variance(np.geomspace(1e-4, 1e6, 60))
    assert (np.diff(V) >= 0).all()
    assert V[-1] == pytest.approx(float(stated.variance(math.inf)))
    assert stated.variance(0.0) == 0
    assert stated.bias_squared(0.0) == pytest.approx(stated.target_power)


@pytest.mark.parametrize("x", [0.3, -2.0])
def test_one_point_on_a_line_has_the_variance_one_over_two_x_squared(x):
    net = Network([0.0] * 3, [[1.0], [-1.0], [0.5]])
    stated = outer_risk(net, torch.tensor([[x]]).double(), Network([1.0], [[1.0]]))
    assert float(stated.variance(math.inf)) == pytest.approx(1 / (2 * x * x))


def test_features_that_do_not_span_are_said_and_refused():
    net, X, target = case(n=8, m=5)
    stated = outer_risk(net, X, target)
    assert not stated.holds
    with pytest.raises(ValueError, match="do not span"):
        stated.variance(1.0)


def test_targets_of_another_kind_are_refused():
    net, X, _ = case()
    with pytest.raises(ValueError, match="target has d = 3"):
        outer_risk(net, X, Network([1.0], [[1.0, 0.0, 0.0]]))
    with pytest.raises(ValueError, match=r"slope 0\.5"):
        outer_risk(net, X, Network([1.0], [[1.0, 0.0, 0.0, 0.0]], 0.5))
