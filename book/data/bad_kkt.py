"""The stored sweeps of the chapter on bad KKT points: ``python book/data/bad_kkt.py``.

Writes ``bad_kkt_law.csv`` (where 200 flows a cell end on two points, against angle, width and
scale of the start) and ``bad_kkt_family.csv`` (the same on richer data), each with its provenance
in the first lines. About twenty minutes on one core; a part can be recomputed alone,
``python book/data/bad_kkt.py law`` or ``family``. The chapter recomputes a slice of each.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import lowrot
from lowrot import theorems

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps

SWEEPS = Sweeps(__file__, lowrot.__version__)
read, provenance = SWEEPS.read, SWEEPS.provenance
SEEDS = range(200)
# Half the angle, the width and the scale of the start, of each cell.
LAW_WIDTHS = (1, 2, 4, 8)
LAW_CELLS = [(degrees, m, 0.02) for degrees in (65, 72, 80) for m in LAW_WIDTHS]
PATTERNS = ("uncovered", "all on both", "one-sided", "covered")
OUTCOMES = ("not separated", "bad", "tilted", "optimal", "undecided")
ENDS = ("not separated", "on a line", "optimal", "other")
FAMILY_CELLS = [(10, 1e-3), (10, 1e-2), (10, 1.0), (40, 1e-3), (40, 1.0)]
"""The width and the scale of the start, of each cell."""
CLOSE = 0.005
"""Relative distance from a known margin within which a flow has ended there."""
ZERO = 1e-9
"""Normalized margins below this are zero but for rounding (dead neurons leave 1e-17)."""
RTOL = 1e-2
"""Local error of the flows; every one is certified all the same."""


def line_and_pair() -> lowrot.Dataset:
    """(1, 0) labelled +1, (-1, 0) labelled -1, (.03, +-.15) labelled +1."""
    X = [[1.0, 0.0], [-1.0, 0.0], [0.03, 0.15], [0.03, -0.15]]
    return lowrot.Dataset(np.array(X), np.array([1, -1, 1, 1]), name="line and pair")


def arcs(spread: float = 0.1, points: int = 3, d: int = 2) -> lowrot.Dataset:
    """Points of one label on two arcs about two_points(75 degrees): in the plane, or across it."""
    phi, along = math.radians(75), np.linspace(-spread, spread, points)
    rows = []
    for side in (1, -1):
        for s in along:
            angle = phi + s if d == 2 else phi
            flat = np.array([math.cos(angle), side * math.sin(angle)])
            rows.append(flat if d == 2 else np.append(flat * math.cos(s), math.sin(s)))
    return lowrot.Dataset(np.array(rows), np.ones(2 * points), name=f"two arcs, d = {d}")


def lost(row: dict[str, float]) -> bool:
    """Stop rule: still a point with a margin of at most zero after a long time."""
    return row["tau"] >= 40 and row["normalized"] <= ZERO


def outcome(path: lowrot.Path, phi: float) -> str:
    """Where a flow on two points has ended, by its normalized margin alone."""
    levels, value = theorems.escape_margins(phi), path["normalized"][-1]
    if value <= ZERO:
        return "not separated"
    known = {"bad": levels.bad, "tilted": levels.tilted, "optimal": levels.optimum}
    near = [name for name, level in known.items() if abs(value / level - 1) <= CLOSE]
    return near[0] if len(near) == 1 else "undecided"


def law(degrees: float, m: int, scale: float, seeds: range = SEEDS) -> pd.DataFrame:
    """One row: how many starts have each pattern and end in each outcome, and how many agree.

    ``ends`` has the first letter of the outcome of each seed.
    """
    phi = math.radians(degrees)
    data = lowrot.two_points(phi)
    row = {"degrees": degrees, "m": m, "scale": scale, "starts": len(seeds)}
    row |= dict.fromkeys([*PATTERNS, *OUTCOMES, "small", "agree", "certified"], 0) | {"ends": ""}
    near = (1 - CLOSE / 2) * data.known["gamma_gl"] / 2
    stop = {"margin": near, "min_margin": 1e8, "tau": 150, "when": lost}
    for seed in seeds:
        net = lowrot.small(lowrot.balanced(m, 2, seed), scale)
        stated = lowrot.escape(net, phi)
        path = lowrot.gradient_flow(net, data, stop=stop, rtol=RTOL)
        end = outcome(path, phi)
        ends = {"uncovered": "not separated", "all on both": "bad"}
        row[stated.pattern] += 1
        row[end] += 1
        row["ends"] += end[0]
        row["small"] += stated.holds
        row["agree"] += ends.get(stated.pattern, "optimal") == end
        row["certified"] += path.ok
    return pd.DataFrame([row])


def family(m: int, scale: float, seeds: range = SEEDS) -> pd.DataFrame:
    """One row: how many starts end on a line, at the global margin, elsewhere, or nowhere.

    ``ends`` has one letter a seed: n (on a line), p (optimal), o (not separated), x (other).
    """
    data = line_and_pair()
    best, line = lowrot.global_margin(data).value / 2, line_margin(data)
    row = {"m": m, "scale": scale, "starts": len(seeds)}
    row |= dict.fromkeys([*ENDS, "certified"], 0) | {"worst": math.inf, "median": 0.0, "ends": ""}
    # At a margin of 500 some flows are still on their way from the line: at 10^6 none of them is.
    stop, reached = {"margin": 0.985 * best, "min_margin": 1e8, "tau": 400, "when": lost}, []
    for seed in seeds:
        net = lowrot.small(lowrot.balanced(m, data.d, seed), scale)
        path = lowrot.gradient_flow(net, data, stop=stop, rtol=RTOL)
        value = path["normalized"][-1]
        reached.append(max(value, 0.0) / best)
        at = {"on a line": line, "optimal": best}
        near = [key for key, level in at.items() if abs(value / level - 1) <= 0.02]
        end = "not separated" if value <= ZERO else near[0] if near else "other"
        row[end] += 1
        row["ends"] += "x" if end == "other" else end[1]
        row["certified"] += path.ok
    row |= {"worst": min(reached), "median": float(np.median(reached))}
    return pd.DataFrame([row])


def line_margin(data: lowrot.Dataset) -> float:
    """Best normalized margin with all neurons on one line, along the best linear direction."""
    z = data.y * (data.X @ lowrot.svm_margin(data).primal)
    sides = [float(z[data.y == sign].min()) for sign in (1, -1) if bool((data.y == sign).any())]
    return 0.5 / sum(1 / side for side in sides)


def parts(name: str) -> Iterator[pd.DataFrame]:
    """The cells of a sweep, one at a time."""
    for cell in LAW_CELLS if name == "law" else FAMILY_CELLS:
        yield law(*cell) if name == "law" else family(*cell)


def main(names: list[str]) -> None:
    """Compute and store the sweeps named, all by default."""
    for name in names or ["law", "family"]:
        SWEEPS.write(name, parts(name), f"0 to {len(SEEDS) - 1}")


if __name__ == "__main__":
    main(sys.argv[1:])
