"""Neurons that no event meets in a step: nearly all of them, many at a time.

A neuron is quiet if it stays on its sides of all planes or slides, from end to end, on those that
it is on: then its way is one arc. Fields and heights of many neurons are matrix products. Whoever
may not be quiet is left to `_track`, which looks for its events.
"""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import allocating, jit, part
from lowrot.flow.neuron._arc import ARC, FIELD, at, energy, speed
from lowrot.flow.neuron._contact import ORIGIN, direction
from lowrot.flow.neuron._events import CROSSED, reach, turned, visited
from lowrot.flow.neuron._grip import balanced, grip, outlast, put_on
from lowrot.flow.neuron._linalg import copy, dot, heights, remove
from lowrot.flow.neuron._propagate import Arrays, Rates, conserve, largest

FREE, LOUD = -1, -2
"""Neurons on no plane, and neurons on planes that are not classified: others have a slot."""
_BLOCK = 256
"""Neurons whose heights are products at once: they fit into the caches."""
_THIRD = 1e-12
"""A stage time this close to a third of the other, relatively, is one of `energy`'s."""


@jit
def classify(drive: Arrays, a: np.ndarray, V: np.ndarray, S: np.ndarray, rates: Rates) -> Arrays:
    """What does not depend on the dual weights of a step, but for jumps of about their size.

    Returns:
        The units of the neurons, (m,); their weights in these, put on the planes that they are on,
        (m,) and (m, d); the height over the nearest other plane, (m,); a slot of each neuron on
        planes, (m,); and for each slot what `grip` found: the rank of the normals, an orthonormal
        basis of them, the inverse in it, and the weights of the planes.
    """
    U, columns, _, jump = drive
    (m, d), N, last = V.shape, len(U), 0
    slot, z = np.empty(m, dtype=np.int64), np.empty(N)
    for j in range(m):
        slot[j] = FREE
        for k in range(N):
            if S[j, k] == 0:
                slot[j], last = LOUD, last + 1
                break
    rank, basis, inverse = (
        np.empty(last, dtype=np.int64),
        np.empty((last, d, d)),
        np.empty((last, d, d)),
    )
    weight, row = np.empty((last, N)), np.empty(d)
    unit, outer, inner, nearest, last = np.empty(m), np.empty(m), np.empty((m, d)), np.empty(m), 0
    for j in range(m):
        unit[j], v = largest(a[j], V[j]), inner[j]
        outer[j] = a[j] / unit[j]
        for c in range(d):
            v[c] = V[j, c] / unit[j]
        if slot[j] == LOUD and rates[1] > 0.0 and math.sqrt(dot(v, v)) > ORIGIN * abs(outer[j]):
            for k in range(N):
                weight[last, k] = abs(jump[0, k])
            rank[last] = grip(U, S[j], v, weight[last], basis[last], inverse[last], row)
            if rank[last] and outer[j] != 0.0:
                put_on(basis[last], rank[last], v)
                slot[j], last = last, last + 1
        heights(columns, v, z)
        nearest[j] = math.inf
        for k in range(N):
            if S[j, k] != 0:
                nearest[j] = min(nearest[j], S[j, k] * z[k])
    return unit, outer, inner, nearest, slot, rank, basis, inverse, weight


@allocating
def pass_quietly(low: int, high: int, task: tuple, ready: Arrays, loud: np.ndarray) -> None:
    """Follow the quiet neurons from low to high, and mark the others as loud, shape (high - low,).

    The task is that of `_track`, and ready is what `classify` returned.
    """
    U, columns, _, _ = task[1]
    N, d = U.shape
    pull, scratch, z = np.empty((N, 2 * d)), np.empty((ARC + 3, d)), np.empty(N)
    sides, fields = np.empty((_BLOCK, N)), np.empty((_BLOCK, 2 * d))
    V, outer, z_ends = np.empty((2 * _BLOCK, d)), np.empty((_BLOCK, 2)), np.empty((2 * _BLOCK, N))
    _pulls(task[1], pull)
    for first in range(low, high, _BLOCK):
        count = min(_BLOCK, high - first)
        marks = loud[first - low : first - low + count]
        _sides(first, task, sides[:count])
        np.dot(sides[:count], pull, fields[:count])
        _arcs(first, task, ready, fields, scratch, z, V, outer, marks)
        np.dot(V[: 2 * count], columns, z_ends[: 2 * count])
        _ends(first, task, ready, sides, z_ends, V, outer, marks)


@part
def _pulls(drive: Arrays, pull: np.ndarray) -> None:
    """Write the normals times the jumps of their planes, and beside them times their rates."""
    U, _, _, jump = drive
    N, d = U.shape
    for k in range(N):
        for c in range(d):
            pull[k, c], pull[k, d + c] = jump[0, k] * U[k, c], jump[1, k] * U[k, c]


