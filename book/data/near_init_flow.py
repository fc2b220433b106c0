"""The stored sweeps of the chapter on gradient flow: ``python book/data/near_init_flow.py``.

Writes ``near_init_flow_met.csv`` (runs on which every hypothesis holds), ``near_init_flow_widths
.csv`` (the same up to tau = 1, down to eight neurons) and ``near_init_flow_ends.csv`` (the margin
of long runs), each with its provenance in the first lines. About twenty minutes on one core; a part
can be recomputed alone, for example ``python book/data/near_init_flow.py widths``. The chapter
recomputes a slice of each.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

import lowrot
from lowrot.theorems import NearInitFlow

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps, joined, live

SWEEPS = Sweeps(__file__)
read, provenance = SWEEPS.read, SWEEPS.provenance
LOSSES = ("exponential", "logistic")
MET = {
    "exponential": {2: 800, 3: 2200, 4: 5500, 6: 13_000},
    "logistic": {2: 6000, 3: 13_500, 4: 25_000, 6: 54_000},
}
"""Widths, by loss and dimension, at which every hypothesis holds on the seeds of the sweep."""
MET_SEEDS = range(2)
WIDTHS = [(d, 2**e) for d in (2, 4) for e in range(3, 12)]
WIDTH_SEEDS = range(60)
ENDS = [(d, m) for d in (2, 3, 4) for m in (8, 32, 128, 512, 2048)]
END_SEEDS = range(10)
TIMES = np.linspace(0.0, 1.0, 21)
LONG = np.concatenate([TIMES, np.geomspace(1.25, 20.0, 13)])


def changes(path: lowrot.Path, start: lowrot.Network, data: lowrot.Dataset) -> pd.DataFrame:
    """Rotations (degrees), flips and kernel change at every saved time."""
    found = [lowrot.feature_change(path.network(k), start, data) for k in range(len(path["tau"]))]
    frame = pd.DataFrame([vars(change) for change in found])
    return frame.assign(turned=np.degrees(frame.turned), key_turned=np.degrees(frame.key_turned))


def half_way(stated: NearInitFlow, path: lowrot.Path) -> tuple[float, float]:
    """Clock and soft margin when rho = g/2 is first reached, linear between saved times."""
    far = np.maximum.accumulate(path["rho"])
    at = int(np.searchsorted(far, stated.start.g / 2))
    if at == len(far):
        return math.nan, math.nan
    weight = (stated.start.g / 2 - far[at - 1]) / (far[at] - far[at - 1])
    mix = lambda name: float((1 - weight) * path[name][at - 1] + weight * path[name][at])  # noqa: E731
    return mix("tau"), mix("P")


def met_start(loss: str, d: int, m: int, seed: int) -> list[dict[str, float]]:
    """Rows by saved time, up to the time tau = 1 of the corollaries."""
    data, net = lowrot.sparse_parity(d), lowrot.standard(m, d, seed)
    stated = lowrot.near_init_flow(net, data, loss=loss)
    path = lowrot.gradient_flow(net, data, loss=loss, stop={"tau": 1.0}, save=TIMES)
    check, proof = stated.check(path), stated.inequalities(path)
    frame = check.frame[["tau", "rho", "P", "floor", "margin", "margin_floor"]]
    frame = frame.assign(g=stated.start.g, holds=int(stated.holds))
    frame["slack"] = min(check.slack.values())
    frame["proof_slack"] = min(proof.slack.values())
    frame["certified"] = int(path.ok)
    return frame.join(changes(path, net, data)).to_dict("records")


def width_start(loss: str, d: int, m: int, seed: int) -> dict[str, float]:
    """Up to tau = 1; a start without tangent margin has gamma = 0 and blanks."""
    data, net = lowrot.sparse_parity(d), lowrot.standard(m, d, seed)
    try:
        stated = lowrot.near_init_flow(net, data, loss=loss)
    except lowrot.NotSeparable:
        return {"gamma": 0.0, "holds": 0}
    path = lowrot.gradient_flow(net, data, loss=loss, stop={"tau": 1.0}, save=TIMES)
    tau_half, P_half = half_way(stated, path)
    row = {"gamma": stated.start.gamma.value, "holds": int(stated.holds), "g": stated.start.g}
    row |= {"tau_half": tau_half, "P_half": P_half, "p_one": path["min_margin"][-1]}
    row |= {"P_one": path["P"][-1], "rho_one": path["rho"][-1], "certified": int(path.ok)}
    return row | changes(path, net, data).iloc[-1].to_dict()


def end_start(d: int, m: int, seed: int) -> list[dict[str, float]]:
    """Rows by saved time, exponential loss, up to tau = 20 or until the flow rests."""
    data, net = lowrot.sparse_parity(d), lowrot.standard(m, d, seed)
    try:
        gamma = lowrot.ntk_margin(net, data).value
    except lowrot.NotSeparable:
        gamma = 0.0
    path = lowrot.gradient_flow(net, data, stop={"tau": LONG[-1]}, save=LONG)
    kept = np.isin(path["tau"], (0.0, 0.5, *LONG[20:])) | (np.arange(len(path)) + 1 == len(path))
    frame = path.frame()[["tau", "rho", "P", "min_margin", "normalized"]]
    frame = frame.assign(gamma=gamma, certified=int(path.ok))
    return frame.join(changes(path, net, data))[kept].to_dict("records")


def widths(d: int, m: int, loss: str, seeds: Iterable[int] = WIDTH_SEEDS) -> pd.DataFrame:
    """Rows of `width_start`, computed here and now."""
    return live(width_start, [{"loss": loss, "d": d, "m": m}], seeds)


def ends(d: int, m: int, seeds: Iterable[int] = END_SEEDS) -> pd.DataFrame:
    """Rows of `end_start`, computed here and now."""
    return live(end_start, [{"d": d, "m": m}], seeds)


def _ends() -> pd.DataFrame:
    """All long runs, fewer seeds at the widths that meet the hypotheses."""
    wide = MET["exponential"].items()
    grids = [
        ([{"d": d, "m": m} for d, m in cells], seeds)
        for cells, seeds in ((ENDS, END_SEEDS), (wide, MET_SEEDS))
    ]
    return joined(SWEEPS.run(end_start, *grid) for grid in grids)


MET_GRID = [{"loss": loss, "d": d, "m": m} for loss in LOSSES for d, m in MET[loss].items()]
WIDTH_GRID = [{"loss": loss, "d": d, "m": m} for d, m in WIDTHS for loss in LOSSES]
PARTS = {
    "met": lambda: SWEEPS.run(met_start, MET_GRID, MET_SEEDS),
    "widths": lambda: SWEEPS.run(width_start, WIDTH_GRID, WIDTH_SEEDS),
    "ends": _ends,
}

if __name__ == "__main__":
    SWEEPS.main(PARTS, sys.argv[1:])
