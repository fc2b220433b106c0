"""Frozen features: what they take from a network, what they refuse."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lowrot import Dataset, Features, Network, balanced, coupled_flow, sparse_parity, standard
from lowrot.coupled._features import as_features


def test_features_of_a_balanced_network():
    net, data = balanced(30, 4, seed=2, slope=0.1), sparse_parity(4)
    features = Features.from_network(net)
    assert features.m == 30
    assert features.slope == 0.1
    torch.testing.assert_close(features.directions.norm(dim=1), torch.ones(30).double())
    u = features.signs * features.start.exp()
    torch.testing.assert_close(u, net.a * net.V.norm(dim=1))
    margins = features.potential(data).margins(torch.zeros(16).double())
    p = margins.p * math.exp(margins.ln_scale)
    torch.testing.assert_close(p, net.margins(data), rtol=1e-12, atol=1e-15)
    assert as_features(features) is features


def test_weights_and_shares_along_a_path():
    net, data = balanced(30, 3, seed=2), sparse_parity(3)
    features = Features.from_network(net)
    path = coupled_flow(net, data, stop={"tau": 20.0}, save=[5.0, 20.0])
    for z, ln_norm in zip(path["z"], path["ln_norm"]):
        ln_u = features.ln_weights(data, z)
        assert float(torch.logsumexp(ln_u, 0)) == pytest.approx(ln_norm, abs=1e-12)
    shares = features.shares(data, path["z"])
    assert shares.shape == (3, 30)
    torch.testing.assert_close(shares.sum(1), torch.ones(3).double())


def test_both_signs_and_the_default_start():
    V = torch.eye(3, dtype=torch.float64)
    features = Features.both_signs(V, slope=0.5)
    assert features.m == 6
    assert features.signs.tolist() == [1, 1, 1, -1, -1, -1]
    assert float(torch.logsumexp(features.start, 0)) == pytest.approx(0, abs=1e-15)
    assert features.to("cpu").slope == 0.5


def test_an_unbalanced_network_is_refused():
    with pytest.raises(ValueError, match=r"\|a_\d+\|.*for every j"):
        Features.from_network(standard(5, 2))
    zero = Network(torch.zeros(2).double(), torch.zeros(2, 2).double())
    with pytest.raises(ValueError, match="a_0"):
        Features.from_network(zero)
    with pytest.raises(TypeError, match="list; expected Network or Features"):
        as_features([1, 2])


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"directions": 2.0 * torch.eye(2).double()}, ValueError, "expected unit vectors"),
        ({"directions": torch.eye(2)}, TypeError, "float64"),
        ({"directions": torch.full((2, 2), math.nan).double()}, ValueError, "finite"),
        ({"directions": torch.zeros(0, 2).double()}, ValueError, "at least one"),
        ({"signs": torch.ones(3).double()}, ValueError, "signs"),
        ({"signs": torch.zeros(2).double()}, ValueError, "signs"),
        ({"ln_start": torch.zeros(3).double()}, ValueError, "ln_start"),
        ({"ln_start": torch.full((2,), -math.inf).double()}, ValueError, "ln_start"),
        ({"slope": 1.5}, ValueError, "slope"),
        ({"slope": -0.1}, ValueError, "slope"),
    ],
)
def test_bad_features_are_named(change, error, match):
    arguments = {"directions": torch.eye(2).double(), "signs": torch.ones(2).double(), **change}
    with pytest.raises(error, match=match):
        Features(**arguments)


def test_data_of_another_dimension_is_refused():
    with pytest.raises(ValueError, match="d = 3 but the directions have d = 2"):
        Features.from_network(balanced(5, 2)).potential(sparse_parity(3))


def test_shares_follow_the_start_and_the_state():
    # One neuron of each sign on each axis: growth 2 z_i on its own point alone.
    X = torch.eye(2, dtype=torch.float64)
    ln_start = torch.tensor([0.0, -1.0, -2.0, -3.0], dtype=torch.float64)
    features, data = Features(torch.cat([X, X]), [1, 1, -1, -1], ln_start), Dataset(X, [1, -1])
    z = np.array([[0.0, 0.0], [0.5, 0.25]])
    ln_u = np.array([[0.0, -1.0, -2.0, -3.0], [1.0, -1.5, -3.0, -2.5]])
    np.testing.assert_allclose(features.ln_weights(data, z[1]), ln_u[1], rtol=1e-12)
    expected = np.exp(ln_u) / np.exp(ln_u).sum(1, keepdims=True)
    np.testing.assert_allclose(features.shares(data, z), expected, rtol=1e-12)


def test_balance_of_a_network_is_asked_for_to_rounding():
    net = balanced(5, 2, seed=0)
    assert Features.from_network(replace(net, a=net.a * (1 + 1e-11))).m == 5
    with pytest.raises(ValueError, match=r"needs .a_j. = "):
        Features.from_network(replace(net, a=net.a * (1 + 1e-6)))


def test_nothing_that_was_passed_reaches_the_features_again():
    V, signs, start = torch.eye(2).double(), torch.ones(2).double(), torch.zeros(2).double()
    features = Features(V, signs, start)
    for given in (V, signs, start):
        given *= 5
        given += 5
    assert features.directions.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert (features.signs.tolist(), features.start.tolist()) == ([1.0, 1.0], [0.0, 0.0])
