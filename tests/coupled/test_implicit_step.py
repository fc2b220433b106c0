"""The implicit step: it holds, minimizes its convex objective, and reaches any length."""

import math

import numpy as np
import pytest
import torch

from lowrot import Features, balanced, coupled_flow, sparse_parity
from lowrot.coupled._implicit_step import TEMPERATURE_FLOOR, implicit_weights
from lowrot.integrate import DualWeights
from lowrot.losses import LOSSES, dual_weights


def problem(m=60, d=3, seed=0):
    data = sparse_parity(d)
    return Features.from_network(balanced(m, d, seed=seed)).potential(data), data.n


def start(potential, z, loss):
    margins = potential.margins(z)
    return DualWeights.of_margins(margins.p * math.exp(min(margins.ln_scale, 600.0)), loss)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("eta", [1e-3, 1.0, 20.0, 80.0])
def test_the_weights_are_those_of_the_margins_they_lead_to(eta, loss):
    potential, n = problem()
    z0 = torch.linspace(0.0, 2.0, n, dtype=torch.float64)
    solution = implicit_weights(potential.near, z0, eta, start(potential, z0, loss))
    assert solution.converged
    margins = potential.margins(z0 + eta * solution.weights.q)
    torch.testing.assert_close(margins.p, solution.margins.p, rtol=1e-12, atol=1e-15)
    if margins.ln_scale < -math.log(TEMPERATURE_FLOOR):
        p = margins.p * math.exp(margins.ln_scale)
        q, ln_lam = dual_weights(p, loss)
        blur = 1e-5 + 1e-14 * (1.0 + eta) * math.exp(margins.ln_scale)  # rounding of p
        torch.testing.assert_close(solution.weights.q, q, rtol=blur, atol=1e-9)
        assert solution.weights.ln_lam == pytest.approx(float(ln_lam), rel=1e-5, abs=1e-5)


def test_the_step_minimizes_its_objective():
    potential, n = problem()
    z0, eta = torch.linspace(0.0, 2.0, n, dtype=torch.float64), 2.0

    def objective(q):
        return 0.5 * math.exp(potential.margins(z0 + eta * q).ln_scale) / eta + float(q @ q.log())

    q = implicit_weights(potential.near, z0, eta, start(potential, z0, "exponential")).weights.q
    best, generator = objective(q), torch.Generator().manual_seed(0)
    for size in (1e-1, 1e-2, 1e-3):
        for _ in range(10):
            change = size * torch.randn(n, generator=generator, dtype=torch.float64)
            other = q * change.exp()
            assert objective(other / other.sum()) > best


@pytest.mark.parametrize("loss", LOSSES)
def test_below_the_floor_only_the_entropy_is_blurred(loss):
    """Far out, margins still agree on the active points to the floor."""
    potential, n = problem()
    path = coupled_flow(balanced(60, 3), sparse_parity(3), loss=loss, stop={"tau": 1500.0})
    z0 = torch.tensor(path["z"][-1])
    even = torch.zeros(n, dtype=torch.float64)
    solution = implicit_weights(potential.near, z0, 40.0, DualWeights.of_margins(even, loss))
    assert solution.converged
    assert solution.margins.ln_scale > 100
    active, p = solution.weights.q > 1e-3, solution.margins.p
    assert float(p[active].max() - p[active].min()) < 100 * TEMPERATURE_FLOOR
    assert float(p.min()) > float(p[active].max()) - 100 * TEMPERATURE_FLOOR


@pytest.mark.parametrize("loss", LOSSES)
def test_a_guess_far_away_leads_to_the_same_solution(loss):
    potential, n = problem()
    z0 = torch.zeros(n, dtype=torch.float64)
    far = DualWeights.of_margins(20.0 * torch.arange(n).double(), loss)
    near = implicit_weights(potential.near, z0, 30.0, start(potential, z0, loss))
    other = implicit_weights(potential.near, z0, 30.0, far)
    assert near.converged
    assert other.converged
    np.testing.assert_allclose(near.weights.q, other.weights.q, atol=1e-5)


def test_an_evaluation_that_lies_is_not_believed():
    """A nearby function that drops what matters never passes the check with the full one."""
    potential, n = problem()

    def near(z):
        margins = potential.margins(z)

        def lying(point):
            from dataclasses import replace

            honest = potential.margins(point)
            return replace(honest, p=honest.p + 0.1, complete=False)

        return margins, lying

    z0 = torch.zeros(n, dtype=torch.float64)
    solution = implicit_weights(near, z0, 20.0, start(potential, z0, "logistic"))
    assert not solution.converged
