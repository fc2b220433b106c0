"""The convex problem of a step: exact solutions, random programs, saturation, low temperatures."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from lowrot.integrate import DualWeights, Model
from lowrot.losses import LOSSES


def random_model(seed, n, temperature, rank=None, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(n, rank or n, generator=generator, dtype=torch.float64)
    force = torch.randn(n, generator=generator, dtype=torch.float64)
    origin = torch.full((n,), 1.0 / n, dtype=torch.float64)
    return Model(force, scale * root @ root.T, origin, temperature)


def residual(model, weights):
    margins = model.margins + model.curvature @ (weights.q - model.origin)
    return margins + model.temperature * weights.logit


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("temperature", [10.0, 1.0, 1e-2, 1e-5, 1e-10])
@pytest.mark.parametrize("seed", range(6))
def test_random_models_are_solved(seed, temperature, loss):
    n = (2, 5, 20, 20, 40, 40)[seed]
    model = random_model(seed, n, temperature, rank=n if seed % 2 else max(1, n // 3))
    guess = DualWeights.of_margins(torch.zeros(n, dtype=torch.float64), loss)
    weights = model.solve(guess)
    assert weights is not None
    scale = float(model.curvature.abs().max())
    assert float(residual(model, weights).abs().max()) < 1e-6 * temperature + 1e-14 * scale
    assert float(weights.q.sum()) == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(
        DualWeights.of_margins(-weights.logit, loss).q, weights.q, rtol=1e-4, atol=1e-6
    )


def test_the_entropic_program_against_a_general_solver():
    model = random_model(7, 6, 0.3)

    def objective(x):
        q = np.exp(x - np.logaddexp.reduce(x))
        step = torch.tensor(q) - model.origin
        smooth = float(model.margins @ step + 0.5 * step @ model.curvature @ step)
        return smooth + model.temperature * float(q @ np.log(q))

    best = minimize(objective, np.zeros(6), method="BFGS", options={"gtol": 1e-9}).x
    best = np.exp(best - np.logaddexp.reduce(best))
    weights = model.solve(
        DualWeights.of_margins(torch.zeros(6, dtype=torch.float64), "exponential")
    )
    np.testing.assert_allclose(weights.q, best, atol=1e-5)


def test_zero_temperature_is_the_quadratic_program():
    """Two active points of three, by hand: q = (2/3, 1/3, 0) for K = diag(1, 2, 1)."""
    force = torch.tensor([0.0, 0.0, 5.0], dtype=torch.float64)
    K = torch.diag(torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64))
    model = Model(force, K, torch.zeros(3, dtype=torch.float64), 1e-10)
    weights = model.solve(
        DualWeights.of_margins(torch.zeros(3, dtype=torch.float64), "exponential")
    )
    np.testing.assert_allclose(weights.q, [2 / 3, 1 / 3, 0], atol=1e-8)
    # The inactive point: T ln q = -(slack), with slack = force - common margin = 5 - 2/3.
    assert 1e-10 * float(weights.ln_q[2]) == pytest.approx(-(5 - 2 / 3), rel=1e-6)


def test_misclassified_points_saturate_the_logistic_loss():
    """With margins near -10^6 the slope is one: q = 1/k on the k such points, at any force."""
    force = torch.tensor([-1.0, -2.0, 3.0], dtype=torch.float64)
    model = Model(force, 1e-9 * torch.eye(3).double(), torch.zeros(3).double(), 1e-6)
    weights = model.solve(DualWeights.of_margins(torch.zeros(3).double(), "logistic"))
    np.testing.assert_allclose(weights.q, [0.5, 0.5, 0.0], atol=1e-12)
    assert weights.ln_lam == pytest.approx(math.log(2))
    np.testing.assert_allclose(weights.logit, -force / 1e-6, rtol=1e-6)


def test_what_cannot_be_solved_is_none():
    model = random_model(0, 4, 1.0)
    guess = DualWeights.of_margins(torch.zeros(4, dtype=torch.float64), "exponential")
    assert model.solve(guess) is not None
    for bad in (math.nan, math.inf):
        assert replace(model, margins=model.margins * bad).solve(guess) is None
        assert replace(model, curvature=model.curvature * bad).solve(guess) is None
    assert replace(model, curvature=-1e3 * model.curvature).solve(guess) is None


def test_the_guess_is_not_changed():
    model = random_model(1, 5, 0.1)
    for loss in LOSSES:
        guess = DualWeights.of_margins(torch.linspace(-1, 1, 5, dtype=torch.float64), loss)
        before = guess.plain()
        assert model.solve(guess) is not None
        assert guess.plain() == before
