"""Gaussian inputs with labels for regression, fixed in advance or chosen against a start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array

LABELS = ("signs", "teacher", "fast", "slow", "anti", "worst")
"""Kinds of labels: the last four are chosen after seeing the start."""

_SEES_START = LABELS[2:]
_STREAM = 11
"""With the seed it makes a stream of its own, not that of the weights of a start."""
_TEACHER = 3
"""Neurons of a teacher."""


class Start(Protocol):
    """What labels may see of a start: its outputs and its tangent kernel."""

    def __call__(self, X: Tensor) -> Tensor: ...
    def kernel(self, data: Tensor, *, rates: tuple[float, float]) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class RegressionData:
    """Inputs with real labels, checked on construction.

    Args:
        X: inputs, shape (n, d), float64.
        y: labels, shape (n,), float64.
        name: what to call it in figures and reports.

    Raises:
        ValueError: non-finite values, shapes that disagree, an empty set.
        TypeError: a dtype other than float64, or a name that is no text.

    Source: chapter "Regression beyond the tangent kernel".
    """

    X: Tensor
    y: Tensor
    name: str = ""

    def __post_init__(self) -> None:
        X = _validate.real_array("X", self.X, ("n", "d"), copy=True)
        y = _validate.real_array("y", self.y, (X.shape[0],), copy=True)
        _validate.same_device(X=X, y=y)
        _validate.kind("name", self.name, str)
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)

    @property
    def n(self) -> int:
        """Number of points."""
        return self.X.shape[0]

    @property
    def d(self) -> int:
        """Input dimension."""
        return self.X.shape[1]


def gaussian_regression(
    n: int,
    d: int,
    labels: str = "signs",
    *,
    seed: int = 0,
    net: Start | None = None,
    rates: tuple[float, float] = (1.0, 1.0),
) -> RegressionData:
    """Gaussian inputs ``x_i ~ N(0, I_d)`` with labels of norm ``sqrt(n)``, or residuals of it.

    Args:
        n: number of points.
        d: input dimension.
        labels: fixed before the start is seen: "signs", random ones, or "teacher", the outputs of
            a ReLU network of three neurons; chosen after seeing it, f_0 its outputs and K its
            tangent kernel: "fast" and "slow", along the largest and the least mode of K; "anti",
            along ``-f_0``, which makes the residuals largest; "worst", such that the *residuals*
            ``f_0 - y`` are along the least mode of K, and of norm ``sqrt(n)``.
        seed: of inputs and labels; not the stream of a start of the same seed.
        net: the start that the last four see, m neurons in d dimensions.
        rates: eta_a and eta_V of the kernel that they see.

    Returns:
        The data set.

    Raises:
        ValueError: no points, an unknown kind of labels, labels that see a start without one, or
            labels along outputs that are all zero.
        TypeError: numbers of another kind, or a start that is no network.

    Source: chapter "Regression beyond the tangent kernel".
    """
    n, d = _validate.integer("n", n, 1), _validate.integer("d", d, 1)
    kind = _validate.choice("labels", labels, LABELS)
    rng = np.random.default_rng([_STREAM, _validate.integer("seed", seed, 0)])
    X = torch.as_tensor(rng.standard_normal((n, d)))
    rates = _validate.rates("rates", rates)
    if kind in _SEES_START:
        y = _against(kind, _start(kind, net, d), X, rates)
    elif kind == "signs":
        y = 1.0 - 2.0 * rng.integers(2, size=n)
    else:
        a, V = rng.standard_normal(_TEACHER), rng.standard_normal((_TEACHER, d))
        y = np.maximum(X.numpy() @ V.T, 0.0) @ a
    if kind != "worst":
        length = float(np.linalg.norm(y))
        if length == 0.0:
            raise ValueError(f"labels is {kind!r}, of outputs that are all 0; expected others")
        y = y * (math.sqrt(n) / length)
    return RegressionData(X, torch.as_tensor(y), f"Gaussian, n = {n}, d = {d}, labels {kind}")


def _start(kind: str, net: Start | None, d: int) -> Start:
    """The start, if there is one that can be asked."""
    if net is None:
        raise ValueError(f"net is None; expected the network that labels {kind!r} see")
    if not callable(net) or not hasattr(net, "kernel"):
        raise TypeError(f"net is a {type(net).__name__}; expected a Network")
    if getattr(net, "d", d) != d:
        raise ValueError(f"net has another dimension than d = {d}; expected the same")
    return net


def _against(kind: str, net: Start, X: Tensor, rates: tuple[float, float]) -> Array:
    """Labels against a start, of any norm but for "worst"."""
    f = net(X).cpu().numpy()
    if kind == "anti":
        return -f
    modes = np.linalg.eigh(net.kernel(X, rates=rates).cpu().numpy())[1]
    if kind != "worst":
        return modes[:, -1 if kind == "fast" else 0]
    return f - math.sqrt(len(f)) * modes[:, 0]
