"""Where the neurons of the plane slide along kinks."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.flow.neuron import ON
from lowrot.path import Path
from lowrot.plots._layout import figure, grid
from lowrot.plots._plane import require_plane
from lowrot.plots._style import MUTED, NEGATIVE, POSITIVE


@figure
def sliding_neurons(path: Path, data: Dataset, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the angle of every neuron of the plane against the clock, thick where it slides.

    Blue and solid is a positive output weight, orange and dashed a negative one.

    Args:
        path: with states ``a`` and ``V``, d = 2.
        data: whose kinks are dotted.
        ax: where to draw; a new figure when None.
        title: of the axes.

    Raises:
        ValueError: the data or the neurons are not two-dimensional.
        TypeError: arguments of another type.
        KeyError: a path without these states or the clock tau.
    """
    require_plane("sliding_neurons", data)
    _validate.kind("title", title, str)
    V = _validate.kind("path", path, Path)["V"]
    if V.shape[-1] != 2:
        raise ValueError(f"path has inner weights of d = {V.shape[-1]}; expected 2, as the data")
    tau, a = path["tau"], path["a"]
    ax = grid(1)[0] if ax is None else _validate.kind("ax", ax, Axes)
    X = data.X.cpu().numpy()
    angle = np.degrees(np.unwrap(np.arctan2(V[:, :, 1], V[:, :, 0]), axis=0))
    angle -= 360.0 * np.floor(angle[-1] / 360.0)
    size = np.linalg.norm(V, axis=2)
    slides = (np.abs(V @ X.T) <= ON * size[:, :, None]).any(axis=2)
    kinks = np.degrees(np.arctan2(X[:, 1], X[:, 0])) + 90.0
    for kink in np.unique(np.round(np.concatenate([kinks, kinks + 180.0]) % 360.0, 9)):
        ax.axhline(kink, color=MUTED, lw=1.2, ls=":", zorder=0)
    for j in range(V.shape[1]):
        colour, style = (POSITIVE, "-") if a[0, j] > 0 else (NEGATIVE, "--")
        name = f"neuron {j + 1}"
        ax.plot(tau, angle[:, j], color=colour, ls=style, lw=1.2, label=name)
        held = np.where(slides[:, j], angle[:, j], np.nan)
        ax.plot(tau, held, color=colour, ls=style, lw=4.5, alpha=0.8, label=f"{name}, slides")
    ax.set_ylim(min(-8.0, angle.min() - 8.0), max(368.0, angle.max() + 8.0))
    ax.set_yticks([0, 90, 180, 270, 360], ["0°", "90°", "180°", "270°", "360°"])
    ax.set_xlabel(r"clock $\tau$")
    ax.set_ylabel("angle of $v_j$")
    ax.set_title(title)
    return ax
