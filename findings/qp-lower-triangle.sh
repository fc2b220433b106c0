#!/bin/bash
# Guess: of three solvers of quadratic programs, at least one refuses a matrix that is not symmetric, so
# a lower triangle handed over where an upper one is meant shows when two of them are compared.
# Seen with Clarabel 0.11.1, OSQP 1.1.3 and SCS 3.3.1: each takes the upper triangle and drops the rest
# without a word, so all three solve the program of the diagonal alone, agree to all digits, and miss
# the solution. A full matrix that is not symmetric passes too.
# Why it matters here: optima are checked by a second solver; agreement says nothing about what both drop.
# A certificate computed from the data (the gap between a primal and a dual value) does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install \
  clarabel==0.11.1 osqp==1.1.3 scs==3.3.1 scipy==1.17.1 numpy==2.4.6
"$work/venv/bin/python" -W ignore::PendingDeprecationWarning - << 'EOF'
import clarabel
import numpy as np
import osqp
import scs
from scipy import sparse

Q, q, b = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([-3.0, -3.0]), np.zeros(2)
A = sparse.csc_matrix(-np.eye(2))  # x >= 0


def by_clarabel(P):
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    return clarabel.DefaultSolver(P, q, A, b, [clarabel.NonnegativeConeT(2)], settings).solve().x


def by_osqp(P):
    solver = osqp.OSQP()
    solver.setup(P, q, A, np.full(2, -np.inf), b, verbose=False, eps_abs=1e-9, eps_rel=1e-9)
    return solver.solve().x


def by_scs(P):
    data = {"P": P, "A": A, "b": b, "c": q}
    return scs.SCS(data, {"l": 2}, verbose=False, eps_abs=1e-9, eps_rel=1e-9).solve()["x"]


skew = np.array([[2.0, 0.0], [2.0, 2.0]])  # the same quadratic form
given = {"full": Q, "upper": np.triu(Q), "lower": np.tril(Q), "not symmetric": skew}
for name, matrix in given.items():
    answers = [np.array(f(sparse.csc_matrix(matrix))) for f in (by_clarabel, by_osqp, by_scs)]
    print(f"{name:13}", *(a.round(4) + 0.0 for a in answers))
    expected = [1.0, 1.0] if name in ("full", "upper") else [1.5, 1.5]
    assert all(np.allclose(a, expected, atol=1e-5) for a in answers)


def value(x):
    return x @ Q @ x / 2 + q @ x


print("objective", value(np.ones(2)), "of (1, 1) and", value(np.full(2, 1.5)), "of (1.5, 1.5)")
assert value(np.ones(2)) < value(np.full(2, 1.5))
EOF
