"""The stored sweeps of the chapter on symmetric data: ``python book/data/symmetric.py``.

Writes ``symmetric_locked.csv`` (generic balanced starts on two symmetric pairs: when the lock-in
certificate holds, by width, scale and loss) and ``symmetric_fragile.csv`` (the same starts without
two of the points: where they end, by scale), with their provenance in the first lines. About
eight minutes on one core; ``locked`` or ``fragile`` alone is recomputed by its name, and a stopped
run goes on where it was. The chapter recomputes a slice of each.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

import lowrot

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps, live

SWEEPS = Sweeps(__file__)
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


def locked_start(loss: str, m: int, scale: float, seed: int) -> dict[str, object]:
    """When the lock-in certificate holds, and the margin at the end.

    ``lock`` is the clock at the first saved time at which it holds (empty if none), ``grown`` that
    at which the mass ``||W||^2/2`` has reached 1, ``ratio`` the margin at the end over the largest
    of any network, and ``gap`` one minus that.
    """
    data, net = lowrot.symmetric_pairs(), start(m, scale, seed)
    omega = 0.5 * (1 + SLOPE) * data.known["gamma_svm"]
    end = -math.log(scale) / omega + 100
    times = np.append(0.0, np.linspace(1.0, end, SAVED))
    path = lowrot.gradient_flow(net, data, loss=loss, stop={"tau": end}, save=times)
    theorem = lowrot.symmetric(net, data, part="locked", loss=loss)
    first = theorem.fires(path)
    grown = int(np.argmax(path["norm_squared"] >= 2.0))
    return {
        "both": bool((net.a > 0).any() and (net.a < 0).any()),
        "lock": math.nan if first is None else path["tau"][first],
        "grown": path["tau"][grown],
        "ratio": path["margin"][-1] / (theorem.gain / 2),
        "gap": 1 - path["margin"][-1] / (theorem.gain / 2),
        "certified": path.ok,
    }


def fragile_start(m: int, scale: float, seed: int) -> dict[str, object]:
    """The margin at the end, and when the locking lemma holds (empty if never)."""
    data, net = lowrot.fragile_pairs(), start(m, scale, seed)
    best = lowrot.global_margin(data, slope=SLOPE).value / 2
    times = np.append(0.0, np.linspace(1.0, 400.0, SAVED))
    path = lowrot.gradient_flow(net, data, stop={"tau": 400}, save=times)
    first = lowrot.locking(net, data, [1.0, 0.0]).fires(path)
    return {
        "positive": bool((net.a > 0).any()),
        "lock": math.nan if first is None else path["tau"][first],
        "margin": path["margin"][-1],
        "ratio": path["margin"][-1] / best,
        "certified": path.ok,
    }


def locked(m: int, scale: float, loss: str, seeds: Iterable[int]) -> pd.DataFrame:
    """Rows of `locked_start`, computed here and now."""
    return live(locked_start, [{"loss": loss, "m": m, "scale": scale}], seeds)


def fragile(m: int, scale: float, seeds: Iterable[int]) -> pd.DataFrame:
    """Rows of `fragile_start`, computed here and now."""
    return live(fragile_start, [{"m": m, "scale": scale}], seeds)


LOCKED_GRID = {"loss": LOSSES, "m": WIDTHS, "scale": SCALES}
PARTS = {
    "locked": lambda: SWEEPS.run(locked_start, LOCKED_GRID, SEEDS),
    "fragile": lambda: SWEEPS.run(fragile_start, {"m": [8], "scale": FRAGILE_SCALES}, SEEDS),
}

if __name__ == "__main__":
    SWEEPS.main(PARTS, sys.argv[1:])
