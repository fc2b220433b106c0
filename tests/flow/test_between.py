"""Weights on the line between two others: both ends, the middle, for each objective."""

import pytest
import torch

from lowrot.flow._objectives import Classification, Regression
from lowrot.losses import LOSSES


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 1.0])
def test_margins_are_mixed(loss, fraction):
    generator = torch.Generator().manual_seed(0)
    p, r = 2.0 * torch.randn(2, 5, generator=generator, dtype=torch.float64)
    objective = Classification(torch.ones(5, dtype=torch.float64), loss)
    found = objective.between(objective.respond(p), objective.respond(r), fraction)
    expected = objective.respond((1 - fraction) * p + fraction * r)
    torch.testing.assert_close(found.q, expected.q, rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(found.ln_q, expected.ln_q, rtol=1e-10, atol=1e-12)
    assert float(found.ln_lam) == pytest.approx(float(expected.ln_lam), abs=1e-10)
    assert float((objective.respond(p).q - objective.respond(r).q).abs().max()) > 0.1


@pytest.mark.parametrize("fraction", [0.0, 0.25, 1.0])
def test_residuals_are_mixed(fraction):
    objective = Regression(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    first, second = (torch.tensor(w, dtype=torch.float64) for w in ([1.0, 2, 3], [5.0, -2, 0]))
    found = objective.between(first, second, fraction)
    torch.testing.assert_close(found, (1 - fraction) * first + fraction * second)
