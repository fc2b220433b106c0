"""Figures of the chapter on bad KKT points: trajectories, margins by angle, outcomes, barriers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from figures._shared import label_rows
from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.path import Path
from lowrot.plots import (
    ACCENT,
    CLOCK,
    DASHES,
    DAY,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SECOND,
    WIDEST,
    Axis,
    Chart,
    Curve,
    Fragment,
    Slider,
    decision_regions,
    explorer,
    figure,
    grid,
    legend_under,
    narrow,
    points,
    require_plane,
    square,
)
from lowrot.theorems import EscapeMargins, escape_margins

_COLOURS = {
    "not separated": INK,
    "bad": NEGATIVE,
    "on a line": NEGATIVE,
    "tilted": SECOND,
    "optimal": POSITIVE,
    "other": MUTED,
}
_MARKS = {
    "not separated": ("o", "-"),
    "bad": ("s", "--"),
    "on a line": ("s", "--"),
    "tilted": ("D", ":"),
    "optimal": ("^", "-."),
    "other": ("v", DASHES[4]),
}
"""The marker and the line of each outcome."""
_LAST = 73.0
"""Degrees: at larger angles the tilted point is no more, and the bad one far below."""


@figure
def escape_trajectories(
    paths: Mapping[str, Path], data: Dataset, *, after: float = 10.0
) -> list[Axes]:
    """Draw how the share of each neuron moves in the plane, coloured by the logarithm of time.

    A neuron is at ``a_j v_j / sum_i |a_i| ||v_i||``: its distance from the centre is its share.

    Args:
        paths: with states a and V, by the title of their panel.
        data: points of the plane.
        after: the clock time from which on the colours count.
    """
    require_plane("escape_trajectories", data)
    last = max(float(path["tau"][-1]) for path in paths.values())
    first, final = math.log10(after), math.log10(last)
    norm = Normalize(first, final)
    axes = grid(len(paths), height=4.2, stacked_height=3.4)
    for axis, (title, path) in zip(axes, paths.items()):
        masses = np.abs(path["a"]) * np.linalg.norm(path["V"], axis=2)
        where = path["a"][:, :, None] * path["V"] / masses.sum(axis=1)[:, None, None]
        colour = np.log10(np.maximum(path["tau"], after))
        for track in where.swapaxes(0, 1):
            middle = 0.5 * (colour[1:] + colour[:-1])
            runs = _runs(np.rint(CLOCK.N * norm(middle).data))
            # A piece ends in the next one, or a seam would show.
            pieces = [track[start : stop + 2] for start, stop in runs]
            lines = LineCollection(pieces, cmap=CLOCK, norm=norm, lw=3.0)
            lines.set_array([middle[start] for start, _ in runs])
            axis.add_collection(lines)
            axis.plot(*track[0], "o", color=DAY, mec=INK, ms=7, mew=1.2, zorder=4)
            axis.plot(*track[-1], "o", color=INK, ms=4.5, zorder=5)
        axis.plot(0, 0, "+", color=MUTED, ms=8, zorder=0)
        points(data, ax=axis)
        square(axis, title)
    bar = axes[0].figure.colorbar(
        ScalarMappable(norm, CLOCK), ax=axes, location="bottom", shrink=0.7, aspect=30
    )
    bar.solids.set(rasterized=False, edgecolor="face", linewidth=1.0)
    bar.minorticks_off()
    bar.set_label(r"clock $\tau$")
    decades = range(math.floor(first), math.ceil(final) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if after <= tick <= last * (1 + 1e-9)]
    bar.set_ticks([math.log10(tick) for tick in ticks], labels=[f"{tick:g}" for tick in ticks])
    return axes


def _runs(steps: np.ndarray) -> list[tuple[int, int]]:
    """Return where runs of equal numbers begin and end."""
    cuts = [0, *(np.flatnonzero(np.diff(steps)) + 1), len(steps)]
    return list(itertools.pairwise(cuts))


@figure
def escape_proof(frame: pd.DataFrame, margins: EscapeMargins) -> list[Axes]:
    """Draw the barrier of the dual weights and the bound on the margin along a trapped flow.

    Args:
        frame: of `Escape.check`, for a start all on both points.
        margins: its constants.
    """
    left, right = grid(2, height=3.7, stacked_height=3.2)
    late = frame[frame.tau > 0]
    left.plot(late.tau, late.imbalance, color=POSITIVE, lw=2.2, label=r"$\zeta=q_+-q_-$")
    for level, style, name in (
        (margins.kappa, "--", r"$\pm\cot^2\varphi$"),
        (margins.inner, ":", r"$\pm1/(2+\tan^2\varphi)$"),
    ):
        left.axhline(level, color=NEGATIVE, ls=style, lw=1.2, label=name)
        left.axhline(-level, color=NEGATIVE, ls=style, lw=1.2)
    left.set(xscale="log", xlabel=r"clock $\tau$", ylabel="imbalance")
    left.set_ylim(-1.5 * margins.kappa, 1.5 * margins.kappa)
    right.plot(late.tau, late.margin, color=POSITIVE, label=r"margin $P_+/\|W\|^2$")
    right.plot(late.tau, late.bound, color=ACCENT, ls="-.", label="bound")
    right.axhline(margins.bad, color=NEGATIVE, lw=1.4, ls="--", label=r"$\cos(\varphi)/2$")
    right.axhline(margins.optimum, color=INK, lw=1.6, ls=":", label="optimum")
    right.set(xscale="log", xlabel=r"clock $\tau$", ylabel="margin")
    right.set_ylim(0, 1.1 * margins.optimum)
    for axis in (left, right):
        axis.set_xlim(0.1, late.tau.iloc[-1])
        legend_under(axis, 2)
    return [left, right]


@figure
def margins_by_angle(ended: pd.DataFrame) -> list[Axes]:
    """Draw the margins and the growth rates of the KKT points of two points against the angle.

    Args:
        ended: limits of flows: columns ``degrees`` and ``margin``.
    """
    left, right = grid(2, height=3.2, stacked_height=2.8)
    phi = np.radians(np.linspace(60.1, _LAST, 150))
    levels = [escape_margins(float(angle)) for angle in phi]
    curves = {
        "optimum": (POSITIVE, "-", [level.optimum for level in levels]),
        "tilted": (SECOND, "-.", [level.tilted for level in levels]),
        "bad": (NEGATIVE, "--", [level.bad for level in levels]),
    }
    for label, (colour, style, values) in curves.items():
        left.plot(np.degrees(phi), values, color=colour, ls=style, label=label)
    shown = ended[ended.degrees < _LAST]
    left.plot(shown.degrees, shown.margin, "o", color=INK, mfc="none", ms=6, label="flows")
    left.set(xlabel=r"$\varphi$, degrees", ylabel=r"margin / $\|W\|^2$", xlim=(60, _LAST))
    left.set_ylim(0.95 * levels[-1].bad, 1.03 * levels[-1].optimum)
    legend_under(left, 2)
    turn = np.radians(np.linspace(30, 89.9, 150))
    right.plot(
        np.degrees(turn),
        2 * np.cos(turn),
        color=NEGATIVE,
        ls="--",
        label=r"between: $2\cos\varphi$",
    )
    right.axhline(1.0, color=POSITIVE, label="on a point: 1")
    right.axvline(60, color=INK, lw=1.4, ls=":", label=r"$60^\circ$")
    right.set(xlabel=r"$\varphi$, degrees", ylabel=r"rate of $\ln(|a_j|\,\|v_j\|)$", ylim=(0, 1.9))
    legend_under(right)
    return [left, right]


@figure
def outcome_shares(frame: pd.DataFrame, across: str, along: str, label: str) -> list[Axes]:
    """Draw shares of outcomes with their confidence intervals, and exact laws where known.

    Args:
        frame: rows of one cell and outcome: ``outcome``, ``share``, ``low``, ``high``, the columns
            named next, and optionally ``law``, drawn as a line.
        across: column with one panel a value.
        along: column on the horizontal axis (logarithmic).
        label: of the horizontal axis.
    """
    panels = frame.groupby(across, sort=False)
    axes = grid(len(panels), width=min(WIDEST, 3.6 * len(panels)), height=2.9)
    for axis, (title, rows) in zip(axes, panels):
        for name, cell in rows.groupby("outcome", sort=False):
            colour = _COLOURS[str(name)]
            error = np.clip([cell.share - cell.low, cell.high - cell.share], 0.0, None)
            mark, style = _MARKS[str(name)]
            axis.errorbar(
                cell[along], cell.share, error, marker=mark, ls="" if "law" in cell else style,
                color=colour, ms=4.5, lw=1.2, capsize=2, label=str(name),
            )  # fmt: skip
            if "law" in cell:
                law = f"{name}, law"
                axis.plot(cell[along], cell.law, color=colour, ls=style, lw=1.5, label=law)
        axis.set(xscale="log", ylim=(-0.04, 1.04), xlabel=label, title=str(title))
        axis.minorticks_off()
        ticks = sorted(set(rows[along]))
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    label_rows(axes, "share of starts", ticks=False)
    handles, labels = axes[0].get_legend_handles_labels()
    shown = [(h, name) for h, name in zip(handles, labels) if not name.endswith(", law")]
    columns = 2 if narrow() else 5
    axes[0].figure.legend(*zip(*shown), loc="outside lower center", ncol=columns)
    return axes


@figure
def two_ends(nets: Mapping[str, Network], data: Dataset) -> list[Axes]:
    """Draw the regions of several networks on the same points of the plane.

    Args:
        nets: by the title of their panel.
        data: points of the plane.
    """
    axes = grid(len(nets), height=3.6, stacked_height=3.2)
    for axis, (title, net) in zip(axes, nets.items()):
        least = float(net.margins(data).min())
        level = least if least > 0 else None
        decision_regions(net, data, level=level, ax=axis, title=title)
    return axes


@figure
def angle_explorer(ended: pd.DataFrame, ends: Sequence[Path]) -> Fragment:
    """Show the KKT points of two points and where flows end, with a slider for the angle.

    Args:
        ended: limits of flows, two rows an angle: columns ``degrees`` and ``margin``; the first
            flow of each angle starts all on both points, the second on one side.
        ends: their paths, with states a and V.
    """
    angles = ended.degrees.to_numpy()[::2]
    levels = [escape_margins(math.radians(float(angle))) for angle in angles]
    fine = np.linspace(60.0, 89.5, 60)
    known = [escape_margins(math.radians(float(angle))) for angle in fine[1:]]
    curves = {
        "optimum": ("plus", [level.optimum for level in levels], [k.optimum for k in known]),
        "tilted": ("second dotted", [each.tilted for each in levels], [k.tilted for k in known]),
        "bad": ("minus dashed", [level.bad for level in levels], [k.bad for k in known]),
    }
    lines = [Curve(name, [(fine[1:], y)], look) for name, (look, _, y) in curves.items()]
    both, side = ended.margin.to_numpy()[::2], ended.margin.to_numpy()[1::2]
    marks = [
        Curve("", [([a, a], [0.0, 0.28]) for a in angles], "quiet thin dotted"),
        Curve("flow from both", [([a], [m]) for a, m in zip(angles, both)], "ink dots"),
        Curve("one-sided flow", [([a], [m]) for a, m in zip(angles, side)], "accent dots square"),
    ]
    said = [_said(*each) for each in zip(levels, both, side)]
    margins = Chart(
        "margins of the KKT points and of flows",
        Axis("angle φ, degrees", 60, 90, [60, 67.5, 75, 82.5, 90]),
        Axis("margin / ‖W‖²", 0, 0.28, [0, 0.1, 0.2]),
        [*lines, *marks],
        readout=said,
        about="Margins of the optimum, the tilted and the bad KKT point against the angle",
    )
    unit = Axis("", -1.15, 1.15, [])
    radians = np.radians(angles)
    sides = [([math.cos(a)] * 2, [math.sin(a), -math.sin(a)]) for a in radians]
    plane = Chart(
        "the data and the neurons where the flows end",
        unit,
        unit,
        [
            Curve("", [([0.0], [0.0])], "quiet dots"),
            Curve("points", sides, "plus dots"),
            Curve("flow from both", [_spokes(path) for path in ends[::2]], "ink"),
            Curve("one-sided flow", [_spokes(path) for path in ends[1::2]], "accent dashed"),
        ],
        square=True,
        about="Two points of the plane and, as spokes, the neurons at the end of two flows",
    )
    slider = Slider("angle", [f"φ = {angle:g}°" for angle in angles], start=0)
    words = "KKT points of two points by their angle, and where two flows end"
    return explorer([plane, margins], slider, description=words)


def _said(level: EscapeMargins, both: float, side: float) -> str:
    """Describe one angle in words."""
    tilted = f"tilted {level.tilted:.3f}" if math.isfinite(level.tilted) else "no tilted point"
    kkt = f"optimum {level.optimum:.3f}, {tilted}, bad {level.bad:.3f}"
    return f"{kkt}; flow from both ends at {both:.3f}, the one-sided at {side:.3f}"


def _spokes(path: Path) -> tuple[list[float], list[float]]:
    """Return lines from the centre to ``a_j v_j``, over the sum of masses, at the end of a path."""
    a, V = path["a"][-1], path["V"][-1]
    tips = a[:, None] * V / (np.abs(a) * np.linalg.norm(V, axis=1)).sum()
    x = [value for tip in tips for value in (0.0, float(tip[0]), math.nan)]
    y = [value for tip in tips for value in (0.0, float(tip[1]), math.nan)]
    return x, y
