"""Neurons followed through kinks: where one arrives it crosses, or stays and slides.

Under given dual weights neurons do not see each other: so each is followed by itself, by compiled
code. Most are quiet (`_quiet`); the others go from event to event.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lowrot._jit import jit, part
from lowrot.flow.neuron._arc import ARC, at, energy, speed
from lowrot.flow.neuron._contact import direction
from lowrot.flow.neuron._events import (
    first_crossed,
    meet,
    meeting_time,
    turned,
    turning_time,
    visited,
)
from lowrot.flow.neuron._grip import begin
from lowrot.flow.neuron._held import LISTS, Held, bases_of, hold, note
from lowrot.flow.neuron._linalg import copy, dot, heights
from lowrot.flow.neuron._propagate import (
    Arrays,
    Drive,
    Neurons,
    Rates,
    conserve,
    fastest_field,
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
    """

    states: tuple[Neurons, Neurons]
    held: tuple[Held, Held]
    forgotten: tuple[Held, Held]
    speeds: tuple[float, float]
    energy: float
    met: int


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
        self._ready = classify(drive.arrays, *self._start[:3], rates)

    def follow(self, drive: Drive, stage_times: tuple[float, float]) -> Trajectory | None:
        """The neurons at two times, increasing, under a field.

        None if some neuron met more kinks than a step may have, or is not finite.
        """
        m, start = len(self.neurons.a), self._start
        ends = tuple(np.empty((2, *part.shape), dtype=part.dtype) for part in start[:3])
        sums, loud = np.zeros((m, 3)), np.empty(m, dtype=np.bool_)
        task = start, drive.arrays, stage_times, self.rates, ends, sums
        ends[2][:] = start[2]
        _in_threads(lambda low, high: pass_quietly(low, high, task, self._ready, loud), start[2])
        others = np.flatnonzero(loud)
        found = _in_threads(lambda low, high: follow_all(others[low:high], task), start[2][others])
        if np.isnan(sums).any():
            return None
        quiet = bases_of(self._ready, loud)
        lists = list(zip(*found))
        held = [_joined([quiet, *lists[stage]]) for stage in range(2)]
        forgotten = [_joined(list(parts)) for parts in lists[2:]]
        first, second = (Neurons(a, V, S, self.neurons.unbalance) for a, V, S in zip(*ends))
        total = sums.sum(0).tolist()
        speeds = total[0], total[1]
        sets = (held[0], held[1]), (forgotten[0], forgotten[1])
        return Trajectory((first, second), *sets, speeds, total[2], others.size)


def _joined(parts: list[Held]) -> Held:
    """The neurons and directions of all parts."""
    owners, normals = zip(*parts)
    return np.concatenate(owners), np.concatenate(normals)


def track(
    neurons: Neurons, drive: Drive, stage_times: tuple[float, float], rates: Rates
) -> Trajectory | None:
    """Follow neurons once: see `Tracker`."""
    return Tracker(neurons, drive, rates).follow(drive, stage_times)


def fastest_growth(neurons: Neurons, drive: Drive, rates: Rates) -> float:
    """The largest rate at which a neuron grows under the field at time 0."""
    a, V, S = neurons.a, neurons.V, neurons.S

    def fastest(low: int, high: int) -> float:
        return fastest_field(drive.arrays, a[low:high], V[low:high], S[low:high])

    return math.sqrt(max(rates[0] * rates[1], 0.0)) * max(_in_threads(fastest, S))


def _in_threads(work: Callable[[int, int], Any], patterns: np.ndarray) -> list[Any]:
    """Call work(low, high) for parts of the neurons, in threads where that pays."""
    parts = max(1, min(torch.get_num_threads(), patterns.size // _PAIRS_A_THREAD))
    if parts == 1:
        return [work(0, len(patterns))]
    bounds = np.linspace(0, len(patterns), parts + 1).astype(int).tolist()
    with ThreadPoolExecutor(parts) as pool:
        return list(pool.map(work, bounds, bounds[1:]))


@jit
def follow_all(which: np.ndarray, task: Any) -> tuple[Held, Held, Held, Held]:
    """Follow neurons through their events, one by one; return what `note` lists of them."""
    d = task[1][0].shape[1]
    most, last = d * len(which), np.zeros(LISTS, dtype=np.int64)
    owners, normals = np.empty((LISTS, most), dtype=np.int64), np.empty((LISTS, most, d))
    for j in which:
        _follow(j, task, owners, normals, last)
    return (
        (owners[0, : last[0]], normals[0, : last[0]]),
        (owners[1, : last[1]], normals[1, : last[1]]),
        (owners[2, : last[2]], normals[2, : last[2]]),
        (owners[3, : last[3]], normals[3, : last[3]]),
    )


@part
def _follow(j: int, task: Any, owners: np.ndarray, normals: np.ndarray, last: np.ndarray) -> None:
    """Follow neuron j to the stage times; write where it is there, and its parts of the sums.

    In the unit of its largest weight, so that nothing underflows: its equation is linear.

    The task is the start of all neurons, drive, stage_times and rates as in `Tracker`; and where is
    written: the ends, and for each neuron its speeds at both stage times and energy, which are
    not numbers if it met too many kinks. Owners, normals and last are those of `note`.
    """
    start, drive, stage_times, rates, ends, all_sums = task
    sums, (N, d), unit = all_sums[j], drive[0].shape, largest(start[0][j], start[1][j])
    a, v, pattern = start[0][j] / unit, start[1][j] / unit, start[2][j].copy()
    sign, invariant = direction(a, 0.0), start[3][j] / unit * abs(start[3][j] / unit)
    basis, arc, next_v, scratch = np.empty((d, d)), np.empty((ARC, d)), np.empty(d), np.empty(d)
    z, next_z, leaving, t, stage = np.empty(N), np.empty(N), np.empty_like(pattern), 0.0, 0
    until, weight, inverse = np.zeros((2, N)), np.empty(N), np.empty((d, d))
    sums[:] = 0.0
    for _ in range(_ROUNDS):
        now = t, stage_times[1]
        rank, left = begin(drive, rates, a, v, pattern, now, basis, inverse, weight, arc, leaving)
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
            note(drive[0], j, stage, stage_times, until, owners, normals, last)
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
            meet(drive, v, pattern, plane)
        else:
            pattern += leaving
    sums[:] = np.nan


@part
def _write(
    ends: Any, stage: int, j: int, unit: float, a: float, v: np.ndarray, pattern: np.ndarray
) -> None:
    """Write neuron j at a stage; its weights are in a unit."""
    ends[0][stage, j] = a * unit
    ends[1][stage, j] = v * unit
    ends[2][stage, j] = pattern


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
        dt, event = turning_time(arc, a, sign, beyond, rates, scratch), _TURN
        next_a = at(arc, a, dt, rates, next_v)
    while True:
        met, fraction = first_crossed(drive[1], pattern, z, next_v, next_z)
        beyond = dt
        if met < 0:
            met, beyond = visited(drive[0], arc, a, sign, dt, rates, pattern, z, scratch)
            fraction = 0.5
        if met < 0:
            return event, plane, dt, next_a
        side, normal = float(pattern[met]), drive[0][met]
        beyond = meeting_time(arc, a, beyond, rates, side, normal, fraction, scratch)
        event, plane, next_a = _MEETING, met, at(arc, a, beyond, rates, next_v)
        if beyond >= dt:
            return event, plane, dt, next_a
        dt = beyond
