"""Confidence intervals of measured probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from lowrot import _validate

_MOST = 2.0**53
"""Whole numbers up to this are exact as doubles."""


def binomial_interval(
    hits: Any, trials: Any, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the exact confidence interval of a probability, from hits in trials.

    Args:
        hits: numbers of hits, of any shape, each in [0, trials].
        trials: numbers of independent trials, of a shape that broadcasts with that of hits.
        confidence: of each interval by itself, in [0, 1].

    Returns:
        The lower and the upper limits, of the common shape.

    Raises:
        ValueError: numbers that are not whole, hits outside [0, trials], no trial, or shapes that
            do not broadcast.
        TypeError: no real numbers.

    Source: C. Clopper and E. Pearson, The use of confidence or fiducial limits illustrated in the
    case of the binomial, Biometrika 26, 1934; by SciPy.
    """
    from scipy.stats import binomtest

    confidence = _validate.number("confidence", confidence, 0.0, 1.0)
    k, n = _validate.numbers("hits", hits), _validate.numbers("trials", trials)
    try:
        k, n = np.broadcast_arrays(k, n)
    except ValueError as error:
        raise ValueError(f"hits has shape {k.shape} and trials {n.shape}: {error}") from None
    if not ((n >= 1) & (n == np.round(n)) & (n <= _MOST)).all():
        raise ValueError(f"trials is {trials}; expected whole numbers from 1 to {_MOST:g}")
    if not ((k >= 0) & (k <= n) & (k == np.round(k))).all():
        raise ValueError(f"hits is {hits}; expected whole numbers from 0 to trials = {trials}")
    limits = [
        binomtest(int(count), int(of)).proportion_ci(confidence, "exact")
        for count, of in zip(k.flat, n.flat)
    ]
    low, high = np.moveaxis(np.reshape(limits, (*k.shape, 2)), -1, 0)
    return low[()], high[()]
