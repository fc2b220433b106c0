"""A neuron over an interval on which only the planes it sticks to count as kinks.

A neuron on a plane, or so close that it may be back within the step, moves freely along the plane;
its small distance from it follows an implicit rule, the average slope over the interval being one
that the end allows. So a step depends continuously on the dual weights, however often a neuron
sticks and slips.
"""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import jit
from lowrot.flow.neuron._linalg import copy, dot, remove, resize, span
from lowrot.flow.neuron._propagate import Arrays, Rates, propagate
from lowrot.flow.neuron._sliding import minimal_norm_velocity

CROSSED = 1e-10
"""Distance from a plane over ``||v||`` at which a neuron is beyond it."""
_STICKY = 1e-3
"""Distance from an attracting plane over ``||v||`` at which a neuron may stick within a step."""
_WIDE = 1e-2
"""Largest offset from several planes over ``||v||``: nearly parallel ones would pin v beyond it."""
_ALONG, _FIELD, _OFFSET, _DRIFT, _START = 0, 1, 3, 4, 5
ARC = 6
"""An arc, the course of a neuron over an interval, is an array of this many rows of length d.

The inner weights at the start, less the offset from the planes it sticks to; the field along those
planes and its rate; the offset at the start and its rate (not written out of contact); and the
inner weights at the start.
"""


@jit
def contact(
    U: np.ndarray,
    z: np.ndarray,
    a: float,
    v: np.ndarray,
    pattern: np.ndarray,
    jump: np.ndarray,
    crossed: np.ndarray,
    free: np.ndarray,
    stuck: np.ndarray,
    basis: np.ndarray,
) -> int:
    """Find the planes that a neuron sticks to; return the rank of their normals.

    Args:
        U: the planes' unit normals, shape (N, d).
        z: ``v.u_k``, shape (N,).
        a: outer weight.
        v: inner weights, shape (d,).
        pattern: shape (N,).
        jump: the jumps of the field; a plane attracts where ``a jump_k < 0``; shape (N,).
        crossed: planes crossed just now.
        free: written, the pattern with zeros at the planes in contact.
        stuck: written, which planes those are: slid on, or near, attracting and not crossed.
        basis: written, an orthonormal basis of the normals where free is 0.
    """
    size = math.sqrt(dot(v, v))
    for wide in (False, True):
        for k in range(len(U)):
            near = abs(z[k]) <= _STICKY * size and a * jump[k] < 0.0
            stuck[k] = pattern[k] == 0 if wide else (pattern[k] == 0 or near) and not crossed[k]
            free[k] = pattern[k]
            if stuck[k]:
                free[k] = 0
            elif abs(z[k]) > CROSSED * size:
                free[k] = 1 if z[k] > 0.0 else -1
        rank = span(U, free, basis)
        # Nearly parallel planes span directions in which v is not small: then only those slid on.
        offset = 0.0
        for r in range(rank):
            offset += dot(basis[r], v) ** 2
        if math.sqrt(offset) <= _WIDE * size:
            break
    return rank


@jit
def motion(
    drive: Arrays,
    rates: Rates,
    a: float,
    v: np.ndarray,
    free: np.ndarray,
    stuck: np.ndarray,
    basis: np.ndarray,
    rank: int,
    both: np.ndarray,
    t: float,
    dt: float,
    arc: np.ndarray,
    end: np.ndarray,
    pattern: np.ndarray,
) -> float:
    """The motion of a neuron from t over dt, kinks out of contact ignored; return a at its end.

    Args:
        drive: the field.
        rates: eta_a and eta_V.
        a: outer weight at the start.
        v: inner weights at the start.
        free: pattern with zeros at the planes in contact.
        stuck: which planes those are.
        basis: their normals' orthonormal basis.
        rank: of that basis.
        both: the field at time 0 and its rate at the pattern free, shape (2, d).
        t: time of the start.
        dt: length of the interval.
        arc: written, the course.
        end: written, the inner weights at its end.
        pattern: written, the pattern there.
    """
    U, _, _, jump = drive
    h = arc[_FIELD:_OFFSET]
    d, half = len(v), t + 0.5 * dt
    for c in range(d):
        h[0, c], h[1, c] = both[0, c] + t * both[1, c], both[1, c]
        arc[_ALONG, c] = arc[_START, c] = v[c]
    copy(free, pattern)
    if rank == 0:
        return propagate(a, v, h, dt, rates, end)
    for row in (_ALONG, _FIELD, _FIELD + 1):
        remove(basis, rank, arc[row])
    outer = propagate(a, arc[_ALONG], h, dt, rates, end)
    mean, count = rates[1] * dt * 0.5 * (a + outer), 0
    base, moved, index = np.empty(d), np.empty(d), np.empty(len(free), dtype=np.int64)
    for c in range(d):
        arc[_OFFSET, c] = v[c] - arc[_ALONG, c]
        lost = both[0, c] + half * both[1, c] - h[0, c] - 0.5 * dt * h[1, c]
        base[c] = moved[c] = arc[_OFFSET, c] + mean * lost
    for k in range(len(free)):
        if stuck[k]:
            index[count] = k
            count += 1
    if count:
        D, normal = np.empty((count, d)), np.empty(count)
        for i in range(count):
            k = index[i]
            for c in range(d):
                D[i, c] = mean * (jump[0, k] + half * jump[1, k]) * U[k, c]
        minimal_norm_velocity(D, base, normal, moved)
        for i in range(count):
            away = normal[i] * dot(D[i], U[index[i]])
            pattern[index[i]] = 1 if away > 0.0 else (-1 if away < 0.0 else 0)
    for c in range(d):
        arc[_DRIFT, c] = (moved[c] - arc[_OFFSET, c]) / max(dt, 1e-300)
    placed(arc, a, outer, dt, rates, end)
    return outer


