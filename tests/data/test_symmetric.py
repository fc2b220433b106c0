"""Symmetric and fragile data: mirrors, margins, and what deleting two points does."""

import math

import pytest
import torch

from lowrot import Network, fragile_pairs, global_margin, normalized_margin, svm_margin
from lowrot.data import symmetric_pairs
from lowrot.theorems._symmetric_data import mirrors


@pytest.mark.parametrize(
    ("pairs", "d", "gamma", "zero_mean"),
    [
        (2, 2, 0.3, True),
        (6, 2, 0.5, True),
        (8, 5, 0.2, True),
        (3, 2, 0.4, False),
        (5, 4, 0.3, False),
    ],
)
def test_every_point_has_its_mirror(pairs, d, gamma, zero_mean):
    data = symmetric_pairs(pairs, d, gamma, zero_mean, seed=3)
    assert (data.n, data.d) == (2 * pairs, d)
    torch.testing.assert_close(data.X[:pairs], -data.X[pairs:], rtol=0, atol=0)
    torch.testing.assert_close(data.y[:pairs], -data.y[pairs:], rtol=0, atol=0)
    assert float(data.X.norm(dim=1).max()) == pytest.approx(1.0, abs=1e-12)
    margin = svm_margin(data).value
    if zero_mean:
        assert data.known == {"gamma_svm": gamma}
        assert margin == pytest.approx(gamma, abs=1e-8)
        Z = data.y[:, None] * data.X
        assert float(Z.sum(dim=0)[1:].abs().max()) < 1e-12
    else:
        assert data.known == {}
        assert margin >= gamma - 1e-9


def test_two_pairs_in_the_plane_by_hand():
    data = symmetric_pairs()
    z = math.sqrt(1 - 0.09)
    expected = torch.tensor([[0.3, z], [0.3, -z], [-0.3, -z], [-0.3, z]], dtype=torch.float64)
    torch.testing.assert_close(data.X, expected)
    assert data.y.tolist() == [1, 1, -1, -1]


def test_the_largest_margin_of_any_network_is_that_of_the_linear_one():
    data = symmetric_pairs(3, 2, 0.4, zero_mean=False, seed=1)
    for slope in (0.0, 0.1, 1.0):
        best = global_margin(data, slope=slope).value
        assert best == pytest.approx(0.5 * (1 + slope) * svm_margin(data).value, rel=1e-5)


@pytest.mark.parametrize(
    ("family", "n", "best"),
    [
        ({}, 4, 0.033424),
        ({"tilt": math.atan2(0.6, 0.8)}, 6, 0.031354),
        ({"d": 3}, 6, 0.024931),
        ({"d": 3, "tilt": math.atan2(0.6, 0.8)}, 8, None),
    ],
)
def test_fragile_families(family, n, best):
    data, whole = fragile_pairs(**family), fragile_pairs(**family, completed=True)
    d = family.get("d", 2)
    assert (data.n, whole.n) == (n, n + 2 * (d - 1))
    torch.testing.assert_close(whole.X[: data.n], data.X)
    assert mirrors(data) is None
    assert mirrors(whole) is not None
    for points in (data, whole):
        assert svm_margin(points).value == pytest.approx(points.known["gamma_svm"], abs=1e-9)
    optimum = global_margin(data, slope=0.1).value / 2
    if best is not None:
        assert optimum == pytest.approx(best, abs=1e-6)
    # The linear classifier is optimal on the whole, and below half of the best without two points.
    assert global_margin(whole, slope=0.1).value / 2 == pytest.approx(0.25 * 1.1 * 0.03, rel=1e-5)
    assert optimum > 0.015 / 0.62


def test_a_network_that_beats_the_linear_one():
    b, h, slope = 0.03, 0.15, 0.1
    k, kap = h * (1 - slope) / 2, (1 + slope) / 2
    value = kap * k / (2 * (kap * (1 - b) + k))
    assert value == pytest.approx(0.030886, abs=1e-6)
    # Masses k along the axis and kap (1 - b) across it, each on two neurons: equal margins.
    mass = torch.tensor([k, k, kap * (1 - b), kap * (1 - b)], dtype=torch.float64) / 2
    V = mass.sqrt()[:, None] * torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]]).double()
    net = Network(mass.sqrt() * torch.tensor([1.0, -1, 1, 1]).double(), V, slope)
    assert float(normalized_margin(net, fragile_pairs())) == pytest.approx(value, rel=1e-12)
    assert value > b / 2


def test_wrong_numbers_are_named():
    with pytest.raises(ValueError, match="pairs is 3; expected an even number"):
        symmetric_pairs(3)
    with pytest.raises(ValueError, match=r"expected b\^2 \+ h\^2 <= 1"):
        fragile_pairs(0.9, 0.9)
    with pytest.raises(ValueError, match="tilt"):
        fragile_pairs(0.9, 0.1, tilt=1.5)
