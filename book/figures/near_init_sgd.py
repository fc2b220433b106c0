"""Figures of one-pass SGD near initialization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from figures._shared import held_fractions, label_rows
from lowrot.data import Dataset
from lowrot.plots import (
    ACCENT,
    DASHES,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SECOND,
    SHADES,
    THIRD,
    figure,
    grid,
    legend_under,
    narrow,
    ring,
)
from lowrot.sgd import Runs
from lowrot.theorems import NearInitSGD

__all__ = [
    "bounds_on_error",
    "error_curves",
    "held_fractions",
    "power_laws",
    "sgd_at_a_glance",
    "used_fractions",
]

CONCLUSIONS = {
    "||W_k - W_0|| <= its bound": r"$\|W_k - W_0\|$ below its bound",
    "sum Lam <= its bound": r"$\sum\Lambda$ below its bound",
    "mistakes <= their bound": "mistakes below their bound",
    "||grad p|| <= B": r"$\|\nabla p\| \le B$",
    "average error <= its bound": "averaged error below its bound",
    "best error <= its bound": "least error below its bound",
}
"""The conclusions that `NearInitSGD.check` compares, as claims name them."""

LINES = {
    "gain": r"the gain $\langle G, W_k - U\rangle$",
    "step": r"$\Lambda (p - \Gamma/4)$",
    "potential": r"the distance $\|W_k - U\|$",
    "fresh": r"$\sum\bar\Lambda$",
    "growth": r"$\langle W_k - W_0, \theta\rangle$",
}
"""The lines of the proof that `NearInitSGD.inequalities` compares, as claims name them."""


@figure
def sgd_at_a_glance(runs: Runs, stated: Sequence[NearInitSGD], data: Dataset) -> list[Axes]:
    """Draw test error and displacement of each run beside their bounds, and the neurons of one.

    Args:
        runs: runs in the plane.
        stated: the theorem of each run.
        data: the population, drawn around the ring of neurons.
    """
    left, middle, right = grid(3, height=3.3, stacked_height=2.7)
    for path in runs.paths:
        s = path["samples"][1:]
        left.step(s, path["test_error"][1:], where="post", color=POSITIVE, lw=1.2)
        middle.plot(s, path["rho"][1:], color=POSITIVE, lw=1.2)
    t = np.geomspace(1, runs.paths[0]["samples"][-1], 200)
    bound = np.max([each.error(t) for each in stated], axis=0)
    left.plot(t, bound, color=ACCENT, ls="--", label="bound on the average")
    left.plot([], [], color=POSITIVE, label="measured")
    left.set(xscale="log", xlabel="samples", title="test error", ylim=(-0.02, 1.05))
    legend_under(left)
    least = min(each.displacement for each in stated)
    middle.axhline(least, color=ACCENT, ls="--", label="bound")
    middle.plot([], [], color=POSITIVE, label="measured")
    middle.set(xscale="log", xlabel="samples", title=r"$\|W_k - W_0\|$")
    legend_under(middle)
    ring(runs.start[0], runs.end(0), data, ax=right)
    right.set_title("directions, start to end")
    return [left, middle, right]


@figure
def used_fractions(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Axes:
    """Draw how much of each bound is used, against the number of samples; 1 is the bound."""
    (axis,) = grid(1, width=6.4, height=3.6, stacked_height=4.3)
    for (name, (samples, share)), style in zip(curves.items(), DASHES):
        axis.plot(samples, share, ls=style, label=name)
    axis.axhline(1.0, color=INK, lw=0.8)
    axis.set(xscale="log", yscale="log", xlabel="samples", ylabel="measured / bound")
    axis.figure.legend(loc="outside lower center", ncol=1 if narrow() else 2)
    return axis


@figure
def error_curves(sweep: pd.DataFrame, target: float = 0.1) -> list[Axes]:
    """Draw test error against samples over d^2, a row a rule, a column a dimension.

    Args:
        sweep: columns ``rule``, ``d``, ``m``, ``seed``, ``samples``, ``test_error``; for the
            perceptron ``error_bound`` too, drawn for the widest networks.
        target: a level to mark.
    """
    rules, dims = list(sweep["rule"].unique()), sorted(sweep.d.unique())
    axes = grid(len(dims), len(rules), height=2.1, stacked=2, stacked_height=1.8, letters=False)
    for axis, (rule, d) in zip(axes, [(r, d) for r in rules for d in dims]):
        part = sweep[(sweep["rule"] == rule) & (sweep.d == d) & (sweep.samples > 0)]
        for shade, style, (m, runs) in zip(SHADES, DASHES, part.groupby("m")):
            mean = runs.groupby("samples").test_error.mean()
            axis.plot(
                mean.index / d**2, mean, color=shade, ls=style, lw=1.3, label=f"{_over(m, d)}"
            )
        widest = part[part.m == part.m.max()].groupby("samples").error_bound.max()
        axis.plot(widest.index / d**2, widest, color=ACCENT, lw=2.4)
        axis.axhline(target, color=INK, lw=0.7)
        axis.set(xscale="log", ylim=(-0.02, 1.02), xlim=(0.1, 64))
        axis.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        if narrow():
            axis.set_title(f"{rule}, $d = {d}$", fontsize=10.5)
        elif rule == rules[0]:
            axis.set_title(f"$d = {d}$")
    for row, rule in enumerate(rules):
        label_rows(
            axes[row * len(dims) : (row + 1) * len(dims)],
            "test error" if narrow() else f"{rule}\ntest error",
            ticks=False,
        )
    for axis in axes if narrow() else axes[-len(dims) :]:
        axis.set_xlabel("samples $/ d^2$")
    handles, labels = axes[len(dims) - 1].get_legend_handles_labels()
    handles += axes[0].plot([], [], color=ACCENT, lw=2.4)
    shown = axes[0].figure
    shown.legend(
        [*handles, *axes[0].plot([], [], color=INK, lw=0.7)],
        [*(f"$m = {label}\\,d^2$" for label in labels), "bound", f"error {target:g}"],
        loc="outside lower center",
        ncol=2 if narrow() else 6,
        columnspacing=1.2,
    )
    return axes


@figure
def power_laws(
    panels: Mapping[str, Mapping[str, tuple[Any, Any, str]]], labels: Sequence[tuple[str, str]]
) -> list[Axes]:
    """Draw measured values and bounds on log-log axes, a panel each.

    Args:
        panels: by title; by name, x, y and the style: ``"o"`` for measurements, ``"-"`` for lines.
        labels: of the axes, a pair (x, y) a panel.
    """
    axes = grid(len(panels), height=3.9, stacked_height=3.4)
    colours = (POSITIVE, NEGATIVE, ACCENT, SECOND, THIRD)
    for axis, (title, series), (x_label, y_label) in zip(axes, panels.items(), labels):
        for colour, (name, (x, y, style)) in zip(colours, series.items()):
            line = style in ("-", "--", ":")
            shown: dict[str, Any] = (
                {"ls": style} if line else {"ls": "", "marker": style, "ms": 4.5}
            )
            axis.plot(x, y, color=colour, label=name, **shown)
        axis.set(xscale="log", yscale="log", title=title, xlabel=x_label, ylabel=y_label)
        shown_x = sorted({float(value) for x, _, _ in series.values() for value in x})
        if shown_x[-1] < 20 * shown_x[0]:
            axis.set_xticks(shown_x, [f"{value:g}" for value in shown_x])
            axis.xaxis.set_minor_locator(NullLocator())
        legend_under(axis)
    return axes


@figure
def bounds_on_error(
    curves: Mapping[str, tuple[Any, Any]], measured: tuple[Any, Any], label: str
) -> Axes:
    """Draw bounds on the error against the number of samples, beside what was measured."""
    (axis,) = grid(1, width=6.4, height=3.9, stacked_height=4.6)
    for (name, (n, bound)), style in zip(curves.items(), DASHES):
        axis.plot(n, bound, ls=style, label=name)
    axis.plot(*measured, color=INK, lw=3.0, label=label)
    axis.axhline(1.0, color=MUTED, lw=0.9)
    axis.set(xscale="log", yscale="log", xlabel="samples", ylabel="error", ylim=(1e-4, 2))
    axis.figure.legend(loc="outside lower center", ncol=1 if narrow() else 2)
    return axis


def _over(m: int, d: int) -> str:
    return f"{m / d**2:.0f}"
