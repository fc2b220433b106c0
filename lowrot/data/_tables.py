"""Tables kept as text: what separates columns, where names are, and what is refused as unclear."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import operator
import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple

from lowrot import _validate

if TYPE_CHECKING:
    import pandas as pd

_COMMENTS = ("#", "%")
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_WITH_COMMA = re.compile(r"[+-]?\d*,?\d+([eE][+-]?\d+)?")
"""A number, with a comma before its fraction or without one."""
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
"""A number whose commas may as well group its digits."""


class Table(NamedTuple):
    """A table of text, with the columns that were asked for by position now by name."""

    frame: pd.DataFrame
    target: Any
    features: Any


class _Head(NamedTuple):
    """The first line.

    Attributes:
        columns: their names, or their positions.
        lines: how many lines it takes, 0 where it is data.
        classes: their names, if it has such.
        target: the column of labels.
        unsure: whether some names are numbers, so that it may be data.
    """

    columns: list[Any]
    lines: int
    classes: list[str]
    target: Any
    unsure: bool = False


def read_table(
    file: FilePath, *, target: Any, features: Any, sep: str | None, decimal: str | None
) -> Table:
    """Read a table; the index of the frame are the lines of the file.

    Raises:
        ValueError: the table cannot be read without guessing.
    """
    numbers, lines = _lines(file)
    sep = _separator(lines[0], file.name.lower(), sep)
    if decimal is not None and _validate.choice("decimal", decimal, (".", ",")) == sep:
        raise ValueError(f"decimal is {decimal!r}, as sep; expected two marks")
    first = [field.strip() for field in next(_rows(lines, sep))]
    widths = [len(row) for row in _rows(lines, sep)]
    if len(widths) != len(lines):
        raise ValueError("an entry goes over several lines; expected one line a row")
    head = _head(first, widths, target)
    for number, width in zip(numbers[head.lines :], widths[head.lines :]):
        if width != len(head.columns):
            raise ValueError(
                f"line {number} has {width} fields, but there are {len(head.columns)} columns: "
                f"{', '.join(map(str, head.columns))}; expected one name a field"
            )
    frame = _parse(lines[head.lines :], sep, decimal)
    frame.columns, frame.index = head.columns, numbers[head.lines :]
    frame.index.name = "line"
    target = _named(head.columns, head.target)
    if head.unsure and (frame[target] == target).any():
        raise ValueError(
            f"{target!r} is a label in the first line and below it; write names of columns above"
        )
    if head.classes:
        frame[target] = _classes(frame[target], head.classes)
    if isinstance(features, list):
        features = [_named(head.columns, column) for column in features]
    else:
        features = _named(head.columns, features)
    return Table(frame, target, features)


def _lines(file: FilePath) -> tuple[list[int], list[str]]:
    """Return the lines that are neither empty nor comments, and their numbers in the file."""
    data = file.read_bytes()
    if file.name.lower().endswith(".gz"):
        data = gzip.decompress(data)
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if wide else "utf-8-sig")
    if "\0" in text:
        raise ValueError("it is not text")
    every = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = [
        (number, line)
        for number, line in enumerate(every, 1)
        if line.strip() and not line.lstrip().startswith(_COMMENTS)
    ]
    if len(kept) < 2:
        raise ValueError(f"it has {len(kept)} lines; expected names of columns, and data")
    return [number for number, _ in kept], [line for _, line in kept]


def _separator(line: str, name: str, sep: str | None) -> str:
    """Return what separates the columns: what is given, or the one mark that the line has."""
    if sep is not None:
        if not isinstance(sep, str) or (len(sep) != 1 and sep != r"\s+") or sep in '"\n\r':
            raise ValueError(rf"sep is {sep!r}; expected one character, or r'\s+' for spaces")
        return sep
    bare = re.sub('"[^"]*"', "", line)
    marks = ["\t"] if ".tsv" in name else list(_SEPARATORS)
    found = [mark for mark in marks if mark in bare]
    if len(found) != 1:
        what = " and ".join(_SEPARATORS[mark] for mark in found) or "no " + " or ".join(
            _SEPARATORS[mark] for mark in marks
        )
        raise ValueError(f"its first line {line[:60]!r} has {what}; pass sep= what separates")
    return found[0]


def _rows(lines: list[str], sep: str) -> Iterator[list[str]]:
    if sep == r"\s+":
        return (line.split() for line in lines)
    return csv.reader(lines, delimiter=sep, skipinitialspace=sep != " ")


def _head(first: list[str], widths: list[int], target: Any) -> _Head:
    """Understand the first line: names, counts as scikit-learn writes them, or data."""
    n, d = (int(field) if field.isdecimal() else 0 for field in (*first, "")[:2])
    if d > 0 and n == len(widths) - 1 and set(widths[1:]) == {d + 1}:
        return _Head(list(range(d + 1)), 1, first[2:], -1 if target is None else target)
    numeric = [field for field in first if _is_number(field)]
    wanted = "y" if target is None else target
    if not numeric or (wanted in first and all(field.isdecimal() for field in numeric)):
        return _Head(first, 1, [], wanted, unsure=bool(numeric))
    if not _position(target):
        raise ValueError(
            f"its first line begins with {', '.join(first[:5])}, and has no names; pass target= "
            "the position of the labels, -1 for the last (or the name of their column, if these "
            "are names)"
        )
    if first == [str(i) for i in range(len(first))]:
        raise ValueError(
            f"its first line is {', '.join(first[:5])}, names or data; pass target= as text, for "
            f"example {first[-1]!r}, if these are names, and write names above if it is data"
        )
    return _Head(list(range(len(first))), 0, [], target)


def _parse(lines: list[str], sep: str, decimal: str | None) -> pd.DataFrame:
    """Parse rows of one width, with the decimal mark that is given, or the one they show."""
    frame = _frame(lines, sep, decimal or ".")
    if decimal is not None or sep == ",":
        return frame
    commas = [
        entry
        for _, column in frame.select_dtypes(exclude="number").items()
        if all(isinstance(e, str) and _WITH_COMMA.fullmatch(e.strip()) for e in column.dropna())
        for entry in column.dropna()
        if "," in entry
    ]
    if not commas:
        return frame
    if all(_THOUSANDS.fullmatch(entry.strip()) for entry in commas):
        raise ValueError(
            f"the comma of {commas[0]!r} may stand before a fraction or group digits; pass "
            "decimal=',' for the one, and write the file without commas for the other"
        )
    frame = _frame(lines, sep, ",")
    for _, column in frame.select_dtypes(exclude="number").items():
        points = column[[_is_number(str(e)) and "." in str(e) for e in column]]
        if len(points):
            raise ValueError(
                f"it has numbers with a comma, {commas[0]!r}, and with a point, "
                f"{points.iloc[0]!r}; expected one decimal mark"
            )
    return frame


def _frame(lines: list[str], sep: str, decimal: str) -> pd.DataFrame:
    import pandas as pd

    # From 3.1 on every number is read to the nearest double, and asking for it is deprecated.
    old = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
    exact: dict[str, Any] = {"float_precision": "round_trip"} if old else {}
    return pd.read_csv(
        io.StringIO("\n".join(lines)),
        header=None,
        sep=sep,
        decimal=decimal,
        skipinitialspace=sep != " ",
        skip_blank_lines=False,
        low_memory=False,
        **exact,
    )


def _classes(labels: pd.Series, names: list[str]) -> pd.Series:
    """Return the names of classes that labels count."""
    if not set(labels.tolist()) <= set(range(len(names))):
        raise ValueError(
            f"its first line names {len(names)} classes, {', '.join(names)}, but its labels are "
            f"not the numbers below {len(names)}"
        )
    return labels.map(dict(enumerate(names)))


def _is_number(field: str) -> bool:
    try:
        float(field.replace(",", "."))
    except ValueError:
        return False
    return True


def _position(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _named(columns: list[Any], value: Any) -> Any:
    """Return the column at a position; names are returned as they are."""
    if not _position(value):
        return value
    position = operator.index(value)
    if not -len(columns) <= position < len(columns):
        raise ValueError(f"column {position} is asked for; there are {len(columns)}")
    return columns[position]
