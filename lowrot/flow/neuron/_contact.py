"""Which of the planes that a neuron is on hold it, and until when.

Where planes meet a neuron takes the velocity of least norm. While it slides, the forces of its
planes are those that leave no velocity across them: linear in time, as the dual weights are. It
lets go of a plane at the moment at which its force reaches the jump of the field there.
"""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import allocating, part
from lowrot.flow.neuron._arc import FIELD
from lowrot.flow.neuron._linalg import ON, copy, dot, fill, remove, resize, span, zeros
from lowrot.flow.neuron._propagate import Arrays, Rates, field
from lowrot.flow.neuron._sliding import HELD, forces, free_multipliers, minimal_norm_velocity

LOST = 1e-6
"""Distance over ``||v||`` at which a neuron held by nearly parallel planes is on one no longer."""
ORIGIN = 1e-12
"""Inner weights below this, over the outer one, that have met a plane are zero."""
_NUDGE = 4.0
"""How far, in units of `ON`, a neuron is moved off planes that push it apart from each other."""
_NEWTON = 60
"""Most iterations for the time at which dependent planes let go; a handful suffice."""
_SEEN = 4e-6
"""Least velocity, relative to the forces, at which `settle` surely sees that they do."""
_TURNS = 1e-9
"""A jump that changes its sign within this part of the time has done so: rounding."""


@allocating
def settle(
    drive: Arrays,
    rates: Rates,
    a: float,
    v: np.ndarray,
    pattern: np.ndarray,
    t: float,
    basis: np.ndarray,
) -> int:
    """Decide which of the planes that a neuron is on hold it; return the rank of their normals.

    The velocity of least norm leaves planes, to one side; on it that velocity is another one where
    planes repel, and may leave more of them.

    Args:
        drive: the field.
        rates: eta_a and eta_V; with eta_V = 0 nothing moves across planes, and nothing is held.
        a: outer weight.
        v: inner weights, put on the planes held, shape (d,).
        pattern: zeros at the planes it is on; written, zeros at those held and its sides of others.
            At v = 0 it is on all planes.
        t: the time.
        basis: written, an orthonormal basis of the normals held.
    """
    U, size = drive[0], math.sqrt(dot(v, v))
    if rates[1] > 0.0 and size <= ORIGIN * abs(a) and zeros(pattern):
        size = 0.0
        fill(v, 0.0)
        fill(pattern, 0)
    if _still_on(U, v, size, pattern) == 0 or rates[1] == 0.0 or (size == 0.0 and a == 0.0):
        return 0
    left, r = np.zeros(len(pattern), dtype=np.bool_), np.zeros(len(v))
    sign = _leave(drive, a, v, pattern, t, left, r)
    rank = span(U, pattern, basis)
    if zeros(left) < len(left) and _pushed_back(drive, sign, pattern, t, left, basis, rank):
        step = _NUDGE * ON * (size if size > 0.0 else abs(a)) / math.sqrt(dot(r, r))
        for c in range(len(v)):
            v[c] += step * sign * r[c]
        for k in range(len(pattern)):
            if left[k]:
                pattern[k] = 1 if dot(U[k], v) > 0.0 else -1
    remove(basis, rank, v)
    if size > 0.0:
        resize(v, size)
    return rank


@part
def _still_on(U: np.ndarray, v: np.ndarray, size: float, pattern: np.ndarray) -> int:
    """Write the sides of planes that inner weights v are on no longer; count those they are on."""
    on = 0
    for k in range(len(pattern)):
        if pattern[k] == 0:
            height = dot(U[k], v)
            if abs(height) > LOST * size:
                pattern[k] = 1 if height > 0.0 else -1
            else:
                on += 1
    return on


@allocating
def least_velocity(drive: Arrays, pattern: np.ndarray, t: float) -> np.ndarray:
    """The field of least norm that the planes where the pattern is 0 allow, shape (d,)."""
    if not zeros(pattern):
        return _field_now(drive, pattern, t)
    index, normals, bound, h, normal, r = _meeting(drive, pattern, t)
    minimal_norm_velocity(normals, bound, h, normal, r)
    held, basis = pattern.copy(), np.empty((len(r), len(r)))
    for i in range(len(index)):
        held[index[i]] = 0 if normal[i] == 0.0 else 1
    remove(basis, span(drive[0], held, basis), r)
    return r


@allocating
def _leave(
    drive: Arrays,
    a: float,
    v: np.ndarray,
    pattern: np.ndarray,
    t: float,
    left: np.ndarray,
    r: np.ndarray,
) -> float:
    """Leave planes until those that are left hold, and return the sign of the outer weight.

    The planes left are marked, their sides are written into the pattern, and into r the velocity.
    """
    sign = direction(a, 0.0)
    while True:
        index, normals, bound, h, normal, least = _meeting(drive, pattern, t)
        minimal_norm_velocity(normals, bound, h, normal, least)
        if zeros(normal) == len(normal):
            return sign
        if zeros(left) == len(left):
            copy(least, r)
            sign = direction(a, dot(r, v))
        for i in range(len(index)):
            if normal[i] != 0.0:
                pattern[index[i]] = 1 if sign * normal[i] > 0.0 else -1
                left[index[i]] = True


@part
def direction(a: float, growth: float) -> float:
    """The sign of the outer weight, or the one that it takes next."""
    if a != 0.0:
        return 1.0 if a > 0.0 else -1.0
    return 1.0 if growth >= 0.0 else -1.0


