"""The flow of the squared loss against exact solutions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lowrot import (
    Network,
    Path,
    balanced,
    gaussian_regression,
    regression_flow,
    standard,
)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def end(path, slope=0.0):
    return Network(tensor(path["a"][-1]), tensor(path["V"][-1]), slope)


def regression_problem():
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    y = torch.randn(6, generator=generator, dtype=torch.float64).sign()
    return standard(60, 4, seed=2), X, y


@pytest.mark.parametrize("rates", [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.1, 2.0), (5.0, 0.01)])
def test_regression_down_to_twenty_digits(rates):
    net, X, y = regression_problem()
    path = regression_flow(net, X, y, rates=rates, stop={"relative_loss": 1e-20})
    assert path.ok, path.status
    assert path.reason.startswith("reached relative_loss")
    assert 0.99999 * 1e-20 <= path["relative_loss"][-1] <= 1e-20
    assert np.all(np.diff(path["loss"]) < 0)
    np.testing.assert_allclose(end(path)(X), y, atol=1e-9)
    outer, inner = rates[1] * path["a"] ** 2, rates[0] * (path["V"] ** 2).sum(2)
    drift = (outer - inner) - (outer[0] - inner[0])
    assert np.abs(drift / (outer + inner).max()).max() < 1e-12
    # Late, the loss falls at least at the rate of the smallest eigenvalue of the kernel.
    least = float(torch.linalg.eigvalsh(end(path).kernel(X, rates=rates))[0])
    late = path["relative_loss"] < 1e-12
    fallen, passed = -np.diff(path["ln_loss"][late]), np.diff(path["t"][late])
    assert (fallen / passed)[:-1].min() >= 2 * least * (1 - 1e-3)
    # The last step ends where the loss is met: in between it is known to the tolerance.
    assert fallen[-1] >= 2 * (least * passed[-1] - path.meta["rtol"])


@pytest.mark.parametrize("rate", [1.0, 0.3])
def test_regression_of_the_outer_layer_in_closed_form(rate):
    """Frozen features: ``r(t) = exp(-rate K t) r(0)``."""
    net, X, y = regression_problem()
    K = net.kernel(X, layers="outer")
    values, vectors = torch.linalg.eigh(K)
    first = vectors.T @ (net(X) - y)
    times = [0.01, 0.1, 1.0]
    for rtol in (1e-3, 1e-5):
        path = regression_flow(net, X, y, rates=(rate, 0.0), stop={"t": 1.0}, rtol=rtol, save=times)
        for t, q in zip(path["t"], path["q"]):
            exact = vectors @ ((-rate * t * values).exp() * first)
            # The flow contracts residuals: local errors add up at most.
            np.testing.assert_allclose(-q, exact, atol=path["error"][-1] * float(first.norm()))


def test_what_a_constant_kernel_foresees_is_mostly_the_step():
    """Frozen features: nothing is wrong with the kernel at the start of a step."""
    net, X, y = regression_problem()
    path = regression_flow(net, X, y, rates=(1.0, 0.0), stop={"relative_loss": 1e-15})
    assert path.stats["iterations"] <= 1.75 * (path.stats["steps"] + path.stats["rejected"])


def test_regression_of_one_linear_neuron():
    """``a' = (1 - a v) v``, balanced: ``u = a^2`` follows the logistic equation."""
    net = Network(tensor([0.1]), tensor([[0.1]]), 1.0)
    times = [0.5, 1.5, 3.0]
    one = tensor([[1.0]]), tensor([1.0])
    path = regression_flow(net, *one, rates=(1.0, 1.0), stop={"t": 3.0}, rtol=1e-6, save=times)
    u = 1.0 / (1.0 + (1.0 / 0.01 - 1.0) * np.exp(-2 * path["t"]))
    np.testing.assert_allclose(path["a"][:, 0] ** 2, u, atol=3e-6)
    faster = regression_flow(
        net, *one, rates=(2.0, 2.0), stop={"t": 1.5}, rtol=1e-6, save=[0.25, 0.75, 1.5]
    )
    np.testing.assert_allclose(faster["a"], path["a"], atol=3e-6)


