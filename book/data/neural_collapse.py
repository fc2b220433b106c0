"""The stored sweep of the chapter on neural collapse: ``python book/data/neural_collapse.py``.

Writes ``neural_collapse_groups.csv`` (test errors against the number of samples, for several
numbers of groups), with its provenance in the first lines. About four minutes on one core. The
chapter recomputes a slice of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import torch

import lowrot

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps, live

SWEEPS = Sweeps(__file__)
read, provenance = SWEEPS.read, SWEEPS.provenance
GROUPS = (2, 4, 8)
SAMPLES = (1, 2, 4, 8, 16, 32)
SEEDS = range(64)
D, M, EACH = 16, 50, 200
"""Dimension, width, and points a group of which samples and test points are drawn."""


def drawn_from(r: int, seed: int) -> lowrot.Dataset:
    """The points of r groups from which samples and test points are drawn."""
    return lowrot.collapsed_groups(r, D, EACH, 0.5, None, r, False, seed)


def good_starts(r: int, seeds: Iterable[int]) -> float:
    """The share of starts of the sweep with a good neuron for every group."""
    starts = ((lowrot.standard(M, D, seed), drawn_from(r, seed)) for seed in seeds)
    met = [lowrot.neural_collapse(net, pool).holds for net, pool in starts]
    return sum(met) / len(met)


def group_start(r: int, n: int, seed: int) -> dict[str, float]:
    """The test error, that on groups of the sample, and the share of the others.

    ``seen_error`` is the share of wrong test points among those in groups of which the sample has
    a point; ``unseen`` is the share of test points in the other groups.
    """
    pool = drawn_from(r, seed)
    order = torch.randperm(pool.n, generator=torch.manual_seed(seed))
    train, test = order[:n], order[n:]
    sample = lowrot.Dataset(pool.X[train], pool.y[train])
    end = lowrot.gradient_flow(lowrot.standard(M, D, seed), sample, stop={"P": 3}).network()
    wrong = (end(pool.X[test]) * pool.y[test] <= 0).double()
    seen = torch.isin(pool.groups[test], pool.groups[train].unique())
    row = {"error": float(wrong.mean()), "seen_error": float(wrong[seen].mean())}
    return row | {"unseen": float((~seen).double().mean())}


def groups(r: int, n: int, seeds: Iterable[int]) -> pd.DataFrame:
    """Rows of `group_start`, computed here and now."""
    return live(group_start, [{"r": r, "n": n}], seeds)


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


PARTS = {"groups": lambda: SWEEPS.run(group_start, {"r": GROUPS, "n": SAMPLES}, SEEDS)}

if __name__ == "__main__":
    SWEEPS.main(PARTS, sys.argv[1:])
