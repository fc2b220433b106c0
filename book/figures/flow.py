"""Figures of the chapter on following a gradient flow: margins along it, and its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes

from figures._text import table
from lowrot.data import Dataset
from lowrot.path import Path
from lowrot.plots import COLOURS, INK, POSITIVE, convergence, figure, grid, narrow, sliding_neurons


_HEADS = {
    "tau": r"$\tau$",
    "ln_t": r"$\ln t$",
    "P": "$P$",
    "min_margin": r"$\min_i p_i$",
    "margin": r"$P_+/\|W\|^2$",
    "normalized": r"$\bar\gamma$",
    "sliding": "pairs that slide",
}


def journey(frame: pd.DataFrame) -> HTML:
    """Show rows of a path of `gradient_flow`: clocks, margins, and how many neurons slide."""
    shown = frame[list(_HEADS)].astype({"sliding": int})
    return table(shown.rename(columns=_HEADS), index=False)


@figure
def smoothed_margins(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    best: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw smoothed margins against the clock tau.

    Args:
        curves: by name, times tau and margins; the first is drawn on top of the others.
        best: the largest normalized margin, dashed.
        ax: where to draw; a new figure when None.

    Raises:
        ValueError: nothing to draw.
    """
    if not curves:
        raise ValueError("curves is empty; expected at least one curve")
    ax = grid(1, height=3.4, stacked_height=3.2)[0] if ax is None else ax
    for index, (name, (tau, margin)) in enumerate(curves.items()):
        width, order = (2.6, 5) if index == 0 else (1.1, 2)
        colour = COLOURS[index % len(COLOURS)]
        ax.plot(tau, margin, color=colour, label=name, lw=width, zorder=order)
    if best is not None:
        ax.axhline(best, color=INK, lw=0.8, ls=(0, (4, 2)), label="best possible")
    ax.set_xlabel(r"clock $\tau$")
    ax.set_ylabel(r"smoothed margin $P_+/\|W\|^2$")
    ax.figure.legend(loc="outside lower center", ncol=2 if narrow() else 4)
    return ax


@figure
def steps_taken(path: Path, fit: tuple[float, float], *, ax: Axes | None = None) -> Axes:
    """Draw the steps taken against the smallest margin, with a line ``a + b ln P``.

    Args:
        path: with every step kept.
        fit: ``(a, b)``, drawn from the first margin above 1.
        ax: where to draw; a new figure when None.

    Raises:
        ValueError: the path never reaches a margin above 1.
    """
    least = path["min_margin"]
    far = least > 1
    if not far.any():
        raise ValueError(f"path has min_margin <= {least.max():.3g}; expected one above 1")
    ax = grid(1, width=6.0, height=3.3, stacked_height=2.8)[0] if ax is None else ax
    ends = np.array([least[far].min(), least[far].max()])
    ax.plot(least[far], np.flatnonzero(far), "o", color=POSITIVE, ms=5, label="steps taken")
    label = rf"${fit[0]:.1f} + {fit[1]:.2f} \ln P$"
    ax.plot(ends, fit[0] + fit[1] * np.log(ends), color=INK, lw=0.9, ls=(0, (4, 2)), label=label)
    ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    ax.set_xlabel(r"smallest margin $\min_i p_i$")
    ax.set_ylabel("steps")
    ax.legend(loc="upper left")
    return ax


@figure
def sliding_pair(panels: Mapping[str, tuple[Path, Dataset]]) -> list[Axes]:
    """Draw the angles of neurons along several flows of the plane, thick while they slide.

    Args:
        panels: by title, a path and its data.
    """
    axes = grid(len(panels), height=3.4, stacked_height=3.0)
    for ax, (title, (path, data)) in zip(axes, panels.items()):
        sliding_neurons(path, data, ax=ax, title=title)
    return axes


@figure
def errors_by_effort(
    panels: Mapping[str, tuple[Sequence[float], Sequence[float], tuple[str, str], float | None]],
) -> list[Axes]:
    """Draw one series a panel on logarithmic axes.

    Args:
        panels: by title: abscissas, ordinates, both labels, and a slope to compare with, or None.
    """
    axes = grid(len(panels), height=3.2, stacked_height=2.9)
    for ax, (title, (x, y, labels, slope)) in zip(axes, panels.items()):
        convergence({"measured": (x, y)}, labels=labels, slope=slope, ax=ax)
        ax.set_title(title)
    return axes
