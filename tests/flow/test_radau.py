"""Steps of fixed size: order 3 where the flow is smooth, 2 or more on the stiff slow manifold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.special import softmax

from lowrot import (
    Dataset,
    Network,
    balanced,
    gaussian_regression,
    gradient_flow,
    sparse_parity,
    standard,
)
from lowrot.flow._classification_run import ClassificationRun
from lowrot.flow._objectives import Classification, Regression
from lowrot.flow._planes import Planes
from lowrot.flow._radau import DEFECT, Radau
from lowrot.flow._stages import A
from lowrot.integrate import _implicit_system
from lowrot.losses import LOSSES, as_loss, soft_margin


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def problem(seed, n=5, d=3, m=4):
    """A linear net (slope 1: no kinks) on points that some direction separates."""
    generator = torch.Generator().manual_seed(seed + 50)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    X = X / X.norm(dim=1, keepdim=True) * torch.linspace(0.3, 1.0, n, dtype=torch.float64)[:, None]
    y = X[:, 0].sign()
    return standard(m, d, seed=seed, slope=1.0), Dataset(X, y)


def stepper_of(net, data, objective, rtol=1e-9):
    return Radau(Planes.of(data.X, net.slope), objective, (1.0, 1.0), rtol)


def march(stepper, point, h, count):
    """``count`` steps of size h, each of which must be solved."""
    for _ in range(count):
        step = stepper.attempt(point, h)
        assert step.stages is not None
        point = step.stages[1]
    return point


def exact(net, X, tau, respond, method="DOP853"):
    """The weights of a linear net after tau, by an integrator that shares nothing."""
    a, V, X = np.asarray(net.a), np.asarray(net.V), np.asarray(X)
    m, d = V.shape

    def slope(_, W):
        a, V = W[:m], W[m:].reshape(m, d)
        h = X.T @ respond(X @ (V.T @ a))
        return np.concatenate([V @ h, np.outer(a, h).ravel()])

    start = np.concatenate([a, V.ravel()])
    return solve_ivp(slope, (0, tau), start, method, rtol=3e-13, atol=1e-13).y[:, -1]


def flat(point):
    return np.concatenate([np.asarray(point.neurons.a), np.asarray(point.neurons.V).ravel()])


def response(data, loss):
    y = np.asarray(data.y)
    ln_slope = {"exponential": lambda p: -p, "logistic": lambda p: -np.logaddexp(0.0, p)}[loss]
    return lambda f: y * softmax(ln_slope(y * f))


@pytest.mark.parametrize("loss", [*LOSSES, "squares"])
def test_third_order_where_the_flow_is_smooth(loss):
    net, data = problem(0)
    if loss == "squares":
        objective, respond = Regression(data.y.numpy()), lambda f: np.asarray(data.y) - f
    else:
        objective, respond = Classification(data.y.numpy(), as_loss(loss)), response(data, loss)
    tau = 1.0
    W = exact(net, data.X, tau, respond)
    stepper, counts, errors = stepper_of(net, data, objective, 1e-10), [10, 20, 40, 80], []
    for count in counts:
        point = march(stepper, stepper.start(net.a, net.V), tau / count, count)
        errors.append(np.linalg.norm(flat(point) - W))
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert abs(order - 3.0) < 0.25, errors
    assert errors[-1] > 1e-9  # far from rounding: the order was seen


@pytest.mark.parametrize("loss", LOSSES)
def test_order_on_the_slow_manifold(loss):
    """Steps of many relaxation times, from a point that the flow has reached itself."""
    net, data = problem(1)
    path = gradient_flow(net, data, loss=loss, stop={"min_margin": 50.0}, rtol=1e-6)
    late = Network(tensor(path["a"][-1]), tensor(path["V"][-1]), 1.0)
    tau = 0.5
    W = exact(late, data.X, tau, response(data, loss), "Radau")
    stepper, counts, errors = (
        stepper_of(late, data, Classification(data.y.numpy(), as_loss(loss))),
        [2, 4, 8, 16],
        [],
    )
    for count in counts:
        point = stepper.start(late.a, late.V)
        stiffness = float(stepper.kernel(point.neurons).diagonal().max())
        assert tau / count * stiffness > 1.5
        errors.append(np.linalg.norm(flat(march(stepper, point, tau / count, count)) - W))
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert order > 2.0, errors
    assert errors[0] / np.linalg.norm(W) > 1e-8


@pytest.mark.parametrize("loss", LOSSES)
def test_stages_have_the_weights_of_their_outputs(loss):
    net, data = problem(2)
    objective = Classification(data.y.numpy(), as_loss(loss))
    stepper = stepper_of(net, data, objective, 1e-9)
    start = stepper.start(net.a, net.V)
    for h in (1e-9, 1e-4, 0.02, 0.5):
        step = stepper.attempt(start, h)
        assert step.stages is not None
        for stage in step.stages:
            own = objective.vector(objective.respond(stage.p))
            np.testing.assert_allclose(objective.vector(stage.weights), own, rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_systems_that_solves_share_do_not_change_the_estimate(loss, monkeypatch):
    """Neither what is solved for, nor its error: a system of other weights would make it less."""
    net, data = standard(24, 6, seed=1), sparse_parity(6, 2, 20, 0)
    objective, found = Classification(data.y.numpy(), as_loss(loss)), []
    for many in (1, 10**6):
        monkeypatch.setattr(_implicit_system, "MANY", many)
        stepper = stepper_of(net, data, objective, 1e-3)
        start = stepper.start(4.0 * net.a, 4.0 * net.V)
        found.append([stepper.attempt(start, h).error for h in (0.02, 0.1, 0.3)])
    np.testing.assert_allclose(*found, rtol=1e-3)


def test_the_estimate_follows_the_local_error():
    """The estimate falls like h^3 and bounds the true error of the step, of order h^4."""
    net, data = problem(3)
    stepper = stepper_of(net, data, Classification(data.y.numpy(), as_loss("exponential")), 1e-8)
    start, sizes, estimates, errors = stepper.start(net.a, net.V), [0.4, 0.2, 0.1, 0.05], [], []
    for h in sizes:
        step = stepper.attempt(start, h)
        W = exact(net, data.X, h, response(data, "exponential"))
        estimates.append(step.error * stepper.rtol)
        errors.append(np.linalg.norm(flat(step.stages[1]) - W) / np.linalg.norm(W))
    assert abs(np.polyfit(np.log(sizes), np.log(estimates), 1)[0] - 3.0) < 0.3
    assert abs(np.polyfit(np.log(sizes), np.log(errors), 1)[0] - 4.0) < 0.4
    assert all(true < told for true, told in zip(errors, estimates))


def test_the_coefficients_are_those_of_radau():
    """Exact for linear weights, the last row for quadratic ones; the defect by its integral."""
    c = np.array([1.0 / 3.0, 1.0])
    for power in (0, 1):
        integrals = c ** (power + 1) / (power + 1)
        np.testing.assert_allclose(np.array(A) @ c**power, integrals, rtol=1e-14)
    np.testing.assert_allclose(np.array(A)[1] @ c**2, 1.0 / 3.0, rtol=1e-14)
    # The quadratic through (0, 1), (1/3, 0), (1, 0) has its largest integral at 1/3.
    s = np.linspace(0, 1, 100_001)
    cumulative = s**3 - 2.0 * s**2 + s
    assert np.abs(cumulative).max() == pytest.approx(DEFECT, rel=1e-8)


def test_pairs_on_a_plane_start_as_sliding_and_kernel_has_signs():
    data = Dataset(tensor([[0.6, 0.8], [0.0, 1.0]]), tensor([-1.0, 1.0]))
    net = Network(tensor([1.0, 2.0]), tensor([[1.0, 0.0], [0.3, 0.4]]))
    stepper = stepper_of(net, data, Classification(data.y.numpy(), as_loss("logistic")))
    point = stepper.start(net.a, net.V)
    assert point.neurons.S[0].tolist().count(0) == 1
    np.testing.assert_allclose(point.p, net.margins(data), rtol=1e-7, atol=1e-7)
    free = balanced(6, 2, seed=3)
    K = stepper.kernel(stepper.start(free.a, free.V).neurons)
    np.testing.assert_allclose(K, free.kernel(data), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
def test_growth_bounds_every_neuron(loss):
    net, data = problem(4)
    stepper = stepper_of(net, data, Classification(data.y.numpy(), as_loss(loss)))
    point = stepper.start(net.a, net.V)
    grad_a, grad_V = net.gradient(data, torch.exp(torch.as_tensor(point.weights.ln_q)))
    sizes = (net.a.square() + net.V.square().sum(1)).sqrt()
    rates = (net.a * grad_a + (net.V * grad_V).sum(1)) / sizes.square()
    assert float(rates.abs().max()) <= stepper.fastest_growth(point) * (1 + 1e-12)


def test_the_margins_of_a_step_are_those_of_its_weights():
    """To a fifth of the tolerance in P, on random labels, where new points become active."""
    generator = torch.Generator().manual_seed(3)
    X = torch.randn(40, 5, generator=generator, dtype=torch.float64)
    y = 1.0 - 2.0 * torch.randint(2, (40,), generator=generator).double()
    data, rtol, largest = Dataset(X / X.norm(dim=1, keepdim=True), y), 1e-3, 0.0
    run = ClassificationRun(
        standard(200, 5, seed=4), data, as_loss("exponential"), (1.0, 1.0), rtol
    )
    while run.row(run.point)["min_margin"] < 1e4:
        run.point, _ = run.advance(run.point, math.inf)
        P = run.row(run.point)["P"]
        behind = float(soft_margin(torch.as_tensor(-run.point.state.weights.logit), "exponential"))
        largest = max(largest, abs(P - behind) / max(1.0, abs(P)))
    assert largest <= 0.2 * rtol


def arriving():
    """A heavy neuron, late, that arrives on a plane in the middle of a step; its length."""
    X, y = tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]), tensor([1.0, -1.0, -1.0])
    net = Network(tensor([100.0]), tensor([[100.0, 5.0]]))
    data = Dataset(X, y)
    stepper = stepper_of(net, data, Classification(y.numpy(), as_loss("exponential")), 1e-3)
    return stepper, stepper.start(net.a, net.V), 0.3


def test_what_neurons_forget_on_arrival_is_not_in_the_kernel():
    """Answers of the margins to the weights at both points: by kernels, and by differences.

    What the neuron has forgotten is a fifth of the answer: with it the iterations crawl.
    """
    (stepper, start, h), n, left = arriving(), 3, []
    q = np.full(2 * n, 1.0 / n)

    def outputs(values):
        w = [start.weights._replace(ln_q=np.log(one)) for one in values.reshape(2, n)]
        flow = stepper._follow(start, w, h)
        return flow, np.concatenate([stepper.outputs(one) for one in flow.states])

    flow = outputs(q)[0]
    assert flow.states[0].S.all()
    assert not flow.states[1].S.all()
    shifts = 1e-6 * np.eye(2 * n)
    truth = np.stack([(outputs(q + e)[1] - outputs(q - e)[1]) / 2e-6 for e in shifts], 1)
    K, early = stepper._kernels(flow)
    C = np.kron(np.eye(2), (np.eye(n) - 1.0 / n) / n)
    for first in (early, K[0]):
        rows = [[A[0][c] * K[0] for c in range(2)]]
        rows += [[A[0][c] * first + (A[1][c] - A[0][c]) * K[1] for c in range(2)]]
        J = h * np.block(rows)
        matrix = np.linalg.solve(np.eye(2 * n) + C @ J, C @ (J - truth))
        left.append(np.abs(np.linalg.eigvals(matrix)).max())
        left.append(np.linalg.norm(J - truth) / np.linalg.norm(truth))
    assert left[0] < 0.05
    assert left[1] < 0.1
    assert left[2] > 0.3
    assert left[3] > 0.15


@pytest.mark.parametrize(("m", "seed"), [(256, 0), (128, 5)])
def test_iterations_settle_where_many_neurons_arrive(m, seed):
    """On parity, far into training: a few iterations a step, few steps in vain."""
    path = gradient_flow(standard(m, 4, seed=seed), sparse_parity(4), stop={"min_margin": 1e6})
    assert path.ok, path.status
    assert path.stats["rejected"] <= 6
    assert path.stats["iterations"] <= 120


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(4))
def test_a_trial_step_whose_neurons_run_away_is_refused_before_anything_overflows(seed):
    """Neurons that turn into the field of a long step grow by powers of e that it multiplies."""
    net, data = standard(5, 10, seed=seed), gaussian_regression(20, 10, seed=seed)
    objective = Regression(data.y.numpy())
    stepper = Radau(Planes.of(data.X, net.slope), objective, (1.0, 1.0), 1e-3)
    start = stepper.start(net.a, net.V)
    for h in np.geomspace(1.0, 1e3, 31):
        assert stepper.attempt(start, h).stages is None
    assert stepper.attempt(start, 1e-4).stages is not None
