"""Where an arc begins: the planes that a neuron is on hold it, or it goes on through one.

What is plain is decided here; `_contact` decides the rest.
"""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import part
from lowrot.flow.neuron._arc import FIELD, depart
from lowrot.flow.neuron._contact import LOST, ORIGIN, release, settle
from lowrot.flow.neuron._grip import balanced, grip, outlast, put_on
from lowrot.flow.neuron._linalg import copy, dot, remove
from lowrot.flow.neuron._propagate import Arrays, Rates, field
from lowrot.flow.neuron._sliding import HELD


@part
def begin(
    drive: Arrays,
    rates: Rates,
    a: float,
    v: np.ndarray,
    pattern: np.ndarray,
    met: int,
    times: tuple[float, float],
    basis: np.ndarray,
    arc: np.ndarray,
    leaving: np.ndarray,
    scratch: Arrays,
) -> tuple[int, float]:
    """Write the arc on which a neuron goes on, and return its rank and how long its planes hold.

    Met is the plane that it has just met, or -1. The times are now and the end of the step; scratch
    is the room that `grip` needs, with that for its inverse and weights and one number a plane; the
    others are as in `settle` and `release`.
    """
    (now, end), on, plane, h, rank = times, 0, -1, arc[FIELD:], 0
    inverse, weight, rows, push = scratch
    for k in range(len(pattern)):
        if pattern[k] == 0:
            on, plane = on + 1, k
    plain = a != 0.0 and rates[1] > 0.0 and math.sqrt(dot(v, v)) > ORIGIN * abs(a)
    if plain or on == 0:
        U, jump = drive[0], drive[3]
        field(drive, pattern, h)
        if on == 0 or (on == 1 and _crosses(drive, a, v, pattern, now, plane, h, basis, 0)):
            _start(v, now, h, basis, 0, arc)
            return 0, math.inf
        rank = _grip_now(drive, v, pattern, times, basis, scratch)
        grasp = rank, basis, inverse, weight
        if rank and not balanced(U, jump, pattern, grasp, h, now, rows, push):
            rank = 0
        if rank == 0 and on > 1 and met >= 0:
            rank = _passed(drive, a, v, pattern, met, times, h, basis, scratch)
        if rank:
            grasp = rank, basis, inverse, weight
            kept = outlast(U, jump, pattern, grasp, h, now, end, rows, push)
            put_on(basis, rank, v)
            _start(v, now, h, basis, rank, arc)
            if kept:
                return rank, math.inf
    if rank == 0:
        rank = settle(drive, rates, a, v, pattern, now, basis)
        depart(drive, v, pattern, now, basis, rank, arc)
    return rank, release(drive, a, v, arc, pattern, basis, rank, now, end - now, leaving)


@part
def _grip_now(
    drive: Arrays,
    v: np.ndarray,
    pattern: np.ndarray,
    times: tuple[float, float],
    basis: np.ndarray,
    scratch: Arrays,
) -> int:
    """What `grip` finds where planes push as much as they can now and at the end."""
    (now, end), (inverse, weight, rows, _), jump = times, scratch, drive[3]
    for k in range(len(pattern)):
        weight[k] = abs(jump[0, k] + now * jump[1, k]) + abs(jump[0, k] + end * jump[1, k])
    return grip(drive[0], pattern, v, weight, basis, inverse, rows[0])


@part
def _passed(
    drive: Arrays,
    a: float,
    v: np.ndarray,
    pattern: np.ndarray,
    met: int,
    times: tuple[float, float],
    h: np.ndarray,
    basis: np.ndarray,
    scratch: Arrays,
) -> int:
    """The rank of the planes that hold a neuron while it is driven through one more; 0 if not so.

    They hold it beyond that plane, and with the force there that resists most. Its side of the
    plane is written into the pattern, and the jump there is added to the field h.
    """
    (now, _), (inverse, weight, rows, push), (U, _, _, jump) = times, scratch, drive
    pattern[met] = 1
    rank = _grip_now(drive, v, pattern, times, basis, scratch)
    pattern[met] = 0
    if rank == 0 or not _crosses(drive, a, v, pattern, now, met, h, basis, rank):
        return 0
    grasp = rank, basis, inverse, weight
    held = balanced(U, jump, pattern, grasp, h, now, rows, push)
    if held and a * (jump[0, met] + now * jump[1, met]) > 0.0:
        _add_jump(drive, pattern, met, -2.0, h)
        held = balanced(U, jump, pattern, grasp, h, now, rows, push)
        _add_jump(drive, pattern, met, 2.0, h)
    if not held:
        pattern[met] = 0
    return rank if held else 0


@part
def _start(
    v: np.ndarray, now: float, h: np.ndarray, basis: np.ndarray, rank: int, arc: np.ndarray
) -> None:
    """Begin an arc at v; its field, written as that from time 0 on, is made one from now on."""
    copy(v, arc[0])
    for c in range(len(v)):
        h[0, c] += now * h[1, c]
    remove(basis, rank, h[0])
    remove(basis, rank, h[1])


@part
def _crosses(
    drive: Arrays,
    a: float,
    v: np.ndarray,
    pattern: np.ndarray,
    now: float,
    k: int,
    h: np.ndarray,
    basis: np.ndarray,
    rank: int,
) -> bool:
    """Whether a neuron on plane k is driven through: the field leads one way on both sides.

    Along the planes of a basis. Then its side is written into the pattern, and the jump there is
    added to the field h.
    """
    u, jump, strength, free = drive[0][k], drive[3], math.sqrt(dot(h[0], h[0])), 1.0
    strength += now * math.sqrt(dot(h[1], h[1]))
    normal, bound = dot(h[0], u) + now * dot(h[1], u), abs(jump[0, k] + now * jump[1, k])
    for r in range(rank):
        along = dot(basis[r], u)
        free -= along * along
        normal -= along * (dot(basis[r], h[0]) + now * dot(basis[r], h[1]))
    if abs(normal) - bound * free <= HELD * (bound + strength):
        return False
    if abs(dot(u, v)) > LOST * math.sqrt(dot(v, v)):
        return False
    pattern[k] = 1 if a * normal > 0.0 else -1
    _add_jump(drive, pattern, k, 1.0, h)
    return True


@part
def _add_jump(drive: Arrays, pattern: np.ndarray, k: int, times: float, h: np.ndarray) -> None:
    """Add what the field jumps by at plane k, on the side of the pattern, so many times."""
    u, jump = drive[0][k], drive[3]
    for row in range(2):
        for c in range(len(u)):
            h[row, c] += times * pattern[k] * jump[row, k] * u[c]
