"""Dual weights that know the margins they belong to."""

from __future__ import annotations

import pytest
import torch

from lowrot.integrate import DualWeights
from lowrot.losses import LOSSES


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_of_margins(loss):
    p = torch.tensor([-1e6, -40.0, -1.0, 0.0, 2.0, 50.0, 1e6], dtype=torch.float64)
    weights = DualWeights.of_margins(p, loss)
    torch.testing.assert_close(-weights.logit, p, rtol=1e-14, atol=1e-9)
    assert float(weights.q.sum()) == pytest.approx(1, abs=1e-14)
    slopes = torch.sigmoid(-p) if loss == "logistic" else torch.exp(-p - 1e6)
    torch.testing.assert_close(weights.q, slopes / slopes.sum(), rtol=1e-13, atol=0)
    again = DualWeights.from_plain(weights.plain(), p)
    assert torch.equal(again.ln_q, weights.ln_q)
    assert torch.equal(again.logit, weights.logit)
