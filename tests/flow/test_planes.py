"""Hyperplanes and sums over pairs, against the network, autograd and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lowrot import Dataset, Network, _jit, balanced, regression_flow, sparse_parity, standard
from lowrot.flow import _planes, _sums
from lowrot.flow._objectives import Classification
from lowrot.flow._planes import Planes
from lowrot.flow._radau import Radau
from lowrot.flow.neuron import Neurons, track
from lowrot.losses import as_loss

BLOCKS = {"both": (1.0, 1.0), "outer": (1.0, 0.0), "inner": (0.0, 1.0)}


def tensor(values):
    return np.array(values, dtype=float)


def random_data(seed, n=9, d=3):
    """Points of all lengths, some of them parallel or opposite to others."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    X[3], X[5], X[6] = -0.5 * X[0], 2.0 * X[1], X[0]
    y = 1.0 - 2.0 * torch.randint(2, (n,), generator=generator).double()
    return Dataset(X / X.norm(dim=1).max(), y)


def patterns(planes, V):
    return np.sign(np.asarray(V) @ planes.U.T).astype(np.int8)


def test_parallel_inputs_share_a_plane():
    data = random_data(0)
    planes = Planes.of(data.X, 0.1)
    assert len(planes.U) == 6
    assert planes.index[0] == planes.index[3] == planes.index[6]
    assert planes.index[1] == planes.index[5]
    np.testing.assert_allclose(
        planes.c[:, None] * planes.U[planes.index], data.X, rtol=1e-7, atol=1e-7
    )
    np.testing.assert_allclose(np.linalg.norm(planes.U, axis=1), np.ones(6), rtol=1e-7, atol=1e-7)
    assert len(Planes.of(sparse_parity(4).X, 0.0).U) == 8


def test_sides_are_signs_and_zero_on_a_plane(monkeypatch):
    planes = Planes.of(torch.eye(2, dtype=torch.float64), 0.0)
    V = tensor([[1.0, -2.0], [1e3, 1e-7], [1e-3, 1e-7], [0.0, 0.0]])
    expected = [[1, -1], [1, 0], [1, 1], [0, 0]]
    assert planes.sides(V).tolist() == expected
    monkeypatch.setattr(_planes, "ENTRIES", 3)
    assert planes.sides(V).tolist() == expected


def test_a_linear_network_slides_nowhere():
    """``a' = r z``, ``z' = r a`` with ``r = 1 - a z`` from z = 0: it leaves the plane at once."""
    X, net = tensor([[1.0, 0.0], [0.0, 1.0]]), Network([1.0], [[0.0, 1.0]], 1.0)
    planes = Planes.of(X, 1.0)
    assert planes.sides(net.V).tolist() == [[1, 1]]
    K = planes.kernel(net.a, net.V, planes.sides(net.V), (1.0, 1.0))
    np.testing.assert_allclose(K, net.kernel(X), rtol=1e-7, atol=1e-7)
    path = regression_flow(net, X[:1], tensor([1.0]))
    assert path.ok, path.status
    assert path["relative_loss"][-1] <= 1e-10
    assert (path["sliding"] == 0).all()


