"""The constant of paired starts: how much of a network grows under every Lorentz boost."""

from __future__ import annotations

import numpy as np

from lowrot.network import Network

_ZERO = 1e-13
"""Part of the squared norm up to which the constant is rounding."""


def least_boosted(net: Network) -> float:
    """``(1/2) min over unit k of sum_j (a_j + v_j . k)^2``, from below.

    The minimum over the sphere equals that of its dual, ``max ||a||^2 - b.(A + l)^-1 b - l`` over
    ``l >= -(least eigenvalue of A)``, with ``A = V^T V`` and ``b = V^T a``; the dual is a lower
    bound at every such l.

    Args:
        net: m neurons.

    Returns:
        The constant, 0 where it is rounding.
    """
    from scipy.optimize import brentq

    a, V = net.a.cpu().numpy(), net.V.cpu().numpy()
    unit = np.sqrt(net.norm_squared)
    a, V = a / unit, V / unit
    eigen, basis = np.linalg.eigh(V.T @ V)
    b = basis.T @ (V.T @ a)

    def length(shift: float) -> float:
        """``||k||^2 - 1`` at the multiplier ``shift - eigen[0]``."""
        return float(((b / (eigen - eigen[0] + shift)) ** 2).sum()) - 1.0

    # Where b has no part along the least eigenvector, k may be too short even at shift = 0.
    low, high = 1e-15, float(np.linalg.norm(b)) + 1e-12
    shift = brentq(length, low, high, xtol=1e-16) if length(low) > 0 > length(high) else low
    gap = eigen - eigen[0] + shift
    value = 0.5 * (float(a @ a) - float((b**2 / gap).sum()) - (shift - eigen[0]))
    return value * net.norm_squared if value > _ZERO else 0.0
