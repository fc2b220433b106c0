"""Predictors of the plane: regions, directions of a network, the curve that certifies a margin."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.path import Path
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import Network, activation, derivative
from lowrot.plots._layout import figure
from lowrot.plots._plane import (
    REACH,
    axes_or_new,
    dual_weights,
    outputs,
    points,
    require_plane,
    square,
)
from lowrot.plots._style import ACCENT, INK, MUTED, NEGATIVE, POSITIVE

_ZERO = 1e-12
"""Outputs up to this times the largest are those of a network whose neurons are all off."""

_SAME = 1e-9
"""Vertices nearer to each other than this are one; the mesh is coarser by far."""

_TINY = 1e-300
"""That bound where the output is zero everywhere."""


def _straighten(contours: ContourSet) -> None:
    """Drop the vertices between the ends of straight pieces: one for each line of the mesh."""
    paths = []
    for path in contours.get_paths():
        path.should_simplify = False  # or to_polygons moves vertices by up to 1/9 of a unit of data
        pieces = []
        for piece in map(np.asarray, path.to_polygons(closed_only=False)):
            # Where the output is zero at a node, the mesh has that corner twice or more.
            steps = np.abs(np.diff(piece, axis=0)).max(axis=1)
            piece = piece[np.concatenate([[True], steps > _SAME])]
            if len(piece) < 2:
                continue
            before, after = np.diff(piece[:-1], axis=0), np.diff(piece[1:], axis=0)
            turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
            bends = (np.abs(turn) > _ZERO) | ((before * after).sum(axis=1) < 0)
            pieces.append(
                Path(piece[np.concatenate([[True], bends, [True]])], closed=contours.filled)
            )
        paths.append(Path.make_compound_path(*pieces))
    contours.set_paths(paths)


def tangent_predictor(
    net: Network, theta: Tensor | tuple[Tensor, Tensor]
) -> Callable[[Tensor], Tensor]:
    """Return ``x -> <grad f(x; W_0), theta>/sqrt(m)``, whose margins `ntk_margin` maximizes.

    Args:
        net: the network W_0.
        theta: the primal point of `ntk_margin`: outer layer (m,), inner (m, d), or the pair.

    Raises:
        TypeError, ValueError: not a network, or a point of another dtype, shape or device, or not
            finite; of the predictor, such inputs.
    """
    _validate.kind("net", net, Network)
    given = theta if isinstance(theta, tuple) else (theta,)
    if len(given) not in (1, 2):
        raise ValueError(f"theta has {len(given)} blocks; expected one, or the pair")
    blocks = []
    for block in given:
        shape = (net.m, net.d) if getattr(block, "ndim", 1) == 2 else (net.m,)
        blocks.append(_validate.real_array("theta", block, shape))
        _validate.same_device(theta=blocks[-1], net=net.V)

    def predict(X: Tensor) -> Tensor:
        X = _validate.real_array("X", X, ("n", net.d))
        _validate.same_device(X=X, net=net.V)
        z, total = X @ net.V.T, X.new_zeros(len(X))
        for block in blocks:
            if block.ndim == 1:
                total += activation(z, net.slope) @ block
            else:
                total += (derivative(z, net.slope) * net.a * (X @ block.T)).sum(dim=1)
        return total / math.sqrt(net.m)

    return predict


@figure
def decision_regions(
    predict: Callable[[Tensor], Tensor] | None,
    data: Dataset,
    *,
    level: float | None = None,
    q: Tensor | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw where a predictor is positive and negative, and the lines where it is ``+-level``.

    Args:
        predict: ``X -> f(X)``, such as a `Network`; only the points are drawn when None.
        data: points of the plane.
        level: the margin; support points lie on the lines of this level.
        q: dual weights, shown as the sizes of the points.
        ax: where to draw; a new figure when None.
        title: of the axes.

    Raises:
        ValueError: the data are not two-dimensional, the outputs of the predictor not finite or
            of another shape than (n,), or weights as for `points`.
        TypeError: a predictor that cannot be called, or arguments of another type.
    """
    require_plane("decision_regions", data)
    level = None if level is None else _validate.number("level", level, 0.0)
    q = None if q is None else dual_weights("q", q, data)
    if predict is not None:
        ticks = torch.linspace(-REACH, REACH, 161, dtype=torch.float64)
        second, first = torch.meshgrid(ticks, ticks, indexing="ij")
        at = torch.stack([first.ravel(), second.ravel()], dim=1).to(data.X.device)
        f = outputs(predict, data, at).cpu().reshape(first.shape)
    ax = axes_or_new(ax, title)
    if predict is not None:
        mesh = first.numpy(), second.numpy(), f.numpy()
        largest = float(f.abs().max())
        zero, top = max(_ZERO * largest, _TINY), 2.0 * largest + 1.0
        for levels, colour in (([-top, -zero], NEGATIVE), ([zero, top], POSITIVE)):
            _straighten(ax.contourf(*mesh, levels=levels, colors=[colour], alpha=0.17))
        if float(f.max()) > 0 > float(f.min()):
            _straighten(ax.contour(*mesh, levels=[0.0], colors=INK, linewidths=1.0))
        wanted = [s * level for s in (-1.0, 1.0) if level and float((s * f).max()) > level]
        reached = sorted(wanted)
        if reached:
            lines = ax.contour(*mesh, levels=reached, colors=INK, linewidths=0.7)
            lines.set_linestyle((0, (4, 2)))
            _straighten(lines)
    points(data, ax=ax, q=q)
    return square(ax, title)


