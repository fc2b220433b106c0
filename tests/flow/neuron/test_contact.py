"""One neuron over one interval, in contact with planes and out of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import expm

from lowrot.flow.neuron import _contact
from lowrot.flow.neuron._contact import (
    ARC,
    at,
    contact,
    energy,
    motion,
    slip,
    speed,
    velocity_along,
)
from lowrot.flow.neuron._propagate import field

BOTH = (1.0, 1.0)
AXES = np.array([[1.0, 0.0], [0.0, 1.0]])


class Interval:
    """A neuron at v with outer weight a, its contact, and its motion over dt."""

    def __init__(self, U, mean, jump, a, v, dt, crossed=None, rates=BOTH):
        self.U, self.a, self.v = np.array(U, dtype=float), a, np.array(v, dtype=float)
        (N, d), self.rates = self.U.shape, rates
        still = np.zeros((1, d)), np.zeros((1, N))
        base = np.concatenate([np.array(mean, dtype=float)[None] @ self.U, still[0]])
        jump = np.concatenate([np.array(jump, dtype=float)[None], still[1]])
        drive = self.U, np.ascontiguousarray(self.U.T), base, jump
        z = self.U @ self.v
        pattern = np.where(np.abs(z) < 1e-12, 0, np.sign(z)).astype(np.int8)
        self.free, self.stuck = np.empty(N, dtype=np.int8), np.empty(N, dtype=bool)
        crossed = np.zeros(N, dtype=bool) if crossed is None else np.array(crossed)
        self.basis, both = np.empty((d, d)), np.empty((2, d))
        found = (crossed, self.free, self.stuck, self.basis)
        self.rank = contact(self.U, z, a, self.v, pattern, jump[0] * rates[1], *found)
        field(drive, self.free, both)
        self.h = both[0]
        self.arc, self.end, self.pattern = np.empty((ARC, d)), np.empty(d), np.empty(N, np.int8)
        place = (self.free, self.stuck, self.basis, self.rank, both, 0.0, dt)
        self.outer = motion(drive, rates, a, self.v, *place, self.arc, self.end, self.pattern)

    def at(self, dt):
        v = np.empty(len(self.v))
        return at(self.arc, self.a, self.rank > 0, dt, self.rates, v), v


def test_out_of_contact_the_field_is_constant():
    one = Interval(AXES, (0.5, -0.7), (0.0, -0.3), 1.0, (1.0, 0.3), 0.8)
    assert (one.rank, one.pattern.tolist()) == (0, [1, 1])
    M = np.zeros((3, 3))
    M[0, 1:] = M[1:, 0] = one.h
    want = expm(0.8 * M) @ [1.0, 1.0, 0.3]
    np.testing.assert_allclose([one.outer, *one.end], want, rtol=1e-12)
    a, v = one.at(0.8)
    np.testing.assert_allclose([a, *v], want, rtol=1e-12)


@pytest.mark.parametrize("height", [0.0, 5e-4])
def test_near_an_attracting_plane_a_neuron_ends_on_it(height):
    one = Interval(AXES, (0.5, -0.1), (0.0, -0.9), 1.0, (0.7, height), 0.6)
    assert one.stuck.tolist() == [False, True]
    assert one.pattern.tolist() == [1, 0]
    assert abs(one.end[1]) < 1e-13  # the ridge of the solve
    want = math.cosh(0.3) + 0.7 * math.sinh(0.3)
    assert one.outer == pytest.approx(want, rel=1e-12)
    # The norm is that of the invariant, which knows of the height.
    assert one.end @ one.end == pytest.approx(want**2 - 1 + 0.49 + height**2, rel=1e-12)


def test_a_plane_just_crossed_does_not_hold():
    arguments = AXES, (0.5, -0.1), (0.0, -0.9), 1.0, (0.7, 5e-4), 1e-4
    assert Interval(*arguments).stuck.tolist() == [False, True]
    assert Interval(*arguments, crossed=[False, True]).stuck.tolist() == [False, False]


def test_a_plane_that_repels_does_not_hold():
    assert not Interval(AXES, (0.5, 0.1), (0.0, 0.9), 1.0, (0.7, 5e-4), 0.1).stuck.any()


def test_a_plane_lets_go_where_the_field_is_stronger():
    """|-0.9 S + 1.2| > 0: the end is on the side that pulls."""
    one = Interval(AXES, (0.5, 1.2), (0.0, -0.9), 1.0, (0.7, 0.0), 0.2)
    assert one.stuck.tolist() == [False, True]
    assert one.pattern.tolist() == [1, 1]
    assert one.end[1] > 0


def test_on_two_planes_a_neuron_goes_along_their_line():
    U = [[0, 1, 0], [0, 0.6, 0.8], [1, 0, 0]]
    one = Interval(U, (0.05, -0.05, 0.3), (-0.5, -0.45, 0.0), 0.8, (0.7, 0.0, 0.0), 1.5)
    assert one.rank == 2
    want = 0.8 * math.cosh(0.45) + 0.7 * math.sinh(0.45)
    np.testing.assert_allclose(one.outer, want, rtol=1e-12)
    assert one.pattern.tolist() == [0, 0, 1]
    np.testing.assert_allclose(one.end[0], math.sqrt(want**2 - 0.64 + 0.49), rtol=1e-12)
    assert np.abs(one.end[1:]).max() < 1e-12


def test_nearly_parallel_planes_do_not_drag_a_neuron_along():
    """Near both planes, v is far from the line they share: no contact with either."""
    tilt = 1e-4
    U = [[0.0, 0.0, 1.0], [math.sin(tilt), 0.0, math.cos(tilt)]]
    arguments = U, (0.0, 0.0), (-0.5, -0.5), 1.0, (0.9, 0.4, 5e-5), 0.1
    assert not Interval(*arguments).stuck.any()


def test_frozen_inner_weights_stay():
    one = Interval(AXES, (0.5, -0.1), (0.0, -0.9), 1.0, (0.7, 0.0), 2.0, rates=(1.0, 0.0))
    np.testing.assert_allclose(one.end, one.v)
    assert slip(one.arc, 1.0, True, 2.0, one.rates, np.empty(2)) == 0.0


@pytest.mark.parametrize("mean", [-0.1, 1.2])
@pytest.mark.parametrize("rates", [BOTH, (0.5, 2.0)])
def test_energy_is_the_integral_of_the_speed(mean, rates):
    """By Radau's two points, exact to order 3; and the speed is that of differences."""
    errors = []
    for dt in (0.2, 0.1):
        one = Interval(AXES, (0.5, mean), (0.0, -0.9), 1.0, (0.7, 0.0), dt, rates=rates)
        nodes, weights = np.polynomial.legendre.leggauss(12)
        total = 0.0
        for x, weight in zip(nodes, weights):
            t = 0.5 * dt * (1 + x)
            a, v = one.at(t)
            total += 0.5 * dt * weight * speed(one.arc, True, a, v, t, rates)
        got = energy(one.arc, 1.0, True, one.outer, one.end, dt, rates, np.empty(2))
        errors.append(abs(got / total - 1.0))
    assert errors[0] < 1e-2
    assert errors[1] < errors[0] / 6
    a, v = one.at(0.05)
    late, w = one.at(0.05 + 1e-6)
    early, u = one.at(0.05 - 1e-6)
    inner = ((w - u) / 2e-6) @ ((w - u) / 2e-6)
    measured = ((late - early) / 2e-6) ** 2 / rates[0] + inner / rates[1]
    assert speed(one.arc, True, a, v, 0.05, rates) == pytest.approx(measured, rel=0.1)


