"""Figures of the chapter on margins: attainable margins, margins and dimension, certificates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator, ScalarFormatter
from torch import Tensor

from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.optima import NotSeparable, Optimum, global_margin, ntk_margin, svm_margin
from lowrot.plots import (
    ACCENT,
    DAY,
    INK,
    NEGATIVE,
    POSITIVE,
    SECOND,
    THIRD,
    decision_regions,
    dual_curve,
    figure,
    grid,
    legend_under,
    narrow,
    optimal_directions,
    tangent_predictor,
)

_COLOURS = (POSITIVE, ACCENT, NEGATIVE, SECOND, THIRD)
_MARKERS = ("o", "s", "^", "D", "v")


@figure
def best_regions(sets: Mapping[str, Dataset], nets: Mapping[str, Network]) -> list[Axes]:
    """Draw, one row a data set, the best line, the best tangent (both layers), the best network.

    Args:
        sets: plane data sets by name.
        nets: the network W_0 of the tangent, by the same names.

    Raises:
        ValueError: a data set is not two-dimensional.
    """
    axes = grid(3, len(sets), height=2.4, stacked=3, stacked_height=1.45, letters=False)
    for row, (name, data) in enumerate(sets.items()):
        first, second, third = axes[3 * row : 3 * row + 3]
        beside = first.text(-0.05, 0.5, name, transform=first.transAxes, color=INK, fontsize=10)
        beside.set(rotation=90, ha="right", va="center")
        try:
            line = svm_margin(data)
            _regions(_linear(line.primal), data, line, first, "line")
        except NotSeparable as no:
            decision_regions(
                None, data, q=no.dual, ax=first, title="none" if narrow() else "line: none"
            )
        tangent = ntk_margin(nets[name], data, layers="both", norm="l2")
        _regions(tangent_predictor(nets[name], tangent.primal), data, tangent, second, "tangent")
        best = global_margin(data)
        _regions(best.primal, data, best, third, "network")
    if narrow():
        for ax, kind in zip(axes, ("line", "tangent", "network")):
            ax.set_title(f"{kind}\n{ax.get_title('left')}", fontsize=10.5)
    return axes


@figure
def margin_sets(
    sets: Mapping[str, Callable[[Tensor], float]],
    data: Dataset,
    *,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw, for two points, the pairs ``(p_1, p_2)`` that each kind of predictor can attain.

    Args:
        sets: by name, the support function ``h(w) = max <w, p>`` of the convex set, for w (2,).
        data: two points, in any dimension.
        ax: where to draw; a new figure when None.
        title: of the axes.

    Raises:
        ValueError: the data are not two points.
    """
    if data.n != 2:
        raise ValueError(f"data has n = {data.n} points; margin_sets draws n = 2 only")
    ax = _axes(ax)
    angle = np.linspace(0.0, 2.0 * math.pi, 721)
    normals = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ends = []
    for (name, support), colour, style in zip(sets.items(), _COLOURS, ("--", "-.", "-")):
        h = np.array([support(torch.as_tensor(w)) for w in normals])
        slope = np.gradient(h, angle)
        edge = h[:, None] * normals + slope[:, None] * normals[:, ::-1] * [-1.0, 1.0]
        ax.fill(edge[:, 0], edge[:, 1], color=colour, alpha=0.14, lw=0)
        ax.plot(edge[:, 0], edge[:, 1], color=colour, lw=1.6, ls=style, label=name)
        inside = (normals > 1e-9).all(axis=1)
        end = float((h[inside] / normals[inside].sum(axis=1)).min())
        ax.plot([end], [end], "o", color=colour, ms=7, mec=DAY, mew=0.8, zorder=4)
        ends.append(end)
    reach = 1.15 * max(ends)
    ax.plot([0, reach], [0, reach], color=INK, lw=0.8, ls=(0, (4, 2)))
    ax.set_aspect("equal")
    ax.set_xlabel("margin of the first point, $p_1$")
    ax.set_ylabel("margin of the second, $p_2$")
    ax.set_title(title)
    legend_under(ax, 1 if narrow() else 3)
    return ax


@figure
def network_certificates(sets: Mapping[str, Dataset]) -> list[Axes]:
    """Draw the directions of the best network of each data set, above the curve that certifies it.

    Raises:
        ValueError: a data set is not two-dimensional.
        NotSeparable: no network separates a data set.
    """
    axes = grid(len(sets), 2, height=2.5, stacked=2, stacked_height=1.9, letters=False)
    pairs = [
        axes[2 * k : 2 * k + 2] if narrow() else axes[k :: len(sets)] for k in range(len(sets))
    ]
    for (above, below), (name, data) in zip(pairs, sets.items()):
        best = global_margin(data)
        optimal_directions(best.primal, data, q=best.dual, ax=above, title=name)
        dual_curve(best.dual, data, value=best.upper, net=best.primal, ax=below)
        below.set_xticks([-180, 0, 180])
        below.set_xlabel("angle of $v$" if narrow() else "angle of $v$, degrees")
    for _, below in pairs if narrow() else pairs[:1]:
        below.set_ylabel("dual function")
    return axes


@figure
def margins_against_d(
    measured: Mapping[str, Mapping[int, Sequence[float]]],
    curves: Mapping[str, Mapping[int, float]],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw margins against the dimension on logarithmic axes.

    Args:
        measured: by name and d, one value a seed: drawn as a marker at the median and a bar over
            the spread.
        curves: by name and d, exact values: drawn as lines.
        ax: where to draw; a new figure when None.

    Raises:
        ValueError: nothing to draw.
    """
    if not measured and not curves:
        raise ValueError("measured and curves are empty; expected at least one margin")
    ax = _axes(ax)
    styles = dict(zip(dict.fromkeys([*curves, *measured]), ("-", "--", "-.")))
    shades = dict(zip(dict.fromkeys([*curves, *measured]), _COLOURS))
    for name, line in curves.items():
        ax.plot(
            list(line), list(line.values()), color=shades[name], lw=1.7, ls=styles[name], label=name
        )
    for (name, by_d), marker in zip(measured.items(), _MARKERS):
        median = [float(np.median(v)) for v in by_d.values()]
        low = [m - min(v) for m, v in zip(median, by_d.values())]
        high = [max(v) - m for m, v in zip(median, by_d.values())]
        style: dict[str, Any] = {
            "fmt": marker,
            "color": shades[name],
            "ms": 6,
            "capsize": 2,
            "lw": 1,
        }
        ax.errorbar(
            list(by_d), median, [low, high], label=None if name in curves else name, **style
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_yticks([0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_locator(NullLocator())
    values = [v for line in curves.values() for v in line.values()]
    values += [v for by_d in measured.values() for seeds in by_d.values() for v in seeds]
    ax.set_ylim(0.85 * min(values), 1.18 * max(values))
    drawn = {d for values in [*measured.values(), *curves.values()] for d in values}
    ax.set_xticks(sorted(drawn & {2, 3, 4, 5, 6, 8, 12, 16}))
    ax.set_xlabel("dimension $d$")
    ax.set_ylabel("margin")
    ax.legend(loc="lower left")
    return ax


def _regions(
    predict: Callable[[Tensor], Tensor], data: Dataset, best: Optimum[Any], ax: Axes, kind: str
) -> None:
    title = f"{best.value:.3f}" if narrow() else f"{kind}: {best.value:.3f}"
    decision_regions(predict, data, level=best.value, q=best.dual, ax=ax, title=title)


def _linear(w: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda X: X @ w


def _axes(ax: Axes | None) -> Axes:
    return grid(1, width=6.2, height=3.9, stacked_height=3.4)[0] if ax is None else ax
