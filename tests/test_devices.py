"""The same numbers where the tensors are on a GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lowrot as lr
from lowrot.theorems import good_neurons

DEVICE = "cuda"
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")


def problem(device, m=64, d=4, start=lr.balanced):
    return start(m, d, seed=0).to(device), lr.sparse_parity(d).to(device)


def both(numbers, rtol=1e-6, atol=1e-12):
    """What a function of the device gives here and there."""
    here, there = (list(numbers(device)) for device in ("cpu", DEVICE))
    for one, other in zip(here, there, strict=True):
        one, other = (np.asarray(torch.as_tensor(x).cpu()) for x in (one, other))
        np.testing.assert_allclose(other, one, rtol=rtol, atol=atol)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize("train", ["both", "outer", "inner"])
def test_gradient_flow(loss, train):
    def numbers(device):
        net, data = problem(device)
        path = lr.gradient_flow(
            net, data, loss=loss, stop={"min_margin": 50.0, "tau": 30.0}, layers=train
        )
        assert path.ok, path.status
        return path["tau"], path["P"], path["V"][-1], path["sliding"]

    both(numbers)


def test_the_kernel_while_neurons_slide():
    def numbers(device):
        net, data = problem(device)
        held = net.V - torch.outer(net.V @ data.X[0], data.X[0])  # inputs of norm one
        sliding = lr.Network(net.a, torch.cat([held[:32], net.V[32:]]))
        return sliding.kernel(data), sliding.kernel(3.0 * data.X, kink=None)

    both(numbers)


def test_a_path_of_the_gpu_is_resumed(tmp_path):
    def numbers(device):
        net, data = problem(device)
        path = lr.gradient_flow(net, data, stop={"tau": 3.0})
        path.save(tmp_path / f"{device}.npz")
        again = lr.Path.load(tmp_path / f"{device}.npz")
        path = lr.gradient_flow(net, data, stop={"tau": 6.0}, resume=again)
        return path["P"], path["V"][-1]

    both(numbers)


def test_regression_flow():
    def numbers(device):
        net, data = problem(device, start=lr.standard)
        path = lr.regression_flow(net, data.X, data.y, stop={"relative_loss": 1e-8})
        assert path.ok, path.status
        return path["t"], path["loss"]

    both(numbers, rtol=1e-5)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_the_no_rotation_flow_and_its_theorem(loss):
    def numbers(device):
        net, data = problem(device, m=512)
        path = lr.coupled_flow(net, data, loss=loss, stop={"ln_norm": 10.0})
        stated = lr.no_rotation(net, data, loss=loss)
        return path["tau"][-1], path["ln_P"][-1], stated.check(path).holds

    both(numbers, rtol=1e-5)


def test_optima():
    def numbers(device):
        net, data = problem(device)
        labels = torch.where(data.X[:, 0] + 0.3 * data.X[:, 1] > 0, 1.0, -1.0).double()
        linear = lr.Dataset(data.X, labels)
        directions = net.V / net.V.norm(dim=1, keepdim=True)
        yield lr.svm_margin(linear).value
        for block in ("outer", "inner", "both"):
            for norm in ("l2", "pointwise"):
                yield lr.ntk_margin(net, data, layers=block, norm=norm).value
        yield lr.frozen_margin(directions, net.a.sign(), data).value
        yield lr.global_margin(lr.sparse_parity(2).to(device)).value

    both(numbers, rtol=1e-6)


def test_margins_features_and_theorems():
    def numbers(device):
        net, data = problem(device, start=lr.standard)
        path = lr.gradient_flow(net, data, stop={"min_margin": 20.0})
        end = path.network(-1).to(device)
        yield lr.normalized_margin(end, data)
        yield lr.smoothed_margin(end, data)
        yield lr.rotation(end, net)
        yield lr.kkt_residual(end, data).stationarity
        change = lr.feature_change(end, net, data)
        yield change.kernel
        for loss in ("exponential", "logistic"):
            stated = lr.near_init_flow(net, data, loss=loss)
            yield [one.value for one in stated.hypotheses]
        yield lr.near_init_flow(net, data).check(path).holds
        yield [one.value for one in lr.near_init_sgd(net, data, samples=100).hypotheses]

    both(numbers, rtol=1e-5, atol=1e-7)


def test_neural_collapse():
    def numbers(device):
        data = lr.collapsed_groups(3, 4, seed=0).to(device)
        net = lr.balanced(200, data.d, seed=0).to(device)
        path = lr.gradient_flow(net, data, stop={"min_margin": 50.0})
        stated = lr.neural_collapse(net, data)
        metrics = lr.collapse_metrics(path.network(-1).to(device), data)
        return stated.S, stated.limit, good_neurons(net, data).double(), metrics.within

    both(numbers, rtol=1e-5)


@pytest.mark.parametrize("update", ["logistic", "perceptron"])
def test_one_pass_sgd(update):
    def numbers(device):
        net, data = problem(device, start=lr.standard)
        stream = lr.parity_stream(4)
        runs = lr.one_pass_sgd(
            net, stream, samples=500, eta=0.1, update=update, seeds=[0, 1], test=data
        )
        return runs.a, runs.V, runs.margins

    both(numbers)


def test_kernels_and_the_cube():
    def numbers(device):
        net, data = problem(device, start=lr.standard)
        for block in ("outer", "inner", "full"):
            yield lr.ntk(data.X, block=block)
        f = lr.interpolant(lr.parity_kernel, data)
        yield f(data.X)
        for predictor in (net, f):
            yield lr.test_error(predictor, data)
            yield lr.test_error(predictor, 4, zero=1e-9)
            yield lr.correlation(predictor, 4, pair=None)
        yield lr.parity_recovery(data).q
        yield lr.global_margin(lr.sparse_parity(8, n=40).to(device), search=16).value
        theorem = lr.recovery(data)
        yield theorem.n_eff
        yield theorem.deviation(starts=4)[0] < 1e-9
        yield theorem.check(net).holds

    both(numbers)
