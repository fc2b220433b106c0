#!/bin/bash
# Guess: the tolerance of a support vector machine in float64 decides how exact its margin is.
# Seen with scikit-learn 1.9.1, SVC(kernel="linear", C=1e10): at the default tolerance the margin of 20
# points misses by 1e-4 or more, and from 1e-10 on it stops near 1e-7, for good. The same points times ten
# (whole numbers) reach 1e-14: libsvm keeps its kernel matrix in single precision, and only there are
# the products of the points exact in 24 bits. So an SVC tested on whole numbers looks exact.
# Why it matters here: a hard margin is the limit that a flow's normalized margin is compared with, to
# more than seven digits; SVC is no reference for it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install \
  scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 mpmath==1.3.0
"$work/venv/bin/python" - << 'EOF'
import mpmath
import numpy as np
from sklearn.svm import SVC

mpmath.mp.dps = 40


def exact(X, y, support):
    """The margin from the support points alone, in 40 digits, multipliers seen positive."""
    k = len(support)
    K, right = mpmath.zeros(k + 1), mpmath.ones(k + 1, 1)
    right[k] = 0
    for i, p in enumerate(support):
        K[i, k] = K[k, i] = y[p]
        for j, q in enumerate(support):
            K[i, j] = y[p] * y[q] * mpmath.fdot(X[p].tolist(), X[q].tolist())
    multipliers = list(mpmath.lu_solve(K, right))[:k]
    assert min(multipliers) > 0
    return 1 / mpmath.sqrt(mpmath.fsum(multipliers))


def errors(X, y):
    found = []
    for tol in (1e-14, 1e-10, 1e-6, 1e-3):
        model = SVC(kernel="linear", C=1e10, tol=tol).fit(X, y)
        w, b = model.coef_[0], model.intercept_[0]
        if not found:
            true = exact(X, y, model.support_)
        found.append(abs(float(min(y * (X @ w + b)) / np.linalg.norm(w) / true - 1)))
    return found[::-1]


for seed in range(3):
    rng = np.random.default_rng(seed)
    X = rng.integers(-20, 21, size=(20, 5)).astype(float)
    y = np.where(X[:, 0] + X[:, 1] / 2 >= 0, 1.0, -1.0)
    X[:, 0] += 5 * y
    whole, tenths = errors(X, y), errors(X / 10, y)
    print("tolerances 1e-3, 1e-6, 1e-10, 1e-14")
    print("  whole numbers:", *(f"{e:.0e}" for e in whole))
    print("  tenths:       ", *(f"{e:.0e}" for e in tenths))
    assert 5e-5 < whole[0] < 1e-3 and 5e-5 < tenths[0] < 1e-3
    assert whole[3] < 1e-13 and 1e-8 < tenths[2] < 5e-7 and 1e-8 < tenths[3] < 5e-7
EOF
