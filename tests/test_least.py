"""The least velocity against SciPy's bounded least squares, on generic and on dependent planes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import lsq_linear

from lowrot import _least
from lowrot._least import force, least_velocity


def reference(D, h):
    """Normal velocities of the least ``h + D^T S`` with ``|S_k| <= 1``."""
    S = lsq_linear(D.T, -h, (-1.0, 1.0), method="bvls", tol=1e-15, max_iter=1000).x
    return D @ (h + D.T @ S)


def hypercube(d):
    return np.array([x for x in itertools.product((1.0, -1.0), repeat=d) if x[0] > 0]) / np.sqrt(d)


def problem(kind, seed):
    """Forty problems: sizes of the jumps and fields from where all is held to where all moves."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(40):
        U = hypercube(kind) if isinstance(kind, int) else rng.standard_normal((5, 3))
        U = U / np.linalg.norm(U, axis=1, keepdims=True)
        D = U * rng.uniform(-1.0, 1.0, (len(U), 1))
        rows.append((D, rng.standard_normal(U.shape[1]) * 10.0 ** (index / 20.0 - 1.0)))
    return np.array([D for D, _ in rows]), np.array([h for _, h in rows])


@pytest.mark.parametrize("kind", ["generic", 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_bounded_least_squares(kind, seed):
    D, h = problem(kind, seed)
    normal, least = (one.numpy() for one in least_velocity(torch.as_tensor(D), torch.as_tensor(h)))
    for got, r, one, field in zip(normal, least, D, h):
        expected = reference(one, field)
        scale = np.linalg.norm(one, axis=1).max() * np.linalg.norm(field)
        np.testing.assert_allclose(got, expected, atol=2e-6 * scale)
        moves = np.abs(expected) > 2e-6 * np.linalg.norm(one, axis=1) * np.linalg.norm(field)
        np.testing.assert_array_equal(got[moves] != 0, True)
        size = np.linalg.norm(one, axis=1)
        np.testing.assert_allclose(one @ r, got, atol=1e-9 * scale)
        assert np.all(np.abs(one @ r)[got == 0] <= 1e-9 * size[got == 0] * np.linalg.norm(field))


@pytest.mark.parametrize("kind", ["generic", 3, 4, 5])
def test_the_interior_point_method_alone(kind, monkeypatch):
    """The fallback decides every row when pivoting is not allowed a round."""
    monkeypatch.setattr(_least, "_PIVOTS", 0)
    D, h = problem(kind, 7)
    normal = least_velocity(torch.as_tensor(D), torch.as_tensor(h))[0].numpy()
    for got, one, field in zip(normal, D, h):
        scale = np.linalg.norm(one, axis=1).max() * np.linalg.norm(field)
        np.testing.assert_allclose(got, reference(one, field), atol=2e-6 * scale)


def test_held_and_moving_planes_by_hand():
    D = torch.tensor([[[2.0, 0.0], [0.0, 0.5]], [[2.0, 0.0], [0.0, 0.0]]], dtype=torch.float64)
    h = torch.tensor([[1.0, -3.0], [5.0, 7.0]], dtype=torch.float64)
    # First: S_1 = -1/2 holds the first plane; the second stays at S_2 = 1 with r_2 = -5/2.
    # Second: S_1 = -1, r_1 = 3; the row of zeros is padding.
    expected = torch.tensor([[0.0, -1.25], [6.0, 0.0]], dtype=torch.float64)
    normal, r = least_velocity(D, h)
    torch.testing.assert_close(normal, expected, rtol=1e-12, atol=1e-12)
    least = torch.tensor([[0.0, -2.5], [3.0, 7.0]], dtype=torch.float64)
    torch.testing.assert_close(r, least, rtol=1e-12, atol=1e-12)


def test_a_field_at_the_edge_of_the_box_is_held():
    """``|S| = 1`` exactly: the velocity vanishes, and no plane is said to move."""
    D = torch.tensor([[[0.7, 0.0]], [[0.7, 0.0]]], dtype=torch.float64)
    h = torch.tensor([[0.7, 0.0], [0.7 * (1 + 1e-4), 0.0]], dtype=torch.float64)
    normal, _ = least_velocity(D, h)
    assert float(normal[0]) == 0.0
    assert float(normal[1]) == pytest.approx(0.49e-4, rel=1e-6)


def test_all_padding_and_empty_batches():
    D, h = torch.zeros(3, 2, 4, dtype=torch.float64), torch.ones(3, 4, dtype=torch.float64)
    normal, r = least_velocity(D, h)
    torch.testing.assert_close(normal, torch.zeros(3, 2, dtype=torch.float64))
    torch.testing.assert_close(r, h)
    assert [out.shape for out in least_velocity(D[:0], h[:0])] == [(0, 2), (0, 4)]


def test_the_unbounded_force_leaves_no_normal_part():
    D, h = (torch.as_tensor(value) for value in problem("generic", 3))
    D = D[:, :2]  # independent, so that the ridge is the only error
    rest = h + (force(D, h)[:, None, :] @ D)[:, 0]
    normal = (D @ rest[:, :, None])[:, :, 0].abs() / D.norm(dim=2) / h.norm(dim=1, keepdim=True)
    assert float(normal.max()) < 1e-8
