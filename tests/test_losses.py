"""Margins: the log domain against exact arithmetic, F2, F3 and F5, rotation, KKT points."""

import math
from decimal import Decimal, getcontext

import cvxpy as cp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lowrot.data import Dataset, sparse_parity, two_points
from lowrot.losses import LOSSES, dual_weights, entropy_constant, log_loss, soft_margin
from lowrot.metrics import kkt_residual, normalized_margin, rotation, smoothed_margin
from lowrot.network import Network, balanced, small, standard


def vector(values):
    return torch.tensor(values, dtype=torch.float64)


def exactly(p, loss):
    """Return ln L, P, q and ln Lam in 400 digits."""
    getcontext().prec = 400
    t = [(-Decimal(x)).exp() for x in p]
    if loss == "exponential":
        L, slopes = sum(t), t
        P = -L.ln()
    else:
        L, slopes = sum((1 + x).ln() for x in t), [x / (1 + x) for x in t]
        P = -(L.exp() - 1).ln()
    Lam = sum(slopes)
    return float(L.ln()), float(P), [float(x / Lam) for x in slopes], float(Lam.ln())


CASES = [
    [0.0],
    [1e-9],
    [-0.5, 0.7],
    [math.log(2.0), 0.3],
    [-30.0, -2.0],
    [-300.0, 5.0],
    [36.0, 38.0, 37.5],
    [19.9, 20.1, 20.0],
    [350.0, 351.0],
]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("p", CASES)
def test_log_domain_quantities_are_exact_to_rounding(p, loss):
    log_L, P, q, log_Lam = exactly(p, loss)
    scale = 4e-16 * (1 + max(abs(x) for x in p))
    assert float(log_loss(vector(p), loss)) == pytest.approx(log_L, abs=scale)
    assert float(soft_margin(vector(p), loss)) == pytest.approx(P, abs=scale)
    weights, log_sum = dual_weights(vector(p), loss)
    assert weights.tolist() == pytest.approx(q, rel=100 * scale, abs=1e-300)
    assert float(log_sum) == pytest.approx(log_Lam, abs=scale)


@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_overflows_or_underflows(loss):
    p = vector([[1e300, 1e300], [-1e3, 1e3], [1e5, 1e5]])
    P = soft_margin(p, loss)
    assert P.tolist() == pytest.approx([1e300, -1e3, 1e5 - math.log(2)], rel=1e-15)
    q, log_Lam = dual_weights(p, loss)
    assert q.tolist() == [[0.5, 0.5], [1.0, 0.0], [0.5, 0.5]]
    assert bool(torch.isfinite(log_Lam).all())
    assert bool(torch.isfinite(log_loss(p, loss)).all())


@pytest.mark.parametrize("loss", LOSSES)
@settings(max_examples=200, deadline=None)
@given(p=st.lists(st.floats(-700, 1e6), min_size=1, max_size=8))
def test_f2_and_f3_hold_at_any_margins(loss, p):
    margins = vector(p)
    n = len(p)
    P = float(soft_margin(margins, loss))
    qp = float(dual_weights(margins, loss)[0] @ margins)
    rounding = 1e-14 * (1 + max(abs(x) for x in p))
    assert min(p) + rounding >= P
    assert qp >= P - rounding
    assert qp <= max(P, 0.0) + entropy_constant(n, loss) + rounding


def test_the_logistic_inequalities_behind_f2():
    p = vector([-3.0, 0.2, 1.0, 4.0])
    L, log_Lam = log_loss(p, "logistic").exp(), dual_weights(p, "logistic")[1]
    assert float(log_Lam.exp()) >= 1 - math.exp(-float(L))


@pytest.mark.parametrize("p", [700.0, 708.5, 720.0, 740.0, 744.4, 744.9, 745.2, 800.0])
def test_the_logistic_loss_where_doubles_are_subnormal(p):
    margins = vector([p, p + 1e-3])
    log_L, P, _, _ = exactly(margins.tolist(), "logistic")
    assert float(log_loss(margins, "logistic")) == pytest.approx(log_L, rel=1e-15)
    assert float(soft_margin(margins, "logistic")) == pytest.approx(P, rel=1e-15)


