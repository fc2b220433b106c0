"""The stored sweep of the chapter on neural collapse: ``python book/data/neural_collapse.py``.

Writes ``neural_collapse_groups.csv`` (test errors against the number of samples, for several
numbers of groups), with its provenance in the first lines. About four minutes on one core. The
chapter recomputes a slice of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch

import lowrot

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps

SWEEPS = Sweeps(__file__, lowrot.__version__)
read, provenance = SWEEPS.read, SWEEPS.provenance
GROUPS = (2, 4, 8)
SAMPLES = (1, 2, 4, 8, 16, 32)
SEEDS = range(64)
D, M, EACH = 16, 50, 200
"""Dimension, width, and points a group of which samples and test points are drawn."""


def groups(r: int, n: int, seeds: range = SEEDS) -> pd.DataFrame:
    """One row a seed: the test error, that on groups of the sample, and the share of the others.

    ``seen_error`` is the share of wrong test points among those in groups of which the sample has
    a point; ``unseen`` is the share of test points in the other groups.
    """
    rows = []
    for seed in seeds:
        pool = lowrot.collapsed_groups(r, D, EACH, 0.5, None, r, False, seed)
        order = torch.randperm(pool.n, generator=torch.manual_seed(seed))
        train, test = order[:n], order[n:]
        sample = lowrot.Dataset(pool.X[train], pool.y[train])
        end = lowrot.gradient_flow(lowrot.standard(M, D, seed), sample, stop={"P": 3}).network()
        wrong = (end(pool.X[test]) * pool.y[test] <= 0).double()
        seen = torch.isin(pool.groups[test], pool.groups[train].unique())
        row = {"r": r, "n": n, "seed": seed, "error": float(wrong.mean())}
        row |= {"seen_error": float(wrong[seen].mean()), "unseen": float((~seen).double().mean())}
        rows.append(row)
    return pd.DataFrame(rows)


def ranges(errors: pd.DataFrame) -> tuple[float, float]:
    """The largest range over r of the mean errors at one n, and at one ``n/r >= 1``.

    Args:
        errors: columns ``r``, ``n`` and ``error``; only n and n/r at which every r has rows count.
    """
    means = errors.groupby(["r", "n"], as_index=False).error.mean()
    means["per_group"], largest = means.n / means.r, []
    for key, rows in (("n", means), ("per_group", means[means.n >= means.r])):
        found = rows.groupby(key).error.agg(["min", "max", "size"])
        found = found[found["size"] == means.r.nunique()]
        largest.append(float((found["max"] - found["min"]).max()))
    return largest[0], largest[1]


def parts(name: str) -> Iterator[pd.DataFrame]:
    """The cells of the sweep, one at a time."""
    for r in GROUPS:
        for n in SAMPLES:
            yield groups(r, n)


def main(names: list[str]) -> None:
    """Compute and store the sweep."""
    for name in names or ["groups"]:
        SWEEPS.write(name, parts(name))


if __name__ == "__main__":
    main(sys.argv[1:])
