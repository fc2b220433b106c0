"""Sample sizes at which an error is met, and how they grow: estimates with intervals over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lowrot import _validate
from lowrot._validate import Array


@dataclass(frozen=True, eq=False)
class SamplesNeeded:
    """The number of samples at which the mean error meets a level, with an interval.

    0 stands for a number below the smallest size measured, inf for one above the largest.

    Attributes:
        value: the number, between the sizes measured.
        low: lower end of the interval.
        high: upper end.
        fitted: the mean errors, made non-increasing in the size, shape (k,).
        resampled: the number of each bootstrap sample, shape (resamples,).
    """

    value: float
    low: float
    high: float
    fitted: Array
    resampled: Array


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """``value ~ prefactor x^exponent``, by least squares of the logarithms.

    Attributes:
        exponent: the slope.
        low: lower end of its interval.
        high: upper end.
        prefactor: e to the intercept.
        lost: part of the bootstrap samples in which some value lay outside the sizes measured;
            they are left out, so that the interval can be trusted only if they are few.
        resampled: the exponents of the others.
    """

    exponent: float
    low: float
    high: float
    prefactor: float
    lost: float
    resampled: Array


def samples_needed(
    sizes: Any,
    errors: Any,
    level: float = 0.05,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> SamplesNeeded:
    """Return the least number of samples at which the mean error is at most a level.

    The mean over seeds is made non-increasing by isotonic regression (pool adjacent violators),
    and interpolated linearly in ln n. The interval is that of the bootstrap percentiles over whole
    seeds: the errors of one seed at different sizes belong together (nested samples).

    Args:
        sizes: numbers of samples n, increasing, shape (k,).
        errors: one row a seed, shape (seeds, k), at least two.
        level: of the mean error.
        confidence: of the interval.
        resamples: bootstrap samples.
        seed: of the bootstrap.

    Returns:
        The number with its interval, 0 or inf where the level is met at every size or at none.

    Raises:
        ValueError: sizes that do not increase from above 0, errors of another shape or outside
            [0, 1], one seed only, or numbers out of bounds.
        TypeError: no real numbers.

    Source: chapter "Sample complexity"; isotonic regression by SciPy.
    """
    n, e = _checked(sizes, errors)
    level = _validate.number("level", level, 0.0, 1.0)
    confidence = _validate.number("confidence", confidence, 0.0, 1.0)
    resamples = _validate.integer("resamples", resamples, 1)
    rng = np.random.default_rng(_validate.integer("seed", seed, 0))
    fitted = _decreasing(e.mean(axis=0))
    found = np.empty(resamples)
    for b in range(resamples):
        drawn = e[rng.integers(len(e), size=len(e))].mean(axis=0)
        found[b] = _crossing(n, _decreasing(drawn), level)
    low, high = _interval(found, confidence)
    return SamplesNeeded(_crossing(n, fitted, level), low, high, fitted, found)


def power_law(
    x: Any, needed: Sequence[SamplesNeeded], *, confidence: float = 0.95, seed: int = 0
) -> PowerLaw:
    """Return the exponent with which numbers of samples grow, with an interval.

    Args:
        x: what they grow with, such as dimensions, shape (k,), positive, at least two different.
        needed: the numbers, one of each, from independent seeds.
        confidence: of the interval, from the bootstrap samples of the numbers.
        seed: by which bootstrap samples of different x are matched.

    Returns:
        The exponent with its interval.

    Raises:
        ValueError: lengths that differ, fewer than two x, a number outside the sizes measured, or
            no bootstrap sample with all of them inside.
        TypeError: anything else than `SamplesNeeded`, or no real numbers.

    Source: chapter "Sample complexity".
    """
    x = _validate.numbers("x", x)
    needed = [
        _validate.kind("needed", one, SamplesNeeded) for one in _validate.listed("needed", needed)
    ]
    if x.shape != (len(needed),) or not (np.isfinite(x) & (x > 0)).all() or len(set(x)) < 2:
        raise ValueError(
            f"x is {x}; expected {len(needed)} positive numbers, one of each number of samples, "
            "and at least two different ones"
        )
    confidence = _validate.number("confidence", confidence, 0.0, 1.0)
    rng = np.random.default_rng(_validate.integer("seed", seed, 0))
    values = np.array([one.value for one in needed])
    outside = ~(np.isfinite(values) & (values > 0))
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        raise ValueError(
            f"needed[{at}] is {values[at]:g} (at x = {x[at]:g}): the level is met outside the "
            "sizes measured; measure smaller or larger ones"
        )
    least = min(len(one.resampled) for one in needed)
    drawn = np.array([rng.permutation(one.resampled)[:least] for one in needed])
    inside = (np.isfinite(drawn) & (drawn > 0)).all(axis=0)
    if not inside.any():
        raise ValueError("needed has no bootstrap sample within the sizes measured at every x")
    slope, intercept = np.polyfit(np.log(x), np.log(values), 1)
    slopes = np.polyfit(np.log(x), np.log(drawn[:, inside]), 1)[0]
    low, high = _interval(slopes, confidence)
    return PowerLaw(float(slope), low, high, math.exp(intercept), float(1 - inside.mean()), slopes)


def _decreasing(means: Array) -> Array:
    """Return the nearest non-increasing sequence in the mean square, shape (k,)."""
    from scipy.optimize import isotonic_regression

    fitted: Array = isotonic_regression(means, increasing=False).x
    return fitted


def _crossing(n: Array, fitted: Array, level: float) -> float:
    """Return where a non-increasing curve meets a level, linearly in ln n between the sizes.

    0 where it is met at the first size already, inf where it is met at none.
    """
    met = np.flatnonzero(fitted <= level)
    if len(met) == 0:
        return math.inf
    k = int(met[0])
    if k == 0:
        return 0.0
    part = (fitted[k - 1] - level) / (fitted[k - 1] - fitted[k])
    return float(np.exp((1 - part) * np.log(n[k - 1]) + part * np.log(n[k])))


def _interval(values: Array, confidence: float) -> tuple[float, float]:
    """Return the percentiles, one of the values each, so that inf stays inf."""
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low = np.quantile(values, tails[0], method="inverted_cdf")
    high = np.quantile(values, tails[1], method="inverted_cdf")
    return float(low), float(high)


def _checked(sizes: Any, errors: Any) -> tuple[Array, Array]:
    n, e = _validate.numbers("sizes", sizes), _validate.numbers("errors", errors)
    if (
        n.ndim != 1
        or not len(n)
        or not (np.isfinite(n).all() and n[0] > 0 and (np.diff(n) > 0).all())
    ):
        raise ValueError(f"sizes is {sizes!r}; expected increasing numbers above 0, shape (k,)")
    if e.ndim != 2 or e.shape[1] != len(n) or len(e) < 2:
        raise ValueError(
            f"errors has shape {e.shape}; expected (seeds, {len(n)}), one row a seed, at least two"
        )
    if not ((e >= 0) & (e <= 1)).all():
        raise ValueError("errors has entries outside [0, 1]; expected parts of the test points")
    return n, e
