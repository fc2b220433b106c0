"""Networks: homogeneity, gradients and kernels against automatic differentiation, starts."""

import math
from fractions import Fraction

import pytest
import torch

from lowrot import network
from lowrot.data import Dataset, sparse_parity
from lowrot.network import (
    Network,
    _network,
    activation,
    balanced,
    derivative,
    in_plane,
    paired,
    small,
    standard,
)


def random_data(n, d, seed=0):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    y = 1.0 - 2.0 * torch.randint(2, (n,), generator=generator).double()
    return Dataset(X / X.norm(dim=1).max(), y)


def jacobian(net, data):
    """Rows G_i = grad p_i by automatic differentiation, shape (n, m + m d)."""

    def margins(a, V):
        return data.y * (activation(data.X @ V.T, net.slope) @ a)

    by_a, by_V = torch.autograd.functional.jacobian(margins, (net.a, net.V))
    return torch.cat([by_a, by_V.reshape(data.n, -1)], dim=1)


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_activation_is_the_larger_of_two_lines(slope):
    z = torch.tensor([-2.0, 0.0, 3.0], dtype=torch.float64)
    assert activation(z, slope).tolist() == [-2 * slope, 0.0, 3.0]
    assert derivative(z, slope).tolist() == [slope, slope, 1.0]


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_gradients_and_kernels_are_those_of_automatic_differentiation(slope):
    net, data = standard(7, 3, 1, slope), random_data(5, 3)
    G = jacobian(net, data)
    q = torch.rand(5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    by_a, by_V = net.gradient(data, q)
    assert torch.allclose(torch.cat([by_a, by_V.reshape(-1)]), q @ G, atol=1e-14)
    parts = {"outer": G[:, :7], "inner": G[:, 7:], "both": G}
    for block, columns in parts.items():
        assert torch.allclose(net.kernel(data, layers=block), columns @ columns.T, atol=1e-14)


@pytest.mark.parametrize("rates", [(1.0, 1.0), (0.2, 3.0), (0.0, 1.0)])
def test_the_kernel_of_outputs_takes_inputs_of_any_norm_and_rates(rates):
    net, data = standard(7, 3, 1, 0.3), random_data(5, 3)
    G = jacobian(net, Dataset(data.X, torch.ones(5).double()))
    expected = rates[0] * G[:, :7] @ G[:, :7].T + rates[1] * G[:, 7:] @ G[:, 7:].T
    K = net.kernel(data, rates=rates)
    assert torch.allclose(K, torch.outer(data.y, data.y) * expected, atol=1e-14)
    for size in (1e-100, 1.0, 1e6):
        K = net.kernel(size * data.X, rates=rates) / size / size
        assert torch.allclose(K, expected, rtol=1e-13, atol=1e-14)
    assert torch.equal(net.kernel(data.X.numpy(), rates=rates), net.kernel(data.X, rates=rates))
    with_zero = net.kernel(torch.cat([data.X, torch.zeros(1, 3).double()]), rates=rates)
    assert torch.allclose(with_zero[:5, :5], expected, atol=1e-14)
    assert torch.equal(with_zero[5], torch.zeros(6).double())


@pytest.mark.parametrize("slope", [0.0, 0.25])
def test_the_kernel_of_a_sliding_neuron_in_closed_form(slope):
    """It slides on the kinks of the first two points; nothing moves it across their line."""
    X = torch.tensor([[0.0, 2.0], [0.0, -1.0], [0.6, 0.8], [0.6, -0.8]], dtype=torch.float64)
    held = torch.zeros(4, 4, dtype=torch.float64)
    held[2:, 2:] = 0.3**2 + (0.7 * 0.6) ** 2
    net = Network([0.7], [[0.5, 0.0]], slope)
    assert torch.allclose(net.kernel(X), held, atol=1e-16)
    moved = Network([0.7], [[0.5, 1e-11]], slope)
    assert torch.allclose(moved.kernel(X), held, atol=1e-10)
    for kernel in (moved.kernel(X, kink=0.0), Network([0.7], [[0.5, 1e-7]], slope).kernel(X)):
        assert float(kernel[0, 0]) == pytest.approx((0.7 * 2.0) ** 2)
        assert float(kernel[0, 1]) == pytest.approx(-(0.7**2) * 2.0 * slope)
        assert float(kernel[2, 3]) == pytest.approx(0.3**2 + 0.7**2 * (0.36 - 0.64), abs=1e-6)
    left = net.kernel(X, kink=None)
    assert float(left[0, 0]) == pytest.approx((0.7 * 2.0 * slope) ** 2)
    assert float(left[2, 3]) == pytest.approx(0.3**2 + 0.7**2 * (0.36 - 0.64))


def test_a_linear_network_has_no_kinks_to_slide_on():
    X = torch.tensor([[0.0, 1.0], [0.6, 0.8]], dtype=torch.float64)
    K = Network([0.7], [[0.5, 0.0]], 1.0).kernel(X)
    assert torch.allclose(K, 0.49 * X @ X.T + torch.tensor([[0.0, 0.0], [0.0, 0.09]]), atol=1e-16)


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_margins_are_two_homogeneous(slope):
    net, data = standard(11, 4, 3, slope), random_data(6, 4)
    W = torch.cat([net.a, net.V.reshape(-1)])
    assert torch.allclose(jacobian(net, data) @ W, 2 * net.margins(data), atol=1e-13)
    assert torch.allclose(small(net, 0.1).margins(data), 0.01 * net.margins(data), atol=1e-15)


def test_chunks_change_nothing(monkeypatch):
    net, data = standard(50, 3), random_data(4, 3)
    V = net.V - (net.V @ data.X[1])[:, None] * data.X[1] / data.X[1].square().sum()
    held = Network(net.a, torch.where(torch.arange(50)[:, None] % 3 == 0, V, net.V))
    q = torch.full((4,), 0.25, dtype=torch.float64)
    whole = net.margins(data), held.kernel(data), *net.gradient(data, q)
    monkeypatch.setattr(_network, "_CHUNK_ENTRIES", 28)
    assert [part.stop - part.start for part in net.chunks(4)] == [7] * 7 + [1]
    parts = net.margins(data), held.kernel(data), *net.gradient(data, q)
    for one, other in zip(whole, parts):
        assert torch.allclose(one, other, atol=1e-13)


@pytest.mark.parametrize(("m", "d"), [(400, 1), (40_000, 5)])
def test_standard_initialization_has_its_variances(m, d):
    net = standard(m, d)
    # The mean of k squares of N(0, 1) deviates from 1 by 5 sqrt(2/k) in one of 10^6 seeds.
    assert m * float(net.a.square().mean()) == pytest.approx(1, abs=5 * math.sqrt(2 / m))
    assert float(net.V.square().mean()) == pytest.approx(1, abs=5 * math.sqrt(2 / (m * d)))


def test_balanced_initialization_is_balanced_and_has_both_signs():
    net = balanced(100, 3)
    assert torch.allclose(net.a.abs(), net.V.norm(dim=1), atol=1e-15)
    assert net.norm_squared == pytest.approx(2)
    assert 20 < int((net.a > 0).sum()) < 80


def test_initializations_depend_on_the_seed_only():
    for make in (standard, balanced):
        assert torch.equal(make(5, 2, seed=3).V, make(5, 2, seed=3).V)
        assert not torch.equal(make(5, 2, seed=3).V, make(5, 2, seed=4).V)


@pytest.mark.parametrize(
    ("a", "V", "slope", "error", "message"),
    [
        ([1.0, 2.0], [[1.0, 0.0]], 0.0, ValueError, "expected 1 along axis 0"),
        ([1.0], [1.0, 0.0], 0.0, ValueError, "expected 2 axes"),
        ([math.nan], [[1.0, 0.0]], 0.0, ValueError, r"a\[0\] is nan"),
        ([1.0], [[1.0, 0.0]], 1.5, ValueError, "slope is 1.5"),
        ([1.0], torch.ones(1, 2), 0.0, TypeError, "float32"),
        ([], torch.zeros(0, 2).double(), 0.0, ValueError, "at least one entry"),
    ],
)
def test_the_constructor_refuses(a, V, slope, error, message):
    with pytest.raises(error, match=message):
        Network(a, V, slope)


def test_calls_refuse_other_shapes_and_zero_scales():
    net, data = standard(3, 2), sparse_parity(3)
    with pytest.raises(ValueError, match="expected 2 along axis 1"):
        net(data.X)
    with pytest.raises(ValueError, match="layers is 'all'"):
        net.kernel(sparse_parity(2), layers="all")
    for change, message in (
        ({"rates": 1.0}, "rates are 1.0; expected two numbers"),
        ({"rates": (-1.0, 1.0)}, r"rates\[0\] is -1"),
        ({"rates": (0, 0)}, "at least one positive rate"),
        ({"kink": -1.0}, "kink is -1"),
    ):
        with pytest.raises(ValueError, match=message):
            net.kernel(sparse_parity(2), **change)
    for inputs in (data, data.X):
        with pytest.raises(ValueError, match=r"data has d = 3; expected 2|expected 2 along axis 1"):
            net.kernel(inputs)
    with pytest.raises(TypeError, match="float32"):
        net.kernel(torch.ones(3, 2))
    with pytest.raises(ValueError, match="scale is 0"):
        small(net, 0.0)
    for arguments in ((0, 2), (2, 0), (2, 2, -1)):
        with pytest.raises(ValueError):
            standard(*arguments)


def test_to_keeps_the_network():
    net = standard(3, 2, slope=0.5).to("cpu")
    assert (net.m, net.d, net.slope) == (3, 2, 0.5)


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_tangents_pair_with_gradients(slope):
    net, data = standard(30, 4, seed=1, slope=slope), sparse_parity(4, n=9, seed=2)
    generator = torch.Generator().manual_seed(0)
    outer = torch.randn(30, generator=generator, dtype=torch.float64)
    inner = torch.randn(30, 4, generator=generator, dtype=torch.float64)
    both, alone = net.tangent(data, outer, inner), net.tangent(data, outer)
    for i in range(data.n):
        q = torch.zeros(data.n, dtype=torch.float64)
        q[i] = 1.0
        a, V = net.gradient(data, q)
        assert float(both[i]) == pytest.approx(float(a @ outer + (V * inner).sum()), rel=1e-12)
        assert float(alone[i]) == pytest.approx(float(a @ outer), rel=1e-12)


def test_in_plane_is_balanced_with_the_masses_given():
    net = in_plane([0, 90, 210], [4.0, 0.0, 1.0], [1, -1, -1])
    assert (net.a.abs() * net.V.norm(dim=1)).tolist() == pytest.approx([4.0, 0.0, 1.0])
    assert net.a.tolist() == pytest.approx([2.0, 0.0, -1.0])
    assert net.V[0].tolist() == [2.0, 0.0]
    assert net.V[2].tolist() == pytest.approx([-math.sqrt(3) / 2, -0.5])
    for masses, message in (([1.0], "shape"), ([-1.0, 1.0], "masses"), ([0.0, 0.0], "masses")):
        with pytest.raises(ValueError, match=message):
            in_plane([0, 90], masses)
    with pytest.raises(ValueError, match="signs"):
        in_plane([0, 90], [1, 1], [0, 1])


def test_equality_is_identity():
    net, same = standard(3, 2), standard(3, 2)
    assert net == net
    assert net != same
    assert len({net, same, net}) == 2


def test_nothing_that_was_passed_reaches_the_network_again():
    a = torch.tensor([1.0, -1.0], dtype=torch.float64, requires_grad=True)
    V = torch.eye(2, dtype=torch.float64)
    net = network.Network(a, V)
    moved = net.to("cpu")
    with torch.no_grad():
        a *= math.nan
    V *= 5
    for kept in (net, moved):
        assert (kept.a.tolist(), kept.V.tolist()) == ([1.0, -1.0], [[1.0, 0.0], [0.0, 1.0]])
        assert not kept.a.requires_grad
    moved.V.zero_()
    assert net.V.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def least_excess(net):
    """The least of ``a_j^2 - ||v_j||^2``, in exact arithmetic, and the largest over ``a_j^2``."""
    excess = []
    for a, v in zip(net.a.tolist(), net.V.tolist()):
        outer = Fraction(a) ** 2
        excess.append((outer - sum(Fraction(x) ** 2 for x in v)) / outer)
    return min(excess), float(max(excess))


@pytest.mark.parametrize("d", [1, 2, 3, 5, 10, 50, 300])
@pytest.mark.parametrize("seed", range(4))
def test_balanced_neurons_have_outer_weights_at_least_their_norms(d, seed):
    """To the last bit, at any scale, however often it is changed; by rounding only."""
    net = balanced(2 + 3000 // (10 + d), d, seed)
    for scale in (1.0, 0.1, 1e-5, 1 / 3, 1e-200, 7e180):
        net = small(net, scale)
        least, most = least_excess(net)
        assert least >= 0
        assert most < 4 * (d + 8) * 2.0**-53


@pytest.mark.parametrize("seed", range(10))
def test_neurons_in_the_plane_have_outer_weights_at_least_their_norms(seed):
    generator = torch.Generator().manual_seed(seed)
    degrees, masses = torch.rand(2, 200, generator=generator, dtype=torch.float64)
    net = in_plane((360.0 * degrees).tolist(), masses.tolist())
    assert least_excess(net)[0] >= 0
    assert least_excess(small(net, 1e-3))[0] >= 0


def test_other_neurons_are_scaled_as_they_are():
    net = standard(40, 3, seed=1)
    for scale in (0.1, 1e-7):
        assert torch.equal(small(net, scale).a, net.a * scale)
        assert torch.equal(small(net, scale).V, net.V * scale)


def test_paired_networks_are_linear_functions():
    net = standard(5, 3, seed=1, slope=0.2)
    both = paired(net)
    X = torch.randn(20, 3, dtype=torch.float64)
    torch.testing.assert_close(both(X), 1.2 * X @ (net.V.T @ net.a))
    assert (both.m, both.slope) == (10, 0.2)
    torch.testing.assert_close(both.V[5:], -net.V, rtol=0, atol=0)
    torch.testing.assert_close(both.a[5:], -net.a, rtol=0, atol=0)
    with pytest.raises(TypeError, match="net"):
        paired("net")
