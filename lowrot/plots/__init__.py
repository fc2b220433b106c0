"""The figures of the book: each function draws one and returns its axes."""

from lowrot.plots._collapse import (
    collapse_bounds,
    collapse_lines,
    errors_by_groups,
    good_directions,
    mean_rotation,
    missing_groups,
    products,
    rotation_and_share,
)
from lowrot.plots._coupled import bounds, masses, proof_lines, relevant_mass, widths
from lowrot.plots._escape import (
    escape_proof,
    escape_trajectories,
    margins_by_angle,
    outcome_shares,
)
from lowrot.plots._flow import convergence, sliding_neurons, smoothed_margins, steps_taken
from lowrot.plots._margins import margin_sets, margins_against_d
from lowrot.plots._near_init import (
    bounds_on_error,
    error_curves,
    held_fractions,
    power_laws,
    proof_sides,
    sgd_at_a_glance,
    used_fractions,
)
from lowrot.plots._near_init_flow import (
    against_width,
    flow_at_a_glance,
    margin_gained,
    margins_in_time,
    rates,
)
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
    "against_width",
    "best_regions",
    "bounds",
    "bounds_on_error",
    "collapse_bounds",
    "collapse_lines",
    "convergence",
    "decision_regions",
    "dual_curve",
    "error_curves",
    "errors_by_groups",
    "escape_proof",
    "escape_trajectories",
    "flow_at_a_glance",
    "good_directions",
    "grid",
    "held_fractions",
    "margin_gained",
    "margin_sets",
    "margins_against_d",
    "margins_by_angle",
    "margins_in_time",
    "masses",
    "mean_rotation",
    "missing_groups",
    "network_certificates",
    "optimal_directions",
    "outcome_shares",
    "power_laws",
    "products",
    "proof_lines",
    "proof_sides",
    "rates",
    "regimes",
    "relevant_mass",
    "rotation_and_share",
    "scrubber",
    "sgd_at_a_glance",
    "sliding_neurons",
    "smoothed_margins",
    "steps_taken",
    "tangent_predictor",
    "three_regimes",
    "use_style",
    "used_fractions",
    "widths",
]
