"""Data sets of your own, read from files."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

import numpy as np

from lowrot import _validate
from lowrot.data._dataset import Dataset


def load(path: str | FilePath, scale: bool = False) -> Dataset:
    """Read a data set of your own.

    Args:
        path: a ``.npz`` with arrays ``X``, ``y`` and optionally ``groups`` (never unpickled), or
            a ``.csv`` with a header, label column ``y`` and optionally ``groups``; every other
            column is a coordinate.
        scale: divide all inputs by the largest norm, so that ``||x_i|| <= 1``.

    Returns:
        The data set, named after the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an unreadable, pickled or incomplete file, or data that `Dataset` refuses.
        TypeError: entries that are no numbers, or in single precision.
    """
    arrays = _read(FilePath(path))
    X = _validate.real_array("X", arrays["X"], ("n", "d"))
    if scale:
        X = X / X.norm(dim=1).max()
    return Dataset(X, arrays["y"], arrays.get("groups"), FilePath(path).stem)


def _read(file: FilePath) -> dict[str, Any]:
    """Return the arrays of a file, X and y among them."""
    if not file.is_file():
        raise FileNotFoundError(f"path is {str(file)!r}; expected an existing .npz or .csv file")
    readers = {".npz": _read_npz, ".csv": _read_csv}
    if file.suffix not in readers:
        raise ValueError(f"path is {str(file)!r}; expected a name that ends in .npz or .csv")
    try:
        arrays = readers[file.suffix](file)
    except Exception as error:
        raise ValueError(f"path {str(file)!r} cannot be read as {file.suffix}: {error}") from error
    for name in ("X", "y"):
        if name not in arrays:
            raise ValueError(f"path {str(file)!r} has no {name}; expected X and y")
    return arrays


def _read_npz(file: FilePath) -> dict[str, Any]:
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _read_csv(file: FilePath) -> dict[str, Any]:
    import pandas as pd

    frame = pd.read_csv(file)
    arrays = {name: frame.pop(name).to_numpy() for name in ("y", "groups") if name in frame}
    return {"X": frame.to_numpy(), **arrays}
