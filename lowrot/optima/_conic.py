"""What the cone programs share: settings of Clarabel, and points of the simplex."""

from __future__ import annotations

import clarabel
import numpy as np

from lowrot._validate import Array

_TOLERANCE = 1e-12
"""Of Clarabel's gaps and residuals: below what it reaches, so that it runs until it cannot gain."""


def project(q: Array) -> Array:
    """Return q, shape (n,), without its rounding errors: non-negative, of sum 1."""
    q = np.nan_to_num(q).clip(min=0.0)
    return q / q.sum() if q.sum() > 0 else np.full(len(q), 1.0 / len(q))


def tight_settings() -> clarabel.DefaultSettings:
    """Return settings that let Clarabel run to the end of its precision."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TOLERANCE
    return settings
