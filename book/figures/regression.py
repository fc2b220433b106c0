"""Figures of the chapter on regression: certificates, phases, kernels that change, real rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from figures._shared import label_rows
from lowrot.data import RegressionData
from lowrot.path import Path
from lowrot.plots import (
    ACCENT,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    figure,
    grid,
    legend_below,
    legend_under,
    narrow,
)
from lowrot.theorems import regression_certificate, regression_outer

PHASES = {
    "certified": (POSITIVE, ""),
    "converged": (ACCENT, "///"),
    "stuck": (NEGATIVE, "xxx"),
    "open": (MUTED, "..."),
}
"""Colour and hatch of each way to end."""
MARKS = {"1:1": ("o-", POSITIVE), "1:m": ("s--", NEGATIVE), "V only": ("^-.", ACCENT)}
NAMES = {"1:1": "rates 1 : 1", "1:m": "rates 1 : $m$", "V only": "$V$ only"}
_FLOOR = 1e-13
"""Relative losses below this are drawn there."""
_ROOM = 1.4
"""Between the names of two ratios."""


def story(path: Path, data: RegressionData, states: Sequence[int]) -> pd.DataFrame:
    """What a run does, at some of its saved states.

    Args:
        path: of `regression_flow`, with its states.
        data: its data.
        states: indices, the first of them the start.

    Returns:
        ``t``, ``loss`` over that at the start, ``change`` of the kernel, relative, and
        the share of pairs whose sign is not that of the start, ``flipped``.
    """
    rates, rows = tuple(path.meta["rates"]), []
    first = path.network(states[0])
    kernel, signs = first.kernel(data.X, rates=rates), data.X @ first.V.T > 0
    for k in states:
        net = path.network(k)
        away = net.kernel(data.X, rates=rates) - kernel
        flipped = ((data.X @ net.V.T > 0) != signs).double().mean()
        rows.append(
            {
                "t": path["t"][k],
                "loss": path["relative_loss"][k],
                "change": float(away.norm() / kernel.norm()),
                "flipped": float(flipped),
            }
        )
    return pd.DataFrame(rows)


def crossing(path: Path, data: RegressionData, states: Sequence[int]) -> pd.DataFrame:
    """Both sides of the conditions of A and B at saved states: they hold where left > right."""
    rates, rows = tuple(path.meta["rates"]), []
    for k in states:
        net = path.network(k)
        outer = regression_outer(net, data.X, data.y, rates=rates)
        inner = regression_certificate(net, data.X, data.y, rates=rates)
        rows.append(
            {
                "loss": path["relative_loss"][k],
                "potential": outer.psi,
                "outer": rates[0] * outer.sigma**2,
                "outer_needs": outer.drift * outer.R,
                "pairs": inner.sigma**2,
                "pairs_need": inner.drift * inner.R,
                "holds": inner.holds,
            }
        )
    return pd.DataFrame(rows)


def _mark_ratios(axis: Axes, stored: pd.DataFrame) -> None:
    """Mark the ratios of weights to points; name whole ones, and others that leave room for it."""
    ticks = sorted(stored.ratio.unique())
    whole = [tick for tick in ticks if tick == round(tick)]
    room = [
        min([max(tick / each, each / tick) for each in whole if each != tick]) for tick in ticks
    ]
    named = [tick in whole or free > _ROOM for tick, free in zip(ticks, room)]
    axis.set_xticks(ticks, [f"{tick:g}" if shown else "" for tick, shown in zip(ticks, named)])
    axis.minorticks_off()


@figure
def one_run(frame: pd.DataFrame, certified: pd.DataFrame) -> list[Axes]:
    """Draw the loss of a run with the bound from its certificate on, and how its kernel changes.

    Args:
        frame: of `story`.
        certified: ``t`` and ``bound``, on the loss over that at the start, from the certificate on.
    """
    left, right = grid(2, height=3.6, stacked_height=3.1)
    left.plot(frame.t, frame.loss.clip(lower=_FLOOR), color=POSITIVE, label="loss")
    left.plot(certified.t, certified.bound, color=ACCENT, ls="--", label="bound once certified")
    left.axvline(certified.t.iloc[0], color=INK, ls=":", lw=1.2, label="certificate")
    left.set(yscale="log", xlabel="time $t$", ylabel="loss over that at the start")
    legend_under(left)
    right.plot(frame.t, frame.change, color=POSITIVE, label="change of the kernel")
    right.plot(frame.t, frame.flipped, color=NEGATIVE, ls="--", label="share of pairs flipped")
    right.axvline(certified.t.iloc[0], color=INK, ls=":", lw=1.2, label="certificate")
    right.set(xlabel="time $t$", ylabel="relative change", ylim=(0, None))
    legend_under(right)
    return [left, right]


@figure
def potentials(runs: Mapping[str, pd.DataFrame], narrow_run: pd.DataFrame) -> list[Axes]:
    """Draw Psi along runs, and where both certificates come to hold.

    Args:
        runs: of `crossing`, of width n or more, by name.
        narrow_run: the same of a smaller width.
    """
    axes = grid(3, height=3.9, stacked_height=3.4)
    for (name, frame), style in zip(runs.items(), ("-", "--", "-.")):
        size = frame.outer_needs.iloc[0]
        axes[0].plot(frame.loss, frame.potential / size, ls=style, label=name)
    axes[0].axhline(0.0, color=INK, lw=1.0)
    words = r"$\mathcal{Q}$ over $\bar\eta\chi \mathcal{U}$ at the start"
    axes[0].set(title="the potential", ylabel=words)
    axes[0].set_yscale("symlog", linthresh=1e-3)
    wide = next(iter(runs.values()))
    axes[1].plot(wide.loss, wide.outer, color=POSITIVE, label=r"$\eta_a\mu^2$")
    right = r"$\bar\eta\chi \mathcal{U}$", r"$2\bar\eta\chi_Z\mathcal{U}$"
    axes[1].plot(wide.loss, wide.outer_needs, color=NEGATIVE, ls="--", label=right[0])
    axes[1].set(title="outer layer, wide", yscale="log")
    axes[2].plot(narrow_run.loss, narrow_run.pairs, color=POSITIVE, label=r"$\mu_Z^2$")
    needs = narrow_run.pairs_need
    axes[2].plot(
        narrow_run.loss, needs, color=NEGATIVE, ls="--", label=r"$2\bar\eta\chi_Z\mathcal{U}$"
    )
    first = narrow_run[narrow_run.holds].loss
    if len(first):
        axes[2].axvline(first.iloc[0], color=INK, ls=":", label="certified")
    axes[2].set(title="pairs, narrow", yscale="log")
    for axis in axes:
        axis.set(xscale="log", xlabel="relative loss")
        axis.invert_xaxis()
        legend_under(axis)
    return axes


@figure
def phases(stored: pd.DataFrame, column: str = "rates") -> list[Axes]:
    """Draw which share of the runs ends how, one panel a group of runs.

    Args:
        stored: columns ``n``, ``ratio``, ``phase`` and the column of the panels.
        column: "rates", with a row of panels for each n, or "labels".
    """
    panels = list(stored.groupby(["n", column], sort=False))
    rows = 1 if narrow() else -(-len(panels) // 3)
    axes = grid(len(panels) if narrow() else 3, rows, height=2.35, stacked_height=2.1)
    for axis, ((n, kind), part) in zip(axes, panels):
        shares = pd.crosstab(part.ratio, part.phase, normalize="index")
        places, below = np.arange(len(shares)), np.zeros(len(shares))
        for name, (colour, hatch) in PHASES.items():
            share = shares.get(name, 0.0 * shares.iloc[:, 0]).to_numpy()
            axis.bar(
                places, share, 0.86, below, color=colour, hatch=hatch, edgecolor="white", lw=0.0
            )
            below = below + share
        axis.set_xticks(places, [f"{ratio:g}" for ratio in shares.index])
        words = NAMES.get(kind, kind)
        axis.set(
            ylim=(0, 1),
            yticks=(0, 0.5, 1),
            title=f"$n = {n}$, {words}" if column == "rates" else words,
        )
        axis.set_xlabel("$md/n$")
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    label_rows(axes[: len(panels)], "share of runs")
    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", lw=0.0, label=name)
        for name, (colour, hatch) in PHASES.items()
    ]
    axes[0].figure.legend(
        handles=handles, loc="outside lower center", ncol=2 if narrow() else len(PHASES)
    )
    return axes


@figure
def beyond(stored: pd.DataFrame) -> list[Axes]:
    """Draw when B holds first, how far the kernel has changed by then, and how many pairs flip.

    Args:
        stored: certified runs of one n: columns ``ratio``, ``rates``, ``B_loss``, ``B_change``,
            ``pairs`` and ``flips``.
    """
    axes = grid(3, height=3.2, stacked_height=2.8)
    columns = ("B_loss", "B_change", "pairs")
    for rates, (mark, colour) in MARKS.items():
        part = stored[(stored.rates == rates) & stored.B_loss.notna()].groupby("ratio")
        for axis, name in zip(axes, columns):
            middle, low, high = part[name].median(), part[name].min(), part[name].max()
            axis.plot(middle.index, middle, mark, ms=4.5, color=colour, label=NAMES[rates])
            axis.fill_between(middle.index, low, high, color=colour, alpha=0.14, lw=0)
        flips = part.flips.mean()
        axes[2].plot(flips.index, flips.clip(lower=0.1), mark[0], mfc="none", ms=5, color=colour)
    for axis, words in zip(axes, ("loss at the certificate", "change of the kernel", "pairs")):
        axis.set(xscale="log", yscale="log", xlabel="$md/n$", ylabel=words)
        axis.margins(y=0.1)  # the number of the last power of ten stays below the letter
        _mark_ratios(axis, stored)
    legend_below(axes[0], 3)
    return axes


@figure
def real_rates(stored: pd.DataFrame) -> list[Axes]:
    """Draw the real late rate of the loss over that of two kernels.

    Args:
        stored: runs that reached a small loss: columns ``ratio``, ``rate``, ``rate_one_sided``.
    """
    left, right = grid(2, height=3.0, stacked_height=2.7)
    shift = 10 ** (0.08 * (stored.seed / max(1, stored.seed.max()) - 0.5))
    for axis, name, colour, mark in (
        (left, "rate", POSITIVE, "o"),
        (right, "rate_one_sided", NEGATIVE, "s"),
    ):
        axis.plot(stored.ratio * shift, stored[name], mark, ms=3.0, color=colour, alpha=0.5)
        axis.axhline(1.0, color=INK, lw=1.2, ls=":")
        axis.set(xscale="log", xlabel="$md/n$")
        _mark_ratios(axis, stored)
    left.set(ylim=(0.9, 1.1), title="sliding kernel", ylabel="real rate over the kernel's")
    right.set(ylim=(0, 1.1), title="one-sided kernel")
    return [left, right]


@figure
def widths(asked: pd.DataFrame, found: pd.DataFrame) -> Axes:
    """Draw the widths that theorems ask for before a run, and that at which runs converge.

    Args:
        asked: columns ``case``, ``bound`` (what asks) and ``m``.
        found: columns ``case`` and ``m``: where nine runs of ten converge.
    """
    (axis,) = grid(1, height=3.4, stacked_height=3.4)
    cases = list(dict.fromkeys(asked.case))
    marks = zip(dict.fromkeys(asked.bound), ("o", "s", "D"), (POSITIVE, ACCENT, NEGATIVE))
    for bound, mark, colour in marks:
        part = asked[asked.bound == bound]
        axis.plot([cases.index(c) for c in part.case], part.m, mark, color=colour, label=bound)
    place = [cases.index(case) for case in found.case]
    axis.plot(place, found.m, "*", ms=11, color=INK, label="runs converge")
    axis.set_xticks(range(len(cases)), cases)
    ends = (-0.5, len(cases) - 0.5)
    axis.set(yscale="log", ylabel="width $m$", xlabel="number of points", xlim=ends)
    legend_under(axis, 2)
    return axis
