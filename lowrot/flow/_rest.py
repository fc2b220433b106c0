"""Whether a network is at rest: each neuron by itself, to the rounding of its own terms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import Tensor

from lowrot._jit import jit
from lowrot.flow._planes import Planes
from lowrot.flow.neuron import Neurons, Rates, least_velocity

_ROUNDING = 2.0**-50
"""Of a sum, relative to the sum of the sizes of its terms."""


def at_rest(
    planes: Planes, neurons: Neurons, w: Tensor, error: Tensor, unit: float, rates: Rates
) -> bool:
    """Whether a flow of outputs with weights w stays where it is, as far as doubles can tell.

    Every neuron must be one of two things: still, its velocity (the least that its kinks allow)
    no more than rounding of the terms that it is a sum of; or on its way to zero along a ray, and
    so small that the outputs no longer feel it.

    Args:
        planes: the hyperplanes of the inputs.
        neurons: the network.
        w: the weights of the outputs, shape (n,).
        error: their rounding, shape (n,).
        unit: changes of the outputs below the rounding of this leave the weights as they are.
        rates: eta_a and eta_V.
    """
    a, V, S = (part.cpu().numpy() for part in (neurons.a, neurons.V, neurons.S))
    terms = _ROUNDING * (planes.X.shape[0] + planes.X.shape[1]) * w.abs() + error
    allowed = _own_terms(planes, S, terms)
    drive = planes.drive(w, 0.0 * w).arrays
    unfelt = _ROUNDING * unit / float(planes.c.abs().max())
    balanced = neurons.unbalance.cpu().numpy() == 0.0  # others do not go to zero
    return bool(_all_still(a, V, S, balanced, drive, rates, allowed, unfelt))


def _own_terms(planes: Planes, S: np.ndarray, sizes: Tensor) -> np.ndarray:
    """``sum_i sizes_i s'_ij ||x_i||`` of each neuron, with the larger slope on a plane; (m,)."""
    count, index = len(planes.U), planes.index.cpu().numpy()
    c = planes.c.cpu().numpy()
    lengths = sizes.cpu().numpy() * np.abs(c)
    on = np.bincount(index, lengths, count)
    above = np.bincount(index, lengths * (planes.even + planes.odd * np.sign(c)), count)
    below = np.bincount(index, lengths * (planes.even - planes.odd * np.sign(c)), count)
    return np.asarray((S > 0) @ above + (S < 0) @ below + (S == 0) @ on)


@jit
def _all_still(
    a: np.ndarray,
    V: np.ndarray,
    S: np.ndarray,
    balanced: np.ndarray,
    drive: Any,
    rates: Rates,
    allowed: np.ndarray,
    unfelt: float,
) -> bool:
    """Whether every neuron is still, its field below what is allowed, or decays unfelt."""
    for j in range(len(a)):
        r = least_velocity(drive, S[j], 0.0)
        along, square, outer, inner = 0.0, 0.0, a[j] * a[j], 0.0
        for c in range(len(r)):
            along += r[c] * V[j, c]
            square += r[c] * r[c]
            inner += V[j, c] * V[j, c]
        moving = rates[0] * along * along + rates[1] * outer * square
        if moving <= allowed[j] ** 2 * (rates[0] * inner + rates[1] * outer):
            continue
        across = 0.0
        for c in range(len(r)):
            across += (r[c] - along / max(inner, 1e-300) * V[j, c]) ** 2
        ray = balanced[j] and across <= allowed[j] ** 2 and a[j] * along < 0.0
        if not (ray and math.sqrt(outer * inner) <= unfelt):
            return False
    return True
