"""What figures of the plane and of space share: points, frames, views, checks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.plots._layout import grid
from lowrot.plots._style import DAY, NEGATIVE, POSITIVE

REACH = 1.22
"""Half the side of a figure of the unit disc."""


def points(data: Dataset, *, ax: Axes, q: Tensor | None = None) -> None:
    """Draw data of the plane: discs for +1, squares for -1.

    Args:
        data: points of the plane.
        ax: where to draw.
        q: dual weights, shape (n,), shown as the areas of the points.

    Raises:
        ValueError: data of another dimension, or weights of another shape.
    """
    require_plane("points", data)
    sizes = np.full(data.n, 36.0)
    if q is not None:
        q = _validate.real_array("q", q, (data.n,)).cpu()
        sizes = 34.0 + 220.0 * q.numpy() / float(q.max())
    for sign, colour, marker in ((1, POSITIVE, "o"), (-1, NEGATIVE, "s")):
        mine = (data.y == sign).cpu().numpy()
        style: dict[str, Any] = {
            "c": colour,
            "marker": marker,
            "edgecolors": DAY,
            "linewidths": 0.7,
        }
        x = data.X.cpu().numpy()[mine]
        ax.scatter(x[:, 0], x[:, 1], s=0.55 * sizes[mine], zorder=3, **style)


def square(ax: Axes, title: str = "") -> Axes:
    """Give axes of the unit disc equal scales, no frame and a title."""
    ax.set_aspect("equal")
    ax.set_xlim(-REACH, REACH)
    ax.set_ylim(-REACH, REACH)
    ax.set_axis_off()
    ax.set_title(title, loc="center", fontsize=10.5)
    return ax


def require_plane(name: str, data: Dataset) -> None:
    """Raise unless these are data of the plane; the name is that of what would draw them."""
    _validate.kind("data", data, Dataset)
    if data.d != 2:
        raise ValueError(f"data has d = {data.d}; {name} draws d = 2 only")


def axes_or_new(ax: Axes | None) -> Axes:
    """Return the axes given, or those of a new figure."""
    return grid(1, width=4.4, height=3.6, stacked_height=3.2)[0] if ax is None else ax


def orthographic(V: np.ndarray) -> np.ndarray:
    """Return vectors of space, shape (..., 3), as a reader sees them: right, up, toward him."""
    tilt, turn = math.radians(22.0), math.radians(24.0)
    out: np.ndarray = V @ np.array(
        [
            [math.cos(turn), -math.sin(tilt) * math.sin(turn), math.cos(tilt) * math.sin(turn)],
            [math.sin(turn), math.sin(tilt) * math.cos(turn), -math.cos(tilt) * math.cos(turn)],
            [0.0, math.cos(tilt), math.sin(tilt)],
        ]
    )
    return out
