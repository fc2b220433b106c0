"""One neuron on one arc: which planes hold it, until when, and what it does in between."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq, linprog, lsq_linear

from lowrot.flow.neuron._arc import ARC, at, depart, energy, field_along, speed
from lowrot.flow.neuron._contact import release, settle

BOTH = (1.0, 1.0)
AXES = np.array([[1.0, 0.0], [0.0, 1.0]])


def drive_of(U, mean, jump, mean_rate=None, jump_rate=None):
    """The field of coefficients ``mean + t mean_rate`` and ``jump + t jump_rate`` of the planes."""
    U = np.array(U, dtype=float)
    mean, jump = (np.array(part, dtype=float) for part in (mean, jump))
    rates = (0.0 * jump if rate is None else np.array(rate) for rate in (mean_rate, jump_rate))
    mean_rate, jump_rate = rates
    base = np.stack([mean @ U, mean_rate @ U])
    return U, np.ascontiguousarray(U.T), base, np.stack([jump, jump_rate])


class One:
    """A neuron at (a, v) on the planes through v, after it has settled."""

    def __init__(self, drive, a, v, rates=BOTH, t=0.0, pattern=None):
        d, self.drive = drive[0].shape[1], drive
        self.a, self.v, self.rates, self.t = a, np.array(v, dtype=float), rates, t
        z = drive[0] @ self.v
        self.pattern = np.where(np.abs(z) < 1e-12, 0, np.sign(z)).astype(np.int8)
        if pattern is not None:
            self.pattern[:] = pattern
        self.basis, self.arc = np.empty((d, d)), np.empty((ARC, d))
        self.rank = settle(drive, rates, a, self.v, self.pattern, t, self.basis)
        depart(drive, self.v, self.pattern, t, self.basis, self.rank, self.arc)

    def at(self, dt):
        v = np.empty(len(self.v))
        return at(self.arc, self.a, dt, self.rates, v), v

    def release(self, dt):
        leaving = np.full_like(self.pattern, 7)
        place = self.arc, self.pattern, self.basis, self.rank, self.t, dt
        return float(release(self.drive, self.a, self.v, *place, leaving)), leaving


def test_off_planes_the_field_is_constant():
    one = One(drive_of(AXES, (0.5, -0.7), (0.0, -0.3)), 1.0, (1.0, 0.3))
    assert (one.rank, one.pattern.tolist()) == (0, [1, 1])
    M = np.zeros((3, 3))
    M[0, 1:] = M[1:, 0] = 0.5, -1.0
    a, v = one.at(0.8)
    np.testing.assert_allclose([a, *v], expm(0.8 * M) @ [1.0, 1.0, 0.3], rtol=1e-12)


@pytest.mark.parametrize("height", [1e-8, 1e-4, 1e-2])
def test_near_a_plane_that_attracts_a_neuron_is_not_held(height):
    one = One(drive_of(AXES, (0.5, -0.1), (0.0, -0.9)), 1.0, (0.7, height))
    assert (one.rank, one.pattern.tolist()) == (0, [1, 1])
    assert one.v.tolist() == [0.7, height]


@pytest.mark.parametrize("a", [1.0, -1.0])
@pytest.mark.parametrize(
    ("mean", "jump", "side"),
    [
        (-0.1, -0.9, 0),  # attracts a > 0
        (0.1, 0.9, 0),  # repels it: the solution that stays
        (1.2, -0.9, 1),
        (-1.2, -0.9, -1),
        (1.2, 0.9, 1),
        (-1.2, 0.9, -1),
        (0.9, -0.9, 0),  # just held
    ],
)
def test_on_a_plane_the_field_decides(mean, jump, side, a):
    one = One(drive_of(AXES, (0.5, mean), (0.0, jump)), a, (0.7, 0.0))
    assert one.pattern.tolist() == [1, side * int(a)]
    assert one.rank == (side == 0)
    normal = mean + one.pattern[1] * jump if side else 0.0
    np.testing.assert_allclose(one.arc[1], [0.5, normal], atol=1e-15)


@pytest.mark.parametrize("growth", [0.3, -0.3])
def test_without_an_outer_weight_the_next_one_decides(growth):
    """``a' = h.v`` has the sign that a takes."""
    one = One(drive_of(AXES, (growth, 1.2), (0.0, -0.9)), 0.0, (0.7, 0.0))
    assert one.pattern[1] == (1 if growth > 0 else -1)


