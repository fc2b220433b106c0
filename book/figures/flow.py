"""Figures of the chapter on following a gradient flow: margins along it, and its steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes

from figures._text import table
from lowrot.data import Dataset
from lowrot.losses import dual_weights, soft_margin
from lowrot.network import Network
from lowrot.path import Path
from lowrot.plots import (
    COLOURS,
    INK,
    POSITIVE,
    Axis,
    Chart,
    Curve,
    Fragment,
    Slider,
    convergence,
    explorer,
    figure,
    grid,
    legend_under,
    log_axes,
    narrow,
    sliding_neurons,
)

_HEADS = {
    "tau": r"$\tau$",
    "ln_t": r"$\ln t$",
    "P": "$P$",
    "min_margin": r"$\min_i p_i$",
    "margin": r"$P_+/\|W\|^2$",
    "normalized": r"$\bar\gamma$",
    "sliding": "pairs that slide",
}


def journey(frame: pd.DataFrame) -> HTML:
    """Show rows of a path of `gradient_flow`: clocks, margins, and how many neurons slide."""
    shown = frame[list(_HEADS)].astype({"sliding": int})
    return table(shown.rename(columns=_HEADS), index=False)


@figure
def smoothed_margins(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    best: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw smoothed margins against the clock tau.

    Args:
        curves: by name, times tau and margins; the first is drawn on top of the others.
        best: the largest normalized margin, dashed.
        ax: where to draw; a new figure when None.

    Raises:
        ValueError: nothing to draw.
    """
    if not curves:
        raise ValueError("curves is empty; expected at least one curve")
    ax = grid(1, height=3.4, stacked_height=3.2)[0] if ax is None else ax
    for index, (name, (tau, margin)) in enumerate(curves.items()):
        width, order = (2.6, 5) if index == 0 else (1.1, 2)
        colour, mark = COLOURS[index % len(COLOURS)], ("", "", ".", "^", "s")[index % 5]
        ax.plot(tau, margin, marker=mark, color=colour, label=name, lw=width, zorder=order)
    if best is not None:
        ax.axhline(best, color=INK, lw=0.8, ls=(0, (4, 2)), label="best possible")
    ax.set_xlabel(r"clock $\tau$")
    ax.set_ylabel(r"smoothed margin $P_+/\|W\|^2$")
    ax.figure.legend(loc="outside lower center", ncol=2 if narrow() else 4)
    return ax


@figure
def steps_taken(path: Path, fit: tuple[float, float], *, ax: Axes | None = None) -> Axes:
    """Draw the steps taken against the smallest margin, with a line ``a + b ln min p``.

    Args:
        path: with every step kept.
        fit: ``(a, b)``, drawn from the first margin above 1.
        ax: where to draw; a new figure when None.

    Raises:
        ValueError: the path never reaches a margin above 1.
    """
    least = path["min_margin"]
    far = least > 1
    if not far.any():
        raise ValueError(f"path has min_margin <= {least.max():.3g}; expected one above 1")
    ax = grid(1, width=6.0, height=3.3, stacked_height=2.8)[0] if ax is None else ax
    ends = np.array([least[far].min(), least[far].max()])
    ax.plot(least[far], np.flatnonzero(far), "o", color=POSITIVE, ms=5, label="steps taken")
    label = rf"${fit[0]:.1f} + {fit[1]:.2f} \, \ln \, \mathrm{{min}}_i \, p_i$"
    ax.plot(ends, fit[0] + fit[1] * np.log(ends), color=INK, lw=0.9, ls=(0, (4, 2)), label=label)
    ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    ax.set_xlabel(r"smallest margin $\mathrm{min}_i \, p_i$")
    ax.set_ylabel("steps")
    legend_under(ax)
    return ax


@figure
def sliding_pair(panels: Mapping[str, tuple[Path, Dataset]]) -> list[Axes]:
    """Draw the angles of neurons along several flows of the plane, thick while they slide.

    Args:
        panels: by title, a path and its data.
    """
    axes = grid(len(panels), height=3.4, stacked_height=3.0)
    for ax, (title, (path, data)) in zip(axes, panels.items()):
        sliding_neurons(path, data, ax=ax, title=title)
    return axes


@figure
def errors_by_effort(
    panels: Mapping[str, tuple[Sequence[float], Sequence[float], tuple[str, str], float | None]],
) -> list[Axes]:
    """Draw one series a panel on logarithmic axes.

    Args:
        panels: by title: abscissas, ordinates, both labels, and a slope to compare with, or None.
    """
    axes = grid(len(panels), height=3.2, stacked_height=2.9)
    for ax, (title, (x, y, labels, slope)) in zip(axes, panels.items()):
        convergence({"measured": (x, y)}, labels=labels, slope=slope, ax=ax)
        ax.set_title(title)
    return axes


@figure
def work_precision(runs: pd.DataFrame) -> Axes:
    """Draw the error against the seconds of each run, its tolerance beside it.

    Args:
        runs: columns ``method``, ``tolerance``, ``error of P`` (nan where the goal was not
            reached) and ``seconds``.
    """
    (ax,) = grid(1, width=6.4, height=3.7, stacked_height=4.2)
    lost = []
    for (name, rows), colour, mark in zip(
        runs.groupby("method", sort=False), COLOURS, ("o-", "s--", "^-.", "D:", "v-")
    ):
        here = rows.dropna(subset="error of P")
        if here.empty:
            lost.append(str(name))
            continue
        ax.plot(here.seconds, here["error of P"], mark, color=colour, ms=6, label=str(name))
        for _, row in here.iterrows():
            ax.annotate(
                rf"$10^{{{math.log10(row.tolerance):.0f}}}$",
                (row.seconds, row["error of P"]),
                (7, 4),
                textcoords="offset points",
                fontsize=10,
            )
    if lost:
        ax.set_title(f"never there: {', '.join(lost)}", fontsize=10.5)
    ax.margins(x=0.12, y=0.15)
    log_axes(ax)
    ax.set(xlabel="time, seconds", ylabel="relative error of $P$")
    ax.figure.legend(loc="outside lower center", ncol=1 if narrow() else 4)
    return ax


