"""One object per theorem: hypotheses evaluated, bounds as functions of tau, conclusion checked."""

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
    "NoRotation",
    "cap_fraction",
    "covering_error",
    "covering_failure",
    "no_rotation",
]
