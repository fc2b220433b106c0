#!/bin/bash
# Guess: a linear program with coefficients of 1e-9 is solved, or the solver says that it cannot.
# Seen with SciPy 1.17.1 (linprog, HiGHS inside): matrix entries of at most 1e-9 are taken as zero without
# a word. An l1 margin of 0.4e-9 comes back as 0, status 0; a feasible program is called infeasible; a
# row is missed by 1000 while the result's own slack, which is of the cut matrix, says 0. The rows are
# cut, the right-hand side is not. options={"small_matrix_value": 1e-12}, an option linprog warns it does
# not know, is passed on and mends all three.
# Why it matters here: frozen margins are linear programs in the data, and the data may be in any unit;
# they are brought to one unit before they are solved, and tests ask that the answer scales.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install scipy==1.17.1 numpy==2.4.6
"$work/venv/bin/python" -W ignore - << 'EOF'
import numpy as np
from scipy.optimize import linprog

Z = np.array([[1.0, 0.5], [0.3, 0.9], [0.2, 0.4]])  # rows y_i x_i; the l1 margin is 0.4
FINE = {"small_matrix_value": 1e-12}


def margin(unit, **options):
    """max t: t <= (unit Z)(p - q), p, q >= 0, sum(p + q) <= 1, in the unit given."""
    A = np.vstack([np.hstack([-unit * Z, unit * Z, np.ones((3, 1))]), [1, 1, 1, 1, 0]])
    free = [(0, None)] * 4 + [(None, None)]
    run = linprog([0, 0, 0, 0, -1], A_ub=A, b_ub=[0, 0, 0, 1], bounds=free, options=options)
    return run.status, round(-run.fun / unit, 9) + 0.0


units = (1.0, 1e-8, 1e-9)
plain, mended = [margin(u) for u in units], [margin(u, **FINE) for u in units]
print("status and margin at units", units, ":", plain, "mended:", mended)
assert plain == [(0, 0.4), (0, 0.4), (0, 0.0)] and mended == [(0, 0.4)] * 3

# min x, 1e-9 x >= 1: the answer is 1e9
least = [linprog([1], A_ub=[[-1e-9]], b_ub=[-1], options=o) for o in ({}, FINE)]
print("min x:", [(run.status, run.x) for run in least])
assert least[0].status == 2 and least[1].status == 0 and abs(least[1].x[0] - 1e9) < 10

# max x + y, 1e-9 x + y <= 1, x <= 1e12
run, fine = (
    linprog([-1, -1], A_ub=[[1e-9, 1]], b_ub=[1], bounds=[(0, 1e12), (0, None)], options=o)
    for o in ({}, FINE)
)
row = [1e-9 * r.x[0] + r.x[1] for r in (run, fine)]
print("row <= 1 is", row, "slack said to be", run.slack, "status", run.status)
assert run.status == 0 and run.slack[0] == 0 and abs(row[0] - 1001) < 1e-6
assert fine.status == 0 and abs(row[1] - 1) < 1e-6
EOF
