#!/bin/bash
# Guess: the generator of tasks that is given to joblib.Parallel runs in the thread that called it, like
# a for loop, so it may read a database connection or a thread-local setting of the caller.
# Seen with joblib 1.6.0, two workers: only the first tasks (two a worker) are made in the calling thread;
# all others in a thread of the pool that waits for results. A sqlite3 connection of the caller raises
# ProgrammingError from within the generator, and a thread-local value is not there; numpy.errstate, a
# context variable, is back at its default. With one worker everything is in the calling thread, so a
# test with n_jobs=1, or with at most four tasks, sees nothing of it.
# Why it matters here: a sweep looks into its store whether a task is still wanted when its turn comes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install joblib==1.6.0 numpy==2.4.6
cat > "$work/check.py" << 'EOF2'
import sqlite3
import threading

import numpy as np
from joblib import Parallel, delayed


def tasks(count, seen):
    for number in range(count):
        seen.append((threading.current_thread() is threading.main_thread(), np.geterr()["over"]))
        yield delayed(abs)(number)


def made(count, **how):
    seen = []
    with np.errstate(over="raise"):
        Parallel(batch_size=1, **how)(tasks(count, seen))
    own = sum(main for main, _ in seen)
    kept = sum(over == "raise" for _, over in seen)
    print(f"{count} tasks, {how}: {own} made in the calling thread, {kept} under its errstate")
    return own, kept


def stored():
    base = sqlite3.connect(":memory:")
    base.execute("create table t (x)")

    def unfinished():
        for number in range(40):
            if not base.execute("select 1 from t where x = ?", (number,)).fetchone():
                yield delayed(abs)(number)

    try:
        Parallel(n_jobs=2, batch_size=1)(unfinished())
    except sqlite3.ProgrammingError as error:
        print("sqlite3:", str(error)[:70])
        return "same thread" in str(error)
    return False


if __name__ == "__main__":
    assert made(40, n_jobs=1) == (40, 40)
    assert made(4, n_jobs=2) == (4, 4)
    assert made(40, n_jobs=2) == (4, 4)
    assert made(40, n_jobs=2, backend="threading") == (4, 4)
    assert stored()
EOF2
"$work/venv/bin/python" "$work/check.py"
echo "joblib-generator-threads: as described"
