"""The potential: margins, curvature and growth against direct formulas, at any chunk size."""

import math

import pytest
import torch

from lowrot import Features, balanced, sparse_parity
from lowrot.coupled import _potential
from lowrot.coupled._potential import soft_ratio
from lowrot.losses import as_loss, soft_margin


@pytest.fixture(params=[2**21, 100, 1])
def potential(request, monkeypatch):
    monkeypatch.setattr(_potential, "_ENTRIES", request.param)
    net, data = balanced(200, 3, seed=4, slope=0.2), sparse_parity(3)
    return Features.from_network(net).potential(data)


def direct(potential, z):
    return (potential.ln_start + 2.0 * potential.C @ z).exp()


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_margins_are_the_gradient_of_the_potential(potential, scale):
    z = scale * torch.rand(8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, margins = direct(potential, z), potential.margins(z)
    assert margins.ln_scale == pytest.approx(float(u.sum().log()), abs=1e-12)
    torch.testing.assert_close(margins.p, u @ potential.C / u.sum(), rtol=1e-12, atol=1e-14)
    assert margins.ln_growth == pytest.approx(float((2.0 * potential.C @ z).max()), abs=1e-12)
    share, C = u / u.sum(), potential.C
    for exact in (False, True):
        hessian = margins.hessian(False, exact)
        torch.testing.assert_close(hessian, 2 * (C.T * share) @ C, rtol=1e-12, atol=1e-14)
        centred = margins.hessian(True, exact)
        mean = share @ C
        expected = 2 * ((C - mean).T * share) @ (C - mean)
        torch.testing.assert_close(centred, expected, rtol=1e-11, atol=1e-14)


def test_gradient_by_differences(potential):
    z = torch.linspace(0.0, 1.0, 8, dtype=torch.float64)
    p = potential.margins(z).p * math.exp(potential.margins(z).ln_scale)
    for i in range(8):
        step = torch.zeros(8, dtype=torch.float64)
        step[i] = 1e-5
        slope = float(direct(potential, z + step).sum() - direct(potential, z - step).sum()) / 2e-5
        assert slope / 2 == pytest.approx(float(p[i]), rel=1e-6, abs=1e-8)


def test_a_sample_of_neurons_gives_the_curvature_within_percents(monkeypatch):
    monkeypatch.setattr(_potential, "_SAMPLES", 4000)
    net, data = balanced(40_000, 4, seed=1), sparse_parity(4)
    potential = Features.from_network(net).potential(data)
    for z in (torch.zeros(16).double(), torch.linspace(0, 3, 16).double()):
        margins = potential.margins(z)
        for centred in (False, True):
            exact, sampled = margins.hessian(centred, True), margins.hessian(centred, False)
            assert float((sampled - exact).norm() / exact.norm()) < 0.1
            assert float((sampled - exact).norm()) > 0  # it was a sample
            assert float(torch.linalg.eigvalsh(sampled).min()) > -1e-12


def test_neurons_that_do_not_matter_are_left_out():
    net, data = balanced(2000, 3, seed=1), sparse_parity(3)
    potential = Features.from_network(net).potential(data)
    z = torch.full((8,), 60.0, dtype=torch.float64)
    full, nearby = potential.near(z)
    assert full.complete
    partial = nearby(z)
    assert not partial.complete
    assert partial.ln_scale == pytest.approx(full.ln_scale, rel=1e-14)
    torch.testing.assert_close(partial.p, full.p, rtol=1e-13, atol=1e-15)
    full, nearby = potential.near(torch.zeros(8, dtype=torch.float64))
    assert nearby(z).complete


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_soft_ratio_is_continuous_into_the_log_domain(potential, loss):
    z = torch.full((8,), 5.0, dtype=torch.float64)
    margins = potential.margins(z)
    scale = math.exp(margins.ln_scale)
    expected = float(soft_margin(margins.p * scale, loss)) / scale
    assert soft_ratio(margins, as_loss(loss)) == pytest.approx(expected, rel=1e-12)
    from dataclasses import replace

    near, beyond = (soft_ratio(replace(margins, ln_scale=x), as_loss(loss)) for x in (599.9, 600.1))
    assert near == pytest.approx(beyond, rel=1e-12)
    negative = replace(margins, p=margins.p - 1.0)
    near, beyond = (
        soft_ratio(replace(negative, ln_scale=x), as_loss(loss)) for x in (599.9, 600.1)
    )
    assert near == pytest.approx(beyond, rel=1e-12)
