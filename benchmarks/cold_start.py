"""What an installation pays first: its imports, and the compilation of its inner loop.

Run as ``python benchmarks/cold_start.py [--before f3941dc]`` in a clone: processor time of this
build and of another one, a worktree of that commit, in turns. Imports are those of lowrot beyond
torch, the median of several processes; a first flow starts from an empty cache, once.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

import pandas as pd
from _isolated import VARIABLES
from builds import ROOT, worktree

PRINT = "import time; start = time.process_time(); {}; print(time.process_time() - start)"
IMPORT = PRINT.format("import lowrot")
FLOW = "import lowrot; " + PRINT.format(
    "lowrot.gradient_flow(lowrot.standard(16, 3), lowrot.sparse_parity(3), stop={'P': 5.0})"
)
ROUNDS = 5


def seconds(folder, code, cache):
    """Processor time that code prints in a process of its own, after torch is imported."""
    one = dict.fromkeys((*VARIABLES, "NUMBA_NUM_THREADS"), "1")
    environment = os.environ | one | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-P", "-c", "import torch; " + code]
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(found.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--before", default="f3941dc", help="commit of the other build")
    builds = {"before": worktree(parser.parse_args().before), "now": ROOT}
    imports, flows = {name: [] for name in builds}, {}
    for _ in range(ROUNDS):
        for name, folder in builds.items():
            with tempfile.TemporaryDirectory() as cache:
                imports[name].append(seconds(folder, IMPORT, cache))
    for name, folder in builds.items():
        with tempfile.TemporaryDirectory() as cache:
            flows[name] = seconds(folder, FLOW, cache)
    spent = {name: (statistics.median(imports[name]), flows[name]) for name in builds}
    frame = pd.DataFrame(spent, index=["import beyond torch, s", "first flow, s"])
    frame["ratio"] = frame["before"] / frame["now"]
    print(frame.to_string(float_format="%.3g"))


if __name__ == "__main__":
    main()
