"""Figures of the neural-collapse chapter: good directions, bounds, rotation, metrics, errors."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from torch import Tensor

from figures._shared import hatched, label_rows
from lowrot.data import Dataset
from lowrot.metrics import rotation
from lowrot.network import Network
from lowrot.path import Path
from lowrot.plots import (
    ACCENT,
    COLOURS,
    DASHES,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SIGNED,
    figure,
    grid,
    legend_below,
    legend_under,
    narrow,
    points,
    require_plane,
    square,
)
from lowrot.theorems import NeuralCollapse, plane_arcs

EXACT = ("-", "--", "-.", DASHES[4])
_METRICS = {
    "groups": "variability in groups",
    "labels": "variability in labels",
    "duality": "distance (NC3)",
}
"""By column, what a panel of the metrics shows."""
_PALE = 1 / 3
"""Products nearer to zero than this show the ground, by `SIGNED`."""
_ZERO = 1e-10
"""Metrics below this are zero but for rounding, and have no place on a logarithmic axis."""


@figure
def good_directions(sets: Mapping[str, Dataset], opposite: Collection[str] = ()) -> list[Axes]:
    """Draw, for each data set of the plane, the arc of good directions of each group.

    Args:
        sets: data with groups, by the title of their panel.
        opposite: titles of panels that show the opposite-label variant.

    Raises:
        ValueError: data that are not in the plane.
    """
    axes = grid(len(sets), height=2.1, stacked=2, stacked_height=2.0)
    turn = np.linspace(0, 2 * math.pi, 241)
    for axis, (title, data) in zip(axes, sets.items()):
        require_plane("good_directions", data)
        assert data.groups is not None
        axis.plot(np.cos(turn), np.sin(turn), color=MUTED, lw=0.7, zorder=0, label="_circle")
        arcs = plane_arcs(data, opposite=title in opposite)
        for k, (name, (start, length)) in enumerate(zip(data.groups.unique(), arcs)):
            label = float(data.y[data.groups == name][0])
            along = np.linspace(start, start + length, 60)
            radius = np.concatenate([np.full(60, 0.35 + 0.08 * k), np.full(60, 0.41 + 0.08 * k)])
            around = np.concatenate([along, along[::-1]])
            colour = POSITIVE if label > 0 else NEGATIVE
            if length > 0:
                axis.fill(
                    radius * np.cos(around),
                    radius * np.sin(around),
                    fc=colour if label > 0 else "none",
                    ec=colour,
                    lw=1.2,
                    label=f"group {k + 1}",
                )
        points(data, ax=axis)
        square(axis, title)
    return axes


@figure
def collapse_bounds(conclusion: pd.DataFrame, proof: pd.DataFrame, best: float) -> list[Axes]:
    """Draw the margin with its bounds, and the lines of the proof around ln ||W||^2.

    Args:
        conclusion: the frame of `NeuralCollapse.check`.
        proof: the frame of `NeuralCollapse.inequalities`, of the same path.
        best: the largest limit of the margin of any network, ``gamma_gl/2``.
    """
    left, right = grid(2, height=4.3, stacked_height=3.9)
    limit = float(conclusion.limit.iloc[0])
    tau = conclusion.tau
    left.plot(tau, conclusion.margin, color=POSITIVE, label=r"margin $P_+/\|W\|^2$")
    left.plot(tau, conclusion.bound, color=ACCENT, ls="--", label="bound of the theorem")
    left.plot(tau, conclusion.bound_a_priori, color=ACCENT, ls=":", label="bound, a priori")
    same = math.isclose(limit, best, rel_tol=1e-6)
    name = "$1/(2S)$, best of all networks" if same else "$1/(2S)$"
    left.axhline(limit, color=INK, lw=1.0, label=name)
    if not same:
        left.axhline(best, color=MUTED, lw=1.0, ls=(0, (6, 3)), label="best of all networks")
    left.set(xscale="log", xlabel=r"clock $\tau$", ylabel="margin", ylim=(0, 1.25 * best))
    left.set_xlim(tau.iloc[-1] * 1e-3, tau.iloc[-1])
    legend_under(left)
    lines = {
        "norm_bound": (r"$\ln\|W_0\|^2+4\tau P_+/\|W\|^2+J$", NEGATIVE, "--"),
        "ln_norm": (r"$\ln\|W\|^2$", POSITIVE, "-"),
        "potential": (r"potential $\Psi$", ACCENT, "-."),
        "growth": (r"$\ln G_0+2\tau/S$", INK, ":"),
    }
    for name, (label, colour, style) in lines.items():
        right.plot(proof.tau, proof[name], color=colour, ls=style, label=label)
    right.set(xlabel=r"clock $\tau$", ylabel="logarithm", xlim=(0, proof.tau.iloc[-1]))
    legend_under(right)
    return [left, right]


def mean_rotation(path: Path, net: Network, chosen: Tensor) -> np.ndarray:
    """Return the rotation of the chosen neurons in degrees, weighted by ``|a_j| ||v_j||``.

    Args:
        path: with states a, shape (k, m), and V, shape (k, m, d).
        net: where rotation is measured from.
        chosen: which neurons, shape (m,), boolean.

    Returns:
        Shape (k,); nan where none is chosen.
    """
    out = []
    for a, V in zip(path["a"], path["V"]):
        now = Network(torch.as_tensor(a), torch.as_tensor(V), net.slope)
        mass = now.a.abs() * now.V.norm(dim=1) * chosen
        turned = torch.nan_to_num(torch.rad2deg(rotation(now, net)))
        out.append(float((mass * turned).sum() / mass.sum()) if mass.sum() > 0 else math.nan)
    return np.array(out)


def angle_to_groups(path: Path, theorem: NeuralCollapse) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each neuron is from the nearest group of its sign, and its share of the mass.

    Args:
        path: with states a, shape (k, m), and V, shape (k, m, d).
        theorem: of its start; its r groups are at the unit vectors ``beta``.

    Returns:
        Angles in degrees and shares of the mass ``|a_j| ||v_j||``, both of shape (k, m). The angle
        is 180 where no group has the sign of the neuron.
    """
    size = np.linalg.norm(path["V"], axis=2)
    mass = np.abs(path["a"]) * size
    cosine = path["V"] @ theorem.beta.cpu().numpy().T / np.where(size > 0, size, 1.0)[:, :, None]
    label = theorem.group_frame().label.to_numpy()
    mine = np.sign(path["a"])[:, :, None] == label
    angle = np.where(mine, np.degrees(np.arccos(cosine.clip(-1, 1))), 180.0).min(axis=2)
    return angle, mass / mass.sum(axis=1, keepdims=True)


