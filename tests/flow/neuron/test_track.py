"""Crossing and sliding of single neurons against solutions written down by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.optimize import brentq

from lowrot import _jit
from lowrot.flow._planes import Planes
from lowrot.flow.neuron import Drive, Neurons, Tracker, least_velocity, track
from lowrot.flow.neuron import _held as held_module
from lowrot.flow.neuron import _track as module
from lowrot.flow.neuron._arc import depart
from lowrot.flow.neuron._quiet import LOUD


def tracked(neurons, drive, stage_times, rates):
    """The neurons at one stage time or two."""
    ends = stage_times if len(stage_times) == 2 else (0.5 * stage_times[0], stage_times[0])
    return track(neurons, drive, ends, rates).states[-len(stage_times) :]


BOTH = (1.0, 1.0)


def tensor(values):
    return np.array(values, dtype=float)


def neuron(planes, a, v):
    V = tensor([v])
    return Neurons.of(tensor([a]), V, planes.sides(V), BOTH)


def flow(h, a, v, t):
    """(a, v) after t in a constant field, by the matrix exponential."""
    M = np.zeros((3, 3))
    M[0, 1:] = M[1:, 0] = h
    return expm(t * M) @ np.concatenate([[a], v])


AXES = tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_a_crossing_is_followed_exactly(slope):
    """One side pulls down harder than the other: the neuron goes through."""
    planes = Planes.of(AXES, slope)
    w = tensor([0.5, -1.0, 0.4])
    a, v = 1.0, [1.0, 0.3]
    above = np.array([0.5, -1.0 - 0.4 * slope])
    below = np.array([0.5, -1.0 * slope - 0.4])
    at = brentq(lambda t: flow(above, a, v, t)[2], 0.0, 1.0, xtol=1e-15)
    hit = flow(above, a, v, at)
    stage_times = (0.5 * at, at + 0.7)
    drive = planes.drive(w, 0 * w)
    out = tracked(neuron(planes, a, v), drive, stage_times, BOTH)
    expected = flow(above, a, v, stage_times[0]), flow(below, hit[0], hit[1:], 0.7)
    for got, want in zip(out, expected):
        np.testing.assert_allclose(got.a[0], want[0], rtol=1e-12)
        np.testing.assert_allclose(got.V[0], want[1:], rtol=1e-12)
    assert int((out[1].S == 0).sum()) == 0


@pytest.mark.parametrize(("slope", "pulls"), [(0.0, (-1.0, -0.4)), (0.3, (-1.0, -0.9))])
@pytest.mark.parametrize("start", [0.3, -0.2])
def test_a_neuron_slides_where_both_sides_push_back(start, slope, pulls):
    """After the arrival v_2 = 0, and (a, v_1) grow under the tangential drive alone."""
    planes = Planes.of(AXES, slope)
    w = tensor([0.5, *pulls])
    a, v = 1.0, [1.0, start]
    up, down = (1.0, slope) if start > 0 else (slope, 1.0)
    side = np.array([0.5, up * pulls[0] - down * pulls[1]])
    assert side[1] * start < 0
    at = brentq(lambda t: flow(side, a, v, t)[2], 0.0, 2.0, xtol=1e-15)
    hit = flow(side, a, v, at)
    out = tracked(neuron(planes, a, v), planes.drive(w, 0 * w), (at, at + 2.0), BOTH)
    # The balance gives a^2 - v_1^2 its value at the arrival.
    want = hit[0] * math.cosh(1.0) + hit[1] * math.sinh(1.0)
    np.testing.assert_allclose(out[1].a[0], want, rtol=1e-12)
    size = math.sqrt(want**2 - hit[0] ** 2 + hit[1] ** 2)
    np.testing.assert_allclose(out[1].V[0], [size, 0.0], rtol=1e-12, atol=1e-14)
    assert int((out[1].S == 0).sum()) == 1


def departing(t):
    """Weights under which the plane lets go at ``t = 1 - 0.8 slope``."""
    return np.array([0.5, -1.0 + t, -0.8])


@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("height", [0.0, 0.1, -0.2])
def test_arrivals_and_departures_are_exact(slope, height):
    """Held from the start, or met on the way; then the upper side starts to pull."""
    planes = Planes.of(AXES, slope)

    def velocity(t, W, side):
        w, s = departing(t), side
        up, down = (1.0, slope) if s > 0 else (slope, 1.0)
        h = np.array([0.5, up * w[1] - down * w[2] if s else 0.0])
        return [h @ W[1:], *(W[0] * h)]

    def on(t, W, side):
        return W[2]

    on.terminal = True
    now, W, tight = 0.0, np.array([1.0, 0.7, height]), {"rtol": 1e-13, "atol": 1e-14}
    if height:
        side = math.copysign(1.0, height)
        way = solve_ivp(velocity, (0, 2), W, "DOP853", args=(side,), events=on, **tight)
        now, W = way.t[-1], way.y[:, -1] * [1.0, 1.0, 0.0]
    leaves = 1.0 - 0.8 * slope
    assert now < leaves
    W = solve_ivp(velocity, (now, leaves), W, "DOP853", args=(0.0,), **tight).y[:, -1]
    exact = solve_ivp(velocity, (leaves, 2.0), W, "DOP853", args=(1.0,), **tight).y[:, -1]
    errors = []
    for count in (16, 128):
        one, h = neuron(planes, 1.0, [0.7, height]), 2.0 / count
        for k in range(count):
            drive = planes.drive(tensor(departing(k * h)), tensor([0.0, 1.0, 0.0]))
            (one,) = tracked(one, drive, (h,), BOTH)
        assert int((one.S == 0).sum()) == 0
        errors.append(np.abs(np.append(one.a, one.V) - exact).max())
    # What is left is the error of the closed form for fields that turn, of order 4.
    assert errors[-1] < 1e-9
    assert errors[-1] < errors[0] / 1000 or errors[-1] < 1e-12


KINDS = {"constant": (100, 1.0, 1), "common factor": (100, 1.0, 1), "turning": (500, 0.05, 16)}


def problem(kind, seed):
    """Many neurons and planes, and weights that are constant, or turn in time.

    Where the closed form is exact, one interval; else intervals in which it is nearly so.
    """
    m, T, count = KINDS[kind]
    generator, d, n = torch.Generator().manual_seed(seed), 2 + seed % 3, (6, 12)[seed // 2 % 2]
    X = torch.randn(n, d, generator=generator, dtype=torch.float64).numpy()
    V = torch.randn(m, d, generator=generator, dtype=torch.float64).numpy()
    a = torch.randn(m, generator=generator, dtype=torch.float64).numpy()
    w, rate = 0.5 * torch.randn(2, n, generator=generator, dtype=torch.float64).numpy()
    rate = {"constant": 0.0 * w, "common factor": -1.6 * w, "turning": 4.0 * rate}[kind]
    planes = Planes.of(X, 0.1)
    start = Neurons.of(a, V, planes.sides(V), BOTH)
    return planes, start, w, rate, np.linspace(0.0, T, count + 1)[1:]


def followed(planes, start, w, rate, times):
    """The neurons at the last of the times, step by step."""
    now, t = start, 0.0
    for time in times:
        drive, h = planes.drive(w + t * rate, rate), time - t
        now, t = track(now, drive, (0.37 * h, h), BOTH).states[1], time
    return now


def distance(first, second):
    """Of each neuron, relative to its size."""
    size = np.sqrt(first.a**2 + (first.V**2).sum(1))
    moved = (first.a - second.a) ** 2 + ((first.V - second.V) ** 2).sum(1)
    return np.sqrt(moved) / size


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_it_does_not_matter_where_intervals_end(kind, seed):
    """Nine more ends at random times: the same neurons, on the same sides of the same planes.

    Crossings of several planes, there and back too, held by one and by several, let go by them.
    """
    planes, start, w, rate, times = problem(kind, seed)
    rng = np.random.default_rng(seed)
    more = np.sort(np.append(times, rng.uniform(0.0, times[-1], 9)))
    whole, parts = (followed(planes, start, w, rate, ends) for ends in (times, more))
    apart = distance(whole, parts)
    same = np.ones(len(apart), dtype=bool)
    if kind == "common factor":
        # All forces vanish at once: on which side a plane lets go there is not unique.
        same = ~(followed(planes, start, w, rate, [0.6249999]).S == 0).any(1)
    assert same.mean() > 0.5
    assert apart[same].max() < 1e-10
    assert np.array_equal(whole.S[same], parts.S[same])
    assert int((start.S != whole.S).any(1).sum()) > 10
    drift = whole.a**2 - (whole.V**2).sum(1) - start.a**2 + (start.V**2).sum(1)
    sizes = [one.a**2 + (one.V**2).sum(1) for one in (whole, start)]
    assert float((np.abs(drift) / sum(sizes)).max()) < 1e-13


@pytest.mark.parametrize("seed", range(4))
def test_tracking_agrees_with_small_intervals(seed):
    """Many neurons, many planes, weights that turn: short intervals against two hundred."""
    planes, start, w, rate, _ = problem("turning", seed)
    ends = [np.linspace(0.0, 0.2, count + 1)[1:] for count in (100, 400)]
    coarse, fine = (followed(planes, start, w, rate, times) for times in ends)
    assert int((start.S != coarse.S).any(1).sum()) >= 10  # kinks were met
    assert distance(coarse, fine).max() < 1e-9


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_neuron_that_turns_round_meets_its_planes_again(sign):
    """``||v|| > |a|``: a vanishes, and the way back leads over the planes crossed before."""
    planes = Planes.of(tensor([[0.8, 0.6], [0.0, 1.0], [1.0, -0.5]]), 0.3)
    w, start = sign * tensor([-0.9, 0.1, 0.1]), [0.6 * sign, 1.0, 0.05]

    def velocity(t, W):
        z = planes.X @ W[1:]
        h = (np.where(z > 0, 1.0, 0.3) * w) @ planes.X
        return [h @ W[1:], *(W[0] * h)]

    tight = {"rtol": 1e-11, "atol": 1e-12, "max_step": 0.01}
    way = solve_ivp(velocity, (0.0, 2.5), start, "DOP853", **tight)
    heights = way.y[1:].T @ planes.U.T
    changes = [int((np.diff(np.sign(z)) != 0).sum()) for z in (way.y[0], *heights.T)]
    assert changes[0] == 1
    assert max(changes[1:]) == 2
    (end,) = tracked(neuron(planes, start[0], start[1:]), planes.drive(w, 0 * w), (2.5,), BOTH)
    np.testing.assert_allclose([float(end.a[0]), *end.V[0]], way.y[:, -1], rtol=1e-8)


def test_frozen_inner_weights_stay_where_they_are():
    """A neuron near a plane that would attract it is not moved onto it."""
    planes, v = Planes.of(AXES, 0.0), [1.0, 5e-4]
    w = tensor([0.5, -1.0, -0.4])
    rates = (1.0, 0.0)
    drive = planes.drive(w, 0 * w)
    (end,) = tracked(neuron(planes, 1.0, v), drive, (2.0,), rates)
    assert end.V.tolist() == [v]
    np.testing.assert_allclose(end.a[0], 1.0 + 2.0 * (0.5 - 5e-4), rtol=1e-14)


def crowd(seed, m=20):
    """Many neurons, many planes, weights that turn."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(6, 3, generator=generator, dtype=torch.float64).numpy()
    planes = Planes.of(X, 0.1)
    V = torch.randn(m, 3, generator=generator, dtype=torch.float64).numpy()
    a = torch.randn(m, generator=generator, dtype=torch.float64).numpy()
    drive = planes.drive(*0.3 * torch.randn(2, 6, generator=generator, dtype=torch.float64).numpy())
    return Neurons.of(a, V, planes.sides(V), BOTH), drive


