"""How far neurons have turned, and how much the features of a network have changed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import Network


@dataclass(frozen=True)
class FeatureChange:
    """Four measures of change between two networks; all are 0 where only outer weights moved.

    Attributes:
        turned: median over the neurons of the angle between v_j and its start, radians.
        key_turned: its mean weighted by the present ``|a_j| ||v_j||``, radians.
        flips: share of the pairs (neuron, point) that are not strictly on the side of the
            hyperplane ``v_j . x_i = 0`` on which they started; one that slides has left its side.
        kernel: ``|| K/||K||_F - K_0/||K_0||_F ||_F`` of the outer block of the tangent kernel, the
            Gram matrix of the features ``s(v_j . x_i)``: blind to scale, at most sqrt 2.
    """

    turned: float
    key_turned: float
    flips: float
    kernel: float


def feature_change(
    net: Network, initial: Network, data: Dataset, *, kink: float = 1e-9
) -> FeatureChange:
    """Compare a network with its start on the given points.

    Args:
        net: the network now.
        initial: the network at time 0, of the same shape.
        data: n points.
        kink: a pair lies on the kink when ``|v_j . x_i| <= kink ||v_j|| ||x_i||``.

    Returns:
        The four measures; the kernel's is nan where a network has no active feature.

    Raises:
        ValueError: the networks or the data differ in shape or device; neurons without direction;
            a negative ``kink``.
        TypeError: arguments of another type.

    Source: chapter "Near initialization: gradient flow".
    """
    for name, each in (("net", net), ("initial", initial)):
        _validate.kind(name, each, Network)
    _validate.kind("data", data, Dataset)
    kink = _validate.number("kink", kink, 0.0)
    if net.V.shape != initial.V.shape or net.slope != initial.slope:
        raise ValueError(
            f"initial has inner weights of shape {tuple(initial.V.shape)} and slope "
            f"{initial.slope}; expected {tuple(net.V.shape)} and {net.slope}, as in net"
        )
    if net.d != data.d:
        raise ValueError(f"data have d = {data.d}; expected {net.d}, as in net")
    _validate.same_device(net=net.V, initial=initial.V, data=data.X)
    angle = angles(net.V, initial.V)
    still = int(angle.isnan().sum())
    if still:
        raise ValueError(f"{still} neurons have v_j = 0 and no direction; expected none")
    mass = net.a.abs() * net.V.norm(dim=1)
    left = sum(
        int((_sides(net, data.X, part, kink) != _sides(initial, data.X, part, kink)).sum())
        for part in net.chunks(data.n)
    )
    grams = [each.kernel(data, layers="outer") for each in (net, initial)]
    shape, shape_0 = (K / K.norm() if float(K.norm()) > 0 else torch.nan * K for K in grams)
    return FeatureChange(
        float(angle.median()),
        float((mass * angle).sum() / mass.sum()) if float(mass.sum()) > 0 else float("nan"),
        left / (net.m * data.n),
        float((shape - shape_0).norm()),
    )


def angles(V: Tensor, other: Tensor) -> Tensor:
    """Return the angle between the rows of two matrices, shape (m,), radians.

    Accurate at small angles, where the arc cosine is not; nan where a row is zero.

    Args:
        V: rows, shape (m, d).
        other: rows, shape (m, d).
    """
    units = [rows / rows.norm(dim=1, keepdim=True) for rows in (V, other)]
    across, along = units[0] - units[1], units[0] + units[1]
    return 2.0 * torch.atan2(across.norm(dim=1), along.norm(dim=1))


def _sides(net: Network, X: Tensor, part: slice, kink: float) -> Tensor:
    """Return -1, 0 or 1 for each pair (point, neuron of the part)."""
    V = net.V[part]
    z = X @ V.T
    limit = kink * X.norm(dim=1)[:, None] * V.norm(dim=1)
    return torch.where(z.abs() <= limit, 0.0, z.sign())


def rotation(net: Network, initial: Network) -> Tensor:
    """Return the angle between ``v_j`` and its initial value, for each neuron.

    Args:
        net: the network now.
        initial: the network at time 0, of the same width and input dimension.

    Returns:
        Shape (m,), radians in [0, pi]; nan where either vector is zero and has no direction.

    Raises:
        ValueError: the two networks differ in shape or device.
        TypeError: a network of another type.

    Source: chapter "Notation and the common frame".
    """
    for name, each in (("net", net), ("initial", initial)):
        _validate.kind(name, each, Network)
    if net.V.shape != initial.V.shape:
        raise ValueError(
            f"initial has inner weights of shape {tuple(initial.V.shape)}; "
            f"expected {tuple(net.V.shape)}, as in net"
        )
    _validate.same_device(net=net.V, initial=initial.V)
    return angles(net.V, initial.V)
