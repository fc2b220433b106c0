"""Who takes part, and with what settings."""

import math
from functools import partial

from _flow.descent import autograd_descent, closed_descent, fixed_runge_kutta
from _flow.jax_solvers import diffrax_solver
from _flow.lowrot_call import lowrot_flow
from _flow.solvers import scipy_solver, torchdiffeq_dopri5

TOLERANCES = [float(f"{c}e-{k}") for k in range(1, 9) for c in (3, 1)]
STEPS = [2.0 ** (-k / 2) for k in range(41)]
PEERS = {
    "lowrot": (lowrot_flow, TOLERANCES[1:]),
    "GD, fixed step": (autograd_descent, STEPS),
    "GD, adaptive step": (partial(autograd_descent, adaptive=True), [math.inf, *STEPS]),
    "GD, adaptive, closed form": (closed_descent, [math.inf, *STEPS]),
    "torchdiffeq dopri5": (torchdiffeq_dopri5, TOLERANCES),
    "diffrax Tsit5": (partial(diffrax_solver, method="Tsit5"), TOLERANCES),
    "diffrax Kvaerno5": (partial(diffrax_solver, method="Kvaerno5"), TOLERANCES),
    "SciPy LSODA": (partial(scipy_solver, method="LSODA"), TOLERANCES),
    "SciPy BDF": (partial(scipy_solver, method="BDF"), TOLERANCES),
    "SciPy Radau": (partial(scipy_solver, method="Radau"), TOLERANCES),
    "SciPy BDF, structured": (partial(scipy_solver, method="BDF", structured=True), TOLERANCES),
    "SciPy Radau, structured": (partial(scipy_solver, method="Radau", structured=True), TOLERANCES),
}
"""Name: the peer, and its settings from the loosest on."""
REFERENCE = (fixed_runge_kutta, {1e4: (8.0, 4.0), 1e6: (30.0, 15.0)})
"""By the margin to which a pair of steps serves: the finer is believed where the two agree."""
