"""Gradient flow, certified, over kinks and far into training."""

from lowrot.flow._dynamics import SCALES
from lowrot.flow._flow import gradient_flow, regression_flow

__all__ = ["SCALES", "gradient_flow", "regression_flow"]
