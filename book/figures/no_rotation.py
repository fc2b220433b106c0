"""Figures of the no-rotation chapter: masses on fixed directions, bounds, certificates, widths."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lowrot.coupled import Features
from lowrot.data import Dataset
from lowrot.path import Path
from lowrot.plots import ACCENT, INK, MUTED, NEGATIVE, POSITIVE, SECOND, grid, orthographic


def masses(path: Path, features: Features, data: Dataset, *, taus: Sequence[float]) -> list[Axes]:
    """Draw each neuron at its direction with an area that is its share of ``||u||_1``.

    Args:
        path: a coupled path of these features on these data.
        features: directions on the circle (d = 2) or the sphere (d = 3), m neurons.
        data: the data set; its points are drawn on the same circle or sphere.
        taus: clock times, one panel each (the last saved time not after each).

    Raises:
        ValueError: d is not 2 or 3.
    """
    if data.d not in (2, 3):
        raise ValueError(f"data has d = {data.d}; directions can be drawn for d = 2 or 3")
    columns = min(3, len(taus))
    rows = math.ceil(len(taus) / columns)
    axes = grid(columns, rows, width=1.8 * columns, height=1.95)
    for unused in axes[len(taus) :]:
        unused.axis("off")
    axes = axes[: len(taus)]
    found = np.searchsorted(path["tau"], np.asarray(taus), side="right") - 1
    shares = features.shares(data, path["z"][found.clip(min=0)]).cpu().numpy()
    for axis, index, share in zip(axes, found.clip(min=0), shares, strict=True):
        draw = _circle if data.d == 2 else _sphere
        draw(axis, features, data, share)
        axis.set_title(rf"$\tau = {_short(float(path['tau'][index]))}$", loc="center")
    return axes


def bounds(frame: pd.DataFrame, gamma_global: float | None = None) -> list[Axes]:
    """Draw margin, bounds and dual certificate against tau, and their distances on log axes.

    Args:
        frame: the frame of `NoRotation.check`.
        gamma_global: the globally maximal margin, drawn as a reference line if given.
    """
    left, right = grid(2, height=3.9)
    gamma = float(frame.gamma.iloc[0])
    left.plot(frame.tau, frame.dual, color=NEGATIVE, label=r"certificate $D(\tau)$")
    left.plot(frame.tau, frame.margin, color=POSITIVE, label=r"margin $P_+/\|u\|_1$")
    left.plot(frame.tau, frame.bound, color=ACCENT, label="bound of the theorem")
    left.plot(frame.tau, frame.bound_a_priori, color=ACCENT, ls=":", label="bound, a priori")
    left.axhline(gamma, color=INK, lw=0.8, ls="--", label=r"$\gamma$ (linear program)")
    if gamma_global is not None:
        left.axhline(gamma_global, color=MUTED, lw=0.8, label="global optimum")
    left.set(xscale="log", xlabel=r"clock $\tau$", ylabel="margin", ylim=(0, 1.6 * gamma))
    left.set_xlim(frame.tau.iloc[-1] * 1e-5, frame.tau.iloc[-1])
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=8)
    right.plot(frame.tau, gamma - frame.margin, color=POSITIVE, label=r"$\gamma - P_+/\|u\|_1$")
    right.plot(frame.tau, gamma - frame.bound, color=ACCENT, label="its bound")
    right.plot(frame.tau, frame.width, color=NEGATIVE, label=r"$D - P_+/\|u\|_1$")
    right.plot(frame.tau, frame.width_bound, color=SECOND, ls="--", label="its bound")
    right.set(xscale="log", yscale="log", xlabel=r"clock $\tau$", ylabel="distance")
    right.set_xlim(*left.get_xlim())
    visible = frame[frame.tau >= left.get_xlim()[0]]
    right.set_ylim(0.3 * (gamma - visible.margin).clip(lower=1e-12).min(), 30 * gamma)
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=8)
    return [left, right]


def widths(frame: pd.DataFrame, covering: pd.DataFrame) -> Axes:
    """Draw the loss of margin by finite width, over seeds, beside the covering bound.

    Args:
        frame: columns ``d``, ``m``, ``seed``, ``loss`` (1 - gamma_frozen/gamma_gl, in [0, 1]).
        covering: columns ``d``, ``m``, ``bound`` (its bound at the stated confidence).
    """
    (axis,) = grid(1, width=5.4, height=3.2)
    colors = [POSITIVE, NEGATIVE, ACCENT, SECOND]
    for color, (d, part) in zip(colors, frame.groupby("d"), strict=False):
        summary = part.groupby("m")["loss"].agg(["median", "min", "max"])
        axis.plot(summary.index, summary["median"], "o-", ms=3, color=color, label=f"d = {d}")
        axis.fill_between(
            summary.index, summary["min"], summary["max"], color=color, alpha=0.18, lw=0
        )
        bound = covering[covering.d == d]
        axis.plot(bound.m, bound.bound.clip(upper=1.0), color=color, ls=":")
    axis.plot([], [], color=INK, ls=":", label="covering bound")
    axis.set(xscale="log", yscale="log", xlabel="width $m$")
    axis.set_ylabel(r"$1 - \gamma_{\mathrm{frozen}}/\gamma_{\mathrm{gl}}$")
    axis.legend()
    return axis


def relevant_mass(curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> Axes:
    """Draw the share of mass in the span of the relevant coordinates against tau, by label."""
    (axis,) = grid(1, width=5.0, height=2.8)
    for label, (tau, mass) in curves.items():
        axis.plot(tau[tau > 0], mass[tau > 0], label=label)
    axis.set(xscale="log", xlabel=r"clock $\tau$", ylabel="relevant share of the mass")
    axis.set_ylim(0, 1.02)
    axis.legend()
    return axis


def proof_lines(frame: pd.DataFrame) -> list[Axes]:
    """Draw both sides of the three inequalities of the proof (frame of `inequalities`)."""
    axes = grid(3, height=2.5)
    lines = [
        ("(1) optimal neurons", "optimal_growth", "two_gamma_tau", r"$2\gamma\tau$"),
        ("(2) Gibbs", "ln_norm", "gibbs", "lower bound"),
        ("(4) norm", "norm_growth_bound", "norm_growth", "left side"),
    ]
    for axis in axes[1:]:
        axis.sharey(axes[0])
        axis.tick_params(labelleft=False)
    later = frame[frame.tau > 0]
    for axis, (title, large, low, name) in zip(axes, lines, strict=True):
        axis.plot(later.tau, later[large], color=POSITIVE, label="larger side")
        axis.plot(later.tau, later[low], color=NEGATIVE, ls="--", label=name)
        axis.set(xscale="log", xlabel=r"clock $\tau$", title=title)
        axis.set_yscale("symlog", linthresh=1.0)
        axis.legend(fontsize=8, loc="upper left", handlelength=1.5)
    return axes


def _circle(axis: Axes, features: Features, data: Dataset, share: np.ndarray) -> None:
    V, X = features.directions.cpu().numpy(), data.X.cpu().numpy()
    angle = np.linspace(0, 2 * math.pi, 200)
    axis.plot(np.cos(angle), np.sin(angle), color=MUTED, lw=0.8, zorder=0)
    _points(axis, X / np.linalg.norm(X, axis=1, keepdims=True), data, 1.27)
    axis.scatter(V[:, 0], V[:, 1], s=_areas(share), c=_colours(features), alpha=0.75, lw=0)
    _frame(axis, 1.36)


def _sphere(axis: Axes, features: Features, data: Dataset, share: np.ndarray) -> None:
    """An orthographic view; the far side is pale."""
    V = orthographic(features.directions.cpu().numpy())
    angle = np.linspace(0, 2 * math.pi, 200)
    equator = orthographic(np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1))
    axis.plot(np.cos(angle), np.sin(angle), color=MUTED, lw=0.8, zorder=0)
    for side, style in ((equator[:, 2] < 0, ":"), (equator[:, 2] >= 0, "-")):
        line = np.where(side[:, None], equator[:, :2], np.nan)
        axis.plot(line[:, 0], line[:, 1], color=MUTED, lw=0.8, ls=style, zorder=0)
    near = V[:, 2] >= 0
    sizes, colours = _areas(share), np.array(_colours(features))
    for side, alpha in ((~near, 0.22), (near, 0.8)):
        axis.scatter(V[side, 0], V[side, 1], s=sizes[side], c=colours[side], alpha=alpha, lw=0)
    X = data.X.cpu().numpy()
    _points(axis, orthographic(X / np.linalg.norm(X, axis=1, keepdims=True)), data, 1.0)
    _frame(axis, 1.06)


def _points(axis: Axes, X: np.ndarray, data: Dataset, radius: float) -> None:
    for sign, marker in ((1, "$+$"), (-1, "$-$")):
        chosen = (data.y == sign).cpu().numpy()
        at = radius * X[chosen]
        axis.scatter(at[:, 0], at[:, 1], marker=marker, s=34, color=INK, lw=0.4)


def _areas(share: np.ndarray) -> np.ndarray:
    """Areas in points^2: the share of the mass, with a floor so that no neuron vanishes."""
    return 2.0 + 260.0 * share


def _colours(features: Features) -> list[str]:
    return [POSITIVE if sign > 0 else NEGATIVE for sign in features.signs.tolist()]


def _frame(axis: Axes, reach: float) -> None:
    axis.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
    axis.axis("off")


def _short(value: float) -> str:
    """A number with two digits, in LaTeX."""
    if value == 0 or 0.01 <= value < 1000:
        return f"{value:.2g}" if value < 100 else f"{value:.0f}"
    power = math.floor(math.log10(value))
    mantissa = f"{value / 10**power:.2g}"
    return rf"10^{{{power}}}" if mantissa == "1" else rf"{mantissa}\times 10^{{{power}}}"
