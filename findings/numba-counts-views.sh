#!/bin/bash
# Guess: an array that a compiled function hands to another one, or a row of it, is a pointer; counting
# who uses it is left out where both are compiled together.
# Seen with Numba 0.68.1: each row x[i] of a loop, and each field of a tuple of arrays, is counted up and
# down by atomic instructions, also where the function makes no array and returns none; only some are
# removed. Compiled with _nrt=False, an option without documentation that makes making arrays an error,
# the same functions have none of them: a loop over pairs of rows then takes some .6 of the time.
# Why it matters here: neurons are followed by small functions of rows of matrices, thousands of times
# in a step; the counting took a fifth of their time, and as much of the time to compile them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install numba==0.68.1 llvmlite==0.50.0 numpy==2.4.6
cat > "$work/check.py" << 'EOF2'
import re
import time

import numpy as np
from numba import njit


def build(**options):
    @njit(**options)
    def dot(x, y):
        total = 0.0
        for c in range(len(x)):
            total += x[c] * y[c]
        return total

    @njit(**options)
    def pair(task, i, j, room):
        x, out = task
        row = room[0]
        for c in range(len(row)):
            row[c] = x[i, c] - x[j, c]
        out[i, j] = dot(row, x[i]) if dot(row, row) > 1.0 else dot(room[1], x[j])

    @njit(**options)
    def pairs(task, room):
        for i in range(len(task[0])):
            for j in range(len(task[0])):
                pair(task, i, j, room)

    return pairs


x, room = np.random.default_rng(0).standard_normal((400, 4)), np.zeros((2, 4))
found = {}
for name, options in {"default": {}, "_nrt=False": {"_nrt": False}}.items():
    function, out = build(**options), np.empty((400, 400))
    function((x, out), room)
    seconds = []
    for _ in range(20):
        start = time.process_time()
        function((x, out), room)
        seconds.append(time.process_time() - start)
    (text,) = function.inspect_llvm().values()
    counts = [len(re.findall(f"call void @NRT_{way}", text)) for way in ("incref", "decref")]
    print(f"{name}: {counts} places that count, {1e3 * min(seconds):.2f} ms")
    found[name] = counts, out
assert np.array_equal(found["default"][1], found["_nrt=False"][1])
assert min(found["default"][0]) > 0, "nobody counts any more"
assert max(found["_nrt=False"][0]) == 0
EOF2
"$work/venv/bin/python" "$work/check.py"
echo "numba-counts-views: as described"
