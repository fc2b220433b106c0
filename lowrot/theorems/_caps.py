"""Caps of the sphere: how much of it one covers, and how many cover it."""

from __future__ import annotations

import math

from lowrot import _validate

_HALVINGS = 60
"""Of an interval of length 2: down to the rounding of its ends."""


def cap_fraction(d: int, eps: float) -> float:
    """Fraction of the unit sphere of R^d within Euclidean distance eps of a given unit vector.

    Args:
        d: dimension, at least 2.
        eps: chord length, in [0, 2].

    Returns:
        In [0, 1].

    Raises:
        ValueError, TypeError: a dimension or a length outside its range.

    Source: chapter "No rotation" (corollary); regularized incomplete beta function.
    """
    from scipy.special import betainc

    d = _validate.integer("d", d, 2)
    eps = _validate.number("eps", eps, 0.0, 2.0)
    # The chord eps subtends the angle theta with sin^2 = eps^2 (1 - eps^2/4).
    half = 0.5 * float(betainc((d - 1) / 2, 0.5, min(1.0, eps**2 * (1 - eps**2 / 4))))
    return half if eps <= math.sqrt(2.0) else 1.0 - half


def covering_failure(d: int, m: int, eps: float, count: int) -> float:
    """Bound on the probability that random neurons miss one of ``count`` signed directions by eps.

    Directions are uniform on the sphere and signs fair: each neuron is within eps of a given
    direction with the right sign with probability ``cap_fraction(d, eps)/2``; union bound.

    Args:
        d: dimension, at least 2.
        m: number of neurons.
        eps: chord length, in [0, 2].
        count: number of signed directions.

    Returns:
        The bound, at most 1; 1 says nothing.

    Raises:
        ValueError, TypeError: a number outside its range.

    Source: chapter "No rotation" (corollary).
    """
    m, count = _validate.integer("m", m, 1), _validate.integer("count", count, 1)
    return min(1.0, count * math.exp(m * math.log1p(-cap_fraction(d, eps) / 2)))


def covering_error(d: int, m: int, count: int, delta: float) -> float:
    """Smallest eps with ``covering_failure(d, m, eps, count) <= delta`` (2 if there is none).

    With probability at least 1 - delta, ``gamma_frozen >= gamma_gl - eps`` for every data set
    whose optimal network has ``count`` neurons.

    Args:
        d: dimension, at least 2.
        m: number of neurons.
        count: number of signed directions.
        delta: allowed probability of failure, in (0, 1].

    Returns:
        The chord length, in (0, 2], by bisection to the last digits.

    Raises:
        ValueError, TypeError: a number outside its range.

    Source: chapter "No rotation" (corollary).
    """
    delta = _validate.number("delta", delta, 1e-300, 1.0)
    low, high = 0.0, 2.0
    if covering_failure(d, m, high, count) > delta:
        return high
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if covering_failure(d, m, middle, count) <= delta:
            high = middle
        else:
            low = middle
    return high
