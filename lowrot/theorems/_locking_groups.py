"""Points of one label at one height over a direction, and the rate at which both signs grow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lowrot.data import Dataset

LEVEL = 1e-12
"""Largest difference of heights of one group, and largest sum of what is across: rounding."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Points of one label at one height over a direction.

    Args:
        label: -1 or +1, shape (r,).
        height: ``b_g = y x.e``, shape (r,).
        member: which group each point is in, shape (n,).
        across: the largest length of the sum of what its points have across e, over the groups.
    """

    label: np.ndarray
    height: np.ndarray
    member: np.ndarray
    across: float


def height_groups(data: Dataset, e: np.ndarray) -> Groups:
    """Group points by label and height over a unit vector e."""
    X, y = data.X.cpu().numpy(), data.y.cpu().numpy()
    Z = y[:, None] * X
    ahead = Z @ e
    order = np.lexsort([ahead, y])
    new = np.append(True, (np.diff(y[order]) != 0) | (np.diff(ahead[order]) > LEVEL))
    member = np.empty(data.n, dtype=int)
    member[order] = np.cumsum(new) - 1
    first = order[new]
    beside = Z - ahead[:, None] * e
    sums = [beside[member == g].sum(axis=0) for g in range(len(first))]
    across = max(float(np.linalg.norm(total)) for total in sums)
    return Groups(y[first], ahead[first], member, across)


def best_share(groups: Groups, slope: float) -> tuple[float, float]:
    """The largest over theta in [0, 1] of ``min_g b_g (theta, 1 - theta).(1, slope)``, and theta.

    ``(slope, 1)`` stands for the label -1. It is concave, so that it is largest at an end or
    where two of the lines meet; of equal values the theta nearest to 1/2 is taken.
    """
    up = np.where(groups.label > 0, 1.0, slope) * groups.height
    down = np.where(groups.label > 0, slope, 1.0) * groups.height
    steep = up - down
    run, rise = steep[:, None] - steep[None, :], down[None, :] - down[:, None]
    meet = rise[run != 0] / run[run != 0]
    shares = np.concatenate([[0.0, 1.0], meet[(meet > 0) & (meet < 1)]])
    values = (down[:, None] + steep[:, None] * shares).min(axis=0)
    best = values >= values.max() - 1e-12 * abs(values.max())
    theta = shares[best][np.abs(shares[best] - 0.5).argmin()]
    return float(theta), float(values.max())
