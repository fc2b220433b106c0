"""The least velocity against SciPy's bounded least squares, on generic and on dependent planes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from lowrot.flow.neuron._sliding import free_multipliers, interior, minimal_norm_velocity, pivot


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


def solved(D, h, method=minimal_norm_velocity):
    """Normal parts and the velocity of one neuron."""
    normal, r = np.empty(len(D)), np.empty(len(h))
    method(np.ascontiguousarray(D), np.ascontiguousarray(h), normal, r)
    return normal, r


@pytest.mark.parametrize("kind", ["generic", 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_bounded_least_squares(kind, seed):
    for one, field in zip(*problem(kind, seed)):
        got, r = solved(one, field)
        expected = reference(one, field)
        size = np.linalg.norm(one, axis=1)
        scale = size.max() * np.linalg.norm(field)
        np.testing.assert_allclose(got, expected, atol=2e-6 * scale)
        moves = np.abs(expected) > 2e-6 * size * np.linalg.norm(field)
        np.testing.assert_array_equal(got[moves] != 0, True)
        np.testing.assert_allclose(one @ r, got, atol=1e-9 * scale)
        assert np.all(np.abs(one @ r)[got == 0] <= 1e-9 * size[got == 0] * np.linalg.norm(field))


@pytest.mark.parametrize("kind", ["generic", 3, 4, 5])
def test_the_interior_point_method_alone(kind):
    for one, field in zip(*problem(kind, 7)):
        normal = solved(one, field, interior)[0]
        scale = np.linalg.norm(one, axis=1).max() * np.linalg.norm(field)
        np.testing.assert_allclose(normal, reference(one, field), atol=2e-6 * scale)
        normal, r = solved(one, field, interior)
        assert np.abs(one @ r)[normal == 0].max(initial=0.0) <= 1e-9 * scale


def test_pivoting_decides_where_planes_are_independent():
    """Without a round left it says so."""
    (D, *_), (h, *_) = problem("generic", 3)
    normal, r = np.empty(2), np.empty(3)
    assert pivot(D[:2], h, 8, normal, r)
    assert not pivot(D[:2], h, 0, normal, r)


def test_held_and_moving_planes_by_hand():
    """``S_1 = -1/2`` holds the first plane; the second stays at ``S_2 = 1`` with r_2 = -5/2."""
    normal, r = solved(np.array([[2.0, 0.0], [0.0, 0.5]]), np.array([1.0, -3.0]))
    np.testing.assert_allclose(normal, [0.0, -1.25], atol=1e-12)
    np.testing.assert_allclose(r, [0.0, -2.5], atol=1e-12)


def test_a_plane_that_does_not_pull():
    """``S_1 = -1``, r_1 = 3; the second jump is zero."""
    normal, r = solved(np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([5.0, 7.0]))
    np.testing.assert_allclose(normal, [6.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(r, [3.0, 7.0], atol=1e-12)


@pytest.mark.parametrize(("field", "expected"), [(0.7, 0.0), (0.7 * (1 + 1e-4), 0.49e-4)])
def test_a_field_at_the_edge_of_the_box_is_held(field, expected):
    """``|S| = 1`` exactly: the velocity vanishes, and no plane is said to move."""
    normal, _ = solved(np.array([[0.7, 0.0]]), np.array([field, 0.0]))
    assert normal[0] == pytest.approx(expected, rel=1e-6)


def test_the_unbounded_force_leaves_no_normal_part():
    for D, h in zip(*problem("generic", 3)):
        D, S = D[:2].copy(), np.empty(2)  # independent, so that the ridge is the only error
        free_multipliers(D, np.ones(2, dtype=bool), h, S)
        normal = np.abs(D @ (h + D.T @ S)) / np.linalg.norm(D, axis=1) / np.linalg.norm(h)
        assert normal.max() < 1e-8
        free_multipliers(D, np.array([True, False]), h, S)
        assert S[1] == 0.0
        assert abs(D[0] @ (h + D.T @ S)) < 1e-8 * np.linalg.norm(D[0]) * np.linalg.norm(h)
