#!/bin/bash
# Guess: in a compiled function out[:k] = x[:k] is the loop that it stands for, or a call of memcpy.
# Seen with Numba 0.68.1: it may raise that shapes differ, and the message is put together from numbers
# at run time, so code for Unicode strings is compiled into the function: some 2500 lines of LLVM's
# language against some 380 for the loop, and the first such function of a process takes many times
# as long to compile (seconds, against a fraction of one), since all of the string code is typed.
# Filling with a number, out[:k] = 0.0, is small. With cache=True each function carries its own copy.
# Why it matters here: the first gradient flow of an installation waits until all of its functions are
# compiled; written as loops, their copies of a few numbers cost next to nothing there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install numba==0.68.1 llvmlite==0.50.0 numpy==2.4.6
cat > "$work/check.py" << 'EOF2'
import time

from numba import float64, int64, njit, void

SIGNATURE = void(float64[::1], float64[::1], int64)


def warm(out, x, k):
    for i in range(k):
        out[i] = 2.0 * x[i]


def loop(out, x, k):
    for i in range(k):
        out[i] = x[i]


def fill(out, x, k):
    out[:k] = 0.0


def copy(out, x, k):
    out[:k] = x[:k]


def compiled(function):
    start = time.process_time()
    done = njit(SIGNATURE)(function)
    seconds = time.process_time() - start
    (text,) = done.inspect_llvm().values()
    lines, strings = len(text.splitlines()), "unicode" in text
    print(f"{function.__name__}: {seconds:.2f} s, {lines} lines, strings in it: {strings}")
    return seconds, lines, strings


compiled(warm)
by_loop, by_fill, by_copy = compiled(loop), compiled(fill), compiled(copy)
assert by_copy[0] > 4 * by_loop[0], "compiling the copy is not dear any more"
assert by_copy[1] > 4 * by_loop[1] and by_fill[1] < 2 * by_loop[1]
assert (by_loop[2], by_fill[2], by_copy[2]) == (False, False, True)
EOF2
"$work/venv/bin/python" "$work/check.py"
echo "numba-slice-assignment: as described"
