"""The meeting of a course with a plane, against roots of the closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from lowrot.flow.neuron._contact import ARC
from lowrot.flow.neuron._events import crosses, first_event, flatten, locate_event

BOTH = (1.0, 1.0)


def course(v, h):
    """A course out of contact from v in a constant field h."""
    arc = np.zeros((ARC, len(v)))
    arc[0] = arc[-1] = v
    arc[1] = h
    return arc


def height(a, v, h, t):
    """``v_2`` after t in the constant field (0, h): a hyperbola."""
    return v[1] * math.cosh(h * t) + a * math.sinh(h * t)


@pytest.mark.parametrize("guess", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_time_of_meeting(guess, side):
    a, v, h = 1.0, np.array([1.0, 0.3 * side]), -0.9 * side
    want = brentq(lambda t: height(a, v, h, t), 0.0, 1.0, xtol=1e-14)
    arc = course(v, [0.0, h])
    normal, scratch = np.array([0.0, 1.0]), np.empty(2)
    got = locate_event(arc, a, False, 1.0, BOTH, side, normal, guess, scratch)
    assert got == pytest.approx(want, rel=1e-9)


def test_on_a_plane_it_is_met_at_once_unless_the_neuron_leaves_first():
    normal, scratch = np.array([0.0, 1.0]), np.empty(2)
    falling = course(np.array([1.0, 0.0]), [0.0, -1.0])
    assert locate_event(falling, 1.0, False, 1.0, BOTH, 1.0, normal, 0.0, scratch) == 0.0
    # h_2 = 1 - 2 t: up, and down again.
    returning = course(np.array([1.0, 0.0]), [0.0, 1.0])
    returning[2] = [0.0, -2.0]
    got = locate_event(returning, 1.0, False, 1.5, BOTH, 1.0, normal, 0.0, scratch)
    assert 0.5 < got < 1.2


@pytest.mark.parametrize("normal", [[0.0, 1.0], [-0.6, 0.8]])
def test_the_time_is_within_the_interval(normal):
    """Also where the plane is met beyond it, or never."""
    arc = course(np.array([0.0, 0.3]), [0.4, -0.2])
    for dt in (1e-3, 0.1, 0.4):
        got = locate_event(arc, 1.0, False, dt, BOTH, 1.0, np.array(normal), 0.9, np.empty(2))
        assert 0.0 <= got <= dt


def test_the_plane_crossed_first_on_a_straight_line():
    columns = np.eye(3)
    free, stuck = np.array([1, 1, -1], dtype=np.int8), np.zeros(3, dtype=bool)
    z, v, scratch = np.array([1.0, 0.2, -0.5]), np.array([-1.0, -0.2, 0.1]), np.empty(3)
    plane, fraction = first_event(columns, free, stuck, z, v, scratch)
    assert (plane, fraction) == (0, pytest.approx(0.5))
    np.testing.assert_allclose(scratch, v)
    stuck[:2] = True
    plane, fraction = first_event(columns, free, stuck, z, v, scratch)
    assert (plane, fraction) == (2, pytest.approx(5 / 6))
    stuck[2] = True
    assert first_event(columns, free, stuck, z, v, scratch)[0] == -1


@pytest.mark.parametrize(
    ("field", "strength", "through"),
    [(-1.0, -0.3, True), (-1.0, -0.7, False), (-1.0, 0.3, True)],
)
def test_a_neuron_crosses_where_it_is_pulled_on(field, strength, through):
    """From above, a = 1: below the plane the normal field is ``field - 2 strength``."""
    arc, basis, scratch = course(np.ones(2), [0.2, field]), np.empty((2, 2)), np.empty(2)
    normal = np.array([0.0, 1.0])
    assert crosses(arc, 1.0, 0.0, 1.0, normal, strength, basis, 0, scratch) == through


def test_a_plane_whose_normal_is_held_already_is_not_crossed():
    arc, normal, scratch = course(np.ones(2), [0.2, -1.0]), np.array([0.0, 1.0]), np.empty(2)
    basis = np.array([[0.0, 1.0], [0.0, 0.0]])
    assert not crosses(arc, 1.0, 0.0, 1.0, normal, 0.3, basis, 1, scratch)


def test_flattening_keeps_the_norm():
    v = np.array([3.0, 4.0])
    flatten(v, np.array([0.0, 1.0]))
    np.testing.assert_allclose(v, [5.0, 0.0])
