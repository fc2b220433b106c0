"""The stored sweeps of the chapter on one-pass SGD: ``python book/data/near_init_sgd.py``.

Writes ``near_init_sgd_curves.csv`` (errors and displacements against samples, over d and widths)
and ``near_init_sgd_widths.csv`` (how often the conclusions hold, down to four neurons), each with
its provenance in the first lines. About ten minutes on one core; a part can be recomputed alone,
``python book/data/near_init_sgd.py curves`` or ``widths``. The chapter recomputes a slice of each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import lowrot

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps, four_digits

SWEEPS = Sweeps(__file__, lowrot.__version__)
read, provenance = SWEEPS.read, SWEEPS.provenance
UPDATES = ("logistic", "perceptron")
CURVE_SEEDS = range(5)
# (d, m): widths c d^2, and for each d one that meets the hypotheses of the perceptron theorem.
SHAPES = [(d, c * d * d) for d in (2, 4, 6, 8, 10) for c in (4, 16, 64, 256)]
MET = [(2, 7000), (3, 14_000), (4, 26_000), (6, 60_000)]
WIDTHS = [(2, 2**e) for e in range(2, 14)] + [(4, 2**e) for e in range(2, 13)]
WIDTH_SEEDS = range(200)


def curves(d: int, m: int, update: str, seeds: range = CURVE_SEEDS) -> pd.DataFrame:
    """One row a seed and count: t = 64 d^2 samples at the largest step of the theorem."""
    cube, t = lowrot.sparse_parity(d), 64 * d * d
    nets = [lowrot.standard(m, d, seed) for seed in seeds]
    stated = [lowrot.near_init_sgd(net, cube, samples=t, update=update) for net in nets]
    counts = np.unique(np.geomspace(1, t, 12).round().astype(int))
    runs = lowrot.one_pass_sgd(
        nets,
        lowrot.parity_stream(d),
        samples=t,
        eta=[s.eta for s in stated],
        update=update,
        seeds=seeds,
        records=counts,
    )
    frame = runs.frame()[["run", "samples", "test_error", "rho", "mistakes"]].astype(
        {"samples": int}
    )
    frame = frame.assign(d=d, m=m, rule=update, seed=frame.run.map(dict(enumerate(seeds))))
    per_run = {
        "holds": [int(s.holds) for s in stated],
        "gamma": [s.start.gamma.value for s in stated],
        "rho_bound": [s.displacement for s in stated],
        "mistakes_bound": [s.mistakes for s in stated],
    }
    for name, values in per_run.items():
        frame[name] = frame.run.map(dict(enumerate(values)))
    frame["error_bound"] = np.concatenate(
        [s.error(path["samples"]) for s, path in zip(stated, runs.paths, strict=True)]
    )
    first = ["rule", "d", "m", "seed", "samples"]
    return four_digits(frame.drop(columns="run"), first)


def widths(d: int, m: int, seeds: range = WIDTH_SEEDS) -> pd.DataFrame:
    """One row an update: of how many starts the conclusions hold after 64 d^2 samples."""
    cube, t, rows = lowrot.sparse_parity(d), 64 * d * d, []
    for update in UPDATES:
        nets, stated, kept = [], [], []
        for seed in seeds:
            try:
                stated.append(
                    lowrot.near_init_sgd(
                        lowrot.standard(m, d, seed), cube, samples=t, update=update
                    )
                )
            except lowrot.NotSeparable:
                continue
            nets.append(stated[-1].net)
            kept.append(seed)
        row = {"rule": update, "d": d, "m": m, "starts": len(seeds), "with_margin": len(nets)}
        row |= dict.fromkeys(("hypotheses", "displacement", "mistakes", "separated"), 0)
        if nets:
            etas = [s.eta for s in stated]
            runs = lowrot.one_pass_sgd(
                nets,
                lowrot.parity_stream(d),
                samples=t,
                eta=etas,
                update=update,
                seeds=kept,
                records=[t // 2],
            )
            for s, path in zip(stated, runs.paths, strict=True):
                row["hypotheses"] += s.holds
                row["displacement"] += path["rho"].max() <= s.displacement
                row["mistakes"] += path["mistakes"][-1] <= s.mistakes
                row["separated"] += path["test_error"][-1] == 0
        rows.append(row)
    return pd.DataFrame(rows)


def parts(name: str) -> Iterator[pd.DataFrame]:
    """The cells of a sweep, one at a time."""
    if name == "curves":
        for d, m in SHAPES + MET:
            for update in UPDATES:
                yield curves(d, m, update, CURVE_SEEDS if (d, m) in SHAPES else range(3))
    else:
        for d, m in WIDTHS:
            yield widths(d, m)


def main(names: list[str]) -> None:
    """Compute and store the sweeps named, all by default."""
    for name in names or ["curves", "widths"]:
        SWEEPS.write(name, parts(name))


if __name__ == "__main__":
    main(sys.argv[1:])
