"""The compiled methods for the convex problem of a step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import wrightomega

from lowrot import _jit
from lowrot.integrate import DualWeights, _implicit_newton
from lowrot.integrate._implicit import NONE, solve_weights
from lowrot.integrate._implicit_moves import ln_omega, moved
from lowrot.integrate._implicit_newton import residual_at, temperature_continuation
from lowrot.integrate._implicit_system import (
    MANY,
    NewtonProblem,
    System,
    factorize,
    newton_step,
)
from lowrot.losses import LOSSES, dual_weights


def weights_at(p, loss):
    return DualWeights.of_margins(torch.tensor(p, dtype=torch.float64), loss).arrays


def settled(problem, guess):
    return _implicit_newton.newton(problem, guess, NONE)[1]


def factorized(problem, guess):
    """The system, and whether it is positive definite."""
    n = len(problem.origin)
    system = System(np.empty((n, n)), np.empty(n), np.empty(n), np.empty(n))
    return system, factorize(problem, guess, system)


def random_problem(seed, n, temperature, scale=1.0, rank=None):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, rank or n))
    margins, curvature = rng.normal(size=n), scale * root @ root.T
    return NewtonProblem(margins, curvature, np.full(n, 1.0 / n), temperature, 1e-9)


@pytest.mark.parametrize("x", [-1e300, -700.0, -30.0, -1.0, 0.0, 0.99, 1.0, 1.01, 40.0, 1e9])
def test_ln_omega_is_the_logarithm_of_wrights_function(x):
    got = ln_omega(x)
    if x > -600.0:
        assert got == pytest.approx(np.log(wrightomega(x)), rel=1e-14, abs=1e-15)
    assert got + np.exp(got) == pytest.approx(x, rel=1e-14, abs=1e-15)
    assert ln_omega(1e300) == pytest.approx(np.log(1e300), rel=1e-15)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_newton_step_is_the_derivative(loss):
    problem = random_problem(3, 5, 0.7, scale=0.2)
    guess = weights_at([-3.0, 0.2, 1.0, -0.5, 4.0], loss)
    start, size = residual_at(problem, guess)
    assert size == pytest.approx(np.linalg.norm(start))
    system, positive = factorized(problem, guess)
    step, done = newton_step(problem, system, start)
    assert positive
    assert done
    trial = moved(guess, step, 1e-6, np.diag(problem.curvature) / 0.7)
    np.testing.assert_allclose((residual_at(problem, trial)[0] - start) / 1e-6, -start, 1e-4, 1e-5)
    assert np.exp(trial[0]).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_keeps_the_three_parts_of_the_weights_together(loss):
    """However long it is: q, Lam and the excess are those of some margins, and sum q is one."""
    problem = random_problem(4, 6, 1e-3)
    guess = weights_at([-30.0, -2.0, 0.0, 0.5, 3.0, 40.0], loss)
    step, _ = newton_step(problem, factorized(problem, guess)[0], residual_at(problem, guess)[0])
    for length in (1e-3, 0.3, 1.0):
        ln_q, excess, ln_lam = moved(guess, step, length, np.diag(problem.curvature) / 1e-3)
        logit = ln_q + ln_lam + (excess if loss == "logistic" else 0.0)
        q, _ = dual_weights(torch.tensor(-logit), loss)
        np.testing.assert_allclose(np.exp(ln_q), q.numpy(), rtol=1e-9, atol=1e-12)


def test_a_diagonal_model_takes_few_steps(monkeypatch):
    """In the variable of the step a diagonal model is linear, however low the temperature."""
    margins = np.linspace(-1.0, 1.0, 9)
    with _jit.interpreted(), monkeypatch.context() as patch:
        patch.setattr(_implicit_newton, "_ITERATIONS", 6)
        for temperature in (1.0, 1e-3, 1e-6):
            problem = NewtonProblem(margins, np.eye(9), np.zeros(9), temperature, 1e-9)
            guess = weights_at(margins / temperature, "exponential")
            assert settled(problem, guess)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("temperature", [1e-4, 1e-7, 1e-10])
def test_cooling_solves_what_newton_does_not(temperature, loss):
    """A low temperature, few dimensions and a guess far away."""
    problem = random_problem(5, 40, temperature, rank=13)
    guess = weights_at(np.zeros(40), loss)
    assert loss == "logistic" or not settled(problem, guess)
    weights, done = temperature_continuation(problem, guess)
    assert done
    left, _ = residual_at(problem, weights)
    assert np.abs(left).max() <= 1e-7 * temperature + 1e-12


@pytest.mark.parametrize("loss", LOSSES)
def test_the_system_is_that_of_the_step(loss):
    problem = random_problem(6, 7, 0.3)
    guess = weights_at(np.linspace(-2.0, 3.0, 7), loss)
    system, done = factorized(problem, guess)
    root, diagonal = np.exp(0.5 * guess.ln_q), 0.3 / system.elasticity
    matrix = root[:, None] * problem.curvature * root + np.diag(diagonal)
    assert done
    lower = np.tril(system.lower)
    np.testing.assert_allclose(lower @ lower.T, matrix, rtol=1e-12)
    np.testing.assert_allclose(matrix @ system.along, root * diagonal, atol=1e-12)
    for factor in (-1.0, np.nan):
        bad = problem._replace(curvature=factor * problem.curvature)
        none, positive = factorized(bad, guess)
        assert not positive
        assert not none.root.any()


@pytest.mark.parametrize("loss", LOSSES)
def test_an_older_system_leads_to_the_same_weights(loss):
    """It is kept from about the same problem, and renewed where it is of no use."""
    problem, system = random_problem(7, MANY, 0.5, scale=1e-2), System.kept(MANY)
    first = solve_weights(problem, weights_at(problem.margins, loss), system)
    near = problem._replace(margins=problem.margins * (1.0 + 1e-3))
    alone = solve_weights(near, first)
    useless, _ = factorized(random_problem(8, MANY, 9.0), first)
    for older, kept in ((system, True), (useless, False)):
        before = older.lower.copy()
        found = solve_weights(near, first, older)
        np.testing.assert_allclose(found.ln_q, alone.ln_q, rtol=0, atol=1e-7)
        assert (older.lower == before).all() == kept


def test_few_points_hand_nothing_on():
    assert System.kept(MANY - 1).lower.size == 0
    assert System.kept(MANY).root.tolist() == [0.0] * MANY
