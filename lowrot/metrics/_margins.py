"""Normalized and smoothed margins of a network."""

from __future__ import annotations

from lowrot.data import Dataset
from lowrot.losses import (
    soft_margin,
)
from lowrot.network import Network


def normalized_margin(net: Network, data: Dataset) -> float:
    """Return ``min_i p_i / ||W||^2``, at most half the global margin.

    Raises:
        ValueError: the network is zero.

    Source: chapter "Notation and the common frame".
    """
    return float(net.margins(data).min()) / _norm_squared(net)


def smoothed_margin(net: Network, data: Dataset, *, loss: str = "exponential") -> float:
    """Return ``P_+ / ||W||^2``, which never decreases along the gradient flow.

    Raises:
        ValueError: the network is zero, or an unknown loss.

    Source: chapter "Notation and the common frame" (F5).
    """
    soft = float(soft_margin(net.margins(data), loss))
    return max(soft, 0.0) / _norm_squared(net)


def _norm_squared(net: Network) -> float:
    square = net.norm_squared
    if square == 0:
        raise ValueError("net is zero; a normalized margin needs a nonzero network")
    return square
