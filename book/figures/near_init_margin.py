"""Figures of the margin that gradient flow attains in the end."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from figures._shared import label_rows
from figures.near_init_flow import against_width
from lowrot.plots import ACCENT, DASHES, INK, SHADES, figure, grid, legend_below

__all__ = ["against_width", "margins_in_time"]


@figure
def margins_in_time(
    runs: pd.DataFrame, best: Mapping[int, float], kernel: Mapping[int, float]
) -> list[Axes]:
    """Draw the share of the best margin that is attained, against the clock, a panel a dimension.

    Args:
        runs: columns ``d``, ``m``, ``tau``, ``normalized``; the mean over what else there is.
        best: by dimension, the largest margin of any network.
        kernel: by dimension, the margin ``gamma/(2 sqrt d)``.
    """
    dims = sorted(runs.d.unique())
    axes, least = grid(len(dims), height=3.2), 0.0
    for axis, d in zip(axes, dims):
        part = runs[runs.d == d]
        for shade, style, (m, rows) in zip(SHADES, DASHES, part.groupby("m")):
            mean = rows.groupby("tau").normalized.mean() / best[d]
            least = min(least, mean.min())
            axis.plot(mean.index, mean, color=shade, ls=style, lw=1.3, label=f"$m = {m}$")
        axis.axhline(1.0, color=INK, lw=2.4, zorder=1, label="best margin")
        axis.axhline(kernel[d] / best[d], color=ACCENT, lw=2.4, ls="--", label="NTK margin")
        axis.axvline(1.0, color=INK, lw=0.7, label=r"$\tau = 1$")
        axis.set(title=f"$d = {d}$", xlabel=r"clock $\tau$")
    for axis in axes:
        axis.set_ylim(least - 0.05, 1.05)
    label_rows(axes, r"margin / $(\gamma_{\mathrm{gl}}/2)$", ticks=False)
    legend_below(axes[0], 4)
    return axes
