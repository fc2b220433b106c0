"""What a objective promises a step: its equation solved, its derivative, its units."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lowrot.flow._objectives import Classification, Regression
from lowrot.losses import LOSSES, as_loss, soft_margin


def problem(seed, n=6, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    p = 3.0 * torch.randn(n, generator=generator, dtype=torch.float64)
    G = math.sqrt(scale) * torch.randn(n, 2 * n, generator=generator, dtype=torch.float64)
    return p, G @ G.T / (2 * n)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scale", [0.0, 1e-2, 1.0, 1e3, 1e8])
def test_separation_solves_its_implicit_equation(scale, loss):
    """Q is the response to margins that move with it; at any size of the curvature."""
    for seed in range(5):
        p, K = problem(seed, scale=scale)
        objective = Classification(torch.ones(6, dtype=torch.float64), as_loss(loss))
        guess = objective.respond(torch.zeros(6, dtype=torch.float64))
        new = objective.solve(p, K, guess)
        assert float(new.q.sum()) == pytest.approx(1.0, abs=1e-10)
        expected = objective.respond(p + K @ (new.q - guess.q))
        # Rounding of q, times the curvature, is what the margins can be known to.
        np.testing.assert_allclose(new.q, expected.q, atol=1e-8 + 1e-14 * scale)


@pytest.mark.parametrize("loss", LOSSES)
def test_rate_is_the_slope_of_the_soft_margin(loss):
    for shift in (-30.0, -2.0, 0.0, 5.0, 15.0):
        p = (problem(1)[0] + shift).requires_grad_()
        objective = Classification(torch.ones(6, dtype=torch.float64), as_loss(loss))
        (slope,) = torch.autograd.grad(soft_margin(p, loss), p)
        rate = objective.rate(p.detach(), float(soft_margin(p.detach(), loss)))
        expected = rate * objective.vector(objective.respond(p.detach()))
        torch.testing.assert_close(slope, expected, rtol=1e-9, atol=1e-300)
        assert rate >= 1.0 - 1e-12  # F2


def test_prediction_extrapolates_ln_q_but_not_far():
    objective = Classification(torch.ones(2, dtype=torch.float64), as_loss("exponential"))
    before, now = (
        objective.respond(torch.tensor([0.0, gap], dtype=torch.float64)) for gap in (1, 2)
    )
    far = objective.predict(now, before, 1.0)
    ratio = far.ln_q - objective.respond(torch.tensor([0.0, 3.0], dtype=torch.float64)).ln_q
    assert float(ratio.abs().max()) < 1e-12
    assert float(objective.predict(now, before, 0.5).q.sum()) == pytest.approx(1.0)
    distant = objective.respond(torch.tensor([0.0, 1e5], dtype=torch.float64))
    bent = objective.predict(distant, now, 2.0)
    assert float(distant.ln_q[1] - bent.ln_q[1]) < 7.0


def test_units_differences_and_stiffness():
    p, K = problem(2)
    objective = Classification(torch.ones(6, dtype=torch.float64), as_loss("exponential"))
    now, other = objective.respond(p), objective.respond(p + 0.1 * torch.arange(6).double())
    size = objective.unit(p + 50.0, now)
    assert size == pytest.approx(abs(float(soft_margin(p + 50.0, "exponential"))))
    assert objective.unit(0 * p, now) == pytest.approx(max(1.0, math.log(6)))
    assert objective.measure(p, now) == pytest.approx(abs(float(now.q @ p)))
    assert objective.difference(now, now) == 0.0
    assert objective.difference(other, now) == pytest.approx(
        float((other.q * (other.ln_q - now.ln_q).abs()).sum())
    )
    # The bound on rates: dq/dtau = -(diag q - q q^T) dp/dtau, dp/dtau = K q.
    Q = torch.diag(now.q) - torch.outer(now.q, now.q)
    assert float(torch.linalg.eigvals(Q @ K).real.max()) <= objective.stiffness(K, now) + 1e-12
    squares = Regression(p)
    assert float(torch.linalg.eigvalsh(K).max()) <= squares.stiffness(K, p)


def test_regression_solves_its_implicit_equation():
    f, K = problem(3, scale=100.0)
    objective = Regression(torch.arange(6).double())
    guess = objective.respond(f)
    new = objective.solve(f, K, guess + 1.0)
    expected = objective.respond(f + K @ (new - guess - 1.0))
    torch.testing.assert_close(new, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(objective.vector(new), new)
    assert objective.solve(f, -K, guess) is None
    torch.testing.assert_close(objective.predict(guess, new, 2.0), guess)
    assert objective.difference(2 * new, new) == pytest.approx(0.5)
    assert objective.unit(f, new) == pytest.approx(float(new.norm()))
    assert objective.measure(f, new) == pytest.approx(float(f.norm()))


def test_regression_sees_errors_orthogonal_to_the_weights():
    """Residuals as large as the weights, turned away from them."""
    weights = torch.tensor([3.0, 4.0, 0.0], dtype=torch.float64)
    target = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    objective = Regression(target)
    residuals = torch.tensor([0.0, 0.0, 5.0], dtype=torch.float64)
    assert objective.mismatch(target - residuals, weights) == pytest.approx(math.sqrt(50.0))
    across = torch.tensor([4.0, -3.0, 2.0], dtype=torch.float64)
    assert float(across @ weights) == 0.0
    assert objective.measure(across, weights) == pytest.approx(math.sqrt(29.0))
    assert objective.mismatch(target - weights, weights) == 0.0


@pytest.mark.parametrize("loss", LOSSES)
def test_margins_whose_errors_cancel_in_the_soft_margin_are_seen(loss):
    """Margins in another order: the soft margin is the same, the weights are others."""
    objective = Classification(torch.ones(2, dtype=torch.float64), as_loss(loss))
    p = torch.tensor([1.0, 2.0], dtype=torch.float64)
    weights = objective.respond(p)
    assert objective.mismatch(p, weights) == pytest.approx(0.0, abs=1e-14)
    assert float(soft_margin(p.flip(0), loss)) == pytest.approx(float(soft_margin(p, loss)))
    # All margins are off by one.
    assert objective.mismatch(p.flip(0), weights) == pytest.approx(0.05)
    # Where they are off by the same, the soft margin tells.
    shifted = abs(float(soft_margin(p + 0.3, loss) - soft_margin(p, loss)))
    assert objective.mismatch(p + 0.3, weights) == pytest.approx(shifted)