def test_on_two_planes_a_neuron_goes_along_their_line():
    U = [[0, 1, 0], [0, 0.6, 0.8], [1, 0, 0]]
    one = One(drive_of(U, (0.05, -0.05, 0.3), (-0.5, -0.45, 0.0)), 0.8, (0.7, 0.0, 0.0))
    assert (one.rank, one.pattern.tolist()) == (2, [0, 0, 1])
    want = 0.8 * math.cosh(0.45) + 0.7 * math.sinh(0.45)
    a, v = one.at(1.5)
    np.testing.assert_allclose(a, want, rtol=1e-12)
    np.testing.assert_allclose(v[0], math.sqrt(want**2 - 0.64 + 0.49), rtol=1e-12)
    assert np.abs(v[1:]).max() < 1e-12


def test_what_leaves_a_plane_that_repels_may_leave_others():
    """The least velocity leaves the first plane only; on its other side the field is another one.

    There, behind a plane that repels, the second one no longer holds.
    """
    U = [[0.0, 1.0, 0.0], [0.0, 0.6, 0.8], [1.0, 0.0, 0.0]]
    one = One(drive_of(U, (1.2, 0.0, 0.4), (0.8, -0.7, 0.0)), 1.0, (0.7, 0.0, 0.0))
    assert one.pattern.tolist() == [1, 1, 1]
    # With what the first plane has at least, 0.4, the second one needs 0.24 of its 0.7 to hold.
    lsq = lsq_linear(np.array(U[:2]).T * [0.8, 0.7], -np.array([0.4, 1.2, 0.0]), (-1, 1))
    assert lsq.x[0] == pytest.approx(-1.0)
    assert abs(lsq.x[1]) < 0.99


def hypercube(d):
    points = np.array([x for x in itertools.product((1.0, -1.0), repeat=d) if x[0] > 0])
    return points / math.sqrt(d)


@pytest.mark.parametrize("seed", range(30))
def test_what_is_held_can_be_held(seed):
    """On random planes through one line: forces within the jumps, sides that the field leads to."""
    rng = np.random.default_rng(seed)
    U = np.pad(rng.standard_normal((2 + seed % 4, 2)), ((0, 0), (0, 1)))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    drive = drive_of(U, rng.standard_normal(len(U)), rng.standard_normal(len(U)))
    drive[2][0, 2] = 0.3
    one = One(drive, float(rng.choice([-1.0, 1.0])), (0.0, 0.0, 1.0))
    held = one.pattern == 0
    h = drive[2][0] + (one.pattern * drive[3][0]) @ U
    if held.any():
        D = (U[held] * np.abs(drive[3][0, held])[:, None]).T
        x = lsq_linear(D[:2], -h[:2], (-1.0, 1.0), tol=1e-15).x
        np.testing.assert_allclose((h + D @ x)[:2] @ U[held, :2].T, 0.0, atol=1e-8)
        np.testing.assert_allclose(h + D @ x, one.arc[1], atol=1e-8)
    leads = math.copysign(1.0, one.a) * one.pattern * (U @ one.arc[1])
    nudged = np.abs(U @ one.v)[~held].max(initial=0.0) > 1e-12
    assert nudged or (leads[~held] > -1e-9).all()
    assert np.linalg.norm(one.v) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("side", [1, -1])
def test_nearly_parallel_planes_do_not_drag_a_neuron_along(side):
    """On both by their patterns, v is far from the line they share: it is only on one."""
    tilt = 1e-4
    U = [[0.0, 0.0, 1.0], [math.sin(tilt), 0.0, math.cos(tilt)]]
    v = (0.9 * side, 0.4, 0.0)
    one = One(drive_of(U, (0.0, 0.0), (-0.5, -0.5)), 1.0, v, pattern=(0, 0))
    assert (one.rank, one.pattern.tolist()) == (1, [0, side])
    np.testing.assert_allclose(one.v, v, atol=1e-15)


