"""What two chapters near initialization share."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from lowrot.plots import ACCENT, INK, NEGATIVE, POSITIVE, grid, legend_below

SHADES = ("#9ecae1", "#4292c6", "#08519c", "#08306b", INK)
"""From narrow to wide: light to dark, so that the order survives any colour vision."""


def held_fractions(
    frame: pd.DataFrame, panels: Mapping[int, str], met: Mapping[int, float]
) -> list[Axes]:
    """Draw, against the width, the share of starts for which each conclusion held.

    Args:
        frame: rows (``d``, ``m``, ``conclusion``) with ``share`` and its confidence interval,
            ``low`` and ``high``.
        panels: by dimension, the title of its panel.
        met: by dimension, the width from which the hypotheses hold.
    """
    axes = grid(len(panels), width=7.4, height=2.8)
    for axis, (d, title) in zip(axes, panels.items()):
        groups = frame[frame.d == d].groupby("conclusion", sort=False)
        for colour, (name, rows) in zip((POSITIVE, NEGATIVE, ACCENT), groups):
            axis.plot(rows.m, rows.share, "o-", ms=3, color=colour, label=name)
            axis.fill_between(rows.m, rows.low, rows.high, color=colour, alpha=0.2, lw=0)
        axis.axvline(met[d], color=INK, lw=0.8, ls="--", label="hypotheses hold")
        axis.set(xscale="log", ylim=(-0.03, 1.03), xlabel="width m", title=title)
    axes[0].set_ylabel("share of starts")
    legend_below(axes[0], 4)
    return axes
