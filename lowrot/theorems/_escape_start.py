"""Two points of one label: what the theorem asks of a start, evaluated."""

from __future__ import annotations

import math

from lowrot.data import two_points
from lowrot.network import Network
from lowrot.theorems._escape_patterns import (
    ALL_ON_BOTH,
    ONE_SIDED,
    SEPARATING_ANGLE,
    escape_margins,
)
from lowrot.theorems._theorem import Hypothesis

_BALANCE = 1e-9
"""Relative imbalance of a neuron that is rounding, as `Features.from_network` takes it."""


def hypotheses(net: Network, phi: float, pattern: str) -> list[Hypothesis]:
    """Evaluate the hypotheses on a start of a pattern on two points at half this angle."""
    X = two_points(phi).X
    size = net.V.norm(dim=1)
    # A neuron that is exactly zero stays so, and asks for nothing.
    zero = (size == 0) & (net.a == 0)
    off = ((net.a**2 - size**2).abs() / size.square())[~zero].max().item()
    near = ((net.V @ X.T).abs() / size[:, None])[~zero].min().item()
    found = [
        Hypothesis(r"ReLU: slope $\alpha$ of the activation", net.slope, "$= 0$", net.slope == 0),
        Hypothesis(
            r"balance: largest $|a_j^2/\|v_j\|^2 - 1|$",
            off,
            "$= 0$, to rounding",
            off <= _BALANCE,
        ),
        Hypothesis(
            r"no kink at the start: least $|v_j \cdot x_i|/\|v_j\|$", near, "$> 0$", near > 0
        ),
    ]
    if pattern in (ALL_ON_BOTH, ONE_SIDED):
        found += _small(net, phi)
    if pattern == ONE_SIDED:
        degrees = math.degrees(phi)
        wide = phi > SEPARATING_ANGLE
        found.append(Hypothesis(r"angle $\varphi$ in degrees", degrees, "$> 67.5$", wide))
    return found


def _small(net: Network, phi: float) -> list[Hypothesis]:
    """What makes a start small."""
    margins = escape_margins(phi)
    most, limit = margins.start, margins.small
    mass = float((net.a[net.a < 0] ** 2).sum())
    p = Network(net.a.clamp_min(0.0), net.V).margins(two_points(phi))
    E = abs(float(p[0] - p[1]))
    return [
        Hypothesis(
            r"mass $\mu_-$ of the neurons with $a_j < 0$",
            mass,
            rf"$< \mu_-^* = {limit:.3g}$",
            mass < limit,
            limit,
        ),
        Hypothesis(
            r"imbalance $|\tilde E|$ of the others", E, f"$< E^* = {most:.3g}$", most > E, most
        ),
    ]