def test_frozen_inner_weights_stay():
    one = One(drive_of(AXES, (0.5, 1.2), (0.0, -0.9)), 1.0, (0.7, 0.0), rates=(1.0, 0.0))
    assert (one.rank, one.pattern.tolist()) == (0, [1, 0])
    np.testing.assert_allclose(one.at(2.0)[1], one.v)
    one = One(drive_of(AXES, (0.5, 1.2), (0.0, -0.9)), 1e15, (0.7, 0.0), rates=(1.0, 0.0))
    assert one.v.tolist() == [0.7, 0.0]


# Inner weights zero


def test_at_zero_a_neuron_takes_the_least_velocity():
    """It is on all planes: attracting ones hold it, to others it goes on the side of the field."""
    one = One(drive_of(AXES, (0.5, -0.1), (-0.1, -0.9)), 1.0, (0.0, 0.0))
    assert (one.rank, one.pattern.tolist()) == (1, [1, 0])
    a, v = one.at(0.7)
    np.testing.assert_allclose([a, *v], [math.cosh(0.28), math.sinh(0.28), 0.0], rtol=1e-12)
    held = One(drive_of(AXES, (0.5, -0.1), (-0.6, -0.9)), -1.0, (0.0, 0.0))
    assert held.rank == 2
    np.testing.assert_allclose(held.arc, 0.0, atol=1e-12)
    zero = One(drive_of(AXES, (0.5, -0.1), (-0.1, -0.9)), 0.0, (0.0, 0.0))
    assert (zero.rank, zero.at(1.0)[0]) == (0, 0.0)


@pytest.mark.parametrize("size", [0.0, 1e-14])
def test_rounding_of_zero_on_a_plane_is_zero(size):
    one = One(drive_of(AXES, (0.5, -0.1), (-0.6, -0.9)), 1.0, (size, 0.0), pattern=(1, 0))
    assert one.v.tolist() == [0.0, 0.0]
    assert one.rank == 2


def test_pushed_apart_by_planes_that_turn_each_other_a_neuron_is_moved_off_them():
    """Three planes at 60 degrees that repel: on the side of the field it comes back to one."""
    angles = np.radians([90.0, 150.0, 210.0])
    U = np.stack([np.cos(angles), np.sin(angles)], 1)
    for mean, jump in itertools.product((0.7, 1.5), (1.0, -1.0)):
        one = One(drive_of(U, (mean, 0.2, 0.1), 3 * (jump * np.array([1, -0.6, 0.5]))), 1.0, (0, 0))
        off = one.pattern != 0
        if np.any(one.v):
            assert np.linalg.norm(one.v) == pytest.approx(4e-9)
            assert (one.pattern * (U @ one.v))[off].min() >= 0.0
        else:
            assert (one.pattern * (U @ one.arc[1]))[off].min(initial=0.0) >= 0.0


# Planes that let go


@pytest.mark.parametrize("a", [1.0, -1.0])
@pytest.mark.parametrize("edge", [1.0, -1.0])
def test_a_plane_lets_go_where_its_force_reaches_the_jump(edge, a):
    """``mean = edge (t - 0.1)`` against ``0.5 - 0.2 t``: at t = 0.5."""
    drive = drive_of(AXES, (0.5, -0.1 * edge), (0.0, -0.5 * a), (0.0, edge), (0.0, 0.2 * a))
    one = One(drive, a, (0.7, 0.0))
    time, leaving = one.release(0.4)
    assert (time, leaving.tolist()) == (math.inf, [0, 0])
    time, leaving = one.release(0.9)
    assert time == pytest.approx(0.5, rel=1e-12)
    assert leaving.tolist() == [0, int(edge * a)]
    later = One(drive, a, (0.7, 0.0), t=0.2)
    assert later.release(0.9)[0] == pytest.approx(0.3, rel=1e-12)


