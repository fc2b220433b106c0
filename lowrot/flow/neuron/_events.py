"""Where a neuron on an arc meets a plane, and where its outer weight changes sign."""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import jit
from lowrot.flow.neuron._contact import at, field_along
from lowrot.flow.neuron._linalg import ON, dot, heights, resize
from lowrot.flow.neuron._propagate import Arrays, Rates

_NEWTON = 60
"""Most iterations for the time of an event; bisection guards them, a handful suffice."""
_CROSSED = 1e-10
"""Distance from a plane over ``||v||`` at which a neuron is beyond it."""
_MET = 1e-13
"""Distance from a plane over ``||v||``, or of a from 0 over the neuron's norm, that is none."""


@jit
def first_event(
    columns: np.ndarray, pattern: np.ndarray, z: np.ndarray, v: np.ndarray, next_z: np.ndarray
) -> tuple[int, float]:
    """The plane first crossed on the way from heights z to v, and where; or -1.

    By linear interpolation; a plane that was met a little earlier is found next. The heights at v
    are written into next_z.
    """
    plane, fraction, limit = -1, 2.0, -_CROSSED * math.sqrt(dot(v, v))
    heights(columns, v, next_z)
    for k in range(len(z)):
        after = pattern[k] * next_z[k]
        if after < limit:
            room = max(pattern[k] * z[k], 0.0)
            fraction_k = room / max(room - after, 1e-300)
            if fraction_k < fraction:
                plane, fraction = k, fraction_k
    return plane, fraction


@jit
def meeting_time(
    arc: np.ndarray,
    start: float,
    dt: float,
    rates: Rates,
    side: float,
    normal: np.ndarray,
    fraction: float,
    v: np.ndarray,
) -> float:
    """The time until a neuron meets a plane, from about a fraction of dt; v is scratch."""
    size, low, high = math.sqrt(dot(arc[0], arc[0])), 0.0, dt
    root = fraction * dt
    if side * dot(arc[0], normal) <= ON * size:
        if side * start * field_along(arc, 0.0, normal) <= 0.0:
            return 0.0
        root = 0.5 * dt
    for _ in range(_NEWTON):
        if not low < root < high:
            root = 0.5 * (low + high)
        a = at(arc, start, root, rates, v)
        value = side * dot(v, normal)
        if abs(value) <= _MET * size:
            break
        if value > 0.0:
            low = root
        else:
            high = root
        rate = side * rates[1] * a * field_along(arc, root, normal)
        root -= value / (rate if rate else 1.0)
    return min(max(root, low), high)


@jit
def turning_time(arc: np.ndarray, start: float, dt: float, rates: Rates, v: np.ndarray) -> float:
    """The time until the outer weight is zero, which it is within dt; v is scratch.

    There a neuron turns round: the planes behind it are met again.
    """
    size, low, high, root = math.sqrt(start * start + dot(arc[0], arc[0])), 0.0, dt, 0.5 * dt
    for _ in range(_NEWTON):
        if not low < root < high:
            root = 0.5 * (low + high)
        a = at(arc, start, root, rates, v)
        if abs(a) <= _MET * size:
            break
        if a * start > 0.0:
            low = root
        else:
            high = root
        rate = rates[0] * field_along(arc, root, v)
        root -= a / (rate if rate else 1.0)
    return min(max(root, low), high)


@jit
def meet(drive: Arrays, v: np.ndarray, pattern: np.ndarray, plane: int) -> None:
    """Put v on a plane, in place, and zeros into the pattern there and at the planes met with it.

    The norm is kept, unless v is along the normal: then it is zero.
    """
    U, size, away = drive[0], math.sqrt(dot(v, v)), dot(v, drive[0][plane])
    for c in range(len(v)):
        v[c] -= away * U[plane, c]
    resize(v, size if math.sqrt(dot(v, v)) > ON * size else 0.0)
    pattern[plane] = 0
    for k in range(len(pattern)):
        if abs(dot(U[k], v)) <= ON * size:
            pattern[k] = 0
