"""Newton's method for the pointwise margin: its derivatives, and the cone program it replaces."""

import pytest
import torch

from lowrot.data import sparse_parity
from lowrot.network import standard
from lowrot.optima import _pointwise, _pointwise_conic, ntk_margin

LAYERS = ("outer", "inner", "both")


@pytest.mark.parametrize("layers", LAYERS)
def test_newton_and_the_cone_program_agree(layers, monkeypatch, check):
    net, data = standard(400, 4, 1), sparse_parity(4)
    monkeypatch.setattr(_pointwise_conic, "_CONIC_ENTRIES", 10**6)
    exact = ntk_margin(net, data, layers=layers, norm="pointwise")
    monkeypatch.setattr(_pointwise_conic, "_CONIC_ENTRIES", 0)
    followed = ntk_margin(net, data, layers=layers, norm="pointwise")
    check(followed)
    assert followed.value == pytest.approx(exact.value, rel=2e-6)


@pytest.mark.parametrize("layers", LAYERS)
def test_smoothed_derivatives_are_those_of_automatic_differentiation(layers, instance, jacobian):
    net, data = standard(9, 3, 1), instance(5, 3)
    G = jacobian(net, data, layers)
    q = torch.tensor([0.1, 0.3, 0.2, 0.15, 0.25], dtype=torch.float64)

    def f(q):
        return (torch.einsum("n,njk->jk", q, G).square().sum(dim=1) + 0.01).sqrt().mean()

    now = _pointwise.Smoothed(net, data, layers).terms(q, 0.1)
    assert now.value == pytest.approx(float(f(q)))
    assert torch.allclose(now.gradient, torch.autograd.functional.jacobian(f, q), atol=1e-14)
    assert torch.allclose(now.hessian, torch.autograd.functional.hessian(f, q), atol=1e-13)
