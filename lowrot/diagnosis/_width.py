"""The least width, and the largest scale of a start, at which a hypothesis holds: by bisection."""

from __future__ import annotations

import math
from collections.abc import Callable

MOST_WIDTH = 10**18
"""Widths beyond are as good as none."""

LEAST_SCALE = 1e-100
"""Scales below are as good as none: the squares of weights leave doubles soon."""

_CLOSE = 1e-6
"""Relative width of the interval in which a scale is found."""


def least_width(holds: Callable[[int], bool], guess: int = 1, most: int = MOST_WIDTH) -> int | None:
    """Return a width that holds while the one below does not; None if none up to ``most`` holds.

    Where what holds at a width holds at every larger one, it is the least; of sampled starts,
    which need not behave so, it is one that was found.

    Args:
        holds: whether the hypotheses hold at a width.
        guess: where to begin.
        most: the largest width that is tried.
    """
    high = min(max(1, guess), most)
    low = 0
    if holds(high):
        while high > 1 and holds(high // 2):
            high //= 2
        low = high // 2
    else:
        while True:
            low = high
            if high >= most:
                return None
            high = min(2 * high, most)
            if holds(high):
                break
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def largest_scale(holds: Callable[[float], bool]) -> float | None:
    """Return a factor that holds while one larger by a millionth does not; None if none holds.

    Args:
        holds: whether the hypotheses hold for the start times a factor.
    """
    low = 1.0
    while not holds(low):
        low *= 1e-4
        if low < LEAST_SCALE:
            return None
    high = low
    while holds(high):
        low, high = high, 2.0 * high
        if high > 1 / LEAST_SCALE:
            return math.inf
    if high > 1e4 * low:
        high = 1e4 * low
    while high / low > 1 + _CLOSE:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