@figure
def rotation_and_share(path: Path, net: Network, good: Tensor) -> list[Axes]:
    """Draw how far good and other neurons have turned, and the share of mass of the good ones.

    Args:
        path: with states a and V.
        net: the network at its start.
        good: neurons that were good for some group at the start, shape (m,), boolean.
    """
    left, right = grid(2, height=3.0, stacked_height=2.5)
    tau = path["tau"]
    mass = np.abs(path["a"]) * np.linalg.norm(path["V"], axis=2)
    share = mass[:, good.cpu().numpy()].sum(axis=1) / mass.sum(axis=1)
    kinds = ((good, POSITIVE, "-", "good"), (~good, NEGATIVE, "--", "others"))
    for chosen, colour, style, label in kinds:
        left.plot(tau, mean_rotation(path, net, chosen), color=colour, ls=style, label=label)
    left.set(xscale="log", xlabel=r"clock $\tau$", ylabel="mean rotation, degrees")
    left.set_ylim(bottom=0)
    left.legend()
    right.plot(tau, share, color=POSITIVE, label="good")
    right.set(xscale="log", xlabel=r"clock $\tau$", ylabel="mass of good neurons", ylim=(0, 1.02))
    for axis in (left, right):  # clock zero has no place on a logarithmic axis
        axis.set_xscale("log", nonpositive="mask")
    edge = right.get_yaxis_transform()
    right.plot(
        [0.0], share[:1], "o", color=INK, mfc="none", transform=edge, clip_on=False, label="start"
    )
    right.legend()
    return [left, right]


@figure
def collapse_lines(frames: Mapping[str, pd.DataFrame]) -> list[Axes]:
    """Draw neural-collapse metrics against the clock, one panel a metric.

    Args:
        frames: by label: column ``tau``, and one column a metric (the same in all frames).
    """
    names = [name for name in next(iter(frames.values())).columns if name != "tau"]
    axes = grid(len(names), height=3.0, stacked_height=2.3)
    for axis, name in zip(axes, names):
        for colour, style, (label, frame) in zip(COLOURS, ("-", "--", "-."), frames.items()):
            later = frame[frame.tau > 0]
            values = later[name].where(later[name] > _ZERO)
            axis.plot(later.tau, values, color=colour, ls=style, label=label)
        axis.set(xscale="log", yscale="log", xlabel=r"clock $\tau$", title=_METRICS.get(name, name))
    legend_below(axes[0], 3)
    return axes


