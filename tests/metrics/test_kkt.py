"""The KKT residual: known points, kinks, and the multipliers of a general solver."""

import math

import cvxpy as cp
import numpy as np
import pytest
import torch

from lowrot.data import Dataset, sparse_parity, two_points
from lowrot.metrics import _kkt, kkt_residual
from lowrot.network import Network, small, standard


@pytest.mark.parametrize("phi", [0.5, 1.2, 1.5])
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_the_bad_kkt_point_is_one(phi, scale):
    net = small(Network([1.0, 0.0, 0.0], [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]), scale)
    result = kkt_residual(net, two_points(phi))
    assert result.stationarity < 1e-10
    assert abs(result.complementarity) < 1e-10
    assert result.multipliers.tolist() == pytest.approx([0.5 / math.cos(phi)] * 2, rel=1e-9)


def test_a_point_that_is_not_kkt_is_told_apart():
    tilted = Network([1.0], [[math.cos(0.2), math.sin(0.2)]])
    result = kkt_residual(tilted, two_points(1.2))
    assert result.stationarity + result.complementarity > 0.05
    wide = standard(200, 4, seed=1)
    data = sparse_parity(4)
    theta = standard(200, 4, seed=2)
    grown = Network(wide.gradient(data, torch.full((16,), 1 / 16).double())[0], theta.V)
    assert float(grown.margins(data).min()) < 0
    with pytest.raises(ValueError, match="smallest margin of net"):
        kkt_residual(grown, data)


def test_complementarity_sees_weight_on_a_point_far_from_the_margin():
    # The neuron along x_2 alone: stationary with the multiplier on x_2, but x_1 has the margin.
    data = Dataset([[0.6, 0.8], [1.0, 0.0]], [1, 1])
    result = kkt_residual(Network([1.0], [[1.0, 0.0]]), data)
    assert result.stationarity**2 + 2 * result.complementarity > 0.1


def neuron_on_a_kink(phi):
    """Two neurons along the axes, two points; x_2 is on the kink of the first neuron.

    W = lambda_1 G_1 + lambda_2 G_2 asks for lambda = (1/cos phi, 1) and the slope tan phi at the
    kink: a Clarke KKT point exactly when tan phi <= 1.
    """
    data = Dataset([[math.cos(phi), -math.sin(phi)], [0.0, 1.0]], [1, 1])
    b = math.sqrt(math.cos(phi))
    return Network([1.0, b], [[1.0, 0.0], [0.0, b]]), data


@pytest.mark.parametrize("phi", [0.1, 0.7])
def test_the_slope_at_a_kink_is_free(phi):
    result = kkt_residual(*neuron_on_a_kink(phi))
    assert result.stationarity < 1e-9
    assert abs(result.complementarity) < 1e-9
    assert result.multipliers.tolist() == pytest.approx([1 / math.cos(phi), 1.0], rel=1e-8)


def test_the_slope_at_a_kink_is_at_most_one():
    result = kkt_residual(*neuron_on_a_kink(1.2))
    assert result.stationarity**2 + 2 * result.complementarity > 1e-2


def merit_by_a_general_solver(net, data, kink):
    """The least stationarity^2 + 2 complementarity, its multipliers, and whether kinks occur."""
    X, y, a, slope = data.X.numpy(), data.y.numpy(), net.a.numpy(), net.slope
    (n, m), V = (data.n, net.m), net.V.numpy()
    z, W = X @ V.T, np.concatenate([a, V.ravel()])
    close = np.abs(z) <= kink * np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(V, axis=1))
    lam, mu = cp.Variable(n, nonneg=True), cp.Variable((n, m))
    limits = []
    for i in range(n):
        for j in range(m):
            if close[i, j]:
                limits += [slope * lam[i] <= mu[i, j], mu[i, j] <= lam[i]]
            else:
                limits.append(mu[i, j] == (1.0 if z[i, j] > 0 else slope) * lam[i])
    outer = [sum(lam[i] * y[i] * max(z[i, j], slope * z[i, j]) for i in range(n)) for j in range(m)]
    inner = [sum(mu[i, j] * y[i] * a[j] * X[i] for i in range(n)) for j in range(m)]
    left_over = cp.hstack([cp.hstack(outer), *inner]) - W
    p = net.margins(data).numpy()
    merit = (cp.sum_squares(left_over) + 2 * lam @ (p - p.min())) / net.norm_squared
    return cp.Problem(cp.Minimize(merit), limits).solve(solver="CLARABEL"), lam.value, close.any()


def three_points(slope):
    data = Dataset(0.9 * torch.eye(3).double() + 0.05, [1, -1, 1])
    V = torch.tensor([[1.0, 0.2, 0.0], [0.0, 1.0, 0.03], [0.1, -0.3, 1.0], [0.02, 1.0, -0.5]])
    return Network([1.0, -1.2, 0.8, -0.1], V.double(), slope), data


