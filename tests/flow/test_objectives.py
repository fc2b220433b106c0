"""What a objective promises a step: its equation solved, its derivative, its units."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lowrot.flow._objectives import Classification, Regression
from lowrot.integrate import DualWeights
from lowrot.losses import LOSSES, as_loss, soft_margin


def problem(seed, n=6, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    p = 3.0 * torch.randn(n, generator=generator, dtype=torch.float64)
    G = math.sqrt(scale) * torch.randn(n, 2 * n, generator=generator, dtype=torch.float64)
    return p.numpy(), (G @ G.T / (2 * n)).numpy()


def solved_alone(objective, K, p, guess, accuracy):
    """The weights of ``p + K (w - w_guess)``: a first stage that does not feel the second."""
    none, n = np.zeros_like(K), len(p)
    parts = np.array([[1.0, 0.0], [0.0, 0.0]], dtype=float)
    systems = [objective.system(n), objective.system(n)]
    solve = objective.stages((K, none, none), parts, (K, none), systems)
    return solve and solve([p, p], [guess, guess], accuracy)[0]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scale", [0.0, 1e-2, 1.0, 1e3, 1e8])
def test_separation_solves_its_implicit_equation(scale, loss):
    """Q is the response to margins that move with it; at any size of the curvature."""
    for seed in range(5):
        p, K = problem(seed, scale=scale)
        objective = Classification(np.ones(6), as_loss(loss))
        guess = objective.respond(np.zeros(6))
        new = solved_alone(objective, K, p, guess, 1e-12)
        assert float(objective.vector(new).sum()) == pytest.approx(1.0, abs=1e-10)
        expected = objective.respond(p + K @ (objective.vector(new) - objective.vector(guess)))
        # Rounding of q, times the curvature, is what the margins can be known to.
        q, want = objective.vector(new), objective.vector(expected)
        np.testing.assert_allclose(q, want, atol=1e-8 + 1e-14 * scale)


@pytest.mark.parametrize("loss", LOSSES)
def test_rate_is_the_slope_of_the_soft_margin(loss):
    for shift in (-30.0, -2.0, 0.0, 5.0, 15.0):
        p = torch.as_tensor(problem(1)[0] + shift).requires_grad_()
        objective = Classification(np.ones(6), as_loss(loss))
        (slope,) = torch.autograd.grad(soft_margin(p, loss), p)
        plain = p.detach().numpy()
        rate = objective.rate(plain, float(soft_margin(p.detach(), loss)))
        expected = rate * objective.vector(objective.respond(plain))
        np.testing.assert_allclose(slope, expected, rtol=1e-9, atol=1e-300)
        assert rate >= 1.0 - 1e-12  # F2


def test_units_differences_and_stiffness():
    p, K = problem(2)
    objective = Classification(np.ones(6), as_loss("exponential"))
    now, other = objective.respond(p), objective.respond(p + 0.1 * np.arange(6.0))
    size = objective.unit(p + 50.0, now)
    assert size == pytest.approx(abs(float(soft_margin(torch.as_tensor(p + 50.0), "exponential"))))
    assert objective.unit(0 * p, now) == pytest.approx(max(1.0, math.log(6)))
    assert objective.measure(p, now) == pytest.approx(abs(float(objective.vector(now) @ p)))
    assert objective.difference(now, now) == 0.0
    assert objective.difference(other, now) == pytest.approx(
        float((objective.vector(other) * np.abs(other.ln_q - now.ln_q)).sum())
    )
    # The bound on rates: dq/dtau = -(diag q - q q^T) dp/dtau, dp/dtau = K q.
    q = objective.vector(now)
    Q = np.diag(q) - np.outer(q, q)
    assert float(np.linalg.eigvals(Q @ K).real.max()) <= objective.stiffness(K, now) + 1e-12
    squares = Regression(p)
    assert float(np.linalg.eigvalsh(K).max()) <= squares.stiffness(K, p)


def test_regression_solves_its_implicit_equation():
    f, K = problem(3, scale=100.0)
    objective = Regression(np.arange(6.0))
    guess = objective.respond(f)
    new = solved_alone(objective, K, f, guess + 1.0, 0.0)
    expected = objective.respond(f + K @ (new - guess - 1.0))
    np.testing.assert_allclose(new, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(objective.vector(new), new, rtol=1e-7, atol=1e-7)
    assert solved_alone(objective, -K, f, guess, 0.0) is None
    assert objective.difference(2 * new, new) == pytest.approx(0.5)
    assert objective.unit(f, new) == pytest.approx(float(np.linalg.norm(new)))
    assert objective.measure(f, new) == pytest.approx(float(np.linalg.norm(f)))


def test_regression_sees_errors_orthogonal_to_the_weights():
    """Residuals as large as the weights, turned away from them."""
    weights = np.array([3.0, 4.0, 0.0], dtype=float)
    target = np.array([1.0, 2.0, 3.0], dtype=float)
    objective = Regression(target)
    residuals = np.array([0.0, 0.0, 5.0], dtype=float)
    assert objective.mismatch(target - residuals, weights) == pytest.approx(math.sqrt(50.0))
    across = np.array([4.0, -3.0, 2.0], dtype=float)
    assert float(across @ weights) == 0.0
    assert objective.measure(across, weights) == pytest.approx(math.sqrt(29.0))
    assert objective.mismatch(target - weights, weights) == 0.0


@pytest.mark.parametrize("loss", LOSSES)
def test_margins_whose_errors_cancel_in_the_soft_margin_are_seen(loss):
    """Margins in another order: the soft margin is the same, the weights are others."""
    objective = Classification(np.ones(2), as_loss(loss))
    p = np.array([1.0, 2.0], dtype=float)
    weights = objective.respond(p)
    assert objective.mismatch(p, weights) == pytest.approx(0.0, abs=1e-14)
    assert float(soft_margin(torch.as_tensor(p[::-1].copy()), loss)) == pytest.approx(
        float(soft_margin(torch.as_tensor(p), loss))
    )
    # All margins are off by one.
    assert objective.mismatch(p[::-1], weights) == pytest.approx(0.05)
    # Where they are off by the same, the soft margin tells.
    shifted = abs(
        float(soft_margin(torch.as_tensor(p + 0.3), loss) - soft_margin(torch.as_tensor(p), loss))
    )
    assert objective.mismatch(p + 0.3, weights) == pytest.approx(shifted)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shift", [-800.0, -3.0, 0.0, 5.0, 40.0, 900.0])
def test_the_formulas_on_arrays_are_those_of_the_losses(loss, shift):
    p = 3.0 * problem(4)[0] + shift
    objective, other = Classification(np.ones(6), as_loss(loss)), as_loss(loss)
    on_tensors = DualWeights.of_margins(torch.as_tensor(p), loss)
    weights = objective.respond(p)
    np.testing.assert_allclose(weights.ln_q, on_tensors.ln_q, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(weights.logit, -p, rtol=1e-13, atol=1e-12)
    assert weights.ln_lam == pytest.approx(on_tensors.ln_lam, rel=1e-13, abs=1e-13)
    p = torch.as_tensor(p)
    assert objective.soft_margin(p.numpy()) == pytest.approx(float(other.soft_margin(p)), rel=1e-12)
    assert objective.log_loss(p.numpy()) == pytest.approx(float(other.log_loss(p)), rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_relaxed_is_an_implicit_step_of_the_weights(loss):
    """``z - h dQ`` for the change ``K z`` of the margins, by automatic differentiation."""
    p, K = problem(5, scale=30.0)
    objective, h = Classification(np.ones(6), as_loss(loss)), 0.3
    z = np.linspace(-1.0, 1.0, 6)
    jacobian = torch.autograd.functional.jacobian(
        lambda p: as_loss(loss).dual_weights(p)[0], torch.as_tensor(p)
    ).numpy()
    left = objective.relaxed(z, K, objective.respond(p), h)
    np.testing.assert_allclose(left, z + h * jacobian @ K @ left, rtol=1e-10, atol=1e-12)
    assert np.abs(left - z).max() > 0.1
    squares = Regression(p)
    left = squares.relaxed(z, K, squares.respond(p), h)
    np.testing.assert_allclose(left, z - h * K @ left, rtol=1e-10, atol=1e-12)
    # Nothing is forgotten where rounding has left no implicit step.
    np.testing.assert_array_equal(squares.relaxed(z, -1e9 * K, squares.respond(p), h), z)
