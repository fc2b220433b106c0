"""Validated data sets, and generators that know what is exactly true of what they generate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lowrot import _check, _groups

_NORM_SLACK = 1e-12


@dataclass(frozen=True)
class Dataset:
    """A labelled data set for binary classification, checked on construction.

    Args:
        X: inputs, shape (n, d), float64, with ``0 < ||x_i|| <= 1``.
        y: labels, shape (n,), each -1 or +1.
        groups: optional group index of each point, shape (n,), integers >= 0.
        name: what to call it in figures and reports.
        known: quantities known exactly, by name (for example ``gamma_gl``).

    Raises:
        ValueError: non-finite values, labels other than -1 and +1, shapes that disagree, an
            empty set, zero rows or rows longer than 1, or tensors on different devices.
        TypeError: a dtype other than float64 (integers are converted).

    Source: chapter "Notation and the common frame".
    """

    X: Tensor
    y: Tensor
    groups: Tensor | None = None
    name: str = ""
    known: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        X = _check.real_array("X", self.X, ("n", "d"))
        y = _check.signs("y", self.y, X.shape[0])
        _check.same_device(X=X, y=y)
        norms = X.norm(dim=1)
        zero = torch.nonzero(norms == 0)
        if len(zero):
            raise ValueError(f"X[{int(zero[0])}] is zero; expected 0 < ||x_i|| <= 1")
        longest = int(norms.argmax())
        if norms[longest] > 1 + _NORM_SLACK:
            raise ValueError(
                f"X[{longest}] has norm {norms[longest].item():.6g}; expected ||x_i|| <= 1 "
                "(divide X by its largest norm, or load with scale=True)"
            )
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        if self.groups is not None:
            groups = _check.real_array("groups", self.groups, (X.shape[0],))
            if bool(((groups < 0) | (groups != groups.round())).any()):
                raise ValueError(f"groups is {self.groups!r}; expected integers >= 0")
            object.__setattr__(self, "groups", groups.long().to(X.device))

    @property
    def n(self) -> int:
        """Number of points."""
        return self.X.shape[0]

    @property
    def d(self) -> int:
        """Input dimension."""
        return self.X.shape[1]

    def to(self, device: torch.device | str) -> Dataset:
        """Return the same data on another device."""
        groups = None if self.groups is None else self.groups.to(device)
        return replace(self, X=self.X.to(device), y=self.y.to(device), groups=groups)


def sparse_parity(d: int, k: int = 2, n: int | None = None, seed: int = 0) -> Dataset:
    """k-sparse parity: x uniform on {-1, +1}^d / sqrt(d), the label the product of k signs.

    Args:
        d: input dimension.
        k: the label is the product of the signs of the first k coordinates.
        n: number of independent samples; the whole hypercube (2^d points) when None.
        seed: of the samples.

    Returns:
        A data set; for k = 2 on the whole hypercube it knows ``gamma_gl = 1/sqrt(8 d)``.

    Source: chapter "Margins and their optima".
    """
    d = _check.integer("d", d, 1)
    k = _check.integer("k", k, 1, d)
    if n is None:
        if d > 20:
            raise ValueError(f"d is {d}; the whole hypercube needs d <= 20, so pass n")
        cube = torch.tensor(list(itertools.product((1.0, -1.0), repeat=d)), dtype=_check.DTYPE)
    else:
        n = _check.integer("n", n, 1)
        generator = torch.Generator().manual_seed(_check.integer("seed", seed, 0))
        cube = 1.0 - 2.0 * torch.randint(2, (n, d), generator=generator).to(_check.DTYPE)
    known = {"gamma_gl": 1 / math.sqrt(8 * d)} if k == 2 and n is None else {}
    size = "whole cube" if n is None else f"n = {n}"
    return Dataset(
        cube / math.sqrt(d),
        cube[:, :k].prod(dim=1),
        None,
        f"{k}-sparse parity, d = {d}, {size}",
        known,
    )


def two_points(phi: float) -> Dataset:
    """Two points at angles +-phi from the first axis, both labelled +1.

    Args:
        phi: angle in radians, in (0, pi/2].

    Returns:
        A data set with ``gamma_svm = cos(phi)`` and ``gamma_gl = max(1/2, cos(phi))``.

    Source: chapter "Margins and their optima".
    """
    phi = _check.number("phi", phi, 0.0, math.pi / 2)
    c, s = math.cos(phi), math.sin(phi)
    known = {"gamma_svm": c, "gamma_gl": max(0.5, c)}
    X = torch.tensor([[c, s], [c, -s]], dtype=_check.DTYPE)
    return Dataset(
        X, torch.ones(2, dtype=_check.DTYPE), None, f"two points, phi = {phi:.4g}", known
    )


def collapsed_groups(
    r: int,
    d: int,
    sizes: int | Sequence[int] = 4,
    spread: float | Sequence[float] = 0.1,
    labels: Sequence[int] | None = None,
    blocks: int | None = None,
    mirrored: bool = True,
    seed: int = 0,
) -> Dataset:
    """Unit points in r groups with ``x.x' > 0`` within a group and ``x.x' <= 0`` across groups.

    The groups are dealt to mutually orthogonal blocks of coordinates; within a block their centres
    are the corners of a regular simplex, and each group lies in a cap about its centre.

    Args:
        r: number of groups, at most 2 d.
        d: input dimension.
        sizes: points a group, one number or one a group.
        spread: half-angle of the caps in radians, one number or one a group; below pi/4 for one or
            two groups a block, below ``arcsin(1/(g - 1))/2`` for g groups a block, and 0 in a
            block of one coordinate.
        labels: sigma_k of each group, -1 or +1; alternating from +1 when None.
        blocks: number of orthogonal blocks: 1 puts all centres on one simplex, r makes all groups
            orthogonal; as few as fit, ``max(1, r - d)``, when None.
        mirrored: points come in pairs mirrored at the centre, the first pair at the full spread,
            so that the centre is the group's own SVM direction; independent points, uniform in
            angle to the power d_b - 1 (d_b coordinates a block), otherwise.
        seed: of the points.

    Returns:
        A data set with its groups. If mirrored it knows ``gamma_k`` of each group k (for example
        ``gamma_0``), ``S = sum_k 1/gamma_k``, and ``gamma_gl`` where it is known: when groups of
        one label are orthogonal, that is in different blocks.

    Raises:
        ValueError: groups that do not fit, by dimension or by spread, with the reason.

    Source: chapter "Neural collapse".
    """
    r, d = _check.integer("r", r, 1), _check.integer("d", d, 1)
    layout = _groups.blocks(r, d, blocks)
    counts = [_check.integer("sizes", size, 1) for size in _groups.per_group("sizes", sizes, r)]
    angles = [
        _check.number("spread", angle, 0.0, math.pi / 4)
        for angle in _groups.per_group("spread", spread, r)
    ]
    sigma = _check.signs("labels", [(-1) ** k for k in range(r)] if labels is None else labels, r)
    rng = np.random.default_rng(_check.integer("seed", seed, 0))
    X = _groups.points(layout, d, counts, angles, mirrored, rng)
    groups = np.repeat(np.arange(r), counts)
    product, same = X @ X.T, groups[:, None] == groups[None, :]
    if product[same].min() <= 0 or product[~same].max(initial=-1.0) > _groups.ZERO:
        raise ValueError(
            f"spread is {spread!r}; rounding puts it at its limit, so expected a smaller one"
        )
    known: dict[str, float] = {}
    if mirrored:
        gammas = [math.cos(a) if n > 1 else 1.0 for a, n in zip(angles, counts)]
        S = math.fsum(1 / gamma for gamma in gammas)
        known = {f"gamma_{k}": gamma for k, gamma in enumerate(gammas)} | {"S": S}
        block = np.repeat(np.arange(len(layout)), [part.count for part in layout])
        parts = [(sigma == sign).numpy() for sign in (1, -1)]
        if all(len(set(block[part])) == part.sum() for part in parts):
            known["gamma_gl"] = 1 / sum(
                float(np.linalg.norm(1 / np.array(gammas)[part])) for part in parts
            )
    name, index = f"{r} groups in {d} dimensions", torch.as_tensor(groups)
    return Dataset(torch.as_tensor(X), sigma[index], index, name, known)


def infer_groups(data: Dataset) -> Dataset:
    """Return the data with the only groups that neural collapse can have.

    Points are in one group when a chain of positive inner products joins them: groups with
    ``x.x' > 0`` within and ``x.x' <= 0`` across are the connected components of that graph, and
    exist exactly when every component is complete. Source: chapter "Neural collapse".
    """
    groups = torch.as_tensor(_groups.components(data.X.cpu().numpy()))
    return replace(data, groups=groups)


def largest_separated(data: Dataset) -> Dataset:
    """Return a largest part of the data whose groups are separated and have one label each.

    Args:
        data: at most 150 points (the integer program has up to n^3/2 constraints).

    Returns:
        The part, with the groups of `infer_groups`. Source: chapter "Neural collapse"; HiGHS.
    """
    if data.n > 150:
        raise ValueError(f"data has n = {data.n} points; expected at most 150")
    kept = torch.as_tensor(_groups.largest_separated(data.X.cpu().numpy(), data.y.cpu().numpy()))
    name = f"{len(kept)} of {data.n} points of {data.name or 'the data'}"
    return infer_groups(Dataset(data.X[kept], data.y[kept], None, name))


def load(path: str | FilePath, scale: bool = False) -> Dataset:
    """Read a data set of your own.

    Args:
        path: a ``.npz`` with arrays ``X``, ``y`` and optionally ``groups`` (never unpickled), or
            a ``.csv`` with a header, label column ``y`` and optionally ``groups``; every other
            column is a coordinate.
        scale: divide all inputs by the largest norm, so that ``||x_i|| <= 1``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an unreadable, pickled or incomplete file, or data that `Dataset` refuses.
    """
    file = FilePath(path)
    if not file.is_file():
        raise FileNotFoundError(f"path is {str(path)!r}; expected an existing .npz or .csv file")
    readers = {".npz": _read_npz, ".csv": _read_csv}
    if file.suffix not in readers:
        raise ValueError(f"path is {str(path)!r}; expected a name that ends in .npz or .csv")
    try:
        arrays = readers[file.suffix](file)
        X, y = arrays["X"], arrays["y"]
    except KeyError as error:
        raise ValueError(f"path {str(path)!r} has no {error.args[0]}; expected X and y") from None
    except Exception as error:
        raise ValueError(f"path {str(path)!r} cannot be read as {file.suffix}: {error}") from error
    X = _check.real_array("X", X, ("n", "d"))
    if scale:
        X = X / X.norm(dim=1).max()
    return Dataset(X, y, arrays.get("groups"), file.stem)


def _read_npz(file: FilePath) -> dict[str, Any]:
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _read_csv(file: FilePath) -> dict[str, Any]:
    frame = pd.read_csv(file)
    arrays = {name: frame.pop(name).to_numpy() for name in ("y", "groups") if name in frame}
    return {"X": frame.to_numpy(), **arrays}
