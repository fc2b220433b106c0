"""Normalized and smoothed margins of a network."""

from __future__ import annotations

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.losses import Loss, soft_margin
from lowrot.network import Network


def normalized_margin(net: Network, data: Dataset) -> float:
    """Return ``min_i p_i / ||W||^2``, at most half the global margin.

    Args:
        net: the network.
        data: n points.

    Returns:
        In the unit of the inputs; negative when a point is misclassified.

    Raises:
        ValueError: the network is zero, or does not fit the data.
        TypeError: a net or data of another type.

    Source: chapter "Notation and the common frame".
    """
    square = _norm_squared(net)
    return float(net.margins(data).min()) / square


def smoothed_margin(net: Network, data: Dataset, *, loss: str | Loss = "exponential") -> float:
    """Return ``P_+ / ||W||^2``, which never decreases along the gradient flow.

    Args:
        net: the network.
        data: n points.
        loss: ``"exponential"`` or ``"logistic"``, of which P is the soft margin.

    Returns:
        In the unit of the inputs; 0 where the soft margin P is negative.

    Raises:
        ValueError: the network is zero or does not fit the data, or an unknown loss.
        TypeError: a net or data of another type.

    Source: chapter "Notation and the common frame" (F5).
    """
    square = _norm_squared(net)
    soft = float(soft_margin(net.margins(data), loss))
    return max(soft, 0.0) / square


def _norm_squared(net: Network) -> float:
    square: float = _validate.kind("net", net, Network).norm_squared
    if square == 0:
        raise ValueError("net is zero; a normalized margin needs a nonzero network")
    return square
