#!/bin/bash
# Guess: min |w|^2/2 with y_i <w, x_i> >= 1 is the same problem in every unit of the data, so a solver
# that solves it with data near 1 solves it with data near 1e-5, or says it lost its digits.
# Seen with Clarabel 0.11.1: at 1e-5 the status is PrimalInfeasible, after four iterations, for data
# that w = (1, 2)e5 separates. Two things meet: the scaling that would undo the unit stops at 1e-4
# (opening equilibrate_min_scaling and _max_scaling mends 1e-5, not 1e-6), and the certificate's
# residual is compared with the size of the multipliers (tol_infeas_rel=1e-12 mends both; tol_infeas_abs
# does nothing). What it returns as proof is a convex combination of the rows of length 7e-6, not zero.
# Why it matters here: whether data separate, and by how much, may not depend on the unit; least_norm
# divides by the longest column before Clarabel sees it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install clarabel==0.11.1 scipy==1.17.1 numpy==2.4.6
"$work/venv/bin/python" - << 'EOF'
import clarabel
import numpy as np
from scipy import sparse

Z = np.array([[1.0, 0.5], [0.3, 0.9], [0.2, 0.4]])  # rows y_i x_i; w = (1, 2)


def solve(unit, **settings):
    """Status, w in the unit of Z and the combination of the rows that the multipliers give."""
    chosen = clarabel.DefaultSettings()
    chosen.verbose = False
    for name, value in settings.items():
        setattr(chosen, name, value)
    A, cones = sparse.csc_matrix(-unit * Z), [clarabel.NonnegativeConeT(3)]
    eye = sparse.csc_matrix(np.eye(2))
    run = clarabel.DefaultSolver(eye, np.zeros(2), A, -np.ones(3), cones, chosen).solve()
    z = np.array(run.z)
    return str(run.status), np.array(run.x) * unit, z @ (unit * Z) / z.sum()


open_scaling = {"equilibrate_min_scaling": 1e-10, "equilibrate_max_scaling": 1e10}
tried = {"defaults": {}, "scaling": open_scaling}
tried |= {"rel": {"tol_infeas_rel": 1e-12}, "abs": {"tol_infeas_abs": 1e-12}}
seen = {name: [solve(u, **s) for u in (1.0, 1e-4, 1e-5, 1e-6)] for name, s in tried.items()}
status = {name: [run[0] for run in runs] for name, runs in seen.items()}
for name in tried:
    print(f"{name:9}", *status[name])
proof = np.linalg.norm(seen["defaults"][2][2])
print("the proof's combination has length", proof)
yes, no = "Solved", "PrimalInfeasible"
assert status["defaults"] == status["abs"] == [yes, yes, no, no]
assert status["scaling"] == [yes, yes, yes, no] and status["rel"] == [yes] * 4
assert 5e-6 < proof < 1e-5
assert all(np.allclose(run[1], [1, 2], atol=1e-5) for run in seen["rel"])
EOF
