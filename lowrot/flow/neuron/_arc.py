"""A neuron on an arc: between two events, with the planes that it slides on."""

from __future__ import annotations

import numpy as np

from lowrot._jit import part
from lowrot.flow.neuron._linalg import copy, dot, remove
from lowrot.flow.neuron._propagate import Arrays, Rates, field, propagate

FIELD = 1
"""The first of the two rows of an arc that are its field."""
ARC = 3
"""An arc is an array of this many rows of length d: the inner weights at its start, the field along
the planes held there, and its rate."""


@part
def depart(
    drive: Arrays,
    v: np.ndarray,
    pattern: np.ndarray,
    t: float,
    basis: np.ndarray,
    rank: int,
    arc: np.ndarray,
) -> None:
    """Write the arc that begins at a time, with the planes of a basis held."""
    h = arc[FIELD:]
    field(drive, pattern, h)
    copy(v, arc[0])
    for c in range(len(v)):
        h[0, c] += t * h[1, c]
    for row in range(2):
        remove(basis, rank, h[row])


@part
def at(arc: np.ndarray, start: float, dt: float, rates: Rates, v: np.ndarray) -> float:
    """The outer weight after a time dt on an arc; the inner ones are written into v.

    Args:
        arc: the arc.
        start: the outer weight at its start.
        dt: time since the start.
        rates: eta_a and eta_V.
        v: written.
    """
    return propagate(start, arc[0], arc[FIELD:], dt, rates, v)


@part
def field_along(arc: np.ndarray, dt: float, normal: np.ndarray) -> float:
    """The part along a vector of the field after a time dt."""
    return dot(arc[FIELD], normal) + dt * dot(arc[FIELD + 1], normal)


@part
def speed(arc: np.ndarray, a: float, v: np.ndarray, dt: float, rates: Rates) -> float:
    """``||W'||^2`` (in the metric of the rates) after a time dt, where the neuron is (a, v)."""
    along, inner = 0.0, 0.0
    for c in range(len(v)):
        h = arc[FIELD, c] + dt * arc[FIELD + 1, c]
        along += h * v[c]
        inner += h * h
    return rates[0] * along * along + rates[1] * a * a * inner


@part
def energy(
    arc: np.ndarray,
    start: float,
    a: float,
    v: np.ndarray,
    dt: float,
    rates: Rates,
    scratch: np.ndarray,
) -> float:
    """The integral of `speed` over dt, at the end of which the neuron is (a, v)."""
    third = at(arc, start, dt / 3.0, rates, scratch)
    early = speed(arc, third, scratch, dt / 3.0, rates)
    return dt * (0.75 * early + 0.25 * speed(arc, a, v, dt, rates))
