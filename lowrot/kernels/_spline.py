"""One-dimensional networks with a random first layer, infinitely wide: their kernel and fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array


def spline_kernel(x: Tensor, z: Tensor | None = None, *, H: float) -> Tensor:
    """Return ``E s(chi (x - b)) s(chi (z - b))``: fair signs chi, knots b uniform on [-H, H].

    It is ``(2 H^3/3 + 2 H x z + |x - z|^3/6)/(4 H)``: a line's kernel and that of cubic splines.

    Args:
        x: inputs in [-H, H], shape (n,).
        z: other inputs there, shape (k,); x itself when None.
        H: half the length of the interval of the knots.

    Returns:
        The kernel, shape (n, k).

    Raises:
        ValueError: inputs outside [-H, H], not finite, or on different devices; H not positive.
        TypeError: inputs of another dtype.

    Source: chapter "Neighbours".
    """
    H = _half_length(H)
    x = _inside("x", x, H)
    z = x if z is None else _inside("z", z, H)
    _validate.same_device(x=x, z=z)
    gap = (x[:, None] - z).abs()
    return (2 * H**3 / 3 + 2 * H * torch.outer(x, z) + gap**3 / 6) / (4 * H)


@dataclass(frozen=True, eq=False)
class Spline:
    """``f(x) = beta_0 + beta_1 x + sum_i c_i |x - x_i|^3/6``, made by `spline_interpolant`.

    Attributes:
        knots: the x_i, shape (n,).
        c: weights of the cubes, shape (n,).
        beta: intercept and slope of the line, shape (2,).
        H: half the length of the interval of the knots of the network; infinite for the limit.
    """

    knots: Tensor
    c: Tensor
    beta: Tensor
    H: float

    def __call__(self, x: Tensor) -> Tensor:
        """Return f, shape (k,), at inputs of shape (k,).

        Raises:
            TypeError, ValueError: another dtype, shape or device, or entries that are not finite.
        """
        x = _validate.real_array("x", x, ("k",))
        _validate.same_device(x=x, knots=self.knots)
        cubes = (x[:, None] - self.knots).abs() ** 3 / 6
        return self.beta[0] + self.beta[1] * x + cubes @ self.c


def spline_interpolant(x: Tensor, y: Tensor, *, H: float = math.inf) -> Spline:
    """Return the interpolant of least norm of `spline_kernel`; its limit H -> inf by default.

    The limit is the natural cubic spline (through two points the line). Solved in the weights of
    the cubes and of the line, which stay of order one as H grows, not in those of the kernel.

    Args:
        x: inputs, at least two, all different, in [-H, H], shape (n,).
        y: labels, shape (n,).
        H: half the length of the interval of the knots, or infinity.

    Raises:
        ValueError: fewer than two inputs, equal ones, or ones outside [-H, H]; shapes or devices
            that disagree; entries that are not finite; H not positive.
        TypeError: another dtype.

    Source: chapter "Neighbours".
    """
    H = _half_length(H)
    x = _inside("x", x, H)
    y = _validate.real_array("y", y, (len(x),))
    _validate.same_device(x=x, y=y)
    if len(x) < 2 or len(x.unique()) < len(x):
        raise ValueError(f"x has {len(x.unique())} different of {len(x)} inputs; expected n >= 2")
    points = x.cpu().numpy()
    middle, unit = (points.max() + points.min()) / 2, (points.max() - points.min()) / 2
    c, line = _solve((points - middle) / unit, y.cpu().numpy(), middle / unit, H / unit)
    slope = line[1] / unit
    beta = np.array([line[0] - slope * middle, slope])
    return Spline(x.clone(), x.new_tensor(c / unit**3), x.new_tensor(beta), H)


def _solve(x: Array, y: Array, middle: float, H: float) -> tuple[Array, Array]:
    """Return c and the line in inputs measured from the middle of the data, in their unit.

    With Q = (1, x + middle) the conditions are ``M c + Q beta = y`` and ``Q^T c = Z beta``,
    ``Z = diag(3/(2 H^3), 1/(2 H))``; written for the line about the middle.
    """
    n = len(x)
    Q = np.stack([np.ones(n), x], axis=1)
    shift = np.array([[1.0, 0.0], [middle, 1.0]])  # (1, x + middle) = Q shift^T
    Z = np.diag([1.5 / H**3, 0.5 / H])  # zero at H = inf
    back = np.linalg.inv(shift)
    system = np.block([[np.abs(x[:, None] - x) ** 3 / 6, Q], [Q.T, -back @ Z @ back.T]])
    found = np.linalg.solve(system, np.append(y, np.zeros(2)))
    return found[:n], found[n:]


def _half_length(H: Any) -> float:
    H = _validate.real("H", H)
    if not H > 0:
        raise ValueError(f"H is {H}; expected a positive number")
    return H


def _inside(name: str, value: Tensor, H: float) -> Tensor:
    x = _validate.real_array(name, value, ("n",))
    if float(x.abs().max()) > H:
        raise ValueError(f"{name} reaches {float(x.abs().max()):.6g}; expected |{name}| <= H = {H}")
    return x
