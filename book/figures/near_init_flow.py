"""Figures of gradient flow near initialization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures._shared import held_fractions, label_rows
from lowrot.data import Dataset
from lowrot.path import Path
from lowrot.plots import (
    ACCENT,
    DASHES,
    INK,
    NEGATIVE,
    POSITIVE,
    SECOND,
    WIDEST,
    Axis,
    Chart,
    Curve,
    Fragment,
    Slider,
    explorer,
    figure,
    grid,
    legend_below,
    legend_under,
    ring,
)
from lowrot.theorems import NearInitFlow

__all__ = [
    "against_width",
    "flow_at_a_glance",
    "held_fractions",
    "margin_gained",
    "rates",
]

CONCLUSIONS = {
    "P(0) + gain <= P": (r"$P - P(0)$ above its floor at $\rho$", "thm-near-init-flow"),
    "P <= min p": (r"$P \le \min_i p_i$", "lem-soft-margin"),
    "distance by tau <= rho": (r"$\rho$ above its bound at $\tau$", "thm-near-init-flow"),
    "bound at tau <= P": (r"$P$ above its bound at $\tau$", "thm-near-init-flow"),
    "floor <= P/(||a|| ||V||)": (r"$P_+/(\|a\|\|V\|_F)$ above its floor", "thm-flow-margin"),
    "floor <= P/||W||^2": (r"$P_+/\|W\|^2$ above its floor", "thm-flow-margin"),
    "corollary: P >= g^2/4": (r"corollaries: $P \ge g^2/4$", "cor-flow-exponential"),
    "corollary: rho >= g/2 by tau = 1": (
        r"corollaries: $\rho \ge g/2$ by $\tau = 1$",
        "cor-flow-exponential",
    ),
}
"""The conclusions that `NearInitFlow.check` compares, as claims name them, and their statements."""

LINES = {
    "<W', theta> >= g - rho - Phi": r"$\langle W', \theta\rangle \ge g - \rho$",
    "||W'||^2 >= (g - rho - Phi) ||W'||": r"$\|W'\|^2 \ge (g - \rho) \|W'\|$",
    "<W - W_0, theta> >= tau (g - rho - Phi)": (
        r"$\langle W - W_0, \theta\rangle \ge \tau (g - \rho)$"
    ),
    "outward motion while P < 0": "outward motion while $P < 0$",
}
"""The lines of the proof that `NearInitFlow.inequalities` compares, as claims name them."""

COLUMNS = {
    "rho": r"$\rho$",
    "P": "$P$",
    "floor": "floor",
    "gamma": r"$\gtwo$",
    "P_half": r"$P$ at $\rho = g/2$",
    "p_one": r"$\min_i p_i$ at $\tau = 1$",
    "rho_one": r"$\rho$ at $\tau = 1$",
    "kernel": "kernel change",
}
"""Columns of the stored sweeps, as claims name them."""


@figure
def flow_at_a_glance(
    path: Path, stated: NearInitFlow, data: Dataset, *, levels: Mapping[str, float]
) -> list[Axes]:
    """Draw the soft margin against the distance, the margin against the clock, and the neurons.

    Args:
        path: a flow in the plane with states ``a`` and ``V``.
        stated: the theorem at its start.
        data: the data, drawn around the ring of neurons.
        levels: margins to compare with, by label.
    """
    left, middle, right = grid(3, height=3.5, stacked_height=2.9)
    g = stated.start.g
    near = path["rho"] <= 1.4 * g
    left.plot(path["rho"][near] / g, path["P"][near], color=POSITIVE, label="measured")
    rho = np.linspace(0.0, 1.4 * g, 200)
    left.plot(rho / g, stated.floor(rho), color=ACCENT, ls="--", label="theorem")
    left.plot([0.5], [g**2 / 4], "o", ms=4, color=INK, label=r"$g^2/4$ at $g/2$")
    left.set(xlabel=r"$\|W - W_0\|/g$", title="soft margin $P$")
    legend_under(left)
    tau = path["tau"]
    middle.plot(tau, path["margin"], color=POSITIVE, label="measured")
    for (label, level), colour, style in zip(
        levels.items(), (INK, NEGATIVE, ACCENT), (DASHES[4], "--", ":")
    ):
        middle.axhline(level, color=colour, ls=style, lw=1.2, label=label)
    middle.axvline(1.0, color=INK, lw=1.0, ls="-.", label=r"$\tau = 1$")
    middle.set(xlabel=r"clock $\tau$", title=r"margin $P_+/\|W\|^2$")
    legend_under(middle)
    at = int(np.searchsorted(tau, 1.0))
    ring(stated.net, path.network(at), data, ax=right)
    right.set_title(rf"directions, $\tau = 0$ to {tau[at]:.2g}")
    return [left, middle, right]


@figure
def margin_gained(runs: pd.DataFrame) -> list[Axes]:
    """Draw ``(P - P(0))/g^2`` against ``rho/g``, a panel a loss, a style of line a dimension.

    Args:
        runs: columns ``loss``, ``d``, ``seed``, ``rho``, ``P``, ``g``, rows in order of time.
    """
    losses = list(runs["loss"].unique())
    axes = grid(len(losses), height=3.0, stacked_height=2.7)
    x = np.linspace(0.0, 1.0, 100)
    for axis, loss in zip(axes, losses):
        dims = runs[runs["loss"] == loss].groupby("d")
        shades = (POSITIVE, NEGATIVE, SECOND, INK)
        for (d, rows), colour, style in zip(dims, shades, ("-", "-.", ":", DASHES[4])):
            for number, (_, run) in enumerate(rows.groupby("seed")):
                gain = (run.P - run.P.iloc[0]) / run.g**2
                label = f"$d = {d}$" if number == 0 else None
                axis.plot(run.rho / run.g, gain, color=colour, ls=style, lw=1.2, label=label)
        axis.plot(x, x - x**2 / 2, color=ACCENT, lw=2.2, ls="--", label="theorem")
        axis.set(title=f"{loss} loss", xlabel=r"$\|W - W_0\|/g$")
    label_rows(axes, "$(P - P(0))/g^2$")
    legend_below(axes[0], 5)
    return axes


@figure
def against_width(
    panels: Mapping[str, Mapping[str, tuple[Any, Any, str]]], logs: Sequence[bool]
) -> list[Axes]:
    """Draw measurements and laws against the width, at most two panels a row.

    Args:
        panels: by title; by name, widths, values and the style: ``"o-"``, ``"--"`` and so on.
        logs: by panel, whether its values are on a log axis.
    """
    columns = min(2, len(panels))
    axes = grid(
        columns, -(-len(panels) // columns), width=WIDEST if columns > 1 else 5.6, height=2.8
    )
    colours = (POSITIVE, NEGATIVE, ACCENT, SECOND)
    for axis, (title, series), log in zip(axes, panels.items(), logs):
        for colour, (name, (m, values, style)) in zip(colours, series.items()):
            axis.plot(m, values, style, ms=4, color=colour, label=name)
        axis.set(xscale="log", title=title, xlabel="width $m$")
        if log:
            axis.set_yscale("log")
        axis.legend(loc="best")
    return axes


@figure
def rates(stated: Mapping[str, NearInitFlow]) -> Axes:
    """Draw the guaranteed rate ``g - rho - Phi(rho)`` against the distance, over g of the first."""
    (axis,) = grid(1, width=5.6, height=3.2, stacked_height=2.8)
    scale = next(iter(stated.values())).start.g
    for (name, each), style in zip(stated.items(), ("-", "--", ":", "-.")):
        rho = np.linspace(0.0, each.start.g, 200)
        axis.plot(rho / scale, each.rate(rho) / scale, ls=style, label=name)
    axis.axhline(0.0, color=INK, lw=0.8)
    axis.set(xlabel=r"$\rho/g$", ylabel=r"$(g - \rho - \Phi(\rho))/g$")
    axis.legend(loc="upper right")
    return axis


@figure
def hypotheses_explorer(share: pd.DataFrame, met: Mapping[int, float]) -> Fragment:
    """Show which conclusions held at a chosen dimension and width, and whether they had to.

    Args:
        share: rows (``d``, ``m``, ``conclusion``) with ``share``, ``low`` and ``high``.
        met: by dimension, the width from which the hypotheses hold.
    """
    dims = sorted(set(share.d))
    widths = sorted(set.intersection(*(set(share[share.d == d].m) for d in dims)))
    places = [(d, m) for d in dims for m in widths]
    curves = [
        Curve(
            "hypotheses hold from", [([met[d]] * 2, [0, 1]) for d, _ in places], "ink thin dashed"
        )
    ]
    for name, look in zip(
        dict.fromkeys(share.conclusion), ("plus", "minus dashed", "accent dotted")
    ):
        rows = {
            d: share[(share.d == d) & (share.conclusion == name)].sort_values("m") for d in dims
        }
        lines = [(rows[d].m.tolist(), rows[d].share.tolist()) for d, _ in places]
        here = [([m], rows[d][rows[d].m == m].share.tolist()) for d, m in places]
        curves += [Curve(str(name), lines, look), Curve("", here, f"{look.split()[0]} dots")]
    least, most = min(widths) / 1.3, 1.3 * max(*(met[d] for d in dims), *widths)
    chart = Chart(
        "share of starts for which each conclusion holds",
        Axis("width m", least, most, [10, 100, 1000, 10_000], log=True),
        Axis("share of starts", 0, 1.05, [0, 0.5, 1]),
        curves,
        readout=[_at(share, met[d], d, m) for d, m in places],
        about="Share of starts against the width, and the width that the hypotheses ask for",
    )
    sliders = [
        Slider("dimension", [f"d = {d}" for d in dims]),
        Slider("width", [f"m = {m}" for m in widths], start=len(widths) // 2),
    ]
    words = "Hypotheses met and conclusions measured, by dimension and width"
    return explorer(chart, sliders, description=words)


def _at(share: pd.DataFrame, met: float, d: int, m: int) -> str:
    """Describe one dimension and width in words."""
    holds = "hypotheses met" if m >= met else f"hypotheses not met (from m = {met:.0f} on)"
    said = [
        f"{row.conclusion}: {100 * row.share:.0f} % ({100 * row.low:.0f} to {100 * row.high:.0f})"
        for row in share[(share.d == d) & (share.m == m)].itertuples()
    ]
    return "; ".join([holds, *said])
