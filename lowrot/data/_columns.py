"""From columns to points: coordinates, labels and groups, each refused by name and row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from lowrot import _validate

if TYPE_CHECKING:
    import pandas as pd

_UNNAMED = re.compile(r"|Unnamed: \d+")
"""No name, also as pandas writes it when it has read a table without."""
INPUTS = (
    "finite numbers; change or leave out these points, or pass features= the columns without it"
)
_INDICES = ("id", "index")
"""Names of columns that are no coordinates where they count the rows."""


@dataclass(frozen=True, eq=False)
class Points:
    """What was read: inputs (n, d), labels (n,) of any kind, and groups (n,) or None."""

    X: Any
    y: Any
    groups: Any

    def inputs(self) -> tuple[Tensor, float]:
        """Return the inputs in double precision, and how much longer than 1 rounding makes a row.

        A row that was divided by its norm in single precision is off by the rounding of the norm
        (a sum of d squares), of the quotients, and of the type it is kept in.
        """
        stored = float(np.finfo(self.X.dtype).eps) if _is_short(self.X) else 0.0
        X = _validate.real_array("X", doubled(self.X), ("n", "d"))
        return X, stored + (X.shape[1] / 2 + 4) * 2.0**-24


def doubled(array: np.ndarray) -> np.ndarray:
    """Return an array of single or half precision in double precision, others as they are."""
    return array.astype(np.float64) if _is_short(array) else array


def _is_short(array: np.ndarray) -> bool:
    return array.dtype.kind == "f" and array.dtype.itemsize < 8


def points_of(frame: pd.DataFrame, *, target: Any, features: Any) -> Points:
    """Take the columns of a table apart."""
    columns = list(frame.columns)
    target = "y" if target is None else target
    repeated = [c for i, c in enumerate(columns) if not _unnamed(c) and c in columns[:i]]
    if repeated:
        raise ValueError(f"{_found(columns)} {repeated[0]!r} is there twice; rename one of them")
    if isinstance(target, bool) or target not in columns:
        raise ValueError(
            f"{_found(columns)} None is {target!r}; pass target= the column of the labels, for "
            f"example target={_nearest(target, columns)!r}"
        )
    complete(frame[target], columns)
    if features is None:
        frame = _without_index(frame)
        chosen = [c for c in frame.columns if c not in (target, "groups")]
        for column in chosen:
            if str(column).lower() in _INDICES and _counts(frame[column]):
                raise ValueError(
                    f"{_found(columns)} {column!r} counts the rows; pass features= the columns to "
                    "take"
                )
    else:
        chosen = features if isinstance(features, list) else [features]
    for i, column in enumerate(chosen):
        if columns.count(column) != 1 or column in chosen[:i] or column == target:
            raise ValueError(
                f"{_found(columns)} features has {column!r}; expected columns of these, each "
                f"once, without the labels {target!r}"
            )
    if not chosen:
        raise ValueError(
            f"{_found(columns)} None is left for the inputs beside {target!r}; "
            "expected features= some of them"
        )
    X = np.column_stack([finite(frame[column]) for column in chosen])
    grouped = "groups" in columns and "groups" not in (*chosen, target)
    groups = finite(frame["groups"], "a number for the group of each point") if grouped else None
    return Points(X, frame[target], groups)


def _without_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop what has no name and is certainly no coordinate; refuse the rest without a name."""
    keep = []
    for position, column in enumerate(frame.columns):
        values = frame.iloc[:, position]
        if not _unnamed(column):
            keep.append(position)
        elif not (values.isna().all() or (position == 0 and _counts(values))):
            raise ValueError(
                f"{_found(list(frame.columns))} Column {position} has no name and does not count "
                "the rows; name it, or pass features= the columns to take"
            )
    return frame.iloc[:, keep]


def _unnamed(column: Any) -> bool:
    return isinstance(column, str) and _UNNAMED.fullmatch(column) is not None


