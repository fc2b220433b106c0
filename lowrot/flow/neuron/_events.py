"""When a neuron on an arc meets a plane, and when its outer weight changes sign."""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import part
from lowrot.flow.neuron._arc import at, field_along
from lowrot.flow.neuron._linalg import ON, copy, dot, heights, resize
from lowrot.flow.neuron._propagate import Arrays, Rates

_NEWTON = 60
"""Most iterations for the time of an event; bisection guards them, a handful suffice."""
_HALVINGS = 40
"""Most halvings in the search for an outer weight that changes its sign twice."""
CROSSED = 1e-12
"""Distance from a plane over ``||v||`` at which a neuron is beyond it."""
_MET = 1e-13
"""Distance from a plane over ``||v||``, or of a from 0 over the neuron's norm, that is none."""


@part
def first_crossed(
    columns: np.ndarray, pattern: np.ndarray, z: np.ndarray, v: np.ndarray, next_z: np.ndarray
) -> tuple[int, float]:
    """The plane first crossed on a straight way from heights z to v, and where; or -1.

    The heights at v are written into next_z.
    """
    plane, fraction, limit = -1, 2.0, -CROSSED * math.sqrt(dot(v, v))
    heights(columns, v, next_z)
    for k in range(len(z)):
        after = pattern[k] * next_z[k]
        if after < limit:
            room = max(pattern[k] * z[k], 0.0)
            fraction_k = room / max(room - after, 1e-300)
            if fraction_k < fraction:
                plane, fraction = k, fraction_k
    return plane, fraction


@part
def reach(arc: np.ndarray, start: float, dt: float, rates: Rates) -> float:
    """How far the turning of the field can carry a neuron beyond a plane, and back, within dt."""
    turning = math.sqrt(dot(arc[2], arc[2]))
    strength = math.sqrt(dot(arc[1], arc[1])) + dt * turning
    growth = math.exp(math.sqrt(rates[0] * rates[1]) * strength * dt)
    size = math.sqrt(dot(arc[0], arc[0]))
    outer = (abs(start) + rates[0] * strength * dt * size) * growth
    return 0.5 * rates[1] * outer * turning * dt * dt


@part
def visited(
    U: np.ndarray,
    arc: np.ndarray,
    start: float,
    sign: float,
    dt: float,
    rates: Rates,
    pattern: np.ndarray,
    z: np.ndarray,
    v: np.ndarray,
) -> tuple[int, float]:
    """A plane crossed within dt and crossed back, and a time when the neuron is beyond it; or -1.

    The velocity along a normal is the outer weight, of one sign, times the field, linear in time:
    so the neuron is farthest beyond a plane where that part of the field is zero. It cannot be
    beyond planes that are farther than the turning of the field can carry it; v is scratch.
    """
    limit = reach(arc, start, dt, rates)
    for k in range(len(z)):
        if pattern[k] != 0 and pattern[k] * z[k] <= limit:
            toward = sign * pattern[k] * dot(arc[1], U[k])
            rate = sign * pattern[k] * dot(arc[2], U[k])
            if toward < 0.0 < toward + dt * rate:
                at(arc, start, -toward / rate, rates, v)
                if pattern[k] * dot(U[k], v) < -CROSSED * math.sqrt(dot(v, v)):
                    return k, -toward / rate
    return -1, 0.0


@part
def meeting_time(
    arc: np.ndarray,
    start: float,
    dt: float,
    rates: Rates,
    side: float,
    normal: np.ndarray,
    fraction: float,
    v: np.ndarray,
) -> tuple[float, float]:
    """The time until a neuron meets a plane, beyond which it is after dt, and its outer weight.

    The inner weights there are written into v. Newton's method starts at a fraction of dt. On the
    plane a neuron meets it at once, unless it leaves first.
    """
    size, low, high = math.sqrt(dot(arc[0], arc[0])), 0.0, dt
    root = fraction * dt
    if side * dot(arc[0], normal) <= _MET * size:
        if side * start * field_along(arc, 0.0, normal) <= 0.0:
            copy(arc[0], v)
            return 0.0, start
        root = 0.5 * dt
    for _ in range(_NEWTON):
        if not low < root < high:
            root = 0.5 * (low + high)
        a = at(arc, start, root, rates, v)
        value = side * dot(v, normal)
        if abs(value) <= _MET * size:
            return root, a
        if value > 0.0:
            low = root
        else:
            high = root
        rate = side * rates[1] * a * field_along(arc, root, normal)
        root -= value / (rate if rate else 1.0)
    root = min(max(root, low), high)
    return root, at(arc, start, root, rates, v)


@part
def turned(
    arc: np.ndarray, start: float, sign: float, dt: float, end: float, rates: Rates, v: np.ndarray
) -> float:
    """A time within dt at which the outer weight, of this sign at first, has the other; or 0.

    That is dt, where it ends so; else the weight may be least in between. Its end is given with
    the inner weights there, v, which are scratch.
    """
    if sign * end < 0.0:
        return dt
    before, after = sign * dot(arc[1], arc[0]), sign * field_along(arc, dt, v)
    if start == 0.0 or before >= 0.0 or after <= 0.0:
        return 0.0
    low, high = 0.0, dt
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if sign * at(arc, start, middle, rates, v) < 0.0:
            return middle
        if sign * field_along(arc, middle, v) < 0.0:
            low = middle
        else:
            high = middle
    return 0.0


@part
def turning_time(
    arc: np.ndarray, start: float, sign: float, dt: float, rates: Rates, v: np.ndarray
) -> tuple[float, float]:
    """The time until the outer weight, of this sign at first, is zero if it has turned after dt.

    And what it is there, but for rounding 0; the inner weights are written into v. There a neuron
    turns round: the planes behind it are met again.
    """
    size, low, high, root = math.sqrt(start * start + dot(arc[0], arc[0])), 0.0, dt, 0.5 * dt
    for _ in range(_NEWTON):
        if not low < root < high:
            root = 0.5 * (low + high)
        a = at(arc, start, root, rates, v)
        if abs(a) <= _MET * size:
            return root, a
        if a * sign > 0.0:
            low = root
        else:
            high = root
        rate = rates[0] * field_along(arc, root, v)
        root -= a / (rate if rate else 1.0)
    root = min(max(root, low), high)
    return root, at(arc, start, root, rates, v)


@part
def meet(drive: Arrays, v: np.ndarray, pattern: np.ndarray, plane: int, z: np.ndarray) -> None:
    """Put v on a plane, in place, and zeros into the pattern there and at the planes met with it.

    The norm is kept, unless v is along the normal: then it is zero; z is scratch.
    """
    U, size, away = drive[0], math.sqrt(dot(v, v)), dot(v, drive[0][plane])
    for c in range(len(v)):
        v[c] -= away * U[plane, c]
    resize(v, size if math.sqrt(dot(v, v)) > ON * size else 0.0)
    pattern[plane] = 0
    heights(drive[1], v, z)
    for k in range(len(pattern)):
        if abs(z[k]) <= ON * size:
            pattern[k] = 0