def test_a_jump_that_vanishes_lets_go_before():
    """``0.1`` against ``0.5 - t``: at 0.4; what is left of the jump has the other sign."""
    one = One(drive_of(AXES, (0.5, 0.1), (0.0, -0.5), None, (0.0, 1.0)), 1.0, (0.7, 0.0))
    time, leaving = one.release(0.9)
    assert time == pytest.approx(0.4, rel=1e-12)
    assert leaving.tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(10))
def test_the_first_of_two_planes_lets_go(seed):
    """Against roots of the exact forces; to the side to which the field beyond leads."""
    rng = np.random.default_rng(seed)
    U = np.pad(rng.standard_normal((2, 2)), ((0, 0), (0, 1)))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    drive = drive_of(U, *0.3 * rng.standard_normal((1, 2)), (-1.0, -1.2), rng.standard_normal(2))
    one = One(drive, 1.0, (0.0, 0.0, 1.0))
    assert one.rank == 2

    def room(t, k):
        h = drive[2][0] + t * drive[2][1]
        s = np.linalg.solve(U[:, :2] @ U[:, :2].T, -U @ h)
        return abs(drive[3][0, k]) - abs(s[k])

    times = [brentq(room, 0, 50, (k,), xtol=1e-14) for k in (0, 1) if room(50, k) < 0.0]
    time, leaving = one.release(50.0)
    assert time == pytest.approx(min(times), rel=1e-9)
    (plane,) = np.flatnonzero(leaving)
    assert room(time, plane) == pytest.approx(0.0, abs=1e-9)
    later = One(drive, 1.0, (0.0, 0.0, 1.0), t=time * (1 + 1e-3))
    assert later.pattern.tolist() == leaving.tolist()
    assert leaving[plane] * (U[plane] @ later.arc[1]) > 0.0


