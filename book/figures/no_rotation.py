"""Figures of the no-rotation chapter: masses on fixed directions, bounds, certificates, widths."""

from __future__ import annotations

import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes

from figures._shared import label_rows
from figures._text import table
from lowrot.coupled import Features
from lowrot.data import Dataset
from lowrot.path import Path
from lowrot.plots import (
    ACCENT,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SECOND,
    Fragment,
    Panel,
    figure,
    grid,
    legend_under,
    narrow,
    scrubber,
)


def masses(path: Path, features: Features, data: Dataset, *, title: str) -> Fragment:
    """Show each neuron at its direction while its share of ``||u||_1`` changes, with a slider.

    Args:
        path: a coupled path of these features on these data; every saved time is a frame.
        features: directions on the circle (d = 2) or the sphere (d = 3), m neurons.
        data: the data set; its points are drawn on the same circle or sphere.
        title: of the panel.

    Raises:
        ValueError: d is not 2 or 3.
    """
    if data.d not in (2, 3):
        raise ValueError(f"data has d = {data.d}; directions can be drawn for d = 2 or 3")
    shares = features.shares(data, path["z"]).cpu().numpy()
    V = features.directions.cpu().numpy()
    panel = Panel(
        title,
        data,
        directions=np.broadcast_to(V, (len(shares), *V.shape)),
        masses=features.signs.cpu().numpy() * shares,
        readout={"margin": path["margin"]},
    )
    return scrubber(panel, path["tau"], description=f"Masses on fixed directions: {title}")


_HEADS = {
    "tau": r"$\tau$",
    "ln_norm": r"$\ln \|u\|_1$",
    "bound": "bound",
    "margin": r"margin $P_+/\|u\|_1$",
    "gamma": r"$\gamma_{\mathrm{frozen}}$",
    "dual": r"certificate $\hat\gamma$",
    "gap": "relative gap",
    "width": "width of the certificate",
    "width_bound": "bound on the width",
    "ln_P": r"$\ln P_+$",
}


def both_sides(frame: pd.DataFrame) -> HTML:
    """Show rows of `NoRotation.check`: what the two theorems compare."""
    return _shown(frame, ["tau", "bound", "margin", "gamma", "dual", "width", "width_bound"])


def columns(frame: pd.DataFrame) -> HTML:
    """Show rows of a coupled path: norm, margin and certificate."""
    return _shown(frame, ["tau", "ln_norm", "margin", "dual", "gap", "ln_P"])


def _shown(frame: pd.DataFrame, names: list[str]) -> HTML:
    """The columns by name; margins, which differ late, with more digits."""
    shown = frame[names].astype(object)
    for name in {"bound", "margin", "gamma", "dual"} & set(names):
        shown[name] = [f"{value:.5f}".replace("-", "−") for value in frame[name]]
    words = table(shown.rename(columns=_HEADS), index=False).data
    return HTML(words.replace(' class="text-start"', ""))  # they are numbers


@figure
def bounds(frame: pd.DataFrame, gamma_global: float | None = None) -> list[Axes]:
    """Draw margin, bounds and dual certificate against tau, and their distances on log axes.

    Args:
        frame: the frame of `NoRotation.check`.
        gamma_global: the globally maximal margin, drawn as a reference line if given.
    """
    left, right = grid(2, height=4.5, stacked_height=4.2)
    gamma = float(frame.gamma.iloc[0])
    left.plot(
        frame.tau, frame.dual, color=NEGATIVE, ls="--", label=r"certificate $\hat\gamma(\tau)$"
    )
    left.plot(frame.tau, frame.margin, color=POSITIVE, label=r"margin $P_+/\|u\|_1$")
    left.plot(frame.tau, frame.bound, color=ACCENT, ls="-.", label="bound of the theorem")
    left.plot(frame.tau, frame.bound_a_priori, color=ACCENT, ls=":", label="bound, a priori")
    left.axhline(gamma, color=INK, lw=1.0, label=r"$\gamma_{\mathrm{frozen}}$ (linear program)")
    if gamma_global is not None:
        left.axhline(gamma_global, color=MUTED, lw=1.0, ls=(0, (6, 3)), label="global optimum")
    left.set(xscale="log", xlabel=r"clock $\tau$", ylabel="margin", ylim=(0, 1.6 * gamma))
    left.set_xlim(frame.tau.iloc[-1] * 1e-5, frame.tau.iloc[-1])
    legend_under(left)
    right.plot(
        frame.tau,
        gamma - frame.margin,
        color=POSITIVE,
        label=r"$\gamma_{\mathrm{frozen}} - P_+/\|u\|_1$",
    )
    right.plot(
        frame.tau,
        gamma - frame.bound,
        color=ACCENT,
        ls="-.",
        label=r"bound on $\gamma_{\mathrm{frozen}} - P_+/\|u\|_1$",
    )
    right.plot(frame.tau, frame.width, color=NEGATIVE, ls="--", label=r"$\hat\gamma - P_+/\|u\|_1$")
    right.plot(
        frame.tau,
        frame.width_bound,
        color=SECOND,
        ls=":",
        label=r"bound on $\hat\gamma - P_+/\|u\|_1$",
    )
    right.set(xscale="log", yscale="log", xlabel=r"clock $\tau$", ylabel="distance")
    right.set_xlim(*left.get_xlim())
    visible = frame[frame.tau >= left.get_xlim()[0]]
    right.set_ylim(0.3 * (gamma - visible.margin).clip(lower=1e-12).min(), 30 * gamma)
    legend_under(right)
    return [left, right]


