"""Small sweeps that a chapter stores beside the script that makes them, with their provenance."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import torch


class Sweeps:
    """The sweeps of one script: ``<script>_<name>.csv`` in its folder, comments first.

    Args:
        script: path of the script.
        version: of lowrot, for the provenance.
    """

    def __init__(self, script: str | Path, version: str) -> None:
        self.script, self.version = Path(script), version

    def file(self, name: str) -> Path:
        """Return where a sweep is stored."""
        return self.script.with_name(f"{self.script.stem}_{name}.csv")

    def read(self, name: str) -> pd.DataFrame:
        """Return a stored sweep, without its provenance."""
        return pd.read_csv(self.file(name), comment="#")

    def provenance(self, name: str) -> list[str]:
        """Return the lines of provenance of a stored sweep."""
        text = self.file(name).read_text("utf8")
        return [line[2:] for line in text.splitlines() if line.startswith("# ")]

    def write(self, name: str, parts: Iterable[pd.DataFrame], seeds: str = "in the rows") -> None:
        """Compute the parts of a sweep one by one, print the last row of each, and store all."""
        torch.set_num_threads(1)
        frames = []
        for frame in parts:
            frames.append(frame)
            print(name, frame.iloc[-1].to_dict(), flush=True)
        script = Path(*self.script.resolve().parts[-3:]).as_posix()  # book, data, its name
        lines = [
            f"command: python {script} {name}",
            f"versions: lowrot {self.version}, torch {torch.__version__}, numpy {np.__version__}",
            f"machine: {platform.machine()}, one thread, float64; seeds {seeds}",
        ]
        table = pd.concat(frames, ignore_index=True).to_csv(index=False, float_format="%.4g")
        self.file(name).write_text("".join(f"# {line}\n" for line in lines) + table, "utf8")


def four_digits(frame: pd.DataFrame, first: list[str]) -> pd.DataFrame:
    """Put some columns first and keep four significant digits: what is stored of a slice."""
    frame = frame[[*first, *(name for name in frame if name not in first)]]
    return frame.map(lambda value: float(f"{value:.4g}") if isinstance(value, float) else value)
