"""The least velocity against SciPy's bounded least squares, on generic and on dependent planes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from lowrot.flow.neuron._sliding import free_multipliers, interior, minimal_norm_velocity, pivot


def reference(D, h):
    """The least ``h + D^T S`` with ``|S_k| <= 1``."""
    S = lsq_linear(D.T, -h, (-1.0, 1.0), method="bvls", tol=1e-15, max_iter=1000).x
    return h + D.T @ S


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


def split(D):
    """Unit normals and sizes of the jumps; where there is no jump, some normal."""
    bound = np.linalg.norm(D, axis=1)
    U = np.where(bound[:, None] > 0.0, D / np.maximum(bound, 1e-300)[:, None], np.eye(*D.shape))
    return np.ascontiguousarray(U), bound


def solved(D, h, method=minimal_norm_velocity):
    """Unit normals, their parts of the velocity, and that velocity."""
    U, bound = split(D)
    normal, r = np.empty(len(D)), np.empty(len(h))
    method(U, bound, np.ascontiguousarray(h), normal, r)
    return U, normal, r


@pytest.mark.parametrize("kind", ["generic", 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_bounded_least_squares(kind, seed):
    for one, field in zip(*problem(kind, seed)):
        U, got, r = solved(one, field)
        expected, size = reference(one, field), np.linalg.norm(field)
        np.testing.assert_allclose(r, expected, atol=2e-6 * size)
        moves = np.abs(U @ expected) > 2e-6 * size
        np.testing.assert_array_equal(got[moves] != 0, True)
        np.testing.assert_allclose(U @ r, got, atol=1e-9 * size)


@pytest.mark.parametrize("kind", ["generic", 3, 4, 5])
def test_the_interior_point_method_alone(kind):
    for one, field in zip(*problem(kind, 7)):
        U, normal, r = solved(one, field, interior)
        size = np.linalg.norm(field)
        np.testing.assert_allclose(r, reference(one, field), atol=2e-6 * size)
        assert np.abs(U @ r)[normal == 0].max(initial=0.0) <= 1e-9 * size


def test_pivoting_decides_where_planes_are_independent():
    """Without a round left it says so."""
    (D, *_), (h, *_) = problem("generic", 3)
    (U, bound), normal, r = split(D[:2]), np.empty(2), np.empty(3)
    assert pivot(U, bound, h, 8, normal, r)
    assert not pivot(U, bound, h, 0, normal, r)


def test_held_and_moving_planes_by_hand():
    """A force of -1 holds the first plane; at the second it is 1/2, all there is: r_2 = -5/2."""
    _, normal, r = solved(np.array([[2.0, 0.0], [0.0, 0.5]]), np.array([1.0, -3.0]))
    np.testing.assert_allclose(normal, [0.0, -2.5], atol=1e-12)
    np.testing.assert_allclose(r, [0.0, -2.5], atol=1e-12)


def test_a_plane_that_does_not_pull():
    """The first force is -2, r_1 = 3; the second jump is zero."""
    _, normal, r = solved(np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([5.0, 7.0]))
    np.testing.assert_allclose(normal, [3.0, 7.0], atol=1e-12)
    np.testing.assert_allclose(r, [3.0, 7.0], atol=1e-12)


@pytest.mark.parametrize(("field", "expected"), [(0.7, 0.0), (0.7 * (1 + 1e-4), 0.7e-4)])
def test_a_field_at_the_edge_of_the_box_is_held(field, expected):
    """The force is all of the jump exactly: the velocity vanishes, and no plane is said to move."""
    _, normal, _ = solved(np.array([[0.7, 0.0]]), np.array([field, 0.0]))
    assert normal[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("other", "moves"), [(0.0, True), (1e3, False)])
def test_what_is_small_against_all_forces_does_not_move(other, moves):
    """A velocity of 7e-8 across the first plane, with another jump of another size."""
    D, h = np.array([[0.7, 0.0], [0.0, other]]), np.array([0.7 * (1 + 1e-7), 0.0])
    assert bool(solved(D, h)[1].any()) == moves


def test_no_planes_leave_the_field_as_it_is():
    normal, r = np.empty(0), np.empty(2)
    minimal_norm_velocity(np.empty((0, 2)), np.empty(0), np.array([0.3, -2.0]), normal, r)
    assert r.tolist() == [0.3, -2.0]


def test_the_unbounded_force_leaves_no_normal_part():
    for D, h in zip(*problem("generic", 3)):
        U, s = split(D[:2])[0], np.empty(2)  # independent, so that the ridge is the only error
        free_multipliers(U, np.ones(2, dtype=bool), h, s)
        assert np.abs(U @ (h + U.T @ s)).max() < 1e-8 * np.linalg.norm(h)
        free_multipliers(U, np.array([True, False]), h, s)
        assert s[1] == 0.0
        assert abs(U[0] @ (h + U.T @ s)) < 1e-8 * np.linalg.norm(h)
