"""The stored sweeps of the chapter on symmetric data: ``python book/data/symmetric.py``.

Writes ``symmetric_locked.csv`` (generic balanced starts on two symmetric pairs: when the lock-in
certificate holds, by width, scale and loss) and ``symmetric_fragile.csv`` (the same starts without
two of the points: where they end, by scale), with their provenance in the first lines. About
eight minutes on one core. The chapter recomputes a slice of each.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import lowrot

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps

SWEEPS = Sweeps(__file__, lowrot.__version__)
read, provenance = SWEEPS.read, SWEEPS.provenance
SLOPE = 0.1
LOSSES = ("exponential", "logistic")
WIDTHS = (2, 16, 1024)
SCALES = (1.0, 1e-3, 1e-6)
FRAGILE_SCALES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
SEEDS = range(20)
SAVED = 48


def start(m: int, scale: float, seed: int, d: int = 2) -> lowrot.Network:
    """A balanced start of a leaky network, times the scale."""
    return lowrot.small(lowrot.balanced(m, d, seed=seed, slope=SLOPE), scale)


def locked(m: int, scale: float, loss: str, seeds: range = SEEDS) -> pd.DataFrame:
    """One row a seed: when the lock-in certificate holds, and the margin at the end.

    ``lock`` is the clock at the first saved time at which it holds (empty if none), ``grown`` that
    at which the mass ``||W||^2/2`` has reached 1, ``ratio`` the margin at the end over the largest
    of any network, and ``gap`` one minus that.
    """
    data, rows = lowrot.symmetric_pairs(), []
    omega = 0.5 * (1 + SLOPE) * data.known["gamma_svm"]
    end = -math.log(scale) / omega + 100
    times = np.append(0.0, np.linspace(1.0, end, SAVED))
    for seed in seeds:
        net = start(m, scale, seed)
        path = lowrot.gradient_flow(net, data, loss=loss, stop={"tau": end}, save=times)
        theorem = lowrot.symmetric(net, data, part="locked", loss=loss)
        first = theorem.fires(path)
        grown = int(np.argmax(path["norm_squared"] >= 2.0))
        rows.append(
            {
                "loss": loss,
                "m": m,
                "scale": scale,
                "seed": seed,
                "both": bool((net.a > 0).any() and (net.a < 0).any()),
                "lock": math.nan if first is None else path["tau"][first],
                "grown": path["tau"][grown],
                "ratio": path["margin"][-1] / (theorem.gain / 2),
                "gap": 1 - path["margin"][-1] / (theorem.gain / 2),
                "certified": path.ok,
            }
        )
    return pd.DataFrame(rows)


def fragile(m: int, scale: float, seeds: range = SEEDS) -> pd.DataFrame:
    """One row a seed: the margin at the end, and when the locking lemma holds (empty if never)."""
    data, rows = lowrot.fragile_pairs(), []
    best = lowrot.global_margin(data, slope=SLOPE).value / 2
    times = np.append(0.0, np.linspace(1.0, 400.0, SAVED))
    for seed in seeds:
        net = start(m, scale, seed)
        path = lowrot.gradient_flow(net, data, stop={"tau": 400}, save=times)
        theorem = lowrot.locking(net, data, [1.0, 0.0])
        first = theorem.fires(path)
        rows.append(
            {
                "m": m,
                "scale": scale,
                "seed": seed,
                "positive": bool((net.a > 0).any()),
                "lock": math.nan if first is None else path["tau"][first],
                "margin": path["margin"][-1],
                "ratio": path["margin"][-1] / best,
                "certified": path.ok,
            }
        )
    return pd.DataFrame(rows)


def parts(name: str) -> Iterator[pd.DataFrame]:
    """The cells of a sweep, one at a time."""
    if name == "locked":
        for loss in LOSSES:
            for m in WIDTHS:
                for scale in SCALES:
                    yield locked(m, scale, loss)
    else:
        for scale in FRAGILE_SCALES:
            yield fragile(8, scale)


def main(names: list[str]) -> None:
    """Compute and store the sweeps."""
    for name in names or ["locked", "fragile"]:
        SWEEPS.write(name, parts(name))


if __name__ == "__main__":
    main(sys.argv[1:])
