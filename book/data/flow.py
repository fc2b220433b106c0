"""The stored run of the chapter on following a gradient flow: ``python book/data/flow.py``.

Writes ``flow_cost.csv``, with its provenance in the first lines: the processor time in which lowrot
and peers reach a smallest margin, each with the loosest setting that gives the normalized
margin there to 1e-3. The search is that of ``benchmarks/flow.py``, which has more peers, on a
smaller problem: 2-sparse parity on the whole cube, d = 4, width 256. Minutes on one core; the
chapter recomputes what does not depend on the machine. Peers that are not installed are left out.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pandas as pd

import lowrot

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps, joined

SWEEPS = Sweeps(__file__)
read, provenance = SWEEPS.read, SWEEPS.provenance
D, M = 4, 256
TARGETS = [10.0, 1e2, 1e3, 1e4]
PAIRS = {1e4: (4.0, 2.0)}
"""Steps of the reference, over ``||W||^2``: the finer is believed where the two agree."""
TOLERANCE, LIMIT, REPEATS = 1e-3, 5.0, 1
"""Error of the normalized margin, seconds of a run, and how many there are of each."""
CHOSEN = (
    "lowrot",
    "GD, adaptive, closed form",
    "torchdiffeq dopri5",
    "diffrax Tsit5",
    "SciPy LSODA",
)
"""Of the benchmark's peers: gradient descent, two explicit solvers, and one that turns stiff."""
COLUMNS = ["peer", "target", "setting", "seconds", "error", "steps", "note"]


def cost() -> pd.DataFrame:
    """For each peer a row a target: setting, seconds, error; no seconds where it never arrives."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    from _flow.problem import small_parity
    from _flow.search import Search

    search = Search(TARGETS, TOLERANCE, LIMIT, 1, setup=small_parity, pairs=PAIRS)
    frames = []
    for name in CHOSEN:
        rows = pd.DataFrame([search.row(name, target, REPEATS) for target in TARGETS])
        if not str(rows.note[0] if "note" in rows else "").startswith("No module"):
            frames.append(rows.reindex(columns=COLUMNS))
    return joined(frames)


def peers() -> str:
    """The versions of those that the head of a slice does not name."""
    found = []
    for name in ("torchdiffeq", "diffrax", "jax"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


def again(target: float, rtol: float) -> lowrot.Path:
    """The flow of the stored run, here and now."""
    net, data = lowrot.standard(M, D), lowrot.sparse_parity(D)
    return lowrot.gradient_flow(net, data, rtol=rtol, stop={"min_margin": target})


PARTS = {"cost": cost}

if __name__ == "__main__":
    SWEEPS.main(PARTS, sys.argv[1:], note=f"seed 0; peers: {peers()}")
