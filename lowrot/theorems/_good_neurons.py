"""Good neurons of a group: which they are, how likely one is, and how many neurons are enough."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset, infer_groups
from lowrot.network import Network
from lowrot.optima import NotSeparable, svm_margin
from lowrot.theorems._caps import cap_fraction
from lowrot.theorems._statistics import binomial_interval

if TYPE_CHECKING:
    import pandas as pd

_MOST_GROUPS = 20
"""Groups up to which inclusion and exclusion (2^r terms of alternating sign) keeps its digits."""
_BATCH = 2**22
"""Pairs (point, random direction) held at once."""


@dataclass(frozen=True, eq=False)
class Demands:
    """What each of r groups demands of a good neuron.

    Args:
        labels: sigma_k, the sign of the output weight, shape (r,).
        active: the points on which it is positive, shape (r, n).
        silent: the points on which it is negative, shape (r, n).
    """

    labels: Tensor
    active: Tensor
    silent: Tensor


def demands(data: Dataset, *, opposite: bool = False) -> Demands:
    """Return what the groups of the data demand; groups are inferred where there are none."""
    opposite = _validate.flag("opposite", opposite)
    groups = _grouped(data).groups
    assert groups is not None
    names = groups.unique()
    active = groups[None, :] == names[:, None]
    labels = torch.stack([data.y[group][0] for group in active])
    silent = ~active
    if opposite:
        silent &= data.y[None, :] == labels[:, None]
    return Demands(labels, active, silent)


def good_neurons(net: Network, data: Dataset, *, opposite: bool = False) -> Tensor:
    """Return which neurons are good for which group, shape (r, m), boolean.

    Neuron j is good for group k if ``sign(a_j) = sigma_k``, ``v_j.x > 0`` on the group and
    ``v_j.x < 0`` off it: on all other groups, or, in the opposite-label variant, only on those
    of the same label, and then it also needs ``|a_j| >= ||v_j||``.

    Args:
        net: the network (m neurons).
        data: the data; groups (r of them) are inferred where it has none.
        opposite: the opposite-label variant.

    Returns:
        Shape (r, m), boolean.

    Raises:
        ValueError: a network of another dimension or device.
        TypeError: arguments of another type.

    Source: chapter "Neural collapse".
    """
    _validate.kind("net", net, Network)
    if net.d != _validate.kind("data", data, Dataset).d:
        raise ValueError(f"net has d = {net.d}; expected {data.d}, as in data")
    _validate.same_device(net=net.V, data=data.X)
    asked = demands(data, opposite=opposite)
    z = data.X @ net.V.T
    wrong = asked.active.double() @ (z <= 0).double() + asked.silent.double() @ (z >= 0).double()
    good = (wrong == 0) & (torch.sign(net.a)[None, :] == asked.labels[:, None])
    if opposite:
        good &= net.a.abs() >= net.V.norm(dim=1) * (1 - 1e-12)
    return good


def plane_arcs(data: Dataset, *, opposite: bool = False) -> np.ndarray:
    """Good directions of each group in the plane: an arc, its start and its length, in radians.

    Args:
        data: the data, in the plane; groups (r of them) are inferred where it has none.
        opposite: the opposite-label variant.

    Returns:
        Shape (r, 2); the length is 0 where no direction is good.

    Raises:
        ValueError: data that are not in the plane.
        TypeError: arguments of another type.

    Source: chapter "Neural collapse".
    """
    if _validate.kind("data", data, Dataset).d != 2:
        raise ValueError(f"data has d = {data.d}; expected 2 (use sampled_fractions otherwise)")
    asked = demands(data, opposite=opposite)
    angle = torch.atan2(data.X[:, 1], data.X[:, 0]).cpu().numpy()
    out = []
    for active, silent in zip(asked.active.cpu().numpy(), asked.silent.cpu().numpy()):
        # Each demand is a half circle; all of them meet in one arc, measured from a point of S_k.
        origin = angle[active][0]
        centres = np.concatenate([angle[active], angle[silent] + math.pi]) - origin
        centres = (centres + math.pi) % (2 * math.pi) - math.pi
        start, end = centres.max() - math.pi / 2, centres.min() + math.pi / 2
        out.append((origin + start, max(0.0, end - start)))
    return np.array(out)


def plane_fractions(data: Dataset, *, opposite: bool = False) -> np.ndarray:
    """Probability that a random neuron is good for each group in the plane, exact.

    The direction is uniform, the sign of the output weight fair and independent of it. In the
    opposite-label variant the start is taken to be balanced.

    Args:
        data: the data, in the plane; groups (r of them) are inferred where it has none.
        opposite: the opposite-label variant.

    Returns:
        Shape (r,).

    Raises:
        ValueError: data that are not in the plane.
        TypeError: arguments of another type.

    Source: chapter "Neural collapse".
    """
    return plane_arcs(data, opposite=opposite)[:, 1] / (4 * math.pi)


def cap_fractions(data: Dataset, *, opposite: bool = False) -> np.ndarray:
    """Lower bounds on the probabilities of `plane_fractions` in any dimension.

    Good directions are those that separate a group from what must be silent. They contain a cap
    about the maximal-margin direction, whose angle has the margin (of normalized inputs) as sine.

    Args:
        data: the data; groups (r of them) are inferred where it has none.
        opposite: the opposite-label variant.

    Returns:
        Shape (r,); 0 where no direction is good.

    Raises:
        TypeError: arguments of another type.

    Source: chapter "Neural collapse".
    """
    asked = demands(data, opposite=opposite)
    units = data.X / data.X.norm(dim=1, keepdim=True)
    out = []
    for active, silent in zip(asked.active, asked.silent):
        chosen = active | silent
        side = torch.where(active, 1.0, -1.0).to(units)[chosen]
        try:
            sine = min(1.0, svm_margin(Dataset(units[chosen], side)).value)
        except NotSeparable:
            out.append(0.0)
            continue
        rank = int(torch.linalg.matrix_rank(units[chosen]))
        out.append(0.5 * cap_fraction(max(2, rank), 2 * math.sin(0.5 * math.asin(sine))))
    return np.array(out)


def sampled_fractions(
    data: Dataset,
    *,
    samples: int = 100_000,
    seed: int = 0,
    opposite: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Estimate the probabilities of `plane_fractions` in any dimension by random directions.

    Args:
        data: the data; groups (r of them) are inferred where it has none.
        samples: number of random directions.
        seed: of the directions.
        opposite: the opposite-label variant.
        confidence: of each interval, in [0, 1].

    Returns:
        One row a group: ``fraction``, and the limits ``low`` and ``high`` of `binomial_interval`
        (each interval by itself has the confidence asked for).

    Raises:
        ValueError, TypeError: a number outside its range.

    Source: chapter "Neural collapse".
    """
    import pandas as pd

    samples = _validate.integer("samples", samples, 1)
    generator = torch.Generator().manual_seed(_validate.integer("seed", seed, 0))
    asked = demands(data, opposite=opposite)
    X, hits = data.X.cpu(), np.zeros(len(asked.labels))
    active, silent = asked.active.double().cpu(), asked.silent.double().cpu()
    left = samples
    while left > 0:
        size = min(left, max(1, _BATCH // data.n))
        V = torch.randn(size, data.d, generator=generator, dtype=_validate.DTYPE)
        z = X @ V.T
        wrong = active @ (z <= 0).double() + silent @ (z >= 0).double()
        hits += (wrong == 0).sum(dim=1).numpy()
        left -= size
    low, high = binomial_interval(hits, samples, confidence)
    # The sign of the output weight is fair and independent: its half is exact.
    return pd.DataFrame({"fraction": hits / samples / 2, "low": low / 2, "high": high / 2})


def uncovered(fractions: Sequence[float] | np.ndarray, m: int) -> float:
    """Probability that some group has no good neuron among m independent ones, exact.

    No neuron is good for two groups, so that inclusion and exclusion needs only the sums of the
    fractions over sets of groups.

    Args:
        fractions: probability that a neuron is good for each group, shape (r,), r <= 20.
        m: width.

    Returns:
        In [0, 1].

    Raises:
        ValueError: more than 20 groups, fractions that are no probabilities of disjoint events,
            or no neuron.
        TypeError: a width that is not an integer, or fractions that are no real numbers.

    Source: chapter "Neural collapse".
    """
    P, m = _fractions(fractions), _validate.integer("m", m, 1)
    if len(P) > _MOST_GROUPS:
        raise ValueError(
            f"fractions has {len(P)} entries; expected at most {_MOST_GROUPS} "
            "(the sum over sets of groups would cancel; use width_needed)"
        )
    total = [
        (-1) ** (size + 1) * max(0.0, 1 - math.fsum(chosen)) ** m
        for size in range(1, len(P) + 1)
        for chosen in itertools.combinations(P.tolist(), size)
    ]
    return min(1.0, max(0.0, math.fsum(total)))


def width_needed(fractions: Sequence[float] | np.ndarray, delta: float) -> float:
    """Width at which every group has a good neuron with probability at least 1 - delta.

    By the union bound, ``r (1 - min_k P_k)^m <= delta``; infinite if some fraction is 0.

    Args:
        fractions: probability that a neuron is good for each group, shape (r,).
        delta: allowed probability of failure, in (0, 1].

    Returns:
        A whole number, or inf.

    Raises:
        ValueError: fractions that are no probabilities of disjoint events, or delta outside.
        TypeError: no real numbers.

    Source: chapter "Neural collapse".
    """
    P, delta = _fractions(fractions), _validate.number("delta", delta, 1e-300, 1.0)
    if P.min() == 0:
        return math.inf
    rate = -math.log1p(-P.min()) if P.min() < 1 else math.inf
    return float(max(1, math.ceil(math.log(len(P) / delta) / rate)))


def _fractions(values: Sequence[float] | np.ndarray) -> np.ndarray:
    P = _validate.real_array("fractions", values, ("r",)).cpu().numpy()
    if P.min() < 0 or P.sum() > 1 + 1e-9:
        raise ValueError(f"fractions is {P}; expected probabilities of disjoint events")
    return P


def _grouped(data: Dataset) -> Dataset:
    return data if _validate.kind("data", data, Dataset).groups is not None else infer_groups(data)
