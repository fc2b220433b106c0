"""The margins of the tangent kernel: a general solver, certificates by hand, reference values."""

import math

import cvxpy as cp
import numpy as np
import pytest
import torch

from lowrot.data import Dataset, sparse_parity
from lowrot.network import Network, standard
from lowrot.optima import NotSeparable, _tangent, ntk_margin

LAYERS = ("outer", "inner", "both")


@pytest.mark.parametrize("slope", [0.0, 0.4])
@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("norm", ["l2", "pointwise"])
def test_ntk_against_a_general_solver(layers, norm, slope, instance, jacobian, check):
    net, data = standard(12, 3, 1, slope), instance(6, 3)
    best = ntk_margin(net, data, layers=layers, norm=norm)
    check(best)
    G = jacobian(net, data, layers).numpy()
    n, m, k = G.shape
    theta, t = cp.Variable((m, k)), cp.Variable()
    rows = [cp.sum(cp.multiply(G[i], theta)) / math.sqrt(m) >= t for i in range(n)]
    if norm == "l2":
        ball = [cp.norm(theta, "fro") <= 1]
    else:
        ball = [cp.norm(theta[j]) <= 1 / math.sqrt(m) for j in range(m)]
    value = cp.Problem(cp.Maximize(t), rows + ball).solve(solver="CLARABEL")
    assert best.value == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("norm", ["l2", "pointwise"])
def test_ntk_certificate_by_hand(layers, norm, instance, jacobian):
    net, data = standard(30, 3, 2), instance(8, 3, 3)
    best = ntk_margin(net, data, layers=layers, norm=norm)
    G = jacobian(net, data, layers)
    theta = best.primal
    if layers == "outer":
        theta = theta[:, None]
    elif layers == "both":
        theta = torch.cat([theta[0][:, None], theta[1]], dim=1)
    assert theta.shape == G.shape[1:]
    attained = torch.einsum("njk,jk->n", G, theta) / math.sqrt(30)
    assert float(attained.min()) == pytest.approx(best.value, rel=1e-10)
    pushed = torch.einsum("n,njk->jk", best.dual, G)
    if norm == "l2":
        assert float(theta.norm()) <= 1 + 1e-12
        assert best.upper == pytest.approx(float(pushed.norm()) / math.sqrt(30))
    else:
        assert float(theta.norm(dim=1).max()) <= (1 + 1e-12) / math.sqrt(30)
        assert best.upper == pytest.approx(float(pushed.norm(dim=1).mean()))


REFERENCE = {
    # chapter "Margins and their optima": 2-sparse parity, m -> inf, v ~ N(0, I)
    ("outer", "pointwise"): {2: 0.1652, 3: 0.0972, 4: 0.0700},
    ("outer", "l2"): {2: 0.2130, 3: 0.1430, 4: 0.1066},
    ("inner", "pointwise"): {2: 0.35355, 3: 0.2125, 4: 0.1555},
}


@pytest.mark.parametrize("layers", ["inner", "both"])
@pytest.mark.parametrize("norm", ["l2", "pointwise"])
@pytest.mark.parametrize("seed", range(2))
def test_neurons_at_kinks_count_with_their_left_derivative(layers, norm, seed, check):
    """The kernel of a sliding flow, which has no slope there, would leave a gap of some percent."""
    data, net = sparse_parity(3, n=6, seed=1), standard(20, 3, seed)
    along = torch.outer(net.V[:10] @ data.X[0], data.X[0])
    best = ntk_margin(
        Network(net.a, torch.cat([net.V[:10] - along, net.V[10:]])), data, layers=layers, norm=norm
    )
    check(best)


@pytest.mark.parametrize(("layers", "norm"), REFERENCE)
@pytest.mark.parametrize("d", [2, 3, 4])
def test_wide_networks_have_the_reference_margins(layers, norm, d):
    m = 30_000
    V = standard(m, d, seed=5).V
    data = sparse_parity(d)
    best = ntk_margin(Network(torch.ones(m).double(), V), data, layers=layers, norm=norm)
    q = torch.full((data.n,), 1 / data.n, dtype=torch.float64)
    size = Network(torch.ones(m).double(), V).gradient(data, q)[layers == "inner"]
    lengths = size.reshape(m, -1).norm(dim=1)
    spread = (
        lengths if norm == "pointwise" else lengths.square() / (2 * lengths.square().mean().sqrt())
    )
    # Uniform q gives an upper bound with this sampling error; the optimum over 2^d weights
    # lies below it by O(2^d/m). Five standard errors, and the rounding of the table.
    allowed = 5 * float(spread.std()) / math.sqrt(m) + 2**d / m + 1e-4
    assert best.value == pytest.approx(REFERENCE[layers, norm][d], abs=allowed)


def test_the_exact_entry_of_the_table():
    assert (math.sqrt(2) - 1) / math.sqrt(2 * math.pi) == pytest.approx(0.1652, abs=5e-5)


def test_l2_is_at_least_pointwise_and_both_at_least_either():
    net, data = standard(300, 4, 3), sparse_parity(4)
    value = {
        (b, s): ntk_margin(net, data, layers=b, norm=s).upper
        for b in LAYERS
        for s in ("l2", "pointwise")
    }
    for layers in LAYERS:
        assert value[layers, "l2"] >= value[layers, "pointwise"]
    for norm in ("l2", "pointwise"):
        assert value["both", norm] >= max(value["outer", norm], value["inner", norm]) * (1 - 1e-9)


def test_ntk_proves_that_contradictory_labels_are_not_separable():
    data = Dataset([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1, -1, 1])
    net = standard(20, 2)
    for norm in ("l2", "pointwise"):
        for layers in LAYERS:
            with pytest.raises(NotSeparable) as caught:
                ntk_margin(net, data, layers=layers, norm=norm)
            assert caught.value.upper <= 1e-9


def test_ntk_refuses():
    net, data = standard(5, 3), sparse_parity(2)
    with pytest.raises(ValueError, match=r"net.V has 3 columns; expected 2"):
        ntk_margin(net, data)
    with pytest.raises(ValueError, match="layers is 'all'"):
        ntk_margin(net, data, layers="all")
    with pytest.raises(ValueError, match="norm is 'l1'"):
        ntk_margin(net, data, layers="outer", norm="l1")


def test_the_root_of_a_kernel_keeps_small_eigenvalues():
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    K = (turn * np.array([1.0, 1e-3, 1e-6, 1e-10, 0.0])) @ turn.T
    A = _tangent._root((K + K.T) / 2)
    assert np.abs(A.T @ A - K).max() < 1e-15
    assert np.isfinite(A).all()


@pytest.mark.parametrize("layers", LAYERS)
def test_tangent_margins_are_directional_derivatives_over_the_root_of_the_width(layers, instance):
    net, data = standard(25, 3, 4, 0.2), instance(7, 3, 6)
    best = ntk_margin(net, data, layers=layers)
    outer, inner = best.primal if layers == "both" else (best.primal, best.primal)
    step = 1e-6
    a = net.a + step * outer if layers != "inner" else net.a
    V = net.V + step * inner if layers != "outer" else net.V
    change = (Network(a, V, 0.2).margins(data) - net.margins(data)) / step
    assert float(change.min()) / 5 == pytest.approx(best.value, rel=1e-4)
