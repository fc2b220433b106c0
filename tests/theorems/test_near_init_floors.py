"""Floors of the soft margin: numbers by hand, limits of the hypotheses, tangents around W_0."""

import math

import numpy as np
import pytest
import torch

from lowrot import Dataset, Network, sparse_parity, standard
from lowrot.theorems import near_init_flow

XOR = sparse_parity(2)
POINT = Dataset(torch.tensor([[1.0, 0.0]], dtype=torch.float64), [1])


def test_hypotheses_on_both_sides_of_their_limits():
    # One neuron, one point: g = c, A = a, and P(0) = a c (or l^{-1} of l).
    def built(a, c, loss):
        net = Network(torch.tensor([a]).double(), torch.tensor([[c, 0.0]]).double())
        return near_init_flow(net, POINT, loss=loss)

    # Exponential: 8 N <= g^2 with N = -a c, that is |a| <= c/8.
    assert built(-0.99 / 8, 1.0, "exponential").holds
    assert not built(-1.01 / 8, 1.0, "exponential").holds
    # Logistic: g >= 16 A; 32 (ln 2 + N) <= g^2.
    assert built(0.99 * 5 / 16, 5.0, "logistic").holds
    assert not built(1.01 * 5 / 16, 5.0, "logistic").holds
    edge = math.sqrt(32 * math.log(2))
    assert built(1e-6, edge * 1.001, "logistic").holds
    assert not built(1e-6, edge * 0.999, "logistic").holds
    # 64 copies of the point: P(0) is about -64 ln 2, but P >= 0 comes before g/8 all the same,
    # and the floor at g/2 is 33/128 g^2, above g^2/4.
    copies = Dataset(POINT.X.repeat(64, 1), torch.ones(64).double())
    net = Network(torch.tensor([1e-9]).double(), torch.tensor([[12.5, 0.0]]).double())
    late = near_init_flow(net, copies, loss="logistic")
    g = late.start.g
    assert late.holds
    assert pytest.approx(-64 * math.log(2), rel=1e-6) == late.P0
    assert late.floor(g / 2) == pytest.approx(33 / 128 * g**2)
    assert late.floor(g / 8) == pytest.approx(0.0, abs=1e-12)
    assert late.floor(g / 9) == pytest.approx(late.P0 + late.gain(g / 9))
    assert late.limit_explicit == pytest.approx(2 / 9 * late.start.g / (1.5 * late.start.g))
    assert late.limit >= late.limit_explicit
    assert math.isnan(built(1.01 * 5 / 16, 5.0, "logistic").limit_explicit)


@pytest.mark.parametrize("slope", [0.0, 0.4])
def test_the_rate_bounds_the_tangents_everywhere(slope):
    # At random points around W_0, and where the cheapest neurons have just been flipped.
    net, data = standard(40, 3, seed=2, slope=slope), sparse_parity(3)
    for block in ("outer", "both"):
        theorem = near_init_flow(net, data, loss="exponential", layers=block)
        outer, inner = theorem.start.outer, theorem.start.inner
        g = torch.Generator().manual_seed(5)
        for trial in range(200):
            size = 10.0 ** (-3 + 3.5 * trial / 200)
            da = torch.randn(40, generator=g, dtype=torch.float64)
            dV = torch.randn(40, 3, generator=g, dtype=torch.float64)
            if trial % 2:
                x = data.X[trial % data.n]
                near = (net.V @ x).abs().argsort()[: trial % 9]
                dV[:], da[:], size = 0.0, 0.0, 1.0
                dV[near] = -1.0001 * (net.V[near] @ x)[:, None] * x
            moved = Network(net.a + size * da, net.V + size * dV, slope)
            rho = size * math.hypot(float(da.norm()), float(dV.norm()))
            assert float(moved.tangent(data, outer, inner).min()) >= theorem.rate(rho) - 1e-12


def test_a_flip_costs_what_it_carries():
    # One neuron with a heavy output weight just inside its kink: a small move removes it.
    net = Network(torch.tensor([10.0]).double(), torch.tensor([[0.1, 0.0]]).double())
    theorem = near_init_flow(net, POINT, loss="exponential", layers="both")
    assert theorem.start.g == pytest.approx(math.hypot(10, 0.1))
    flipped = Network(net.a, -0.01 * net.V)
    lost = theorem.start.g - float(flipped.tangent(POINT, theorem.start.outer, theorem.start.inner))
    assert lost == pytest.approx(theorem.start.g)
    assert lost <= 0.101 + theorem.phi(0.101)


def test_both_layers_without_inner_margin_agree_with_outer():
    # Zero output weights: the inner gradients vanish, and so do all flips.
    net = Network(torch.zeros(50).double(), standard(50, 2, seed=0).V)
    outer, both = (
        near_init_flow(net, XOR, loss="exponential", layers=b) for b in ("outer", "both")
    )
    assert both.reach == pytest.approx(outer.reach, rel=1e-9)
    assert both.phi(1.0) == 0.0
    assert both.limit == pytest.approx(outer.limit, rel=1e-6)
    assert both.reached(0.7) == pytest.approx(outer.reached(0.7), rel=2e-3)
    assert both.reached(0.7) <= outer.reached(0.7)


def test_the_bound_is_the_floor_at_the_distance_reached():
    net = standard(64, 2, seed=0)
    for layers in ("outer", "both"):
        theorem, tau = near_init_flow(net, XOR, layers=layers), np.linspace(0.0, 9.0, 50)
        assert theorem.bound(0.0) == theorem.floor(0.0) == pytest.approx(theorem.P0)
        assert (theorem.bound(tau) == theorem.floor(theorem.reached(tau))).all()
        assert (np.diff(theorem.bound(tau)) >= 0).all()
        assert theorem.reached(1e9) == pytest.approx(theorem.reach, rel=1e-3)


def test_what_is_negative_is_refused():
    theorem = near_init_flow(standard(64, 2, seed=0), XOR)
    for name in ("phi", "rate", "gain", "floor", "ratio_floor"):
        with pytest.raises(ValueError, match="rho has the entry -1"):
            getattr(theorem, name)([1.0, -1.0])
    for name in ("time", "ratio_after"):
        with pytest.raises(ValueError, match="D has the entry nan"):
            getattr(theorem, name)(math.nan)
    for name in ("reached", "bound"):
        with pytest.raises(ValueError, match="tau has the entry -1"):
            getattr(theorem, name)(-1.0)
