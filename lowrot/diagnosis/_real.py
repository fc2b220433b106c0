"""The theorems on regression and their neighbours, asked of data with real labels."""

from __future__ import annotations

import numpy as np
import torch

from lowrot.diagnosis._case import Case, Judged, by_theorem, judged, off_topic
from lowrot.optima import MOST_POINTS
from lowrot.theorems import (
    Hypothesis,
    regression_certificate,
    regression_outer,
    single_neuron,
)


def outer(case: Case) -> Judged:
    """The potential that never falls."""
    X, y = case.real.X, case.real.y
    theorem = regression_outer(case.standard, X, y)

    def cost(m: int) -> float:
        return float(case.n) ** 2 * m

    # The wider the start, the less is lost where its numbers are carried on.
    most = max(case.affordable(cost), _TALL * case.n)
    widest = theorem if most <= case.m else regression_outer(case.standard_at(most), X, y)
    needed = case.width(
        lambda m: regression_outer(case.standard_at(m), X, y),
        cost,
        predicted=None if widest.holds else widest.at_width,
        carried=_CARRIED,
    )
    return by_theorem(theorem, case.named("standard"), needed)


_TALL = 4
"""Times as many neurons as points that a start has whose least eigenvalue is carried on."""
_CARRIED = (
    "the theorem's own hypotheses, from the safe side: eigenvalues carried on from a start, "
    "residuals that 95 in 100 starts stay below"
)


def certificate(case: Case) -> Judged:
    """The certificate of convergence from the start."""
    X, y = case.real.X, case.real.y
    needed = case.width(
        lambda m: regression_certificate(case.standard_at(m), X, y),
        lambda m: float(case.n) ** 2 * m * 4 + m * float(case.d) ** 3 * 20,
    )
    found = regression_certificate(case.standard, X, y)
    return by_theorem(found, case.named("standard"), needed)


def spline(case: Case) -> Judged:
    """Inputs on a line."""
    if case.d != 1:
        return off_topic(f"it speaks of inputs on a line; these have {case.d} coordinates")
    points = len(torch.unique(case.real.X))
    return judged(
        [
            Hypothesis("points", case.n, r"$\ge 2$", case.n >= 2, 2),
            Hypothesis("distinct points", points, f"$= n = {case.n}$", points == case.n, case.n),
        ],
        "random knots",
    )


def one_neuron(case: Case) -> Judged:
    """As many inputs as dimensions."""
    n, d = case.n, case.d
    if n != d or n > MOST_POINTS:
        return off_topic(
            f"it speaks of as many independent inputs as dimensions, up to {MOST_POINTS}; these "
            f"are {n} in {d} dimensions"
        )
    X, y = case.real.X, case.real.y
    if int(torch.linalg.matrix_rank(X)) < d or not bool((y > 0).all()):
        return off_topic("it speaks of independent inputs with labels > 0, those of one neuron")
    return by_theorem(single_neuron(X, torch.linalg.solve(X, y)), "one neuron")


def risk(case: Case) -> Judged:
    """Gaussian inputs."""
    return off_topic("it speaks of inputs drawn from N(0, I) and a target that is known")


def fresh_floor(case: Case) -> float:
    """The least eigenvalue of the outer kernel of infinite width."""
    from lowrot.kernels import ntk

    K = ntk(case.real.X, block="outer", slope=case.slope).cpu().numpy()
    return max(0.0, float(np.linalg.eigvalsh(K)[0]))
