"""The enumeration of activation cells: counts, degenerate arrangements, rigour."""

import math
from fractions import Fraction

import numpy as np
import pytest

from lowrot.data import sparse_parity
from lowrot.optima import _arrangement


def normals(N, r, seed=0):
    V = np.random.default_rng(seed).standard_normal((N, r))
    return V / np.linalg.norm(V, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("N", "r", "cells"), [(1, 1, 2), (5, 2, 10), (3, 3, 8), (6, 3, 32), (5, 4, 30)]
)
def test_generic_hyperplanes_have_the_known_number_of_cells(N, r, cells):
    assert _arrangement.count(N, r) == cells
    found = _arrangement.enumerate_cells(normals(N, r) if r > 1 else np.ones((1, 1)))
    assert found.signs.shape == (cells, N)
    assert len(np.unique(found.signs, axis=0)) == cells


@pytest.mark.parametrize(("N", "r"), [(12, 2), (9, 3), (8, 4), (8, 5)])
def test_every_random_direction_lies_in_a_listed_cell(N, r):
    V = normals(N, r, 1)
    found = _arrangement.enumerate_cells(V)
    listed = {row.tobytes() for row in found.signs}
    directions = np.random.default_rng(2).standard_normal((20_000, r))
    signs = np.sign(directions @ V.T).astype(np.int8)
    assert {row.tobytes() for row in np.unique(signs, axis=0)} <= listed
    assert np.array_equal(np.sign(found.inside @ V.T).astype(np.int8), found.signs)


@pytest.mark.parametrize("d", [3, 4, 5])
def test_degenerate_arrangements_lose_no_cell(d):
    # The hyperplanes of the hypercube meet in far from general position.
    V = sparse_parity(d).X.numpy()[: 2 ** (d - 1)]
    found = _arrangement.enumerate_cells(V)
    assert len(found.signs) == _arrangement.count(len(V), d)
    listed = {row.tobytes() for row in found.signs}
    directions = np.random.default_rng(0).standard_normal((20_000, d))
    signs = np.unique(np.sign(directions @ V.T).astype(np.int8), axis=0)
    assert {row.tobytes() for row in signs} <= listed


def test_hyperplanes_closer_than_float64_resolves_do_not_hide_cells():
    angles = np.array([0.0, 1e-15, 1e-12, 1.0])
    V = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert len(_arrangement.enumerate_cells(V).signs) == 8


def test_batches_change_nothing(monkeypatch):
    whole = _arrangement.enumerate_cells(normals(9, 4))
    monkeypatch.setattr(_arrangement, "_CANDIDATES", 1000)
    parts = _arrangement.enumerate_cells(normals(9, 4))
    assert np.array_equal(whole.signs, parts.signs)
    assert np.allclose(whole.inside, parts.inside)


def test_an_arrangement_that_stays_degenerate_is_an_error(monkeypatch):
    monkeypatch.setattr(_arrangement, "_NOISE_BITS", 0)
    monkeypatch.setattr(
        _arrangement, "_noisy_integers", lambda V, seed: np.array([[1, 0], [2, 0]], object)
    )
    with pytest.raises(RuntimeError, match="no simple arrangement of 2 hyperplanes"):
        _arrangement.enumerate_cells(np.eye(2))


def test_a_count_that_does_not_match_is_an_error(monkeypatch):
    monkeypatch.setattr(_arrangement, "count", lambda N, r: 9)
    with pytest.raises(RuntimeError, match="after 2 perturbations"):
        _arrangement.enumerate_cells(normals(4, 2), seeds=2)


def test_cross_products_are_exact():
    M = np.array([[1, 0, 0], [0, 1, 0], [2**80, 1, 1]], dtype=object)
    rays = _arrangement._cross_product(M, np.array([[0, 1], [0, 2]]))
    assert rays.tolist() == [[0, 0, 1], [0, -1, 1]]
    assert math.isclose(2.0**80 + 1, 2.0**80)


def test_the_integers_are_within_the_shift_of_the_normals():
    # Small coordinates have more binary places than the integers keep.
    V = normals(9, 4, 3) * np.array([1.0, 1e-4, 1e-9, 1e-14])
    V = V / np.linalg.norm(V, axis=1, keepdims=True)
    unit = Fraction(1, 2 ** (_arrangement._BITS + _arrangement._EXTRA_BITS))
    whole = _arrangement._noisy_integers(V, 0)
    off = [
        sum((Fraction(x) - k * unit) ** 2 for x, k in zip(row, integers))
        for row, integers in zip(V.tolist(), whole.tolist())
    ]
    shift = Fraction(_arrangement.enumerate_cells(normals(4, 2)).shift)
    assert 0 < max(off) <= shift**2
    # Not much more than that is allowed for: the bound of `global_margin` pays for it.
    assert shift**2 <= (10**12) * max(off)


@pytest.mark.parametrize(("N", "r"), [(1, 1), (1, 4), (2, 3), (4, 3), (6, 2)])
def test_the_count_is_schlaeflis_recursion(N, r):
    # A further hyperplane is cut by the others into the cells of one dimension less.
    assert _arrangement.count(1, r) == 2
    assert _arrangement.count(N + 1, r) == _arrangement.count(N, r) + (
        _arrangement.count(N, r - 1) if r > 1 else 0
    )
