"""How small a balanced start has to be for its neurons to align before the points tell apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.theorems._symmetric_data import States


@dataclass(frozen=True)
class SmallStart:
    """What a small start is promised.

    Attributes:
        mass: half the squared norm up to which the start is small enough.
        found: that of the start.
        align: clock time by which every neuron that matters has aligned.
        lock: clock time, after that, by which the theorem's own hypothesis holds (0 where it needs
            none).
    """

    mass: float
    found: float
    align: float
    lock: float

    @property
    def holds(self) -> bool:
        """Whether the start is that small."""
        return self.found <= self.mass


def half_tangents(net: Network, data: Dataset, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tangents of half the angles between ``s_j v_j`` and a unit vector, and the signs s_j.

    Args:
        net: m neurons; those that are zero are left out.
        data: anything of its dimension.
        e: a unit vector, shape (d,).
    """
    states = States.of(net, data)
    kept = (states.size > 0)[0]
    direction = (states.signs[:, :, None] * states.V)[0, kept]
    direction = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        t = np.linalg.norm(direction - e, axis=1) / np.linalg.norm(direction + e, axis=1)
    return t, states.signs[0, kept]


def acute_start(net: Network, data: Dataset) -> SmallStart:
    """Acute symmetric data: both signs have a good neuron soon (the data's mean is not zero)."""
    Z = (data.y[:, None] * data.X).cpu().numpy()
    mean = Z.mean(axis=0)
    length = float(np.linalg.norm(mean))
    nu, mass = 0.5 * (1 + net.slope) * length, 0.5 * net.norm_squared
    sine = float((Z @ mean / np.linalg.norm(Z, axis=1)).min()) / length if length > 0 else 0.0
    t, s = half_tangents(net, data, mean / length if length > 0 else mean)
    if sine <= 0 or not {-1.0, 1.0} <= set(s.tolist()):
        return SmallStart(0.0, mass, math.inf, 0.0)
    last = max(float(t[s > 0].min()), float(t[s < 0].min()))
    if not math.isfinite(last):
        return SmallStart(0.0, mass, math.inf, 0.0)
    wanted = math.tan(0.5 * math.asin(min(1.0, sine)))
    sines = min(math.sin(2 * math.atan(last)), sine) if last > 0 else sine
    factor = min(1.0, wanted / last) ** (22 / 9) if last > 0 else 1.0
    align = 10 / (9 * nu) * max(0.0, math.log(last / wanted)) if last > 0 else 0.0
    return SmallStart(nu / 10 * sines * factor, mass, align, 0.0)


def symmetric_lock(net: Network, data: Dataset, e: np.ndarray, k: float) -> SmallStart:
    """Symmetric data whose mean is along e: all neurons lock onto it.

    Args:
        net: a balanced start.
        data: symmetric, its mean ``y x`` a positive multiple of e.
        e: a unit vector.
        k: the least ``z.e/||z_perp||``.
    """
    Z = (data.y[:, None] * data.X).cpu().numpy()
    nu = 0.5 * (1 + net.slope) * float(Z.mean(axis=0) @ e)
    mass = 0.5 * net.norm_squared
    t, _ = half_tangents(net, data, e)
    if not math.isfinite(t.max()):
        return SmallStart(0.0, mass, math.inf, math.inf)
    wanted = math.atan(k)
    sine = min(math.sin(2 * math.atan(t.max())), math.sin(wanted))
    align = 10 * max(0.0, math.log(t.max() / math.tan(wanted / 2))) / (9 * nu)
    lock = (math.log(_range(net)) + 2.2 * nu * align) / (0.9 * nu)
    return SmallStart(nu / 10 * sine * math.exp(-2.2 * nu * (align + lock)), mass, align, lock)


def fragile_lock(net: Network, data: Dataset, b: float, h: float) -> SmallStart:
    """Four points of `fragile_pairs`: all neurons lock onto the first axis.

    Args:
        net: a balanced start.
        data: the points.
        b: height of the near points.
        h: their distance from the axis.
    """
    alpha, mass = net.slope, 0.5 * net.norm_squared
    t, s = half_tangents(net, data, np.array([1.0, 0.0]))
    rate = ((1 + alpha) * (1 + b) - (1 - alpha) * h * h / b) / 4
    if rate <= 0 or b > min(h, alpha) or not math.isfinite(t.max()) or not (s > 0).any():
        return SmallStart(0.0, mass, math.inf, math.inf)
    wanted = math.atan(b / h)
    sine = min(math.sin(2 * math.atan(t.max())), math.sin(wanted))
    largest = rate * sine / 10
    fastest = math.hypot((1 + alpha) * (1 + b), (1 - alpha) * h) / 4
    fastest = max((1 + alpha + 2 * b) / 4, fastest) + largest
    align = 10 * max(0.0, math.log(t.max() / math.tan(wanted / 2))) / (9 * rate)
    lock = (math.log(_range(net)) + 2 * fastest * align) / ((1 + alpha) / 4 - largest)
    return SmallStart(largest * math.exp(-2 * fastest * (align + lock)), mass, align, lock)


def _range(net: Network) -> float:
    """``||a||/min_j |a_j|`` of the neurons that are not zero."""
    alive = net.a[net.a != 0].abs()
    return float(alive.norm() / alive.min())
