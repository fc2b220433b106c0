"""Gradient flow, certified, over kinks and far into training."""

from lowrot.flow._flow import gradient_flow, regression_flow

__all__ = ["gradient_flow", "regression_flow"]
