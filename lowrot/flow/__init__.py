"""Gradient flow, certified, over kinks and far into training."""

from lowrot.flow._flow import gradient_flow, regression_flow
from lowrot.flow._radau import SCALES

__all__ = ["SCALES", "gradient_flow", "regression_flow"]
