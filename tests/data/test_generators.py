"""Generators: the sets they promise, and what they know of them."""

import math

import pytest
import torch

from lowrot.data import sparse_parity, two_points
from lowrot.optima import svm_margin


@pytest.mark.parametrize(("d", "k"), [(1, 1), (3, 2), (5, 3)])
def test_the_hypercube_is_complete_and_its_labels_are_parities(d, k):
    data = sparse_parity(d, k)
    assert data.X.unique(dim=0).shape == (2**d, d)
    assert torch.allclose(data.X.norm(dim=1), torch.ones(2**d, dtype=torch.float64))
    assert torch.allclose(data.y, data.X[:, :k].prod(dim=1) * d ** (k / 2))


def test_only_two_sparse_parity_on_the_whole_cube_knows_its_margin():
    assert sparse_parity(4).known == {"gamma_gl": 1 / math.sqrt(32)}
    assert sparse_parity(4, 3).known == {}
    assert sparse_parity(4, 2, n=10).known == {}


def test_samples_depend_on_the_seed_only():
    first, same, other = (sparse_parity(6, 2, 20, seed) for seed in (1, 1, 2))
    assert torch.equal(first.X, same.X)
    assert not torch.equal(first.X, other.X)
    assert torch.allclose(first.y, 6 * first.X[:, 0] * first.X[:, 1])


@pytest.mark.parametrize("arguments", [(0,), (3, 4), (3, 0), (3, 2, 0), (3, 2, 5, -1), (21,)])
def test_sparse_parity_refuses(arguments):
    with pytest.raises(ValueError):
        sparse_parity(*arguments)


def test_two_points_are_on_the_circle_at_plus_and_minus_phi():
    data = two_points(1.2)
    angles = torch.atan2(data.X[:, 1], data.X[:, 0])
    assert angles.tolist() == pytest.approx([1.2, -1.2])
    assert data.y.tolist() == [1, 1]
    assert data.known["gamma_gl"] == 0.5
    assert two_points(0.1).known["gamma_gl"] == math.cos(0.1)
    for phi in (0.1, 1.2):
        known = two_points(phi).known["gamma_svm"]
        assert known == pytest.approx(svm_margin(two_points(phi)).value, abs=1e-9)


@pytest.mark.parametrize("phi", [-0.1, 1.6, math.nan])
def test_two_points_refuses(phi):
    with pytest.raises(ValueError, match="phi"):
        two_points(phi)
