"""Where a neuron on its course meets a plane, and whether it goes through."""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import jit
from lowrot.flow.neuron._contact import CROSSED, at, field_along, velocity_along
from lowrot.flow.neuron._linalg import ON, RANK, copy, dot, heights, remove, resize
from lowrot.flow.neuron._propagate import Rates

_NEWTON = 30
"""Most iterations for the time of an event; bisection guards them, a handful suffice."""
_MET = 1e-10
"""Distance from a plane over ``||v||`` at which a neuron has met it."""


@jit
def first_event(
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
            fraction_k = room / max(room - after, 1e-300)
            if fraction_k < fraction:
                plane, fraction = k, fraction_k
    return plane, fraction


@jit
def locate_event(
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
    if side * dot(arc[-1], normal) <= ON * size:
        if side * velocity_along(arc, held, start, 0.0, rates, normal) <= 0.0:
            return 0.0
        root = 0.5 * dt
    for _ in range(_NEWTON):
        if not low < root < high:
            root = 0.5 * (low + high)
        a = at(arc, start, held, root, rates, v)
        value = side * dot(v, normal)
        if abs(value) <= _MET * size:
            break
        if value > 0.0:
            low = root
        else:
            high = root
        rate = side * velocity_along(arc, held, a, root, rates, normal)
        root -= value / (rate if rate else 1.0)
    return min(max(root, low), high)


@jit
def crosses(
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
    copy(normal, tangent)
    remove(basis, rank, tangent)
    bend = dot(tangent, tangent)
    beyond = field_along(arc, dt, normal) - 2.0 * side * strength * bend
    return bend > RANK and (a * strength >= 0.0 or side * a * beyond < 0.0)


@jit
def flatten(v: np.ndarray, normal: np.ndarray) -> None:
    """Put v on the plane, with its norm kept, in place."""
    before, away = math.sqrt(dot(v, v)), dot(v, normal)
    for c in range(len(v)):
        v[c] -= away * normal[c]
    resize(v, before)
