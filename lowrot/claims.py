"""The ledger: every claim of the book is compared, shown as a badge and recorded."""

from __future__ import annotations

import html
import math
import operator
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lowrot import _validate
from lowrot.losses import LOSSES, Loss
from lowrot.path import Path

MIME = "application/vnd.lowrot.claim+json"
PROVENANCES = ("paper", "derived", "measured")

_RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}
_SYMBOLS = {"<=": "≤", ">=": "≥", "<": "&lt;", ">": "&gt;", "==": "=", "~": "≈"}
_STARTED = time.perf_counter()
_NAMED = (*LOSSES, "squared", "perceptron")
_LABEL = re.compile(r"[A-Za-z][\w-]*")


class ClaimError(AssertionError):
    """A claim of the book that its own code does not bear out."""


@dataclass(frozen=True)
class Claim:
    """A claim that was checked and holds.

    Args:
        id: unique in the book: lower-case words joined by hyphens.
        statement: what is claimed, one sentence.
        provenance: "paper", "derived" or "measured".
        measured: median, min, max and count of the measured values.
        relation: how measured relates to bound.
        bound: the other side.
        tolerance: absolute, for the relation "~" only.
        slack: distance of the worst measured value from violating the relation.
        relative_slack: the slack over the larger of the two sides, or over the tolerance; None
            for an equality, and where neither side is a finite number other than zero.
        unit: of measured, bound, tolerance and slack; "1" for a pure number.
        theorem: the label of the statement that is checked, if it is one of the book's.
        sizes: by symbol, the sizes at which it was measured, where they are said.
        loss: the losses behind the values, by name.
        seeds: the seeds behind the values; empty where nothing is random, None where not said.
        passed: always True (a claim that fails raises).
        seconds: since this library was imported in the notebook.
    """

    id: str
    statement: str
    provenance: str
    measured: dict[str, float]
    relation: str
    bound: float
    tolerance: float
    slack: float
    relative_slack: float | None
    unit: str
    theorem: str | None
    sizes: dict[str, list[float]]
    loss: list[str]
    seeds: list[int] | None
    passed: bool
    seconds: float

    def _numbers(self) -> str:
        """The comparison in one line: measured, with its spread, relation, bound."""
        m, digits = self.measured, 6 if self.relation in ("~", "==") else 4
        value, glue = f"{m['median'] + 0.0:.{digits}g}", "~"
        if m["count"] > 1:
            low, high = (f"{m[end] + 0.0:.4g}" for end in ("min", "max"))
            value, glue = f"{value} ({low} to {high}, {m['count']:.0f}~values)", " "
        within = f"~±~{self.tolerance:.2g}" if self.relation == "~" else ""
        unit = "" if self.unit == "1" else f"~{html.escape(self.unit)}"
        line = f"{value}{glue}{_SYMBOLS[self.relation]}~{self.bound:.6g}{within}{unit}"
        return line.replace("~", "\N{NO-BREAK SPACE}")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        record = asdict(self)
        for name in ("bound", "slack"):
            record[name] = _json_number(record[name])
        record["measured"] = {k: _json_number(v) for k, v in self.measured.items()}
        badge = (
            f'<div class="lowrot-claim lowrot-ok" id="claim-{self.id}">'
            f'<span class="lowrot-tag lowrot-tag-{self.provenance}">[{self.provenance}]</span> '
            f'<span class="lowrot-claim-text">{html.escape(self.statement)}</span> '
            f'<span class="lowrot-claim-numbers">{self._numbers()}</span></div>'
        )
        return {"text/plain": str(self), "text/html": badge, MIME: record}

    def __str__(self) -> str:
        return f"[{self.provenance}] {self.statement}: {html.unescape(self._numbers())}"


def display(made: Claim) -> None:
    """Show a claim: as a badge where a notebook is running, as a line elsewhere."""
    try:
        from IPython.display import display as show
    except ImportError:
        print(made)
    else:
        show(made)  # a line, too, where no notebook is running


