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
from lowrot.flow.neuron import Drive, Neurons, track
from lowrot.flow.neuron import _track as module


def tracked(planes, neurons, drive, stage_times, rates):
    """The neurons at one stage time or two."""
    ends = stage_times if len(stage_times) == 2 else (0.5 * stage_times[0], stage_times[0])
    return track(neurons, drive.jump[0], drive, ends, rates).states[-len(stage_times) :]


BOTH = (1.0, 1.0)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def neuron(planes, a, v):
    V = tensor([v])
    Z = V @ planes.U.T
    return Neurons(tensor([a]), V, torch.where(Z.abs() < 1e-12, 0.0, Z.sign()).to(torch.int8))


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
    out = tracked(planes, neuron(planes, a, v), drive, stage_times, BOTH)
    expected = flow(above, a, v, stage_times[0]), flow(below, hit[0], hit[1:], 0.7)
    for got, want in zip(out, expected):
        np.testing.assert_allclose(got.a[0], want[0], rtol=1e-9)
        np.testing.assert_allclose(got.V[0], want[1:], rtol=1e-8)
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
    out = tracked(planes, neuron(planes, a, v), planes.drive(w, 0 * w), (at, at + 2.0), BOTH)
    # The balance gives a^2 - v_1^2 its value at the arrival.
    want = hit[0] * math.cosh(1.0) + hit[1] * math.sinh(1.0)
    np.testing.assert_allclose(out[1].a[0], want, rtol=1e-9)
    np.testing.assert_allclose(out[1].V[0, 0], math.sqrt(want**2 - hit[0] ** 2 + hit[1] ** 2))
    assert abs(float(out[1].V[0, 1])) < 1e-9 * want
    assert int((out[1].S == 0).sum()) == 1


def departing(t):
    """Weights under which the plane lets go at t = 1."""
    return np.array([0.5, -1.0 + t, -0.8])


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_a_departure_converges_with_the_interval(slope):
    """The upper side starts to pull: v_2 leaves; the rule over an interval errs by its length."""
    planes = Planes.of(AXES, slope)
    leaves = 1.0 - 0.8 * slope

    def velocity(t, W):
        w = departing(t)
        h2 = max(w[1] - slope * w[2], 0.0)
        return [0.5 * W[1] + h2 * W[2], W[0] * 0.5, W[0] * h2]

    begin = solve_ivp(velocity, (0, leaves), [1.0, 0.7, 0.0], rtol=1e-12, atol=1e-13).y[:, -1]
    exact = solve_ivp(velocity, (leaves, 2), begin, rtol=1e-12, atol=1e-13).y[:, -1]
    counts, errors = [9, 21, 45, 93], []
    for count in counts:
        now, h = neuron(planes, 1.0, [0.7, 0.0]), 2.0 / count
        for k in range(count):
            drive = planes.drive(tensor(departing(k * h)), tensor([0.0, 1.0, 0.0]))
            (now,) = tracked(planes, now, drive, (h,), BOTH)
        assert int((now.S == 0).sum()) == 0
        errors.append(np.abs(np.append(now.a.numpy(), now.V.numpy()) - exact).max())
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert order > 1.5, errors
    assert errors[-1] < 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_tracking_agrees_with_small_intervals(seed):
    """Many neurons, many planes, weights that turn: one interval against two hundred."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    a = torch.randn(20, generator=generator, dtype=torch.float64)
    V = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    w, rate = 0.3 * torch.randn(2, 6, generator=generator, dtype=torch.float64)
    planes, T = Planes.of(X, 0.1), 0.5
    start = Neurons(a, V, (V @ planes.U.T).sign().to(torch.int8))
    (whole,) = tracked(planes, start, planes.drive(w, rate), (T,), BOTH)
    now, h = start, T / 200
    for k in range(200):
        (now,) = tracked(planes, now, planes.drive(w + k * h * rate, rate), (h,), BOTH)
    assert int((start.S != now.S).any(1).sum()) >= 1  # kinks were met
    scale = float(V.norm(dim=1).max())
    assert float((whole.V - now.V).abs().max()) < 2e-3 * scale
    assert float((whole.a - now.a).abs().max()) < 2e-3 * scale
    drift = whole.a.square() - whole.V.square().sum(1) - a.square() + V.square().sum(1)
    assert float(drift.abs().max()) < 1e-12 * scale**2


def test_frozen_inner_weights_stay_where_they_are():
    """A neuron near a plane that would attract it is not moved onto it."""
    planes, v = Planes.of(AXES, 0.0), [1.0, 5e-4]
    w = tensor([0.5, -1.0, -0.4])
    rates = (1.0, 0.0)
    drive = planes.drive(w, 0 * w)
    (end,) = tracked(planes, neuron(planes, 1.0, v), drive, (2.0,), rates)
    assert end.V.tolist() == [v]
    np.testing.assert_allclose(end.a[0], 1.0 + 2.0 * (0.5 - 5e-4), rtol=1e-14)


def crowd(seed, m=20):
    """Many neurons, many planes, weights that turn."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    planes = Planes.of(X, 0.1)
    V = torch.randn(m, 3, generator=generator, dtype=torch.float64)
    a = torch.randn(m, generator=generator, dtype=torch.float64)
    drive = planes.drive(*0.3 * torch.randn(2, 6, generator=generator, dtype=torch.float64))
    return Neurons(a, V, (V @ planes.U.T).sign().to(torch.int8)), drive


