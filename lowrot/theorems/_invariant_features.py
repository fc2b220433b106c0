"""Lower bounds for predictors from features that ignore the target, on 2-sparse parity."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lowrot import _validate
from lowrot._validate import Array
from lowrot.theorems._theorem import Check, Hypothesis, Statement, verdict


@dataclass(frozen=True)
class Shape:
    """How the sizes ``|f|`` of a predictor are spread, as far as an error of at most eps sees it.

    Attributes:
        l: ``||f||_1 >= l ||f||_2``.
        tail: T with ``E |f| 1_A <= T ||f||_2`` for every event A of probability at most eps.
    """

    l: float
    tail: float

    @property
    def least_correlation(self) -> float:
        """``(l - 2 T)_+``: correlation with the target at least, where the error is at most eps."""
        return max(self.l - 2 * self.tail, 0.0)


@dataclass(frozen=True)
class FeatureLearning:
    """The scale-free test of feature learning.

    Attributes:
        mean: of the squared correlations with the target.
        limit: r/N, what features that ignore it attain at most in expectation.
        p_value: bound on the probability of such a mean, or a larger one, without feature
            learning: ``exp(-k KL(mean | limit))`` for k independent runs; 1 below the limit.
    """

    mean: float
    limit: float
    p_value: float


class InvariantFeatures(Statement):
    """Theorem L for predictors in a space F of dimension r; build it with `invariant_features`.

    Attributes:
        d: dimension of the cube.
        r: dimension of F, at most the number of features.
        N: ``d(d-1)/2``, the targets ``chi_S = d x_i x_j``.
        hypotheses: evaluated.
    """

    def __init__(self, d: int, r: int) -> None:
        self.d = _validate.integer("d", d, 2)
        self.r = _validate.integer("r", r, 1)
        self.N = self.d * (self.d - 1) // 2
        share = self.r / self.N
        self.hypotheses = [
            Hypothesis("fewer features than targets: $r/N$", share, "$< 1$", share < 1, 1.0)
        ]

    @property
    def correlation_squared(self) -> float:
        """``min(1, r/N)``: the mean over S of ``cor_S(f_S)^2`` is at most this."""
        return min(1.0, self.r / self.N)

    @property
    def square_loss(self) -> float:
        """``1 - r/N``: the mean over S of ``E (chi_S - f_S)^2`` is at least this."""
        return 1.0 - self.correlation_squared

    @property
    def sign_error(self) -> float:
        """(a) ``(1 - sqrt(r/N))/2``: the mean error is at least this if the signs of f are in F."""
        return (1.0 - math.sqrt(self.correlation_squared)) / 2

    @property
    def root_error(self) -> float:
        """(c) ``(1/sqrt r - sqrt(r/N))_+/2``: at most the mean of sqrt(error), for any F."""
        return max(1 / math.sqrt(self.r) - math.sqrt(self.r / self.N), 0.0) / 2

    def learnt(self, shape: Shape) -> float:
        """(a, b) The most targets S with an error of at most eps, ``r/(l - 2 T)^2``, at most N.

        Args:
            shape: of every f_S, at eps: `sign_shape`, `gaussian_shape`, `polynomial_shape` or
                `shape_of`.

        Returns:
            The number, a real one.

        Raises:
            TypeError: no `Shape`.
        """
        least = _validate.kind("shape", shape, Shape).least_correlation
        return float(self.N) if least == 0 else min(float(self.N), self.r / least**2)

    def rank_needed(self, shape: Shape) -> float:
        """(a, b) The least r with which the mean error may be at most eps, ``N (l - 2 T)^2``.

        Args:
            shape: as `learnt`, the same for all S, with T concave in eps.

        Returns:
            The number, a real one: for a kernel machine a number of samples.

        Raises:
            TypeError: no `Shape`.
        """
        return self.N * _validate.kind("shape", shape, Shape).least_correlation ** 2

    def check(self, correlations: Any) -> Check:
        """Compare the theorem with predictors for all targets, chosen in one space F.

        Args:
            correlations: ``cor_S(f_S)`` for every S, in the order of
                `itertools.combinations`, shape (N,).

        Returns:
            A `Check`; its frame has a row a target, with ``squared`` correlation.

        Raises:
            ValueError: another shape, or numbers outside [-1, 1].
            TypeError: no real numbers.
        """
        import pandas as pd

        found = _validate.numbers("correlations", correlations)
        if found.shape != (self.N,) or not (np.abs(found) <= 1 + 1e-9).all():
            raise ValueError(
                f"correlations is of shape {found.shape}; expected {self.N} in [-1, 1]"
            )
        pairs = list(itertools.combinations(range(self.d), 2))
        frame = pd.DataFrame(pairs, columns=["i", "j"]).assign(squared=found**2)
        return verdict(frame, {"sum of squares <= r": self.r - (found**2).sum()})

    def feature_learning(self, correlations: Any) -> FeatureLearning:
        """Test whether a method's features know the target, from independent runs on one target.

        For a method whose law is invariant under permutations of the coordinates, with r features
        at most, the expectation of ``cor_12^2`` is at most r/N; a mean clearly above refutes that.

        Args:
            correlations: ``cor_12`` of each run, shape (k,).

        Returns:
            The mean and the bound on its probability, by Chernoff and Hoeffding, which asks for
            nothing but independent numbers in [0, 1].

        Raises:
            ValueError: no numbers, or numbers outside [-1, 1].
            TypeError: no real numbers.
        """
        found = _validate.numbers("correlations", correlations)
        if found.ndim != 1 or not len(found) or not (np.abs(found) <= 1 + 1e-9).all():
            raise ValueError(
                f"correlations is {correlations!r}; expected one number of [-1, 1] a run"
            )
        mean, limit = min(float((found**2).mean()), 1.0), self.correlation_squared
        exponent = len(found) * _divergence(mean, limit) if mean > limit else 0.0
        return FeatureLearning(mean, limit, math.exp(-exponent))


def invariant_features(d: int, r: int) -> InvariantFeatures:
    """State Theorem L: predictors in a space F, fixed before the target is, learn few targets.

    F may depend on the inputs and on draws, not on labels: the span of n kernel functions at the
    samples (r <= n: SVM, ridge, frozen kernels, any loss and stopping time), random features.
    Penalties other than functions of the RKHS norm (l1, boosting) leave the span of the samples: r
    is then the number of features. Kernels learnt from labels and trained networks are not covered.

    Args:
        d: dimension of the cube, at least 2.
        r: dimension of F.

    Returns:
        The theorem.

    Raises:
        ValueError, TypeError: numbers that are no integers, or out of bounds.

    Source: chapter "Sample complexity".
    """
    return InvariantFeatures(d, r)


def sign_shape(error: float) -> Shape:
    """Return the shape of predictors of values +-1: l = 1, T = eps.

    Raises:
        ValueError, TypeError: an error outside [0, 1].
    """
    return Shape(1.0, _validate.number("error", error, 0.0, 1.0))


def gaussian_shape(error: float) -> Shape:
    """Return the shape of Gaussian outputs: ``l = sqrt(2/pi)``, T the mean over the largest.

    A statement about kernel machines only as far as their outputs were measured to be so.

    Raises:
        ValueError, TypeError: an error outside [0, 1].
    """
    from statistics import NormalDist

    error = _validate.number("error", error, 0.0, 1.0)
    peak = math.sqrt(2 / math.pi)
    if error in (0.0, 1.0):
        return Shape(peak, peak * error)
    normal = NormalDist()
    return Shape(peak, 2 * normal.pdf(normal.inv_cdf(1 - error / 2)))


def polynomial_shape(degree: int, error: float) -> Shape:
    """Return the shape of polynomials of a degree on the cube: ``l = e^-degree, T = sqrt(eps)``.

    By hypercontractivity; it says something only for ``eps < e^(-2 degree)/4``.

    Raises:
        ValueError, TypeError: a negative degree, or an error outside [0, 1].
    """
    degree = _validate.integer("degree", degree, 0)
    return Shape(math.exp(-degree), math.sqrt(_validate.number("error", error, 0.0, 1.0)))


def shape_of(outputs: Any, error: float) -> Shape:
    """Return the shape of outputs f(x) on equally likely points.

    Args:
        outputs: not all 0, shape (k,).
        error: eps; a part of a point counts in proportion.

    Raises:
        ValueError: outputs that are all 0, not finite or none, or an error outside [0, 1].
        TypeError: no real numbers.
    """
    error = _validate.number("error", error, 0.0, 1.0)
    sizes = np.abs(_validate.numbers("outputs", outputs))
    if sizes.ndim != 1 or not np.isfinite(sizes).all() or not sizes.any():
        raise ValueError("outputs are empty, all 0 or not finite; expected numbers, shape (k,)")
    sizes = sizes / sizes.max()
    norm = math.sqrt(float((sizes**2).mean()))
    return Shape(float(sizes.mean()) / norm, _largest_part(sizes, error) / norm)


def _largest_part(sizes: Array, error: float) -> float:
    """Return the mean over all points of the sizes of the largest, a part ``error`` of them."""
    ordered = np.sort(sizes)[::-1]
    counted = np.clip(error * len(ordered) - np.arange(len(ordered)), 0.0, 1.0)
    return float((ordered * counted).mean())


def _divergence(p: float, q: float) -> float:
    """Return ``KL(p | q)`` of two coins, q in (0, 1]."""
    if q >= 1.0:
        return 0.0 if p >= 1.0 else math.inf
    rest = 0.0 if p >= 1.0 else (1 - p) * math.log((1 - p) / (1 - q))
    return (p * math.log(p / q) if p > 0 else 0.0) + rest