@pytest.mark.parametrize("seed", range(3))
def test_the_energy_and_the_speeds_are_those_of_the_way(seed):
    """The energy of one long interval, of twenty and of a thousand, and the speed at the end."""
    start, drive = crowd(seed)
    whole = track(start, drive, (0.25, 0.5), BOTH)
    assert whole.met > 0
    totals = {}
    for count in (20, 1000):
        now, totals[count], h = start, 0.0, 0.5 / count
        for k in range(count):
            part = track(now, shifted(drive, k * h), (0.5 * h, h), BOTH)
            now, totals[count] = part.states[1], totals[count] + part.energy
    # In short intervals the speed hardly changes.
    assert part.energy == pytest.approx(0.5 * h * sum(part.speeds), rel=2e-3)
    assert totals[20] == pytest.approx(totals[1000], rel=1e-5)
    assert whole.energy == pytest.approx(totals[1000], rel=5e-2)
    end = shifted(drive, 0.5)
    speed = sum(
        (h @ v) ** 2 + a**2 * (h @ h)
        for a, v, S in zip(now.a, now.V, now.S)
        for h in [least_velocity(end.arrays, S, 0.0)]
    )
    assert speed == pytest.approx(part.speeds[1], rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_fastest_growth_is_that_along_the_planes_held(seed):
    """Neurons that are zero do not move; slow rates slow all others."""
    start, drive = crowd(seed, 60)
    now, rates = track(start, drive, (0.5, 1.5), BOTH).states[1], (0.5, 2.0)
    now.a[3], now.V[3] = 0.0, 0.0
    held = ~now.S.all(1)
    assert 3 < held.sum() < 50
    fields = drive.at_start(now.S)
    for h, S in zip(fields, now.S):
        normals = drive.U[S == 0].T
        h -= normals @ np.linalg.lstsq(normals, h)[0]
    sizes = np.delete(np.linalg.norm(fields, axis=1), 3)
    for order in (1.0, -1.0):  # the fastest one, and then the slowest alone
        j = int(np.argmax(order * sizes))
        one = Neurons(
            *(np.delete(x, 3, 0)[j : j + 1] for x in (now.a, now.V, now.S, now.unbalance))
        )
        growth = [Tracker(some, drive, rates).fastest_growth() for some in (now, one)]
        assert growth == pytest.approx([sizes.max(), sizes[j]], rel=1e-12)
    assert Tracker(now, drive, (0.5, 0.02)).fastest_growth() == pytest.approx(0.1 * sizes.max())


def test_the_fastest_growth_bounds_that_along_nearly_parallel_planes():
    planes = Planes.of(tensor([[1.0, 0.0, 0.0], [1.0, 1e-9, 0.0], [0.0, 0.0, 1.0]]), 0.0)
    now = Neurons(
        tensor([1.0]), tensor([[0.0, 0.0, 1.0]]), np.array([[0, 0, 1]], np.int8), tensor([0.0])
    )
    drive = planes.drive(tensor([-0.3, 0.2, 2.0]), np.zeros(3))
    growth = Tracker(now, drive, BOTH).fastest_growth()
    assert 2.0 <= growth <= np.linalg.norm(drive.at_start(now.S)) * (1 + 1e-15)


def shifted(drive, t):
    """The drive as it is a time t later."""
    base, jump = drive.base.copy(), drive.jump.copy()
    base[0] += t * base[1]
    jump[0] += t * jump[1]
    return Drive(drive.U, drive.columns, base, jump)


def test_threads_do_not_matter(monkeypatch):
    """Every neuron is followed by itself: the sums are the same to the last bit."""
    start, drive = crowd(5, m=101)
    before = torch.get_num_threads()
    alone = track(start, drive, (0.25, 0.5), BOTH)
    monkeypatch.setattr(module, "_PAIRS_A_THREAD", 1)
    try:
        torch.set_num_threads(3)
        shared = track(start, drive, (0.25, 0.5), BOTH)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(alone.states[1].V, shared.states[1].V)
    assert (alone.energy, alone.met) == (shared.energy, shared.met)


def test_the_start_is_not_changed():
    start, drive = crowd(6)
    parts = "a", "V", "S", "unbalance"
    copies = [getattr(start, part).copy() for part in parts]
    track(start, drive, (0.25, 0.5), BOTH)
    for part, copy in zip(parts, copies):
        assert np.array_equal(getattr(start, part), copy)


def test_too_many_kinks_are_reported(monkeypatch):
    """Neurons that cross where they should stay come back for ever."""
    planes = Planes.of(AXES, 0.0)
    w = tensor([0.5, -1.0, -0.4])
    drive, start = planes.drive(w, 0 * w), neuron(planes, 1.0, [1.0, 0.3])
    assert track(start, drive, (1.0, 2.0), BOTH) is not None

    def crosses(drive, rates, a, v, pattern, met, times, basis, arc, leaving, scratch):
        pattern[pattern == 0] = -1 if times[0] else 1
        depart(drive, v, pattern, times[0], basis, 0, arc)
        return 0, math.inf

    with _jit.interpreted(), monkeypatch.context() as patch:
        patch.setattr(module, "begin", crosses)
        assert track(start, drive, (1.0, 2.0), BOTH) is None


def test_the_speed_of_a_held_neuron_by_hand():
    """On its plane under weights that turn: h = (0.5 + 0.3 t, 0); or off it, h_2 = 0.2 + t."""
    planes = Planes.of(AXES, 0.0)
    drive = planes.drive(tensor([0.5, -1.0, -0.8]), tensor([0.3, 0.0, 0.0]))
    trajectory = track(neuron(planes, 1.0, [0.7, 0.0]), drive, (0.4, 1.2), BOTH)
    assert trajectory.met == 0
    for t, state, speed in zip((0.4, 1.2), trajectory.states, trajectory.speeds):
        a, v, h = float(state.a[0]), float(state.V[0, 0]), 0.5 + 0.3 * t
        assert speed == pytest.approx(h**2 * (a**2 + v**2), rel=1e-12)
    drive = planes.drive(tensor([0.5, 0.2, -0.8]), tensor([0.0, 1.0, 0.0]))
    leaving = track(neuron(planes, 1.0, [0.7, 0.0]), drive, (0.1, 0.3), BOTH)
    state, h = leaving.states[1], np.array([0.5, 0.5])
    a, v = float(state.a[0]), state.V[0]
    assert v[1] > 0.05
    assert leaving.speeds[1] == pytest.approx((h @ v) ** 2 + a**2 * (h @ h), rel=1e-12)


@pytest.mark.parametrize("late", [-1.5, 1.5])
def test_the_plane_decides_with_the_weights_of_the_moment(late):
    """The lower side turns during the interval: met late, the plane holds the neuron or not."""
    planes = Planes.of(AXES, 0.0)
    drive = planes.drive(tensor([0.2, -0.5, 0.0]), tensor([0.0, 0.0, late]))
    trajectory = track(neuron(planes, 1.0, [1.0, 0.3]), drive, (0.1, 1.0), BOTH)
    end = trajectory.states[1]
    a, v = float(end.a[0]), end.V[0]

    def velocity(t, W, normal):
        h = np.array([0.2, normal(t)])
        return [h @ W[1:], *(W[0] * h)]

    def on(t, W, normal):
        return W[2]

    on.terminal, tight = True, {"rtol": 1e-13, "atol": 1e-14}
    way = solve_ivp(velocity, (0, 1), [1.0, 1.0, 0.3], args=(lambda t: -0.5,), events=on, **tight)
    begin, after = way.y[:, -1], (lambda t: 0.0) if late < 0 else (lambda t: -late * t)
    exact = solve_ivp(velocity, (way.t[-1], 1), begin, "DOP853", args=(after,), **tight)
    np.testing.assert_allclose([a, *v], exact.y[:, -1], atol=1e-3 if late > 0 else 1e-10)
    assert bool((end.S == 0).any()) == (late < 0)
    h = np.array([0.2, 0.0 if late < 0 else -late])
    assert trajectory.speeds[1] == pytest.approx((h @ v) ** 2 + a**2 * (h @ h), rel=1e-9)


def test_a_plane_crossed_may_hold_later_and_let_go_again():
    """Down through the plane, up to it again, held there, and off at last: weights that turn."""
    U = np.eye(2)
    base, jump = np.array([[0.0, -1.0], [0.0, 2.4]]), np.array([[0.0, 0.2], [0.0, -1.6]])
    drive, planes = Drive(U, U.copy(), base, jump), Planes.of(AXES[:2], 0.0)
    below, held, above = 0.3, 0.8, 1.8
    for stage_times, sides in (((below, held), (-1, 0)), ((held, above), (0, 1))):
        trajectory = track(neuron(planes, 1.0, [1.0, 0.05]), drive, stage_times, BOTH)
        for end, side in zip(trajectory.states, sides):
            assert int(end.S[0, 1]) == side
            height = float(end.V[0, 1])
            assert side * height > 0.03 if side else abs(height) < 1e-12


# Signs and sizes


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("off", [-4e-16, 0.0, 4e-16])
def test_a_balanced_neuron_that_dies_keeps_its_sign(sign, off):
    """Against the field, over hundreds of e-foldings; then it grows again, with the same sign."""
    planes, v = Planes.of(tensor([[0.6, 0.8], [0.8, -0.6]]), 0.0), np.array([0.6, 0.8])
    now = neuron(planes, sign * math.sqrt(1.0 + off), v.tolist())
    drive = planes.drive(tensor([-sign, 0.0]), tensor([0.0, 0.0]))
    for k in range(1, 201):
        (now,) = tracked(now, drive, (2.0,), BOTH)
        assert float(now.a[0]) == pytest.approx(sign * math.exp(-2.0 * k), rel=1e-10)
        assert float(np.linalg.norm(now.V[0])) == pytest.approx(abs(float(now.a[0])), rel=1e-15)
    drive = planes.drive(tensor([sign, 0.0]), tensor([0.0, 0.0]))
    for _ in range(200):
        (now,) = tracked(now, drive, (2.0,), BOTH)
    assert float(now.a[0]) == pytest.approx(sign, rel=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_neuron_that_dies_on_a_plane_keeps_its_sign(sign):
    """Held on the axis, which has the field against it: beyond 1e-17 of its first norm."""
    planes = Planes.of(AXES, 0.0)
    w = sign * tensor([-1.0, -1.0, -0.8])
    now, drive = neuron(planes, sign, [1.0, 0.0]), planes.drive(w, 0 * w)
    for k in range(1, 101):
        (now,) = tracked(now, drive, (1.0,), BOTH)
        assert int((now.S == 0).sum()) == 1
        assert float(now.a[0]) == pytest.approx(sign * math.exp(-k), rel=1e-10)


@pytest.mark.parametrize("scale", [1e-200, 1e-100, 1e100])
def test_the_size_of_a_neuron_does_not_matter(scale):
    """Its equation is linear; also where squares underflow, and where it is not balanced."""
    start, drive = crowd(7, m=60)
    other = Neurons.of(scale * start.a, scale * start.V, start.S, BOTH)
    end, tiny = (track(one, drive, (0.5, 2.0), BOTH).states[1] for one in (start, other))
    assert np.array_equal(end.S, tiny.S)
    assert int((start.S != end.S).sum()) > 5
    np.testing.assert_allclose(tiny.a / scale, end.a, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(tiny.V / scale, end.V, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("seed", range(6))
def test_inner_weights_that_vanish_stay_zero_where_the_planes_hold_them(seed):
    """From ``|a| > ||v||`` on planes that attract: v is zero after a finite time, a stays."""
    rng = np.random.default_rng(seed)
    d = 2 + seed % 2
    X = rng.standard_normal((8, d))
    w = -tensor(np.abs(rng.standard_normal(8)))  # with -x, each point pushes a > 0 to its plane
    both = Planes.of(np.concatenate([X, -X]), 0.1)
    drive = both.drive(np.concatenate([w, w]), np.zeros(16))
    start = neuron(both, 1.0, (0.3 * rng.standard_normal(d)).tolist())
    (end,) = tracked(start, drive, (40.0,), BOTH)
    assert np.abs(end.V).max() == 0.0
    want = math.sqrt(1.0 - float((start.V**2).sum()))
    assert float(end.a[0]) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("later", [0.0, 1.0])
def test_quiet_neurons_go_where_the_others_would(later):
    """All of a crowd one by one, in search of events: the same ends, sums and directions."""
    start, drive = crowd(3, m=200)
    drive = shifted(drive, later)
    for _ in range(3):  # some are held by then
        start = track(start, drive, (0.2, 0.6), BOTH).states[1]
    together = track(start, drive, (0.1, 0.3), BOTH)
    assert 0 < together.met < 150
    assert (start.S == 0).any(1).sum() > 5
    parts = start.a, start.V, start.S, start.unbalance
    ends = tuple(np.empty((2, *part.shape), dtype=part.dtype) for part in parts[:3])
    sums = np.zeros((200, 3))
    task = parts, drive.arrays, (0.1, 0.3), BOTH, ends, sums
    ready = module.classify(drive.arrays, *parts[:3], BOTH)
    ready[4][:] = LOUD
    *lists, met = module.follow_all(0, 200, task, ready)
    assert met == 200
    held = [(owner[:last], normals[:last]) for owner, normals, last in zip(*lists)]
    for stage in range(2):
        one = together.states[stage]
        np.testing.assert_allclose(ends[0][stage], one.a, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(ends[1][stage], one.V, rtol=1e-12, atol=1e-13)
        np.testing.assert_array_equal(ends[2][stage], one.S)
        squares = np.zeros((2, 200, 3, 3))
        for square, (owner, normals) in zip(squares, (held[stage], together.held[stage])):
            np.add.at(square, owner, normals[:, :, None] * normals[:, None, :])
        np.testing.assert_allclose(*squares, atol=1e-12)
    total = sums.sum(0)
    assert (*together.speeds, together.energy) == pytest.approx(tuple(total), rel=1e-12)


def test_directions_count_for_the_time_for_which_planes_held():
    """Two of three axes let go in between, and a plane through the first two with the second."""
    U, normals = np.vstack([np.eye(3), [0.6, 0.8, 0.0]]), np.empty((3, 3))
    until = np.array([2.0, 1.5, 0.5, 1.25])
    pattern, basis = np.array([0, 1, 1, 1], dtype=np.int8), np.array([[-1.0, 0.0, 0.0]])
    on = pattern, basis, 0
    assert held_module.directions(U, on, until, 1.0, 2.0, normals) == 2
    np.testing.assert_allclose(np.abs(normals[:2]), [[1, 0, 0], [0, math.sqrt(0.5), 0]], atol=1e-15)
    assert held_module.directions(U, on, until, 0.0, 2.0, normals) == 3
    assert normals[2] @ normals[2] == pytest.approx(0.25)
    known = np.empty((3, 3))  # with a basis of those that hold it to the end
    assert held_module.directions(U, (pattern, basis, 1), until, 0.0, 2.0, known) == 3
    np.testing.assert_allclose(known, normals * [[-1.0], [1.0], [1.0]], atol=1e-15)


@pytest.mark.parametrize("late", [False, True])
def test_on_arrival_a_neuron_forgets_what_moved_it_there(late):
    """It arrives on the plane of the second axis before the first stage ends, or after.

    Before the first stage ends: then what holds it is listed with that stage, and nothing else.
    """
    planes = Planes.of(AXES, 0.0)
    start = neuron(planes, 1.0, [1.0, 0.5])
    jump = -np.abs(planes.U[:, 1]) * tensor([[1.0], [0.0]])
    drive = Drive(planes.U, planes.columns, tensor([[1.0, 0.0], [0.0, 0.0]]), jump)
    way = track(start, drive, (0.2, 2.0) if late else (1.0, 2.0), BOTH)
    less, more = way.forgotten
    assert len(less[0]) == 0
    assert more[0].tolist() == ([0] if late else [])
    assert way.held[0][0].tolist() == ([] if late else [0])
    assert way.held[1][0].tolist() == [0]
    for normals in (more[1], way.held[1][1]):
        np.testing.assert_allclose(np.abs(normals[:, 1]), 1.0, rtol=1e-15)
