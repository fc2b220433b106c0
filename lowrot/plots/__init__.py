"""The figures of the book: each function draws one and returns its axes."""

from lowrot.plots._coupled import bounds, masses, proof_lines, relevant_mass, widths
from lowrot.plots._margins import margin_sets, margins_against_d
from lowrot.plots._optima import (
    best_regions,
    decision_regions,
    dual_curve,
    network_certificates,
    optimal_directions,
    tangent_predictor,
)
from lowrot.plots._regimes import Regime, regimes, three_regimes
from lowrot.plots._scrubber import Panel, Scrubber, scrubber
from lowrot.plots._style import grid, use_style

__all__ = [
    "Panel",
    "Regime",
    "Scrubber",
    "best_regions",
    "bounds",
    "decision_regions",
    "dual_curve",
    "grid",
    "margin_sets",
    "margins_against_d",
    "masses",
    "network_certificates",
    "optimal_directions",
    "proof_lines",
    "regimes",
    "relevant_mass",
    "scrubber",
    "tangent_predictor",
    "three_regimes",
    "use_style",
    "widths",
]
