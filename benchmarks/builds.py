"""Two builds of lowrot on the same flows, in turns: processor time, work and errors.

Run as ``python benchmarks/builds.py [--before f3941dc] [words of the cases]`` in a clone: the other
build is a worktree of that commit below ``build/benchmarks``. Each build has one process with one
thread; both are asked for every case once before it counts (what is compiled is loaded then), and
in turns afterwards. The error is that of the normalized margin at the end (regression: of
``||W||^2``; where the clock ends a run, of P), relative to a run at a tight tolerance.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pandas as pd
from _cases import CASES
from _isolated import FOLDER, VARIABLES

ROOT = Path(__file__).parent.parent
TIGHT = 1e-5
"""Tolerance of the runs that errors are relative to."""


def worktree(commit):
    """The folder of another build, made where there is none yet."""
    folder = FOLDER / f"build-{commit}"
    if not folder.exists():
        command = ["git", "worktree", "add", "--detach", str(folder), commit]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return folder


class Build:
    """A process that follows flows with the package of a folder."""

    def __init__(self, folder):
        one = dict.fromkeys((*VARIABLES, "NUMBA_NUM_THREADS"), "1")
        script = [sys.executable, "-P", str(Path(__file__).parent / "_cases.py")]
        environment = os.environ | one | {"PYTHONPATH": str(folder)}
        self.process = subprocess.Popen(
            script, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, name, rtol):
        """One run of a case."""
        self.process.stdin.write(json.dumps([name, rtol]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{name} at rtol {rtol:g}: the process ended")
        return json.loads(answer)


def row(name, before, now, rounds, rtol):
    """A row of the table."""
    runs = [(before.ask(name, rtol), now.ask(name, rtol)) for _ in range(rounds + 1)][1:]
    truth = now.ask(name, TIGHT)["value"]
    first, last = runs[-1]
    medians = [statistics.median(run["seconds"] for run in side) for side in zip(*runs)]
    ratios = [one["seconds"] / other["seconds"] for one, other in runs]
    return {
        "case": name,
        "before s": medians[0],
        "now s": medians[1],
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
        "work before": work(first),
        "work now": work(last),
        "error before": abs(first["value"] / truth - 1.0),
        "error now": abs(last["value"] / truth - 1.0),
        "certified": "both" if first["certified"] and last["certified"] else "not both",
    }


def work(run):
    """Accepted and rejected steps, iterations and kernels, in short."""
    return f"{run['steps']}+{run['rejected']}/{run['iterations']}/{run['kernels']}"


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("words", nargs="*", help="cases whose names hold all of these")
    parser.add_argument("--before", default="f3941dc", help="commit of the other build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rtol", type=float, default=1e-3)
    return parser.parse_args()


if __name__ == "__main__":
    chosen = options()
    before, now = Build(worktree(chosen.before)), Build(ROOT)
    rows = []
    for name in CASES:
        if all(word in name for word in chosen.words):
            rows.append(row(name, before, now, chosen.rounds, chosen.rtol))
            print(f"{name}: {rows[-1]['ratio']:.2f}", file=sys.stderr)
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3g"))
