"""Neurons followed through kinks: where one arrives it crosses, or stays and slides.

Under given dual weights neurons do not see each other: so each is followed by itself, by compiled
code on the processor; the sums over them are products of tensors, wherever those live.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lowrot._jit import jit
from lowrot.flow.neuron._arc import ARC, at, depart, energy, speed
from lowrot.flow.neuron._contact import direction, release, settle
from lowrot.flow.neuron._events import (
    first_crossed,
    meet,
    meeting_time,
    turned,
    turning_time,
    visited,
)
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
        speeds: ``||W'||^2`` there, in the metric of the rates.
        energy: the integral of ``||W'||^2``, kinks resolved.
        met: how many neurons met a kink.
    """

    states: tuple[Neurons, Neurons]
    speeds: tuple[float, float]
    energy: float
    met: int


def track(
    neurons: Neurons,
    drive: Drive,
    stage_times: tuple[float, float],
    rates: Rates,
) -> Trajectory | None:
    """Follow neurons from time 0 through their kinks, to the two stage times.

    Args:
        neurons: at the start.
        drive: the field.
        stage_times: two times, increasing.
        rates: eta_a and eta_V; with eta_V = 0 nothing slides.

    Returns:
        None if some neuron met more kinks than a step may have, or is not finite.
    """
    device = neurons.a.device
    parts = neurons.a, neurons.V, neurons.S, neurons.unbalance
    start = tuple(part.cpu().numpy() for part in parts)
    ends = tuple(np.empty((2, *part.shape), dtype=part.dtype) for part in start[:3])
    sums = np.zeros((len(start[0]), 4))
    task = start, drive.arrays, stage_times, rates, ends, sums
    _in_threads(lambda low, high: _follow_all(low, high, task), start[2])
    if np.isnan(sums).any():
        return None
    first, second = (
        Neurons(a, V, S, neurons.unbalance)
        for a, V, S in zip(*(torch.as_tensor(part, device=device) for part in ends))
    )
    total = sums.sum(0).tolist()
    return Trajectory((first, second), (total[0], total[1]), total[2], int(total[3]))


def fastest_growth(neurons: Neurons, drive: Drive, rates: Rates) -> float:
    """The largest rate at which a neuron grows under the field at time 0."""
    a, V, S = (part.cpu().numpy() for part in (neurons.a, neurons.V, neurons.S))

    def fastest(low: int, high: int) -> float:
        return fastest_field(drive.arrays, a[low:high], V[low:high], S[low:high])

    return math.sqrt(max(rates[0] * rates[1], 0.0)) * max(_in_threads(fastest, S))


def _in_threads(work: Callable[[int, int], Any], patterns: np.ndarray) -> list[Any]:
    """Call work(low, high) for parts of the neurons, in threads where that pays."""
    parts = max(1, min(torch.get_num_threads(), patterns.size // _PAIRS_A_THREAD))
    bounds = np.linspace(0, len(patterns), parts + 1).astype(int).tolist()
    if parts == 1:
        return [work(*bounds)]
    with ThreadPoolExecutor(parts) as pool:
        return list(pool.map(work, bounds, bounds[1:]))


@jit
def _follow_all(low: int, high: int, task: Any) -> None:
    """Follow the neurons from low to high, one by one."""
    for j in range(low, high):
        _follow(j, task)


@jit
def _follow(j: int, task: Any) -> None:
    """Follow neuron j to the stage times; write where it is there, and its parts of the sums.

    In the unit of its largest weight, so that nothing underflows: its equation is linear.

    Args:
        j: the neuron.
        task: the start of all neurons, and as in `track` drive, stage_times and rates; and where is
            written: the ends, and for each neuron its speeds at both stage times, energy, and
            whether it met a kink, which are not numbers if it met too many.
    """
    start, drive, stage_times, rates, ends, all_sums = task
    sums, (N, d), unit = all_sums[j], drive[0].shape, largest(start[0][j], start[1][j])
    a, v, pattern = start[0][j] / unit, start[1][j] / unit, start[2][j].copy()
    sign, invariant = direction(a, 0.0), start[3][j] / unit * abs(start[3][j] / unit)
    basis, arc, next_v, scratch = np.empty((d, d)), np.empty((ARC, d)), np.empty(d), np.empty(d)
    z, next_z, leaving, t, stage = np.empty(N), np.empty(N), np.empty_like(pattern), 0.0, 0
    for _ in range(_ROUNDS):
        rank = settle(drive, rates, a, v, pattern, t, basis)
        depart(drive, v, pattern, t, basis, rank, arc)
        heights(drive[1], v, z)
        left = stage_times[1] - t
        left = release(drive, a, v, arc, pattern, basis, rank, t, left, leaving)
        while stage < 2:
            dt, keeps = stage_times[stage] - t, invariant >= 0.0
            found = _first(
                drive, rates, arc, a, keeps, pattern, z, left, dt, next_v, next_z, scratch
            )
            event, plane, dt, next_a = found
            if event != _NONE:
                break
            sums[stage] = speed(arc, next_a, next_v, dt, rates) * unit**2
            copy(next_v, scratch)
            end_a = conserve(sign, invariant, rates, next_a, scratch)
            _write(ends, stage, j, unit, end_a, scratch, pattern)
            stage += 1
        sums[2] += energy(arc, a, next_a, next_v, dt, rates, scratch) * unit**2
        if event == _NONE:
            return
        sums[3] = 1.0
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


@jit
def _write(
    ends: Any, stage: int, j: int, unit: float, a: float, v: np.ndarray, pattern: np.ndarray
) -> None:
    """Write neuron j at a stage; its weights are in a unit."""
    ends[0][stage, j] = a * unit
    ends[1][stage, j] = v * unit
    ends[2][stage, j] = pattern


@jit
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
