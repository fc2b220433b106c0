"""Figures of one-pass SGD near initialization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from lowrot.data import Dataset
from lowrot.plots._regimes import _regime, _threads
from lowrot.plots._style import (
    ACCENT,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SECOND,
    THIRD,
    grid,
    legend_below,
)
from lowrot.sgd import Runs
from lowrot.theorems import NearInitSGD

_SHADES = ("#9ecae1", "#4292c6", "#08519c", "#08306b", INK)
"""From narrow to wide: light to dark, so that the order survives any colour vision."""


def sgd_at_a_glance(runs: Runs, stated: Sequence[NearInitSGD], data: Dataset) -> list[Axes]:
    """Draw test error and displacement of each run beside their bounds, and the neurons of one.

    Args:
        runs: runs in the plane.
        stated: the theorem of each run.
        data: the population, drawn around the ring of neurons.
    """
    left, middle, ring = grid(3, width=8.2, height=2.9)
    for path in runs.paths:
        s = path["samples"][1:]
        left.step(s, path["test_error"][1:], where="post", color=POSITIVE, lw=1.2)
        middle.plot(s, path["rho"][1:], color=POSITIVE, lw=1.2)
    t = np.geomspace(1, runs.paths[0]["samples"][-1], 200)
    bound = np.max([each.error(t) for each in stated], axis=0)
    left.plot(t, bound, color=ACCENT, label="bound on the average")
    left.plot([], [], color=POSITIVE, label="measured")
    left.set(xscale="log", xlabel="samples", title="test error", ylim=(-0.02, 1.05))
    left.legend(loc="center", bbox_to_anchor=(0.42, 0.72))
    middle.axhline(min(each.displacement for each in stated), color=ACCENT, label="bound")
    middle.set(xscale="log", xlabel="samples", title=r"$\|W_s - W_0\|$")
    middle.legend(loc="center left")
    turned = _regime("directions", data, runs.start[0], runs.end(0), runs.paths[0])
    _threads(ring, turned, 96)
    ring.set_title("directions, start to end", loc="center")
    return [left, middle, ring]


def used_fractions(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Axes:
    """Draw how much of each bound is used, against the number of samples; 1 is the bound."""
    (axis,) = grid(1, width=5.6, height=3.0)
    for (name, (samples, share)), style in zip(curves.items(), ("-", "-", "--", "--", ":")):
        axis.plot(samples, share, ls=style, label=name)
    axis.axhline(1.0, color=INK, lw=0.8)
    axis.set(xscale="log", yscale="log", xlabel="samples", ylabel="measured / bound")
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axis


def proof_sides(
    frame: pd.DataFrame,
    titles: Mapping[str, str],
    x: str = "samples",
    label: str = "samples",
    scale: str = "linear",
) -> list[Axes]:
    """Draw both sides of each line of a proof (frame of an ``inequalities`` method).

    Args:
        frame: its frame.
        titles: by column, the title of its panel; the bound is the column with ``_bound``.
        x: the column to draw against.
        label: of that axis.
        scale: of that axis, "linear" or "log".
    """
    rows = -(-len(titles) // 2)
    axes = grid(2, rows, height=2.2)
    for axis, (name, title) in zip(axes, titles.items()):
        axis.plot(frame[x], frame[name], color=POSITIVE, label="measured")
        axis.plot(frame[x], frame[f"{name}_bound"], color=NEGATIVE, ls="--", label="bound")
        axis.set_title(title)
        axis.set(xlabel=label, xscale=scale)
        if scale == "log":
            axis.set_xlim(frame[x][frame[x] > 0].min(), frame[x].max())
        axis.margins(y=0.12)
    axes[0].legend(loc="best")
    return axes


def error_curves(sweep: pd.DataFrame, target: float = 0.1) -> list[Axes]:
    """Draw test error against samples over d^2, a row a rule, a column a dimension.

    Args:
        sweep: columns ``rule``, ``d``, ``m``, ``seed``, ``samples``, ``test_error``; for the
            perceptron ``error_bound`` too, drawn for the widest networks.
        target: a level to mark.
    """
    rules, dims = list(sweep["rule"].unique()), sorted(sweep.d.unique())
    axes = grid(len(dims), len(rules), width=7.8, height=1.9)
    for axis, (rule, d) in zip(axes, [(r, d) for r in rules for d in dims]):
        part = sweep[(sweep["rule"] == rule) & (sweep.d == d) & (sweep.samples > 0)]
        for shade, (m, runs) in zip(_SHADES, part.groupby("m")):
            mean = runs.groupby("samples").test_error.mean()
            axis.plot(mean.index / d**2, mean, color=shade, lw=1.3, label=f"{_over(m, d)}")
        widest = part[part.m == part.m.max()].groupby("samples").error_bound.max()
        axis.plot(widest.index / d**2, widest, color=ACCENT, lw=1.3)
        axis.axhline(target, color=MUTED, lw=0.7, ls=":")
        axis.set(xscale="log", ylim=(-0.02, 1.02), xlim=(0.1, 64))
        axis.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        axis.xaxis.set_minor_locator(NullLocator())
        first = axis in axes[:: len(dims)]
        axis.set_yticks([0, 0.5, 1], ["0", "0.5", "1"] if first else [])
        if first:
            axis.set_ylabel(rule)
        if rule == rules[0]:
            axis.set_title(f"d = {d}")
        if rule == rules[-1]:
            axis.set_xlabel("samples $/ d^2$")
    handles, labels = axes[len(dims) - 1].get_legend_handles_labels()
    handles += axes[0].plot([], [], color=ACCENT)
    figure = axes[0].figure
    title = "width $/ d^2$"
    figure.legend(handles, [*labels, "bound"], title=title, loc="outside right upper", fontsize=8)
    return axes


def power_laws(
    panels: Mapping[str, Mapping[str, tuple[Any, Any, str]]], labels: Sequence[tuple[str, str]]
) -> list[Axes]:
    """Draw measured values and bounds on log-log axes, a panel each.

    Args:
        panels: by title; by name, x, y and the style: ``"o"`` for measurements, ``"-"`` for lines.
        labels: of the axes, a pair (x, y) a panel.
    """
    axes = grid(len(panels), width=3.7 * len(panels), height=3.0)
    colours = (POSITIVE, NEGATIVE, ACCENT, SECOND, THIRD)
    for axis, (title, series), (x_label, y_label) in zip(axes, panels.items(), labels):
        for colour, (name, (x, y, style)) in zip(colours, series.items()):
            line = style in ("-", "--", ":")
            shown: dict[str, Any] = (
                {"ls": style} if line else {"ls": "", "marker": style, "ms": 3.5}
            )
            axis.plot(x, y, color=colour, label=name, **shown)
        axis.set(xscale="log", yscale="log", title=title, xlabel=x_label, ylabel=y_label)
        shown_x = sorted({float(value) for x, _, _ in series.values() for value in x})
        if shown_x[-1] < 20 * shown_x[0]:
            axis.set_xticks(shown_x, [f"{value:g}" for value in shown_x])
            axis.xaxis.set_minor_locator(NullLocator())
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncol=2, fontsize=8)
    return axes


def held_fractions(
    frame: pd.DataFrame, panels: Mapping[int, str], met: Mapping[int, float]
) -> list[Axes]:
    """Draw, against the width, the share of starts for which each conclusion held.

    Args:
        frame: rows (``d``, ``m``, ``conclusion``) with ``share`` and its confidence interval,
            ``low`` and ``high``.
        panels: by dimension, the title of its panel.
        met: by dimension, the width from which the hypotheses hold.
    """
    axes = grid(len(panels), width=7.4, height=2.8)
    for axis, (d, title) in zip(axes, panels.items()):
        groups = frame[frame.d == d].groupby("conclusion", sort=False)
        for colour, (name, rows) in zip((POSITIVE, NEGATIVE, ACCENT), groups):
            axis.plot(rows.m, rows.share, "o-", ms=3, color=colour, label=name)
            axis.fill_between(rows.m, rows.low, rows.high, color=colour, alpha=0.2, lw=0)
        axis.axvline(met[d], color=INK, lw=0.8, ls="--", label="hypotheses hold")
        axis.set(xscale="log", ylim=(-0.03, 1.03), xlabel="width m", title=title)
    axes[0].set_ylabel("share of starts")
    legend_below(axes[0], 4)
    return axes


def bounds_on_error(
    curves: Mapping[str, tuple[Any, Any]], measured: tuple[Any, Any], label: str
) -> Axes:
    """Draw bounds on the error against the number of samples, beside what was measured."""
    (axis,) = grid(1, width=6.0, height=3.2)
    for name, (n, bound) in curves.items():
        axis.plot(n, bound, label=name)
    axis.plot(*measured, color=INK, lw=2.2, label=label)
    axis.axhline(1.0, color=MUTED, lw=0.7)
    axis.set(xscale="log", yscale="log", xlabel="samples", ylabel="error", ylim=(1e-4, 2))
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axis


def _over(m: int, d: int) -> str:
    return f"{m / d**2:.0f}"
