"""Distinct hyperplanes: the form that they give every input, parallel inputs, the span."""

import numpy as np
import pytest

from lowrot import _hyperplanes as module
from lowrot._hyperplanes import Hyperplanes, distinct_hyperplanes


def rows(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def form(found):
    """The inputs from the form: side ||z|| normals[plane], in the basis."""
    lengths = np.linalg.norm(found.Z, axis=1)
    return (found.side * lengths)[:, None] * found.normals[found.plane] @ found.basis


@pytest.mark.parametrize(("n", "d", "rank"), [(7, 3, 3), (3, 7, 3), (9, 6, 2), (5, 1, 1)])
def test_every_input_has_the_form_up_to_its_error(n, d, rank):
    X = rows(n, rank, 1) @ rows(rank, d, 2)
    found = distinct_hyperplanes(X)
    assert found.basis.shape == (rank, d)
    assert np.allclose(found.basis @ found.basis.T, np.eye(rank), atol=1e-14)
    assert np.allclose(np.linalg.norm(found.normals, axis=1), 1, atol=1e-15)
    assert found.error == pytest.approx(np.linalg.norm(X - form(found), axis=1), abs=1e-16)
    assert found.error.max() < 1e-13


def test_parallel_inputs_share_a_hyperplane_and_know_their_side():
    X = rows(4, 3)
    found = distinct_hyperplanes(np.concatenate([X, -0.5 * X, 3 * X]))
    assert len(found.normals) == 4
    assert found.plane.tolist() == [0, 1, 2, 3] * 3
    assert found.side.tolist() == [1.0] * 4 + [-1.0] * 4 + [1.0] * 4
    assert found.error.max() < 1e-14


def test_nearly_parallel_inputs_do_not_share_one():
    for angle in (1e-14, 1e-9):
        X = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)], [0.0, 1.0]])
        assert len(distinct_hyperplanes(X).normals) == 3
    # Closer than float64 resolves a direction, they do, and the error says by how much.
    merged = distinct_hyperplanes(np.array([[1.0, 0.0], [1.0, 5e-16], [0.0, 1.0]]))
    assert len(merged.normals) == 2
    assert merged.error[1] == pytest.approx(5e-16, abs=3e-16)


def test_the_span_drops_directions_that_are_rounding():
    X = np.array([[1.0, 0.0], [1.0, 1e-14], [0.5, 0.0]])
    assert len(distinct_hyperplanes(X).basis) == 1
    assert len(distinct_hyperplanes(X + np.array([[0, 0], [0, 1e-11], [0, 0]])).basis) == 2


def test_equality_is_identity():
    found = distinct_hyperplanes(rows(3, 2))
    assert found == found
    assert found != Hyperplanes(**vars(found))
    assert len({found}) == 1


@pytest.mark.parametrize("short", [1e-3, 1e-9, 1e-13, 1e-100])
def test_a_short_input_spans_its_own_direction(short):
    X = rows(3, 3)
    X[1:] *= [[short], [short**0.5]]
    found = distinct_hyperplanes(X)
    assert found.basis.shape == (3, 3)
    assert (found.error <= 1e-14 * np.linalg.norm(X, axis=1)).all()


@pytest.mark.parametrize("entries", [2**20, 7])
def test_blocks_and_products_find_what_a_walk_over_all_rows_finds(monkeypatch, entries):
    """Copies, opposite ones, some that rounding moves, and some that are just not parallel."""
    monkeypatch.setattr(module, "_ENTRIES", entries)
    base, noise = rows(20, 3), rows(20, 3, seed=1)
    X = np.concatenate([base, -2.0 * base[::-1], base + 1e-16 * noise, base + 1e-13 * noise])
    found = distinct_hyperplanes(X)
    units = found.Z / np.linalg.norm(found.Z, axis=1, keepdims=True)
    normals = []
    for unit, plane in zip(units, found.plane):
        away = [min(np.linalg.norm(n - unit), np.linalg.norm(n + unit)) for n in normals]
        if not away or min(away) > 1e-15:
            normals.append(unit)
            away.append(0.0)
        assert plane == np.argmin(away)
    np.testing.assert_array_equal(found.normals, normals)
    assert 40 <= len(normals) <= 80
