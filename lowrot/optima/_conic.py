"""What the cone programs share: settings of Clarabel, and points of the simplex."""

from __future__ import annotations

import clarabel
import numpy as np

Array = np.ndarray


def project(q: Array) -> Array:
    """Return q without its rounding errors: non-negative, of sum 1."""
    q = np.nan_to_num(q).clip(min=0.0)
    return q / q.sum() if q.sum() > 0 else np.full(len(q), 1.0 / len(q))


def tight_settings() -> clarabel.DefaultSettings:
    """Return settings that let Clarabel run to the end of its precision."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    return settings