def last_held(drive):
    """The last time at which some forces within the jumps leave no velocity, by linear programs."""
    U, _, h, jump = drive
    side = np.sign(jump[0])[:, None]
    forces = np.concatenate([np.eye(len(U)), -np.eye(len(U))])
    found = linprog(
        np.append(np.zeros(len(U)), -1.0),
        A_eq=np.column_stack([U.T, h[1]]),
        b_eq=-h[0],
        A_ub=np.column_stack([forces, np.tile(-side * jump[1][:, None], (2, 1))]),
        b_ub=np.tile(np.abs(jump[0]), 2),
        bounds=[*[(None, None)] * len(U), (0.0, None)],
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return found.x[-1]


@pytest.mark.parametrize("d", [4, 5])
@pytest.mark.parametrize("fade", [0.0, 0.1, -0.1])
@pytest.mark.parametrize("a", [1.0, -1.0])
def test_planes_that_depend_on_each_other_let_go_where_no_forces_hold(d, fade, a):
    """The planes of the hypercube through one of their lines, against a linear program."""
    U = hypercube(d)
    v = np.zeros(d)
    v[:2] = 1.0, -1.0
    U = U[np.abs(U @ v) < 1e-12]
    rng = np.random.default_rng(d)
    N, along = len(U), v / math.sqrt(2.0)
    assert np.linalg.matrix_rank(U) < N
    mean, rate = 0.1 * rng.standard_normal(N), rng.standard_normal(N)
    jump = -0.5 - rng.uniform(size=N)
    drive = drive_of(U, mean, a * jump, rate, -a * fade * jump)
    one = One(drive, a, along)
    assert one.rank == np.linalg.matrix_rank(U)
    expected = last_held(drive)
    for end in (8.0, 1.5 * expected, 1.001 * expected):
        time, leaving = one.release(end)
        assert expected < time < expected * (1 + 1e-4)
        assert not leaving.any()
        assert One(drive, a, along, t=time).pattern.any()
    time, leaving = one.release(expected * (1 - 1e-6))
    assert (time, leaving.any()) == (math.inf, False)
    later = One(drive, a, along, t=0.5 * expected)
    assert 0.5 * expected + later.release(8.0)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("seed", range(12))
def test_dependent_planes_let_go_in_time_where_a_jump_changes_its_sign(seed):
    """At the first of many times at which they no longer hold, in one or two pieces."""
    U = hypercube(4)
    along = np.array([1.0, -1.0, 0.0, 0.0]) / math.sqrt(2.0)
    U = U[np.abs(U @ along) < 1e-12]
    rng = np.random.default_rng(seed)
    mean, rate = 0.1 * rng.standard_normal(4), 0.5 * rng.standard_normal(4)
    jump = -0.5 - rng.uniform(size=4)
    drive = drive_of(U, mean, jump, rate, -jump * [rng.uniform(0.2, 2.0), 0.0, 0.0, 0.0])
    times = np.linspace(0.0, 20.0, 2001)
    gone = next(t for t in times if One(drive, 1.0, along, t=t).pattern.any())
    time, pieces = 0.0, 0
    while not (one := One(drive, 1.0, along, t=time)).pattern.any():
        time, pieces = time + one.release(20.0 - time)[0], pieces + 1
        assert pieces <= 2
    assert gone - 0.01 <= time <= gone + 1e-3


@pytest.mark.parametrize("fade", [0.1, -0.1])
@pytest.mark.parametrize("a", [1.0, -1.0])
def test_when_dependent_planes_let_go_does_not_depend_on_the_origin_of_time(fade, a):
    """Late in a step, jumps may have another sign than at its start: only those of now count."""
    U, along = hypercube(4), np.array([1.0, -1.0, 0.0, 0.0]) / math.sqrt(2.0)
    U = U[np.abs(U @ along) < 1e-12]
    rng = np.random.default_rng(0)
    mean, rate, jump = 0.1 * rng.standard_normal(4), rng.standard_normal(4), -a * np.ones(4)
    drives = [
        drive_of(U, mean - t * rate, jump * (1 + t * fade), rate, -fade * jump)
        for t in (0.0, 30.0, -30.0)
    ]
    now, *others = (One(one, a, along, t=t) for one, t in zip(drives, (0.0, 30.0, -30.0)))
    time, _ = now.release(8.0)
    assert 0.0 < time < 8.0
    for other in others:
        assert other.release(8.0)[0] == pytest.approx(time, rel=1e-8)


# What an arc does


@pytest.mark.parametrize("mean", [-0.1, 1.2])
@pytest.mark.parametrize("rates", [BOTH, (0.5, 2.0)])
def test_energy_is_the_integral_of_the_speed(mean, rates):
    """By Radau's two points, exact to order 3; and the speed is that of differences."""
    errors = []
    one = One(drive_of(AXES, (0.5, mean), (0.0, -0.9), (0.3, 0.1)), 1.0, (0.7, 0.0), rates=rates)
    for dt in (0.2, 0.1):
        nodes, weights = np.polynomial.legendre.leggauss(12)
        total = 0.0
        for x, weight in zip(nodes, weights):
            t = 0.5 * dt * (1 + x)
            total += 0.5 * dt * weight * speed(one.arc, *one.at(t), t, rates)
        got = energy(one.arc, 1.0, *one.at(dt), dt, rates, np.empty(2))
        errors.append(abs(got / total - 1.0))
    assert errors[0] < 1e-3
    assert errors[1] < errors[0] / 6
    (late, w), (early, u) = one.at(0.05 + 1e-6), one.at(0.05 - 1e-6)
    inner = ((w - u) / 2e-6) @ ((w - u) / 2e-6)
    measured = ((late - early) / 2e-6) ** 2 / rates[0] + inner / rates[1]
    assert speed(one.arc, *one.at(0.05), 0.05, rates) == pytest.approx(measured, rel=1e-8)


def test_the_field_along_a_normal_is_linear_in_time():
    drive = drive_of(AXES, (0.5, -0.7), (0.0, -0.3), (0.2, 0.4))
    arc, normal = One(drive, 1.0, (1.0, 0.3)).arc, np.array([0.6, 0.8])
    want = normal @ [0.5 + 0.5 * 0.2, -1.0 + 0.5 * 0.4]
    assert field_along(arc, 0.5, normal) == pytest.approx(want, rel=1e-14)
