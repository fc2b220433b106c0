"""The time t of a flow that advances in the clock tau, in logarithms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def ln_time_after(ln_t: float, rates: Sequence[float] | np.ndarray, h: float) -> float:
    """``ln t`` after a step h in tau, along which ``ln dt/dtau`` goes from rate to rate in lines.

    Args:
        ln_t: before the step.
        rates: values of ``ln dt/dtau`` at equal distances, two or more.
        h: length of the step.
    """
    values = np.asarray(rates, dtype=float)
    if np.isinf(values).any():
        return max(ln_t, float(values.max()))
    width = np.abs(np.diff(values))
    safe = np.maximum(width, 1e-8)
    mean = np.where(width < 1e-8, 1.0 - width / 2, -np.expm1(-safe) / safe)
    pieces = np.maximum(values[1:], values[:-1]) + np.log(h / len(mean) * mean)
    return float(np.logaddexp.reduce(np.append(pieces, ln_t)))
