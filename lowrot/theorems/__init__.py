"""One object per theorem: hypotheses evaluated, bounds as functions of tau, conclusion checked."""

from lowrot.theorems._caps import cap_fraction, covering_error, covering_failure
from lowrot.theorems._escape import Escape, escape
from lowrot.theorems._escape_patterns import (
    EscapeMargins,
    escape_margins,
    escape_probabilities,
    patterns,
    start_pattern,
)
from lowrot.theorems._generalization import leave_one_out, margin_error, margin_samples
from lowrot.theorems._good_neurons import (
    cap_fractions,
    good_neurons,
    plane_arcs,
    plane_fractions,
    sampled_fractions,
    uncovered,
    width_needed,
)
from lowrot.theorems._near_init_flow import NearInitFlow, near_init_flow
from lowrot.theorems._near_init_sgd import NearInitSGD, near_init_sgd
from lowrot.theorems._neural_collapse import NeuralCollapse, neural_collapse
from lowrot.theorems._no_rotation import NoRotation, no_rotation
from lowrot.theorems._statistics import binomial_interval
from lowrot.theorems._theorem import Check, Hypothesis, Theorem

__all__ = [
    "Check",
    "Escape",
    "EscapeMargins",
    "Hypothesis",
    "NearInitFlow",
    "NearInitSGD",
    "NeuralCollapse",
    "NoRotation",
    "Theorem",
    "binomial_interval",
    "cap_fraction",
    "cap_fractions",
    "covering_error",
    "covering_failure",
    "escape",
    "escape_margins",
    "escape_probabilities",
    "good_neurons",
    "leave_one_out",
    "margin_error",
    "margin_samples",
    "near_init_flow",
    "near_init_sgd",
    "neural_collapse",
    "no_rotation",
    "patterns",
    "plane_arcs",
    "plane_fractions",
    "sampled_fractions",
    "start_pattern",
    "uncovered",
    "width_needed",
]
