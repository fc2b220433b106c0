"""Figures of a gradient flow that is followed: margins, kinks, power laws, steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from lowrot.data import Dataset
from lowrot.flow.neuron import ON
from lowrot.path import Path
from lowrot.plots._plane import require_plane
from lowrot.plots._style import (
    ACCENT,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SECOND,
    THIRD,
    grid,
)

_COLOURS = (POSITIVE, NEGATIVE, ACCENT, SECOND, THIRD, MUTED)
_MARKERS = ("o", "s", "^", "D", "v", "P")

Series = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""By name, abscissas and ordinates."""


def smoothed_margins(curves: Series, best: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw smoothed margins against the clock tau.

    Args:
        curves: by name, times tau and margins; the first is drawn on top of the others.
        best: the largest normalized margin, dashed.
        ax: where to draw; a new figure when None.

    Raises:
        ValueError: nothing to draw.
    """
    _some("curves", curves)
    ax = grid(1, height=2.9)[0] if ax is None else ax
    for index, (name, (tau, margin)) in enumerate(curves.items()):
        width, order = (2.2, 5) if index == 0 else (1.0, 2)
        colour = _COLOURS[index % len(_COLOURS)]
        ax.plot(tau, margin, color=colour, label=name, lw=width, zorder=order)
    if best is not None:
        ax.axhline(best, color=INK, lw=0.8, ls=(0, (4, 2)), label="best possible")
    ax.set_xlabel(r"clock $\tau$")
    ax.set_ylabel(r"smoothed margin $P_+/\|W\|^2$")
    ax.legend(loc="center left")
    return ax


def sliding_neurons(path: Path, data: Dataset, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the angle of every neuron of the plane against the clock, and where it slides.

    Args:
        path: with states ``a`` and ``V``, d = 2.
        data: whose kinks are dotted.
        ax: where to draw; a new figure when None.
        title: of the axes.

    Raises:
        ValueError: the data are not two-dimensional.
    """
    require_plane("sliding_neurons", data)
    ax = grid(1)[0] if ax is None else ax
    V, X = path["V"], data.X.numpy()
    angle = np.degrees(np.unwrap(np.arctan2(V[:, :, 1], V[:, :, 0]), axis=0))
    angle -= 360.0 * np.floor(angle[-1] / 360.0)
    size = np.linalg.norm(V, axis=2)
    slides = (np.abs(V @ X.T) <= ON * size[:, :, None]).any(axis=2)
    kinks = np.degrees(np.arctan2(X[:, 1], X[:, 0])) + 90.0
    for kink in np.unique(np.round(np.concatenate([kinks, kinks + 180.0]) % 360.0, 9)):
        ax.axhline(kink, color=MUTED, lw=0.7, ls=":")
    for j in range(V.shape[1]):
        colour = POSITIVE if path["a"][0, j] > 0 else NEGATIVE
        ax.plot(path["tau"], angle[:, j], color=colour, lw=0.9)
        ax.plot(path["tau"], np.where(slides[:, j], angle[:, j], np.nan), color=INK, lw=2.6)
    ax.set_ylim(min(-8.0, angle.min() - 8.0), max(368.0, angle.max() + 8.0))
    ax.set_yticks([0, 90, 180, 270, 360], ["0°", "90°", "180°", "270°", "360°"])
    ax.set_xlabel(r"clock $\tau$")
    ax.set_title(title)
    return ax


def convergence(
    series: Series,
    labels: tuple[str, str],
    slope: float | None = None,
    lines: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw series on logarithmic axes, with a line of a given slope beside the first.

    Args:
        series: by name, positive abscissas and ordinates.
        labels: of both axes.
        slope: of the dashed line; none when None.
        lines: whether the points of a series are joined.
        ax: where to draw; a new figure when None.

    Raises:
        ValueError: nothing to draw, or a value that is not positive.
    """
    _some("series", series)
    ax = grid(1, height=2.9)[0] if ax is None else ax
    for index, (name, (x, y)) in enumerate(series.items()):
        if not all(value > 0 for value in [*x, *y]):
            raise ValueError(f"series {name!r} has values <= 0; expected positive ones")
        style = f"{_MARKERS[index % 6]}{'-' if lines else ''}"
        ax.plot(x, y, style, color=_COLOURS[index % 6], ms=5, lw=1.2, label=name)
    if slope is not None:
        first, values = next(iter(series.values()))
        middle = math.exp(float(np.log(values).mean() - slope * np.log(first).mean()))
        ends = np.array([min(first), max(first)])
        ax.plot(
            ends,
            0.4 * middle * ends**slope,
            color=INK,
            lw=0.9,
            ls=(0, (4, 2)),
            label=f"slope {slope:g}",
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.legend()
    return ax


def steps_taken(path: Path, fit: tuple[float, float], ax: Axes | None = None) -> Axes:
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
    ax = plt.subplots(figsize=(5.4, 2.8))[1] if ax is None else ax
    ends = np.array([least[far].min(), least[far].max()])
    ax.plot(least[far], np.flatnonzero(far), "o", color=POSITIVE, ms=5, label="steps taken")
    label = f"{fit[0]:.1f} + {fit[1]:.2f} ln P"
    ax.plot(ends, fit[0] + fit[1] * np.log(ends), color=INK, lw=0.9, ls=(0, (4, 2)), label=label)
    ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    ax.set_xlabel(r"smallest margin $\min_i p_i$")
    ax.set_ylabel("steps")
    ax.legend(loc="upper left")
    return ax


def _some(name: str, series: Series) -> None:
    if not series:
        raise ValueError(f"{name} is empty; expected at least one curve")
