"""Seconds, work and peak memory of the coupled flow to a certified relative gap of 1 percent.

Run as ``python benchmarks/coupled.py``: one table; each row in a process of its own; the median
of three runs, one run from a million neurons on. Arguments choose rows by words in their names.
"""

import statistics
import time

from _table import peak_gigabytes, table

from lowrot import balanced, coupled_flow, sparse_parity

CASES = {
    f"n = {2**d}, m = 10^{power}": (d, 10**power) for d in (4, 6) for power in (3, 4, 5, 6)
} | {"n = 256, m = 10^5": (8, 100_000)}


def measure(name):
    d, m = CASES[name]
    net, data, seconds = balanced(m, d, seed=1), sparse_parity(d), []
    for _ in range(3 if m < 1_000_000 else 1):
        start = time.perf_counter()
        path = coupled_flow(net, data, stop={"gap": 0.01})
        seconds.append(time.perf_counter() - start)
    return {
        "problem": name,
        "seconds": round(statistics.median(seconds), 2),
        "slowest": round(max(seconds), 2),
        "peak GB": peak_gigabytes(),
        "steps": int(path.stats["steps"]),
        "evaluations": int(path.stats["evaluations"]),
        "tau": f"{path['tau'][-1]:.4g}",
        "gap": f"{path['gap'][-1]:.1e}",
        "certified": path.ok,
    }


if __name__ == "__main__":
    table(CASES, measure)