@part
def _sides(first: int, task: tuple, sides: np.ndarray) -> None:
    """Write the patterns of a block of neurons as numbers that can be multiplied."""
    patterns = task[0][2]
    for i in range(sides.shape[0]):
        for k in range(sides.shape[1]):
            sides[i, k] = patterns[first + i, k]


@part
def _arcs(
    first: int,
    task: tuple,
    ready: Arrays,
    fields: np.ndarray,
    scratch: np.ndarray,
    z: np.ndarray,
    V: np.ndarray,
    outer: np.ndarray,
    loud: np.ndarray,
) -> None:
    """Follow a block of neurons along one arc each, into V and outer, and mark those that may not.

    The fields are those of their patterns; scratch is an arc and three vectors, z a height each.
    """
    base, inner, arc, d = task[1][2], ready[2], scratch[:ARC], V.shape[1]
    for i in range(len(loud)):
        copy(inner[first + i], arc[0])
        for c in range(d):
            arc[FIELD, c] = base[0, c] + fields[i, c]
            arc[FIELD + 1, c] = base[1, c] + fields[i, d + c]
        ends = V[2 * i : 2 * i + 2]
        loud[i] = not _one_arc(first + i, task, ready, arc, z, scratch[ARC:], ends, outer[i])


@part
def _ends(
    first: int,
    task: tuple,
    ready: Arrays,
    sides: np.ndarray,
    z_ends: np.ndarray,
    V: np.ndarray,
    outer: np.ndarray,
    loud: np.ndarray,
) -> None:
    """Write where a block of neurons ends; mark those that are beyond a plane."""
    for i in range(len(loud)):
        for stage in range(2):
            row = 2 * i + stage
            loud[i] |= _beyond(sides[i], z_ends[row], V[row])
            if not loud[i]:
                _write(stage, first + i, V[row], outer[i, stage], task, ready)


@part
def _one_arc(
    j: int,
    task: tuple,
    ready: Arrays,
    arc: np.ndarray,
    z: np.ndarray,
    scratch: np.ndarray,
    V: np.ndarray,
    outer: np.ndarray,
) -> bool:
    """Follow neuron j along one arc, into V and outer; False if an event may meet it on the way.

    Its sides at the stage times are not looked at.
    """
    start, drive, stage_times, rates, _, sums = task
    unit, a, _, nearest, slot, rank, basis, inverse, weight = ready
    pattern, (early, end), s, h = start[2][j], stage_times, slot[j], arc[FIELD:]
    if s == LOUD:
        return False
    if s != FREE:
        U, jump, grasp = drive[0], drive[3], (rank[s], basis[s], inverse[s], weight[s])
        if not outlast(U, jump, pattern, grasp, h, 0.0, end, scratch, z):
            return False
        if not balanced(U, jump, pattern, grasp, h, 0.0, scratch, z):
            return False
        remove(basis[s], rank[s], h[0])
        remove(basis[s], rank[s], h[1])
    sign = direction(a[j], dot(h[0], arc[0]))
    outer[0], outer[1] = at(arc, a[j], early, rates, V[0]), at(arc, a[j], end, rates, V[1])
    if start[3][j] < 0.0:  # others never turn
        copy(V[1], scratch[0])
        if sign * outer[0] < 0.0 or turned(arc, a[j], sign, end, outer[1], rates, scratch[0]) > 0.0:
            return False
    if nearest[j] <= reach(arc, a[j], end, rates):
        heights(drive[1], arc[0], z)
        if visited(drive[0], arc, a[j], sign, end, rates, pattern, z, scratch[0])[0] >= 0:
            return False
    sums[j, 0] = speed(arc, outer[0], V[0], early, rates) * unit[j] ** 2
    sums[j, 1] = speed(arc, outer[1], V[1], end, rates) * unit[j] ** 2
    if abs(end - 3.0 * early) <= _THIRD * end:
        sums[j, 2] = end * (0.75 * sums[j, 0] + 0.25 * sums[j, 1])
    else:
        sums[j, 2] = energy(arc, a[j], outer[1], V[1], end, rates, scratch[0]) * unit[j] ** 2
    return True


@part
def _beyond(sides: np.ndarray, z: np.ndarray, v: np.ndarray) -> bool:
    """Whether heights z of inner weights v are on other sides of planes."""
    beyond, limit = 0, -CROSSED * math.sqrt(dot(v, v))
    for k in range(len(z)):
        beyond += sides[k] * z[k] < limit
    return beyond > 0


@part
def _write(stage: int, j: int, v: np.ndarray, a: float, task: tuple, ready: Arrays) -> None:
    """Write neuron j, quiet, at a stage."""
    start, _, _, rates, ends, _ = task
    unit, sign = ready[0][j], direction(ready[1][j], 0.0)
    root = start[3][j] / unit
    ends[0][stage, j] = conserve(sign, root * abs(root), rates, a, v) * unit
    for c in range(len(v)):
        ends[1][stage, j, c] = v[c] * unit
