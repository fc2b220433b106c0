"""Landing: the fraction of a step after which a stop rule is just met."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LANDED = 1e-6
"""How far beyond a rule a run may end: what gradient and regression flows promise."""
_EVALUATIONS = 30
"""After so many evaluations the best end so far is taken (ten or so are needed)."""


def land(
    partial: Callable[[float], T | None],
    overshoot: Callable[[T], float],
    start: T,
    whole: T,
) -> tuple[T, float]:
    """Return where a step just meets the rules, and its fraction; or the whole step.

    By regula falsi, in the variant of Illinois, which halves an end that stays.

    Args:
        partial: the end of a fraction of the step, or None where it cannot be had.
        overshoot: how far beyond the rules an end is, negative where it meets none.
        start: where the step starts.
        whole: where the whole step ends.

    Source: M. Dowell and P. Jarratt, A modified regula falsi method for computing the root of an
    equation, BIT 11, 1971.
    """
    best, fraction, beyond = whole, 1.0, overshoot(whole)
    if beyond <= LANDED:
        return best, fraction
    aim = 0.5 * LANDED
    low, under = 0.0, overshoot(start) - aim
    high, over, stayed = 1.0, beyond - aim, 0
    for _ in range(_EVALUATIONS):
        # From below: the fraction may be far smaller than the rounding of 1.
        middle = low + (high - low) * under / (under - over)
        end = partial(middle)
        if end is None:
            break
        beyond = overshoot(end)
        if beyond >= 0.0:
            best, fraction = end, middle
            high, over, stayed = middle, beyond - aim, max(stayed, 0) + 1
            under *= 0.5 if stayed > 1 else 1.0
        else:
            low, under, stayed = middle, beyond - aim, min(stayed, 0) - 1
            over *= 0.5 if stayed < -1 else 1.0
        if 0.0 <= beyond <= LANDED:
            break
    return best, fraction
