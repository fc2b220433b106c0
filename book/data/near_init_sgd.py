"""The stored sweeps of the chapter on one-pass SGD: ``python book/data/near_init_sgd.py``.

Writes ``near_init_sgd_curves.csv`` (errors and displacements against samples, over d and widths)
and ``near_init_sgd_widths.csv`` (how often the conclusions hold, down to four neurons), each with
its provenance in the first lines. About ten minutes on one core; a part can be recomputed alone,
``python book/data/near_init_sgd.py curves`` or ``widths``. The chapter recomputes a slice of each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

import lowrot

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps, joined, live

SWEEPS = Sweeps(__file__)
read, provenance = SWEEPS.read, SWEEPS.provenance
UPDATES = ("logistic", "perceptron")
CURVE_SEEDS, MET_SEEDS = range(5), range(3)
# (d, m): widths c d^2, and for each d one that meets the hypotheses of the perceptron theorem.
SHAPES = [(d, c * d * d) for d in (2, 4, 6, 8, 10) for c in (4, 16, 64, 256)]
MET = [(2, 7000), (3, 14_000), (4, 26_000), (6, 60_000)]
WIDTHS = [(2, 2**e) for e in range(2, 14)] + [(4, 2**e) for e in range(2, 13)]
WIDTH_SEEDS = range(200)


def curve(rule: str, d: int, m: int, seed: int) -> list[dict[str, float]]:
    """Rows by count: t = 64 d^2 samples at the largest step of the theorem."""
    cube, t = lowrot.sparse_parity(d), 64 * d * d
    net = lowrot.standard(m, d, seed)
    stated = lowrot.near_init_sgd(net, cube, samples=t, update=rule)
    counts = np.unique(np.geomspace(1, t, 12).round().astype(int))
    runs = lowrot.one_pass_sgd(
        net,
        lowrot.parity_stream(d),
        samples=t,
        eta=stated.eta,
        update=rule,
        seeds=seed,
        records=counts,
    )
    frame = runs.frame()[["samples", "test_error", "rho", "mistakes"]].astype({"samples": int})
    frame = frame.assign(holds=int(stated.holds), gamma=stated.start.gamma.value)
    frame = frame.assign(rho_bound=stated.displacement, mistakes_bound=stated.mistakes)
    frame["error_bound"] = stated.error(runs.paths[0]["samples"])
    return frame.to_dict("records")


def width_start(d: int, m: int, seed: int) -> list[dict[str, object]]:
    """A row an update: whether a start has a margin, and the conclusions after 64 d^2 samples."""
    cube, t, rows = lowrot.sparse_parity(d), 64 * d * d, []
    held = ("with_margin", "hypotheses", "displacement", "mistakes", "separated")
    for update in UPDATES:
        net = lowrot.standard(m, d, seed)
        rows.append({"rule": update} | dict.fromkeys(held, False))
        try:
            s = lowrot.near_init_sgd(net, cube, samples=t, update=update)
        except lowrot.NotSeparable:
            continue
        runs = lowrot.one_pass_sgd(
            net,
            lowrot.parity_stream(d),
            samples=t,
            eta=s.eta,
            update=update,
            seeds=seed,
            records=[t // 2],
        )
        path = runs.paths[0]
        found = (True, s.holds, path["rho"].max() <= s.displacement)
        found += (path["mistakes"][-1] <= s.mistakes, path["test_error"][-1] == 0)
        rows[-1] |= dict(zip(held, map(bool, found)))
    return rows


def width_cells(starts: pd.DataFrame) -> pd.DataFrame:
    """One row an update and cell: of how many starts the conclusions hold."""
    cells = starts.groupby(["d", "m", "rule"], sort=False)
    frame = cells.agg(
        starts=("seed", "size"),
        **{
            name: (name, "sum")
            for name in ("with_margin", "hypotheses", "displacement", "mistakes", "separated")
        },
    ).reset_index()
    frame = frame[["rule", "d", "m", *frame.columns[3:]]]
    frame.attrs |= starts.attrs
    return frame


def curves(d: int, m: int, update: str, seeds: Iterable[int] = CURVE_SEEDS) -> pd.DataFrame:
    """Rows of `curve`, computed here and now."""
    return live(curve, [{"rule": update, "d": d, "m": m}], seeds)


def widths(d: int, m: int, seeds: Iterable[int] = WIDTH_SEEDS) -> pd.DataFrame:
    """One cell of the widths, computed here and now."""
    return width_cells(live(width_start, [{"d": d, "m": m}], seeds))


def _curves() -> pd.DataFrame:
    """All curves, fewer seeds at the widths that meet the hypotheses."""
    grids = [
        ([{"rule": rule, "d": d, "m": m} for d, m in cells for rule in UPDATES], seeds)
        for cells, seeds in ((SHAPES, CURVE_SEEDS), (MET, MET_SEEDS))
    ]
    return joined(SWEEPS.run(curve, *grid) for grid in grids)


WIDTH_GRID = [{"d": d, "m": m} for d, m in WIDTHS]
PARTS = {
    "curves": _curves,
    "widths": lambda: width_cells(SWEEPS.run(width_start, WIDTH_GRID, WIDTH_SEEDS)),
}

if __name__ == "__main__":
    SWEEPS.main(PARTS, sys.argv[1:])
