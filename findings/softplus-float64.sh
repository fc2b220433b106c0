#!/bin/bash
# Guess: torch.nn.functional.softplus of a float64 tensor is ln(1 + e^x) to rounding, as logsigmoid is.
# Seen with torch 2.13.0 (CPU): above its default threshold of 20 it returns x itself, in float64 too:
# softplus(20.5) misses ln(1 + e^x) by 1.25e-9, five million times the rounding of the result, while
# -logsigmoid(-x) agrees to a rounding error; threshold=40 mends it. There is a jump of 2e-9 at 20.
# Why it matters here: dual weights of the logistic loss are sigmoids of margins far beyond 20; through
# softplus a flow to margins of thousands moved in its tenth digit.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install torch==2.13.0 numpy==2.4.6 mpmath==1.3.0
"$work/venv/bin/python" - << 'EOF'
import mpmath
import torch
from torch.nn.functional import logsigmoid, softplus

mpmath.mp.dps = 40
x = torch.tensor([19.5, 20.5, 25.0], dtype=torch.float64)
exact = [mpmath.log1p(mpmath.e ** mpmath.mpf(v)) for v in x.tolist()]


def error(values):
    return [float(abs(mpmath.mpf(v) - e)) for v, e in zip(values.tolist(), exact)]


plain, sigmoid = error(softplus(x)), error(-logsigmoid(-x))
mended = error(softplus(x, threshold=40.0))
print("x              ", x.tolist())
print("softplus       ", plain)
print("-logsigmoid(-x)", sigmoid)
print("threshold=40   ", mended)
assert softplus(x)[1] == 20.5
assert plain[0] < 1e-14 and 1.2e-9 < plain[1] < 1.3e-9 and 1e-11 < plain[2] < 2e-11
assert max(sigmoid) < 1e-14 and max(mended) < 1e-14
EOF
