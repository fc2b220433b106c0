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
from lowrot.flow.neuron._contact import ARC, at, contact, energy, motion, slip, speed
from lowrot.flow.neuron._events import crosses, first_event, flatten, locate_event
from lowrot.flow.neuron._linalg import copy, heights
from lowrot.flow.neuron._propagate import (
    Arrays,
    Drive,
    Neurons,
    Rates,
    fastest_field,
    field,
    speed_at,
)

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
        slip: sum of the neurons' slip, see `lowrot.flow.neuron._contact.slip`.
        energy: the integral of ``||W'||^2``, kinks resolved.
        met: how many neurons met a kink.
    """

    states: tuple[Neurons, Neurons]
    speeds: tuple[float, float]
    slip: float
    energy: float
    met: int


def track(
    neurons: Neurons,
    start_jump: np.ndarray,
    drive: Drive,
    stage_times: tuple[float, float],
    rates: Rates,
) -> Trajectory | None:
    """Follow neurons from time 0 through their kinks, to the two stage times.

    Args:
        neurons: at the start.
        start_jump: the jumps of the field that decide what sticks at the start, shape (N,).
        drive: the field.
        stage_times: two times, increasing.
        rates: eta_a and eta_V; with eta_V = 0 nothing sticks.

    Returns:
        None if some neuron met more kinks than a step may have, or is not finite.
    """
    device = neurons.a.device
    start = tuple(part.cpu().numpy() for part in (neurons.a, neurons.V, neurons.S))
    ends = tuple(np.empty((2, *part.shape), dtype=part.dtype) for part in start)
    sums = np.zeros((len(start[0]), 5))
    task = start, drive.arrays, start_jump, stage_times, rates, ends, sums
    _in_threads(lambda low, high: _follow_all(low, high, task), start[2])
    if np.isnan(sums).any():
        return None
    first, second = (
        Neurons(*(torch.as_tensor(part[stage], device=device) for part in ends)) for stage in (0, 1)
    )
    total = sums.sum(0).tolist()
    return Trajectory((first, second), (total[0], total[1]), total[2], total[3], int(total[4]))


def fastest_growth(neurons: Neurons, drive: Drive, rates: Rates) -> float:
    """The largest rate at which a neuron grows under the field at time 0."""
    S, arrays = neurons.S.cpu().numpy(), drive.arrays
    largest = max(_in_threads(lambda low, high: fastest_field(arrays, S[low:high]), S))
    return math.sqrt(max(rates[0] * rates[1], 0.0)) * largest


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

    Args:
        j: the neuron.
        task: the start of all neurons, and as in `track` drive, start_jump, stage_times and rates;
            and where is written: the ends, and for each neuron its speeds at both stage times,
            slip, energy, and whether it met a kink, which are not numbers if it met too many.
    """
    start, drive, start_jump, stage_times, rates, ends, all_sums = task
    sums, (U, columns, _, jump) = all_sums[j], drive
    N, d = U.shape
    a, v, pattern = start[0][j], start[1][j].copy(), start[2][j].copy()
    crossed, stuck = np.zeros(N, dtype=np.bool_), np.zeros(N, dtype=np.bool_)
    free, next_pattern = np.empty(N, dtype=np.int8), np.empty(N, dtype=np.int8)
    basis, arc, next_v, scratch = np.empty((d, d)), np.empty((ARC, d)), np.empty(d), np.empty(d)
    z, next_z = np.empty(N), np.empty(N)
    t, stage, jump_now, both = 0.0, 0, start_jump.copy(), np.empty((2, d))
    there = arc, next_v, next_pattern
    for count in range(_ROUNDS):
        for k in range(len(U)):
            if count:
                jump_now[k] = jump[0, k] + t * jump[1, k]
            if not rates[1]:
                jump_now[k] = 0.0  # frozen neurons do not stick
        heights(columns, v, z)
        rank = contact(U, z, a, v, pattern, jump_now, crossed, free, stuck, basis)
        held = rank > 0
        field(drive, free, both)
        here = drive, rates, a, v, free, stuck, basis, rank, both, t
        plane = -1
        while plane < 0 and stage < 2:
            dt = max(stage_times[stage] - t, 0.0)
            next_a = motion(*here, dt, *there)
            plane, fraction = first_event(columns, free, stuck, z, next_v, next_z)
            if plane < 0:
                _put(stage, j, next_a, next_v, next_pattern, ends)
                if held:
                    sums[stage] = speed_at(
                        next_a, next_v, drive, next_pattern, stage_times[stage], rates
                    )
                else:
                    sums[stage] = speed(arc, held, next_a, next_v, dt, rates)
                stage += 1
        if plane >= 0:
            side, normal = float(free[plane]), U[plane]
            dt = locate_event(arc, a, held, dt, rates, side, normal, fraction, scratch)
            next_a = at(arc, a, held, dt, rates, next_v)
            strength = jump[0, plane] + (t + dt) * jump[1, plane]
            through = crosses(arc, next_a, dt, side, normal, strength, basis, rank, scratch)
            flatten(next_v, normal)
            copy(free, next_pattern)
            next_pattern[plane] = -free[plane] if through else 0
            crossed[plane] = crossed[plane] or through
            for k in range(len(U)):
                crossed[k] = crossed[k] and next_pattern[k] != 0
        sums[2] += slip(arc, a, held, dt, rates, scratch)
        sums[3] += energy(arc, a, held, next_a, next_v, dt, rates, scratch)
        if plane < 0:
            return
        sums[4] = 1.0
        a, t = next_a, t + dt
        copy(next_v, v)
        copy(next_pattern, pattern)
    sums[:] = np.nan


@jit
def _put(stage: int, j: int, a: float, v: np.ndarray, pattern: np.ndarray, ends: Arrays) -> None:
    ends[0][stage, j] = a
    copy(v, ends[1][stage, j])
    copy(pattern, ends[2][stage, j])
