"""The small table that a chapter stores of a sweep: four digits, its provenance in the head."""

from __future__ import annotations

import itertools
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from lowrot import _validate
from lowrot._files import whole
from lowrot.sweeps._code import versions

if TYPE_CHECKING:
    import pandas as pd


def to_csv(
    frame: pd.DataFrame, file: str | Path, command: str, *, digits: int = 4, note: str = ""
) -> None:
    """Write a table with its provenance in comments before it; whole or not at all.

    Args:
        frame: from `lowrot.sweep`, or made of such ones.
        file: to write.
        command: that makes the file again.
        digits: significant digits of real numbers; the same numbers give the same file.
        note: a further line of provenance, such as which seeds stand behind a row.

    Raises:
        TypeError, ValueError: arguments of another kind or out of range.
        OSError: the file cannot be written.
    """
    import pandas as pd

    _validate.kind("frame", frame, pd.DataFrame)
    _validate.kind("command", command, str)
    _validate.kind("note", note, str)
    places = _validate.integer("digits", digits, 1, 17)
    lines = [f"command: {command}", f"versions: {frame.attrs.get('versions', versions())}"]
    lines.append(f"machine: {platform.machine()}, one thread, float64")
    if "digest" in frame.attrs:
        lines.append(f"code: {frame.attrs['function']} {frame.attrs['digest']}")
    lines += [note] if note else []
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError(f"command is {command!r}, note is {note!r}; expected one line each")
    table = frame.to_csv(index=False, float_format=f"%.{places}g", lineterminator="\n")
    target = _validate.file("file", file)
    with whole(target) as partial:
        partial.write_text("".join(f"# {line}\n" for line in lines) + table, "utf8")


def read_csv(file: str | Path) -> pd.DataFrame:
    """Return a table that `to_csv` wrote; ``frame.attrs["provenance"]`` has the lines of its head.

    Raises:
        OSError: the file cannot be read.
    """
    import pandas as pd

    lines = _validate.file("file", file).read_text("utf8").splitlines()
    head = list(itertools.takewhile(lambda line: line.startswith("# "), lines))
    frame = pd.read_csv(Path(file), skiprows=len(head))
    frame.attrs["provenance"] = [line[2:] for line in head]
    return frame
