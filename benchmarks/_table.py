"""Each case in a process of its own, then one table."""

import multiprocessing
import resource
import sys

import pandas as pd


def peak_gigabytes():
    """Peak memory of this process, the imports included."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2)


def table(cases, measure):
    """Measure the cases whose names hold every word of the command line, and print the table."""
    rows = []
    chosen = [name for name in cases if all(word in name for word in sys.argv[1:])]
    for name in chosen:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rows.append(pool.apply(measure, (name,)))
        print(f"{len(rows)}/{len(chosen)} {name}", file=sys.stderr)
    print(pd.DataFrame(rows).to_string(index=False))
