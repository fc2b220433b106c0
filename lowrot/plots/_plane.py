"""What figures of the plane and of space share: points, frames, views, checks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import Network
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
        ValueError: data of another dimension, weights of another shape, negative ones, or none
            that is positive.
        TypeError: arguments of another type.
    """
    require_plane("points", data)
    _validate.kind("ax", ax, Axes)
    sizes = np.full(data.n, 36.0)
    if q is not None:
        q = dual_weights("q", q, data).cpu()
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
    """Give axes of the unit disc equal scales, no frame and a title.

    Raises:
        TypeError: arguments of another type.
    """
    _validate.kind("ax", ax, Axes)
    _validate.kind("title", title, str)
    ax.set_aspect("equal")
    ax.set_xlim(-REACH, REACH)
    ax.set_ylim(-REACH, REACH)
    ax.set_axis_off()
    ax.set_title(title, fontsize=10.5)
    return ax


def require_plane(name: str, data: Dataset) -> None:
    """Raise unless these are data of the plane; the name is that of what would draw them.

    Raises:
        ValueError: data of another dimension.
        TypeError: arguments of another type.
    """
    _validate.kind("name", name, str)
    _validate.kind("data", data, Dataset)
    if data.d != 2:
        raise ValueError(f"data has d = {data.d}; {name} draws d = 2 only")


def axes_or_new(ax: Axes | None, title: str = "") -> Axes:
    """Return the axes given, checked with their title, or those of a new figure."""
    _validate.kind("title", title, str)
    if ax is not None:
        return _validate.kind("ax", ax, Axes)
    return grid(1, width=4.4, height=3.6, stacked_height=3.2)[0]


def dual_weights(name: str, q: Any, data: Dataset) -> Tensor:
    """Return dual weights of the points, shape (n,), on the device of the data."""
    q = _validate.real_array(name, q, (data.n,)).to(data.X.device)
    if float(q.min()) < 0 or float(q.max()) == 0:
        raise ValueError(f"{name} is {q.tolist()}; expected numbers >= 0, at least one positive")
    return q


def outputs(predict: Any, data: Dataset, X: Tensor) -> Tensor:
    """Return ``f(x)`` at the rows of X of a predictor for data, checked, shape (n,)."""
    if not callable(predict):
        raise TypeError(f"predict is a {type(predict).__name__}; expected a function X -> f(X)")
    if isinstance(predict, Network) and predict.d != data.d:
        raise ValueError(f"predict has d = {predict.d}; expected {data.d}, as the data")
    return _validate.real_array("what predict returns", predict(X), (len(X),))


def orthographic(V: np.ndarray) -> np.ndarray:
    """Return vectors of space, shape (..., 3), as a reader sees them: right, up, toward him.

    Raises:
        ValueError: another shape.
        TypeError: no real numbers.
    """
    V = _validate.numbers("V", V)
    if V.shape[-1:] != (3,):
        raise ValueError(f"V has shape {V.shape}; expected (..., 3)")
    tilt, turn = math.radians(22.0), math.radians(24.0)
    out: np.ndarray = V @ np.array(
        [
            [math.cos(turn), -math.sin(tilt) * math.sin(turn), math.cos(tilt) * math.sin(turn)],
            [math.sin(turn), math.sin(tilt) * math.cos(turn), -math.cos(tilt) * math.cos(turn)],
            [0.0, math.cos(tilt), math.sin(tilt)],
        ]
    )
    return out
