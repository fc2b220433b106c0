"""The tangent kernel of two-layer networks in the limit of infinite width, in closed form."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data._dataset import row_norms

_CHUNK_ENTRIES = 2**21
"""Largest number of pairs of inputs held at once beside the kernel: 16 MB in float64."""

_NEAR = 1e-2
"""Pairs whose ``1 - |cos|`` is below this get their angle from differences of the unit inputs:
the arc cosine would lose half of the digits there."""


def ntk(X: Tensor, Z: Tensor | None = None, block: str = "full", *, slope: float = 0.0) -> Tensor:
    """Return the limit of ``<grad f(x), grad f(z)>/m`` for m -> inf, ``v_j ~ N(0, I)``, exactly.

    With theta the angle of x and z, ``J = (sin theta + (pi/2 - theta) cos theta) 2/pi``, and
    ``c = (1 + alpha)^2/4``, ``b = (1 - alpha)^2/4`` of the slope alpha of the activation:

    - ``"outer"``, weights a: ``E s(v.x) s(v.z) = c x.z + b ||x|| ||z|| J``;
    - ``"inner"``, weights V, for ``E a_j^2 = 1``:
      ``x.z E s'(v.x) s'(v.z) = x.z (c + b (1 - 2 theta/pi))``;
    - ``"full"``: their sum.

    The standard start has ``E a_j^2 = 1/m``: there the kernel of both layers is close to
    ``m outer + inner``, so that the outer block is all that is left for large m.

    Args:
        X: inputs, shape (n, d), of any norm.
        Z: other inputs, shape (k, d); X itself when None.
        block: "outer", "inner" or "full".
        slope: alpha, of the activation for negative inputs, in [0, 1].

    Returns:
        The kernel, shape (n, k): of the outputs f, without labels.

    Raises:
        ValueError: an unknown block, a slope outside [0, 1], inputs of different dimensions or
            devices, or not finite.
        TypeError: inputs of another dtype.

    Source: chapter "Sample complexity"; Y. Cho and L. Saul, Kernel methods for deep learning,
    NeurIPS 2009 (arc-cosine kernels of degree 1 and 0).
    """
    X, Z = pair_of_inputs(X, Z)
    _validate.choice("block", block, ("outer", "inner", "full"))
    slope = _validate.number("slope", slope, 0.0, 1.0)
    even, odd = (1 - slope) ** 2 / 4, (1 + slope) ** 2 / 4
    K = X.new_empty(len(X), len(Z))
    size = max(1, _CHUNK_ENTRIES // len(Z))
    for rows in (slice(k, k + size) for k in range(0, len(X), size)):
        lengths = torch.outer(row_norms(X[rows]), row_norms(Z))
        angle = _angles(X[rows], Z)
        product = lengths * angle.cos()
        part = torch.zeros_like(product)
        if block != "inner":
            bend = (angle.sin() + (math.pi / 2 - angle) * angle.cos()) * (2 / math.pi)
            part += odd * product + even * lengths * bend
        if block != "outer":
            part += product * (odd + even * (1 - 2 * angle / math.pi))
        K[rows] = part
    return K


def pair_of_inputs(X: Tensor, Z: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return both sets of inputs of a kernel, checked.

    Raises:
        TypeError, ValueError: another dtype, shape, dimension or device, or not finite.
    """
    X = _validate.real_array("X", X, ("n", "d"))
    Z = X if Z is None else _validate.real_array("Z", Z, ("k", X.shape[1]))
    _validate.same_device(X=X, Z=Z)
    return X, Z


def _angles(X: Tensor, Z: Tensor) -> Tensor:
    """Return the angles between the rows, shape (n, k), to the last digits also near 0 and pi.

    An input of norm 0 has the angle pi/2 to all.
    """
    one, other = (_units(inputs) for inputs in (X, Z))
    cosine = (one @ other.T).clamp(-1.0, 1.0)
    angle = cosine.arccos()
    size = max(1, _CHUNK_ENTRIES // X.shape[1])
    for pairs in torch.nonzero(1 - cosine.abs() < _NEAR).split(size):
        i, j = pairs.T
        apart = (one[i] - other[j]).norm(dim=1)
        angle[i, j] = 2 * torch.atan2(apart, (one[i] + other[j]).norm(dim=1))
    return angle


def _units(X: Tensor) -> Tensor:
    norms = row_norms(X)
    scaled = X / torch.where(norms > 0, norms, norms.new_ones(()))[:, None]
    return torch.where((norms > 0)[:, None], scaled, scaled.new_zeros(()))
