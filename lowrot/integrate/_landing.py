"""Landing: the fraction of a step after which a stop rule is just met."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LANDED = 1e-6
"""How far beyond a rule a run may end: what gradient and regression flows promise."""
_GAIN = 0.2
"""An evaluation gains much if it leaves no more than this of the value that it replaces."""
_EVALUATIONS = 30
"""After so many evaluations the best end so far is taken (three or so are needed)."""


def land(
    partial: Callable[[float], T | None],
    overshoot: Callable[[T], float],
    start: T,
    whole: T,
) -> tuple[T, float]:
    """Return where a step just meets the rules, and its fraction; or the whole step.

    By inverse quadratic interpolation between the two ends that enclose it and the one given up
    last, as long as that gains much; then by regula falsi, in the variant of Illinois, which halves
    the value of an end that stays.

    Args:
        partial: the end of a fraction of the step, or None where it cannot be had.
        overshoot: how far beyond the rules an end is, negative where it meets none.
        start: where the step starts.
        whole: where the whole step ends.

    Source: R. P. Brent, Algorithms for Minimization without Derivatives, 1973, chapter 4;
    M. Dowell and P. Jarratt, A modified regula falsi method for computing the root of an equation,
    BIT 11, 1971.
    """
    best, fraction, beyond = whole, 1.0, overshoot(whole)
    if beyond <= LANDED:
        return best, fraction
    aim = 0.5 * LANDED
    low, under = 0.0, overshoot(start) - aim
    high, over, stayed, third = 1.0, beyond - aim, 0, None
    smooth = True
    for _ in range(_EVALUATIONS):
        middle = _between((low, under), (high, over), third if smooth else None)
        end = partial(middle)
        if end is None:
            break
        beyond = overshoot(end)
        if beyond >= 0.0:
            best, fraction, third = end, middle, (high, over)
            high, over, stayed = middle, beyond - aim, max(stayed, 0) + 1
        else:
            third = low, under
            low, under, stayed = middle, beyond - aim, min(stayed, 0) - 1
        smooth = smooth and abs(beyond - aim) <= _GAIN * abs(third[1])
        if not smooth:
            under *= 0.5 if stayed > 1 else 1.0
            over *= 0.5 if stayed < -1 else 1.0
        if 0.0 <= beyond <= LANDED:
            break
    return best, fraction


def _between(
    low: tuple[float, float], high: tuple[float, float], third: tuple[float, float] | None
) -> float:
    """Where a function is zero that has these values at these places, of which two enclose it.

    Counted from the lower place: what is looked for may be far smaller than the rounding of 1.
    """
    (a, under), (b, over) = low, high
    slope = (b - a) / (over - under)
    if third is not None:
        c, value = third
        bend = ((c - b) / (value - over) - slope) / (value - under)
        middle = a - under * slope + under * over * bend
        if a < middle < b:
            return middle
    return a + (b - a) * under / (under - over)
