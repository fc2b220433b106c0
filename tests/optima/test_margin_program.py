"""The two solvers over the simplex, on their own."""

import numpy as np
import pytest

from lowrot.optima import _conic, _least_norm, _margin_program


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


@pytest.mark.parametrize("unit", [1.0, 1e-5, 1e-8])
def test_small_margins_are_solved_in_their_own_unit(unit):
    # Column 0 favours row 0 strongly, column 1 row 1 weakly: the value is about unit.
    C = np.array([[1.0, -0.5 + unit], [-0.5, 0.25 + unit]])
    u, q, value = _margin_program.solve_margin_program(C)
    assert (C @ u).min() == pytest.approx(value, rel=1e-6)
    assert (q @ C).max() == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("batch", [2, 10, 1000])
def test_column_generation_equals_the_whole_program(batch):
    C = np.random.default_rng(1).standard_normal((6, 500))
    working, u, q = _margin_program.margin_program(
        lambda index: C[:, index], lambda q: q @ C, 6, 500, batch=batch
    )
    value = _margin_program.solve_margin_program(C).value
    assert (C[:, working] @ u).min() == pytest.approx(value, rel=1e-6)
    assert (q @ C).max() == pytest.approx(value, rel=1e-6)


def test_projection_makes_a_point_of_the_simplex():
    assert _conic.project(np.array([2.0, -1e-9, np.nan, 2.0])).tolist() == [0.5, 0, 0, 0.5]
    assert _conic.project(np.zeros(4)).tolist() == [0.25] * 4
