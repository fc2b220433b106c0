"""Figures of a diagnosis, drawn as SVG without any library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from lowrot._numbers import plain
from lowrot.diagnosis._findings import Findings
from lowrot.diagnosis._verdict import Decision, Quantity

_LEFT, _WIDE, _ROW, _TOP = 270, 700, 28, 12
"""Where the axis begins, the width of the drawing, the height of a row, and the space above."""


def wide(content: str, name: str, kind: str = "") -> str:
    """A region that scrolls by itself where what it holds is too wide; keys reach it, too."""
    classes = f"wide {kind}".strip()
    return (
        f"<div class='{classes}' role='region' tabindex='0' aria-label='{escape(name)}'>"
        f"{content}</div>"
    )


class _Axis:
    """A logarithmic axis over these numbers."""

    def __init__(self, values: Sequence[float]) -> None:
        logs = [math.log10(v) for v in values if v > 0 and math.isfinite(v)]
        self.low = math.floor(min(logs, default=0.0))
        self.high = max(math.ceil(max(logs, default=1.0)), self.low + 1)

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return _LEFT + min(1.0, max(0.0, share)) * (_WIDE - _LEFT - 20)

    def ticks(self, bottom: float) -> str:
        """Lines and names of powers of ten."""
        step = max(1, math.ceil((self.high - self.low) / 6))
        parts = []
        for power in range(self.low, self.high + 1, step):
            x = self(10.0**power)
            raised = f"10<tspan dy='-5' font-size='10'>{power}</tspan>".replace(">-", ">−")
            parts.append(
                f"<line x1='{x:.1f}' y1='{_TOP}' x2='{x:.1f}' y2='{bottom}' stroke='currentColor' "
                f"stroke-opacity='0.2'/><text x='{x:.1f}' y='{bottom + 18}' "
                f"text-anchor='middle'>{raised}</text>"
            )
        return "".join(parts)


def _drawing(rows: int, label: str, body: str, axis: _Axis) -> str:
    bottom = _TOP + rows * _ROW
    return (
        f"<svg viewBox='0 0 {_WIDE} {bottom + 28}' width='{_WIDE}' height='{bottom + 28}' "
        f"role='img' aria-label='{escape(label)}' font-size='13' fill='currentColor'>"
        f"{axis.ticks(bottom)}{body}</svg>"
    )


def _name(k: int, text: str) -> str:
    shown = text if len(text) <= 40 else text[:38] + ".."
    y = _TOP + k * _ROW + _ROW / 2 + 4
    return f"<text x='{_LEFT - 10}' y='{y}' text-anchor='end'>{escape(shown)}</text>"


def widths(found: Findings) -> str:
    """The width that each theorem asks for, beside the one at hand."""
    rows = [
        v for v in found.applicable
        if v.needed and v.needed.what == "width" and math.isfinite(v.needed.value)
    ]  # fmt: skip
    if not rows:
        return ""
    asked = [v.needed.value for v in rows if v.needed]
    axis = _Axis([found.m, *asked])
    x = axis(found.m)
    parts = [
        f"<line x1='{x:.1f}' y1='{_TOP}' x2='{x:.1f}' y2='{_TOP + len(rows) * _ROW}' "
        "stroke='currentColor' stroke-width='1.5' stroke-dasharray='5 3'/>"
    ]
    for k, (verdict, value) in enumerate(zip(rows, asked)):
        colour = "var(--holds)" if verdict.decision == Decision.HOLDS else "var(--fails)"
        evaluated = verdict.needed is not None and verdict.needed.how == "evaluated"
        inside = colour if evaluated else "none"
        parts.append(_name(k, verdict.title))
        parts.append(
            f"<circle cx='{axis(value):.1f}' cy='{_TOP + k * _ROW + _ROW / 2}' r='6' "
            f"fill='{inside}' stroke='{colour}' stroke-width='2'/>"
        )
    label = "; ".join(f"{v.title}: width {plain(w)}" for v, w in zip(rows, asked))
    drawing = _drawing(len(rows), label, "".join(parts), axis)
    return (
        f"<figure>{wide(drawing, 'Width that each theorem asks for')}<figcaption>Width from which "
        "each theorem would hold: evaluated at sampled starts (filled) or predicted from the "
        f"numbers of this one (open). Dashed: width {found.m}.</figcaption></figure>"
    )


def margins(rows: Sequence[Quantity]) -> str:
    """Every margin as an interval between its certified bounds."""
    known = [row for row in rows if row.high > 0]
    if not known:
        return ""
    axis = _Axis([v for row in known for v in (row.low, row.high) if v > 1e-6 * row.high])
    parts = []
    for k, row in enumerate(known):
        y = _TOP + k * _ROW + _ROW / 2
        left = axis(row.low) if row.low > 0 else _LEFT
        right = axis(row.high)
        parts.append(_name(k, row.name))
        parts.append(
            f"<line x1='{left:.1f}' y1='{y}' x2='{right:.1f}' y2='{y}' stroke='var(--holds)' "
            f"stroke-width='6'/><circle cx='{right:.1f}' cy='{y}' r='4' fill='var(--holds)'/>"
        )
    label = "; ".join(f"{r.name}: {plain(r.low)} to {plain(r.high)}" for r in known)
    drawing = _drawing(len(known), label, "".join(parts), axis)
    return (
        f"<figure>{wide(drawing, 'Margins between their bounds')}<figcaption>Margins between "
        "their bounds, in units of the longest input; a line that begins at the left edge has the "
        "lower bound 0.</figcaption></figure>"
    )
