#!/bin/bash
# Guess: with processes, a task gets a copy of its arguments, so changing an array or drawing from a
# generator in one task is not seen by another.
# Seen with joblib 1.6.0 (loky, two workers): a batch is pickled as one, and equal arguments within it stay
# one object. With batch_size=2 the second task of each pair sees the first one's array, and draws the
# second number of the first one's generator; with batch_size=1 none does; with n_jobs=1 each sees all
# before it. The default batch_size="auto" grows the batches by how fast the tasks are, so results then
# depend on the speed of the machine.
# Why it matters here: a sweep starts many runs from one set of initial weights; a run that updates them
# in place must copy them inside the task, and seed inside the task.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install joblib==1.6.0 numpy==2.4.6
cat > "$work/check.py" << 'EOF'
import numpy as np
from joblib import Parallel, delayed


def step(weights):
    weights += 1.0
    return int(weights[0])


def draw(generator):
    return round(float(generator.random()), 3)


def both(**how):
    weights, generator = np.zeros(3), np.random.default_rng(0)
    steps = Parallel(**how)(delayed(step)(weights) for _ in range(4))
    draws = Parallel(**how)(delayed(draw)(generator) for _ in range(4))
    print(how, steps, draws)
    return steps, draws


if __name__ == "__main__":
    first, second, third, fourth = (round(v, 3) for v in np.random.default_rng(0).random(4))
    assert both(n_jobs=1) == ([1, 2, 3, 4], [first, second, third, fourth])
    assert both(n_jobs=2, batch_size=1) == ([1, 1, 1, 1], [first] * 4)
    assert both(n_jobs=2, batch_size=2) == ([1, 2, 1, 2], [first, second] * 2)
EOF
"$work/venv/bin/python" "$work/check.py"
