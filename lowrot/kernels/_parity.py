"""The kernel that knows of 2-sparse parity all but the pair."""

from __future__ import annotations

import torch
from torch import Tensor

from lowrot.kernels._ntk import pair_of_inputs

_OFF = 1e-9
"""Relative distance of coordinates from ``+-1/sqrt d`` that is rounding."""


def parity_kernel(X: Tensor, Z: Tensor | None = None) -> Tensor:
    """Return ``K_2 = (d (x.z)^2 - 1)/(d - 1)``, the mean of ``chi_S(x) chi_S(z)`` over all pairs S.

    Its feature space is spanned by the ``N = d(d-1)/2`` functions ``chi_S = d x_i x_j``, the
    targets themselves: no kernel that ignores the target does better on average.

    Args:
        X: points of the cube {-1, +1}^d / sqrt(d), d >= 2, shape (n, d).
        Z: others, shape (k, d); X itself when None.

    Returns:
        The kernel, shape (n, k); 1 where x = z.

    Raises:
        ValueError: points off the cube, d = 1, different dimensions or devices.
        TypeError: points of another dtype.

    Source: chapter "Sample complexity".
    """
    X, Z = pair_of_inputs(X, Z)
    d = X.shape[1]
    if d < 2:
        raise ValueError("X has d = 1; expected at least 2 coordinates, for a pair")
    check_cube("X", X)
    check_cube("Z", Z)
    # Rounded to the integers that these are, so that equal entries are equal in the kernel.
    products = (d * (X @ Z.T)).round()
    K: Tensor = (products.square() / d - 1) / (d - 1)
    return K


def check_cube(name: str, X: Tensor) -> None:
    """Check that all coordinates are ``+-1/sqrt d``.

    Raises:
        ValueError: one is not; the message names it.
    """
    scaled = X * X.shape[1] ** 0.5
    wrong = torch.nonzero((scaled.abs() - 1).abs() > _OFF)
    if len(wrong):
        i, k = wrong[0].tolist()
        raise ValueError(
            f"{name}[{i}, {k}] is {float(X[i, k]):.6g}; expected +-1/sqrt(d) = "
            f"+-{X.shape[1] ** -0.5:.6g}, a point of the cube"
        )
