"""Figures of your own runs, in the style of the book; each function returns the axes it drew.

`columns` of a path, `bounds` of a check and the `certificate` of an optimum in any dimension; in
the plane `decision_regions`, `optimal_directions`, `dual_curve`, `sliding_neurons` and `ring`, in
the plane and in space the `scrubber`. Figures of one chapter are beside the chapters.
"""

from lowrot.plots import _extra  # noqa: F401  (says what to install)
from lowrot.plots._bounds import bounds
from lowrot.plots._certificate import certificate
from lowrot.plots._chart import Axis, Chart, Curve, explorer
from lowrot.plots._columns import columns
from lowrot.plots._convergence import convergence
from lowrot.plots._layout import (
    NARROW,
    WIDEST,
    Fragment,
    figure,
    grid,
    legend_below,
    legend_under,
    log_axes,
    narrow,
)
from lowrot.plots._live import Slider
from lowrot.plots._night import night
from lowrot.plots._notebook import use_style
from lowrot.plots._plane import orthographic, points, require_plane, square
from lowrot.plots._regions import (
    decision_regions,
    dual_curve,
    optimal_directions,
    tangent_predictor,
)
from lowrot.plots._ring import ring
from lowrot.plots._scrubber import Panel, scrubber
from lowrot.plots._sliding import sliding_neurons
from lowrot.plots._style import (
    ACCENT,
    CLOCK,
    COLOURS,
    DASHES,
    DAY,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SECOND,
    SHADES,
    SIGNED,
    THIRD,
)
from lowrot.plots._table import table

__all__ = [
    "ACCENT",
    "CLOCK",
    "COLOURS",
    "DASHES",
    "DAY",
    "INK",
    "MUTED",
    "NARROW",
    "NEGATIVE",
    "POSITIVE",
    "SECOND",
    "SHADES",
    "SIGNED",
    "THIRD",
    "WIDEST",
    "Axis",
    "Chart",
    "Curve",
    "Fragment",
    "Panel",
    "Slider",
    "bounds",
    "certificate",
    "columns",
    "convergence",
    "decision_regions",
    "dual_curve",
    "explorer",
    "figure",
    "grid",
    "legend_below",
    "legend_under",
    "log_axes",
    "narrow",
    "night",
    "optimal_directions",
    "orthographic",
    "points",
    "require_plane",
    "ring",
    "scrubber",
    "sliding_neurons",
    "square",
    "table",
    "tangent_predictor",
    "use_style",
]
