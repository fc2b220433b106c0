"""Stop rules and times to save, shared by the flows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lowrot import _check

NO_MARGIN = 1e-9
"""A dual bound on the margins at or below this proves that the data are not separable."""


def stop_rules(stop: Mapping[str, Any] | None) -> dict[str, Any]:
    """Check the stop rules; the default is a certified relative gap of 1 percent."""
    if stop is not None and not isinstance(stop, Mapping):
        raise TypeError(f"stop is {stop!r}; expected a mapping, for example {{'gap': 0.01}}")
    rules = dict({"gap": 0.01} if stop is None else stop)
    known = ("tau", "ln_norm", "margin", "gap", "when")
    for name, value in rules.items():
        _check.choice("stop key", name, known)
        if name == "when":
            if not isinstance(value, Callable):  # type: ignore[arg-type]
                raise TypeError(f"stop['when'] is {value!r}; expected a function of the row")
        else:
            rules[name] = _check.number(f"stop[{name!r}]", value)
    if not rules:
        raise ValueError("stop is empty; expected at least one rule, for example {'gap': 0.01}")
    return rules


def reached(rules: dict[str, Any], row: dict[str, float]) -> str:
    """The rule that the row meets, in words, or the empty string."""
    for name, target in rules.items():
        if name == "when":
            if target(row):
                return f"stop['when'] held at tau = {row['tau']:.6g}"
        elif name == "gap" and row["dual"] <= NO_MARGIN:
            return (
                f"no positive margin exists: the dual D = {row['dual']:.3g} at tau = "
                f"{row['tau']:.6g} bounds them all"
            )
        elif (row[name] <= target) if name == "gap" else (row[name] >= target):
            at = "" if name == "tau" else f" at tau = {row['tau']:.6g}"
            return f"reached {name} = {row[name]:.6g}{at}"
    return ""


def targets(save: Sequence[float] | None) -> list[float]:
    """Check the times to save."""
    if save is None:
        return []
    times = _check.real_array("save", save, ("k",)).tolist()
    if times[0] < 0 or any(b <= a for a, b in itertools.pairwise(times)):
        raise ValueError(f"save is {times[:4]}...; expected increasing clock times >= 0")
    return times