def claim(
    id: str,
    statement: str,
    measured: Any,
    relation: str,
    bound: float,
    provenance: str,
    tolerance: float = 0.0,
    seeds: Sequence[int] | None = None,
    path: Path | Sequence[Path] | None = None,
    theorem: str | None = None,
    unit: str = "1",
    sizes: Mapping[str, Any] | None = None,
    loss: str | Loss | Sequence[str | Loss] | None = None,
) -> None:
    """Check a claim, show it as a badge in the page, and record it for the reproduction report.

    Args:
        id: unique in the book: lower-case words joined by hyphens.
        statement: what is claimed, one sentence; formulas between dollar signs.
        measured: a number, or one per seed (any array); every one must satisfy the relation.
        relation: "<=", ">=", "<", ">", "==" or "~" (within ``tolerance``, absolute).
        bound: the number on the other side.
        provenance: "paper", "derived" or "measured".
        tolerance: for "~" only, positive.
        seeds: the seeds of the measured values; ``[]`` says that nothing is random. The book asks
            for one or the other wherever the provenance is "measured".
        path: the path or paths measured on; one whose certificates fail is refused.
        theorem: the label of the statement that is checked.
        unit: of both sides, as it is read after a number: "degrees", "samples"; "1" for none.
        sizes: by symbol, the sizes at which it was measured: ``{"d": [2, 3], "m": 800}``.
        loss: the losses behind the values; without it, those of the paths.

    Raises:
        ClaimError: the relation does not hold, a value is NaN, or a path is not certified.
        ValueError, TypeError: malformed arguments.
    """
    _validate.kind("statement", statement, str)
    if not isinstance(id, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise ValueError(f"id is {id!r}; expected lower-case words joined by hyphens")
    _validate.choice("relation", relation, (*_RELATIONS, "~"))
    _validate.choice("provenance", provenance, PROVENANCES)
    tolerance = _validate.number("tolerance", tolerance, 0.0)
    if (relation == "~") != (tolerance > 0):
        raise ValueError(f"tolerance is {tolerance}; expected > 0 with '~', and 0 with the others")
    values: list[float] = _validate.numbers("measured", measured).ravel().tolist()
    if not values:
        raise ValueError("measured is empty; expected at least one value")
    bound = _validate.real("bound", bound)
    if seeds is not None:
        listed = _validate.listed("seeds", seeds)
        seeds = [_validate.integer(f"seeds[{i}]", seed, 0) for i, seed in enumerate(listed)]
    paths = (
        [path] if isinstance(path, Path) else _validate.listed("path", [] if path is None else path)
    )
    _validate.kind("unit", unit, str)
    if theorem is not None and not (isinstance(theorem, str) and _LABEL.fullmatch(theorem)):
        raise ValueError(f"theorem is {theorem!r}; expected the label of a statement")
    for followed in paths:
        if not _validate.kind("path", followed, Path).ok:
            raise ClaimError(
                f"claim {id!r} rests on a path that is not certified: {followed.status}"
            )
    for value in values:
        if not _holds(value, relation, bound, tolerance):
            within = f" within {tolerance!r}" if relation == "~" else ""
            raise ClaimError(
                f"claim {id!r} fails: {statement} "
                f"(measured {value!r}, required {relation} {bound!r}{within})"
            )
    slack, worst = min((_slack(value, relation, bound, tolerance), value) for value in values)
    spread = {"median": float(np.median(values)), "min": min(values), "max": max(values)}
    made = Claim(
        id=id,
        statement=statement,
        provenance=provenance,
        measured={**spread, "count": len(values)},
        relation=relation,
        bound=bound,
        tolerance=tolerance,
        slack=slack,
        relative_slack=_relative(slack, worst, relation, bound, tolerance),
        unit=unit,
        theorem=theorem,
        sizes=_sizes({} if sizes is None else sizes),
        loss=_losses(loss, paths),
        seeds=None if seeds is None else list(seeds),
        passed=True,
        seconds=round(time.perf_counter() - _STARTED, 3),
    )
    display(made)


def _holds(value: float, relation: str, bound: float, tolerance: float) -> bool:
    if relation == "~":
        return abs(value - bound) <= tolerance
    return _RELATIONS[relation](value, bound)


def _slack(value: float, relation: str, bound: float, tolerance: float) -> float:
    """How far the value is inside the relation (0 for an exact equality)."""
    if value == bound:
        return tolerance
    if relation in ("<=", "<"):
        return bound - value
    if relation in (">=", ">"):
        return value - bound
    return tolerance - abs(value - bound)


def _relative(
    slack: float, worst: float, relation: str, bound: float, tolerance: float
) -> float | None:
    """The slack over the larger side (at most 2), or over the tolerance (at most 1)."""
    scale = tolerance if relation == "~" else max(abs(bound), abs(worst))
    if relation == "==" or not 0.0 < scale < math.inf:
        return None
    return slack / scale


def _sizes(given: Mapping[str, Any]) -> dict[str, list[float]]:
    """The distinct sizes of each symbol, ascending; whole numbers as such."""
    found = {}
    for symbol, values in _validate.kind("sizes", given, Mapping).items():
        _validate.kind("a symbol of sizes", symbol, str)
        numbers = sorted(set(_validate.numbers(f"sizes[{symbol!r}]", values).ravel().tolist()))
        found[symbol] = [int(x) if float(x).is_integer() else float(x) for x in numbers]
    return found


def _losses(given: str | Loss | Sequence[str | Loss] | None, paths: Sequence[Path]) -> list[str]:
    """The losses by name: those given, or those that the paths were followed under."""
    if given is None:
        return sorted({name for path in paths for name in _loss_of(path)})
    listed = [given] if isinstance(given, str | Loss) else _validate.listed("loss", given)
    names = [name.name if isinstance(name, Loss) else name for name in listed]
    for name in names:
        _validate.choice("loss", name, _NAMED)
    return sorted(set(names))


def _loss_of(path: Path) -> list[str]:
    """The loss that a path was followed under, as it describes itself."""
    implied = "squared" if path.meta.get("kind") == "regression" else None
    said = path.meta.get("loss", path.meta.get("update", implied))
    return [said] if said in _NAMED else []


def _json_number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