def test_the_entropy_constant_is_ln_n_or_ln_2n():
    assert entropy_constant(1) == 0.0
    assert entropy_constant(16) == entropy_constant(16, "exponential") == pytest.approx(2.7725887)
    assert entropy_constant(16, "logistic") == pytest.approx(3.4657359)


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_the_entropy_constant_leaves_little_room(n):
    # Exponential: equal margins of at least ln n reach it. Logistic: where P = 0, all but ln 2.
    for loss, lost in (("exponential", 0.0), ("logistic", math.log(2))):
        level = math.log(n) if loss == "exponential" else -math.log(math.expm1(math.log(2) / n))
        p = torch.full((n,), level, dtype=torch.float64)
        excess = float(dual_weights(p, loss)[0] @ p) - max(float(soft_margin(p, loss)), 0.0)
        assert entropy_constant(n, loss) - lost - 1e-12 <= excess
        assert excess <= entropy_constant(n, loss) + 1e-12


def test_the_entropy_constant_refuses_no_points_and_other_losses():
    for n in (0, -3):
        with pytest.raises(ValueError, match="n is"):
            entropy_constant(n)
    with pytest.raises(TypeError, match="expected an integer"):
        entropy_constant(2.5)
    with pytest.raises(ValueError, match="loss is 'hinge'"):
        entropy_constant(4, "hinge")


def test_one_point_has_its_margin_as_soft_margin():
    for value in (-40.0, -1e-3, 0.0, 3.0, 50.0):
        for loss in LOSSES:
            assert float(soft_margin(vector([value]), loss)) == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize(
    "p", [1.0, torch.ones(3), torch.zeros(0).double(), torch.tensor(1.0).double()]
)
def test_margins_must_be_float64_vectors(p):
    for function in (soft_margin, log_loss, dual_weights):
        with pytest.raises(ValueError, match="expected a float64 tensor"):
            function(p)
    with pytest.raises(ValueError, match="loss is 'hinge'"):
        soft_margin(vector([1.0]), "hinge")


def test_normalized_and_smoothed_margins():
    data = two_points(0.5)
    net = Network([2.0], [[2.0, 0.0]])
    assert normalized_margin(net, data) == pytest.approx(math.cos(0.5) / 2)
    p = 4 * math.cos(0.5)
    assert smoothed_margin(net, data) == pytest.approx((p - math.log(2)) / 8)
    assert smoothed_margin(Network([-1.0], [[1.0, 0.0]]), data) == 0.0
    zero = Network([0.0], [[0.0, 0.0]])
    for function in (normalized_margin, smoothed_margin):
        with pytest.raises(ValueError, match="net is zero"):
            function(zero, data)


def test_the_normalized_logistic_example_of_the_theory():
    # One aligned balanced neuron on one point: -ln L/||W||^2 falls while P/||W||^2 stays 1/2.
    data = Dataset([[1.0]], [1])
    for p, ratio in ((1.0, 0.580), (2.0, 0.516), (5.0, 0.5003)):
        net = Network([math.sqrt(p)], [[math.sqrt(p)]])
        assert smoothed_margin(net, data, loss="logistic") == pytest.approx(0.5, abs=1e-14)
        fall = -float(log_loss(net.margins(data), "logistic")) / net.norm_squared
        assert fall == pytest.approx(ratio, abs=5e-4)


def test_rotation_is_an_angle_accurate_when_small():
    initial = Network([1.0] * 5, [[1.0, 0.0]] * 4 + [[0.0, 0.0]])
    angles = [0.0, 1e-9, 2.0, math.pi]
    rows = [[3 * math.cos(t), 3 * math.sin(t)] for t in angles] + [[1.0, 0.0]]
    turned = rotation(Network([1.0] * 5, rows), initial).tolist()
    assert turned[:4] == pytest.approx(angles, rel=1e-12)
    assert math.isnan(turned[4])
    with pytest.raises(ValueError, match="shape"):
        rotation(initial, balanced(3, 2))


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
