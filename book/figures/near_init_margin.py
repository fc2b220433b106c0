"""Figures of the margin that gradient flow attains in the end."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from figures._shared import label_rows
from figures.near_init_flow import against_width
from lowrot.plots import INK, MUTED, NEGATIVE, SHADES, figure, grid, legend_below

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
    axes = grid(len(dims), height=3.0)
    for axis, d in zip(axes, dims):
        part = runs[runs.d == d]
        for shade, (m, rows) in zip(SHADES, part.groupby("m")):
            mean = rows.groupby("tau").normalized.mean() / best[d]
            axis.plot(mean.index, mean, color=shade, lw=1.3, label=f"$m = {m}$")
        axis.axhline(1.0, color=INK, lw=1.0, label="best margin")
        axis.axhline(kernel[d] / best[d], color=NEGATIVE, lw=1.3, ls="--", label="NTK margin")
        axis.axvline(1.0, color=MUTED, lw=1.0, ls=":", label=r"$\tau = 1$")
        axis.set(title=f"d = {d}", xlabel=r"clock $\tau$", ylim=(-0.35, 1.05))
    label_rows(axes, r"margin / $(\gamma_{\mathrm{gl}}/2)$", ticks=False)
    legend_below(axes[0], 4)
    return axes
