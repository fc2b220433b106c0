"""Stop rules and times to save, shared by the flows."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lowrot import _validate
from lowrot.path import End, Outcome

NO_MARGIN = 1e-9
"""A dual bound at or below this, in the unit of the features, proves that no margin is positive:
doubles do not tell smaller ones from none."""

_EARLIEST = -700.0
"""ln t of the earliest times that doubles hold to all digits."""

_EXPONENT = 690.0
"""Beyond, exponentials overflow."""

FALLING = ("gap", "relative_loss")
"""Columns that fall to the target of their rule; the others rise to it."""


def stop_rules(
    stop: Mapping[str, Any] | None,
    known: Sequence[str],
    default: dict[str, float],
    unit: float = 1.0,
) -> dict[str, Any]:
    """Check the stop rules: columns with their targets, and ``when``, a function of the row.

    The clock of the run is ``unit`` times that of the rules.
    """
    if stop is not None and not isinstance(stop, Mapping):
        raise TypeError(f"stop is {stop!r}; expected a mapping, for example {default}")
    rules = dict(default if stop is None else stop)
    for name, value in rules.items():
        _validate.choice("stop key", name, (*known, "when"))
        if name == "when":
            if not isinstance(value, Callable):  # type: ignore[arg-type]
                raise TypeError(f"stop['when'] is {value!r}; expected a function of the row")
        else:
            least = _EARLIEST if name == "ln_t" else -math.inf
            rules[name] = _validate.number(f"stop[{name!r}]", value, least)
            if name in ("tau", "t"):
                _check_time(f"stop[{name!r}]", rules[name], unit)
    if not rules:
        raise ValueError(f"stop is empty; expected at least one rule, for example {default}")
    return rules


def reached(
    rules: dict[str, Any], row: dict[str, float], clock: str = "tau", unit: float = 1.0
) -> End | None:
    """The rule that the row meets, or None; the unit is that of the features."""
    for name, target in rules.items():
        at = f"at {clock} = {row[clock]:.6g}"
        if name == "when":
            # A copy: what a rule does to its row must not reach the record of the run.
            if _validate.flag("the value of stop['when']", target(dict(row))):
                return End(Outcome.REACHED, f"stop['when'] held {at}")
        elif name == "gap" and row["dual"] <= NO_MARGIN * unit:
            words = (
                f"no positive margin exists: the dual D = {row['dual']:.3g} {at} bounds them all"
            )
            return End(Outcome.NOT_SEPARABLE, words)
        elif (row[name] <= target) if name in FALLING else (row[name] >= target):
            words = f"reached {name} = {row[name]:.6g}" + (f" {at}" if name != clock else "")
            return End(Outcome.REACHED, words)
    return None


def overshoot(
    rules: dict[str, Any], row: dict[str, float], clock: str, *, early: bool = False
) -> float:
    """By how much a row is beyond the rules, about in logarithms; negative where it meets none.

    ``early`` says that the step starts at t = 0, where ln t is minus infinity: then t itself
    counts, which grows about linearly.
    """
    most = -math.inf
    for name, target in rules.items():
        unit = max(min(1.0, abs(target)), 1e-280) if name != "when" and target else 1.0
        if name in FALLING:
            most = max(most, math.log(max(target, 1e-300)) - math.log(max(row[name], 1e-300)))
        elif name == "ln_t" and early:
            most = max(most, min(math.expm1(min(row[name] - target, _EXPONENT)) / unit, 1e300))
        elif name not in ("when", clock):
            value = max(row[name], -1e300)
            ratio = max(value / unit, -1e300)
            most = max(most, math.asinh(ratio) - math.asinh(target / unit))
    return most


def targets(save: Sequence[float] | None, unit: float = 1.0) -> list[float]:
    """Check the times to save; the clock of the run is ``unit`` times theirs."""
    if save is None:
        return []
    times = _validate.real_array("save", save, ("k",)).tolist()
    if times[0] < 0 or any(b <= a for a, b in itertools.pairwise(times)):
        raise ValueError(f"save is {times[:4]}...; expected increasing clock times >= 0")
    for i, time in enumerate(times):
        _check_time(f"save[{i}]", time, unit)
    return times


def _check_time(name: str, time: float, unit: float) -> None:
    """Raise for positive times so small that doubles hold few of their digits."""
    least = sys.float_info.min / min(unit, 1.0)
    if 0 < time < least:
        raise ValueError(f"{name} is {time!r}; expected 0, or at least {least:.3g}")
