"""A lower bound on the least eigenvalue of the outer kernel of infinite width, from angles."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data._dataset import row_norms

_TERMS = 200
"""Powers that are split off, at most."""


def outer_floor(X: Tensor) -> float:
    """A lower bound on the least eigenvalue of the outer kernel of ReLU networks, from angles.

    With u the cosine of an angle, the kernel over ``||x|| ||x'||`` is a power series in u with
    coefficients >= 0. Every Hadamard power of the Gram matrix is positive semidefinite (Schur), so
    only even powers from ``2k + 2`` on are kept, ``T_k(u)``, and Gershgorin's circles give

        ``min ||x||^2 max_k (T_k(1) - max_i sum_{l != i} T_k(|cos theta_il|))``.

    Args:
        X: inputs, shape (n, d), none zero.

    Returns:
        The bound, in units of ``||x||^2``; 0 where the circles reach 0 for every k.

    Raises:
        ValueError: another shape, zero inputs, or entries that are not finite.
        TypeError: inputs of another dtype.

    Source: chapter "Regression beyond the tangent kernel".
    """
    X = _validate.real_array("X", X, ("n", "d"))
    norms = row_norms(X)
    if float(norms.min()) == 0:
        raise ValueError(f"X[{int(norms.argmin())}] is zero; expected inputs of positive norm")
    units = X / norms[:, None]
    u = (units @ units.T).abs().clamp(max=1.0)
    u.fill_diagonal_(1.0)
    tail = _even(u)
    best, power, coefficient = 0.0, u.square(), 1.0
    for k in range(_TERMS):
        circles = tail.diagonal() - (tail.sum(dim=1) - tail.diagonal())
        best = max(best, float(circles.min()))
        tail = tail - coefficient / ((2 * k + 2) * 2 * math.pi) * power
        power = power * u.square()
        # b_k = binom(2k, k)/(4^k (2k + 1)); the ratio of two is (2k + 1)^2/((2k + 2)(2k + 3)).
        coefficient *= (2 * k + 1) ** 2 / ((2 * k + 2) * (2 * k + 3))
    return best * float(norms.square().min())


def _even(u: Tensor) -> Tensor:
    """The even powers from the second on: ``(sqrt(1 - u^2) + u arcsin(u) - 1)/(2 pi)``."""
    return ((1.0 - u.square()).clamp(min=0.0).sqrt() + u * torch.asin(u) - 1.0) / (2 * math.pi)
