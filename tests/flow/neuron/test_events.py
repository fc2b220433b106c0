"""The events of an arc, against roots of the closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from lowrot.flow.neuron._arc import ARC, at
from lowrot.flow.neuron._events import (
    first_crossed,
    meet,
    meeting_time,
    turned,
    turning_time,
    visited,
)

BOTH = (1.0, 1.0)
UP = np.array([0.0, 1.0])


def arc_of(v, h, rate=(0.0, 0.0)):
    """An arc from v in a field h that changes at a rate."""
    arc = np.empty((ARC, len(v)))
    arc[0], arc[1], arc[2] = v, h, rate
    return arc


def place(arc, a, t):
    """Outer and inner weights after t."""
    v = np.empty(arc.shape[1])
    return at(arc, a, t, BOTH, v), v


@pytest.mark.parametrize("guess", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_time_of_meeting(guess, side):
    a, v, h = 1.0, np.array([1.0, 0.3 * side]), -0.9 * side

    def height(t):
        """A hyperbola."""
        return v[1] * math.cosh(h * t) + a * math.sinh(h * t)

    want = brentq(height, 0.0, 1.0, xtol=1e-15)
    arc, inner = arc_of(v, [0.0, h]), np.empty(2)
    got, outer = meeting_time(arc, a, 1.0, BOTH, side, UP, guess, inner)
    assert got == pytest.approx(want, rel=1e-12)
    there = place(arc, a, got)
    assert outer == pytest.approx(there[0], rel=1e-15)
    np.testing.assert_allclose(inner, there[1], atol=1e-15)


@pytest.mark.parametrize("a", [1.0, -1.0])
def test_on_a_plane_it_is_met_at_once_unless_the_neuron_leaves_first(a):
    falling = arc_of([1.0, 0.0], [0.0, -a])
    v = np.empty(2)
    assert meeting_time(falling, a, 1.0, BOTH, 1.0, UP, 0.0, v) == (0.0, a)
    assert v.tolist() == [1.0, 0.0]
    # a h_2 = 1 - 2 t: up, and down again.
    returning = arc_of([1.0, 0.0], [0.0, a], [0.0, -2.0 * a])
    got, _ = meeting_time(returning, a, 1.5, BOTH, 1.0, UP, 0.0, np.empty(2))
    assert got == pytest.approx(1.0, abs=1e-12)  # the impulse t - t^2 is zero again


@pytest.mark.parametrize("normal", [[0.0, 1.0], [-0.6, 0.8]])
def test_the_time_is_within_the_interval(normal):
    """Also where the plane is met beyond it, or never."""
    arc = arc_of([0.0, 0.3], [0.4, -0.2])
    for dt in (1e-3, 0.1, 0.4):
        got, outer = meeting_time(arc, 1.0, dt, BOTH, 1.0, np.array(normal), 0.9, np.empty(2))
        assert 0.0 <= got <= dt
        assert outer == place(arc, 1.0, got)[0]


def test_the_plane_crossed_first_on_a_straight_line():
    columns, v, scratch = np.eye(3), np.array([-1.0, -0.2, 0.1]), np.empty(3)
    z = np.array([1.0, 0.2, -0.5])
    for pattern, want in (
        ([1, 1, -1], (0, 0.5)),
        ([0, 0, -1], (2, 5 / 6)),
        ([1, -1, -1], (0, 0.5)),
        ([0, 0, 0], (-1, 2.0)),
    ):
        plane, fraction = first_crossed(columns, np.array(pattern, np.int8), z, v, scratch)
        assert (plane, fraction) == (want[0], pytest.approx(want[1]))
        np.testing.assert_allclose(scratch, v)


@pytest.mark.parametrize("a", [1.0, -1.0])
@pytest.mark.parametrize(("height", "found"), [(0.2, True), (0.26, False)])
def test_a_plane_crossed_there_and_back_is_found(a, height, found):
    """The impulse along the normal is ``t^2 - t``, least at 1/2: about -1/4."""
    arc = arc_of([1.0, height], [0.0, -a], [0.0, 2.0 * a])
    pattern, z = np.array([1, 1], dtype=np.int8), arc[0].copy()
    assert place(arc, a, 1.0)[1][1] == pytest.approx(height)
    plane, time = visited(np.eye(2), arc, a, a, 1.0, BOTH, pattern, z, np.empty(2))
    assert (plane, time) == ((1, 0.5) if found else (-1, 0.0))
    if found:
        assert place(arc, a, 0.5)[1][1] < 0.0
    # Neither planes that are held nor fields that do not turn are searched.
    pattern[1] = 0
    assert visited(np.eye(2), arc, a, a, 1.0, BOTH, pattern, z, np.empty(2))[0] == -1
    pattern[1], arc[2] = 1, 0.0
    assert visited(np.eye(2), arc, a, a, 1.0, BOTH, pattern, z, np.empty(2))[0] == -1


@pytest.mark.parametrize("part", [0.9, 1.1])
def test_a_short_visit_is_found_up_to_its_depth(part):
    """``h_2 = 2 (t - 0.95 dt)``: after 0.95 dt the neuron is ``(0.95 dt)^2`` further down."""
    dt = 1e-3
    arc = arc_of([1.0, part * (0.95 * dt) ** 2], [0.0, -1.9 * dt], [0.0, 2.0])
    plane, time = visited(
        np.eye(2), arc, 1.0, 1.0, dt, BOTH, np.array([1, 1], np.int8), arc[0].copy(), np.empty(2)
    )
    assert (plane, time) == ((1, pytest.approx(0.95 * dt)) if part < 1.0 else (-1, 0.0))


@pytest.mark.parametrize("seed", range(20))
def test_no_crossing_there_and_back_is_missed(seed):
    """Against heights at a thousand times; planes near and far, fields that turn."""
    rng = np.random.default_rng(seed)
    U = rng.standard_normal((40, 3))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    arc, a = arc_of(*rng.standard_normal((3, 3))), 1.5 + rng.uniform()
    dt = 0.5
    z = U @ arc[0]
    pattern, times = np.sign(z).astype(np.int8), np.linspace(0.0, dt, 1001)
    ways = [place(arc, a, t) for t in times]
    if min(outer for outer, _ in ways) <= 0.0:
        return  # the outer weight turns first
    heights = pattern * (np.array([v for _, v in ways]) @ U.T)
    there = (heights.min(axis=0) < -1e-6) & (heights[-1] > 0.0)
    found, pattern = set(), pattern.copy()
    while (plane := visited(U, arc, a, 1.0, dt, BOTH, pattern, z, np.empty(3))[0]) >= 0:
        found.add(int(plane))
        pattern[plane] = 0
    assert set(np.flatnonzero(there)) <= found
    assert all(heights[:, k].min() < 1e-5 for k in found)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_time_of_turning(sign):
    """``a = cosh t - 2 sinh t`` in a field of one against v."""
    arc = arc_of([2.0, 0.0], [-sign, 0.0])
    end, v = place(arc, sign, 2.0)
    assert turned(arc, sign, sign, 2.0, end, BOTH, v) == 2.0
    inner = np.empty(2)
    got, outer = turning_time(arc, sign, sign, 2.0, BOTH, inner)
    assert got == pytest.approx(math.atanh(0.5), rel=1e-12)
    assert outer == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_array_equal(inner, place(arc, sign, got)[1])
    end, v = place(arc, sign, 0.3)
    assert turned(arc, sign, sign, 0.3, end, BOTH, v) == 0.0


@pytest.mark.parametrize(("start", "found"), [(0.3, True), (0.7, False)])
def test_an_outer_weight_that_turns_twice_is_found(start, found):
    """``h.v`` is about ``2 (2 t - 1)``: a falls by about 1/2, and comes back."""
    arc = arc_of([2.0, 0.0], [-1.0, 0.0], [2.0, 0.0])
    end, v = place(arc, start, 1.0)
    assert end > 0.0
    beyond = turned(arc, start, 1.0, 1.0, end, BOTH, v)
    assert (beyond > 0.0) == found
    if found:
        assert place(arc, start, beyond)[0] < 0.0
        time, _ = turning_time(arc, start, 1.0, beyond, BOTH, np.empty(2))
        assert place(arc, start, time)[0] == pytest.approx(0.0, abs=1e-12)
        assert time < beyond


def drive_of(U):
    U = np.array(U, dtype=float)
    return U, np.ascontiguousarray(U.T), np.zeros((2, U.shape[1])), np.zeros((2, len(U)))


def test_meeting_a_plane_keeps_the_norm_and_meets_those_through_the_same_point():
    U, v = [[0.0, 1.0], [0.6, 0.8], [0.0, -1.0]], np.array([3.0, 4.0])
    pattern = np.ones(3, dtype=np.int8)
    meet(drive_of(U), v, pattern, 0, np.empty(3))
    np.testing.assert_allclose(v, [5.0, 0.0])
    assert pattern.tolist() == [0, 1, 0]


@pytest.mark.parametrize("normal", [[0.0, 1.0], [0.6, 0.8], [1.0, 3.0]])
def test_a_neuron_along_the_normal_meets_its_plane_at_zero(normal):
    """What rounding leaves of it has no direction."""
    normal = np.array(normal) / np.linalg.norm(normal)
    v, pattern = 0.3 * normal, np.ones(2, dtype=np.int8)
    v[0] *= 1.0 + 1e-15
    meet(drive_of([normal, [-0.8, 0.6]]), v, pattern, 0, np.empty(2))
    assert v.tolist() == [0.0, 0.0]
    assert pattern.tolist() == [0, 0]
