"""Series on logarithmic axes, and the slope they are compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lowrot.plots._layout import figure, grid
from lowrot.plots._style import COLOURS, INK

_MARKERS = ("o", "s", "^", "D", "v", "P")


@figure
def convergence(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
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
    if not series:
        raise ValueError("series is empty; expected at least one curve")
    for name, sides in series.items():
        if not all(value > 0 for side in sides for value in side):
            raise ValueError(f"series {name!r} has values <= 0; expected positive ones")
    ax = grid(1, width=5.6, height=3.3, stacked_height=3.0)[0] if ax is None else ax
    for index, (name, (x, y)) in enumerate(series.items()):
        style = f"{_MARKERS[index % 6]}{'-' if lines else ''}"
        ax.plot(x, y, style, color=COLOURS[index % 6], ms=5, lw=1.2, label=name)
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
        low, high = axis.get_view_interval()
        if high < 30 * low:  # too few powers of ten to read it by
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.legend()
    return ax
