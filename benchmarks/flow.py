"""Gradient flow to a margin at a given accuracy: lowrot and its peers, side by side.

2-sparse parity on the whole cube, d = 6 (n = 64), width 512, standard initialization, exponential
loss. The clock stops when the smallest margin first reaches the target; the error is the relative
one of the normalized margin there. Each peer gets the loosest setting on its ladder
(`_flow/peers.py`) that meets the tolerance; short runs are repeated, and the median is reported
with the least and the most. Compilation (``setup``) is not in ``seconds``, nor is a first step.
Every run is a process with fixed threads and a time limit. With one thread the clock is the
processor's, so that other work on the machine does not count. What was measured is kept in
``build/benchmarks/flow.json``: an interrupted table goes on where it stopped.

Run as ``python benchmarks/flow.py [--limit 600] [words of the peers]``. The peers are an extra:
``pip install -c requirements.lock -e ".[bench]"``.
"""

import argparse
import math

import numpy as np
import pandas as pd
from _flow.peers import PEERS
from _flow.search import Search


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("words", nargs="*", help="peers whose names hold one of these (all)")
    parser.add_argument("--targets", nargs="+", type=float, default=[10.0, 1e2, 1e3, 1e4, 1e6])
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--limit", type=float, default=600.0, help="seconds of a run")
    parser.add_argument("--repeats", type=int, default=3, help="runs where one is short")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--along", action="store_true", help="ask for the accuracy at all smaller targets too"
    )
    return parser.parse_args()


def show(rows):
    """Print the table, with the ratio to lowrot's time at the same target."""
    frame = pd.DataFrame(rows)
    if "seconds" not in frame:
        print(frame.to_string(index=False))
        return
    ours = frame[frame.peer == "lowrot"].set_index("target").seconds
    frame["ratio"] = frame.seconds / frame.target.map(ours)
    frame = frame.sort_values(["target", "seconds"], kind="stable")
    last = [name for name in ("note",) if name in frame]
    frame = frame[[name for name in frame if name not in last] + last]
    digits = dict.fromkeys(("seconds", "least", "most", "setup", "ratio", "setting"), "{:.3g}")
    digits |= {"error": "{:.1e}", "target": "{:g}", "steps": "{:.0f}", "evaluations": "{:.0f}"}
    form = {name: _formatter(text) for name, text in digits.items() if name in frame}
    print(frame.to_string(index=False, formatters=form, na_rep=""))


def _formatter(text):
    return lambda value: "" if math.isnan(value) else text.format(value)


def growth(rows):
    """Print the fit of lowrot's steps by a + b ln(target), and what it leaves."""
    ours = [row for row in rows if row["peer"] == "lowrot" and "steps" in row]
    if len(ours) < 3:
        return
    logs, steps = np.log([row["target"] for row in ours]), np.array([row["steps"] for row in ours])
    b, a = np.polyfit(logs, steps, 1)
    left = np.abs(steps - a - b * logs).max() / steps.max()
    print(f"steps of lowrot: {a:.1f} + {b:.1f} ln(margin), to {left:.1%} of the most")


if __name__ == "__main__":
    chosen = options()
    search = Search(
        sorted(chosen.targets), chosen.tolerance, chosen.limit, chosen.threads, chosen.along
    )
    names = [n for n in PEERS if not chosen.words or any(word in n for word in chosen.words)]
    rows = [search.row(name, target, chosen.repeats) for name in names for target in search.targets]
    show(rows)
    growth(rows)
