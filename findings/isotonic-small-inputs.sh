#!/bin/bash
# Guess: isotonic regression sees the order of the inputs only, so their unit does not matter.
# Seen with scikit-learn 1.9.1: inputs closer than an absolute 1e-6 (float32) or 1e-15 (float64) are merged
# before the fit. Four float32 scores of 1e-7 to 4e-7, in perfect order, all predict 0.5; near
# 1e-6 the largest training input is merged into the one below it, lies outside the fitted range
# and predicts NaN. The same scores in float64 are fitted exactly; isotonic_regression, which is
# not shown the inputs, is right.
# Why it matters here: outputs of networks at small initialization, in float32, are scores of this size;
# every quantity that depends on order alone must be the same at each scale.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
"$work/venv/bin/python" - << 'EOF'
import numpy as np
from sklearn.isotonic import IsotonicRegression, isotonic_regression

y = np.array([0.0, 0.0, 1.0, 1.0])
right, flat, hole = [0, 0, 1, 1], [0.5] * 4, [0, 0, 1, np.nan]
expected = {
    (np.float32, 1.0): right,
    (np.float32, 1e-6): hole,
    (np.float32, 1e-7): flat,
    (np.float64, 1e-6): right,
    (np.float64, 1e-7): right,
    (np.float64, 1e-16): flat,
}
for (kind, unit), answer in expected.items():
    x = (unit * np.arange(1, 5)).astype(kind)
    assert len(np.unique(x)) == 4
    fitted = IsotonicRegression().fit(x, y).predict(x)
    print(f"{kind.__name__} {unit:6}: {fitted}")
    assert np.array_equal(fitted, answer, equal_nan=True)
assert np.array_equal(isotonic_regression(y), right)
EOF
