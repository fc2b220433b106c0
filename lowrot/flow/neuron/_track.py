"""Neurons followed through kinks: where one arrives it crosses, or stays and slides.

Under given dual weights neurons do not see each other: so each is followed by itself, by compiled
code. Most are quiet (`_quiet`); the others go from event to event.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lowrot._jit import allocating, in_threads, jit, part
from lowrot.flow.neuron._arc import ARC, at, energy, speed
from lowrot.flow.neuron._begin import begin
from lowrot.flow.neuron._contact import direction
from lowrot.flow.neuron._events import (
    first_crossed,
    meet,
    meeting_time,
    turned,
    turning_time,
    visited,
)
from lowrot.flow.neuron._held import LISTS, Held, hold, hold_throughout, note
from lowrot.flow.neuron._linalg import copy, dot, fill, heights
from lowrot.flow.neuron._propagate import (
    Arrays,
    Drive,
    Neurons,
    Rates,
    conserve,
    largest,
)
from lowrot.flow.neuron._quiet import classify, pass_quietly

_NONE, _RELEASE, _TURN, _MEETING = 0, 1, 2, 3
"""What ends an arc: the time; a plane that lets go; ``a = 0``; a plane that is met."""
_ROUNDS = 200
"""Most kinks that a neuron may meet in a step (a handful are many); more are a sign of chatter."""
_PAIRS_A_THREAD = 2**15
"""Pairs (neuron, plane) that are worth a thread of their own."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Neurons at two stage times, and what they did on their trajectories.

    Attributes:
        states: the neurons at the stage times.
        held: in which directions they were held before the first, and between the two.
        forgotten: of neurons that were held between the two where they were not before: in which
            directions they were held before the first; and those in which they do not remember,
            at the second time, what moved them before the first.
        speeds: ``||W'||^2`` at the stage times, in the metric of the rates.
        energy: the integral of ``||W'||^2``, kinks resolved.
        met: how many neurons met a kink, or may have.
        size: the norm of the network, of both stages together.
    """

    states: tuple[Neurons, Neurons]
    held: tuple[Held, Held]
    forgotten: tuple[Held, Held]
    speeds: tuple[float, float]
    energy: float
    met: int
    size: float


class Tracker:
    """Follows neurons from the start of a step, under any dual weights.

    Args:
        neurons: at the start.
        drive: a field of about the strength of those to come.
        rates: eta_a and eta_V; with eta_V = 0 nothing slides.
    """

    def __init__(self, neurons: Neurons, drive: Drive, rates: Rates) -> None:
        self.neurons, self.rates = neurons, rates
        self._start = neurons.a, neurons.V, neurons.S, neurons.unbalance
        self._drive, self._ready = drive, classify(drive.arrays, *self._start[:3], rates)

    def fastest_growth(self) -> float:
        """The largest rate at which a neuron grows under the field given, at time 0, or a bound.

        A neuron whose planes are nearly parallel counts as if they left it free.
        """
        a, V, S, _ = self._start
        slot, rank, basis = self._ready[4:7]
        fields, held = self._drive.at_start(S), np.flatnonzero(slot >= 0)
        if len(held):
            rows = np.arange(V.shape[1]) < rank[slot[held], None]
            normals = np.where(rows[:, :, None], basis[slot[held]], 0.0)
            along = np.einsum("jrc,jc->jr", normals, fields[held])
            fields[held] -= np.einsum("jr,jrc->jc", along, normals)
        squares = np.einsum("jc,jc->j", fields, fields)
        if not a.all():  # what is zero does not move
            squares[(a == 0.0) & ~V.any(1)] = 0.0
        return math.sqrt(self.rates[0] * self.rates[1] * float(squares.max()))

    def follow(self, drive: Drive, stage_times: tuple[float, float]) -> Trajectory | None:
        """The neurons at two times, increasing, under a field.

        None if some neuron met more kinks than a step may have, or is not finite.
        """
        start, m = self._start, len(self._start[0])
        ends = tuple(np.empty((2, *part.shape), dtype=part.dtype) for part in start[:3])
        ends[2][:] = start[2]
        sums = np.zeros((m, 3))
        task = start, drive.arrays, stage_times, self.rates, ends, sums
        found = in_threads(
            lambda low, high: follow_all(low, high, task, self._ready), m, _most(start[2])
        )
        speed, late, energy = sums.sum(0).tolist()
        if math.isnan(speed + late + energy):
            return None
        first, second, less, more = map(_joined, zip(*(_lists(*part[:3]) for part in found)))
        states = (
            Neurons(ends[0][0], ends[1][0], ends[2][0], start[3]),
            Neurons(ends[0][1], ends[1][1], ends[2][1], start[3]),
        )
        met, size = sum(part[3] for part in found), math.sqrt(sum(np.vdot(x, x) for x in ends[:2]))
        return Trajectory(states, (first, second), (less, more), (speed, late), energy, met, size)


def _lists(owners: np.ndarray, normals: np.ndarray, last: np.ndarray) -> list[Held]:
    """The lists of `note`, each of its own length."""
    return [(owners[k, :count], normals[k, :count]) for k, count in enumerate(last.tolist())]


def _joined(parts: tuple[Held, ...]) -> Held:
    """The neurons and directions of all parts."""
    if len(parts) == 1:
        return parts[0]
    owners, normals = zip(*parts)
    return np.concatenate(owners), np.concatenate(normals)


def track(
    neurons: Neurons, drive: Drive, stage_times: tuple[float, float], rates: Rates
) -> Trajectory | None:
    """Follow neurons once: see `Tracker`."""
    return Tracker(neurons, drive, rates).follow(drive, stage_times)


def _most(patterns: np.ndarray) -> int:
    """Threads that are worth starting for neurons with these patterns."""
    return patterns.size // _PAIRS_A_THREAD


@jit
def follow_all(
    low: int, high: int, task: Any, ready: Arrays
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Follow neurons from low to high, the quiet ones first.

    Returns:
        The lists of `note` with their lengths, and how many neurons were not quiet.
    """
    d, most, met = task[1][0].shape[1], 0, 0
    slot, rank = ready[4], ready[5]
    loud, last = np.empty(high - low, dtype=np.bool_), np.zeros(LISTS, dtype=np.int64)
    pass_quietly(low, high, task, ready, loud)
    for j in range(low, high):
        met += loud[j - low]
        most += d if loud[j - low] else (rank[slot[j]] if slot[j] >= 0 else 0)
    owners, normals = np.empty((LISTS, most), dtype=np.int64), np.empty((LISTS, most, d))
    for j in range(low, high):
        if slot[j] >= 0 and not loud[j - low]:
            hold_throughout(j, ready[6][slot[j]], rank[slot[j]], owners, normals, last)
    room = _room(*task[1][0].shape)
    for j in range(low, high):
        if loud[j - low]:
            follow_loud(j, task, owners, normals, last, room)
    return owners, normals, last, met


