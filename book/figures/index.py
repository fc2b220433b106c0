"""The three low-rotation regimes in one picture: simulations in the plane, and their figure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
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
from lowrot.plots import WIDEST, grid, ring


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
    near = gradient_flow(wide, xor, stop={"tau": np.interp(g / 2, beyond["rho"], beyond["tau"])})
    narrow, groups = small(balanced(48, 2, seed), 0.3), three_groups()
    collapsed = gradient_flow(narrow, groups, stop={"tau": 9.0})
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


def three_regimes(found: list[Regime], shown: int = 96) -> list[Axes]:
    """Draw each regime as threads from the initial directions (inner ring) to the final (outer).

    A radial thread is a neuron that did not rotate; its width is the final ``|a_j| ||v_j||``.

    Args:
        found: what `regimes` returned.
        shown: at most so many neurons a panel, the heaviest among an even selection.

    Raises:
        ValueError: nothing to draw, or networks that are not in the plane.
    """
    if not found or any(regime.before.d != 2 for regime in found):
        raise ValueError("found must hold at least one regime, each in the plane (d = 2)")
    axes = grid(len(found), width=WIDEST * len(found) / 3, height=2.4)
    for ax, regime in zip(axes, found):
        ring(regime.before, regime.after, regime.data, shown=shown, ax=ax, title=regime.name)
    return axes


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
