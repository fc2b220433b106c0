"""Margins down to 1e-9 of the data's scale, data that have none, and a change of unit."""

import warnings

import numpy as np
import pytest
import torch

from lowrot.data import Dataset
from lowrot.network import standard
from lowrot.optima import (
    NotSeparable,
    _pointwise_polish,
    frozen_margin,
    global_margin,
    ntk_margin,
    svm_margin,
)

SMALL = [10.0**-k for k in range(1, 10)]


def of_margin(margin, n, d, seed):
    """Data of a known linear margin: the origin is in the hull of the first points' projections."""
    rng = np.random.default_rng(seed)
    across = rng.standard_normal((n, d - 1))
    weights = rng.dirichlet(np.ones(d))
    across[d - 1] = -(weights[:-1] @ across[: d - 1]) / weights[-1]
    longest = 1.01 * max(1.0, np.linalg.norm(across, axis=1).max())
    along = np.append(np.full(d, margin), margin + rng.random(n - d) / 4)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    y = np.where(rng.random(n) < 0.5, 1.0, -1.0)
    return Dataset(y[:, None] * np.column_stack([along, across / longest]) @ turn / 1.1, y)


def nearly_opposed(distance, seed, n=6, d=3):
    """Random data, one point of which has a neighbour of the opposite label."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    X /= 1.2 * np.linalg.norm(X, axis=1, keepdims=True)
    y = np.where(rng.random(n) < 0.5, 1.0, -1.0)
    near = X[:1] + distance * rng.standard_normal((1, d)) / 3
    return Dataset(np.vstack([X, near]), np.append(y, -y[0]))


@pytest.mark.parametrize("margin", SMALL)
def test_small_linear_margins_are_those_of_their_construction(margin, check):
    for seed, (n, d) in enumerate([(3, 2), (12, 4), (40, 10), (100, 5), (8, 8)] * 3):
        best = svm_margin(of_margin(margin, n, d, seed))
        check(best)
        assert best.value == pytest.approx(margin / 1.1, rel=2e-6)
        assert float(best.primal.norm()) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("margin", [1e-12, 1e-13])
def test_smaller_linear_margins_are_positive_but_not_certified(margin):
    for seed in range(10):
        with pytest.warns(RuntimeWarning, match="certified is False"):
            best = svm_margin(of_margin(margin, 12, 4, seed))
        assert best.value > 0
        assert best.rounding > 1e-6
        assert best.upper == pytest.approx(margin / 1.1, rel=0.1)


@pytest.mark.parametrize("layers", ["outer", "inner", "both"])
@pytest.mark.parametrize("distance", SMALL[:8])
def test_small_tangent_margins_are_certified(distance, layers, check):
    # Where no kink lies between the two, the margin is some 0.05 times their distance.
    net = standard(40, 3, 1)
    for seed in range(6):
        best = ntk_margin(net, nearly_opposed(distance, seed), layers=layers)
        check(best)
        assert best.value > 0


@pytest.mark.parametrize("layers", ["outer", "inner", "both"])
@pytest.mark.parametrize("distance", SMALL[:8])
def test_small_pointwise_margins_are_certified(distance, layers, check):
    net = standard(40, 3, 1)
    for seed in range(6):
        data = nearly_opposed(distance, seed)
        best = ntk_margin(net, data, norm="pointwise", layers=layers)
        check(best)
        assert 0 < best.value <= ntk_margin(net, data, layers=layers).upper


@pytest.mark.parametrize("net", [standard(60, 3, 1), standard(20, 3, 2, slope=0.3)])
@pytest.mark.parametrize("layers", ["outer", "inner", "both"])
def test_several_pairs_may_nearly_cancel_each_at_its_own_scale(layers, net, check):
    for seed in range(6):
        data = nearly_opposed(1e-6, seed)
        rng = np.random.default_rng(seed)
        apart = torch.tensor([[1e-5], [1e-6], [3e-7]], dtype=torch.float64)
        close = data.X[1:4] + apart * torch.as_tensor(rng.standard_normal((3, 3)))
        y = torch.cat([data.y, data.y[1:4] * torch.tensor([1.0, -1.0, -1.0])])
        data = Dataset(torch.cat([data.X, close]), y)
        check(ntk_margin(net, data, norm="pointwise", layers=layers))


@pytest.mark.parametrize("layers", ["inner", "both"])
def test_a_pointwise_margin_of_dependent_gradients_is_certified(layers, check):
    # 40 gradients in 24 or 32 dimensions, and a margin of 1e-5 of their scale.
    rng = np.random.default_rng(19)
    X = rng.standard_normal((40, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    data = Dataset(X, np.where(rng.random(40) < 0.5, 1.0, -1.0))
    check(ntk_margin(standard(8, 3, 19), data, norm="pointwise", layers=layers))


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6])
def test_small_pointwise_margins_beyond_the_first_cone_program(distance, check):
    data = nearly_opposed(distance, 1, n=59, d=4)
    check(ntk_margin(standard(250, 4, 3), data, norm="pointwise", layers="both"))


@pytest.mark.parametrize("gradient", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("distance", SMALL)
def test_a_pointwise_margin_is_polished_to_the_exact_one(distance, gradient):
    # Two points, two neurons: min(s + t, -s - (1 - distance) t) is largest at t = 1 and
    # s = -1 + distance/2, where both are distance/2; at equal weights no margin is above that.
    G = gradient * np.array([[[1.0], [1.0]], [[-1.0], [distance - 1.0]]])
    q, theta = _pointwise_polish.polish(
        G, np.array([0.4, 0.6]), np.array([[distance / 8 - 1.0], [1.0]])
    )
    assert np.abs(theta).max() <= 1 + 1e-15
    margins = np.einsum("njk,jk->n", G, theta)
    assert margins.min() == pytest.approx(gradient * distance / 2, rel=1e-6)
    upper = np.abs(np.einsum("n,njk->jk", q, G)).sum()
    assert upper == pytest.approx(gradient * distance / 2, rel=1e-6)


@pytest.mark.parametrize("distance", [1e-9, 1e-10])
def test_a_smaller_pointwise_margin_is_never_negative(distance):
    net = standard(40, 3, 1)
    for seed in range(6):
        data = nearly_opposed(distance, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            best = ntk_margin(net, data, norm="pointwise", layers="both")
        assert 0 < best.value <= best.upper


@pytest.mark.parametrize(("n", "d", "m"), [(8, 2, 6), (20, 3, 5), (60, 5, 20)])
def test_data_that_tangents_do_not_separate_are_refused_in_both_norms(n, d, m):
    refused = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((n, d))
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        data = Dataset(X, np.where(rng.random(n) < 0.5, 1.0, -1.0))
        net = standard(m, d, seed)
        for layers in ("outer", "inner", "both"):
            try:
                flat = ntk_margin(net, data, layers=layers).value
            except NotSeparable:
                refused += 1
                with pytest.raises(NotSeparable) as caught:
                    ntk_margin(net, data, layers=layers, norm="pointwise")
                assert caught.value.upper <= 1e-14
                assert float(caught.value.dual.sum()) == pytest.approx(1)
            else:
                assert 0 < ntk_margin(net, data, layers=layers, norm="pointwise").value <= flat
    assert refused > 10


@pytest.mark.parametrize("margin", [svm_margin, global_margin])
@pytest.mark.parametrize("short", [1e-3, 1e-7, 1e-10])
def test_a_short_input_hides_no_contradiction(short, margin):
    with pytest.raises(NotSeparable):
        margin(Dataset([[1.0], [short], [1.0]], [1.0, -1.0, -1.0]))
    assert margin(Dataset([[1.0], [short]], [1.0, 1.0])).value == pytest.approx(short, rel=1e-6)


@pytest.mark.parametrize("short", SMALL + [1e-10, 1e-12, 1e-14])
def test_short_inputs_of_both_labels_are_refused_by_every_margin(short, directions):
    V, s = torch.tensor([[1.0], [-1.0]]).double(), torch.ones(2).double()
    net = standard(20, 1, 1)
    for X in ([[1.0], [short], [short]], [[1.0], [short], [1.0], [short]]):
        data = Dataset(X, [1.0, 1.0, -1.0, -1.0][: len(X)])
        for margin in (
            svm_margin,
            global_margin,
            lambda data: frozen_margin(torch.cat([V, V]), torch.cat([s, -s]), data),
            lambda data: ntk_margin(net, data, layers="both"),
            lambda data: ntk_margin(net, data, norm="pointwise", layers="both"),
        ):
            with pytest.raises(NotSeparable) as caught:
                margin(data)
            scale = float(caught.value.dual @ data.X.norm(dim=1))
            assert caught.value.upper <= 2e-14 * scale


@pytest.mark.parametrize("short", SMALL + [1e-10, 1e-12])
def test_margins_of_short_inputs_are_those_of_the_short_inputs(short, check):
    # The long inputs are on the rays of two short ones, with their labels: they ask for nothing.
    few = Dataset([[short, 0.0], [0.0, short], [short, short]], [1.0, -1.0, 1.0])
    both = Dataset([[1.0, 0.0], [0.0, 1.0], *few.X.tolist()], [1.0, -1.0, *few.y.tolist()])
    angle = np.arange(24) * np.pi / 12
    V = np.column_stack([np.cos(angle), np.sin(angle)])
    V, s = np.vstack([V, V]), np.repeat([1.0, -1.0], 24)
    for margin in (global_margin, lambda data: frozen_margin(V, s, data)):
        best = margin(both)
        check(best)
        assert best.value == pytest.approx(margin(few).value, rel=1e-6, abs=0)
    assert global_margin(both).value == pytest.approx((np.sqrt(2) - 1) * short, rel=1e-6, abs=0)


@pytest.mark.parametrize("n", [3, 20])
def test_a_linear_margin_of_zero_is_refused_whatever_the_lengths(n):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        A = rng.standard_normal((n, 4)) * 10.0 ** -rng.integers(0, 12, size=(n, 1))
        A = np.vstack([A, -rng.dirichlet(np.ones(n)) @ A])
        y = np.where(rng.random(n + 1) < 0.5, 1.0, -1.0)
        data = Dataset(y[:, None] * A / np.linalg.norm(A, axis=1).max(), y)
        with pytest.raises(NotSeparable) as caught:
            svm_margin(data)
        assert float(((caught.value.dual * data.y) @ data.X).norm()) == caught.value.upper


@pytest.mark.parametrize("unit", [2.0**-1, 2.0**-13, 2.0**-30, 2.0**-40, 1e-3, 1e-9, 1e-12])
def test_a_change_of_unit_changes_nothing_else(unit, instance, directions):
    V, s = directions(150, 3, 1)
    V, s = torch.cat([V, V]), torch.cat([s, -s])
    net, linear, random = standard(40, 3, 2), instance(12, 3, 3, teacher=True), instance(12, 3, 3)
    exact = np.log2(unit) == int(np.log2(unit))
    for margin, data in (
        (svm_margin, linear),
        (global_margin, random),
        (lambda data: global_margin(data, slope=1.0), linear),
        (lambda data: frozen_margin(V, s, data), random),
        (lambda data: ntk_margin(net, data), random),
        (lambda data: ntk_margin(net, data, layers="both"), random),
        (lambda data: ntk_margin(net, data, norm="pointwise"), random),
    ):
        small, large = margin(Dataset(unit * data.X, data.y)), margin(data)
        if exact:
            assert (small.value, small.upper) == (unit * large.value, unit * large.upper)
            assert torch.equal(small.dual, large.dual)
        for got, expected in ((small.value, large.value), (small.upper, large.upper)):
            assert got == pytest.approx(unit * expected, rel=1e-6, abs=0)
