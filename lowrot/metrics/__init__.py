"""Margins of a network, rotation and feature change, KKT residual, and neural collapse."""

from lowrot.metrics._collapse import CollapseMetrics, collapse_metrics
from lowrot.metrics._kkt import KKTResidual, kkt_residual
from lowrot.metrics._margins import normalized_margin, smoothed_margin
from lowrot.metrics._rotation import FeatureChange, feature_change, rotation

__all__ = [
    "CollapseMetrics",
    "FeatureChange",
    "KKTResidual",
    "collapse_metrics",
    "feature_change",
    "kkt_residual",
    "normalized_margin",
    "rotation",
    "smoothed_margin",
]
