"""Newton's method for the pointwise margin: its derivatives, and the cone program it replaces."""

import math

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


@pytest.mark.parametrize("layers", LAYERS)
def test_chunks_change_nothing(layers, monkeypatch, instance):
    net, data = standard(50, 3, 1), instance(5, 3)
    q = torch.tensor([0.1, 0.3, 0.2, 0.15, 0.25], dtype=torch.float64)
    whole = _pointwise.Smoothed(net, data, layers).terms(q, 0.1)
    monkeypatch.setattr(_pointwise, "_LEAST_CHUNK", 1)
    monkeypatch.setattr(_pointwise, "_CHUNK_ENTRIES", 35)
    problem = _pointwise.Smoothed(net, data, layers)
    assert len(list(problem._parts())) == 8
    parts = problem.terms(q, 0.1)
    assert parts.value == pytest.approx(whole.value, rel=1e-14)
    assert parts.sharp == pytest.approx(whole.sharp, rel=1e-14)
    assert torch.allclose(parts.gradient, whole.gradient, atol=1e-14)
    assert torch.allclose(parts.hessian, whole.hessian, atol=1e-13)


def test_a_chunk_fits_the_cache_and_all_neurons_are_in_one():
    problem = _pointwise.Smoothed(standard(20_000, 6), sparse_parity(6), "both")
    parts = list(problem._parts())
    assert max(part.stop - part.start for part in parts) * 64 <= _pointwise._CHUNK_ENTRIES
    covered = [j for part in parts for j in range(*part.indices(20_000))]
    assert covered == list(range(20_000))


@pytest.mark.parametrize("layers", LAYERS)
def test_the_cone_program_takes_what_fits(layers, monkeypatch, instance, jacobian):
    net, data = standard(9, 3), instance(5, 3)
    entries = jacobian(net, data, layers).numel()
    monkeypatch.setattr(_pointwise_conic, "_CONIC_ENTRIES", entries)
    assert _pointwise_conic.is_small(net, data, layers)
    monkeypatch.setattr(_pointwise_conic, "_CONIC_ENTRIES", entries - 1)
    assert not _pointwise_conic.is_small(net, data, layers)


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("solver", ["newton", "conic"])
def test_a_primal_point_is_feasible_for_every_neuron(solver, layers, instance):
    net, data = standard(60, 3, 2), instance(6, 3, 5)
    if solver == "conic":
        theta = _pointwise_conic.solve(net, data, layers)[1]
    else:
        problem = _pointwise.Smoothed(net, data, layers)
        found = _pointwise.newton(problem, 1e-7)
        theta = problem.primal(found.primal_q, found.eps)
    length = (theta[0].square() + theta[1].square().sum(dim=1)).sqrt()
    assert float(length.max()) <= (1 + 1e-14) / math.sqrt(60)
    if layers == "outer":
        assert not theta[1].any()
    if layers == "inner":
        assert not theta[0].any()
