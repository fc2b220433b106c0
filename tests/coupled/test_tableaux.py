"""The implicit methods: order conditions, stability, and the error estimates they carry."""

import numpy as np
import pytest

from lowrot.coupled import METHODS


def tableau(method):
    A = np.zeros((len(method.stages), len(method.stages)))
    for i, row in enumerate(method.stages):
        A[i, : len(row)] = row
    return A, A[-1], A.sum(1)


@pytest.mark.parametrize("name", METHODS)
def test_order_conditions(name):
    _, b, c = tableau(METHODS[name])
    assert b.sum() == pytest.approx(1)
    if METHODS[name].order == 2:
        assert b @ c == pytest.approx(1 / 2)
    else:
        assert abs(b @ c - 1 / 2) > 0.1
    assert abs(b @ c**2 - 1 / 3) > 1e-3  # and no higher


@pytest.mark.parametrize("name", METHODS)
def test_weights_that_keep_the_simplex(name):
    A, _, c = tableau(METHODS[name])
    assert A.min() >= 0
    assert c[-1] == pytest.approx(1)  # stiffly accurate: the last stage is the end of the step


@pytest.mark.parametrize("name", METHODS)
def test_damping_at_infinity(name):
    A, b, _ = tableau(METHODS[name])
    stability = 1 - b @ np.linalg.solve(A, np.ones(len(b)))
    assert stability == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", METHODS)
def test_the_defect_is_the_distance_to_one_order_more(name):
    _, b, c = tableau(METHODS[name])
    better = np.concatenate([[0.0], b]) - METHODS[name].defect
    nodes = np.concatenate([[0.0], c])
    for power in range(METHODS[name].order + 1):
        assert better @ nodes**power == pytest.approx(1 / (power + 1), abs=1e-12)