@jit
def placed(arc: np.ndarray, start: float, a: float, dt: float, rates: Rates, v: np.ndarray) -> None:
    """Add the offset to inner weights propagated along the planes, in place.

    They are scaled to the norm that the invariant ``eta_V a^2 - eta_a ||v||^2`` asks for.
    """
    for c in range(len(v)):
        v[c] += arc[_OFFSET, c] + dt * arc[_DRIFT, c]
    if rates[0] and rates[1]:
        square = dot(arc[_START], arc[_START]) + rates[1] / rates[0] * (a * a - start * start)
        resize(v, math.sqrt(max(square, 0.0)))


@jit
def at(arc: np.ndarray, start: float, held: bool, dt: float, rates: Rates, v: np.ndarray) -> float:
    """The outer weight after a time dt on an arc; the inner ones are written into v.

    Args:
        arc: the arc.
        start: the outer weight at its start.
        held: whether it has planes in contact.
        dt: time since the start.
        rates: eta_a and eta_V.
        v: written.
    """
    a = propagate(start, arc[_ALONG], arc[_FIELD:_OFFSET], dt, rates, v)
    if held:
        placed(arc, start, a, dt, rates, v)
    return a


@jit
def field_along(arc: np.ndarray, dt: float, normal: np.ndarray) -> float:
    """The part along a vector of the field after a time dt."""
    return dot(arc[_FIELD], normal) + dt * dot(arc[_FIELD + 1], normal)


@jit
def velocity_along(
    arc: np.ndarray, held: bool, a: float, dt: float, rates: Rates, normal: np.ndarray
) -> float:
    """The part along a vector of the inner velocity after a time dt, at outer weight a."""
    inner = rates[1] * a * field_along(arc, dt, normal)
    return inner + dot(arc[_DRIFT], normal) if held else inner


@jit
def slip(
    arc: np.ndarray, start: float, held: bool, dt: float, rates: Rates, v: np.ndarray
) -> float:
    """``|a|/||v||`` times the square of the slip over dt, about; v is scratch.

    The slip is taken linearly; this is the size of what that neglects in the outputs.
    """
    if not held:
        return 0.0
    a = at(arc, start, held, dt, rates, v)
    slipped = math.sqrt(dot(arc[_DRIFT], arc[_DRIFT])) * dt
    return abs(a) * slipped * slipped / max(math.sqrt(dot(v, v)) + slipped, 1e-300)


@jit
def speed(arc: np.ndarray, held: bool, a: float, v: np.ndarray, dt: float, rates: Rates) -> float:
    """``||W'||^2`` (in the metric of the rates) after a time dt, where the neuron is (a, v)."""
    along, inner, slipping = 0.0, 0.0, 0.0
    for c in range(len(v)):
        h = arc[_FIELD, c] + dt * arc[_FIELD + 1, c]
        along += h * v[c]
        inner += h * h
    if held and rates[1]:
        slipping = dot(arc[_DRIFT], arc[_DRIFT]) / rates[1]  # across the planes, the field along
    return rates[0] * along * along + rates[1] * a * a * inner + slipping


@jit
def energy(
    arc: np.ndarray,
    start: float,
    held: bool,
    a: float,
    v: np.ndarray,
    dt: float,
    rates: Rates,
    scratch: np.ndarray,
) -> float:
    """The integral of `speed` over dt, at the end of which the neuron is (a, v)."""
    third = at(arc, start, held, dt / 3.0, rates, scratch)
    early = speed(arc, held, third, scratch, dt / 3.0, rates)
    return dt * (0.75 * early + 0.25 * speed(arc, held, a, v, dt, rates))
