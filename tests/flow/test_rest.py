"""Rest is said only of points at which every neuron is still; slow flows go on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lowrot import Dataset, Network, balanced, gradient_flow, regression_flow, small, standard
from lowrot.flow._objectives import Regression
from lowrot.flow._planes import Planes
from lowrot.flow._radau import Radau
from lowrot.flow._rest import at_rest
from lowrot.flow.neuron import Neurons
from lowrot.path import Outcome


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("x", [1e-5, 1e-9])
def test_a_neuron_that_turns_slowly_is_not_at_rest(x):
    """``a + v = e^{x tau}`` and ``a - v = -3 e^{-x tau}``: p = 0 at ``tau = ln 3/(2 x)``."""
    end = math.log(3.0) / (2.0 * x)
    net, data = Network([-1.0], [[2.0]], 1.0), Dataset([[x]], [1.0])
    path = gradient_flow(net, data, save=[0.5 * end, end, 2.0 * end], stop={"tau": 2.0 * end})
    assert path.ok, path.status
    assert path.reason.startswith("reached")
    tau = path["tau"][1:]
    np.testing.assert_allclose(path["a"][1:, 0] + path["V"][1:, 0, 0], np.exp(x * tau), rtol=1e-9)
    np.testing.assert_allclose(
        path["a"][1:, 0] - path["V"][1:, 0, 0], -3.0 * np.exp(-x * tau), rtol=1e-9
    )


@pytest.mark.parametrize("eps", [1e-4, 1e-6, 1e-8])
def test_short_inputs_are_followed_to_their_separation(eps):
    """Two neurons on ``(eps, 0)``: their outputs cancel at .463251/eps."""
    net, data = Network([-1.0, 1.0], [[1.0, 0.0], [0.5, 0.0]]), Dataset([[eps, 0.0]], [1.0])
    times = [0.463250 / eps, 0.463252 / eps]
    path = gradient_flow(net, data, save=times, stop={"tau": times[-1]})
    # p = eps (a_1 v_1 + a_2 v_2), each hyperbolic: e^{2 eps tau}(1.5/2)^2 - .. = 0 in between.
    assert path.ok, path.status
    assert path.reason.startswith("reached")
    a, V = path["a"][-1], path["V"][-1, :, 0]
    growth = math.exp(eps * times[-1])
    np.testing.assert_allclose(a + V, [0.0, 1.5 * growth], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rtol", [1e-3, 1e-5])
def test_points_that_nearly_cancel_are_separated_in_the_end(rtol):
    angles = tensor([1.0, 1.0 + 1e-4, 0.0])
    data = Dataset(torch.stack([angles.cos(), angles.sin()], 1), [1, -1, 1])
    path = gradient_flow(standard(50, 2, seed=0), data, stop={"min_margin": 1.0}, rtol=rtol)
    assert path.ok, path.status
    assert path["tau"][-1] == pytest.approx(71099.80, rel=rtol)  # the limit of small rtol


def unit_data(n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    y = torch.where(torch.rand(n, generator=generator) < 0.5, -1, 1)
    return Dataset(X / X.norm(dim=1, keepdim=True), y)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize("seed", range(6))
def test_runs_end_in_words_and_in_few_steps(seed, loss):
    """Rest is a zero of the field: a flow restarted there stays to rounding; others are slow."""
    data = unit_data(12, 2, seed)
    path = gradient_flow(balanced(3, 2, seed=seed), data, loss=loss)
    assert path.ok, path.status
    assert path.stats["steps"] + path.stats["rejected"] < 600
    assert path["min_margin"][-1] <= 1e-5
    assert "not separated" in path.reason
    if path.outcome == Outcome.STATIONARY:
        net = Network(path["a"][-1], path["V"][-1])
        again = gradient_flow(net, data, loss=loss, stop={"tau": 100.0}, save=[50.0, 100.0])
        assert np.abs(again["P"] - path["P"][-1]).max() < 1e-5
    else:
        assert path.outcome == Outcome.ROUNDING


@pytest.mark.parametrize("rtol", [1e-3, 3e-4])
@pytest.mark.parametrize("seed", range(3))
def test_regression_at_rest_has_the_residuals_of_its_weights(seed, rtol):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(20, generator=generator, dtype=torch.float64)
    path = regression_flow(balanced(4, 3, seed=seed), X, y, rtol=rtol)
    assert path.ok, path.status
    assert path.outcome == Outcome.STATIONARY
    assert path.stats["steps"] + path.stats["rejected"] < 800
    net, r = Network(path["a"][-1], path["V"][-1]), tensor(path["q"][-1])
    assert float((y - net(X) - r).norm() / r.norm()) < 1e-4
    speed = float(r @ net.kernel(X) @ r)
    assert speed <= 1e-12 * float(r @ r) * net.norm_squared * float(X.square().sum())


def test_regression_with_rates_far_apart_ends_in_bounded_work():
    """More weights than points, and large outputs that cancel: what they round to is not motion."""
    data = unit_data(40, 6, 1)
    limits = {"stop": {"relative_loss": 1e-10}, "max_steps": 1500}
    path = regression_flow(standard(9, 6, seed=1), data.X, data.y, rates=(1.0, 15.0), **limits)
    assert path.ok, path.status
    assert path.outcome == Outcome.STATIONARY
    assert path.stats["steps"] + path.stats["rejected"] < 700
    misses = []
    for a, V, q in zip(path["a"], path["V"], path["q"]):
        r = data.y - Network(a, V)(data.X)
        misses.append(float((r - tensor(q)).norm() / np.linalg.norm(q)))
    worst = path.certificates["dual_weights"].value
    assert worst == pytest.approx(max(misses), rel=1e-6)
    assert worst < 1e-3
    assert misses[-1] < 1e-5


@pytest.mark.parametrize("seed", range(6))
def test_large_starts_are_certified(seed):
    data = unit_data(10, 3, seed)
    path = gradient_flow(small(standard(40, 3, seed=seed), 1e3), data)
    assert path.ok, path.status
    assert path.reason.startswith("reached min_margin")


def test_a_network_that_decays_ends_at_rest():
    data = Dataset([[1.0, 0.0]], [1.0])
    path = gradient_flow(Network([-1.0], [[1.0, 0.0]]), data)
    assert path.outcome == Outcome.STATIONARY
    assert path.ok, path.status
    # Its output -e^{-2 tau} is below the rounding of 1 from 25 ln 2 = 17.3 on.
    assert 10.0 < path["tau"][-1] < 100.0


def judged(a, V, w, error=1e-30, rates=(1.0, 1.0), unit=1.0):
    """What `at_rest` says of a network that sees the two axes of the plane."""
    planes = Planes.of(np.eye(2), 0.0)
    V, a = np.array([V]), np.array([a])
    neurons = Neurons.of(a, V, planes.sides(V), rates)
    sizes = np.full(2, error)
    return at_rest(planes, neurons, np.array(w), sizes, unit, rates)


def test_a_tiny_neuron_decays_along_its_ray_only():
    """It loses along (1, 1) under equal weights; under others it turns, and may grow again."""
    tiny = [1e-20, 1e-20]
    assert judged(-math.sqrt(2.0) * 1e-20, tiny, [1.0, 1.0])
    assert not judged(-math.sqrt(2.0) * 1e-20, tiny, [1.0, 0.5])
    assert not judged(math.sqrt(2.0) * 1e-20, tiny, [1.0, 1.0])  # it grows
    assert not judged(-math.sqrt(2.0), [1.0, 1.0], [1.0, 1.0])  # the outputs feel it


@pytest.mark.parametrize("rates", [(1.0, 100.0), (100.0, 1.0)])
@pytest.mark.parametrize(("a", "v"), [(1.0, 1e-3), (1e-3, 1.0)])
def test_still_is_still_at_any_rates(rates, a, v):
    """``a' = eta_a r v`` and ``v' = eta_V a r``: below the rounding of r, whichever is larger."""
    assert judged(a, [v, v], [1.0, 0.0], error=2.0, rates=rates)
    assert not judged(a, [v, v], [1.0, 0.0], error=0.1, rates=rates)


def test_weights_that_are_not_those_of_the_outputs_prove_no_rest():
    """A perfect fit is at rest under the weights 0; not, if its outputs say otherwise."""
    X, y = np.eye(2), np.array([1.0, 0.5])
    net = Network([1.0, 1.0], [[1.0, -1.0], [-1.0, 0.5]], 0.0)
    stepper = Radau(Planes.of(X, 0.0), Regression(y), (1.0, 1.0), 1e-3)
    state = stepper.start(net.a.numpy(), net.V.numpy())
    assert state.mismatch == 0.0
    assert stepper.at_rest(state)
    assert not stepper.at_rest(replace(state, mismatch=1e-4))
