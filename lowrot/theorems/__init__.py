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
from lowrot.theorems._invariant_features import (
    FeatureLearning,
    InvariantFeatures,
    Shape,
    gaussian_shape,
    invariant_features,
    polynomial_shape,
    shape_of,
    sign_shape,
)
from lowrot.theorems._locking import Locking, locking
from lowrot.theorems._near_init_flow import NearInitFlow, near_init_flow
from lowrot.theorems._near_init_sgd import NearInitSGD, near_init_sgd
from lowrot.theorems._neural_collapse import NeuralCollapse, neural_collapse
from lowrot.theorems._no_rotation import NoRotation, no_rotation
from lowrot.theorems._outer_risk import OuterRisk, outer_risk
from lowrot.theorems._recovery import ExactRecovery, recovery, recovery_samples
from lowrot.theorems._regression_certificate import (
    RegressionCertificate,
    regression_certificate,
)
from lowrot.theorems._regression_outer import RegressionOuter, regression_outer
from lowrot.theorems._simplicity_bias import SimplicityBias, simplicity_bias
from lowrot.theorems._single_neuron import SingleNeuron, single_neuron
from lowrot.theorems._small_starts import SmallStart
from lowrot.theorems._statistics import binomial_interval
from lowrot.theorems._symmetric import Symmetric, symmetric
from lowrot.theorems._theorem import Check, Hypothesis, Statement, Theorem

__all__ = [
    "Check",
    "Escape",
    "EscapeMargins",
    "ExactRecovery",
    "FeatureLearning",
    "Hypothesis",
    "InvariantFeatures",
    "Locking",
    "NearInitFlow",
    "NearInitSGD",
    "NeuralCollapse",
    "NoRotation",
    "OuterRisk",
    "RegressionCertificate",
    "RegressionOuter",
    "Shape",
    "SimplicityBias",
    "SingleNeuron",
    "SmallStart",
    "Statement",
    "Symmetric",
    "Theorem",
    "binomial_interval",
    "cap_fraction",
    "cap_fractions",
    "covering_error",
    "covering_failure",
    "escape",
    "escape_margins",
    "escape_probabilities",
    "gaussian_shape",
    "good_neurons",
    "invariant_features",
    "leave_one_out",
    "locking",
    "margin_error",
    "margin_samples",
    "near_init_flow",
    "near_init_sgd",
    "neural_collapse",
    "no_rotation",
    "outer_risk",
    "patterns",
    "plane_arcs",
    "plane_fractions",
    "polynomial_shape",
    "recovery",
    "recovery_samples",
    "regression_certificate",
    "regression_outer",
    "sampled_fractions",
    "shape_of",
    "sign_shape",
    "simplicity_bias",
    "single_neuron",
    "start_pattern",
    "symmetric",
    "uncovered",
    "width_needed",
]