@allocating
def _room(N: int, d: int) -> tuple[Arrays, Arrays, Arrays, Arrays]:
    """What `follow_loud` writes on its way: patterns, and numbers for planes, vectors, matrices."""
    patterns = np.empty(N, dtype=np.int8), np.empty(N, dtype=np.int8)
    planes = np.empty(N), np.empty(N), np.empty(N), np.empty((2, N))
    vectors = np.empty(d), np.empty(d), np.empty(d), np.empty((ARC, d))
    return patterns, planes, vectors, (np.empty((d, d)), np.empty((d, d)), np.empty((3, d)))


@part
def follow_loud(
    j: int,
    task: Any,
    owners: np.ndarray,
    normals: np.ndarray,
    last: np.ndarray,
    room: tuple[Arrays, Arrays, Arrays, Arrays],
) -> None:
    """Follow neuron j to the stage times; write where it is there, and its parts of the sums.

    In the unit of its largest weight, so that nothing underflows: its equation is linear.

    The task is the start of all neurons, drive, stage_times and rates as in `Tracker`; and where is
    written: the ends, and for each neuron its speeds at both stage times and energy, which are
    not numbers if it met too many kinks. Owners, normals and last are those of `note`.
    """
    start, drive, stage_times, rates, ends, all_sums = task
    sums, unit = all_sums[j], largest(start[0][j], start[1][j])
    (pattern, leaving), (z, next_z, weight, until), (v, next_v, scratch, arc), matrices = room
    basis, inverse, rows = matrices
    for c in range(len(v)):
        v[c] = start[1][j, c] / unit
    a, t, stage, plane = start[0][j] / unit, 0.0, 0, -1
    sign, invariant = direction(a, 0.0), start[3][j] / unit * abs(start[3][j] / unit)
    copy(start[2][j], pattern)
    fill(until[0], 0.0)
    fill(sums, 0.0)
    for _ in range(_ROUNDS):
        now = t, stage_times[1]
        held = inverse, weight, rows, next_z
        rank, left = begin(drive, rates, a, v, pattern, plane, now, basis, arc, leaving, held)
        heights(drive[1], v, z)
        while stage < 2:
            dt, keeps = stage_times[stage] - t, invariant >= 0.0
            found = _first(
                drive, rates, arc, a, keeps, pattern, z, left, dt, next_v, next_z, scratch
            )
            event, plane, dt, next_a = found
            ended = stage_times[stage] if event == _NONE else t + dt
            hold(pattern, rank, ended, until[stage])
            if event != _NONE:
                break
            sums[stage] = speed(arc, next_a, next_v, dt, rates) * unit**2
            copy(next_v, scratch)
            end_a = conserve(sign, invariant, rates, next_a, scratch)
            _write(ends, stage, j, unit, end_a, scratch, pattern)
            on = pattern, basis, rank
            note(drive[0], j, stage, stage_times, on, until, owners, normals, last)
            stage += 1
        sums[2] += energy(arc, a, next_a, next_v, dt, rates, scratch) * unit**2
        if event == _NONE:
            return
        t += dt
        copy(next_v, v)
        a = conserve(sign, invariant, rates, next_a, v)
        if event == _TURN:
            a = 0.0
        elif event == _MEETING:
            meet(drive, v, pattern, plane, next_z)
        else:
            for k in range(len(pattern)):
                pattern[k] += leaving[k]
    fill(sums, np.nan)


