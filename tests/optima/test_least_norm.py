"""The point of least norm in a convex hull, on its own."""

import numpy as np
import pytest

from lowrot.optima import _least_norm


@pytest.mark.parametrize(("k", "n"), [(2, 5), (5, 5), (30, 12)])
def test_the_point_of_least_norm_satisfies_its_optimality_conditions(k, n):
    A = np.random.default_rng(k).standard_normal((k, n)) + 0.5
    q = _least_norm.least_norm(A)
    point = A @ q
    assert q.min() >= 0
    assert q.sum() == pytest.approx(1)
    assert (A.T @ point).min() >= point @ point - 1e-9


def test_a_working_set_finds_the_same_point(monkeypatch):
    A = np.random.default_rng(0).standard_normal((3, 400)) + np.array([[1.5], [0], [0]])
    whole = A @ _least_norm.least_norm(A)
    monkeypatch.setattr(_least_norm, "_WORKING_POINTS", 40)
    assert np.allclose(A @ _least_norm.least_norm(A), whole, atol=1e-8)


def test_the_origin_inside_the_hull_is_found_exactly():
    A = np.array([[1.0, -1.0, 0.3], [0.0, 0.0, 1.0]])
    assert np.linalg.norm(A @ _least_norm.least_norm(A)) < 1e-14


@pytest.mark.parametrize("seed", range(4))
def test_a_working_set_leaves_no_column_that_violates_optimality(seed, monkeypatch):
    # All points lie within 1e-6 of two: whatever is chosen first is nearly optimal, but not quite.
    monkeypatch.setattr(_least_norm, "_WORKING_POINTS", 40)
    rng = np.random.default_rng(seed)
    A = np.stack([1 + 1e-6 * rng.random(600), np.where(rng.random(600) < 0.5, 1.0, -1.0)])
    q = _least_norm.least_norm(A)
    square = (A @ q) @ (A @ q)
    assert (A.T @ (A @ q)).min() >= square * (1 - 2e-10)


@pytest.mark.parametrize("spoiled", ["_interior_point", "_active_set_points"])
def test_the_better_of_both_methods_is_kept(spoiled, monkeypatch):
    A = np.random.default_rng(3).standard_normal((3, 12)) + 0.8
    q = _least_norm.least_norm(A)
    best = np.linalg.norm(A @ q)
    poor = 0.99 * q + 0.01 / 12
    assert np.linalg.norm(A @ poor) > (1 + 1e-4) * best
    replacement = (lambda A: poor) if spoiled == "_interior_point" else (lambda *_: [poor])
    monkeypatch.setattr(_least_norm, spoiled, replacement)
    assert np.linalg.norm(A @ _least_norm.least_norm(A)) == pytest.approx(best, rel=1e-9)
