"""How long a norm stays small: an integral that is exact where norms grow exponentially."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

Line = tuple[float, float]
"""Value at the start of an interval, and slope."""


def time_under(
    level: float, lines: Sequence[Line], h: float, envelope: Callable[..., Line]
) -> float:
    """Return ``int_0^h min(1, exp(level - y(s))) ds``, exact, where y is an envelope of lines.

    With lines that bound the logarithm of a norm from below and the largest of them, this bounds
    from above the part of J that belongs to an interval; with lines that bound it from above and
    the least of them, from below.

    Args:
        level: where the integrand starts to fall; -inf gives 0.
        lines: value at the start of the interval and slope of each line, at least one.
        h: length of the interval, >= 0.
        envelope: ``max`` for the largest of the lines, ``min`` for the least.

    Returns:
        The integral, in [0, h].

    Source: chapters "Neural collapse" and "No rotation" (the integral J).
    """
    cuts = {0.0, h}
    for k, (value, slope) in enumerate(lines):
        others = [(level, 0.0), *lines[:k]]
        cuts |= {(v - value) / (slope - s) for v, s in others if s != slope}
    inside = sorted(cut for cut in cuts if 0.0 <= cut <= h)
    total = 0.0
    for left, right in itertools.pairwise(inside):
        # Between cuts one line is the envelope, and it lies on one side of the level.
        middle = 0.5 * (left + right)
        value, slope = envelope(lines, key=lambda line, at=middle: line[0] + line[1] * at)
        over = value + slope * middle - level
        # The mean of exp(-y) over an interval is its value in the middle times sinh(x)/x.
        x = 0.5 * abs(slope) * (right - left)
        ratio = -math.expm1(-2.0 * x) / (2.0 * x) if x > 0.0 else 1.0
        total += (right - left) * (1.0 if over <= 0 else math.exp(x - over) * ratio)
    return total
