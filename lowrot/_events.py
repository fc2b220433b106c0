"""Neurons followed through kinks: where one arrives it crosses, or stays and slides.

Under given dual weights neurons do not see each other: so each is followed by itself, by compiled
code on the processor; the sums over them are products of tensors, wherever those live.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from lowrot._jit import jit
from lowrot._motion import (
    ARC,
    CROSSED,
    at,
    contact,
    energy,
    field_along,
    motion,
    slip,
    speed,
    velocity_along,
)
from lowrot._neurons import Arrays, Drive, Neurons, Rates, field, speed_at
from lowrot._span import dot, heights, remove

_ON = 1e-9
"""Distance from a plane over ``||v||`` at which a neuron is on it."""
_ROUNDS, _PATIENCE, _NEWTON = 200, 20, 30
_SHARE = 2**15
"""Pairs (neuron, plane) that are worth a thread."""


@dataclass(frozen=True)
class Tracked:
    """Neurons at two goals, and what they did on their way.

    Attributes:
        states: the neurons at the goals.
        speeds: ``||W'||^2`` there, in the metric of the rates.
        slip: sum over the way of the neurons' slip, see `lowrot._motion.slip`.
        energy: the integral of ``||W'||^2``, kinks resolved.
        met: how many neurons met a kink.
    """

    states: tuple[Neurons, Neurons]
    speeds: tuple[float, float]
    slip: float
    energy: float
    met: int


def track(
    neurons: Neurons, pull: np.ndarray, drive: Drive, goals: tuple[float, float], rates: Rates
) -> Tracked | None:
    """Follow neurons from time 0 through their kinks, to the two goals.

    Args:
        neurons: at the start.
        pull: the jumps of the field that decide what sticks at the start, shape (N,).
        drive: the field.
        goals: two times, increasing.
        rates: eta_a and eta_V; with eta_V = 0 nothing sticks.

    Returns:
        None if some neuron met more kinks than a step may have.
    """
    device = neurons.a.device
    start = tuple(part.cpu().numpy() for part in (neurons.a, neurons.V, neurons.S))
    ends = tuple(np.empty((2, *part.shape), dtype=part.dtype) for part in start)
    sums = np.zeros((len(start[0]), 5))
    shared = start, drive.arrays, pull, goals, rates, ends, sums
    parts = max(1, min(torch.get_num_threads(), start[2].size // _SHARE))
    bounds = np.linspace(0, len(sums), parts + 1).astype(int)
    if parts == 1:
        _follow_all(0, len(sums), *shared)
    else:
        with ThreadPoolExecutor(parts) as pool:
            list(pool.map(lambda low, high: _follow_all(low, high, *shared), bounds, bounds[1:]))
    if np.isnan(sums).any():
        return None
    first, second = (
        Neurons(*(torch.as_tensor(part[goal], device=device) for part in ends)) for goal in (0, 1)
    )
    total = sums.sum(0).tolist()
    return Tracked((first, second), (total[0], total[1]), total[2], total[3], int(total[4]))


@jit
def _follow_all(
    low: int,
    high: int,
    start: Arrays,
    drive: Arrays,
    pull: np.ndarray,
    goals: tuple[float, float],
    rates: Rates,
    ends: Arrays,
    sums: np.ndarray,
) -> None:
    """Follow the neurons from low to high, one by one."""
    for j in range(low, high):
        _follow(j, start, drive, pull, goals, rates, ends, sums[j])


@jit
def _follow(
    j: int,
    start: Arrays,
    drive: Arrays,
    pull: np.ndarray,
    goals: tuple[float, float],
    rates: Rates,
    ends: Arrays,
    sums: np.ndarray,
) -> None:
    """Follow neuron j to the goals; write where it is there, and its parts of the sums.

    The parts are its speeds at both goals, slip, energy, and whether it met a kink; not a number if
    it met too many.
    """
    U, columns, _, jump = drive
    N, d = U.shape
    a, v, pattern = start[0][j], start[1][j].copy(), start[2][j].copy()
    crossed, stuck = np.zeros(N, dtype=np.bool_), np.zeros(N, dtype=np.bool_)
    free, next_pattern = np.empty(N, dtype=np.int8), np.empty(N, dtype=np.int8)
    basis, arc, next_v, scratch = np.empty((d, d)), np.empty((ARC, d)), np.empty(d), np.empty(d)
    z, next_z = np.empty(N), np.empty(N)
    t, goal, near, both = 0.0, 0, pull.copy(), np.empty((2, d))
    for count in range(_ROUNDS):
        for k in range(N):
            crossed[k] = crossed[k] and count <= _PATIENCE
            if count:
                near[k] = jump[0, k] + t * jump[1, k]
            if not rates[1]:
                near[k] = 0.0  # frozen neurons do not stick
        heights(columns, v, z)
        rank = contact(U, z, a, v, pattern, near, crossed, free, stuck, basis)
        held = rank > 0
        field(drive, free, both)
        here = drive, rates, a, v, free, stuck, basis, rank, both, t
        there = arc, next_v, next_pattern
        dt = goals[goal] - t
        smooth = not count
        for end in range(2):
            if smooth:
                next_a = motion(*here, goals[end], *there)
                smooth = _wrong(columns, free, stuck, z, next_v, next_z)[0] < 0
            if smooth:
                _put(end, j, next_a, next_v, next_pattern, ends)
                if held:
                    sums[end] = speed_at(next_a, next_v, drive, next_pattern, goals[end], rates)
                else:
                    sums[end] = speed(arc, held, next_a, next_v, goals[end], rates)
        if smooth:
            sums[2] = slip(arc, a, held, goals[1], rates, scratch)
            sums[3] = energy(arc, a, held, next_a, next_v, goals[1], rates, scratch)
            return
        next_a = motion(*here, dt, *there)
        plane, fraction = _wrong(columns, free, stuck, z, next_v, next_z)
        later = goals[goal]
        if plane >= 0:
            side, normal = float(free[plane]), U[plane]
            dt = _root(arc, a, held, dt, rates, side, normal, fraction, scratch)
            later = t + dt
            next_a = at(arc, a, held, dt, rates, next_v)
            strength = jump[0, plane] + later * jump[1, plane]
            through = _through(arc, next_a, dt, side, normal, strength, basis, rank, scratch)
            _flatten(next_v, normal)
            for k in range(N):
                next_pattern[k] = free[k]
            next_pattern[plane] = -free[plane] if through else 0
            crossed[plane] = crossed[plane] or through
            for k in range(N):
                crossed[k] = crossed[k] and next_pattern[k] != 0
        sums[2] += slip(arc, a, held, dt, rates, scratch)
        sums[3] += energy(arc, a, held, next_a, next_v, dt, rates, scratch)
        sums[4] = 1.0
        a, t = next_a, later
        for c in range(d):
            v[c] = next_v[c]
        for k in range(N):
            pattern[k] = next_pattern[k]
        while t >= goals[goal]:
            _put(goal, j, a, v, pattern, ends)
            sums[goal] = speed_at(a, v, drive, pattern, t, rates)
            if goal:
                return
            goal = 1
    sums[:] = np.nan


@jit
def _put(goal: int, j: int, a: float, v: np.ndarray, pattern: np.ndarray, ends: Arrays) -> None:
    ends[0][goal, j] = a
    for c in range(len(v)):
        ends[1][goal, j, c] = v[c]
    for k in range(len(pattern)):
        ends[2][goal, j, k] = pattern[k]


@jit
def _wrong(
    columns: np.ndarray,
    free: np.ndarray,
    stuck: np.ndarray,
    z: np.ndarray,
    v: np.ndarray,
    next_z: np.ndarray,
) -> tuple[int, float]:
    """The plane out of contact first crossed on the way from heights z to v, and where; or -1.

    By linear interpolation; a plane that was met a little earlier is found next. The heights at v
    are written into next_z.
    """
    plane, fraction, limit = -1, 2.0, -CROSSED * math.sqrt(dot(v, v))
    heights(columns, v, next_z)
    for k in range(len(z)):
        after = free[k] * next_z[k]
        if after < limit and not stuck[k]:
            room = max(free[k] * z[k], 0.0)
            share = room / max(room - after, 1e-300)
            if share < fraction:
                plane, fraction = k, share
    return plane, fraction


@jit
def _root(
    arc: np.ndarray,
    start: float,
    held: bool,
    dt: float,
    rates: Rates,
    side: float,
    normal: np.ndarray,
    fraction: float,
    v: np.ndarray,
) -> float:
    """The time until a neuron meets a plane, from about a fraction of dt; v is scratch."""
    size, low, high = math.sqrt(dot(arc[-1], arc[-1])), 0.0, dt
    root = fraction * dt
    if side * dot(arc[-1], normal) <= _ON * size:
        if side * velocity_along(arc, held, start, 0.0, rates, normal) <= 0.0:
            return 0.0
        root = 0.5 * dt
    for _ in range(_NEWTON):
        if not low < root < high:
            root = 0.5 * (low + high)
        a = at(arc, start, held, root, rates, v)
        value = side * dot(v, normal)
        if abs(value) <= 1e-10 * size:
            break
        if value > 0.0:
            low = root
        else:
            high = root
        rate = side * velocity_along(arc, held, a, root, rates, normal)
        root -= value / (rate if rate else 1.0)
    return root


@jit
def _through(
    arc: np.ndarray,
    a: float,
    dt: float,
    side: float,
    normal: np.ndarray,
    strength: float,
    basis: np.ndarray,
    rank: int,
    tangent: np.ndarray,
) -> bool:
    """Whether a neuron crosses the plane just met: beyond it, it still moves away; else it slides.

    ``tangent`` is scratch, for the normal without its part along those of planes in contact.
    """
    for c in range(len(normal)):
        tangent[c] = normal[c]
    remove(basis, rank, tangent)
    bend = dot(tangent, tangent)
    beyond = field_along(arc, dt, normal) - 2.0 * side * strength * bend
    return bend > _ON and (a * strength >= 0.0 or side * a * beyond < 0.0)


@jit
def _flatten(v: np.ndarray, normal: np.ndarray) -> None:
    """Put v on the plane, with its norm kept, in place."""
    before, away = math.sqrt(dot(v, v)), dot(v, normal)
    for c in range(len(v)):
        v[c] -= away * normal[c]
    scale = before / max(math.sqrt(dot(v, v)), 1e-300)
    for c in range(len(v)):
        v[c] *= scale
