"""Planes that a neuron is driven through while others hold it: `settle` leaves the same ones."""

from __future__ import annotations

import numpy as np
import pytest

from lowrot import _jit
from lowrot.flow.neuron import _begin as module


def meeting(rng, held, d):
    """A neuron on some planes and on one more, its field, and planes that it is not on."""
    count = held + 4
    U = rng.normal(size=(count, d))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    v = np.linalg.svd(U[: held + 1])[2][-1]
    pattern = np.sign(U @ v).astype(np.int8)
    pattern[: held + 1] = 0
    jump = rng.uniform(0.8, 1.5, size=(2, count)) * rng.choice([-1.0, 1.0], size=count)
    jump[1] *= 0.1
    base = rng.normal(size=(2, d)) * np.array([[0.3], [0.1]])
    base[0] += rng.choice([-2.0, 2.0]) * U[held]
    return (U, np.ascontiguousarray(U.T), base, jump), v, pattern


def begun(drive, a, v, pattern, met):
    """Rank and end of an arc, its pattern, where it begins, and its field."""
    U, d = drive[0], len(v)
    v, pattern, leaving = v.copy(), pattern.copy(), np.empty(len(U), dtype=np.int8)
    basis, arc = np.empty((d, d)), np.empty((3, d))
    room = np.empty((d, d)), np.empty(len(U)), np.empty((d + 1, d)), np.empty(len(U))
    given = drive, (1.0, 0.7), a, v, pattern, met, (0.2, 0.9), basis, arc, leaving, room
    rank, left = module.begin(*given)
    return rank, left, pattern, arc


@pytest.mark.parametrize(("held", "d"), [(1, 3), (2, 4), (4, 8)])
@pytest.mark.parametrize("a", [1.3, -0.8])
def test_planes_that_are_passed_are_those_that_settling_leaves(held, d, a, monkeypatch):
    rng, asked, passed = np.random.default_rng(held), [], 0
    with _jit.interpreted(), monkeypatch.context() as patch:
        settle = module.settle
        patch.setattr(module, "settle", lambda *given: asked.append(1) or settle(*given))
        for _ in range(150):
            drive, v, pattern = meeting(rng, held, d)
            slow, asked[:] = begun(drive, a, v, pattern, -1), []
            fast = begun(drive, a, v, pattern, held)
            passed += not asked and slow[0] == held
            assert fast[:2] == (slow[0], pytest.approx(slow[1], rel=1e-9))
            np.testing.assert_array_equal(fast[2], slow[2])
            np.testing.assert_allclose(fast[3], slow[3], atol=1e-9)
    assert passed > 15
