"""The figure of the page on where the theorems stop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lowrot.plots import INK, MUTED, NEGATIVE, POSITIVE, figure, grid, narrow


@figure
def met_and_true(panels: Mapping[str, pd.DataFrame]) -> list[Axes]:
    """Draw, over width and dimension, how often hypotheses are met and conclusions true.

    Args:
        panels: by title: columns ``d``, ``m``, ``met`` and ``true``, shares of starts.
    """
    axes = grid(2, -(-len(panels) // 2), height=2.6, stacked_height=2.4)
    size = 150 if narrow() else 190
    for axis, (title, frame) in zip(axes, panels.items()):
        dims = sorted(frame.d.unique())
        level = frame.d.map({d: place for place, d in enumerate(dims)})
        for share, colour, area in (("true", POSITIVE, size), ("met", NEGATIVE, size / 5)):
            edge = {"facecolors": "none", "edgecolors": MUTED if share == "true" else INK}
            axis.scatter(frame.m, level, s=area, marker="s", linewidths=0.8, zorder=2, **edge)
            shown = frame[share].to_numpy()
            axis.scatter(
                frame.m, level, s=area * shown, marker="s", color=colour, lw=0, zorder=3,
                label={"true": "conclusion true", "met": "hypotheses met"}[share],
            )  # fmt: skip
        axis.set(xscale="log", xlabel="width $m$", title=title)
        axis.set_yticks(np.arange(len(dims)), [f"$d = {d}$" for d in dims])
        axis.set_ylim(-0.6, len(dims) - 0.4)
        axis.margins(x=0.12)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside lower center", ncol=2)
    return axes
