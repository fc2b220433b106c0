"""Figures of optimal predictors in the plane: regions, directions, dual curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from lowrot.data import Dataset
from lowrot.network import Network, activation, derivative
from lowrot.optima import NotSeparable, global_margin, ntk_margin, svm_margin
from lowrot.plots._plane import REACH, axes_or_new, points, require_plane, square
from lowrot.plots._style import ACCENT, INK, MUTED, NEGATIVE, POSITIVE, grid

_ZERO = 1e-12
"""Outputs below this are those of a network whose neurons are all off."""


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
        mesh = first.numpy(), second.numpy(), f.detach().numpy()
        top = float(f.abs().max()) + 1.0
        for levels, colour in (([-top, -_ZERO], NEGATIVE), ([_ZERO, top], POSITIVE)):
            ax.contourf(*mesh, levels=levels, colors=[colour], alpha=0.17)
        if float(f.max()) > 0 > float(f.min()):
            ax.contour(*mesh, levels=[0.0], colors=INK, linewidths=1.0)
        reached = [s * level for s in (-1.0, 1.0) if level and float((s * f).max()) > level]
        if reached:
            lines = ax.contour(*mesh, levels=reached, colors=INK, linewidths=0.7)
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
        across = "center" if abs(c) < 0.4 else "left" if c > 0 else "right"
        along = "center" if abs(s) < 0.4 else "bottom" if s > 0 else "top"
        ax.text(1.3 * c, 1.3 * s, f"{share:.2f}", ha=across, va=along, color=INK, fontsize=8)
    points(ax, data, q)
    square(ax, title)
    ax.set_xlim(-1.75, 1.75)
    ax.set_ylim(-1.75, 1.75)
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
    ax.set_xlabel("angle of $v$, degrees")
    ax.set_title(title)
    return ax


def best_regions(sets: Mapping[str, Dataset], nets: Mapping[str, Network]) -> list[Axes]:
    """Draw, one row a data set, the best line, the best tangent (both blocks) and the best network.

    Args:
        sets: plane data sets by name.
        nets: the network W_0 of the tangent, by the same names.

    Raises:
        ValueError: a data set is not two-dimensional.
    """
    axes = grid(3, len(sets), height=1.95)
    for row, (name, data) in enumerate(sets.items()):
        first, second, third = axes[3 * row : 3 * row + 3]
        beside = first.text(-0.05, 0.5, name, transform=first.transAxes, color=INK, fontsize=9)
        beside.set(rotation=90, ha="right", va="center")
        try:
            line = svm_margin(data)
            predict, label = _linear(line.primal), f"line: {line.value:.3f}"
            decision_regions(data, predict, line.value, line.dual, first, label)
        except NotSeparable as no:
            decision_regions(data, None, None, no.dual, first, "line: none")
        tangent = ntk_margin(nets[name], data, layers="both", norm="l2")
        predict, label = tangent_predictor(nets[name], tangent.primal), f"{tangent.value:.3f}"
        decision_regions(data, predict, tangent.value, tangent.dual, second, f"tangent: {label}")
        best = global_margin(data)
        label = f"network: {best.value:.3f}"
        decision_regions(data, best.primal, best.value, best.dual, third, label)
    return axes


def network_certificates(sets: Mapping[str, Dataset]) -> list[Axes]:
    """Draw the directions of the best network of each data set, above the curve that certifies it.

    Raises:
        ValueError: a data set is not two-dimensional.
        NotSeparable: no network separates a data set.
    """
    axes = grid(len(sets), 2, height=2.1)
    for k, (name, data) in enumerate(sets.items()):
        best = global_margin(data)
        optimal_directions(data, best.primal, best.dual, axes[k], name)
        below = dual_curve(data, best.dual, best.upper, best.primal, ax=axes[len(sets) + k])
        below.set_xticks([-180, 0, 180])
        below.xaxis.label.set_fontsize(9)
    axes[len(sets)].set_ylabel("dual function")
    return axes


def _linear(w: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda X: X @ w
