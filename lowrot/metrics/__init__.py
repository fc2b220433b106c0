"""Margins, rotation and feature change, KKT residual, neural collapse, errors on the hypercube."""

from lowrot.metrics._collapse import CollapseMetrics, collapse_metrics
from lowrot.metrics._cube import correlation, test_error
from lowrot.metrics._kkt import KKTResidual, kkt_residual
from lowrot.metrics._margins import normalized_margin, smoothed_margin
from lowrot.metrics._rotation import FeatureChange, feature_change, rotation

__all__ = [
    "CollapseMetrics",
    "FeatureChange",
    "KKTResidual",
    "collapse_metrics",
    "correlation",
    "feature_change",
    "kkt_residual",
    "normalized_margin",
    "rotation",
    "smoothed_margin",
    "test_error",
]
