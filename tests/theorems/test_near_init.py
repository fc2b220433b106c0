"""What near-initialization theorems measure at the start."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lowrot import Dataset, Network, NotSeparable, near_init_sgd, sparse_parity, standard
from lowrot.path import Path
from lowrot.theorems._near_init import Start, distinct, largest_features, networks

XOR = sparse_parity(2)


def quiet(m, seed=0):
    net = standard(m, 2, seed=seed)
    return Network(0.1 * net.a, net.V)


def test_sizes_of_a_start_by_hand():
    # Two neurons, two points: p = (-3, 1), of mean -1.
    net = Network([-3.0, 1.0], [[1.0, 0.0], [0.0, 1.0]])
    data = Dataset([[1.0, 0.0], [0.0, 1.0]], [1, 1])
    start = Start.of(net, data, "outer")
    assert start.p.tolist() == [-3.0, 1.0]
    assert start.N == 3.0
    assert pytest.approx(math.sqrt(10)) == start.A
    assert start.V_norm == pytest.approx(math.sqrt(2))
    # theta = (1, 1)/sqrt 2 gains 1/sqrt 2 on both points.
    assert start.g == pytest.approx(1 / math.sqrt(2), rel=1e-6)
    assert start.outer.tolist() == pytest.approx([1 / math.sqrt(2)] * 2, rel=1e-4)
    assert start.inner is None
    right = Start.of(Network([3.0, 1.0], net.V), data, "outer")
    assert right.N == 0.0


@pytest.mark.parametrize("layers", ["outer", "both"])
def test_theta_attains_g(layers):
    net, data = standard(60, 3, seed=4), sparse_parity(3)
    start = Start.of(net, data, layers)
    along = net.tangent(data, start.outer, start.inner)
    assert float(along.min()) == pytest.approx(start.g, rel=1e-6)
    size = float(start.outer.square().sum())
    size += 0.0 if start.inner is None else float(start.inner.square().sum())
    assert size <= 1 + 1e-9
    weights = torch.randn(60, dtype=torch.float64), torch.randn(60, 3, dtype=torch.float64)
    product = float(start.outer @ weights[0])
    product += 0.0 if start.inner is None else float((start.inner * weights[1]).sum())
    assert start.along(*weights) == pytest.approx(product)
    assert (start.inner is None) == (layers == "outer")


def test_what_both_theorems_ask_for():
    start = Start.of(quiet(50), XOR, "outer")
    assert all(hypothesis.holds for hypothesis in start.hypotheses())
    loose = replace(start, gamma=replace(start.gamma, gap=1e-3), g=0.0)
    assert not any(hypothesis.holds for hypothesis in loose.hypotheses())


def test_no_tangent_margin_no_start():
    with pytest.raises(NotSeparable):
        Start.of(Network([1.0], [[1.0, 0.0]]), XOR, "outer")


def test_repeated_points_count_once():
    net = quiet(50)
    many = Dataset(XOR.X.repeat(5, 1), XOR.y.repeat(5))
    once, five = (near_init_sgd(net, data, samples=10) for data in (XOR, many))
    assert five.data.n == 4
    assert five.start.g == pytest.approx(once.start.g, rel=1e-9)
    assert (pytest.approx(once.B), pytest.approx(once.start.N)) == (five.B, five.start.N)
    rows = distinct(Dataset([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]], [1, -1, -1, 1]))
    assert sorted(map(tuple, torch.cat([rows.X, rows.y[:, None]], 1).tolist())) == [
        (0.0, 1.0, -1.0),
        (1.0, 0.0, -1.0),
        (1.0, 0.0, 1.0),
    ]


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_the_largest_features(slope, monkeypatch):
    monkeypatch.setattr("lowrot.network._network._CHUNK_ENTRIES", 40)
    net, data = standard(70, 3, seed=1, slope=slope), sparse_parity(3)
    z = data.X @ net.V.T
    expected = float(torch.maximum(z, slope * z).norm(dim=1).max())
    assert largest_features(net, data) == pytest.approx(expected, rel=1e-12)


def test_networks_of_a_path():
    like = Network([1.0, 2.0], [[1.0, 0.0], [0.0, 1.0]], 0.3)
    a, V = np.array([[1.0, 2.0], [3.0, 4.0]]), np.arange(8.0).reshape(2, 2, 2)
    found = list(networks(Path({"tau": np.arange(2.0)}, {"a": a, "V": V}), like))
    assert [net.slope for net in found] == [0.3, 0.3]
    assert found[1].a.tolist() == [3.0, 4.0]
    assert found[1].V.tolist() == V[1].tolist()
