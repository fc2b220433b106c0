"""What the flows of the starts then do, beside what the theorems promise."""

from __future__ import annotations

from typing import Any

import numpy as np

from lowrot.coupled import coupled_flow
from lowrot.diagnosis._case import Case
from lowrot.diagnosis._verdict import Ran
from lowrot.flow import gradient_flow, regression_flow
from lowrot.optima import NotSeparable
from lowrot.path import Outcome, Path
from lowrot.theorems import neural_collapse, regression_certificate

_TAU = 20.0
"""Clock time up to which flows are followed."""
_STEPS = 2000
"""Steps that one flow may take; where it ends is said."""
_POINTS = 12
"""Saved times of a run."""


def _times() -> list[float]:
    return np.geomspace(0.01, _TAU, _POINTS).tolist()


def near(case: Case) -> list[Ran]:
    """Gradient flow from the standard start, beside the theorem near initialization."""
    try:
        theorem = case.flow
    except NotSeparable:
        return []
    path = gradient_flow(
        case.standard, case.data, stop={"tau": _TAU}, save=_times(), max_steps=_STEPS
    )
    _whole(path)
    return [_ran("thm-near-init-flow", case.named("standard"), path, "P",
                 float(theorem.bound(path["tau"][-1])), theorem)]  # fmt: skip


def balanced(case: Case) -> list[Ran]:
    """Gradient flow from the balanced start, beside neural collapse."""
    theorem = neural_collapse(case.balanced, case.grouped)
    path = gradient_flow(
        case.balanced, case.data, stop={"tau": _TAU}, save=_times(), max_steps=_STEPS
    )
    _whole(path)
    tau = path["tau"][-1]
    bound = float(theorem.bound_a_priori(tau)) if theorem.holds else float("-inf")
    return [_ran("thm-collapse", case.named("balanced"), path, "margin", bound,
                 theorem if theorem.holds else None)]  # fmt: skip


def frozen(case: Case) -> list[Ran]:
    """The coupled flow, beside its theorem."""
    try:
        theorem = case.coupled
    except (NotSeparable, ValueError):
        return []
    path = coupled_flow(case.balanced, case.data, stop={"tau": _TAU}, save=_times())
    _whole(path)
    return [_ran("thm-no-rotation", case.named("balanced"), path, "margin",
                 float(theorem.bound_a_priori(path["tau"][-1])), theorem)]  # fmt: skip


def regression(case: Case) -> list[Ran]:
    """The flow of the squared loss, beside the certificate."""
    X, y = case.real.X, case.real.y
    theorem = regression_certificate(case.standard, X, y)
    path = regression_flow(
        case.standard, X, y, stop={"relative_loss": 1e-4, "t": 1e4}, max_steps=_STEPS
    )
    _whole(path)
    bound = float(theorem.bound(path["t"][-1]))
    residual = float(np.sqrt(2 * path["loss"][-1]))
    agrees = bool(theorem.check(path).holds) if theorem.holds else residual <= bound * (1 + 1e-9)
    return [
        Ran("thm-reg-pairs", case.named("standard"), "t", float(path["t"][-1]),
            ("residual", residual), bound, agrees, path.reason)
    ]  # fmt: skip


def _whole(path: Path) -> None:
    """Pass on an interrupt that a flow has answered by ending."""
    if path.outcome == Outcome.INTERRUPTED:
        raise KeyboardInterrupt


def _ran(label: str, start: str, path: Path, name: str, bound: float, theorem: Any) -> Ran:
    agrees = True if theorem is None or len(path) < 2 else bool(theorem.check(path).holds)
    return Ran(label, start, "tau", float(path["tau"][-1]), (name, float(path[name][-1])), bound,
               agrees, path.reason)  # fmt: skip
