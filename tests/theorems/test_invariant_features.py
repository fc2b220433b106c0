"""Theorem L: random and chosen feature spaces, equality, each bound of the error, the test."""

import itertools
import math

import numpy as np
import pytest

from lowrot import metrics, sparse_parity
from lowrot.kernels import interpolant, parity_kernel
from lowrot.theorems import (
    gaussian_shape,
    invariant_features,
    polynomial_shape,
    shape_of,
    sign_shape,
)


def cube_and_targets(d):
    X = sparse_parity(d).X.numpy()
    pairs = list(itertools.combinations(range(d), 2))
    return X, np.stack([d * X[:, i] * X[:, j] for i, j in pairs], axis=1)


def best_in(F, targets):
    """The predictor of F most correlated with each target, chosen knowing it: projections."""
    basis, _ = np.linalg.qr(F)
    return basis @ (basis.T @ targets)


def correlations(f, targets):
    norms = np.sqrt((f**2).mean(axis=0))
    return (f * targets).mean(axis=0) / np.where(norms > 1e-12, norms, np.inf)


@pytest.mark.parametrize("seed", range(4))
def test_no_space_of_r_features_beats_r(seed):
    d, r = 6, 5
    X, targets = cube_and_targets(d)
    rng = np.random.default_rng(seed)
    kinds = [
        rng.standard_normal((len(X), r)),
        np.maximum(X @ rng.standard_normal((d, r)), 0),
        # As unfair as can be: mixtures of the targets themselves.
        targets @ rng.standard_normal((targets.shape[1], r)),
        targets[:, :r] + 0.3 * rng.standard_normal((len(X), r)),
    ]
    theorem = invariant_features(d, r)
    for F in kinds:
        f = best_in(F, targets)
        check = theorem.check(correlations(f, targets))
        assert check.holds
        assert ((targets - f) ** 2).mean() >= theorem.square_loss - 1e-9
        assert (check.frame.squared.mean()) <= theorem.correlation_squared + 1e-12
    # Mixtures of targets attain it; one feature more breaks it.
    f = best_in(targets @ rng.standard_normal((targets.shape[1], r + 1)), targets)
    assert not theorem.check(correlations(f, targets)).holds
    assert invariant_features(d, r + 1).check(correlations(f, targets)).slack[
        "sum of squares <= r"
    ] == pytest.approx(0, abs=1e-9)


def test_the_parity_kernel_attains_equality():
    d, n = 6, 8
    data = sparse_parity(d, n=n, seed=1)
    found = []
    for i, j in itertools.combinations(range(d), 2):
        labels = (data.X[:, i] * data.X[:, j]).sign()
        f = interpolant(parity_kernel, type(data)(data.X, labels))
        found.append(metrics.correlation(f, d, pair=(i, j)))
    theorem = invariant_features(d, f.rank)
    assert sum(c**2 for c in found) == pytest.approx(f.rank, abs=1e-8)
    assert theorem.check(found).holds


def test_signs_in_the_space():
    """(a) Nearest neighbours: +-1 on the cells of n samples, the majority of each target there."""
    d, r = 6, 7
    X, targets = cube_and_targets(d)
    rng = np.random.default_rng(0)
    for _ in range(5):
        cells = rng.integers(0, r, len(X))
        F = np.eye(r)[cells]
        f = F @ np.where(F.T @ targets >= 0, 1.0, -1.0)
        errors = (f * targets <= 0).mean(axis=0)
        theorem = invariant_features(d, r)
        assert errors.mean() >= theorem.sign_error
        for eps in (0.1, 0.3, 0.45):
            assert (errors <= eps).sum() <= theorem.learnt(sign_shape(eps)) + 1e-9
    assert invariant_features(16, 10).rank_needed(sign_shape(0.05)) == pytest.approx(0.81 * 120)


@pytest.mark.parametrize("seed", range(3))
def test_any_space_by_the_shape_of_its_outputs(seed):
    """(b) The count of targets learnt, from the worst shape of all outputs; (c) for any F."""
    d, r = 6, 9
    X, targets = cube_and_targets(d)
    rng = np.random.default_rng(seed)
    F = targets @ rng.standard_normal((targets.shape[1], r))
    f = best_in(F, targets)
    errors = (f * targets <= 0).mean(axis=0)
    theorem = invariant_features(d, r)
    for eps in (0.02, 0.1, 0.2):
        shapes = [shape_of(column, eps) for column in f.T]
        worst = min(shapes, key=lambda shape: shape.least_correlation)
        assert (errors <= eps).sum() <= theorem.learnt(worst) + 1e-9
        learnt = errors <= eps
        own = np.array([shape.least_correlation for shape in shapes])
        assert (correlations(f, targets)[learnt] >= own[learnt] - 1e-9).all()
    for r in (1, 2):
        f = best_in(rng.standard_normal((len(X), r)), targets)
        roots = np.sqrt((f * targets <= 0).mean(axis=0)).mean()
        assert roots >= invariant_features(d, r).root_error


