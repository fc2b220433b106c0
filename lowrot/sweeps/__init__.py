"""Grids of runs: over several processes or a cluster, kept task by task, resumed."""

from lowrot.sweeps._slices import read_csv, to_csv
from lowrot.sweeps._store import StoreError
from lowrot.sweeps._sweep import SweepFailed, sweep

__all__ = ["StoreError", "SweepFailed", "read_csv", "sweep", "to_csv"]
