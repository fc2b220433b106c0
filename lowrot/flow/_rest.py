"""Whether a network is at rest: each neuron by itself, to the rounding of its own terms."""

from __future__ import annotations

import numpy as np

from lowrot._jit import jit
from lowrot.flow._planes import Planes
from lowrot.flow.neuron import Arrays, Neurons, Rates, least_velocity

_ROUNDING = 2.0**-50
"""Of a sum, relative to the sum of the sizes of its terms."""


def at_rest(
    planes: Planes, neurons: Neurons, w: np.ndarray, error: np.ndarray, unit: float, rates: Rates
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
    terms = _ROUNDING * (len(planes.c) + planes.U.shape[1]) * np.abs(w) + error
    allowed = _own_terms(planes, neurons.S, terms)
    drive = planes.drive(w, 0.0 * w)
    unfelt = _ROUNDING * unit / float(np.abs(planes.c).max())
    free = neurons.S.all(axis=1)
    r = drive.at_start(neurons.S)
    if not _resting(neurons, r, rates, allowed, unfelt)[free].all():
        return False
    if free.all():
        return True
    r[~free] = least_velocities(drive.arrays, neurons.S[~free])
    return bool(_resting(neurons, r, rates, allowed, unfelt).all())


def _own_terms(planes: Planes, S: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """``sum_i sizes_i s'_ij ||x_i||`` of each neuron, with the larger slope on a plane; (m,)."""
    count, index, c = len(planes.U), planes.index, planes.c
    lengths = sizes * np.abs(c)
    on = np.bincount(index, lengths, count)
    above = np.bincount(index, lengths * (planes.even + planes.odd * np.sign(c)), count)
    below = np.bincount(index, lengths * (planes.even - planes.odd * np.sign(c)), count)
    return np.asarray((S > 0) @ above + (S < 0) @ below + (S == 0) @ on)


@np.errstate(over="ignore", invalid="ignore")
def _resting(
    neurons: Neurons, r: np.ndarray, rates: Rates, allowed: np.ndarray, unfelt: float
) -> np.ndarray:
    """Which neurons are still, their field r below what is allowed, or decay unfelt; (m,)."""
    a, V = neurons.a, neurons.V
    along, inner = (r * V).sum(1), np.square(V).sum(1)
    moving = rates[0] * np.square(along) + rates[1] * np.square(a) * np.square(r).sum(1)
    still = moving <= np.square(allowed) * (rates[0] * inner + rates[1] * np.square(a))
    across = np.square(r - (along / inner.clip(1e-300))[:, None] * V).sum(1)
    balanced = neurons.unbalance == 0.0  # others do not go to zero
    ray = balanced & (across <= np.square(allowed)) & (a * along < 0.0)
    return np.asarray(still | (ray & (np.sqrt(np.square(a) * inner) <= unfelt)))


@jit
def least_velocities(drive: Arrays, patterns: np.ndarray) -> np.ndarray:
    """The field of least norm that the planes allow where a pattern is 0; shape (r, d)."""
    r = np.empty((len(patterns), drive[0].shape[1]))
    for j in range(len(patterns)):
        r[j] = least_velocity(drive, patterns[j], 0.0)
    return r
