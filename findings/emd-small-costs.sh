#!/bin/bash
# Guess: the optimal plan of a transport problem does not depend on the unit of the costs, and multipliers
# that come with "optimal" are as good as the plan.
# Seen with POT 0.9.7.post1 (ot.emd2, network simplex, float64): squared distances between points of
# size 1e-8 give a cost 78 % too high, result code 1 (optimal), no warning; an absolute tolerance near
# 1e-15 decides what is an improvement. The multipliers go first: at size 1e-6 the plan is optimal
# to rounding and the dual value misses by 3e-4, at 1e-7 by 5 %. Dividing the costs by their largest
# entry mends both.
# Why it matters here: distances between networks near a small initialization are that small, and a dual
# value is what certifies an optimum.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install POT==0.9.7.post1 scipy==1.17.1 numpy==2.4.6
"$work/venv/bin/python" -W error::UserWarning - << 'EOF'
import numpy as np
import ot

rng = np.random.default_rng(1)
x, y = rng.normal(size=8), 1 + rng.normal(size=8)
weights = np.full(8, 1 / 8)


def relative(unit, scaled):
    """Cost and dual value over the exact cost, which sorting gives on a line; and the report."""
    exact = np.mean((np.sort(x) - np.sort(y)) ** 2) * unit**2
    costs = (unit * x[:, None] - unit * y) ** 2
    top = costs.max() if scaled else 1.0
    cost, log = ot.emd2(weights, weights, costs / top, log=True)
    dual = weights @ log["u"] + weights @ log["v"]
    return cost * top / exact, dual * top / exact, log["result_code"], log["warning"]


for unit in (1.0, 1e-6, 1e-7, 1e-8):
    cost, dual, code, warning = relative(unit, scaled=False)
    mended = relative(unit, scaled=True)[:2]
    print(f"{unit:7} cost {cost:.6f} dual {dual:.6f} code {code} {warning} mended {mended}")
    assert code == 1 and warning is None and np.allclose(mended, 1, rtol=1e-12)
    assert abs(cost - (1.78 if unit == 1e-8 else 1)) < (1e-2 if unit == 1e-8 else 1e-12)
    missed = {1.0: (0, 1e-12), 1e-6: (1e-4, 1e-3), 1e-7: (0.01, 0.1), 1e-8: (0.9, 1.1)}[unit]
    assert missed[0] <= abs(1 - dual) <= missed[1]
EOF