def _counts(values: pd.Series) -> bool:
    """Whether a column is 0, 1, 2, .. or 1, 2, 3, .. and so an index of the rows."""
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return any(np.array_equal(numbers, np.arange(len(numbers)) + first) for first in (0, 1))


def finite(values: pd.Series, expected: str = INPUTS) -> np.ndarray:
    """Return a column as finite doubles; an error names it, the first row that is none, and why.

    Args:
        values: the column.
        expected: what it should hold, and what else can be done.
    """
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    if values.dtype.kind in "cmM":
        raise TypeError(f"column {_name(values)} has dtype {values.dtype}; expected numbers")
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        first = values.iloc[wrong[0]]
        what = "missing" if pd.isna(first) else _shown(first)
        raise ValueError(
            f"column {_name(values)} is {what} in {_rows(values, wrong)}; expected {expected}"
        )
    return np.asarray(numbers)


def complete(y: pd.Series, columns: Sequence[Any] = ()) -> None:
    """Raise unless every point has a label; say where none is, and what can be done.

    Args:
        y: the labels.
        columns: of the table in which they stand, if they stand in one.
    """
    missing = np.flatnonzero(y.isna())
    if len(missing):
        another = f", or pass target= another column. {_found(columns)}" if len(columns) else ""
        raise ValueError(
            f"{_what(y)} is missing in {_rows(y, missing)}; expected one a point: leave these "
            f"points out{another}"
        )


def signs_of(y: Any, positive: Any) -> np.ndarray:
    """Return labels as -1 and +1: as they are, or +1 where they are ``positive``.

    Raises:
        ValueError: missing labels, or other than two; the message lists them.
    """
    import pandas as pd

    if not isinstance(y, pd.Series):
        if np.ndim(y) != 1:
            raise ValueError(f"y has shape {np.shape(y)}; expected one label a point, (n,)")
        y = pd.Series(y)
    complete(y)
    values = [v.strip() if isinstance(v, str) else v for v in y.tolist()]
    found = list(dict.fromkeys(values))
    labels = f"{_what(y)} is one of {_listed(found)}"
    if positive is None and all(not isinstance(v, (bool, str)) and v in (-1, 1) for v in found):
        return np.array(values, dtype=np.float64)
    if len(found) > 2:
        raise ValueError(f"{labels}; expected two (choose rows, or join labels, in a frame)")
    if positive is None:
        raise ValueError(
            f"{labels}; expected -1 and +1, or positive= the one that is +1, for example "
            f"positive={found[-1]!r}"
        )
    if not pd.api.types.is_scalar(positive):
        raise TypeError(f"positive is {positive!r}; expected one label")
    if positive not in found:
        raise ValueError(f"positive is {positive!r}, but {labels}")
    return np.where([value == positive for value in values], 1.0, -1.0)


def _what(y: pd.Series) -> str:
    return "label" if y.name is None else f"label (column {_name(y)})"


def _name(column: pd.Series) -> str:
    name = column.name
    return repr(name.item() if isinstance(name, np.generic) else name)


def _listed(found: list[Any]) -> str:
    more = f", .. ({len(found)} of them)" if len(found) > 5 else ""
    return ", ".join(map(repr, found[:5])) + more


def _rows(values: pd.Series, positions: np.ndarray) -> str:
    """Where entries stand, the first by its line in a text file or its label in a frame."""
    more = f" and in {len(positions) - 1} more" if len(positions) > 1 else ""
    return f"{values.index.name or 'row'} {values.index[positions[0]]}{more}"


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _found(columns: Sequence[Any]) -> str:
    """The names of columns; of many the first ones and the last, which often has the labels."""
    names = list(map(repr, columns))
    if len(names) > 20:
        names = [*names[:10], "..", f"{names[-1]} ({len(names)} of them)"]
    return f"Its columns are {', '.join(names)}."


def _nearest(name: Any, columns: Sequence[Any]) -> Any:
    """The column whose name is like one that is not there, or else the last."""
    same = {str(column).lower(): column for column in columns}
    like = get_close_matches(str(name).lower(), list(same), 1)
    return same[like[0]] if like else columns[-1]
