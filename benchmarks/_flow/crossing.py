"""The moment when the smallest margin first reaches a target."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.optimize import brentq


@dataclass
class Crossing:
    """What a run knew when its smallest margin first reached a target."""

    target: float
    normalized: float
    steps: int
    evaluations: int
    seconds: float | None = None  # where the clock of the caller does not tell

    def row(self):
        return {name: value for name, value in vars(self).items() if value is not None}


def crossings(problem, steps, targets, tick):
    """Turn steps (margin at the end, state at a fraction, accepted, evaluations) into crossings."""
    targets = list(targets)
    for margin, between, accepted, evaluations in steps:
        while targets and margin >= targets[0]:
            target = targets.pop(0)
            s = first_fraction(lambda s: problem.min_margin(between(s)) - target)  # noqa: B023
            yield Crossing(target, problem.normalized(between(s)), accepted, evaluations)
        if not targets:
            return
        tick(margin)


def first_fraction(excess):
    """Where in [0, 1] the excess over the target vanishes; at an end where rounding hides it."""
    if excess(0.0) >= 0.0:
        return 0.0
    return brentq(excess, 0.0, 1.0, xtol=1e-14) if excess(1.0) > 0.0 else 1.0


def nearby_root(excess, width):
    return brentq(excess, -width, width) if excess(-width) < 0.0 < excess(width) else 0.0


def segment(old, new, s):
    return old + s * (new - old)
