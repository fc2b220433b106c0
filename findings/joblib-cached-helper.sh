#!/bin/bash
# Guess: joblib's processes can run a function of the script that calls them with whatever that script
# defines beside it: functions, lambdas and classes are sent by value. So a slow helper may be given
# functools.cache.
# Seen with joblib 1.6.0 on Python 3.11: with the decorator every task is lost. A cache is written in C
# and pickled by its name in __main__, and the worker's own __main__ is a module of loky. What is raised
# is BrokenProcessPool, the error of a worker that died; the name that was not found stands only in its
# cause. Put into a module that the script imports, the same helper works; with threads it works, too.
# Why it matters here: a script of stored sweeps whose helper was given a cache lost all of its tasks, each
# recorded as killed or out of memory, while the same function called from a module had worked.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install joblib==1.6.0
cat > "$work/helpers.py" << 'EOF2'
from functools import cache


@cache
def imported(x):
    return x * x
EOF2
cat > "$work/check.py" << 'EOF2'
from dataclasses import dataclass
from functools import cache
from random import Random

import helpers
from joblib import Parallel, delayed


def plain(x):
    return x * x


@cache
def cached(x):
    return x * x


short = lambda x: x * x  # noqa: E731


@dataclass
class Square:
    x: int

    def __call__(self):
        return self.x * self.x


def by_plain(x):
    return plain(x)


def by_short(x):
    return short(x)


def by_class(x):
    return Square(x)()


def by_module(x):
    return helpers.imported(x)


def by_cache(x):
    return cached(x)


def told(function, backend="loky"):
    numbers = [Random(k).randrange(100) for k in range(6)]
    try:
        found = Parallel(n_jobs=2, backend=backend)(delayed(function)(x) for x in numbers)
    except Exception as error:
        cause = str(error.__cause__).strip(' \n"').splitlines()[-1]
        print(f"{function.__name__}, {backend}: {type(error).__name__}; cause: {cause[:48]}")
        return type(error).__name__, "'cached'" in cause
    print(f"{function.__name__}, {backend}: right {found == [x * x for x in numbers]}")
    return found == [x * x for x in numbers]


if __name__ == "__main__":
    for function in (by_plain, by_short, by_class, by_module):
        assert told(function) is True
    assert told(by_cache, "threading") is True
    assert told(by_cache) == ("BrokenProcessPool", True)
EOF2
cd "$work"
"$work/venv/bin/python" check.py
echo "joblib-cached-helper: as described"
