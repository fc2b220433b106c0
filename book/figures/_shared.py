"""What the figures of several chapters share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from lowrot.plots import ACCENT, INK, NEGATIVE, POSITIVE, figure, grid


def label_rows(axes: Sequence[Axes], label: str, *, ticks: bool = True) -> None:
    """Label the vertical axis of the first panel of each row, and of no other.

    Args:
        axes: of one figure, with equal vertical axes.
        label: the words.
        ticks: whether the other panels keep the numbers at their ticks.
    """
    for ax in axes:
        spec = ax.get_subplotspec()
        if spec is None or spec.is_first_col():
            ax.set_ylabel(label)
        elif not ticks:
            ax.tick_params(labelleft=False)


@figure
def held_fractions(panels: Mapping[str, tuple[pd.DataFrame, float]]) -> list[Axes]:
    """Draw, against the width, the share of starts for which each conclusion held.

    Args:
        panels: by title: rows (``m``, ``conclusion``) with ``share`` and its confidence interval,
            ``low`` and ``high``, and the width from which the hypotheses hold.
    """
    axes = grid(2, -(-len(panels) // 2), height=2.8)
    for axis, (title, (frame, met)) in zip(axes, panels.items()):
        groups = frame.groupby("conclusion", sort=False)
        marks = zip((POSITIVE, NEGATIVE, ACCENT), ("o-", "s--", "^:"), groups)
        for colour, mark, (name, rows) in marks:
            axis.plot(rows.m, rows.share, mark, ms=4, color=colour, label=str(name))
            axis.fill_between(
                rows.m, rows.low, rows.high, color=colour, alpha=0.2, lw=0, label=f"{name}, 95 %"
            )
        axis.axvline(met, color=INK, lw=1.0, ls=(0, (6, 3)), label="hypotheses hold")
        axis.set(xscale="log", ylim=(-0.03, 1.03), xlabel="width $m$", title=title)
    label_rows(axes, "share of starts")
    handles, labels = axes[0].get_legend_handles_labels()
    shown = [(h, name) for h, name in zip(handles, labels) if not name.endswith("95 %")]
    axes[0].figure.legend(*zip(*shown), loc="outside lower center", ncol=2)
    return axes


def hatched(chosen: np.ndarray) -> PathPatch:
    """Return hatches over entries of a matrix as `imshow` draws it, a box a run of a row.

    Args:
        chosen: which entries, boolean.
    """
    boxes = []
    for row, line in enumerate(chosen):
        turns = np.flatnonzero(np.diff(np.concatenate([[0], line, [0]]).astype(int))) - 0.5
        for left, right in turns.reshape(-1, 2):
            corners = [(left, row - 0.5), (right, row - 0.5), (right, row + 0.5), (left, row + 0.5)]
            boxes.append(Path([*corners, corners[0]], closed=True))
    outline = Path.make_compound_path(*boxes)
    return PathPatch(outline, fill=False, hatch="/////", edgecolor=INK, lw=0.0)
