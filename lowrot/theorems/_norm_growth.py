"""Bounds on the time that a flow spends with small weights, from its saved points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from lowrot.path import Path

Line = tuple[float, float]
"""Value at the start of an interval, and slope."""


def early_growth(
    path: Path, c_n: float, floor: Line | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds on ``int_0^tau min(2, 4 c_n/||W||^2)`` at the saved times of a gradient flow.

    Between saved times ln ||W||^2 lies between lines: it changes by at most 2 a unit of tau (F1),
    and at least at the rate 4 P/||W||^2, P at the earlier time (F3 to F5).

    Args:
        path: columns ``tau``, ``P`` and ``norm_squared``.
        c_n: the constant of F3.
        floor: value at tau = 0 and slope of one more lower bound of ln ||W||^2, if known.

    Returns:
        Lower and upper bound, each of shape (k,).
    """
    least, most = np.zeros(len(path)), np.zeros(len(path))
    if c_n == 0:
        return least, most
    level, tau, ln_norm = math.log(2.0 * c_n), path["tau"], np.log(path["norm_squared"])
    rate = 4.0 * path["P"] * np.exp(-ln_norm)
    for i, h in enumerate(np.diff(tau)):
        slope = min(rate[i], 2.0)
        if slope < 0:
            slope = max(-2.0, slope * math.exp(min(2.0 * h, 700.0)))
        start, end = ln_norm[i], ln_norm[i + 1]
        below = [(start, slope), (end - 2.0 * h, 2.0)]
        if floor is not None:
            below.append((floor[0] + floor[1] * tau[i], floor[1]))
        above = [(start, 2.0), (end - slope * h, slope)]
        most[i + 1] = most[i] + 2.0 * _time_under(level, below, h, max)
        least[i + 1] = least[i] + 2.0 * _time_under(level, above, h, min)
    return least, most


def _time_under(level: float, lines: list[Line], h: float, envelope: Callable[..., Line]) -> float:
    """Return ``int_0^h min(1, exp(level - y))``, y the largest (or least) of the lines."""
    cuts = {0.0, h}
    for k, (value, slope) in enumerate(lines):
        others = [(level, 0.0), *lines[:k]]
        cuts |= {(v - value) / (slope - s) for v, s in others if s != slope}
    inside = sorted(cut for cut in cuts if 0.0 <= cut <= h)
    total = 0.0
    for left, right in itertools.pairwise(inside):
        middle = 0.5 * (left + right)
        value, slope = envelope(lines, key=lambda line, at=middle: line[0] + line[1] * at)
        over = value + slope * middle - level
        # The mean of exp(-y) over an interval is its value in the middle times sinh(x)/x.
        x = 0.5 * abs(slope) * (right - left)
        ratio = -math.expm1(-2.0 * x) / (2.0 * x) if x > 1e-8 else 1.0
        total += (right - left) * (1.0 if over <= 0 else math.exp(x - over) * ratio)
    return total
