"""Bounds on the error of fresh samples from a margin on n samples, to hold beside measured errors.

Source: chapter "Near initialization: one-pass SGD", section "Bounds on the test error".
"""

from __future__ import annotations

import math

from lowrot import _validate


def margin_error(
    margin: float, n: float, delta: float = 0.05, slope: float = 0.0, fixed: bool = False
) -> float:
    """Bound on ``Pr[y f(x; W) <= 0]`` for all W != 0 with ``min_i p_i >= margin ||W||^2`` at once.

    ``(3 - slope)/(margin sqrt n) + sqrt((ln(1/delta) + 2 ln log2(4/margin))/(2n))``; for a margin
    fixed before the samples are seen, half the first term, and ln(1/delta) only in the second.

    Args:
        margin: normalized margin on the n samples, in (0, 1/2].
        n: number of independent samples.
        delta: the bound holds with probability 1 - delta over the samples.
        slope: of the activation for negative inputs.
        fixed: whether the margin was fixed in advance.

    Returns:
        The bound, at most 1; 1 says nothing.

    Raises:
        ValueError, TypeError: a number outside its range.
    """
    n = _validate.number("n", n, 1.0)
    return min(1.0, _scale(margin, delta, slope, fixed) / math.sqrt(n))


def margin_samples(
    margin: float,
    error: float,
    delta: float = 0.05,
    slope: float = 0.0,
    fixed: bool = False,
) -> float:
    """Number of samples from which `margin_error` is at most ``error``.

    Args:
        margin: normalized margin on the n samples, in (0, 1/2].
        error: in (0, 1].
        delta: the bound holds with probability 1 - delta over the samples.
        slope: of the activation for negative inputs.
        fixed: whether the margin was fixed in advance.

    Returns:
        The number, a real one.

    Raises:
        ValueError, TypeError: a number outside its range.
    """
    error = _validate.number("error", error, 1e-300, 1.0)
    return (_scale(margin, delta, slope, fixed) / error) ** 2


def leave_one_out(ratio: float, n: int) -> float:
    """Bound on the expected error of the hard-margin SVM on n samples, ``ratio/(n + 1)``.

    Args:
        ratio: expectation of ``B^2/gamma^2`` over n + 1 samples: B the largest feature norm,
            gamma the margin of the unit vector that separates them best.
        n: number of independent samples.

    Returns:
        The bound, at most 1; 1 says nothing.

    Raises:
        ValueError, TypeError: a number outside its range.
    """
    ratio = _validate.number("ratio", ratio, 0.0)
    return min(1.0, ratio / (_validate.integer("n", n, 0) + 1))


def _scale(margin: float, delta: float, slope: float, fixed: bool) -> float:
    """The bound times sqrt(n)."""
    margin = _validate.number("margin", margin, 1e-300, 0.5)
    delta = _validate.number("delta", delta, 1e-300, 1.0)
    capacity = (3.0 - _validate.number("slope", slope, 0.0, 1.0)) / margin
    if _validate.flag("fixed", fixed):
        return capacity / 2 + math.sqrt(math.log(1 / delta) / 2)
    union = math.log(1 / delta) + 2 * math.log(math.log2(4 / margin))
    return capacity + math.sqrt(union / 2)
