"""Figures of the margins: regions, sets of attainable margins, directions, dual curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter
from torch import Tensor

from lowrot.data import Dataset
from lowrot.network import Network, activation, derivative
from lowrot.plots._plane import REACH, axes_or_new, points, require_plane, square
from lowrot.plots._style import ACCENT, INK, MUTED, NEGATIVE, POSITIVE, SECOND, THIRD

_COLOURS = (POSITIVE, THIRD, NEGATIVE, ACCENT, SECOND)
_MARKERS = ("o", "s", "^", "D", "v")


def tangent_predictor(
    net: Network, theta: Tensor | tuple[Tensor, Tensor]
) -> Callable[[Tensor], Tensor]:
    """Return ``x -> <grad f(x; W_0), theta>/sqrt(m)``, whose margins `ntk_margin` maximizes.

    Args:
        net: the network W_0.
        theta: the primal point of `ntk_margin`: outer block (m,), inner (m, d), or the pair.
    """
    blocks = theta if isinstance(theta, tuple) else (theta,)

    def predict(X: Tensor) -> Tensor:
        z, total = X @ net.V.T, X.new_zeros(len(X))
        for block in blocks:
            if block.ndim == 1:
                total += activation(z, net.slope) @ block
            else:
                total += (derivative(z, net.slope) * net.a * (X @ block.T)).sum(dim=1)
        return total / math.sqrt(net.m)

    return predict


def decision_regions(
    data: Dataset,
    predict: Callable[[Tensor], Tensor] | None,
    level: float | None = None,
    q: Tensor | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw where a predictor is positive and negative, and the lines where it is ``+-level``.

    Args:
        data: points of the plane.
        predict: ``X -> f(X)``; only the points are drawn when None.
        level: the margin; support points lie on the lines of this level.
        q: dual weights, shown as the sizes of the points.
        ax: where to draw; a new figure when None.
        title: of the axes.

    Raises:
        ValueError: the data are not two-dimensional.
    """
    require_plane("decision_regions", data)
    ax = axes_or_new(ax)
    if predict is not None:
        ticks = torch.linspace(-REACH, REACH, 161, dtype=torch.float64)
        second, first = torch.meshgrid(ticks, ticks, indexing="ij")
        f = predict(torch.stack([first.ravel(), second.ravel()], dim=1)).reshape(first.shape)
        grid = first.numpy(), second.numpy(), f.detach().numpy()
        top = float(f.abs().max()) + 1.0
        ax.contourf(*grid, levels=[-top, 0.0, top], colors=[NEGATIVE, POSITIVE], alpha=0.17)
        if float(f.max()) > 0 > float(f.min()):
            ax.contour(*grid, levels=[0.0], colors=INK, linewidths=1.0)
        reached = [s * level for s in (-1.0, 1.0) if level and float((s * f).max()) > level]
        if reached:
            lines = ax.contour(*grid, levels=reached, colors=INK, linewidths=0.7)
            lines.set_linestyle((0, (4, 2)))
    points(ax, data, q)
    return square(ax, title)


