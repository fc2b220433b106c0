"""The figure of the chapter on your own data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.axes import Axes

from lowrot import Diagnosis
from lowrot.plots import ACCENT, INK, MUTED, NEGATIVE, POSITIVE, SECOND, figure, grid

_COLOURS = (POSITIVE, NEGATIVE, ACCENT, SECOND)
_MARKERS = ("o", "s", "D", "^")
_NAMES = {
    "thm-near-init-sgd": "SGD, logistic",
    "thm-near-init-perceptron": "perceptron",
    "thm-near-init-flow": "gradient flow,\ncorollary",
    "thm-flow-both": "both layers",
    "thm-flow-margin": "NTK margin,\nfor ever",
    "thm-collapse-opposite": "collapse,\nopposite",
    "thm-no-rotation": "no rotation",
    "thm-global-width": "global margin",
}


def page(found: Diagnosis) -> str:
    """The page of a diagnosis."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        found.to_html(file)
        return file.read_text("utf8")


@figure
def needed_widths(found: Mapping[str, Diagnosis]) -> list[Axes]:
    """Draw the width at which each theorem would hold on each data set.

    Args:
        found: by name of the data.
    """
    (axis,) = grid(1, 1, height=4.2, stacked_height=4.6)
    order = [
        label for label in reversed(_NAMES)
        if any(one[label].needed and np.isfinite(one[label].needed.value) for one in found.values())
    ]  # fmt: skip
    for k, (name, diagnosis) in enumerate(found.items()):
        colour, marker = _COLOURS[k % 4], _MARKERS[k % 4]
        for place, label in enumerate(order):
            needed = diagnosis[label].needed
            if needed is None or not np.isfinite(needed.value):
                continue
            face = colour if needed.how == "evaluated" else "none"
            axis.scatter(needed.value, place + 0.16 * (1.5 - k), s=42, marker=marker,
                         facecolors=face, edgecolors=colour, linewidths=1.4, zorder=3)  # fmt: skip
        axis.scatter([], [], s=42, marker=marker, color=colour, label=name)
    for place in range(len(order) - 1):
        axis.axhline(place + 0.5, color=MUTED, lw=0.5, alpha=0.5)
    axis.axvline(next(iter(found.values())).m, color=INK, ls="--", lw=1)
    axis.set(xscale="log", xlabel="width $m$ needed", ylabel="theorem")
    axis.set_yticks(np.arange(len(order)), [_NAMES[label] for label in order])
    axis.set_ylim(-0.6, len(order) - 0.4)
    axis.figure.legend(loc="outside lower center", ncol=2)
    return [axis]