@pytest.mark.parametrize(
    ("case", "kink"),
    [
        (three_points(0.0), 1e-12),
        (three_points(0.3), 1e-12),
        (three_points(0.3), 0.1),
        (neuron_on_a_kink(0.7), 1e-12),
        (neuron_on_a_kink(1.2), 1e-12),
    ],
)
def test_the_multipliers_are_those_of_a_general_solver(case, kink):
    result = kkt_residual(*case, kink=kink)
    value, multipliers, kinks = merit_by_a_general_solver(*case, kink)
    assert kinks == (kink > 0.01 or case[0].m == 2)
    merit = result.stationarity**2 + 2 * result.complementarity
    assert merit == pytest.approx(value, rel=1e-6, abs=1e-9)
    assert result.multipliers.tolist() == pytest.approx(multipliers.tolist(), abs=1e-3)


def test_kkt_refuses_a_negative_kink():
    with pytest.raises(ValueError, match="kink"):
        kkt_residual(Network([1.0], [[1.0, 0.0]]), two_points(0.5), kink=-1.0)


def test_equality_is_identity():
    net = Network([1.0], [[1.0, 0.0]])
    result, same = kkt_residual(net, two_points(0.5)), kkt_residual(net, two_points(0.5))
    assert result == result
    assert result != same
    assert len({result, same, result}) == 2


@pytest.mark.parametrize("unit", [1e-4, 1.0])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_kink_is_an_angle(unit, scale):
    # The first neuron is turned by 1e-5 off the hyperplane of the second point.
    net, data = neuron_on_a_kink(0.7)
    turned = net.V + torch.tensor([[0.0, -1e-5], [0.0, 0.0]]).double()
    near = small(Network(net.a, turned), scale)
    data = Dataset(unit * data.X, data.y)
    merit = [
        kkt_residual(near, data, kink=kink).stationarity ** 2
        + 2 * kkt_residual(near, data, kink=kink).complementarity
        for kink in (1e-4, 1e-6)
    ]
    assert merit[0] < 1e-5
    assert merit[1] > 1e-3
    default = kkt_residual(near, data)
    assert default.stationarity**2 + 2 * default.complementarity == pytest.approx(merit[1])


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_the_slopes_at_kinks_are_between_those_of_both_sides(slope):
    net, data = three_points(slope)
    gradients = _kkt.gradient_columns(net, data, 0.3)
    assert len(gradients.kink_point) > 3
    for slack in (np.zeros(3), np.array([0.0, 0.2, 0.1])):
        lam, mu = _kkt.closest_multipliers(gradients, slack, slope)
        assert lam.min() >= 0
        assert (slope * lam[gradients.kink_point] <= mu).all()
        assert (mu <= lam[gradients.kink_point]).all()


def test_the_rounding_of_the_solver_is_cut_off(monkeypatch):
    # Whatever the solver returns, multipliers are >= 0 and the slopes at kinks in [slope, 1].
    net, data = three_points(0.3)
    gradients = _kkt.gradient_columns(net, data, 0.3)
    k = len(gradients.kink_point)
    rough = np.random.default_rng(0).standard_normal(3 + k + 3 + k)

    class Solver:
        def __init__(self, *arguments):
            self.x = rough

        def solve(self):
            return self

    monkeypatch.setattr(_kkt.clarabel, "DefaultSolver", Solver)
    lam, mu = _kkt.closest_multipliers(gradients, np.zeros(3), 0.3)
    in_units = lam * _kkt._units(gradients, 3)
    assert in_units.tolist() == np.maximum(rough[:3], 0).tolist()
    assert (0.3 * lam[gradients.kink_point] <= mu).all()
    assert (mu <= lam[gradients.kink_point]).all()


def test_a_neuron_without_outer_weight_has_no_kink():
    net = Network([1.0, 0.0], [[1.0, 0.0], [0.0, 0.0]])
    assert len(_kkt.gradient_columns(net, two_points(0.5), 1e-12).kink_point) == 0


@pytest.mark.parametrize("phi", [0.7, 1.2])
def test_labels_and_outer_weights_may_change_sign_together(phi):
    net, data = neuron_on_a_kink(phi)
    one = kkt_residual(net, data)
    other = kkt_residual(Network(-net.a, net.V), Dataset(data.X, -data.y))
    assert other.multipliers.tolist() == pytest.approx(one.multipliers.tolist(), rel=1e-8)
    assert other.stationarity == pytest.approx(one.stationarity, abs=1e-8)
    assert other.complementarity == pytest.approx(one.complementarity, abs=1e-8)


@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("phi", [0.3, 1.2])
def test_the_residual_does_not_depend_on_the_unit_of_the_inputs(phi, unit):
    net, data = neuron_on_a_kink(phi)
    large, small = (kkt_residual(net, Dataset(c * data.X, data.y)) for c in (1.0, unit))
    assert small.stationarity == pytest.approx(large.stationarity, rel=1e-6, abs=1e-9)
    assert small.complementarity == pytest.approx(large.complementarity, rel=1e-6, abs=1e-9)
    assert torch.allclose(unit * small.multipliers, large.multipliers, rtol=1e-6)


@pytest.mark.parametrize("short", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_point_of_a_short_gradient_has_its_multiplier(short):
    # The short point has the margin, and its gradient is short times the weights.
    data = Dataset([[short, 0.0], [0.6, 0.8]], [1, 1])
    result = kkt_residual(Network([1.0], [[1.0, 0.0]]), data)
    assert result.stationarity < 1e-9
    assert abs(result.complementarity) < 1e-9
    assert short * result.multipliers.tolist()[0] == pytest.approx(1.0, rel=1e-6)