def optimal_directions(
    data: Dataset,
    net: Network,
    q: Tensor | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw the directions of a network on the unit circle, as thick as their share of the mass.

    Solid spokes have a positive output weight, dashed ones a negative; the number beside a spoke
    is its share ``|a_j| ||v_j|| / sum_k |a_k| ||v_k||``; points are as large as q.

    Raises:
        ValueError: the data are not two-dimensional, or the network has another dimension.
    """
    require_plane("optimal_directions", data)
    if net.d != data.d:
        raise ValueError(f"net has d = {net.d}; expected {data.d}, as the data")
    ax = axes_or_new(ax)
    angle = np.linspace(0.0, 2.0 * math.pi, 241)
    ax.plot(np.cos(angle), np.sin(angle), color=MUTED, lw=0.7, zorder=0)
    for direction, sign, share in merged_directions(net):
        c, s = direction
        colour, style = (POSITIVE, "-") if sign > 0 else (NEGATIVE, (0, (3, 1.2)))
        ax.plot([0, c], [0, s], color=colour, lw=1.0 + 5.0 * share, ls=style, zorder=1)
        ax.annotate(
            f"{share:.2f}", (1.21 * c, 1.21 * s), color=INK, fontsize=8, ha="center", va="center"
        )
    points(ax, data, q)
    square(ax, title)
    ax.set_xlim(-1.42, 1.42)
    ax.set_ylim(-1.42, 1.42)
    return ax


def merged_directions(
    net: Network, angle: float = 1e-4, floor: float = 1e-6
) -> list[tuple[np.ndarray, float, float]]:
    """Return (unit direction, sign of a, share of the mass), equal directions merged.

    Directions of one sign closer than ``angle`` (radians) are one; shares below ``floor`` are left
    out.
    """
    norms = net.V.norm(dim=1)
    share = (net.a.abs() * norms / (net.a.abs() * norms).sum()).numpy()
    units = (net.V / norms.clamp_min(1e-300)[:, None]).numpy()
    signs = net.a.sign().numpy()
    groups: list[tuple[np.ndarray, float, float]] = []
    for j in np.argsort(-share, kind="stable"):
        if share[j] < floor:
            break
        for k, (direction, sign, total) in enumerate(groups):
            if sign == signs[j] and np.linalg.norm(direction - units[j]) < angle:
                groups[k] = (direction, sign, total + float(share[j]))
                break
        else:
            groups.append((units[j], float(signs[j]), float(share[j])))
    return groups


def dual_curve(
    data: Dataset,
    q: Tensor,
    value: float,
    net: Network | None = None,
    slope: float = 0.0,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw ``sum_i q_i y_i s(v.x_i)`` over the circle of directions v, between ``+-value``.

    The curve stays between the lines exactly when q proves that no margin exceeds the value; the
    directions of an optimal network (markers) are where it touches them.

    Raises:
        ValueError: the data are not two-dimensional.
    """
    require_plane("dual_curve", data)
    ax = axes_or_new(ax)

    def curve(angle: np.ndarray) -> np.ndarray:
        v = torch.as_tensor(np.stack([np.cos(angle), np.sin(angle)], axis=1))
        out: np.ndarray = (activation(v @ data.X.T, slope) @ (data.y * q)).numpy()
        return out

    angle = np.linspace(-math.pi, math.pi, 721)
    ax.plot(np.degrees(angle), curve(angle), color=INK, lw=1.3)
    for level in (-value, value):
        ax.axhline(level, color=ACCENT, lw=1.0, ls=(0, (4, 2)))
    if net is not None:
        for direction, sign, _ in merged_directions(net):
            at = np.array([math.atan2(direction[1], direction[0])])
            colour, marker = (POSITIVE, "o") if sign > 0 else (NEGATIVE, "s")
            ax.plot(np.degrees(at), curve(at), marker, color=colour, ms=6, zorder=3)
    ax.set_xlim(-180, 180)
    ax.set_xticks([-180, -90, 0, 90, 180])
    ax.set_xlabel("direction of v, degrees")
    ax.set_title(title)
    return ax


def margin_sets(
    data: Dataset,
    sets: Mapping[str, Callable[[Tensor], float]],
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw, for two points, the pairs ``(p_1, p_2)`` that each kind of predictor can attain.

    Args:
        data: two points, in any dimension.
        sets: by name, the support function ``h(w) = max <w, p>`` of the convex set, for w (2,).
        ax: where to draw; a new figure when None.
        title: of the axes.

    Raises:
        ValueError: the data are not two points.
    """
    if data.n != 2:
        raise ValueError(f"data has n = {data.n} points; margin_sets draws n = 2 only")
    ax = axes_or_new(ax)
    angle = np.linspace(0.0, 2.0 * math.pi, 721)
    normals = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ends = []
    for (name, support), colour in zip(sets.items(), _COLOURS):
        h = np.array([support(torch.as_tensor(w)) for w in normals])
        slope = np.gradient(h, angle)
        edge = h[:, None] * normals + slope[:, None] * normals[:, ::-1] * [-1.0, 1.0]
        ax.fill(edge[:, 0], edge[:, 1], color=colour, alpha=0.14, lw=0)
        ax.plot(edge[:, 0], edge[:, 1], color=colour, lw=1.4, label=name)
        inside = (normals > 1e-9).all(axis=1)
        end = float((h[inside] / normals[inside].sum(axis=1)).min())
        ax.plot([end], [end], "o", color=colour, ms=7, mec="white", mew=0.8, zorder=4)
        ends.append(end)
    reach = 1.15 * max(ends)
    ax.plot([0, reach], [0, reach], color=INK, lw=0.8, ls=(0, (4, 2)))
    ax.set_aspect("equal")
    ax.set_xlabel("$p_1$")
    ax.set_ylabel("$p_2$")
    ax.set_title(title)
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))
    return ax


def margins_against_d(
    measured: Mapping[str, Mapping[int, Sequence[float]]],
    curves: Mapping[str, Mapping[int, float]],
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
    ax = axes_or_new(ax)
    shades = dict(zip(dict.fromkeys([*curves, *measured]), _COLOURS))
    for name, line in curves.items():
        ax.plot(list(line), list(line.values()), color=shades[name], lw=1.4, label=name)
    for (name, by_d), marker in zip(measured.items(), _MARKERS):
        median = [float(np.median(v)) for v in by_d.values()]
        low = [m - min(v) for m, v in zip(median, by_d.values())]
        high = [max(v) - m for m, v in zip(median, by_d.values())]
        style: dict[str, Any] = {
            "fmt": marker,
            "color": shades[name],
            "ms": 5,
            "capsize": 2,
            "lw": 1,
        }
        ax.errorbar(
            list(by_d), median, [low, high], label=None if name in curves else name, **style
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
    drawn = {d for values in [*measured.values(), *curves.values()] for d in values}
    ax.set_xticks(sorted(drawn & {2, 3, 4, 5, 6, 8, 12, 16}))
    ax.set_xlabel("dimension $d$")
    ax.set_ylabel("margin")
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))
    return ax
