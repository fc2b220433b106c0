"""Figures of the chapter on neighbours: splines, one neuron and the least norm, risks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lowrot.plots import (
    ACCENT,
    COLOURS,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SHADES,
    figure,
    grid,
    legend_under,
)

MARKS = ("o-", "s--", "^-.", "D:", "v-")
_FLOOR = 1e-12
"""What is below stands at the edge of a logarithmic axis."""


@figure
def spline_fits(at: np.ndarray, fits: Mapping[str, np.ndarray], x, y, rates: pd.DataFrame):
    """Draw fits of one data set, their distances from the natural spline, and those of wide ones.

    Args:
        at: inputs, ascending.
        fits: values there by name, the limit first.
        x: the samples' inputs.
        y: their labels.
        rates: columns ``n``, ``H``, ``error`` and ``law``, the first-order term.
    """
    left, middle, right = grid(3, height=3.6, stacked_height=3.2)
    limit = next(iter(fits.values()))
    looks = zip((INK, POSITIVE, NEGATIVE, ACCENT), ("-", "--", "-.", ":"), fits.items())
    for colour, style, (name, values) in looks:
        left.plot(at, values, color=colour, ls=style, lw=1.5, label=name)
        middle.plot(at, values - limit, color=colour, ls=style, lw=1.5, label=name)
    left.plot(x, y, "o", ms=5, color=INK)
    middle.plot(x, 0 * x, "o", ms=5, color=INK)
    left.set(xlabel="$x$", ylabel="$f(x)$")
    middle.set(xlabel="$x$", ylabel=r"$f(x) - f_\infty(x)$")
    legend_under(left)
    legend_under(middle)
    for colour, mark, (n, part) in zip(COLOURS, MARKS, rates.groupby("n")):
        right.plot(part.H, part.error, mark[0], ms=4, color=colour, label=f"$n = {n}$")
        right.plot(part.H, part.law, mark[1:], lw=1.1, color=colour)
    right.set(xscale="log", yscale="log", xlabel="$H$", ylabel="largest distance")
    legend_under(right)
    return [left, middle, right]


@figure
def width_errors(errors: pd.DataFrame) -> list[Axes]:
    """Draw how far finite networks are from infinitely wide ones: medians and ranges.

    Args:
        errors: columns ``H``, ``m``, ``seed`` and ``error``.
    """
    (axis,) = grid(1, height=3.0)
    for colour, mark, (H, part) in zip(COLOURS, MARKS, errors.groupby("H")):
        by = part.groupby("m").error
        axis.plot(by.median().index, by.median(), mark, ms=4.5, color=colour, label=f"$H = {H:g}$")
        axis.fill_between(by.min().index, by.min(), by.max(), color=colour, alpha=0.14, lw=0)
    axis.set(xscale="log", yscale="log", xlabel="width $m$", ylabel="largest distance")
    legend_under(axis)
    return [axis]


@figure
def rank_and_norm(draws: pd.DataFrame, ends: pd.DataFrame, least: float) -> list[Axes]:
    """Draw the least norm against the dual function, and where flows of the example end.

    Args:
        draws: columns ``largest`` and ``least``, over the norm of the neuron.
        ends: columns ``scale``, ``seed``, ``half`` and ``second``.
        least: ``||W||^2/2`` of the least network of the example, its neuron's being 1.
    """
    axes = grid(3, height=3.6, stacked_height=3.0)
    axes[0].plot(draws.largest, draws.least, "o", ms=3, color=POSITIVE, alpha=0.6, label="draws")
    line = np.geomspace(1, draws.largest.max(), 50)
    axes[0].plot(line, 1 / line, color=INK, ls="--", lw=1.2, label="lower bound")
    axes[0].set(xscale="log", xlabel=r"$\max\,|h|$", ylabel=r"least $\|W\|^2/2$ over $\|w\|$")
    legend_under(axes[0])
    shift = 10 ** (0.16 * (ends.seed / ends.seed.max() - 0.5))
    axes[1].plot(ends.scale * shift, ends.half, "o", ms=4.5, color=POSITIVE, label="end of a flow")
    axes[1].axhline(1.0, color=INK, ls=":", label="one neuron")
    axes[1].axhline(least, color=NEGATIVE, ls="--", label="least norm")
    axes[1].set(xscale="log", xlabel="scale of the start", ylabel=r"$\|W\|^2/2$")
    legend_under(axes[1])
    second = ends.second.clip(lower=_FLOOR)
    axes[2].plot(ends.scale * shift, second, "o", ms=4.5, color=POSITIVE, label="end of a flow")
    axes[2].set(xscale="log", yscale="log", xlabel="scale of the start")
    axes[2].set_ylabel(r"$\varsigma_2/\varsigma_1$ of $V$")
    legend_under(axes[2])
    return axes


@figure
def risks_in_time(frame: pd.DataFrame, noisy: pd.DataFrame) -> list[Axes]:
    """Draw bias, noise and risk against time for draws of inputs: medians and ranges.

    Args:
        frame: columns ``d``, ``seed``, ``t``, ``bias``, ``noise``, over the power of the target.
        noisy: columns ``d``, ``t``, ``mean``, ``error``: risks of sampled noise, one draw.
    """
    dims = sorted(frame.d.unique())
    axes = grid(len(dims), height=3.6, stacked_height=3.0)
    looks = (("bias", POSITIVE, "-"), ("noise", NEGATIVE, "--"), ("risk", INK, "-."))
    for axis, d in zip(axes, dims):
        part = frame[frame.d == d].assign(risk=lambda rows: rows.bias + rows.noise)
        for name, colour, style in looks:
            by = part.groupby("t")[name]
            axis.plot(by.median().index, by.median(), color=colour, ls=style, label=name)
            axis.fill_between(by.min().index, by.min(), by.max(), color=colour, alpha=0.12, lw=0)
        dots = noisy[noisy.d == d]
        axis.errorbar(
            dots.t, dots["mean"], dots.error, fmt="o", ms=3.5, color=ACCENT, label="noise sampled"
        )
        axis.set(xscale="log", yscale="log", xlabel="time $t$", title=f"$d = {d}$")
        axis.set_ylim(1e-3, None)
        legend_under(axis)
    axes[0].set_ylabel("over the risk of zero")
    return axes


@figure
def variances(sweep: pd.DataFrame) -> list[Axes]:
    """Draw the factor of the noise and the bias at the end against the number of samples.

    Args:
        sweep: columns ``d``, ``n``, ``seed``, ``V`` and ``bias``.
    """
    axes = grid(2, height=3.7, stacked_height=3.3)
    for axis, name in zip(axes, ("V", "bias")):
        for shade, mark, (d, part) in zip(SHADES, MARKS, sweep.groupby("d")):
            by = part.groupby("n")[name]
            axis.plot(by.median().index, by.median(), mark, ms=4, color=shade, label=f"$d = {d}$")
            axis.fill_between(by.min().index, by.min(), by.max(), color=shade, alpha=0.13, lw=0)
        axis.axhline(1.0, color=MUTED, lw=1.0)
        axis.set(xscale="log", yscale="log", xlabel="samples $n$")
        legend_under(axis)
    axes[0].set_ylabel(r"$\mathcal{V}(\infty)$")
    axes[1].set_ylabel(r"$\mathcal{B}(\infty)$, relative")
    return axes
