"""The kernel of parity: its mean over all pairs, its rank, and what it attains."""

import itertools

import pytest
import torch

from lowrot import sparse_parity
from lowrot.kernels import interpolant, parity_kernel


def features(X):
    """chi_S of all pairs S, shape (n, N)."""
    d = X.shape[1]
    pairs = list(itertools.combinations(range(d), 2))
    return torch.stack([d * X[:, i] * X[:, j] for i, j in pairs], dim=1)


@pytest.mark.parametrize("d", [2, 3, 7])
def test_it_is_the_mean_over_all_pairs(d):
    X, Z = sparse_parity(d, n=20).X, sparse_parity(d, n=9, seed=1).X
    N = d * (d - 1) // 2
    expected = features(X) @ features(Z).T / N
    assert torch.allclose(parity_kernel(X, Z), expected, atol=1e-14)
    assert torch.allclose(parity_kernel(X).diagonal(), torch.ones(20).double(), atol=1e-14)


def test_its_interpolant_is_the_projection_of_the_target():
    d, n = 6, 9
    data = sparse_parity(d, n=n, seed=2)
    f, cube = interpolant(parity_kernel, data), sparse_parity(d)
    F = features(cube.X)
    coefficients = F.T @ f(cube.X) / cube.n  # in the orthonormal chi_S
    assert torch.allclose(F @ coefficients, f(cube.X), atol=1e-12)
    basis = features(data.X).T
    target = torch.zeros(F.shape[1], dtype=torch.float64)
    target[0] = 1.0
    projected = basis @ torch.linalg.pinv(basis, rtol=1e-12) @ target
    assert torch.allclose(coefficients, projected, atol=1e-10)
    assert f.rank == int(torch.linalg.matrix_rank(basis))
    # With as many samples as it takes, the target itself.
    full = interpolant(parity_kernel, sparse_parity(d, n=60))
    assert full.rank == F.shape[1]
    assert torch.allclose(full(cube.X), cube.y, atol=1e-9)


def test_points_off_the_cube_are_refused():
    X = sparse_parity(3).X.clone()
    X[2, 1] *= 1.001
    with pytest.raises(ValueError, match=r"X\[2, 1\] is"):
        parity_kernel(X)
    with pytest.raises(ValueError, match=r"Z\[2, 1\] is"):
        parity_kernel(sparse_parity(3).X, X)
    with pytest.raises(ValueError, match="d = 1"):
        parity_kernel(sparse_parity(1, 1).X)
