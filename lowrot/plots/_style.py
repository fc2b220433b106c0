"""One style for every figure: vector, transparent, colour-blind safe, by day and by night."""

from __future__ import annotations

from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgba

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
"""Colours of label or sign +1 and -1 (Okabe and Ito)."""
ACCENT, SECOND, THIRD, MUTED, INK = "#009E73", "#CC79A7", "#804000", "#8C8C8C", "#222222"
"""Each stands out from white with a contrast of at least 3, and its colour at night from NIGHT."""

COLOURS = (POSITIVE, NEGATIVE, ACCENT, SECOND, THIRD, MUTED)
"""The cycle of colours."""

DAY, NIGHT = "#FFFFFF", "#121212"
"""What a figure stands on, which is also the colour of the halo of a marker."""

CLOCK = LinearSegmentedColormap.from_list("clock", ["#C77700", "#C2407E", "#25258E"], N=64)
"""From early to late or from small to large: amber, pink, blue."""
CLOCK_AT_NIGHT = LinearSegmentedColormap.from_list(
    "clock at night", ["#FFC04D", "#F57FB5", "#93B4FF"], N=64
)

SHADES = tuple(to_hex(CLOCK(place)) for place in (0.0, 0.25, 0.5, 0.75, 1.0))
"""Five steps of it."""

DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0.0, (7.0, 1.5, 1.0, 1.5, 1.0, 1.5)),
)
"""Five styles of lines: colours alone tell none apart."""

SIGNED = LinearSegmentedColormap.from_list(
    "signed",
    [
        to_rgba(NEGATIVE, 1.0),
        to_rgba(NEGATIVE, 0.0),
        to_rgba(POSITIVE, 0.0),
        to_rgba(POSITIVE, 1.0),
    ],
    N=255,
)
"""From NEGATIVE to POSITIVE; zero shows the ground, whatever it is."""

AT_NIGHT = {
    POSITIVE: "#56B4E9",
    NEGATIVE: "#F2994A",
    ACCENT: "#3FCF9F",
    SECOND: "#E9A3CB",
    THIRD: "#E0D060",
    MUTED: "#9A9A9A",
    INK: "#E8E8E8",
    "#000000": "#E8E8E8",
    DAY: NIGHT,
    **{to_hex(CLOCK(i)): to_hex(CLOCK_AT_NIGHT(i)) for i in range(CLOCK.N)},
}
"""The colour of each colour in the dark theme."""

SETTINGS = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 11.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=list(COLOURS)),
    "text.color": INK,
    "font.size": 11,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "legend.handlelength": 1.8,
    "lines.linewidth": 1.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.transparent": True,
    "savefig.bbox": "tight",
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "lowrot",
    "svg.fonttype": "path",
    "mathtext.fontset": "cm",
}
"""Of matplotlib. Letters have the size of the text around the figure, or nearly."""
