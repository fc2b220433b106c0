"""Formulas and numbers as plain text, for terminals and pages without a typesetter."""

from __future__ import annotations

import math
import re

from lowrot._numbers import in_full, plain
from lowrot.diagnosis._verdict import Needed, Quantity, Verdict

_TEX = {
    r"\alpha": "α", r"\gamma": "γ", r"\Gamma": "Γ", r"\eta": "η", r"\mu": "μ", r"\chi": "χ",
    r"\psi": "ψ", r"\Psi": "Ψ", r"\epsilon": "ε", r"\omega": "ω", r"\varphi": "φ",
    r"\varrho": "ϱ", r"\lambda": "λ", r"\delta": "δ", r"\Delta": "Δ", r"\tau": "τ",
    r"\le": "<=", r"\ge": ">=", r"\cdot": "·", r"\max": "max", r"\min": "min", r"\ln": "ln",
    r"\cos": "cos", r"\sqrt": "√", r"\Pr": "Pr", r"\|": "‖", r"\vert": "|", r"\ ": " ",
    r"\sum": "sum", r"\tilde": "", r"\ell": "l", r"\mathrm": "", r"\bar": "", r"\varepsilon": "ε",
    r"\mathcal": "",
}  # fmt: skip
_COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)")


def words(tex: str) -> str:
    """Return a text with formulas between dollar signs as plain text, its numbers in full."""

    def formula(found: re.Match[str]) -> str:
        text = _COMMAND.sub(lambda name: _TEX.get(name[0], name[0][1:]), found[1])
        text = re.sub(r"\^\{([^}]*)\}", r"^\1", text)
        text = re.sub(r"_\{([^}]*)\}", r"_\1", text)
        return text.replace("{", "").replace("}", "").strip()

    return in_full(re.sub(r"\$([^$]*)\$", formula, tex))


def number(value: float) -> str:
    """Return a number, a dash where there is none."""
    return "-" if math.isnan(value) else plain(value)


def exact(value: float) -> str:
    """Return the number of a hypothesis: counts, whole as floats, too, without decimals."""
    value = float(value)
    return plain(int(value)) if value.is_integer() and abs(value) < 1000 else number(value)


def slack(verdict: Verdict) -> str:
    """By how much the hypotheses hold or fail, relative to their bounds."""
    value = verdict.slack
    if not math.isfinite(value):
        return "-"
    if abs(value) < 1e-6:
        return "0 %"
    return (
        f"{value * 100:+.3g} %"
        if abs(value) < 10
        else f"{'-' if value < 0 else '+'}{plain(abs(value))}×"
    )


def needed(found: Needed | None) -> str:
    """Where a theorem would hold."""
    if found is None:
        return "-"
    if found.how == "none":
        return found.words
    if found.what == "scale" and math.isinf(found.value):
        return "any scale"
    relation = {"width": ">=", "scale": "<=", "slope": "="}[found.what]
    how = " (predicted)" if found.how == "predicted" else ""
    value = int(found.value) if found.what == "width" else found.value
    return f"{found.what} {relation} {plain(value)}{how}"


def interval(row: Quantity) -> str:
    """Both ends of an interval, or nothing."""
    if math.isnan(row.low) and math.isnan(row.high):
        return ""
    return f"{number(row.low)} to {number(row.high)}"
