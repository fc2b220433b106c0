"""What the scripts of stored sweeps share: where the tasks are kept, the slices, the command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import lowrot
from lowrot.sweeps import read_csv, to_csv

KEPT = Path(__file__).parent / ".cache"
"""Finished tasks, one file a script: not part of the book."""

Parts = Mapping[str, Callable[[], pd.DataFrame]]
"""By the name of a slice: what computes it."""


class Sweeps:
    """The slices of one script: ``<script>_<name>.csv`` in its folder, provenance first.

    Args:
        script: path of the script.
    """

    def __init__(self, script: str | Path) -> None:
        self.script = Path(script)

    def file(self, name: str) -> Path:
        """Return where a slice is stored."""
        return self.script.with_name(f"{self.script.stem}_{name}.csv")

    def read(self, name: str) -> pd.DataFrame:
        """Return a stored slice, without its provenance."""
        return read_csv(self.file(name))

    def provenance(self, name: str) -> list[str]:
        """Return the lines of provenance of a stored slice."""
        found: list[str] = read_csv(self.file(name)).attrs["provenance"]
        return found

    def run(self, function: Callable[..., Any], grid: Any, seeds: Iterable[int]) -> pd.DataFrame:
        """Compute a grid on all processors, from where an earlier call was stopped."""
        KEPT.mkdir(exist_ok=True)
        store = KEPT / f"{self.script.stem}.sqlite"
        return lowrot.sweep(function, grid, seeds, store, changed="recompute")

    def main(self, parts: Parts, names: list[str], note: str = "seeds in the rows") -> None:
        """Compute and store the slices named, all by default."""
        for name in names or parts:
            print(f"{self.script.stem} {name}", file=sys.stderr, flush=True)
            script = Path(*self.script.resolve().parts[-3:]).as_posix()  # book, data, its name
            to_csv(parts[name](), self.file(name), f"python {script} {name}", note=note)


def live(function: Callable[..., Any], grid: Any, seeds: Iterable[int]) -> pd.DataFrame:
    """Compute a few tasks here and now, with as many digits as a stored slice keeps."""
    frame = lowrot.sweep(function, grid, seeds, progress=False, workers=1)
    return four_digits(frame)


def four_digits(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep four significant digits: what is stored of a slice."""
    return frame.map(lambda value: float(f"{value:.4g}") if isinstance(value, float) else value)


def joined(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """One frame of several, of one code."""
    kept = list(frames)
    whole = pd.concat(kept, ignore_index=True)
    whole.attrs |= kept[0].attrs
    return whole