@part
def _write(
    ends: Any, stage: int, j: int, unit: float, a: float, v: np.ndarray, pattern: np.ndarray
) -> None:
    """Write neuron j at a stage; its weights are in a unit."""
    ends[0][stage, j] = a * unit
    for c in range(len(v)):
        ends[1][stage, j, c] = v[c] * unit
    copy(pattern, ends[2][stage, j])


@part
def _first(
    drive: Arrays,
    rates: Rates,
    arc: np.ndarray,
    a: float,
    keeps: bool,
    pattern: np.ndarray,
    z: np.ndarray,
    left: float,
    dt: float,
    next_v: np.ndarray,
    next_z: np.ndarray,
    scratch: np.ndarray,
) -> tuple[int, int, float, float]:
    """The first event on an arc within dt: its kind, its plane, its time, the outer weight there.

    The inner weights there are written into next_v. A neuron that keeps its sign never turns.
    """
    dt, event, plane, sign = max(dt, 0.0), _NONE, -1, direction(a, dot(arc[1], arc[0]))
    if left < dt:
        dt, event = left, _RELEASE
    next_a = at(arc, a, dt, rates, next_v)
    copy(next_v, scratch)
    beyond = 0.0 if keeps else turned(arc, a, sign, dt, next_a, rates, scratch)
    if beyond > 0.0:
        event, (dt, next_a) = _TURN, turning_time(arc, a, sign, beyond, rates, next_v)
    while True:
        met, fraction = first_crossed(drive[1], pattern, z, next_v, next_z)
        beyond = dt
        if met < 0:
            met, beyond = visited(drive[0], arc, a, sign, dt, rates, pattern, z, scratch)
            fraction = 0.5
        if met < 0:
            return event, plane, dt, next_a
        side, normal = float(pattern[met]), drive[0][met]
        event, plane = _MEETING, met
        beyond, next_a = meeting_time(arc, a, beyond, rates, side, normal, fraction, next_v)
        if beyond >= dt:
            return event, plane, dt, next_a
        dt = beyond