def test_regression_resumes(tmp_path):
    net, X, y = regression_problem()
    whole = regression_flow(net, X, y, rates=(1.0, 0.5), stop={"t": 2.0}, save=[1.0, 2.0])
    first = regression_flow(net, X, y, rates=(1.0, 0.5), stop={"t": 1.0})
    first.save(tmp_path / "first")
    saved = Path.load(tmp_path / "first")
    again = regression_flow(net, X, y, rates=(1.0, 0.5), stop={"t": 2.0}, resume=saved)
    assert again.ok
    assert again["t"][-1] == whole["t"][-1] == 2.0
    assert again["relative_loss"][-1] == pytest.approx(whole["relative_loss"][-1], rel=1e-2)
    with pytest.raises(ValueError, match="resume is a path with"):
        regression_flow(net, X, y, rates=(1.0, 1.0), stop={"t": 2.0}, resume=saved)
    with pytest.raises(ValueError, match="resume is a path with"):
        regression_flow(net, X[:5], y[:5], rates=(1.0, 0.5), stop={"t": 2.0}, resume=saved)
    with pytest.raises(ValueError, match="data of the path"):
        regression_flow(net, X, -y, rates=(1.0, 0.5), stop={"t": 2.0}, resume=saved)


def test_regression_that_cannot_fit_comes_to_rest():
    """Two labels at one point: the best is their mean, ``L = 1``; dead neurons do not even move."""
    X, y = tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), tensor([1.0, -1.0, 1.0])
    net = balanced(40, 2, seed=0)
    path = regression_flow(net, X, y)
    assert path.reason.startswith("at rest at t = ")
    assert path.ok, path.status
    assert path["loss"][-1] == pytest.approx(1.0, abs=1e-12)
    dead = regression_flow(Network(tensor([1.0]), tensor([[-1.0, -1.0]])), X, y)
    assert dead.reason.endswith("relative loss 1")
    assert len(dead) == 2


def test_regression_ends_where_residuals_are_rounding():
    net, X, y = regression_problem()
    path = regression_flow(net, X, y, stop={"relative_loss": 1e-40})
    assert path.reason.startswith("residuals are at the rounding of the outputs")
    assert path.ok, path.status
    assert path["relative_loss"][-1] < 1e-25
    fitted = regression_flow(net, X, net(X), stop={"t": 1.0})
    assert "residuals are at the rounding" in fitted.status


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"X": torch.zeros(6, 4).double()}, ValueError, r"X\[0\] is zero"),
        (
            {"X": torch.full((6, 4), 1e-200, dtype=torch.float64)},
            ValueError,
            r"X\[0\] has norm 2e-200 and",
        ),
        (
            {"X": torch.full((6, 4), 1e200, dtype=torch.float64)},
            ValueError,
            r"X\[0\] has norm 2e\+200; exp",
        ),
        ({"y": torch.zeros(5).double()}, ValueError, "y has shape"),
        ({"net": balanced(10, 3)}, ValueError, "X has d = 4; expected 3, as net"),
        ({"net": Network(tensor([0.0]), torch.zeros(1, 4).double())}, ValueError, "net is zero"),
        ({"rates": (1.0,)}, ValueError, "two numbers"),
        ({"rates": 1.0}, ValueError, "two numbers"),
        ({"resume": {}}, TypeError, "resume is of type dict"),
        ({"rates": (0.0, 0.0)}, ValueError, "at least one positive"),
        ({"rates": (-1.0, 1.0)}, ValueError, r"rates\[0\]"),
        ({"stop": {"tau": 1.0}}, ValueError, "stop key"),
    ],
)
def test_bad_regression_arguments_are_named(change, error, match):
    net, X, y = regression_problem()
    with pytest.raises(error, match=match):
        regression_flow(**{"net": net, "X": X, "y": y, **change})


@pytest.mark.filterwarnings("error")
def test_a_run_that_gets_stuck_does_not_overflow_on_its_way():
    """Its dual weights change by orders within trial steps, and drive neurons too far."""
    net = standard(5, 10, seed=5)
    data = gaussian_regression(50, 10, seed=5)
    path = regression_flow(net, data.X, data.y, rates=(1.0, 5.0))
    assert path.outcome == "stationary"
    assert path.ok, path.status
    assert path["relative_loss"][-1] > 1e-3
