"""Figures of your own runs, in the style of the book; each function returns the axes it drew.

`columns` of a path, `bounds` of a check and the `certificate` of an optimum in any dimension; in
the plane `decision_regions`, `optimal_directions`, `dual_curve`, `sliding_neurons` and `ring`, in
the plane and in space the `scrubber`. Figures of one chapter are beside the chapters.
"""

from lowrot.plots import _extra  # noqa: F401  (says what to install)
from lowrot.plots._bounds import bounds
from lowrot.plots._certificate import certificate
from lowrot.plots._columns import columns
from lowrot.plots._convergence import convergence
from lowrot.plots._plane import orthographic, points, require_plane, square
from lowrot.plots._regions import (
    decision_regions,
    dual_curve,
    optimal_directions,
    tangent_predictor,
)
from lowrot.plots._ring import ring
from lowrot.plots._scrubber import Panel, Scrubber, scrubber
from lowrot.plots._sliding import sliding_neurons
from lowrot.plots._style import (
    ACCENT,
    COLOURS,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SECOND,
    THIRD,
    WIDEST,
    grid,
    legend_below,
    use_style,
)

__all__ = [
    "ACCENT",
    "COLOURS",
    "INK",
    "MUTED",
    "NEGATIVE",
    "POSITIVE",
    "SECOND",
    "THIRD",
    "WIDEST",
    "Panel",
    "Scrubber",
    "bounds",
    "certificate",
    "columns",
    "convergence",
    "decision_regions",
    "dual_curve",
    "grid",
    "legend_below",
    "optimal_directions",
    "orthographic",
    "points",
    "require_plane",
    "ring",
    "scrubber",
    "sliding_neurons",
    "square",
    "tangent_predictor",
    "use_style",
]
