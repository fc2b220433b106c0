"""How far the neurons of the plane have turned: threads from first directions to last."""

from __future__ import annotations

import math

import numpy as np
import torch
from matplotlib.axes import Axes

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.metrics import feature_change
from lowrot.network import Network
from lowrot.plots._layout import figure
from lowrot.plots._plane import axes_or_new, require_plane
from lowrot.plots._style import DAY, INK, MUTED, NEGATIVE, POSITIVE

_INNER, _OUTER = 0.62, 1.0
"""Radii of the first and of the last directions."""


@figure
def ring(
    before: Network,
    after: Network,
    data: Dataset,
    *,
    shown: int = 96,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw a thread a neuron from its direction before (inner ring) to its direction after (outer).

    A radial thread is a neuron that did not rotate; its width is ``|a_j| ||v_j||`` after, and it
    is blue and solid for a positive a_j, orange and dashed for a negative one. Below is the mean
    rotation, weighted by ``|a_j| ||v_j||`` after (`feature_change`).

    Args:
        before: a network of the plane, m neurons.
        after: the same neurons later.
        data: whose directions are drawn around the rings.
        shown: at most so many neurons, an even selection.
        ax: where to draw; a new figure when None.
        title: of the axes.

    Raises:
        ValueError: data or networks of another dimension, networks that differ in shape, or
            neurons without direction.
        TypeError: arguments of another type.
    """
    require_plane("ring", data)
    for name, net in (("before", before), ("after", after)):
        if _validate.kind(name, net, Network).d != 2:
            raise ValueError(f"{name} has d = {net.d}; ring draws d = 2 only")
        if not bool(net.V.norm(dim=1).all()):
            raise ValueError(f"{name} has neurons with v_j = 0 and no direction; expected none")
    if (before.m, before.slope) != (after.m, after.slope):
        raise ValueError(
            f"before has m = {before.m} and slope {before.slope:g}, after m = {after.m} and slope "
            f"{after.slope:g}; expected the same neurons"
        )
    if not bool(after.a.any()):
        raise ValueError("after has a = 0; expected a neuron with a mass")
    key_turned = math.degrees(feature_change(after, before, data).key_turned)
    shown = _validate.integer("shown", shown, 1)
    ax = axes_or_new(ax, title)
    turn = np.linspace(0.0, 2.0 * math.pi, 241)
    for radius in (_INNER, _OUTER):
        ax.plot(
            radius * np.cos(turn),
            radius * np.sin(turn),
            color=MUTED,
            lw=0.6,
            zorder=0,
            label="_ring",
        )
    _threads(ax, before, after, shown)
    _around(ax, data)
    ax.set_aspect("equal")
    ax.set_xlim(-1.26, 1.26)
    ax.set_ylim(-1.26, 1.26)
    ax.set_axis_off()
    ax.set_title(title, color=INK)
    ax.text(
        0.5,
        -0.02,
        f"key weights turn by {_degrees(key_turned)}",
        transform=ax.transAxes,
        ha="center",
        va="top",
        fontsize=10.5,
        color=INK,
    )
    return ax


def _threads(ax: Axes, before: Network, after: Network, shown: int) -> None:
    """Draw the threads, the heaviest last."""
    start = torch.atan2(before.V[:, 1], before.V[:, 0]).cpu().numpy()
    end = torch.atan2(after.V[:, 1], after.V[:, 0]).cpu().numpy()
    angle = (end - start + math.pi) % (2 * math.pi) - math.pi
    mass = (after.a.abs() * after.V.norm(dim=1)).cpu().numpy()
    keep = np.unique(np.linspace(0, before.m - 1, min(shown, before.m)).astype(int))
    keep = keep[np.argsort(mass[keep], kind="stable")]
    along = np.linspace(0.0, 1.0, 30)
    bend = along**2 * (3.0 - 2.0 * along)
    for j in keep:
        theta = start[j] + angle[j] * bend
        reach = _INNER + (_OUTER - _INNER) * along
        weight = mass[j] / mass[keep].max()
        colour, style = (POSITIVE, "-") if after.a[j] > 0 else (NEGATIVE, (0, (2.2, 1.1)))
        ax.plot(
            reach * np.cos(theta),
            reach * np.sin(theta),
            color=colour,
            ls=style,
            lw=0.5 + 2.6 * weight,
            alpha=0.25 + 0.75 * weight,
            solid_capstyle="round",
            dash_capstyle="butt",
            zorder=1 + weight,
        )


def _around(ax: Axes, data: Dataset) -> None:
    """Draw the directions of the points outside the outer ring."""
    units = (data.X / data.X.norm(dim=1, keepdim=True)).cpu().numpy()
    for sign, colour, marker in ((1, POSITIVE, "o"), (-1, NEGATIVE, "s")):
        mine = (data.y == sign).cpu().numpy()
        x, y = 1.16 * units[mine].T
        ax.scatter(x, y, s=26, c=colour, marker=marker, edgecolors=DAY, zorder=4)


def _degrees(value: float) -> str:
    if value < 1e-9:
        return "0°"
    return f"{value:.0f}°" if value >= 10 else f"{value:.2g}°"
