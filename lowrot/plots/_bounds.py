"""Both sides of the inequalities of a theorem along a path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lowrot import _validate
from lowrot.plots._columns import CLOCKS
from lowrot.plots._layout import WIDEST, figure, grid
from lowrot.plots._style import (
    ACCENT,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SECOND,
    THIRD,
)
from lowrot.theorems import Check

_SUFFIXES = ("_bound", "_floor", "_limit")
_OF_THE_MARGIN = ("floor", "bound", "bound_a_priori", "limit", "gamma", "dual", "ceiling")
"""Columns that bound the smoothed margin; the soft margin P where the check has it with a floor."""

_FAR = 5.0
"""A bound that leaves what is measured by so many times its range would flatten it to a line."""

_LINES: tuple[tuple[str, Any], ...] = (
    (POSITIVE, "-"),
    (NEGATIVE, "--"),
    (ACCENT, "-."),
    (SECOND, ":"),
    (INK, (0, (4, 2))),
    (MUTED, "-"),
    (THIRD, (0, (1, 1))),
)
"""Colours and styles: what is measured, then its bounds."""


@figure
def bounds(
    check: Check,
    *,
    panels: Mapping[str, str | Sequence[str]] | None = None,
    against: str | None = None,
    scale: str = "linear",
) -> list[Axes]:
    """Draw what a theorem bounds, and its bounds, along the path of a check.

    Args:
        check: what ``theorem.check(path)`` or ``theorem.inequalities(path)`` returned.
        panels: by title, the columns of ``check.frame`` that a panel compares, what is measured
            first; a single name stands for the column and its bounds. By default every column
            that has bounds: ``rho`` with ``rho_bound``, ``rho_floor`` and ``rho_limit``, and
            ``margin`` with ``bound``, ``limit`` and so on.
        against: the column on the horizontal axis; by default the clock of the path.
        scale: of the horizontal axis, "linear" or "log".

    Returns:
        The axes, a panel each, at most two a row. A bound that begins far away is cut off there.

    Raises:
        ValueError: a column that is not there, or nothing that has bounds.
        TypeError: not a check, or arguments of another type.

    Example:
        With ``check = theorem.check(path)``: ``plots.bounds(check, scale="log")``.
    """
    frame = _validate.kind("check", check, Check).frame
    _validate.choice("scale", scale, ("linear", "log"))
    known = tuple(map(str, frame))
    clock = next((name for name in CLOCKS if name in known), None)
    x = _validate.choice("against", clock if against is None else against, known)
    sides = _sides(panels, known)
    across = min(2, len(sides))
    width = WIDEST if across > 1 else 5.0
    # Their titles name columns, or lines of a proof by its numbers.
    axes = grid(across, -(-len(sides) // across), width=width, height=2.5, letters=False)
    for unused in axes[len(sides) :]:
        unused.set_visible(False)
    plain = all(len(compared) == 2 for compared in sides.values())
    for ax, (title, compared) in zip(axes, sides.items()):
        labels = ["measured", "bound"] if plain else compared
        for name, label, (colour, style) in zip(compared, labels, _LINES):
            ax.plot(frame[x], frame[name], color=colour, ls=style, label=label)
        ax.set_title(title)
        ax.set(xlabel=CLOCKS.get(x, x), xscale=scale)
        if scale == "log":
            ax.set_xlim(frame[x][frame[x] > 0].min(), frame[x].max())
        ax.margins(y=0.12)
        _show_measured(ax)
    for ax in axes[: 1 if plain else len(sides)]:
        ax.legend(loc="best")
    return axes[: len(sides)]


def _sides(panels: Any, known: Sequence[str]) -> dict[str, list[str]]:
    """Return by title the columns of each panel, what is measured first."""
    chosen = _compared(known) if panels is None else _validate.kind("panels", panels, Mapping)
    sides = {}
    for title, names in chosen.items():
        alone = isinstance(names, str)
        compared = [names] if alone else _validate.listed(f"panels[{title!r}]", names)
        for name in compared:
            _validate.choice(f"panels[{title!r}]", name, known)
        sides[str(title)] = [*compared, *(_bounds_of(names, known) if alone else [])]
        if not sides[str(title)]:
            raise ValueError(f"panels[{title!r}] is empty; expected a column")
    if not sides:
        raise ValueError(f"no column has bounds among {', '.join(known)}; expected panels")
    return sides


def _show_measured(ax: Axes) -> None:
    """Cut off bounds that say nothing early: show what is measured, and where the bounds end."""
    measured, *others = [np.asarray(line.get_ydata(), dtype=float) for line in ax.lines]
    ends = np.concatenate([measured, [other[-1] for other in others]])
    spans = []
    for values in (ends, np.concatenate([measured, *others])):
        values = values[np.isfinite(values)]
        spans.append((values.min(), values.max()) if len(values) else (0.0, 0.0))
    (low, high), (least, most) = spans
    if most - least > _FAR * (high - low) > 0:
        ax.set_ylim(low - 0.12 * (high - low), high + 0.12 * (high - low))


def _compared(known: Sequence[str]) -> dict[str, str]:
    """Return the columns that have bounds, each as its own title."""
    return {name: name for name in known if _bounds_of(name, known)}


def _bounds_of(name: str, known: Sequence[str]) -> list[str]:
    """Return the names of the columns that bound a column."""
    found = [name + suffix for suffix in _SUFFIXES if name + suffix in known]
    if name == ("P" if {"P", "floor"} <= set(known) else "margin"):
        found += [bound for bound in _OF_THE_MARGIN if bound in known]
    return found
