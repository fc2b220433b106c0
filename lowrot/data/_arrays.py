"""Files of arrays: entries that are not needed are not read, and nothing is unpickled."""

from __future__ import annotations

import os
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np

from lowrot.data._columns import Points, doubled

if TYPE_CHECKING:
    import pandas as pd


def read_npz(file: FilePath, target: Any, features: Any) -> Points:
    """Read inputs, labels and groups of an archive, by their names."""
    names = {
        "features": "X" if features is None else features,
        "target": "y" if target is None else target,
    }
    for argument, name in names.items():
        if not isinstance(name, str):
            raise TypeError(f"{argument} is {name!r}; expected the name of an array")
    archive = np.load(file, allow_pickle=False)
    if isinstance(archive, np.ndarray):
        raise ValueError("it holds one array; expected an archive of several")
    with archive:
        for argument, name in names.items():
            if name not in archive.files:
                raise ValueError(
                    f"it has no {name}, but {', '.join(archive.files) or 'nothing'}; expected X "
                    f"and y, or {argument}= the name of the array"
                )
        if names["features"] == names["target"]:
            raise ValueError(f"features and target are both {names['target']!r}")
        X, y = (_entry(archive, name) for name in names.values())
        grouped = "groups" in archive.files and "groups" not in names.values()
        return Points(X, _column(y), doubled(_entry(archive, "groups")) if grouped else None)


def read_npy(file: FilePath, target: Any) -> Points:
    """Read inputs from one file and labels from another."""
    if not isinstance(target, (str, os.PathLike)):
        raise ValueError("a .npy holds one array; pass target= the .npy file of its labels")
    labels = FilePath(target)
    if not labels.is_file():
        raise FileNotFoundError(f"target is {str(labels)!r}; expected an existing .npy file")
    X, y = (np.load(name, allow_pickle=False) for name in (file, labels))
    for name, array in ((file, X), (labels, y)):
        if not isinstance(array, np.ndarray):
            array.close()
            raise ValueError(f"{str(name)!r} is an archive of arrays; expected one array")
    return Points(X, _column(y), None)


def read_svmlight(file: FilePath) -> Points:
    """Read the sparse text format, with scikit-learn."""
    try:
        from sklearn.datasets import load_svmlight_file
    except ImportError as error:
        raise ImportError(
            f"path is {str(file)!r}; reading it needs scikit-learn (pip install scikit-learn)"
        ) from error
    X, y = load_svmlight_file(str(file))
    return Points(X.toarray(), y, None)


def read_parquet(file: FilePath) -> pd.DataFrame:
    """Read a table of columns, with pyarrow."""
    import pandas as pd

    try:
        return pd.read_parquet(file, engine="pyarrow")
    except ImportError as error:
        raise ImportError(
            f"path is {str(file)!r}; reading it needs pyarrow (pip install pyarrow)"
        ) from error


def _entry(archive: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(archive[name])
    except ValueError as error:
        raise ValueError(f"its array {name} is refused: {error}") from error


def _column(y: np.ndarray) -> np.ndarray:
    """Return labels as a vector, also those kept as a matrix of one column."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
