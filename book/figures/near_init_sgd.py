"""Figures of one-pass SGD near initialization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from figures._shared import SHADES, held_fractions
from lowrot.data import Dataset
from lowrot.plots import ACCENT, INK, MUTED, NEGATIVE, POSITIVE, SECOND, THIRD, grid, ring
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


def sgd_at_a_glance(runs: Runs, stated: Sequence[NearInitSGD], data: Dataset) -> list[Axes]:
    """Draw test error and displacement of each run beside their bounds, and the neurons of one.

    Args:
        runs: runs in the plane.
        stated: the theorem of each run.
        data: the population, drawn around the ring of neurons.
    """
    left, middle, right = grid(3, width=8.2, height=2.9)
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
    middle.set(xscale="log", xlabel="samples", title=r"$\|W_k - W_0\|$")
    middle.legend(loc="center left")
    ring(runs.start[0], runs.end(0), data, ax=right)
    right.set_title("directions, start to end", loc="center")
    return [left, middle, right]


def used_fractions(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Axes:
    """Draw how much of each bound is used, against the number of samples; 1 is the bound."""
    (axis,) = grid(1, width=5.6, height=3.0)
    for (name, (samples, share)), style in zip(curves.items(), ("-", "-", "--", "--", ":")):
        axis.plot(samples, share, ls=style, label=name)
    axis.axhline(1.0, color=INK, lw=0.8)
    axis.set(xscale="log", yscale="log", xlabel="samples", ylabel="measured / bound")
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axis


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
        for shade, (m, runs) in zip(SHADES, part.groupby("m")):
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
