"""Data sets of your own, read from files and frames."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data._arrays import read_npy, read_npz, read_parquet, read_svmlight
from lowrot.data._columns import Points, points_of, signs_of
from lowrot.data._dataset import SHORTEST, Dataset, row_norms
from lowrot.data._tables import read_table

if TYPE_CHECKING:
    import pandas as pd

_TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_SPARSE = (".svmlight", ".libsvm", ".svm")
_ENDINGS = (*_TEXT, ".parquet", ".npz", ".npy", *_SPARSE)


def load(
    path: str | os.PathLike[str] | pd.DataFrame,
    *,
    scale: bool = False,
    target: str | int | os.PathLike[str] | None = None,
    features: str | int | Sequence[Any] | None = None,
    positive: Any = None,
    sep: str | None = None,
    decimal: str | None = None,
) -> Dataset:
    r"""Read a data set of your own.

    What a file says without doubt is read; anything else is refused, with what was found and the
    argument that settles it. Nothing is ever unpickled.

    Tables (``.csv``, ``.tsv``, both also with ``.gz``, ``.parquet``, or a pandas frame) have a
    label column, ``y`` unless ``target`` says otherwise, and optionally ``groups``; every other
    column is a coordinate unless ``features`` lists them. In text, columns are separated by
    commas, semicolons or tabs, whichever the first line has; lines that begin with ``#`` or ``%``,
    spaces around entries, and a byte order mark are skipped; a comma in a number is a decimal comma
    where it cannot be anything else. A first column without a name that counts the rows is an
    index, and not read; one called ``id`` or ``index`` that does is refused unless ``features``
    says whether to take it, and so are repeated names. A first line ``n,d,name,..`` over n lines
    of d inputs and the number of a class, as in scikit-learn's own data files, is understood;
    labels then are the names.

    Arrays: a ``.npz`` has ``X``, ``y`` and optionally ``groups`` (``features`` and ``target`` give
    other names; no other entry is read); beside a ``.npy`` of inputs, ``target`` is the ``.npy`` of
    its labels; ``.svmlight``, ``.libsvm`` and ``.svm`` are read by scikit-learn. Single precision
    is promoted.

    Args:
        path: the file, or the frame.
        scale: divide all inputs by the largest norm, so that ``||x_i|| <= 1``. Norms above 1 by no
            more than the rounding of single precision are divided away in any case.
        target: the column of labels; a number is a position in text (-1 is the last), for files
            whose first line has no names.
        features: the columns to take as coordinates, in this order.
        positive: the label that becomes +1; the only other one becomes -1. Needed unless labels
            are -1 and +1.
        sep: what separates the columns of text, one character, or ``\s+`` for any spaces.
        decimal: "." or ",", what numbers in text have before their fraction.

    Returns:
        The data set, named after the file.

    Raises:
        FileNotFoundError: no such file.
        ImportError: pyarrow (``.parquet``) or scikit-learn (``.svmlight``) is not installed.
        ValueError: a file that cannot be read without guessing or unpickling, columns that do not
            exist or hold no numbers, labels that are not two, or data that `Dataset` refuses.
        TypeError: arguments of another kind, or arrays whose entries are no numbers.
    """
    _validate.kind("scale", scale, bool)
    _plain("positive", positive)
    points, name = read(path, target=target, features=features, sep=sep, decimal=decimal)
    X, slack = points.inputs()
    y = torch.as_tensor(signs_of(points.y, positive))
    return Dataset(_scaled(X, scale, slack), y, points.groups, name)


def read(path: Any, *, target: Any, features: Any, sep: Any, decimal: Any) -> tuple[Points, str]:
    """Return the points of a file or frame, labels as they are, and its name; as `load` does."""
    columns = _chosen(features)
    for argument, value in (("target", target), ("sep", sep)):
        _plain(argument, value)
    given = {"target": target, "features": columns, "sep": sep, "decimal": decimal}
    if _is_frame(path):
        _only(given, "a frame", "target", "features")
        return points_of(path, target=target, features=columns), ""
    file, ending = _file(path)
    return _read(file, ending, given), file.name[: -len(ending)]


def _read(file: FilePath, ending: str, given: dict[str, Any]) -> Points:
    """Read a file by its ending; the message of any failure begins with its path."""
    target, features = given["target"], given["features"]
    try:
        if ending in _TEXT:
            table = read_table(file, **given)
            return points_of(table.frame, target=table.target, features=table.features)
        if ending == ".parquet":
            _only(given, "a .parquet file", "target", "features")
            return points_of(read_parquet(file), target=target, features=features)
        if ending == ".npz":
            _only(given, "a .npz file", "target", "features")
            return read_npz(file, target, features)
        if ending == ".npy":
            _only(given, "a .npy file", "target")
            return read_npy(file, target)
        _only(given, f"a {ending} file")
        return read_svmlight(file)
    except (ImportError, TypeError, MemoryError, FileNotFoundError):
        raise
    except Exception as error:
        raise ValueError(f"path {str(file)!r} cannot be read as {ending}: {error}") from error


def _file(path: Any) -> tuple[FilePath, str]:
    """Return the file and the ending by which it is read."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path is a {type(path).__name__}; expected a name or a pandas frame")
    file = FilePath(path)
    ending = next((e for e in _ENDINGS if file.name.lower().endswith(e)), None)
    if not file.is_file():
        raise FileNotFoundError(f"path is {str(file)!r}; expected an existing file")
    if ending is None:
        raise ValueError(
            f"path is {str(file)!r}; expected a name that ends in {', '.join(_ENDINGS)}"
        )
    return file, ending


def _chosen(features: Any) -> Any:
    """Return a list of columns as a list; one column, or None, as it is."""
    if features is None or isinstance(features, (str, int)):
        return features
    unordered = isinstance(features, (set, frozenset, bytes, Mapping))
    if unordered or not isinstance(features, Iterable) or getattr(features, "ndim", 1) == 0:
        raise TypeError(f"features is {features!r}; expected a name or a list of names, in order")
    chosen = list(features)
    for i, name in enumerate(chosen):
        _plain(f"features[{i}]", name)
    return chosen


def _plain(argument: str, value: Any) -> None:
    """Raise unless a value can be the name of a column, or a label."""
    if isinstance(value, (np.ndarray, Tensor)) or not isinstance(value, Hashable):
        raise TypeError(f"{argument} is {reprlib.repr(value)}; expected one label or name")


def _is_frame(value: Any) -> TypeGuard[pd.DataFrame]:
    if not type(value).__module__.startswith("pandas"):  # to import it takes a while
        return False
    import pandas as pd

    return isinstance(value, pd.DataFrame)


def _only(given: dict[str, Any], what: str, *taken: str) -> None:
    """Refuse arguments that say nothing about what is read."""
    for name, value in given.items():
        if value is not None and name not in taken:
            raise ValueError(f"{name} is {value!r}; expected None, as it says nothing of {what}")


def _scaled(X: Tensor, scale: bool, slack: float) -> Tensor:
    """Return inputs of norm at most 1: if asked for, or if rounding alone makes them longer."""
    longest = float(row_norms(X).max())
    if scale and not SHORTEST < longest < 1 / SHORTEST:
        X = X / X.abs().max().clamp_min(5e-324)
        longest = float(row_norms(X).max())
    if longest > 0 and (scale or 1.0 < longest <= 1.0 + slack):
        return X / longest
    return X