@figure
def missing_groups(
    curves: Mapping[str, Mapping[int, float]],
    bounds: Mapping[str, Mapping[int, float]],
    sampled: pd.DataFrame,
) -> Axes:
    """Draw the probability that some group has no good neuron against the width.

    Args:
        curves: exact, by label and width.
        bounds: by the same labels.
        sampled: columns ``label``, ``m``, ``rate``, ``low``, ``high``: Monte Carlo.
    """
    (axis,) = grid(1, width=6.4, height=4.0, stacked_height=4.7)
    for colour, marker, style, (label, curve) in zip(COLOURS, "os^D", EXACT, curves.items()):
        axis.plot(list(curve), list(curve.values()), color=colour, ls=style)
        bound = bounds[label]
        axis.plot(list(bound), list(bound.values()), color=INK, ls=":", lw=1.4)
        mine = sampled[sampled.label == label]
        error = np.array([mine.rate - mine.low, mine.high - mine.rate])
        axis.errorbar(
            mine.m, mine.rate, error, fmt=marker, color=colour, ms=5, capsize=2, lw=1.2, label=label
        )
    axis.plot([], [], color=INK, ls=":", lw=1.4, label="union bound")
    axis.set(xscale="log", yscale="log", ylim=(1e-3, 1.3), xlabel="width $m$")
    axis.set_ylabel("some group has no good neuron")
    axis.figure.legend(loc="outside lower center", ncol=1 if narrow() else 3)
    return axis


@figure
def errors_by_groups(frame: pd.DataFrame, guess: pd.DataFrame | None = None) -> list[Axes]:
    """Draw test errors against n, and against n/r, for several numbers of groups r.

    Args:
        frame: columns ``r``, ``n``, ``seed``, ``error``: mean and two standard errors are drawn.
        guess: columns ``per_group`` (n/r) and ``error``: a curve for the right panel.
    """
    left, right = grid(2, height=3.1, stacked_height=2.7)
    for colour, mark, (r, part) in zip(COLOURS, ("o-", "s--", "^-."), frame.groupby("r")):
        summary = part.groupby("n")["error"].agg(["mean", "sem"])
        n, (mean, error) = summary.index.to_numpy(), summary.to_numpy().T
        for axis, x in ((left, n), (right, n / r)):
            axis.plot(x, mean, mark, ms=4.5, color=colour, label=f"$r = {r}$")
            low, high = mean - 2 * error, mean + 2 * error
            axis.fill_between(x, low, high, color=colour, alpha=0.14, lw=0)
    if guess is not None:
        right.plot(guess.per_group, guess.error, color=INK, ls=":", lw=1.6, label="unseen groups")
    left.set(xlabel="samples $n$")
    right.set(xlabel="samples per group, $n/r$")
    label_rows([left, right], "test error")
    for axis, values in ((left, frame.n), (right, frame.n / frame.r)):
        axis.set_xscale("log")
        shown = sorted(set(values))[::-2][::-1]
        axis.set_xticks(shown, [f"{value:g}" for value in shown])
        axis.minorticks_off()
    right.legend()
    return [left, right]


@figure
def products(sets: Mapping[str, Dataset], order: Collection[str] = ()) -> list[Axes]:
    """Draw the signs of the inner products of data, points of one label side by side.

    Args:
        sets: data by the title of their panel.
        order: titles of panels whose points are sorted by group as well.
    """
    axes = grid(min(len(sets), 2), math.ceil(len(sets) / 2), width=6.2, height=3.0)
    for axis, (title, data) in zip(axes, sets.items()):
        keys = [data.y.cpu().numpy()]
        if title in order and data.groups is not None:
            keys.insert(0, data.groups.cpu().numpy())
        rank = np.lexsort(keys)
        X = data.X.cpu().numpy()[rank]
        X = X / np.linalg.norm(X, axis=1, keepdims=True)
        shown = axis.imshow(X @ X.T, cmap=SIGNED, vmin=-1, vmax=1, interpolation="nearest")
        axis.add_patch(hatched(X @ X.T < -_PALE))
        edge = float((data.y < 0).sum()) - 0.5
        for line in (axis.axhline, axis.axvline):
            line(edge, color=INK, lw=1.0, label="_sides")
        axis.set(xticks=[], yticks=[])
        axis.set_title(title, fontsize=10.5)
    bar = axes[0].figure.colorbar(shown, ax=axes, location="bottom", shrink=0.6, aspect=30)
    bar.set_label("inner product")
    bar.set_ticks([-1, -0.5, 0, 0.5, 1])
    return axes
