"""The figures of the book: each function draws one and returns its axes."""

from lowrot.plots._coupled import bounds, masses, proof_lines, relevant_mass, widths
from lowrot.plots._flow import power_laws, sliding_neurons, smoothed_margins, steps_taken
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
from lowrot.plots._style import grid, use_style

__all__ = [
    "Regime",
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
    "power_laws",
    "proof_lines",
    "regimes",
    "relevant_mass",
    "sliding_neurons",
    "smoothed_margins",
    "steps_taken",
    "tangent_predictor",
    "three_regimes",
    "use_style",
    "widths",
]
