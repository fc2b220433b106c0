"""Two points of one label: the patterns of a start, their law, and the margins they end at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import two_points
from lowrot.network import Network
from lowrot.path import Path

UNCOVERED, ALL_ON_BOTH, ONE_SIDED, COVERED = "uncovered", "all on both", "one-sided", "covered"
"""The patterns of a start."""
SEPARATING_ANGLE = 3 * math.pi / 8
"""Above this angle a one-sided start ends at the optimum, at small scale."""
_LOST = 1e-14
"""Norm of a neuron over that of the network below which its direction is rounding."""


@dataclass(frozen=True)
class EscapeMargins:
    """Normalized margins of the KKT points of two points at angles +-phi, and the small scale.

    Attributes:
        bad: ``cos(phi)/2``, of one neuron between the points.
        tilted: ``1/(2 - 4 cos(2 phi))``, of one neuron on a point and one tilted from the middle
            by ``3 phi - pi``; nan outside (pi/3, 3 pi/8), where there is no such point.
        optimum: ``max(1/2, cos(phi))/2``, of one neuron on each point.
        kappa: ``cot(phi)^2``: neurons stay active on both points while ``|q_+ - q_-|`` is below.
        inner: ``1/(2 + tan(phi)^2)``, from where on the dual weights pull back.
        small: what the mass of the neurons with ``a_j < 0`` is below in a small start (``mu_-^*``).
        start: the same for the imbalance of the margins that the others make (``E^*``).
    """

    bad: float
    tilted: float
    optimum: float
    kappa: float
    inner: float
    small: float
    start: float


def escape_margins(phi: float) -> EscapeMargins:
    """Return the margins and constants of the chapter's theorems at this angle.

    Args:
        phi: half the angle between the points, radians, in (pi/3, pi/2).

    Returns:
        An `EscapeMargins`.

    Raises:
        ValueError: an angle outside the range.

    Source: chapter "Bad KKT points and the escape".
    """
    phi = require_angle(phi)
    kappa = 1.0 / math.tan(phi) ** 2
    inner = kappa / (1.0 + 2.0 * kappa)
    tilted = 1.0 / (2.0 - 4.0 * math.cos(2.0 * phi)) if phi < SEPARATING_ANGLE else math.nan
    outer_angle, inner_angle = math.atanh(kappa), math.atanh(inner)
    return EscapeMargins(
        bad=math.cos(phi) / 2.0,
        tilted=tilted,
        optimum=0.25,
        kappa=kappa,
        inner=inner,
        small=outer_angle - inner_angle,
        start=outer_angle + inner_angle,
    )


def escape_probabilities(m: int, phi: float) -> dict[str, float]:
    """Probability of each pattern of a start with uniform directions and fair signs, exact.

    Args:
        m: width.
        phi: half the angle between the points, radians, in [pi/4, pi/2].

    Returns:
        By pattern: "uncovered", "all on both", "one-sided", "covered"; they sum to 1.

    Raises:
        ValueError, TypeError: a width below 1 or not an integer, an angle outside the range.

    Source: chapter "Bad KKT points and the escape".
    """
    m = _validate.integer("m", m, 1)
    phi = _validate.number("phi", phi, math.pi / 4, math.pi / 2)
    side, both = phi / (2.0 * math.pi), (math.pi - 2.0 * phi) / (4.0 * math.pi)
    none = (1.0 - 2.0 * side - both) ** m
    uncovered = 2.0 * (1.0 - side - both) ** m - none
    all_on_both = (1.0 - 2.0 * side) ** m - none
    covered = 1.0 - 2.0 * (1.0 - side) ** m + (1.0 - 2.0 * side) ** m
    law = {UNCOVERED: uncovered, ALL_ON_BOTH: all_on_both, COVERED: covered}
    law[ONE_SIDED] = 1.0 - sum(law.values())
    return {name: min(1.0, max(0.0, probability)) for name, probability in law.items()}


def start_pattern(net: Network, phi: float) -> str:
    """Return the pattern of a network: which points its neurons with ``a_j > 0`` are active on.

    "covered": each point has one that is active on it alone; "one-sided": one point has, and one
    of the others is active on both; "all on both": some are active on both and none on one alone;
    "uncovered": otherwise, when no neuron with ``a_j > 0`` is active on some point.

    Args:
        net: the network, in the plane.
        phi: half the angle between the points, radians, in (pi/3, pi/2).

    Returns:
        One of the four names.

    Raises:
        ValueError: an angle outside the range, or a network of another dimension.
        TypeError: arguments of another type.

    Source: chapter "Bad KKT points and the escape".
    """
    require_net(net)
    return pattern_of(net.a, net.V, two_points(require_angle(phi)).X)


def patterns(path: Path, phi: float) -> list[str]:
    """Return the pattern at each saved time of a path with states a and V.

    Neurons with ``||v_j|| <= 1e-14 ||W||`` are left out: what is left of a neuron that decays for
    ever is below the rounding of the others, sign and all.

    Args:
        path: with states a, shape (k, m), and V, shape (k, m, 2).
        phi: half the angle between the points, radians, in (pi/3, pi/2).

    Returns:
        k names, those of `start_pattern`.

    Raises:
        ValueError: an angle outside the range, or a path of another dimension.
        TypeError: arguments of another type.
        KeyError: a path without these states.
    """
    V = _validate.kind("path", path, Path)["V"]
    if V.shape[2:] != (2,) or path["a"].shape != V.shape[:2]:
        raise ValueError(f"path has states V of shape {V.shape}; expected (k, m, 2), as a (k, m)")
    X, found = two_points(require_angle(phi)).X, []
    for a, V in zip(path["a"], path["V"]):
        size = np.linalg.norm(V, axis=1)
        kept = size > _LOST * math.hypot(float(np.linalg.norm(a)), float(np.linalg.norm(size)))
        found.append(pattern_of(torch.as_tensor(a[kept]), torch.as_tensor(V[kept]), X))
    return found


def require_net(net: Network) -> None:
    """Raise unless this is a network of the plane."""
    if _validate.kind("net", net, Network).d != 2:
        raise ValueError(f"net has d = {net.d}; expected 2")


def require_angle(phi: float) -> float:
    """Return the angle; raise unless it is in (pi/3, pi/2)."""
    phi = _validate.number("phi", phi, 0.0, math.pi / 2)
    if not math.pi / 3 < phi < math.pi / 2:
        raise ValueError(
            f"phi is {phi:.6g}; expected an angle in (pi/3, pi/2): below pi/3 the neuron in the "
            "middle is optimal"
        )
    return phi


def active_on(V: Tensor, X: Tensor) -> Tensor:
    """Return which neurons are active on which points, shape (m, n)."""
    return (V @ X.T) > 0


def pattern_of(a: Tensor, V: Tensor, X: Tensor) -> str:
    """Return the pattern of weights a, shape (m,), and V, shape (m, 2), on two points X."""
    active = active_on(V, X)[a > 0]
    alone = active & ~active.flip(1)
    if bool(alone.any(dim=0).all()):
        return COVERED
    if not bool(active.any(dim=0).all()):
        return UNCOVERED
    return ONE_SIDED if bool(alone.any()) else ALL_ON_BOTH
