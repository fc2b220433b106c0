"""What a sweep costs beside its tasks, and how it grows with workers.

Run as ``python benchmarks/sweep.py``: one table. The first rows have tasks that do nothing, 10^4 of
them; the last ones flows of the size that sweeps of the book run, by one worker and by two in turn.
"""

import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from _table import peak_gigabytes

import lowrot

EMPTY = 10_000
FLOWS = range(32)
ROUNDS = 3


def nothing(number, seed):
    return {"value": number}


def flow(d, m, seed):
    data = lowrot.sparse_parity(d, 2, 32, seed)
    path = lowrot.gradient_flow(lowrot.standard(m, d, seed), data, stop={"P": 100.0})
    return {"tau": path["tau"][-1], "steps": len(path)}


def seconds(function, grid, seeds, **options):
    start = time.perf_counter()
    lowrot.sweep(function, grid, seeds, progress=False, **options)
    return time.perf_counter() - start


def empty(kept, workers):
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.db" if kept else None
        lowrot.sweep(nothing, {"number": range(8)}, [0], progress=False, workers=workers)  # starts
        return seconds(nothing, {"number": range(EMPTY)}, [0], store=store, workers=workers)


def main():
    rows = []
    for kept in (False, True):
        spent = empty(kept, 2) / EMPTY
        name = f"{EMPTY} empty tasks, two workers{', store' if kept else ''}"
        rows.append({"case": name, "ms a task": 1e3 * spent})
        print(rows[-1], file=sys.stderr)
    sizes = {"d": [8], "m": [64]}
    for workers in (1, 2):  # compiled and started
        seconds(flow, sizes, range(2), workers=workers)
    one, two = [], []
    for _ in range(ROUNDS):
        one.append(seconds(flow, sizes, FLOWS, workers=1))
        two.append(seconds(flow, sizes, FLOWS, workers=2))
    ratios = sorted(a / b for a, b in zip(one, two))
    for name, spent in (("one", one), ("two", two)):
        rows.append({"case": f"flows, {name}", "ms a task": 1e3 * min(spent) / len(FLOWS)})
    rows[-1]["times as fast"] = ratios[len(ratios) // 2]
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3g", na_rep=""))
    print(f"peak {peak_gigabytes()} GB", file=sys.stderr)


if __name__ == "__main__":
    main()
