"""Figures of the chapter on sample complexity: one run, two bounds, recovery, errors, exponents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from figures._shared import label_rows
from lowrot.curves import SamplesNeeded
from lowrot.data import Dataset
from lowrot.path import Path
from lowrot.plots import (
    ACCENT,
    COLOURS,
    DASHES,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SECOND,
    THIRD,
    Fragment,
    Panel,
    figure,
    grid,
    legend_below,
    legend_under,
    scrubber,
)

MARKS = ("o", "s", "^", "D", "v", "P", "X", "d")
_LOOKS = {
    "K2": (POSITIVE, "o", "-"),
    "NTK, outer": (NEGATIVE, "s", "--"),
    "NTK, full": (MUTED, "^", "-."),
    "random features": (ACCENT, "D", ":"),
    "one-pass SGD": (SECOND, "P", "--"),
    "early": (THIRD, "v", DASHES[4]),
    "frozen margin": (SECOND, "X", "-."),
    "maximal margin": (INK, "d", ":"),
    "flow": (ACCENT, "P", "-"),
    "flow, wide": (POSITIVE, "s", "--"),
}
"""Colour, marker and line of each method, the same in every figure."""
_AS = {
    "flow, early": "early",
    "early, m = 4d²": "early",
    "flow, late": "flow",
    "flow, m = 64": "flow",
    "flow, m = 4d²": "flow, wide",
}
"""The look of names that say more than the method."""
_ROOM = 1.3
"""Between the numbers of two dimensions on a logarithmic axis."""
_ASIDE = {"NTK, outer": -6.0, "random features": 6.0, "flow, m = 4d²": -6.0}
"""Points: how far from its dimension a method is drawn that would lie on another one."""


def turning(path: Path, errors: Sequence[float], *, title: str) -> Fragment:
    """Show every neuron by its two relevant coordinates and the length of all others.

    Args:
        path: of a network on 2-sparse parity, states a and V; every saved time is a frame.
        errors: of the network at these times.
        title: of the panel.
    """
    V = path["V"]
    flat = np.concatenate([V[..., :2], np.linalg.norm(V[..., 2:], axis=2, keepdims=True)], axis=2)
    corners = np.array([[1, 1, 0], [-1, -1, 0], [1, -1, 0], [-1, 1, 0]]) / np.sqrt(2)
    panel = Panel(
        title,
        Dataset(corners, np.array([1.0, 1.0, -1.0, -1.0])),
        directions=flat,
        masses=path["a"] * np.linalg.norm(V, axis=2),
        readout={"error": np.asarray(errors), "soft margin": path["P"]},
    )
    words = "Neurons turn from the irrelevant coordinates to the directions of the target"
    return scrubber(panel, path["tau"], description=words)


@figure
def one_run(frame: pd.DataFrame, early: float) -> list[Axes]:
    """Draw error, correlation and mass near the target along one run.

    Args:
        frame: columns ``tau``, ``error``, ``cor2``, ``limit`` (n/N) and ``near`` (the share of the
            mass within a right angle's third of the four directions).
        early: clock at which an early stop would be.
    """
    left, right = grid(2, height=3.3, stacked_height=2.9)
    left.plot(frame.tau, frame.error, color=POSITIVE, label="error")
    left.axhline(0.05, color=INK, ls=":", lw=1.2, label="level of $n_*$")
    left.set(xlabel=r"clock $\tau$", ylabel="error on the cube", ylim=(0, 0.55))
    right.plot(frame.tau, frame.cor2, color=POSITIVE, label="squared correlation")
    right.plot(frame.tau, frame.near, color=NEGATIVE, ls="--", label="mass near the target")
    right.plot(frame.tau, frame.limit, color=INK, ls=":", label="$n/N$")
    right.set(xlabel=r"clock $\tau$", ylabel="share", ylim=(0, 1.03))
    for axis in (left, right):
        axis.axvline(early, color=MUTED, ls=(0, (6, 3)), lw=1.0, label="early stop")
        legend_under(axis)
    return [left, right]


@figure
def correlations(frame: pd.DataFrame) -> list[Axes]:
    """Draw mean squared correlations against n/N, with intervals over seeds, a panel a dimension.

    Args:
        frame: columns ``d``, ``method``, ``share`` (n/N), ``cor2``, one row a seed.
    """
    dimensions = sorted(set(frame.d))
    axes = grid(len(dimensions), height=4.0, stacked_height=3.2)
    for axis, d in zip(axes, dimensions):
        _bands(frame, d, "share", "cor2", axis)
        far = max(1.0, frame.share.max())
        label = "limit"
        axis.plot([0, 1, far], [0, 1, 1], color=INK, lw=1.2, ls=":", label=label)
        axis.set(xlim=(0, 1.03 * far), ylim=(0, 1.03), xlabel="$n/N$", title=f"$d = {d}$")
    label_rows(axes, "mean squared correlation")
    legend_below(axes[0], 3)
    return axes


def _look(name: str) -> tuple[str, str, str | tuple[float, tuple[float, ...]]]:
    """Colour, marker and line of a method."""
    return _LOOKS[_AS.get(name, name)]


def _bands(frame: pd.DataFrame, d: int, x: str, y: str, axis: Axes) -> None:
    """Draw the mean of a column against another with 95 % intervals, one line a method."""
    for name in dict.fromkeys(frame.method):
        colour, mark, style = _look(name)
        part = frame[(frame.d == d) & (frame.method == name)]
        sns.lineplot(
            part, x=x, y=y, color=colour, marker=mark, linestyle=style, label=name,
            errorbar=("ci", 95), n_boot=300, seed=0, ax=axis,
        )  # fmt: skip
    axis.get_legend().remove()
    axis.set(xlabel="", ylabel="")


@figure
def lemma(frame: pd.DataFrame) -> Axes:
    """Draw the mean feature of directions over that of the target, against their distance.

    Args:
        frame: columns ``delta`` and ``value``, one row a direction.
    """
    (axis,) = grid(1, width=6.0, height=3.4, stacked_height=3.2)
    axis.plot(frame.delta, frame.value, ".", ms=3, color=POSITIVE, alpha=0.5, label="directions")
    ends = np.array([0.0, np.sqrt(2)])
    axis.plot(ends, 1 - ends / 2, color=ACCENT, ls="--", label=r"$1-\delta/2$")
    axis.axhline(0, color=INK, lw=0.8)
    axis.set(xlabel=r"distance $\delta$", ylabel=r"mean feature over $\gamma_{\mathrm{gl}}$")
    legend_under(axis)
    for handle in axis.get_legend().legend_handles[:1]:  # as a cloud, not as one of its points
        handle.set(alpha=1.0, markersize=7)
    return axis


@figure
def feasibility(least: pd.DataFrame, found: pd.DataFrame) -> list[Axes]:
    """Draw how often samples recover the target, by the program and by column generation.

    Args:
        least: columns ``d`` and ``n``, the least feasible number of samples of each stream.
        found: columns ``d``, ``n``, ``error`` of the networks of maximal margin.
    """
    left, right = grid(2, height=3.4, stacked_height=3.0)
    for k, (d, part) in enumerate(least.groupby("d")):
        ratio = np.sort(part.n.to_numpy() / d)
        share = np.arange(1, len(ratio) + 1) / len(ratio)
        look = {"ls": DASHES[k % len(DASHES)], "lw": 1.4 if k < len(DASHES) else 2.8}
        left.step(ratio, share, where="post", color=COLOURS[k], label=f"$d = {d}$", **look)
    left.set(xlabel="$n/d$", ylabel="share feasible", ylim=(0, 1.03))
    legend_under(left, 2)
    rows = found.assign(ratio=found.n / found.d, dimension=[f"$d = {d}$" for d in found.d])
    count = rows.dimension.nunique()
    sns.lineplot(
        rows,
        x="ratio",
        y="error",
        hue="dimension",
        style="dimension",
        palette=list(COLOURS[:count]),
        markers=list(MARKS[:count]),
        errorbar=("ci", 95),
        n_boot=300,
        seed=0,
        ax=right,
    )
    right.axhline(0.05, color=INK, ls=":", lw=1.2)
    right.set(xlabel="$n/d$", ylabel="error", ylim=(0, None))
    right.get_legend().remove()
    legend_under(right)
    return [left, right]


@figure
def errors(frame: pd.DataFrame) -> list[Axes]:
    """Draw mean errors against n with intervals over seeds, a panel a dimension.

    Args:
        frame: columns ``d``, ``method``, ``n``, ``error``, one row a seed.
    """
    dimensions = sorted(set(frame.d))
    axes = grid(len(dimensions), height=4.0, stacked_height=3.2)
    for axis, d in zip(axes, dimensions):
        _bands(frame, d, "n", "error", axis)
        axis.axhline(0.05, color=INK, ls=":", lw=1.2)
        axis.set(xscale="log", xlabel="samples $n$", ylim=(0, None), title=f"$d = {d}$")
        ticks = [n for n in (10, 20, 40, 80, 160, 320) if n < frame[frame.d == d].n.max()]
        axis.set_xticks(ticks, [str(n) for n in ticks])
        axis.minorticks_off()
    label_rows(axes, "error")
    legend_below(axes[0], 3)
    return axes


@figure
def growth(
    needed: Mapping[str, Mapping[str, Mapping[int, SamplesNeeded]]], lines: Mapping[str, pd.Series]
) -> list[Axes]:
    """Draw the samples needed against d, with intervals, beside bounds, one panel a group.

    Args:
        needed: by the title of the panel, the method and d.
        lines: bounds and reference laws by their label, indexed by d.
    """
    axes = grid(len(needed), height=5.0, stacked_height=4.8)
    ticks = sorted({d for group in needed.values() for by_d in group.values() for d in by_d})
    named = _apart(ticks)
    for axis, (title, group) in zip(axes, needed.items()):
        axis.set(xscale="log", yscale="log", xlabel="dimension $d$", title=title)
        for name, by_d in group.items():
            _needs(axis, name, by_d)
        for style, (name, law) in zip((":", "--", "-."), lines.items()):
            axis.plot(law.index, law, color=INK, ls=style, lw=1.2, label=name)
        axis.set_xticks(ticks, [str(d) if d in named else "" for d in ticks])
        axis.minorticks_off()
        axis.margins(x=0.08)
        legend_under(axis)
    bounds = np.array([[*axis.get_xlim(), *axis.get_ylim()] for axis in axes])
    low, high = bounds.min(axis=0), bounds.max(axis=0)
    for axis in axes:
        axis.set(xlim=(low[0], high[1]), ylim=(low[2], high[3]))
    label_rows(axes, "samples needed $n_*$")
    return axes


def _apart(ticks: Sequence[int]) -> list[int]:
    """Return the ticks, from the least, whose numbers have room on a logarithmic axis."""
    named: list[int] = []
    for tick in ticks:
        if not named or tick >= _ROOM * named[-1]:
            named.append(tick)
    return named


def _needs(axis: Axes, name: str, by_d: Mapping[int, SamplesNeeded]) -> None:
    """Draw the samples that a method needs, with intervals."""
    value, low, high = (
        np.array([getattr(one, end) for one in by_d.values()]) for end in ("value", "low", "high")
    )
    reach = np.clip([value - low, high - value], 0, None)
    # An end that is 0 or infinite is beyond the sizes measured, and has no place on these axes.
    reach[np.array([low == 0, ~np.isfinite(high)])] = 0
    label = name.replace("4d²", "$4d^2$").replace("m =", "$m$ =")
    colour, mark, style = _look(name)
    aside = ScaledTranslation(_ASIDE.get(name, 0.0) / 72, 0.0, axis.figure.dpi_scale_trans)
    axis.errorbar(
        list(by_d), value, reach, color=colour, marker=mark, ls=style,
        ms=5, mfc="none", capsize=2, lw=1.2, label=label,
        transform=axis.transData + aside,
    )  # fmt: skip
    axis.update_datalim(np.column_stack([list(by_d), value]))  # what is aside does not count