@allocating
def _meeting(drive: Arrays, pattern: np.ndarray, t: float) -> Arrays:
    """The planes where the pattern is 0, at a time.

    Returns:
        Their numbers and normals, the sizes of the jumps, the field without them, and room for
        normal parts and a velocity.
    """
    U, _, _, jump = drive
    d, on, count = U.shape[1], zeros(pattern), 0
    index, normals, bound = np.empty(on, dtype=np.int64), np.empty((on, d)), np.empty(on)
    for k in range(len(pattern)):
        if pattern[k] == 0:
            index[count], bound[count] = k, abs(jump[0, k] + t * jump[1, k])
            copy(U[k], normals[count])
            count += 1
    return index, normals, bound, _field_now(drive, pattern, t), np.empty(on), np.empty(d)


@allocating
def _field_now(drive: Arrays, pattern: np.ndarray, t: float) -> np.ndarray:
    """The field at a time and a pattern, shape (d,); zeros contribute nothing."""
    both = np.empty((2, drive[0].shape[1]))
    field(drive, pattern, both)
    for c in range(both.shape[1]):
        both[0, c] += t * both[1, c]
    return both[0]


@allocating
def _pushed_back(
    drive: Arrays,
    sign: float,
    pattern: np.ndarray,
    t: float,
    left: np.ndarray,
    basis: np.ndarray,
    rank: int,
) -> bool:
    """Whether the field on the sides chosen leads back to a plane just left.

    Planes that push a neuron off on both sides may turn each other's push.
    """
    h = _field_now(drive, pattern, t)
    limit = HELD * math.sqrt(dot(h, h))
    remove(basis, rank, h)
    for k in range(len(pattern)):
        if left[k] and sign * pattern[k] * dot(drive[0][k], h) < -limit:
            return True
    return False


@part
def release(
    drive: Arrays,
    a: float,
    v: np.ndarray,
    arc: np.ndarray,
    pattern: np.ndarray,
    basis: np.ndarray,
    rank: int,
    t: float,
    dt: float,
    leaving: np.ndarray,
) -> float:
    """The time from now at which planes held let go within dt, or infinity.

    The side to which the neuron leaves a plane is written into ``leaving``, zeros elsewhere; where
    normals depend on each other only zeros, and `settle` finds it. The times at which planes hold
    are an interval: the forces of a time between two are between those.
    """
    fill(leaving, 0)
    if rank == 0:
        return math.inf
    if zeros(pattern) > rank:
        return _last_held(drive, pattern, basis[:rank], t, dt)
    return _first_released(drive, direction(a, dot(arc[FIELD], v)), pattern, t, dt, leaving)


@allocating
def _first_released(
    drive: Arrays, sign: float, pattern: np.ndarray, t: float, dt: float, leaving: np.ndarray
) -> float:
    """What `release` tells where the normals of the planes held are independent.

    Forces and jumps are linear in time: so is the room between them, up to the edge where it ends.
    """
    index, normals, early, h, _, _ = _meeting(drive, pattern, t)
    _, _, late, end, _, _ = _meeting(drive, pattern, t + dt)
    everything = np.ones(len(index), dtype=np.bool_)
    first, last = np.empty(len(index)), np.empty(len(index))
    free_multipliers(normals, everything, h, first)
    free_multipliers(normals, everything, end, last)
    time, limit = math.inf, HELD * forces(late, end)
    for i in range(len(index)):
        jump = drive[3][:, index[i]]
        turned = (jump[0] + t * jump[1]) * (jump[0] + (t + dt) * jump[1]) < 0.0
        for edge in (-1, 1):
            room = max(early[i] - edge * first[i], 0.0)
            left = (-late[i] if turned else late[i]) - edge * last[i]
            if left < -limit and room / (room - left) * dt < time:
                time = room / (room - left) * dt
                fill(leaving, 0)
                leaving[index[i]] = -edge if sign > 0.0 else edge
    return time


@part
def _first_turn(jump: np.ndarray, pattern: np.ndarray, t: float, dt: float) -> float:
    """The time from now, within dt, at which a jump at planes held changes sign, or infinity."""
    turn = math.inf
    for k in range(len(pattern)):
        now, rate = jump[0, k] + t * jump[1, k], jump[1, k]
        if pattern[k] == 0 and now * rate < 0.0 and _TURNS * dt < -now / rate < min(turn, dt):
            turn = -now / rate
    return turn


@allocating
def _last_held(drive: Arrays, pattern: np.ndarray, basis: np.ndarray, t: float, dt: float) -> float:
    """The time just beyond which the planes where the pattern is 0 no longer hold, or infinity.

    By Newton's method from the end on the norm of the least velocity across them: zero while they
    hold, and convex, since the velocity is linear in the time and in the forces. That is so until a
    jump changes its sign: there `settle` decides anew.
    """
    d, turn = drive[0].shape[1], _first_turn(drive[3], pattern, t, dt)
    dt = min(dt, turn)
    time, beyond, both, along = dt, math.inf, np.empty((2, d)), np.empty(d)
    field(drive, pattern, both)
    for _ in range(_NEWTON):
        index, normals, bound, h, normal, r = _meeting(drive, pattern, t + time)
        minimal_norm_velocity(normals, bound, h, normal, r)
        copy(r, along)
        remove(basis, len(basis), along)
        for c in range(len(r)):
            r[c] -= along[c]
        size, seen = dot(r, r), _SEEN * forces(bound, h)
        if size <= seen * seen:
            break
        slope = dot(r, both[1])
        for i in range(len(index)):
            early, rate = drive[3][0, index[i]], drive[3][1, index[i]]
            slope -= abs(normal[i]) * (rate if early + (t + 0.5 * dt) * rate > 0.0 else -rate)
        if slope <= 0.0:
            beyond, time = time, 0.5 * time
            continue
        time = max(time - size / slope, 0.0)
        beyond = time + seen * math.sqrt(size) / slope
    return min(beyond, dt) if beyond < math.inf else turn
