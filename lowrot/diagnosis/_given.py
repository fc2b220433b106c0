"""The reader's data, made into what the theorems ask for; everything that was done is said."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset, RegressionData
from lowrot.data._columns import Points, complete, finite, signs_of
from lowrot.data._dataset import SHORTEST, row_norms
from lowrot.data._files import read
from lowrot.diagnosis._labels import Reading, check, chosen_classes, meant, only_two, plain

if TYPE_CHECKING:
    import pandas as pd

_REAL = "finite numbers as labels of regression; pass target= the column that has them"
TASKS = ("auto", "classification", "regression")
_LENGTH = 1e-12
"""Relative difference from 1 up to which the longest input is 1 but for rounding."""
_DIGITS = 10
"""Digits of directions that are compared."""


@dataclass(frozen=True, eq=False)
class Given:
    """Data that theorems can be asked of.

    Args:
        data: inputs of norm at most 1, with labels -1 and +1 or real ones of mean square 1.
        notes: what was done to them, one sentence each.
        repeated: points that another one has the direction of.
        contradicted: of those, points that another one of another label has the direction of.
    """

    data: Dataset | RegressionData
    notes: tuple[str, ...]
    repeated: int
    contradicted: int

    @property
    def classification(self) -> bool:
        """Whether labels are -1 and +1."""
        return isinstance(self.data, Dataset)


def given(source: Any, reading: Reading) -> Given:
    """Read, choose classes, scale; raise as `load` does where something would have to be guessed.

    Args:
        source: a file, a frame, data, or inputs and labels as a pair.
        reading: how.
    """
    _validate.choice("task", reading.task, TASKS)
    _validate.flag("standardize", reading.standardize)
    check(reading)
    X, y, groups, name = _read(source, reading)
    complete(_series(y))
    notes: list[str] = []
    chosen = reading.pair is not None or reading.rest is not None
    if chosen:
        X, y, groups = chosen_classes(X, y, groups, reading, notes)
    elif _is_regression(source, y, reading):
        return _regression(X, _real(y), name, reading, notes)
    else:
        only_two(y)
    signs = torch.as_tensor(signs_of(y, None if chosen else meant(y, reading.positive)))
    X = _scaled(_standardized(X, reading, notes), notes)
    data = Dataset(X, signs, groups, name)
    return Given(data, tuple(notes), *_repeats(data.X, data.y))


def _read(source: Any, reading: Reading) -> tuple[Tensor, Any, Any, str]:
    """Inputs, labels of any kind, groups or None, and a name."""
    said = {k: getattr(reading, k) for k in ("target", "features", "sep", "decimal")}
    if isinstance(source, Dataset | RegressionData):
        _nothing_said(said, "data that are made already")
        return source.X.cpu(), source.y.cpu().numpy(), getattr(source, "groups", None), source.name
    if isinstance(source, tuple):
        _nothing_said(said, "inputs and labels")
        if len(source) != 2:
            raise ValueError(f"data has {len(source)} parts; expected inputs and labels, (X, y)")
        X = _validate.real_array("X", source[0], ("n", "d"), copy=True).cpu()
        y = source[1].cpu().numpy() if isinstance(source[1], Tensor) else np.asarray(source[1])
        if y.shape != (len(X),):
            raise ValueError(f"y has shape {y.shape}; expected ({len(X)},), a label a point")
        return X, y, None, ""
    if not (isinstance(source, str | os.PathLike) or type(source).__module__.startswith("pandas")):
        raise TypeError(
            f"data is a {type(source).__name__}; expected a file, a pandas frame, a Dataset, "
            "RegressionData, or inputs and labels (X, y)"
        )
    points, name = read(source, **said)
    return *_inputs(points), name


def _inputs(points: Points) -> tuple[Tensor, Any, Any]:
    return points.inputs()[0], points.y, points.groups


def _nothing_said(said: dict[str, Any], what: str) -> None:
    for name, value in said.items():
        if value is not None:
            raise ValueError(f"{name} is {value!r}; expected None, as it says nothing of {what}")


def _real(y: Any) -> Tensor:
    """Labels as finite numbers."""
    return torch.tensor(finite(_series(y, "y"), _REAL))


def _series(y: Any, name: str | None = None) -> pd.Series:
    """Labels as a column."""
    import pandas as pd

    return y if isinstance(y, pd.Series) else pd.Series(y, name=name)


def _is_regression(source: Any, y: Any, reading: Reading) -> bool:
    """Whether labels are real numbers, as asked for, or without doubt."""
    if reading.task != "auto":
        return reading.task == "regression"
    if isinstance(source, Dataset | RegressionData):
        return isinstance(source, RegressionData)
    found = set(plain(y))
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in found)
    if reading.positive is not None or len(found) <= 2:
        return False
    if numbers and any(np.isfinite(v) and v != round(v) for v in found):
        return True
    if numbers:
        only_two(y, "task='regression' for numbers to be fitted, ")
    return False


def _standardized(X: Tensor, reading: Reading, notes: list[str]) -> Tensor:
    """Columns of mean 0 and mean square 1, if asked for; constant ones are dropped."""
    if not reading.standardize:
        return X
    centred = X - X.mean(dim=0)
    spread = centred.square().mean(dim=0).sqrt()
    kept = spread > 1e-12 * X.abs().amax(dim=0)
    if not bool(kept.any()):
        raise ValueError("data has constant columns only; expected some that vary")
    dropped = int((~kept).sum())
    notes.append(
        "Every column was shifted and divided to have mean 0 and mean square 1."
        + f" {dropped} constant ones were dropped." * (dropped > 0)
    )
    return centred[:, kept] / spread[kept]


def _scaled(X: Tensor, notes: list[str]) -> Tensor:
    """Inputs whose longest has norm 1."""
    longest = float(row_norms(X).max())
    if longest == 0 or abs(longest - 1) <= _LENGTH:
        return X
    if not SHORTEST < longest < 1 / SHORTEST:
        X = X / X.abs().max()
    notes.append(f"Inputs were divided by {longest:.6g}, the largest norm, so that all are <= 1.")
    return X / float(row_norms(X).max())


def _regression(X: Tensor, y: Tensor, name: str, reading: Reading, notes: list[str]) -> Given:
    """Data with real labels, inputs of norm at most 1 and labels of mean square 1."""
    if reading.positive is not None:
        raise ValueError(f"positive is {reading.positive!r}; expected None for regression")
    X = _scaled(_standardized(X, reading, notes), notes)
    if float(row_norms(X).min()) == 0:
        raise ValueError(
            f"X[{int(row_norms(X).argmin())}] is zero; expected inputs of positive norm (drop the "
            "point)"
        )
    if reading.standardize:
        y = y - y.mean()
        notes.append("The mean of the labels was subtracted.")
    size = float((y / y.abs().max().clamp_min(5e-324)).square().mean().sqrt() * y.abs().max())
    if size > 0 and abs(size - 1) > _LENGTH:
        y = y / size
        notes.append(f"Labels were divided by {size:.6g}, the root of their mean square.")
    return Given(RegressionData(X, y, name), tuple(notes), *_repeats(X, y / row_norms(X)))


def _repeats(X: Tensor, y: Tensor) -> tuple[int, int]:
    """Points whose direction another point has; and those where one of another label has it.

    Networks without biases are positively homogeneous: real labels count per unit of length.
    """
    units = (X / row_norms(X)[:, None]).cpu().numpy().round(_DIGITS) + 0.0
    member, counts = np.unique(units, axis=0, return_inverse=True, return_counts=True)[1:]
    member = member.ravel()
    labels = y.cpu().numpy()
    least, most = np.full(len(counts), np.inf), np.full(len(counts), -np.inf)
    np.minimum.at(least, member, labels)
    np.maximum.at(most, member, labels)
    apart = most - least > _LENGTH * np.abs(labels).max()
    return int((counts[member] > 1).sum()), int(apart[member].sum())
