"""The velocity of least norm at a point where several kinks meet.

The velocities of a neuron there are ``h + sum_k S_k D_k`` with ``|S_k| <= 1``, a zonotope; gradient
flow takes the one of least norm. Planes along whose normal that velocity has no part are slid on.
"""

from __future__ import annotations

import torch
from torch import Tensor

_MOVES = 1e-6
"""A normal velocity above this (relative to the field) leaves the plane."""
_HELD = 1e-9
_ROUNDS, _GAP = 40, 1e-14
_PIVOTS, _RIDGE = 8, 1e-13


def least_velocity(D: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least r, and its normal parts ``D_k.r``, exactly 0 on planes that are kept.

    Args:
        D: ``jump_k u_k``, shape (e, k, d); rows of zeros are padding.
        h: the field without them, shape (e, d).

    Returns:
        The normal parts, shape (e, k), and r, shape (e, d).

    Block principal pivoting decides nearly all rows, and a primal-dual interior-point method those
    where it cycles (planes that depend on each other).
    """
    normal, r, solved = _pivot(D, h)
    rows = (~solved).nonzero()[:, 0]
    if len(rows):
        normal[rows], r[rows] = _interior(D[rows], h[rows])
    return normal, r


def force(D: Tensor, h: Tensor) -> Tensor:
    """The least S, unbounded, without normal parts of ``h + D^T S``, shape (e, k)."""
    gram = D @ D.transpose(1, 2)
    unit = gram.diagonal(dim1=1, dim2=2).amax(1).clamp_min(1e-300)
    eye = torch.eye(D.shape[1], dtype=D.dtype, device=D.device)
    factor = torch.linalg.cholesky(gram + (_RIDGE * unit)[:, None, None] * eye)
    return -torch.cholesky_solve(D @ h[:, :, None], factor)[:, :, 0]


def _pivot(D: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Guess which S are at a bound, solve for the others, exchange what is infeasible, repeat."""
    normal, least = torch.zeros(D.shape[:2], dtype=D.dtype, device=D.device), torch.zeros_like(h)
    solved = torch.zeros(len(D), dtype=torch.bool, device=D.device)
    rows, fixed = torch.arange(len(D), device=D.device), torch.zeros_like(normal)
    limit = _HELD * D.norm(dim=2) * h.norm(dim=1, keepdim=True)
    for _ in range(_PIVOTS):
        inner = fixed == 0
        free, rest = D * inner[:, :, None], h + (fixed[:, None, :] @ D)[:, 0]
        S = force(free, rest)
        r = rest + (S[:, None, :] @ free)[:, 0]
        along = (D @ r[:, :, None])[:, :, 0]
        moves = along.abs() > limit
        over, back = inner & (S.abs() > 1.0), ~inner & (along * fixed > limit)
        done = ~(over | back | (inner & moves)).any(1)
        normal[rows[done]] = torch.where(moves, along, 0.0)[done]
        least[rows[done]] = r[done]
        solved[rows[done]] = True
        left = (~done).nonzero()[:, 0]
        if not len(left):
            break
        fixed = torch.where(over, S.sign(), torch.where(back, 0.0, fixed))[left]
        rows, D, h, limit = rows[left], D[left], h[left], limit[left]
    return normal, least, solved


def _interior(D: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """Minimize ``||h + D^T S||^2/2`` over the box by primal-dual interior-point steps."""
    scale = (h.norm(dim=1) + D.norm(dim=2).sum(1)).clamp_min(1e-300)[:, None]
    h, D = h / scale, D / scale[:, :, None]
    S = torch.zeros(D.shape[:2], dtype=D.dtype, device=D.device)
    state = torch.stack([S, torch.ones_like(S), torch.ones_like(S)])
    rows = torch.arange(len(h), device=D.device)
    for _ in range(_ROUNDS):
        state[:, rows], gap = _interior_step(D[rows], h[rows], *state[:, rows])
        rows = rows[gap > _GAP]
        if not len(rows):
            break
    r = h + (state[0][:, None, :] @ D)[:, 0]
    normal, size = (D @ r[:, :, None])[:, :, 0], D.norm(dim=2)
    moves = (normal.abs() > _MOVES * size * h.norm(dim=1, keepdim=True)) & (size > 0)
    kept = D * (~moves)[:, :, None]
    r = r + (force(kept, r)[:, None, :] @ kept)[:, 0]
    return torch.where(moves, normal * scale.square(), 0.0), r * scale


def _interior_step(
    D: Tensor, h: Tensor, S: Tensor, upper: Tensor, lower: Tensor
) -> tuple[Tensor, Tensor]:
    """One step in S and the multipliers of ``S <= 1`` and ``S >= -1``, and the gap before it."""
    slope = (D @ (h[:, :, None] + D.transpose(1, 2) @ S[:, :, None]))[:, :, 0]
    above, below = 1.0 - S, 1.0 + S
    gap = (upper * above + lower * below).sum(1, keepdim=True)
    barrier = 0.1 * gap / (2 * S.shape[1])
    theta = upper / above + lower / below
    right = -slope - barrier / above + barrier / below
    thin = D / theta[:, :, None]
    system = torch.eye(D.shape[2], dtype=D.dtype, device=D.device) + D.transpose(1, 2) @ thin
    inner = torch.linalg.solve(system, thin.transpose(1, 2) @ right[:, :, None])
    step = right / theta - (thin @ inner)[:, :, 0]
    upper_step = barrier / above - upper + upper / above * step
    lower_step = barrier / below - lower - lower / below * step
    pairs = ((above, -step), (below, step), (upper, upper_step), (lower, lower_step))
    shrink = torch.stack([(-change / value).amax(1) for value, change in pairs]).amax(0)
    length = (0.98 / shrink.clamp_min(0.98))[:, None]
    moved = torch.stack(
        [S + length * step, upper + length * upper_step, lower + length * lower_step]
    )
    return moved, gap[:, 0]
