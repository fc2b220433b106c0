"""The stored sweeps of the chapter on bad KKT points: ``python book/data/bad_kkt.py``.

Writes ``bad_kkt_law.csv`` (where 200 flows a cell end on two points, against angle, width and
scale of the start) and ``bad_kkt_family.csv`` (the same on richer data), each with its provenance
in the first lines. About twenty minutes on one core; a part can be recomputed alone,
``python book/data/bad_kkt.py law`` or ``family``. The chapter recomputes a slice of each.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

import lowrot
from lowrot import theorems

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps, live

SWEEPS = Sweeps(__file__)
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


def law_start(degrees: float, m: int, scale: float, seed: int) -> dict[str, object]:
    """The pattern of a start, where its flow ends, and whether both agree."""
    phi = math.radians(degrees)
    data = lowrot.two_points(phi)
    near = (1 - CLOSE / 2) * data.known["gamma_gl"] / 2
    stop = {"margin": near, "min_margin": 1e8, "tau": 150, "when": lost}
    net = lowrot.small(lowrot.balanced(m, 2, seed), scale)
    stated = lowrot.escape(net, phi)
    path = lowrot.gradient_flow(net, data, stop=stop, rtol=RTOL)
    end = outcome(path, phi)
    agree = {"uncovered": "not separated", "all on both": "bad"}.get(stated.pattern, "optimal")
    row = {"pattern": stated.pattern, "end": end, "small": stated.holds}
    return row | {"agree": agree == end, "certified": path.ok}


def family_start(m: int, scale: float, seed: int) -> dict[str, object]:
    """Where a start ends: on a line, at the global margin, elsewhere, or nowhere."""
    data = line_and_pair()
    best, line = lowrot.global_margin(data).value / 2, line_margin(data)
    # At a margin of 500 some flows are still on their way from the line: at 10^6 none of them is.
    stop = {"margin": 0.985 * best, "min_margin": 1e8, "tau": 400, "when": lost}
    net = lowrot.small(lowrot.balanced(m, data.d, seed), scale)
    path = lowrot.gradient_flow(net, data, stop=stop, rtol=RTOL)
    value, at = path["normalized"][-1], {"on a line": line, "optimal": best}
    near = [key for key, level in at.items() if abs(value / level - 1) <= 0.02]
    end = "not separated" if value <= ZERO else near[0] if near else "other"
    return {"end": end, "reached": max(value, 0.0) / best, "certified": path.ok}


def law_cells(starts: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: how many starts have each pattern and end in each outcome, how many agree.

    ``ends`` has the first letter of the outcome of each seed.
    """
    rows = []
    for cell, part in starts.groupby(["degrees", "m", "scale"], sort=False):
        row = dict(zip(("degrees", "m", "scale"), cell)) | {"starts": len(part)}
        row |= {name: int((part.pattern == name).sum()) for name in PATTERNS}
        row |= {name: int((part.end == name).sum()) for name in OUTCOMES}
        row |= {name: int(part[name].sum()) for name in ("small", "agree", "certified")}
        rows.append(row | {"ends": "".join(end[0] for end in part.end)})
    return _like(starts, rows)


def family_cells(starts: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: how many starts end where, and the least and the median of what they reach.

    ``ends`` has one letter a seed: n (on a line), p (optimal), o (not separated), x (other).
    """
    rows = []
    for cell, part in starts.groupby(["m", "scale"], sort=False):
        row = dict(zip(("m", "scale"), cell)) | {"starts": len(part)}
        row |= {name: int((part.end == name).sum()) for name in ENDS}
        row |= {"certified": int(part.certified.sum())}
        row |= {"worst": part.reached.min(), "median": part.reached.median()}
        ends = "".join("x" if end == "other" else end[1] for end in part.end)
        rows.append(row | {"ends": ends})
    return _like(starts, rows)


def _like(starts: pd.DataFrame, rows: list[dict[str, object]]) -> pd.DataFrame:
    """A frame with the provenance of another."""
    frame = pd.DataFrame(rows)
    frame.attrs |= starts.attrs
    return frame


def law(degrees: float, m: int, scale: float, seeds: Iterable[int]) -> pd.DataFrame:
    """One cell of the law, computed here and now."""
    return law_cells(live(law_start, [{"degrees": degrees, "m": m, "scale": scale}], seeds))


def family(m: int, scale: float, seeds: Iterable[int]) -> pd.DataFrame:
    """One cell of the family, computed here and now."""
    return family_cells(live(family_start, [{"m": m, "scale": scale}], seeds))


def line_margin(data: lowrot.Dataset) -> float:
    """Best normalized margin with all neurons on one line, along the best linear direction."""
    z = data.y * (data.X @ lowrot.svm_margin(data).primal)
    sides = [float(z[data.y == sign].min()) for sign in (1, -1) if bool((data.y == sign).any())]
    return 0.5 / sum(1 / side for side in sides)


LAW_GRID = [dict(zip(("degrees", "m", "scale"), cell)) for cell in LAW_CELLS]
FAMILY_GRID = [dict(zip(("m", "scale"), cell)) for cell in FAMILY_CELLS]
PARTS = {
    "law": lambda: law_cells(SWEEPS.run(law_start, LAW_GRID, SEEDS)),
    "family": lambda: family_cells(SWEEPS.run(family_start, FAMILY_GRID, SEEDS)),
}

if __name__ == "__main__":
    SWEEPS.main(PARTS, sys.argv[1:], f"seeds 0 to {len(SEEDS) - 1}")