@pytest.mark.parametrize("seed", range(3))
def test_the_energy_and_the_speeds_are_those_of_the_way(seed):
    """The energy of one long interval, of twenty and of a thousand, and the speed at the end."""
    start, drive = crowd(seed)
    whole = track(start, drive.jump[0], drive, (0.25, 0.5), BOTH)
    assert whole.met > 0
    totals = {}
    for count in (20, 1000):
        now, totals[count], h = start, 0.0, 0.5 / count
        for k in range(count):
            here = shifted(drive, k * h)
            part = track(now, here.jump[0], here, (0.5 * h, h), BOTH)
            now, totals[count] = part.states[1], totals[count] + part.energy
    # In short intervals the speed hardly changes.
    assert part.energy == pytest.approx(0.5 * h * sum(part.speeds), rel=2e-2)
    assert totals[20] == pytest.approx(totals[1000], rel=5e-3)
    assert whole.energy == pytest.approx(totals[1000], rel=5e-2)
    end = shifted(drive, 0.5)
    field = end.base[0] + now.S.numpy() @ (end.jump[0][:, None] * end.U)
    off = ~(now.S == 0).any(1).numpy()
    a, V = now.a.numpy()[off], now.V.numpy()[off]
    speed = ((field[off] * V).sum(1) ** 2 + a**2 * (field[off] ** 2).sum(1)).sum()
    assert speed <= part.speeds[1] * (1 + 1e-9)
    if off.all():
        assert speed == pytest.approx(part.speeds[1], rel=1e-9)


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
    alone = track(start, drive.jump[0], drive, (0.25, 0.5), BOTH)
    monkeypatch.setattr(module, "_PAIRS_A_THREAD", 1)
    try:
        torch.set_num_threads(3)
        shared = track(start, drive.jump[0], drive, (0.25, 0.5), BOTH)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(alone.states[1].V, shared.states[1].V)
    assert (alone.energy, alone.slip, alone.met) == (shared.energy, shared.slip, shared.met)


def test_the_start_is_not_changed():
    start, drive = crowd(6)
    copies = [part.clone() for part in (start.a, start.V, start.S)]
    track(start, drive.jump[0], drive, (0.25, 0.5), BOTH)
    for part, copy in zip((start.a, start.V, start.S), copies):
        assert torch.equal(part, copy)


