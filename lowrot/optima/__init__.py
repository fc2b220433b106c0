"""Exact optima of the margins: each with a primal point, a dual point and the gap between them."""

from lowrot.optima._frozen import frozen_margin
from lowrot.optima._global import CELL_LIMIT, global_margin
from lowrot.optima._least_interpolant import (
    MOST_POINTS,
    LeastInterpolant,
    largest_of_dual,
    least_interpolant,
)
from lowrot.optima._linear import svm_margin
from lowrot.optima._optimum import GAP, LARGE, LARGE_GAP, ZERO, NotSeparable, Optimum
from lowrot.optima._recovery import Recovery, parity_recovery
from lowrot.optima._tangent import ntk_margin

__all__ = [
    "CELL_LIMIT",
    "GAP",
    "LARGE",
    "LARGE_GAP",
    "MOST_POINTS",
    "ZERO",
    "LeastInterpolant",
    "NotSeparable",
    "Optimum",
    "Recovery",
    "frozen_margin",
    "global_margin",
    "largest_of_dual",
    "least_interpolant",
    "ntk_margin",
    "parity_recovery",
    "svm_margin",
]