@figure
def cost_against_margin(runs: pd.DataFrame) -> Axes:
    """Draw the seconds in which each method reaches a margin accurately.

    Args:
        runs: columns ``peer``, ``target`` and ``seconds`` (nan where it is not reached).
    """
    (ax,) = grid(1, width=6.4, height=3.9, stacked_height=5.2)
    lost, looks = [], iter(zip(COLOURS * 2, ("s--", "^-.", "D:", "v-.", "P--", "X:", "<-.", ">--")))
    for name, rows in runs.groupby("peer", sort=False):
        here = rows.dropna(subset="seconds")
        if here.empty:
            lost.append(str(name))
            continue
        colour, look = (INK, "o-") if name == "lowrot" else next(looks)
        width = 3.0 if name == "lowrot" else None  # that of the style
        ax.plot(here.target, here.seconds, look, color=colour, lw=width, ms=6, label=str(name))
    if lost:
        ax.plot([], [], " ", label=f"never there: {', '.join(lost)}")
    ax.margins(x=0.08, y=0.1)
    log_axes(ax)
    ax.set(xlabel=r"smallest margin $\min_i p_i$", ylabel="seconds")
    ax.figure.legend(loc="outside lower center", ncol=1 if narrow() else 3)
    return ax


@figure
def step_explorer(path: Path, net: Network, data: Dataset, steps: Sequence[float]) -> Fragment:
    """Show explicit Euler steps beside the flow, with a slider for their size.

    Args:
        path: the flow, with states a and V.
        net: its start.
        data: points of the plane.
        steps: sizes in the clock tau.
    """
    end = float(path["tau"][-1])
    runs = [_euler(net, data, h, end) for h in steps]
    flow_tracks = _tracks([(a, V) for a, V in zip(path["a"], path["V"])])
    best = max(float(path["margin"].max()), *(float(run[1].max()) for run in runs), 1e-9)
    margins = Chart(
        "smoothed margin",
        Axis("clock τ", 0, max(end, 20.0), [0, 5, 10, 15, 20]),
        Axis("margin", 0, 1.1 * best, [0, 0.04, 0.08, 0.12]),
        [
            Curve("Euler", [_thin(tau, margin) for tau, margin, _ in runs], "minus thin"),
            Curve("gradient flow", [_thin(path["tau"], path["margin"])], "plus"),
        ],
        readout=[
            f"at the end: Euler {margin[-1]:.3f}, flow {path['margin'][-1]:.3f}; "
            f"{len(tau)} Euler steps"
            for tau, margin, _ in runs
        ],
        about="Smoothed margin against the clock, of Euler steps and of the flow",
    )
    tracks = [_tracks(states) for _, _, states in runs]
    reach = 1.1 * max(float(np.nanmax(np.abs(lines))) for lines in (flow_tracks, *tracks))
    unit = Axis("", -reach, reach, [])
    plane = Chart(
        "each neuron at its share of the mass",
        unit,
        unit,
        [
            Curve("Euler", tracks, "minus thin"),
            Curve("gradient flow", [flow_tracks], "plus"),
            Curve("", [([0.0], [0.0])], "ink dots"),
        ],
        square=True,
        about="Tracks of the neurons in the plane, of Euler steps and of the flow",
    )
    slider = Slider("step", [f"h = {h:g}" for h in steps], start=0)
    words = "Euler steps of several sizes beside gradient flow"
    return explorer([plane, margins], slider, description=words)


def _euler(
    net: Network, data: Dataset, h: float, end: float
) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Return times, smoothed margins and states of explicit Euler steps in the clock tau."""
    margins, states = [], []
    for _ in range(round(end / h)):
        p = net.margins(data)
        margins.append(max(float(soft_margin(p)), 0.0) / net.norm_squared)
        states.append((net.a.numpy(), net.V.numpy()))
        a, V = net.gradient(data, dual_weights(p)[0])
        net = Network(net.a + h * a, net.V + h * V)
    return h * np.arange(len(margins)), np.array(margins), states


def _tracks(states: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[list[float], list[float]]:
    """Return ``a_j v_j`` over the sum of masses, at 30 times at most, a line a neuron."""
    kept = [states[k] for k in np.unique(np.linspace(0, len(states) - 1, 30).astype(int))]
    where = np.array(
        [a[:, None] * V / (np.abs(a) * np.linalg.norm(V, axis=1)).sum() for a, V in kept]
    )
    gap = np.full((1, *where.shape[1:]), np.nan)
    lines = np.concatenate([where, gap]).swapaxes(0, 1).reshape(-1, 2)
    return lines[:, 0].tolist(), lines[:, 1].tolist()


def _thin(x: np.ndarray, y: np.ndarray, most: int = 240) -> tuple[list[float], list[float]]:
    """Return at most so many points of a curve."""
    step = -(-len(x) // most)
    return x[::step].tolist(), y[::step].tolist()