@figure
def widths(frame: pd.DataFrame, covering: pd.DataFrame) -> Axes:
    """Draw the loss of margin by finite width, over seeds, beside the covering bound.

    Args:
        frame: columns ``d``, ``m``, ``seed``, ``loss`` (1 - gamma_frozen/gamma_gl, in [0, 1]).
        covering: columns ``d``, ``m``, ``bound`` (its bound at the stated confidence).
    """
    (axis,) = grid(1, width=6.4, height=3.9, stacked_height=4.0)
    colors = [POSITIVE, NEGATIVE, ACCENT, SECOND]
    for color, mark, (d, part) in zip(colors, "os^D", frame.groupby("d")):
        summary = part.groupby("m")["loss"].agg(["median", "min", "max"])
        axis.plot(
            summary.index, summary["median"], f"{mark}-", ms=5, color=color, label=f"$d = {d}$"
        )
        axis.fill_between(
            summary.index, summary["min"], summary["max"], color=color, alpha=0.18, lw=0
        )
        bound = covering[covering.d == d]
        axis.plot(bound.m, bound.bound.clip(upper=1.0), f"{mark}:", color=color, ms=5, mfc="none")
    axis.plot([], [], color=INK, ls=":", label="covering bound (hollow)")
    axis.set(xscale="log", yscale="log", xlabel="width $m$")
    axis.set_ylabel(r"$1 - \gamma_{\mathrm{frozen}}/\gamma_{\mathrm{gl}}$")
    axis.figure.legend(loc="outside lower center", ncol=2 if narrow() else 5)
    return axis


@figure
def relevant_mass(curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> Axes:
    """Draw the share of mass in the span of the relevant coordinates against tau, by label."""
    (axis,) = grid(1, width=6.0, height=3.2, stacked_height=3.0)
    for style, (label, (tau, mass)) in zip(("-", "--", "-."), curves.items()):
        axis.plot(tau[tau > 0], mass[tau > 0], ls=style, label=label)
    axis.set(xscale="log", xlabel=r"clock $\tau$", ylabel="relevant share of the mass")
    axis.set_ylim(0, 1.02)
    legend_under(axis)
    return axis


@figure
def proof_lines(frame: pd.DataFrame) -> list[Axes]:
    """Draw both sides of the three inequalities of the proof (frame of `inequalities`)."""
    axes = grid(3, height=3.2, stacked_height=2.6, letters=False)
    lines = [
        (
            "(1) optimal neurons",
            "optimal_growth",
            "two_gamma_tau",
            r"$2 \gamma_{\mathrm{frozen}} \tau$",
        ),
        ("(2) Gibbs", "ln_norm", "gibbs", "lower bound"),
        ("(4) norm", "norm_growth_bound", "norm_growth", "left side"),
    ]
    for axis in axes[1:]:
        axis.sharey(axes[0])
        axis.tick_params(labelleft=narrow())
    later = frame[frame.tau > 0]
    for axis, (title, large, low, name) in zip(axes, lines, strict=True):
        axis.plot(later.tau, later[large], color=POSITIVE, label="larger side")
        axis.plot(later.tau, later[low], color=NEGATIVE, ls="--", label=name)
        axis.set(xscale="log", xlabel=r"clock $\tau$", title=title)
        axis.set_yscale("symlog", linthresh=1.0)
        axis.legend(loc="upper left", handlelength=1.5)
    label_rows(axes, "logarithm")
    return axes
