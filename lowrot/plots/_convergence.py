"""Series on logarithmic axes, and the slope they are compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lowrot import _validate
from lowrot.plots._layout import figure, grid, log_axes
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
        ValueError: nothing to draw, sides of different lengths, or a value that is not positive
            and finite.
        TypeError: arguments of another type.
    """
    curves = _curves(series)
    for label in (texts := _validate.listed("labels", labels)):
        _validate.kind("labels", label, str)
    if len(texts) != 2:
        raise ValueError(f"labels are {labels!r}; expected two, one an axis")
    slope = None if slope is None else _validate.number("slope", slope)
    lines = _validate.flag("lines", lines)
    if ax is None:
        ax = grid(1, width=5.6, height=3.3, stacked_height=3.0)[0]
    _validate.kind("ax", ax, Axes)
    for index, (name, (x, y)) in enumerate(curves.items()):
        style = f"{_MARKERS[index % 6]}{'-' if lines else ''}"
        ax.plot(x, y, style, color=COLOURS[index % 6], ms=5, lw=1.2, label=name)
    if slope is not None:
        first, values = next(iter(curves.values()))
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
    log_axes(ax)
    ax.set_xlabel(texts[0])
    ax.set_ylabel(texts[1])
    ax.legend()
    return ax


def _curves(series: Any) -> dict[str, np.ndarray]:
    """Return the curves by name, each of shape (2, k), positive and finite."""
    curves = {}
    for name, sides in _validate.kind("series", series, Mapping).items():
        pair = _validate.listed(f"series[{name!r}]", sides)
        if len(pair) != 2:
            raise ValueError(
                f"series[{name!r}] has {len(pair)} sides; expected abscissas, ordinates"
            )
        x, y = (_validate.real_array(f"series[{name!r}]", side, ("k",)) for side in pair)
        if len(x) != len(y):
            raise ValueError(f"series[{name!r}] has {len(x)} abscissas and {len(y)} ordinates")
        curves[str(name)] = np.stack([x.cpu().numpy(), y.cpu().numpy()])
        if curves[str(name)].min() <= 0:
            raise ValueError(f"series {name!r} has values <= 0; expected positive ones")
    if not curves:
        raise ValueError("series is empty; expected at least one curve")
    return curves
