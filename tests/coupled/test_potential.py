"""The potential: margins, curvature and growth against direct formulas, at any chunk size."""

import math

import numpy as np
import pytest
import torch

from lowrot import Dataset, Features, balanced, sparse_parity
from lowrot.coupled import _pass, _potential
from lowrot.coupled._potential import soft_ratio
from lowrot.losses import as_loss, soft_margin


@pytest.fixture(params=[2**21, 100, 1])
def potential(request, monkeypatch):
    monkeypatch.setattr(_potential, "_ENTRIES", request.param)
    net, data = balanced(200, 3, seed=4, slope=0.2), sparse_parity(3)
    return Features.from_network(net).potential(data)


def test_features_are_those_of_the_network():
    X = torch.tensor([[1.0, 2.0], [-2.0, -4.0], [0.5, 1.0], [0.3, -0.1]]).double() / 5
    data = Dataset(X, torch.tensor([1.0, -1.0, -1.0, 1.0]).double())
    for slope in (0.0, 0.3, 1.0):
        net = balanced(50, 2, seed=0, slope=slope)
        features = Features.from_network(net)
        z = features.directions @ X.T
        expected = torch.maximum(z, slope * z) * data.y * features.signs[:, None]
        potential = features.potential(data)
        torch.testing.assert_close(potential.features(), expected, rtol=1e-13, atol=1e-15)
        largest = float(expected.abs().max())
        assert potential.unit / 2 <= largest < potential.unit


@pytest.mark.parametrize("m", [1, 700, 3000])
def test_passes_agree_whatever_makes_them(m):
    rng = np.random.default_rng(m)
    heights, rates = torch.tensor(rng.normal(size=(m, 5))), torch.tensor(rng.normal(size=(2, 5)))
    signs = torch.tensor(rng.choice([-1.0, 1.0], m))
    start = torch.tensor(30.0 * rng.normal(size=m))
    found = []
    for way in (_pass.weigh, _pass.weigh_elsewhere):
        ln_u, sums = torch.empty(m).double(), torch.empty(2, 5).double()
        scalars = way(heights, signs, start, rates, ln_u, sums)
        found.append((torch.tensor(scalars).double(), ln_u, sums))
    for one, other in zip(*found):
        torch.testing.assert_close(one, other, rtol=1e-13, atol=1e-13)
    share, sums = torch.log_softmax(found[0][1], 0), torch.empty(2, 5).double()
    _pass.respond(heights, share, rates, sums)
    growth = heights.clamp_min(0) @ rates[0] + heights.clamp_max(0) @ rates[1]
    weight = growth * share.exp()
    expected = torch.stack([weight @ heights.clamp_min(0), weight @ heights.clamp_max(0)])
    torch.testing.assert_close(sums, expected, rtol=1e-12, atol=1e-13)


def test_threads_change_nothing_but_rounding(monkeypatch):
    net, data = balanced(5000, 3, seed=4), sparse_parity(3)
    z, velocity = torch.linspace(0, 9, 8).double(), torch.linspace(1, 0, 8).double()
    results, before = [], torch.get_num_threads()
    monkeypatch.setattr(_potential, "_PAIRS_A_THREAD", 100)
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            margins = Features.from_network(net).potential(data).margins(z)
            scalars = torch.tensor([margins.ln_scale, margins.ln_growth]).double()
            results.append((scalars, margins.p, margins.slopes(velocity)))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*results):
        torch.testing.assert_close(one, other, rtol=1e-13, atol=1e-14)


def direct(potential, z):
    return (potential.ln_start + 2.0 * potential.features() @ z).exp()


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_margins_are_the_gradient_of_the_potential(potential, scale):
    z = scale * torch.rand(8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, margins, C = direct(potential, z), potential.margins(z), potential.features()
    assert margins.ln_scale == pytest.approx(float(u.sum().log()), abs=1e-12)
    torch.testing.assert_close(margins.p, u @ C / u.sum(), rtol=1e-12, atol=1e-14)
    assert margins.ln_growth == pytest.approx(float((2.0 * C @ z).max()), abs=1e-12)
    share = u / u.sum()
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
