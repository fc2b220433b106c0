"""Neural-collapse metrics of the features of a network, by class or by group."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import Network, activation

_RANK = 1e-12
"""Axes of the centred means this short, relative to the longest feature, are rounding."""


@dataclass(frozen=True)
class CollapseMetrics:
    """How far the features ``h_i = s(V x_i)`` of C sets of points are from neural collapse.

    Attributes:
        within: NC1, ``tr(Sigma_W Sigma_B^+)/C``, which sees only the span of the centred means.
        variability: ``tr Sigma_W / tr Sigma_B``, which sees every direction: 0 exactly when each
            set has collapsed to one feature.
        norms: NC2, standard deviation over mean of the lengths of the centred means.
        angles: NC2, mean over pairs of sets of ``|cos + 1/(C - 1)|``, cos between centred means:
            0 for a simplex.
        duality: NC3, distance between ``a`` and the difference of the mean features of the two
            labels, both of unit length, in [0, 2]; nan when there is one label only, or one of
            the two is zero.
    """

    within: float
    variability: float
    norms: float
    angles: float
    duality: float


def collapse_metrics(
    net: Network, data: Dataset, *, by: str = "groups", rays: bool = False
) -> CollapseMetrics:
    """Return the neural-collapse metrics of a network on data.

    Every set has the same weight, whatever its size: ``Sigma_W`` is the mean over sets of the
    covariance within, ``Sigma_B`` that of the C means, centred at their mean. The network has one
    output, so that its classifier is a, to be compared with one direction: the mean feature of
    the sets labelled +1 minus that of the sets labelled -1.

    Args:
        net: the network (features of dimension m).
        data: the data (n points), with groups where these are asked for.
        by: ``"groups"``, or ``"classes"`` for the two labels.
        rays: use ``h_i/||h_i||``, which is blind to the lengths of features: a group whose
            features have all become parallel has collapsed to a ray, but not to a point.

    Returns:
        The metrics, all without unit.

    Raises:
        ValueError: net and data that do not fit together, fewer than two sets, a group with two
            labels, or mean features that are all equal.
        TypeError: a net, data or ``rays`` of another type.

    Source: V. Papyan, X. Y. Han and D. Donoho, Prevalence of neural collapse during the terminal
    phase of deep learning training, PNAS 117, 2020; chapter "Neural collapse".
    """
    _validate.kind("net", net, Network)
    _validate.kind("data", data, Dataset)
    rays = _validate.flag("rays", rays)
    if net.d != data.d:
        raise ValueError(f"net has d = {net.d}; expected {data.d}, as in data")
    sets, labels = _sets(data, _validate.choice("by", by, ("groups", "classes")))
    h = activation(data.X @ net.V.T, net.slope)
    h = _units(h) if rays else h
    means = torch.stack([h[chosen].mean(dim=0) for chosen in sets])
    centred, count = means - means.mean(dim=0), len(means)
    _, size, axes = torch.linalg.svd(centred, full_matrices=False)
    kept = size > _RANK * float(h.norm(dim=1).max()) * math.sqrt(count)
    if not bool(kept.any()):
        raise ValueError("the sets of data have equal mean features; expected two that differ")
    off = [h[chosen] - mean for chosen, mean in zip(sets, means)]
    spread = torch.stack([(part @ axes[kept].T).square().mean(dim=0) for part in off]).mean(dim=0)
    total = sum(float(part.square().sum(dim=1).mean()) for part in off) / count
    lengths = centred.norm(dim=1)
    return CollapseMetrics(
        within=float((spread / size[kept].square()).sum()),
        variability=total / float(centred.square().sum(dim=1).mean()),
        norms=float(lengths.std(correction=0) / lengths.mean()),
        angles=_simplex_deviation(centred),
        duality=_duality(net.a, means, labels),
    )


def _sets(data: Dataset, by: str) -> tuple[list[Tensor], Tensor]:
    """Return the members of each set, and its label."""
    names = data.y if by == "classes" else data.groups
    if names is None:
        raise ValueError("data has no groups; expected some (infer_groups), or by='classes'")
    sets = [names == name for name in names.unique()]
    if len(sets) < 2:
        raise ValueError(f"data has {len(sets)} set by {by}; expected at least two")
    for k, chosen in enumerate(sets):
        if len(data.y[chosen].unique()) > 1:
            raise ValueError(f"group {k} has points of both labels; expected one label a group")
    return sets, torch.stack([data.y[chosen][0] for chosen in sets])


def _units(rows: Tensor) -> Tensor:
    """Return the rows at length 1; zero rows stay zero."""
    lengths = rows.norm(dim=1, keepdim=True)
    return rows / torch.where(lengths > 0, lengths, 1.0)


def _simplex_deviation(centred: Tensor) -> float:
    """Return the mean over pairs of ``|cos + 1/(C - 1)|``, C rows: 0 for a regular simplex."""
    units, count = _units(centred), len(centred)
    above = torch.triu_indices(count, count, 1)
    cosines = (units @ units.T)[above[0], above[1]]
    return float((cosines + 1 / (count - 1)).abs().mean())


def _duality(a: Tensor, means: Tensor, labels: Tensor) -> float:
    """Return the distance of a from the difference of the labels' means, both of length 1."""
    if len(labels.unique()) < 2:
        return math.nan
    difference = means[labels > 0].mean(dim=0) - means[labels < 0].mean(dim=0)
    return float((a / a.norm() - difference / difference.norm()).norm())
