"""The global margin: exact values, one cone program over all cells, and its rigorous bound."""

import math

import cvxpy as cp
import numpy as np
import pytest
import torch

from lowrot._hyperplanes import distinct_hyperplanes
from lowrot.data import Dataset, sparse_parity, two_points
from lowrot.network import activation
from lowrot.optima import NotSeparable, _arrangement, frozen_margin, global_margin, svm_margin


@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_the_global_margin_of_parity(d, check):
    data = sparse_parity(d)
    best = global_margin(data)
    check(best)
    assert best.value == pytest.approx(data.known["gamma_gl"], rel=1e-6)
    net = best.primal
    assert net.norm_squared == pytest.approx(2)
    assert torch.allclose(net.a.abs(), net.V.norm(dim=1))
    assert float(net.margins(data).min()) == best.value
    assert net.m <= data.n + 1


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("phi", [0.3, 1.0, 1.2, 1.57])
def test_the_global_margin_of_two_points(phi, slope, check):
    best = global_margin(two_points(phi), slope=slope)
    check(best)
    if slope == 0:
        assert best.value == pytest.approx(max(0.5, math.cos(phi)), rel=1e-6)
    assert best.value >= math.cos(phi) * (1 - 1e-6)


def all_cells_at_once(data, slope):
    """One second-order cone program over every cell and both signs."""
    X, y = data.X.numpy(), data.y.numpy()
    signs = _arrangement.enumerate_cells(X / np.linalg.norm(X, axis=1, keepdims=True)).signs
    t, effect, mass, limits = cp.Variable(), 0, 0, []
    for row in signs:
        for s in (1, -1):
            w = cp.Variable(data.d)
            limits.append(cp.multiply(row, X @ w) >= 0)
            effect = effect + cp.multiply(s * y * np.where(row > 0, 1.0, slope), X @ w)
            mass = mass + cp.norm(w)
    limits += [effect >= t, mass <= 1]
    return cp.Problem(cp.Maximize(t), limits).solve(solver="CLARABEL")


@pytest.mark.parametrize(
    ("n", "d", "slope", "seed"),
    [(5, 2, 0.0, 0), (7, 2, 0.3, 1), (6, 3, 0.0, 2), (5, 3, 0.5, 3), (6, 4, 0.0, 4)],
)
def test_the_global_margin_against_one_cone_program(n, d, slope, seed, instance, check):
    data = instance(n, d, seed)
    best = global_margin(data, slope=slope)
    check(best)
    assert best.value == pytest.approx(all_cells_at_once(data, slope), rel=1e-5)


@pytest.mark.parametrize("d", [2, 3])
def test_the_upper_bound_holds_on_a_fine_net_of_directions(d, instance, directions):
    data = instance(9, d, 5)
    best = global_margin(data)
    V, _ = directions(200_000, d, 1)
    scores = (best.dual * data.y) @ activation(data.X @ V.T)
    assert float(scores.abs().max()) <= best.upper
    assert float(scores.abs().max()) >= best.upper * (1 - 1e-2)


def test_a_linear_activation_has_the_linear_margin(instance, check):
    data = instance(20, 3, 1, teacher=True)
    best = global_margin(data, slope=1.0)
    check(best)
    assert best.value == pytest.approx(svm_margin(data).value, rel=1e-9)


def test_a_linear_activation_needs_no_cells(instance, check):
    data = instance(60, 20, 1, teacher=True)
    check(global_margin(data, slope=1.0))
    with pytest.raises(ValueError, match="activation cells"):
        global_margin(data, slope=0.999)


def test_many_points_of_random_labels_have_a_tiny_margin_still_certified(instance, check):
    # (100, 4) needs the program solved in a larger unit, (150, 3) its basis refined.
    for n, seed in ((100, 2), (100, 4), (150, 3)):
        best = global_margin(instance(n, 2, seed))
        check(best)
        assert 0 < best.value < 1e-4


def test_symmetric_data_have_the_known_leaky_margin(instance):
    # Symmetric data: (1 + alpha)/4 gamma_svm per ||W||^2, so (1 + alpha)/2 gamma_svm here.
    data = instance(6, 3, 2, teacher=True)
    both = Dataset(torch.cat([data.X, -data.X]), torch.cat([data.y, -data.y]))
    for slope in (0.1, 0.5):
        expected = (1 + slope) / 2 * svm_margin(data).value
        assert global_margin(both, slope=slope).value == pytest.approx(expected, rel=1e-6)


def test_the_margins_are_in_order(instance, directions):
    data = instance(8, 3, 3, teacher=True)
    best = global_margin(data)
    V, s = directions(500, 3)
    V, s = torch.cat([V, V]), torch.cat([s, -s])
    assert frozen_margin(V, s, data).value <= best.upper
    # w.x = s(w.x) - s(-w.x): a linear classifier is a network of twice its mass.
    assert svm_margin(data).value / 2 <= best.upper


def test_the_span_and_parallel_inputs_are_reduced(instance):
    plane = instance(6, 2, 1)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(0)).double())[
        0
    ]
    lifted = Dataset(plane.X @ turn[:2], plane.y)
    assert global_margin(lifted).value == pytest.approx(global_margin(plane).value, rel=1e-6)
    doubled = Dataset(torch.cat([plane.X, 0.3 * plane.X]), torch.cat([plane.y, plane.y]))
    assert len(distinct_hyperplanes(doubled.X.numpy()).normals) == 6
    assert len(distinct_hyperplanes(lifted.X.numpy()).basis) == 2
    halved = Dataset(0.3 * plane.X, plane.y)
    assert global_margin(doubled).value == pytest.approx(global_margin(halved).value, rel=1e-6)
    line = Dataset([[1.0], [-0.5]], [1, -1])
    # Two neurons: u_1 = 1/3 at x = 1 and u_2 = 2/3 at x = -1/2.
    assert global_margin(line).value == pytest.approx(1 / 3, rel=1e-6)


@pytest.mark.parametrize("other", [[1.0, 0.0], [0.5, 0.0]])
def test_contradictory_labels_are_not_separable(other, directions):
    data = Dataset([[1.0, 0.0], other, [0.0, 1.0]], [1, -1, 1])
    with pytest.raises(NotSeparable) as caught:
        global_margin(data)
    q = caught.value.dual
    V, _ = directions(1000, 2)
    assert float(((q * data.y) @ activation(data.X @ V.T)).abs().max()) <= 1e-9


def test_global_refuses_more_cells_than_it_certifies(instance):
    data = instance(40, 6)
    N = _arrangement.count(40, 6)
    with pytest.raises(ValueError, match=rf"d is 6 and n is 40: .* {N} activation cells.* 100000"):
        global_margin(data)
    with pytest.raises(ValueError, match="slope is -1"):
        global_margin(two_points(0.5), slope=-1)