def test_the_and_predictor_limits_the_argument():
    """(d) d + 1 features, error 1/4 for every target: no bound of order d^2 at 25 %."""
    d = 6
    X, targets = cube_and_targets(d)
    f = np.stack(
        [math.sqrt(d) * (X[:, i] + X[:, j]) - 1 for i, j in itertools.combinations(range(d), 2)],
        axis=1,
    )
    assert ((f * targets <= 0).mean(axis=0) == 0.25).all()
    theorem = invariant_features(d, d + 1)
    assert theorem.check(correlations(f, targets)).holds
    assert theorem.learnt(shape_of(f[:, 0], 0.25)) == theorem.N


def test_numbers_of_the_shapes():
    gauss = gaussian_shape(0.05)
    assert gauss.l == pytest.approx(0.798, abs=5e-4)
    assert gauss.tail == pytest.approx(0.117, abs=5e-4)
    needed = invariant_features(48, 10).rank_needed(gauss)
    assert needed / (48 * 47) == pytest.approx(0.159, abs=5e-4)
    sample = np.random.default_rng(0).standard_normal(400_000)
    drawn = shape_of(sample, 0.05)
    assert drawn.l == pytest.approx(gauss.l, abs=3e-3)
    assert drawn.tail == pytest.approx(gauss.tail, abs=3e-3)
    assert gaussian_shape(1.0) == gaussian_shape(1.0 - 1e-16)
    assert gaussian_shape(0.0).tail == 0
    # Degree 2 says something below .46 %.
    assert polynomial_shape(2, 0.0045).least_correlation > 0
    assert polynomial_shape(2, 0.0047).least_correlation == 0
    by_hand = shape_of([3.0, -1.0, 0.0, 0.0], 0.375)  # half of the second largest
    assert by_hand.l == pytest.approx(1 / math.sqrt(2.5))
    assert by_hand.tail == pytest.approx((3 + 0.5) / 4 / math.sqrt(2.5))
    assert shape_of([1.0, -1.0], 0.3) == sign_shape(0.3)
    # Polynomials have the shape that hypercontractivity promises.
    for f in cube_and_targets(5)[1].T:
        assert shape_of(f + 0.5, 0.0).l >= polynomial_shape(2, 0.0).l


def test_feature_learning_is_told_from_chance():
    d, n, rng = 16, 24, np.random.default_rng(0)
    theorem = invariant_features(d, n)
    # The best invariant method: K_2, whose mean squared correlation is its rank over N.
    found = []
    for seed in range(12):
        data = sparse_parity(d, n=n, seed=seed)
        weights = interpolant(parity_kernel, data).weights.numpy()
        # cor^2 = |projection of chi_12|^2 = y' c for the kernel of unit norm 1/sqrt(N) features.
        found.append(math.sqrt(weights @ data.y.numpy() / theorem.N))
    honest = theorem.feature_learning(found)
    assert honest.mean == pytest.approx(n / theorem.N, rel=0.35)
    assert honest.p_value > 0.05
    learner = theorem.feature_learning(rng.uniform(0.8, 0.95, 12))
    assert learner.p_value < 1e-3
    # The bound is above the exact tail of coins.
    coins = invariant_features(4, 3)  # r/N = 1/2
    three = coins.feature_learning([1.0, 1.0, 1.0])
    assert three.p_value == pytest.approx(1 / 8)
    assert coins.feature_learning([1.0, 1.0, 0.0]).p_value >= 4 / 8
    assert coins.feature_learning([0.1, 0.2]).p_value == 1.0


def test_more_features_than_targets_say_nothing():
    full = invariant_features(4, 6)
    assert not full.holds
    assert (full.sign_error, full.square_loss, full.root_error) == (0.0, 0.0, 0.0)
    assert invariant_features(4, 5).holds
    assert full.hypothesis_frame().value.tolist() == [1.0]
    assert full.feature_learning([1.0]).p_value == 1.0


def test_arguments_that_do_not_fit_are_named():
    theorem = invariant_features(4, 2)
    with pytest.raises(ValueError, match="d is 1"):
        invariant_features(1, 2)
    with pytest.raises(ValueError, match="r is 0"):
        invariant_features(4, 0)
    with pytest.raises(ValueError, match=r"shape \(3,\); expected 6"):
        theorem.check([0.1] * 3)
    with pytest.raises(ValueError, match="correlations is"):
        theorem.feature_learning([1.5])
    with pytest.raises(TypeError, match="shape is a float"):
        theorem.learnt(0.3)
    with pytest.raises(ValueError, match="outputs are"):
        shape_of([0.0, 0.0], 0.1)
    with pytest.raises(ValueError, match="error is 2"):
        gaussian_shape(2)
