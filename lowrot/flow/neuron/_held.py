"""In which directions planes hold neurons during the stages of a step, and since when.

Along them neurons do not answer to the dual weights; and what moved them there before is forgotten.
"""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import part
from lowrot.flow.neuron._linalg import RANK, copy, dot

LISTS = 4
"""Lists of directions that `note` writes."""
Held = tuple[np.ndarray, np.ndarray]
"""Neurons, shape (R,), and for each a direction that it is held in, shape (R, d): of norm one, or
less if it was let go within the stage, by the root of the part of the time before."""


@part
def hold_throughout(
    j: int,
    basis: np.ndarray,
    rank: int,
    owners: np.ndarray,
    normals: np.ndarray,
    last: np.ndarray,
) -> None:
    """List the first rows of a basis for both stages: neuron j, quiet, is held in them."""
    for which in range(2):
        for r in range(rank):
            owners[which, last[which]] = j
            copy(basis[r], normals[which, last[which]])
            last[which] += 1


@part
def hold(pattern: np.ndarray, rank: int, t: float, until: np.ndarray) -> None:
    """Note the time until which the planes of a pattern held."""
    for k in range(len(pattern)):
        if rank and pattern[k] == 0:
            until[k] = t


@part
def directions(
    U: np.ndarray,
    on: tuple[np.ndarray, np.ndarray, int],
    until: np.ndarray,
    began: float,
    ended: float,
    normals: np.ndarray,
) -> int:
    """Write the directions in which planes held a neuron during a stage; return their number.

    Those that held it longest come first: what a plane adds to them it held as long as it did. Of
    those that hold it to the end, where the pattern is 0, a basis of some rank may be known.
    """
    pattern, basis, rank = on
    count, time, d = rank, ended, U.shape[1]
    for r in range(rank):
        copy(basis[r], normals[r])
    while time > began and count < d:
        before = began
        for k in range(len(until)):
            if rank and pattern[k] == 0:
                continue
            if until[k] == time and count < d:
                row = normals[count]
                copy(U[k], row)
                for _ in range(2):
                    for r in range(count):
                        along = dot(normals[r], row) / dot(normals[r], normals[r])
                        for c in range(d):
                            row[c] -= along * normals[r, c]
                square = dot(row, row)
                if square > RANK:
                    scale = math.sqrt((time - began) / ((ended - began) * square))
                    for c in range(d):
                        row[c] *= scale
                    count += 1
            elif until[k] < time:
                before = max(before, until[k])
        time = before
    return count


@part
def note(
    U: np.ndarray,
    j: int,
    stage: int,
    stage_times: tuple[float, float],
    on: tuple[np.ndarray, np.ndarray, int],
    until: np.ndarray,
    owners: np.ndarray,
    normals: np.ndarray,
    last: np.ndarray,
) -> None:
    """List the directions in which neuron j was held during a stage, behind the last of the list.

    Two more lists are for neurons that planes held during the second stage that did not hold them
    at its start: on arrival they forget what moved them towards these planes. Listed are the
    directions of the first stage once more; and those in which the neuron was held during the first
    stage or has forgotten it since.

    Args:
        U: unit normals.
        j: the neuron.
        stage: 0 or 1.
        stage_times: at which the stages end.
        on: the pattern at the end of the stage, an orthonormal basis of the planes that hold it
            then, and their rank.
        until: when planes held last, by the end of each stage, shape (2, N); the second row is
            begun here.
        owners: the neurons of the lists, shape (4, .).
        normals: their directions, shape (4, ., d).
        last: the lengths of the lists, shape (4,).
    """
    first, unknown = stage_times[0], (on[0], on[1], 0)
    if stage == 0:
        _list(U, on, until[stage], 0.0, first, j, stage, owners, normals, last)
        copy(until[0], until[1])
        return
    _list(U, on, until[stage], first, stage_times[1], j, stage, owners, normals, last)
    arrived = 0
    for k in range(len(U)):
        arrived += until[1, k] > first and until[0, k] < first
    if arrived:
        _list(U, unknown, until[0], 0.0, first, j, stage + 1, owners, normals, last)
        for k in range(len(U)):
            if until[1, k] > first:
                until[0, k] = first
        _list(U, unknown, until[0], 0.0, first, j, stage + 2, owners, normals, last)


@part
def _list(
    U: np.ndarray,
    on: tuple[np.ndarray, np.ndarray, int],
    until: np.ndarray,
    began: float,
    ended: float,
    j: int,
    which: int,
    owners: np.ndarray,
    normals: np.ndarray,
    last: np.ndarray,
) -> None:
    """Write the directions of neuron j during a stage into one of the lists."""
    begin = last[which]
    last[which] += directions(U, on, until, began, ended, normals[which, begin:])
    for r in range(begin, last[which]):
        owners[which, r] = j
