"""Spans of normals, generic and dependent, against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import null_space, subspace_angles

from lowrot.flow.neuron import normals_slid_on
from lowrot.flow.neuron._linalg import dot, heights, remove, span


def units(seed, n, d):
    U = np.random.default_rng(seed).standard_normal((n, d))
    return U / np.linalg.norm(U, axis=1, keepdims=True)


def test_heights_are_inner_products():
    U, v = units(0, 7, 3), np.array([0.3, -2.0, 1.0])
    z = np.full(7, np.nan)
    heights(np.ascontiguousarray(U.T), v, z)
    np.testing.assert_allclose(z, U @ v, rtol=1e-14)
    assert dot(U[0], v) == pytest.approx(z[0], rel=1e-14)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_span_is_orthonormal_and_the_rest_is_orthogonal_to_it(count):
    U, basis = units(1, 6, 4), np.empty((4, 4))
    pattern = np.ones(6, dtype=np.int8)
    pattern[:count] = 0
    rank = span(U, pattern, basis)
    assert rank == min(count, 4)
    np.testing.assert_allclose(basis[:rank] @ basis[:rank].T, np.eye(rank), atol=1e-14)
    assert subspace_angles(basis[:rank].T, U[:count].T).max() < 1e-7
    v = np.array([1.0, 2.0, 3.0, 4.0])
    residual = v.copy()
    remove(basis, rank, residual)
    off = null_space(U[:count])
    np.testing.assert_allclose(residual, off @ (off.T @ v), atol=1e-12)


def test_dependent_normals_have_the_rank_of_their_span():
    """Five planes through a line in R^3."""
    angles = 0.5 * np.arange(5)
    U = np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1)
    basis = np.empty((3, 3))
    assert span(U, np.zeros(5, dtype=np.int8), basis) == 2
    v = np.array([1.0, 2.0, 3.0])
    remove(basis, 2, v)
    np.testing.assert_allclose(v, [0.0, 0.0, 3.0], atol=1e-12)


def test_normals_that_depend_on_each_other_are_counted_once():
    """The same five planes, turned: what is left of the third is rounding, not a direction."""
    angles, turn = 0.5 * np.arange(5), np.linalg.qr(units(2, 3, 3))[0]
    U = np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1) @ turn
    patterns = np.zeros((2, 5), dtype=np.int8)
    owner, normals = normals_slid_on(U, patterns)
    assert owner.tolist() == [0, 0, 1, 1]
    for basis in (normals[:2], normals[2:]):
        np.testing.assert_allclose(basis @ basis.T, np.eye(2), atol=1e-12)
        np.testing.assert_allclose(U @ basis.T @ basis, U, atol=1e-12)


@pytest.mark.parametrize("apart", [1.0, 0.3, 1e-2, 1e-4])
def test_a_span_of_nearly_parallel_normals_is_orthonormal(apart):
    U, basis = units(3, 1, 5) + apart * units(4, 4, 5), np.empty((5, 5))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    rank = span(U, np.zeros(4, dtype=np.int8), basis)
    assert rank == 4
    np.testing.assert_allclose(basis[:4] @ basis[:4].T, np.eye(4), atol=2e-15)


def test_normals_slid_on_are_listed_by_neuron():
    U = np.eye(3)
    patterns = np.array([[1, 1, 1], [0, 1, 0], [1, -1, 1], [1, 0, 1]], dtype=np.int8)
    owner, normals = normals_slid_on(U, patterns)
    assert owner.tolist() == [1, 1, 3]
    np.testing.assert_allclose(np.abs(normals), U[[0, 2, 1]])
    owner, normals = normals_slid_on(U, patterns[:1])
    assert (owner.shape, normals.shape) == ((0,), (0, 3))
