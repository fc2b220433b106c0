"""The three low-rotation regimes in one picture: simulations in the plane, and their figure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from torch import Tensor

from lowrot.coupled import Features, coupled_flow
from lowrot.data import Dataset, sparse_parity
from lowrot.flow import gradient_flow
from lowrot.metrics import rotation
from lowrot.network import Network, balanced, small, standard
from lowrot.optima import ntk_margin
from lowrot.path import Path
from lowrot.plots import (
    INK,
    NEGATIVE,
    POSITIVE,
    Fragment,
    Panel,
    figure,
    grid,
    legend_under,
    scrubber,
)

FRAMES = 25
"""Times at which the regimes are shown."""


@dataclass(frozen=True, eq=False)
class Regime:
    """One simulation in the plane: a network before and after, and what is said about it.

    Attributes:
        name: title of its panel.
        data: the data set, d = 2.
        before: the network at time 0.
        after: the network at the end.
        path: how it got there, with its certificates.
        moved: ``||W - W_0||`` at the end.
        key_rotation: mean angle between v_j and its start, in degrees, weighted by the final
            ``|a_j| ||v_j||``: how far the *key* weights have turned.
        margin: ``min_i p_i/||W||^2`` at the end.
    """

    name: str
    data: Dataset
    before: Network
    after: Network
    path: Path
    moved: float
    key_rotation: float
    margin: float


def regimes(seed: int = 0) -> list[Regime]:
    """Follow the three regimes at a small size, in a few seconds.

    Near initialization and neural collapse by `gradient_flow`, no rotation by `coupled_flow`: each
    path is certified.

    Args:
        seed: of the initial networks.

    Returns:
        Near initialization (a wide standard network on XOR, until it has moved by about
        ``gamma sqrt(m)/2``), neural collapse (a small balanced network on three groups) and no
        rotation (frozen directions on XOR).

    Source: the statements pictured are those of the landing page.
    """
    xor = sparse_parity(2)
    wide = standard(2000, 2, seed)
    g = ntk_margin(wide, xor).value * math.sqrt(wide.m)
    beyond = gradient_flow(wide, xor, stop={"rho": g / 2})
    end = float(np.interp(g / 2, beyond["rho"], beyond["tau"]))
    near = gradient_flow(wide, xor, stop={"tau": end}, save=np.linspace(0, end, FRAMES))
    narrow, groups = small(balanced(48, 2, seed), 0.3), three_groups()
    collapsed = gradient_flow(narrow, groups, stop={"tau": 9.0}, save=np.linspace(0, 9, FRAMES))
    angle = torch.arange(48, dtype=torch.float64) * (2 * math.pi / 48) + 0.05
    frozen = Features.both_signs(torch.stack([angle.cos(), angle.sin()], dim=1))
    path = coupled_flow(frozen, xor, stop={"gap": 0.05})
    start, end = (
        _as_network(frozen, frozen.ln_start),
        _as_network(frozen, frozen.ln_weights(xor, path["z"][-1])),
    )
    return [
        _regime("near initialization", xor, wide, near.network(), near),
        _regime("neural collapse", groups, narrow, collapsed.network(), collapsed),
        _regime("no rotation", xor, start, end, path),
    ]


def three_groups(spread: float = 0.14, each: int = 4) -> Dataset:
    """Return three groups 120 degrees apart with labels +1, -1, +1, each on an arc.

    Args:
        spread: half the length of each arc, in radians, at most pi/12 (so that points of
            different groups have nonpositive inner products).
        each: points a group.
    """
    offsets = torch.linspace(-spread, spread, each, dtype=torch.float64)
    centres = torch.tensor([math.pi / 2, math.pi * 7 / 6, -math.pi / 6], dtype=torch.float64)
    angle = (centres[:, None] + offsets).ravel()
    y = torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64).repeat_interleave(each)
    groups = torch.arange(3).repeat_interleave(each)
    return Dataset(torch.stack([angle.cos(), angle.sin()], dim=1), y, groups, "three groups")


@figure
def regimes_in_time(found: list[Regime], shown: int = 96) -> Fragment:
    """Show the three regimes side by side with one slider, from the start of training to its end.

    Args:
        found: what `regimes` returned.
        shown: at most so many neurons a panel, an even selection.
    """
    share = np.linspace(0.0, 1.0, FRAMES)
    return scrubber(
        [_panel(regime, share, shown) for regime in found],
        share,
        texts=[f"{round(100 * part)} %" for part in share],
        description="Neurons near initialization, in neural collapse and without rotation",
    )


def _panel(regime: Regime, share: np.ndarray, shown: int) -> Panel:
    """Return one regime at shares of its run: of the clock, or of its logarithm from 1 on."""
    path, start = regime.path, regime.before
    tau, end = path["tau"], float(path["tau"][-1])
    frozen = "V" not in path.states
    wanted = np.expm1(share * math.log1p(end)) if frozen else share * end
    found = np.searchsorted(tau, wanted * (1 + 1e-12), side="right") - 1
    if frozen:
        V = np.broadcast_to(start.V.cpu().numpy(), (len(found), *start.V.shape))
        signs = start.a.sign().cpu().numpy()
        features = Features(start.V / start.V.norm(dim=1, keepdim=True), start.a.sign())
        masses = signs * features.shares(regime.data, path["z"][found]).cpu().numpy()
    else:
        V = path["V"][found]
        masses = path["a"][found] * np.linalg.norm(V, axis=2)
    angle = np.arctan2(V[:, :, 1], V[:, :, 0])
    turned = np.degrees(np.abs((angle - angle[0] + math.pi) % (2 * math.pi) - math.pi))
    weight = np.abs(masses) / np.abs(masses).sum(axis=1, keepdims=True)
    keep = np.unique(np.linspace(0, start.m - 1, min(shown, start.m)).astype(int))
    readout = {
        "τ": tau[found],
        "margin": path["margin"][found] / (2 if frozen else 1),  # ||W||^2 is 2 ||u||_1
        "degrees turned": np.round((weight * turned).sum(axis=1), 2),
    }
    return Panel(
        regime.name,
        regime.data,
        directions=V[:, keep],
        masses=masses[:, keep],
        readout=readout,
    )


def margins_by_dimension(ends: pd.DataFrame) -> pd.DataFrame:
    """Return the margins of 2-sparse parity that the landing page compares, by dimension.

    Args:
        ends: the stored sweep ``ends`` of the chapter on gradient flow near initialization:
            columns ``d``, ``m``, ``seed``, ``tau``, ``normalized``, ``gamma``.

    Returns:
        Columns ``d``, ``best`` (``gamma_gl``), ``tangent`` (``gamma_l2`` of the outer layer),
        ``flow`` (mean of twice the last normalized margins of the widest networks), ``low`` and
        ``high`` over seeds.
    """
    rows = []
    for d, part in ends.groupby("d"):
        last = part[(part.m == part.m.max()) & (part.tau == part.tau.max())]
        best = sparse_parity(int(d)).known["gamma_gl"]
        tangent = last.gamma.mean()
        flow = 2 * last.normalized
        rows.append((d, best, tangent, flow.mean(), flow.min(), flow.max()))
    return pd.DataFrame(rows, columns=["d", "best", "tangent", "flow", "low", "high"])


@figure
def global_and_tangent(frame: pd.DataFrame) -> Axes:
    """Draw the largest margin, the tangent margin and that of the trained network against d.

    Args:
        frame: what `margins_by_dimension` returned.
    """
    (axis,) = grid(1, width=6.4, height=4.0, stacked_height=4.0)
    axis.plot(
        frame.d,
        frame.best,
        color=POSITIVE,
        label=r"best network, $\gamma_{\mathrm{gl}} = 1/\sqrt{8 d}$",
    )
    axis.plot(
        frame.d,
        frame.tangent,
        "s--",
        color=NEGATIVE,
        ms=5,
        label=r"tangent at the start, $\gamma_{\ell_2} \sim 1/d$",
    )
    error = [frame.flow - frame.low, frame.high - frame.flow]
    axis.errorbar(
        frame.d, frame.flow, error, fmt="o", color=INK, ms=7, capsize=3,
        label="where gradient flow ends",
    )  # fmt: skip
    axis.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel="margin")
    axis.minorticks_off()
    axis.set_xticks(list(frame.d), [f"{d:g}" for d in frame.d])
    axis.set_yticks([0.05, 0.1, 0.2], ["0.05", "0.1", "0.2"])
    axis.set_ylim(0.68 * frame.tangent.min(), 1.25 * frame.best.max())
    legend_under(axis)
    return axis


def _regime(name: str, data: Dataset, before: Network, after: Network, path: Path) -> Regime:
    mass = after.a.abs() * after.V.norm(dim=1)
    turned = torch.rad2deg(rotation(after, before))
    return Regime(
        name,
        data,
        before,
        after,
        path,
        _distance(after.a - before.a, after.V - before.V),
        float((mass * turned).sum() / mass.sum()),
        float(after.margins(data).min()) / after.norm_squared,
    )


def _as_network(features: Features, ln_weights: Tensor | None) -> Network:
    """Return the balanced network with these weights, scaled to ``||W||^2 = 2``."""
    assert ln_weights is not None
    b = torch.softmax(ln_weights, dim=0).sqrt()
    return Network(features.signs * b, b[:, None] * features.directions, features.slope)


def _distance(a: Tensor, V: Tensor) -> float:
    return math.sqrt(float(a.square().sum() + V.square().sum()))