def test_slip_is_counted_where_a_plane_lets_go():
    held = Interval(AXES, (0.5, -0.1), (0.0, -0.9), 1.0, (0.7, 0.0), 0.2)
    leaves = Interval(AXES, (0.5, 1.2), (0.0, -0.9), 1.0, (0.7, 0.0), 0.2)
    assert slip(held.arc, 1.0, True, 0.2, BOTH, np.empty(2)) < 1e-25
    away = float(np.hypot(*leaves.arc[_contact._DRIFT])) * 0.2
    got = slip(leaves.arc, 1.0, True, 0.2, BOTH, np.empty(2))
    size = math.hypot(*leaves.end) + away
    assert got == pytest.approx(leaves.outer * away**2 / size, rel=1e-12)


def test_the_way_off_a_plane_is_of_order_two():
    """``y' = a c`` with a growing outer weight: local errors fall like the cube of the interval."""
    errors = []
    for dt in (0.2, 0.1, 0.05):
        one = Interval(AXES, (2.0, 1.2), (0.0, -0.9), 1.0, (0.7, 0.0), dt)
        M = np.zeros((3, 3))
        M[0, 1:] = M[1:, 0] = 2.0, 0.3
        errors.append(abs(one.end[1] - (expm(dt * M) @ [1.0, 0.7, 0.0])[2]))
    assert errors[0] < 0.02
    assert errors[1] < errors[0] / 6
    assert errors[2] < errors[1] / 6


def test_velocities_are_differences():
    """In contact the slip counts, along whatever normal one asks."""
    normal = np.array([0.6, 0.8])
    for height, rank in ((0.0, 1), (0.3, 0)):
        one = Interval(AXES, (0.5, 1.2), (0.0, -0.9), 1.0, (0.7, height), 0.2)
        slope = (one.at(1e-6)[1] - one.v) @ normal / 1e-6
        got = velocity_along(one.arc, one.rank > 0, 1.0, 0.0, BOTH, normal)
        assert got == pytest.approx(slope, rel=1e-5)
        assert one.rank == rank


def test_beyond_a_plane_the_side_is_that_of_the_neuron():
    """Whatever the pattern said; on the plane itself the pattern stays."""
    U, crossed = np.eye(2), np.ones(2, dtype=bool)
    for height, side in ((-1e-8, -1), (0.0, 1), (1e-8, 1)):
        v, pattern = np.array([1.0, height]), np.array([1, 1], dtype=np.int8)
        free, stuck, basis = np.empty(2, np.int8), np.empty(2, bool), np.empty((2, 2))
        jump = np.array([0.0, -1.0])
        contact(U, U @ v, 1.0, v, pattern, jump, crossed, free, stuck, basis)
        assert free.tolist() == [1, side]
