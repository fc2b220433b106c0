"""One object per theorem: hypotheses evaluated, bounds as functions of tau, conclusion checked."""

from lowrot.theorems._generalization import leave_one_out, margin_error, margin_samples
from lowrot.theorems._near_init_flow import NearInitFlow, near_init_flow
from lowrot.theorems._near_init_sgd import NearInitSGD, near_init_sgd
from lowrot.theorems._no_rotation import (
    NoRotation,
    cap_fraction,
    covering_error,
    covering_failure,
    no_rotation,
)
from lowrot.theorems._statement import Check, Hypothesis

__all__ = [
    "Check",
    "Hypothesis",
    "NearInitFlow",
    "NearInitSGD",
    "NoRotation",
    "cap_fraction",
    "covering_error",
    "covering_failure",
    "leave_one_out",
    "margin_error",
    "margin_samples",
    "near_init_flow",
    "near_init_sgd",
    "no_rotation",
]