def test_too_many_kinks_are_reported(monkeypatch):
    """Neurons that cross where they should stay come back for ever."""
    planes = Planes.of(AXES, 0.0)
    w = tensor([0.5, -1.0, -0.4])
    drive, start = planes.drive(w, 0 * w), neuron(planes, 1.0, [1.0, 0.3])
    assert track(start, drive.jump[0], drive, (1.0, 2.0), BOTH) is not None
    with _jit.interpreted(), monkeypatch.context() as patch:
        patch.setattr(module, "crosses", lambda *given: True)
        patch.setattr(module, "contact", no_contact)
        assert track(start, drive.jump[0], drive, (1.0, 2.0), BOTH) is None


def no_contact(U, z, a, v, pattern, jump, crossed, free, stuck, basis):
    stuck[:] = False
    free[:] = np.where(np.abs(z) > 1e-10, np.sign(z), pattern)
    return 0


def test_speed_and_slip_of_a_held_neuron_by_hand():
    """On its plane under weights that turn: h = (0.5 + 0.3 t, 0), and no slip until it lets go."""
    planes = Planes.of(AXES, 0.0)
    drive = planes.drive(tensor([0.5, -1.0, -0.8]), tensor([0.3, 0.0, 0.0]))
    trajectory = track(neuron(planes, 1.0, [0.7, 0.0]), drive.jump[0], drive, (0.4, 1.2), BOTH)
    for t, state, speed in zip((0.4, 1.2), trajectory.states, trajectory.speeds):
        a, v, h = float(state.a[0]), float(state.V[0, 0]), 0.5 + 0.3 * t
        assert speed == pytest.approx(h**2 * (a**2 + v**2), rel=1e-12)
    assert trajectory.slip < 1e-20
    # Here the upper side pulls more and more: it leaves at once, h_2 = 0.2 + t.
    drive = planes.drive(tensor([0.5, 0.2, -0.8]), tensor([0.0, 1.0, 0.0]))
    start = neuron(planes, 1.0, [0.7, 0.0])
    leaving = track(start, -np.ones(3), drive, (0.1, 0.3), BOTH)
    state = leaving.states[1]
    h = np.array([0.5, 0.5])
    a, v = float(state.a[0]), state.V[0].numpy()
    assert leaving.speeds[1] == pytest.approx((h @ v) ** 2 + a**2 * (h @ h), rel=1e-12)
    assert leaving.slip > 1e-3


@pytest.mark.parametrize("late", [-1.5, 1.5])
def test_the_plane_decides_with_the_weights_of_the_moment(late):
    """The lower side turns during the interval: met late, the plane holds the neuron or not."""
    planes = Planes.of(AXES, 0.0)
    drive = planes.drive(tensor([0.2, -0.5, 0.0]), tensor([0.0, 0.0, late]))
    trajectory = track(neuron(planes, 1.0, [1.0, 0.3]), drive.jump[0], drive, (0.1, 1.0), BOTH)
    end = trajectory.states[1]
    a, v = float(end.a[0]), end.V[0].numpy()

    def velocity(t, W):
        below = min(-late * t, 0.0) if abs(W[2]) < 1e-9 or late < 0 else -late * t
        h = np.array([0.2, -0.5 if W[2] > 0 else below])
        return [h @ W[1:], *(W[0] * h)]

    exact = solve_ivp(velocity, (0, 1), [1.0, 1.0, 0.3], rtol=1e-9, atol=1e-10, max_step=1e-3)
    np.testing.assert_allclose([a, *v], exact.y[:, -1], atol=2e-3)
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
        trajectory = track(neuron(planes, 1.0, [1.0, 0.05]), jump[0], drive, stage_times, BOTH)
        for end, side in zip(trajectory.states, sides):
            assert int(end.S[0, 1]) == side
            height = float(end.V[0, 1])
            assert side * height > 0.03 if side else abs(height) < 1e-12