@pytest.mark.parametrize("slope", [0.0, 0.4, 1.0])
def test_outputs_are_those_of_the_network(slope):
    data, net = random_data(1), standard(7, 3, seed=1, slope=slope)
    planes = Planes.of(data.X, slope)
    got = planes.outputs(net.a, net.V)
    np.testing.assert_allclose(got, net(data.X), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("slope", [0.0, 0.4])
def test_the_field_gives_the_gradient(slope):
    data, net = random_data(2), standard(7, 3, seed=2, slope=slope)
    planes = Planes.of(data.X, slope)
    q = torch.rand(data.n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grad_a, grad_V = net.gradient(data, q)
    signed = planes.signed(data.y.numpy()).drive(q, 2.0 * q)
    for drive in (planes.drive(data.y * q, 2.0 * data.y * q), signed):
        for row, factor in enumerate((1.0, 2.0)):
            h = drive.base[row] + (patterns(planes, net.V) * drive.jump[row]) @ planes.U
            h = torch.as_tensor(h) / factor
            np.testing.assert_allclose(net.a[:, None] * h, grad_V, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose((h * net.V).sum(1), grad_a, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("slope", [0.0, 0.4, 1.0])
def test_kernel_against_autograd(slope, block):
    data, net = random_data(3), standard(7, 3, seed=3, slope=slope)
    a, V = net.a.clone().requires_grad_(), net.V.clone().requires_grad_()
    z = data.X @ V.T
    f = torch.maximum(z, slope * z) @ a
    G = {"both": [], "outer": [], "inner": []}
    for out in f:
        grad_a, grad_V = torch.autograd.grad(out, (a, V), retain_graph=True)
        G["outer"].append(grad_a)
        G["inner"].append(grad_V.flatten())
        G["both"].append(torch.cat([grad_a, grad_V.flatten()]))
    G = torch.stack(G[block])
    planes = Planes.of(data.X, slope)
    K = planes.kernel(net.a, net.V, patterns(planes, net.V), BLOCKS[block])
    np.testing.assert_allclose(K, G @ G.T, rtol=1e-12, atol=1e-13)
    arguments = net.a, net.V, patterns(planes, net.V), BLOCKS[block]
    signed = planes.signed(data.y.numpy()).kernel(*arguments)
    np.testing.assert_allclose(signed, net.kernel(data, layers=block), rtol=1e-12, atol=1e-13)


def test_rates_weigh_the_blocks_and_chunks_do_not_matter(monkeypatch):
    data, net = random_data(4), standard(23, 3, seed=4, slope=0.2)
    planes = Planes.of(data.X, 0.2)
    arguments = net.a, net.V, patterns(planes, net.V)
    expected = 0.3 * planes.kernel(*arguments, BLOCKS["outer"]) + 2.0 * planes.kernel(
        *arguments, BLOCKS["inner"]
    )
    np.testing.assert_allclose(planes.kernel(*arguments, (0.3, 2.0)), expected, rtol=1e-12, atol=0)
    a, V, S = (np.asarray(one) for one in arguments)
    f = planes.outputs(a, V)
    with _jit.interpreted(), monkeypatch.context() as patch:
        patch.setattr(_sums, "ENTRIES", 4 * data.n)
        patch.setattr(_sums, "_ROWS", 2)
        K = planes.kernel(a, V, S, (0.3, 2.0))
        np.testing.assert_allclose(K, expected, rtol=1e-12, atol=0)
        np.testing.assert_allclose(planes.outputs(a, V), f, rtol=1e-12, atol=0)


def sliding_start(seed, slope):
    """Neurons on one or on two planes, which attract under uniform weights."""
    data = random_data(seed)
    planes = Planes.of(data.X, slope)
    net = balanced(12, 3, seed=seed + 100, slope=slope)
    V = net.V.numpy().copy()
    V[:6] -= (V[:6] @ planes.U[0])[:, None] * planes.U[0]
    cross = np.cross(planes.U[2], planes.U[4])
    V[6:9] = (V[6:9] @ cross)[:, None] * cross / (cross**2).sum()
    S = patterns(planes, V)
    S[:6, 0] = 0
    S[6:9, 2] = S[6:9, 4] = 0
    return data, planes, Neurons.of(net.a, V, S, (1.0, 1.0))


@pytest.mark.parametrize("slope", [0.0, 0.4])
@pytest.mark.parametrize("seed", range(3))
def test_kernel_with_sliding_is_the_derivative_of_the_outputs(seed, slope):
    """Outputs after a short time under fixed weights q, that hold the neurons on their planes."""
    data, planes, start = sliding_start(seed, slope)
    K = planes.kernel(start.a, start.V, start.S, (1.0, 1.0))
    sides = np.where(start.S == 0, 1, start.S).astype(np.int8)  # some side, and its normals again
    free = planes.kernel(start.a, start.V, sides, (1.0, 1.0))
    assert np.abs(K - free).max() > 1e-2 * np.abs(K).max()
    w = np.random.default_rng(seed).standard_normal(data.n)
    drive, t = planes.drive(w, 0 * w), 1e-5
    h = drive.at_start(start.S)
    for own, S in zip(h, start.S):
        normals = planes.U[S == 0].T
        own -= normals @ np.linalg.lstsq(normals, own)[0]
    ends = []
    for sign in (1.0, -1.0):
        a = start.a + sign * t * (h * start.V).sum(1)
        V = start.V + sign * t * start.a[:, None] * h
        ends.append(planes.outputs(a, V))
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * t), K @ w, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("slope", [0.0, 0.4])
def test_kernel_with_sliding_against_the_integrator(slope):
    """The same where the least-velocity rule itself holds the neuron, on data built for it."""
    X = tensor([[0.0, 1.0], [0.0, -1.0], [0.6, 0.8], [0.6, -0.8]])
    data = Dataset(X, tensor([-1.0, -1.0, 1.0, 1.0]))
    planes = Planes.of(X, slope)
    a, V = tensor([0.7]), tensor([[0.5, 0.0]])
    start = Neurons.of(a, V, patterns(planes, V), (1.0, 1.0))
    w = data.y * tensor([0.3, 0.3, 0.2, 0.2])
    drive = planes.drive(w, 0 * w)
    t = 1e-6
    end = track(start, drive, (0.5 * t, t), (1.0, 1.0)).states[1]
    assert int((end.S == 0).sum()) == 1
    stepper = Radau(planes, Classification(data.y, as_loss("exponential")), (1.0, 1.0), 1e-3)
    rate = data.y * (stepper.outputs(end) - stepper.outputs(start)) / t
    K = planes.kernel(start.a, start.V, start.S, (1.0, 1.0))
    np.testing.assert_allclose(rate, K @ np.asarray(w), rtol=1e-4, atol=1e-8)


def test_kernel_off_dependent_normals():
    """Five planes through a line in R^3: their normals span two dimensions, and nothing is left."""
    angles = torch.arange(5).double() * 0.5
    planes = Planes.of(torch.stack([angles.cos(), angles.sin(), 0 * angles], 1), 0.0)
    a, V = tensor([1.0]), tensor([[0.0, 0.0, 1.0]])
    K = planes.kernel(a, V, np.zeros((1, 5), dtype=np.int8), (1.0, 1.0))
    assert np.abs(K).max() < 1e-12
