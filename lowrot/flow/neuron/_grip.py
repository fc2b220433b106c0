"""Planes that plainly hold a neuron, and mostly to the end of the step: by one small inverse."""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import part
from lowrot.flow.neuron._contact import LOST
from lowrot.flow.neuron._linalg import dot, fill, remove, resize, span

_STEEP = 1e-9
"""Least pivot of the normals' squares: below it forces have too few digits."""
_WEAK = 1e-6
"""Least weight of a plane, over that of the one that can push most."""
_ROUNDS, _INSIDE = 24, 0.9
"""Most times that forces are shared out, and the part of a jump to which they are cut back."""
Grasp = tuple[int, np.ndarray, np.ndarray, np.ndarray]
"""What `grip` finds: the rank, the basis, the inverse in it, and the weights of the planes."""


@part
def grip(
    U: np.ndarray,
    pattern: np.ndarray,
    v: np.ndarray,
    weight: np.ndarray,
    basis: np.ndarray,
    inverse: np.ndarray,
    row: np.ndarray,
) -> int:
    """The rank of the normals of the planes where the pattern is 0, with an orthonormal basis.

    The weights, about how much the planes can push, are made squares, the largest one; and written
    is, in the basis, the inverse of ``sum_k weight_k u_k u_k^T``. 0 where v is not on all of these
    planes, or the matrix is nearly singular; row has length d.
    """
    size, most, on = math.sqrt(dot(v, v)), 0.0, 0
    for k in range(len(pattern)):
        if pattern[k] == 0:
            most = max(most, weight[k])
    for k in range(len(pattern)):
        weight[k] = max((weight[k] / max(most, 1e-300)) ** 2, _WEAK) if pattern[k] == 0 else 0.0
    rank = span(U, pattern, basis)
    for r in range(rank):
        fill(inverse[r], 0.0)
    for k in range(len(pattern)):
        if pattern[k] == 0:
            if abs(dot(U[k], v)) > LOST * size:
                return 0
            on += 1
            for r in range(min(on, rank)):  # the basis of the first ones comes first
                row[r] = dot(basis[r], U[k])
                for s in range(r + 1):
                    inverse[r, s] += weight[k] * row[r] * row[s]
    return rank if _invert(inverse, rank) else 0


@part
def _invert(square: np.ndarray, rank: int) -> bool:
    """Invert the leading block of a positive definite matrix in place, by Gauss and Jordan.

    Of the matrix the lower half counts; False where it is nearly singular.
    """
    for r in range(rank):
        for s in range(r):
            square[s, r] = square[r, s]
    for r in range(rank):
        pivot = square[r, r]
        if pivot < _STEEP:
            return False
        square[r, r] = 1.0
        for s in range(rank):
            square[r, s] /= pivot
        for s in range(rank):
            if s != r:
                factor, square[s, r] = square[s, r], 0.0
                for t in range(rank):
                    square[s, t] -= factor * square[r, t]
    return True


@part
def put_on(basis: np.ndarray, rank: int, v: np.ndarray) -> None:
    """Put v on the planes of a basis, in place; the norm is kept."""
    size = math.sqrt(dot(v, v))
    remove(basis, rank, v)
    resize(v, size)


@part
def outlast(
    U: np.ndarray,
    jump: np.ndarray,
    pattern: np.ndarray,
    grasp: Grasp,
    h: np.ndarray,
    now: float,
    end: float,
    scratch: np.ndarray,
    push: np.ndarray,
) -> bool:
    """Whether planes where the pattern is 0, if they are `balanced` now, surely hold to the end.

    They do if no jump changes its sign and they are balanced at the end: all that is linear in
    time, so what lies between holds in between. Else they may still hold: `settle` and `release`
    find out.
    """
    for k in range(len(pattern)):
        early, late = jump[0, k] + now * jump[1, k], jump[0, k] + end * jump[1, k]
        if pattern[k] == 0 and early * late < 0.0:
            return False
    return balanced(U, jump, pattern, grasp, h, end, scratch, push)


@part
def balanced(
    U: np.ndarray,
    jump: np.ndarray,
    pattern: np.ndarray,
    grasp: Grasp,
    h: np.ndarray,
    t: float,
    scratch: np.ndarray,
    push: np.ndarray,
) -> bool:
    """Whether forces within the jumps at a time are found that leave no velocity across the planes.

    First those that are least over the weights, ``-weight_k u_k . (sum weight u u^T)^+ h``; then by
    turns they are cut back to the jumps, and what that leaves over is shared out again. That ends
    where a direction shows that there are none: along it they would have to do more work than the
    jumps can. Normals that do not depend on each other, as many as their rank, leave no choice.
    Scratch has the shape (3, d), push a force for each plane, written.
    """
    (rank, basis, inverse, weight), (rest, answer, d) = grasp, (scratch[0], scratch[1], U.shape[1])
    for c in range(d):
        rest[c] = h[0, c] + t * h[1, c]
    fill(push, 0.0)
    for _ in range(_ROUNDS):
        within, work, most, on = True, 0.0, 0.0, 0
        _answer(basis, rank, inverse, rest, scratch[2], answer)
        fill(rest, 0.0)
        for k in range(len(pattern)):
            if pattern[k] == 0:
                along, bound = dot(U[k], answer), abs(jump[0, k] + t * jump[1, k])
                push[k] -= weight[k] * along
                on += 1
                within = within and abs(push[k]) <= bound
                work += along * push[k]
                most += abs(along) * bound
                inside = min(max(push[k], -_INSIDE * bound), _INSIDE * bound)
                for c in range(d):
                    rest[c] += (inside - push[k]) * U[k, c]
                push[k] = inside
        if within or on == rank or abs(work) > most:
            return within
    return False


@part
def _answer(
    basis: np.ndarray,
    rank: int,
    inverse: np.ndarray,
    x: np.ndarray,
    along: np.ndarray,
    answer: np.ndarray,
) -> None:
    """Write what the inverse in a basis makes of x; along is scratch."""
    for r in range(rank):
        along[r] = dot(basis[r], x)
    fill(answer, 0.0)
    for r in range(rank):
        total = 0.0
        for s in range(rank):
            total += inverse[r, s] * along[s]
        for c in range(len(x)):
            answer[c] += total * basis[r, c]
