"""Figures of the chapter on symmetric data: turning, boundaries, bounds, locking, fragile ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from figures._shared import label_rows
from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.path import Path
from lowrot.plots import (
    ACCENT,
    COLOURS,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    Axis,
    Chart,
    Curve,
    Fragment,
    Slider,
    decision_regions,
    explorer,
    figure,
    grid,
    legend_below,
    legend_under,
)

MARKS = ("o-", "s--", "^-.")
_ROUNDING = 1e-12
"""A relative gap below this is rounding, and has no place on a logarithmic axis."""


def mass_ratio(path: Path) -> np.ndarray:
    """The mass of the neurons with ``a_j > 0`` over that of the others, shape (k,).

    Args:
        path: with states a, shape (k, m).
    """
    up, down = (np.where(sign * path["a"] > 0, path["a"] ** 2, 0.0).sum(axis=1) for sign in (1, -1))
    return up / down


@figure
def boundaries(nets: Mapping[str, Network], data: Dataset) -> list[Axes]:
    """Draw where networks are positive and negative, and their lines of equal output.

    Args:
        nets: by the title of their panel.
        data: points of the plane.
    """
    axes = grid(len(nets), height=2.1, stacked=2, stacked_height=2.0)
    for axis, (title, net) in zip(axes, nets.items()):
        level = float(net.margins(data).abs().min())
        decision_regions(net, data, level=level, ax=axis, title=title)
    return axes


@figure
def early_phase(frame: pd.DataFrame, path: Path, start_ratio: float) -> list[Axes]:
    """Draw the largest half-angle tangent with its bound, and the ratio of masses of both signs.

    Args:
        frame: of `SimplicityBias.check`.
        path: of the whole run, states a.
        start_ratio: the ratio that the theorem predicts for the end of the early phase.
    """
    left, right = grid(2, height=3.8, stacked_height=3.4)
    left.plot(frame.tau, frame.t, color=POSITIVE, label=r"largest $\tan(\vartheta_j/2)$")
    left.plot(frame.tau, frame.bound, color=ACCENT, ls="--", label="bound on the tangent")
    left.plot(frame.tau, frame.mass, color=NEGATIVE, ls="-.", label=r"mass $M$")
    left.plot(frame.tau, frame.mass_bound, color=INK, ls=":", label=r"bound on $M$")
    left.set(yscale="log", xlabel=r"clock $\tau$", ylabel="tangent, mass")
    legend_under(left)
    right.plot(path["tau"], mass_ratio(path), color=POSITIVE, label=r"mass ratio $M_+/M_-$")
    right.axhline(start_ratio, color=ACCENT, ls="--", lw=1.2, label="predicted at the start")
    right.axhline(1.0, color=INK, ls=":", lw=1.2, label="balanced")
    right.set(xlabel=r"clock $\tau$", ylabel="mass ratio", yscale="log")
    right.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 4.0, 6.0, 8.0)))
    right.yaxis.set_major_formatter("{x:g}")
    right.yaxis.set_minor_locator(NullLocator())
    legend_under(right)
    return [left, right]


@figure
def margin_bounds(frames: Mapping[str, pd.DataFrame]) -> list[Axes]:
    """Draw the margin between its bounds, one panel a theorem.

    Args:
        frames: of `Symmetric.check` or `Locking.check`, by the title of their panel.
    """
    axes = grid(len(frames), height=3.0, stacked_height=2.4)
    for axis, (title, frame) in zip(axes, frames.items()):
        ceiling = frame.get("ceiling", frame.limit)
        axis.plot(frame.tau, frame.margin / ceiling, color=POSITIVE, label="margin")
        axis.plot(frame.tau, frame.bound / ceiling, color=ACCENT, ls="--", label="bound")
        a_priori = frame.bound_a_priori / ceiling
        axis.plot(frame.tau, a_priori, color=ACCENT, ls=":", label="bound, a priori")
        axis.plot(frame.tau, frame.limit / ceiling, color=INK, lw=1.0, label="limit of the bound")
        axis.set(xlabel=r"clock $\tau$", ylim=(0, 1.05), xscale="log", title=title)
        axis.set_xlim(frame.tau.iloc[-1] * 1e-2, frame.tau.iloc[-1])
    label_rows(axes, "margin over the best")
    legend_below(axes[0], 4)
    return axes


@figure
def lock_times(stored: pd.DataFrame) -> list[Axes]:
    """Draw when the lock-in certificate holds, and the gap of the margin at the end, by scale.

    Args:
        stored: starts of both signs: columns ``m``, ``scale``, ``lock``, ``grown``, ``gap``.
    """
    left, right = grid(2, height=3.1, stacked_height=2.7)
    for colour, mark, (m, part) in zip(COLOURS, MARKS, stored.groupby("m")):
        late = part.assign(wait=part.lock - part.grown).groupby("scale").wait
        middle, low, high = late.median(), late.min(), late.max()
        left.plot(middle.index, middle, mark, ms=4.5, color=colour, label=f"$m = {m}$")
        left.fill_between(middle.index, low, high, color=colour, alpha=0.14, lw=0)
        gap = part.gap.clip(lower=_ROUNDING).groupby(part.scale)
        right.plot(gap.median().index, gap.median(), mark, ms=4.5, color=colour, label=f"$m = {m}$")
        right.fill_between(gap.min().index, gap.min(), gap.max(), color=colour, alpha=0.14, lw=0)
    left.set(xscale="log", xlabel="scale of the start", ylabel="clock until the lock")
    right.set(xscale="log", yscale="log", xlabel="scale of the start")
    right.set_ylabel("relative gap of the margin")
    legend_below(left, 3)
    return [left, right]


@figure
def proof_lines(
    acute: pd.DataFrame, free: pd.DataFrame, locked: pd.DataFrame, cone: float
) -> list[Axes]:
    """Draw lines of the proofs: the norm between its bounds, the pull, and what keeps a lock.

    Args:
        acute: of `Symmetric.inequalities` on acute data.
        free: of the same from any start.
        locked: of `Locking.inequalities`.
        cone: ``k_*`` of that theorem.
    """
    axes = grid(3, height=3.7, stacked_height=3.3)
    sides = {
        "norm_bound": (r"what the margin allows", NEGATIVE, "--"),
        "ln_norm": (r"$\ln\|W\|^2$", POSITIVE, "-"),
        "potential": (r"$\ln(4C_+C_-)$", ACCENT, "-."),
        "growth": (r"$\ln G_0+2\bar\alpha\gamma\tau$", INK, ":"),
    }
    for name, (label, colour, style) in sides.items():
        axes[0].plot(acute.tau, acute[name], color=colour, ls=style, label=label)
    axes[0].set(title="acute data", ylabel="logarithm")
    pulls = {
        "pull": (r"least $\xi_j\cdot w^*$", POSITIVE, "-"),
        "odd_bound": (r"$\gamma\,k(\bar o)$", ACCENT, "-."),
        "pull_bound": (r"$\alpha\gamma$", INK, ":"),
    }
    for name, (label, colour, style) in pulls.items():
        axes[1].plot(free.tau, free[name], color=colour, ls=style, label=label)
    axes[1].set(title="any start", ylabel="pull along $w^*$", ylim=(0, None))
    axes[2].plot(locked.tau, cone**2 * locked.least**2, color=POSITIVE, label=r"$k_*^2\min c_j^2$")
    axes[2].plot(locked.tau, locked.across, color=NEGATIVE, ls="--", label="$Q$")
    axes[2].set(title="locked", yscale="log", ylabel="squared norm")
    for axis in axes:
        axis.set_xlabel(r"clock $\tau$")
        legend_under(axis)
    return axes


@figure
def fragile_ends(stored: pd.DataFrame, linear: float) -> list[Axes]:
    """Draw where starts end by their scale, and the share that ends at the linear classifier.

    Args:
        stored: columns ``scale`` and ``ratio``, the margin at the end over the largest.
        linear: the ratio of the linear classifier.
    """
    left, right = grid(2, height=3.5, stacked_height=3.0)
    shift = 10 ** (0.12 * (stored.seed / stored.seed.max() - 0.5))
    left.plot(stored.scale * shift, stored.ratio, "o", ms=4, color=POSITIVE, alpha=0.7, label="end")
    left.axhline(linear, color=INK, ls=":", label="linear")
    left.axhline(1.0, color=MUTED, ls=(0, (6, 3)), label="best of all networks")
    left.set(xscale="log", ylim=(0, 1.08), xlabel="scale of the start")
    left.set_ylabel("margin over the best")
    legend_under(left)
    for column, colour, mark, label in (
        ("linear", NEGATIVE, "o-", "ends linear"),
        ("locks", POSITIVE, "s--", "locking theorem met on the way"),
    ):
        share = stored.groupby("scale")[column].mean()
        right.plot(share.index, share, mark, ms=4.5, color=colour, label=label)
    right.set(xscale="log", ylim=(-0.03, 1.03), xlabel="scale of the start", ylabel="share")
    legend_under(right)
    return [left, right]


def deletion_explorer(
    paths: Mapping[tuple[str, float], Path],
    best: Mapping[str, float],
    linear: Mapping[str, float],
    clock: Sequence[float],
) -> Fragment:
    """Show the margin of a flow over the best one, with two points deleted or not, by scale.

    Args:
        paths: by data and scale; all combinations, the scale fastest.
        best: the largest margin of any network, by data.
        linear: that of the linear classifier.
        clock: times at which the paths are drawn.
    """
    sets = list(dict.fromkeys(name for name, _ in paths))
    scales = list(dict.fromkeys(scale for _, scale in paths))
    at = np.asarray(clock)
    lines, levels, said = [], [], []
    for (name, scale), path in paths.items():
        index = np.searchsorted(path["tau"], at, side="right") - 1
        ratio = path["margin"][index] / best[name]
        lines.append((at.tolist(), ratio.tolist()))
        levels.append(([at[0], at[-1]], [linear[name] / best[name]] * 2))
        said.append(f"{name}, scale {scale:g}: {ratio[-1]:.3f} of the best margin at the end")
    chart = Chart(
        "margin over the best of all networks",
        Axis("clock τ", float(at[0]), float(at[-1]), [100, 200, 300]),
        Axis("ratio", 0, 1.05, [0, 0.5, 1]),
        [Curve("linear classifier", levels, "ink dotted"), Curve("margin", lines, "plus")],
        readout=said,
        about="The margin of gradient flow against the clock, and that of the linear classifier",
    )
    sliders = [
        Slider("data", sets, start=len(sets) - 1),
        Slider("scale", [f"{scale:g}" for scale in scales]),
    ]
    return explorer(chart, sliders, description="Deleting two mirror points traps small starts")
