"""One style for every figure: vector, transparent, colour-blind safe, legible when inverted."""

from __future__ import annotations

import matplotlib.pyplot as plt
import seaborn as sns
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib_inline.backend_inline import set_matplotlib_formats

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
"""Colours of label or sign +1 and -1 (Okabe and Ito)."""
ACCENT, SECOND, THIRD, MUTED, INK = "#009E73", "#CC79A7", "#804000", "#8C8C8C", "#222222"
"""Each stands out from white, and inverted from black; THIRD is darker than Okabe and Ito's
orange, which inverts to a brown that cannot be told from NEGATIVE."""

COLOURS = (POSITIVE, NEGATIVE, ACCENT, SECOND, THIRD, MUTED)
"""The cycle of colours."""

WIDEST = 5.8
"""Inches: a figure no wider keeps legible letters when a phone shows it whole."""

_SETTINGS = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=list(COLOURS)),
    "font.size": 10,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.transparent": True,
    "savefig.bbox": "tight",
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "lowrot",
    "svg.fonttype": "path",
    "mathtext.fontset": "cm",
}


def use_style() -> None:
    """Set the style of the book for every figure that follows (SVG in notebooks)."""
    sns.set_theme(context="paper", style="ticks", rc=_SETTINGS)
    set_matplotlib_formats("svg", metadata={"Date": None})


def grid(columns: int, rows: int = 1, *, width: float = WIDEST, height: float = 2.6) -> list[Axes]:
    """Return the axes of a new figure, row by row.

    Args:
        columns: panels in a row.
        rows: of panels.
        width: of the figure, in inches.
        height: of a row, in inches.
    """
    _, axes = plt.subplots(rows, columns, figsize=(width, height * rows), squeeze=False)
    return list(axes.ravel())


def legend_below(ax: Axes, columns: int) -> None:
    """Put the legend of one of the axes below their figure, in so many columns."""
    handles, labels = ax.get_legend_handles_labels()
    ax.figure.legend(handles, labels, loc="outside lower center", ncol=columns, fontsize=8)