@figure
def optimal_directions(
    net: Network,
    data: Dataset,
    *,
    q: Tensor | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw the directions of a network on the unit circle, as thick as their share of the mass.

    Solid spokes have a positive output weight, dashed ones a negative; the number beside a spoke
    is its share ``|a_j| ||v_j|| / sum_k |a_k| ||v_k||``. Equal directions of one sign are merged.

    Args:
        net: a network of the plane.
        data: points of the plane.
        q: dual weights, shown as the areas of the points.
        ax: where to draw; a new figure when None.
        title: of the axes.

    Raises:
        ValueError: the data are not two-dimensional, the network has another dimension or no
            mass, or weights as for `points`.
        TypeError: arguments of another type.
    """
    require_plane("optimal_directions", data)
    _validate.kind("net", net, Network)
    if net.d != data.d:
        raise ValueError(f"net has d = {net.d}; expected {data.d}, as the data")
    q = None if q is None else dual_weights("q", q, data)
    merged = merged_directions(net)
    ax = axes_or_new(ax, title)
    angle = np.linspace(0.0, 2.0 * math.pi, 241)
    ax.plot(np.cos(angle), np.sin(angle), color=MUTED, lw=0.7, zorder=0, label="_circle")
    for direction, sign, share in merged:
        c, s = direction
        colour, style = (POSITIVE, "-") if sign > 0 else (NEGATIVE, (0, (3, 1.2)))
        ax.plot([0, c], [0, s], color=colour, lw=1.0 + 5.0 * share, ls=style, zorder=1)
        across = "center" if abs(c) < 0.4 else "left" if c > 0 else "right"
        along = "center" if abs(s) < 0.4 else "bottom" if s > 0 else "top"
        ax.text(1.3 * c, 1.3 * s, f"{share:.2f}", ha=across, va=along, color=INK, fontsize=9.5)
    points(data, ax=ax, q=q)
    square(ax, title)
    ax.set_xlim(-1.6, 1.6)
    ax.set_ylim(-1.6, 1.6)
    return ax


def merged_directions(
    net: Network, angle: float = 1e-4, floor: float = 1e-6
) -> list[tuple[np.ndarray, float, float]]:
    """Return (unit direction, sign of a, share of the mass), equal directions merged.

    Directions of one sign closer than ``angle`` (radians) are one; shares below ``floor`` are left
    out.
    """
    norms = net.V.norm(dim=1)
    if not bool((net.a * norms).any()):
        raise ValueError("net has no neuron with a mass; expected one")
    share = (net.a.abs() * norms / (net.a.abs() * norms).sum()).cpu().numpy()
    units = (net.V / norms.clamp_min(1e-300)[:, None]).cpu().numpy()
    signs = net.a.sign().cpu().numpy()
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


@figure
def dual_curve(
    q: Tensor,
    data: Dataset,
    *,
    value: float,
    net: Network | None = None,
    slope: float = 0.0,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw ``sum_i q_i y_i s(v.x_i)`` over the circle of directions v, between ``+-value``.

    The curve stays between the lines exactly when q proves that no margin exceeds the value; the
    directions of an optimal network (markers) are where it touches them.

    Args:
        q: dual weights, shape (n,).
        data: points of the plane.
        value: the upper bound of the margin, `Optimum.upper`.
        net: whose directions are marked; none when None.
        slope: of the activation for negative inputs.
        ax: where to draw; a new figure when None.
        title: of the axes.

    Raises:
        ValueError: the data are not two-dimensional, weights as for `points`, a value that is not
            finite, or a network without mass.
        TypeError: arguments of another type.
    """
    require_plane("dual_curve", data)
    value = _validate.number("value", value)
    slope = _validate.number("slope", slope, 0.0, 1.0)
    if net is not None and _validate.kind("net", net, Network).d != 2:
        raise ValueError(f"net has d = {net.d}; dual_curve draws d = 2 only")
    q, marked = dual_weights("q", q, data), [] if net is None else merged_directions(net)
    ax = axes_or_new(ax, title)

    def curve(angle: np.ndarray) -> np.ndarray:
        v = torch.as_tensor(np.stack([np.cos(angle), np.sin(angle)], axis=1)).to(data.X)
        out: np.ndarray = (activation(v @ data.X.T, slope) @ (data.y * q)).cpu().numpy()
        return out

    angle = np.linspace(-math.pi, math.pi, 721)
    ax.plot(np.degrees(angle), curve(angle), color=INK, lw=1.3)
    for level in (-value, value):
        ax.axhline(level, color=ACCENT, lw=1.0, ls=(0, (4, 2)))
    for direction, sign, _ in marked:
        at = np.array([math.atan2(direction[1], direction[0])])
        colour, marker = (POSITIVE, "o") if sign > 0 else (NEGATIVE, "s")
        ax.plot(np.degrees(at), curve(at), marker, color=colour, ms=6, zorder=3)
    ax.set_xlim(-180, 180)
    ax.set_xticks([-180, -90, 0, 90, 180])
    ax.set_xlabel("angle of $v$, degrees")
    ax.set_title(title)
    return ax
