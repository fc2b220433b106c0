"""Two points of one label: the lines of the proof along a flow, for each pattern of its start."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._escape_patterns import EscapeMargins, active_on

if TYPE_CHECKING:
    import pandas as pd

Lines = tuple["pd.DataFrame", dict[str, float]]
"""Both sides of the lines at the saved times, and the slack of each line."""


def uncovered_lines(path: Path, net: Network, data: Dataset) -> Lines:
    """A point without active neuron of ``a_j > 0`` never gets one, so its margin is at most 0.

    Args:
        path: of the flow, states a and V.
        net: its start.
        data: the two points.

    Returns:
        Columns ``product``, the largest ``v_j.x/||v_j||`` of a neuron with ``a_j > 0`` at such a
        point, and ``margin_there``, the largest margin of such a point; neither exceeds 0.
    """
    import pandas as pd

    positive = (net.a > 0).cpu().numpy()
    idle = ~active_on(net.V, data.X)[net.a > 0].any(dim=0).cpu().numpy()
    z, p = _products(path, data)
    size = np.linalg.norm(path["V"], axis=2)
    cosine = z / np.where(size > 0, size, 1.0)[:, :, None]
    frame = pd.DataFrame(
        {
            "tau": path["tau"],
            "product": cosine[:, positive][:, :, idle].max(axis=(1, 2), initial=-math.inf),
            "margin_there": p.sum(axis=1)[:, idle].max(axis=1),
        }
    )
    return frame, {
        "no neuron arrives": -frame["product"].max(),
        "margin of the uncovered point <= 0": -frame.margin_there.max(),
    }


def trapped_lines(
    path: Path, net: Network, data: Dataset, margins: EscapeMargins, ln_G: float, J: np.ndarray
) -> Lines:
    """Neurons on both points are held by the barrier, and grow at the rate of the middle.

    Args:
        path: of the flow, columns ``margin`` and ``norm_squared``, states a, V and q.
        net: its start, all on both.
        data: the two points.
        margins: its constants.
        ln_G: ln of ``G_0 = 2 sum_j v_j1(0)^2`` over the neurons on both.
        J: an upper bound on J at the saved times.

    Returns:
        Columns ``difference`` (``|p_+ - p_-|`` of the neurons with ``a_j > 0``) below
        ``difference_bound`` (``E^*``); ``negative`` (mass of the others) below ``negative_bound``
        (``mu_-^*``); ``half_sum`` (of the margins) below ``half_sum_bound``
        (``cos(phi) ||W||^2/2``); ``growth`` (``ln G_0 + 2 cos(phi) tau``), ``potential``
        (``ln 2 sum v_j1^2``), ``ln_norm`` (of ``||W||^2``) and ``norm_bound``
        (``ln ||W_0||^2 + 4 tau P_+/||W||^2 + J``), in increasing order.
    """
    import pandas as pd

    positive = (net.a > 0).cpu().numpy()
    both = positive & active_on(net.V, data.X).all(dim=1).cpu().numpy()
    p = _products(path, data)[1]
    tau, square, middle = path["tau"], path["norm_squared"], 2.0 * margins.bad
    with np.errstate(divide="ignore"):
        potential = np.log(2.0 * (path["V"][:, both, 0] ** 2).sum(axis=1))
    frame = pd.DataFrame(
        {
            "tau": tau,
            "difference": np.abs(_imbalance(path["q"], p[:, ~positive])),
            "difference_bound": margins.start,
            "negative": (path["a"][:, ~positive] ** 2).sum(axis=1),
            "negative_bound": margins.small,
            "half_sum": p.sum(axis=(1, 2)) / 2.0,
            "half_sum_bound": middle * square / 2.0,
            "growth": ln_G + 2.0 * middle * tau,
            "potential": potential,
            "ln_norm": np.log(square),
            "norm_bound": math.log(net.norm_squared) + 4.0 * tau * path["margin"] + J,
        }
    )
    scale = frame.tau.clip(lower=1.0)
    return frame, {
        "the barrier holds": (frame.difference_bound - frame.difference).min(),
        "negative neurons stay small": (frame.negative_bound - frame.negative).min(),
        "no more than the middle": ((frame.half_sum_bound - frame.half_sum) / square).min(),
        "growth on both": ((frame.potential - frame.growth) / scale).min(),
        "growth on both below the norm": ((frame.ln_norm - frame.potential) / scale).min(),
        "growth of the norm": ((frame.norm_bound - frame.ln_norm) / scale).min(),
    }


def one_sided_lines(
    path: Path, net: Network, data: Dataset, margins: EscapeMargins, until: int
) -> Lines:
    """While a start is one-sided, the point that has neurons of its own does not fall behind.

    Args:
        path: of the flow, states a, V and q.
        net: its start, one-sided.
        data: the two points.
        margins: its constants.
        until: the number of saved times before the pattern is covered.

    Returns:
        Columns ``lead`` (``p_+ - p_-`` of the neurons with ``a_j > 0``, x_+ the point that has
        neurons of its own) above ``lead_bound`` (``-E^*``), and ``dual`` (``q_+ - q_-``) below
        ``dual_bound`` (``cot(phi)^2``), at the saved times before the pattern is covered.
    """
    import pandas as pd

    positive = (net.a > 0).cpu().numpy()
    active = active_on(net.V, data.X)[net.a > 0]
    sign = 1.0 if bool((active[:, 0] & ~active[:, 1]).any()) else -1.0
    p = _products(path, data)[1]
    frame = pd.DataFrame(
        {
            "tau": path["tau"],
            "lead": sign * _imbalance(path["q"], p[:, ~positive]),
            "lead_bound": -margins.start,
            "dual": sign * (path["q"][:, 0] - path["q"][:, 1]),
            "dual_bound": margins.kappa,
        }
    )[:until]
    return frame, {
        "the barrier holds": (frame.lead - frame.lead_bound).min(),
        "dual weights below the barrier": (frame.dual_bound - frame.dual).min(),
    }


def _products(path: Path, data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """``v_j.x_i`` and what each neuron adds to each margin, both of shape (k, m, 2)."""
    z = path["V"] @ data.X.cpu().numpy().T
    return z, path["a"][:, :, None] * np.maximum(z, path.meta.get("slope", 0.0) * z)


def _imbalance(q: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``p_+ - p_-`` of all neurons but others, shape (k,).

    That of all comes from the dual weights, ``ln(q_-/q_+)`` for the exponential loss: of large
    margins the difference would be rounding.
    """
    with np.errstate(divide="ignore"):
        total = np.log(q[:, 1]) - np.log(q[:, 0])
    return total - (others[:, :, 0] - others[:, :, 1]).sum(axis=1)
