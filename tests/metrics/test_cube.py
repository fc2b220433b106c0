"""Errors and correlations on the cube: against the definitions, in parts, and by hand."""

import itertools

import numpy as np
import pytest
import torch

from lowrot import Dataset, balanced, metrics, sparse_parity
from lowrot.data._cube import cube_parts


@pytest.mark.parametrize("size", [1, 7, 2**15])
def test_the_parts_are_the_cube_of_the_data_set(size):
    for d in (1, 2, 6):
        parts = list(cube_parts(d, size))
        assert torch.equal(torch.cat(parts), sparse_parity(d, 1).X)
        assert max(map(len, parts)) <= size


def test_fewer_samples_are_the_first_of_more():
    for d in (1, 3, 16, 33):
        most = sparse_parity(d, 1, n=300, seed=5)
        for n in (1, 2, 15, 16, 17, 64, 299):
            assert torch.equal(sparse_parity(d, 1, n=n, seed=5).X, most.X[:n])
        assert not torch.equal(sparse_parity(16, n=9, seed=6).X, sparse_parity(16, n=9, seed=5).X)


def plain_error(f, X, pair):
    d = X.shape[1]
    wrong = [float(f(x[None])) * float(d * x[pair[0]] * x[pair[1]]) <= 0 for x in X]
    return sum(wrong) / len(wrong)


@pytest.mark.parametrize("pair", [(0, 1), (3, 1)])
def test_error_and_correlation_by_their_definitions(pair, monkeypatch):
    d, net = 5, balanced(6, 5, seed=1)
    X = sparse_parity(d).X
    whole = metrics.test_error(net, d, pair=pair)
    assert whole == plain_error(net, X, pair)
    assert 0 < whole < 1
    f = net(X)
    expected = [
        float((d * X[:, i] * X[:, j] * f).mean() / f.square().mean().sqrt())
        for i, j in itertools.combinations(range(d), 2)
    ]
    found = metrics.correlation(net, d, pair=None)
    np.testing.assert_allclose(found, expected, atol=1e-14)
    assert 0 < float((found**2).sum()) <= 1
    at = list(itertools.combinations(range(d), 2)).index(tuple(sorted(pair)))
    assert metrics.correlation(net, d, pair=pair) == pytest.approx(expected[at], abs=1e-14)
    data = sparse_parity(d)
    assert metrics.test_error(net, data) == metrics.test_error(net, d)
    # In parts of 3 the same: the largest output comes late.
    monkeypatch.setattr("lowrot.metrics._cube.cube_parts", lambda d: cube_parts(d, 3))
    assert metrics.test_error(net, d, pair=pair) == whole
    np.testing.assert_allclose(metrics.correlation(net, d, pair=None), expected, atol=1e-14)


def test_zero_is_an_error():
    d = 4
    assert metrics.test_error(lambda X: 0 * X[:, 0], d) == 1.0
    assert metrics.correlation(lambda X: 0 * X[:, 0], d) == 0.0
    # x_1 + x_2 is 0 on half of the cube, and right on a quarter.
    assert metrics.test_error(lambda X: X[:, 0] + X[:, 1], d) == 0.75
    assert metrics.test_error(lambda X: d * X[:, 0] * X[:, 1] - 1, d) == 0.5
    almost = lambda X: X[:, 0] * X[:, 1] * d + 1 + 1e-12 * X[:, 0] * X[:, 1]  # noqa: E731
    assert metrics.test_error(almost, d) == 0.0
    assert metrics.test_error(almost, d, zero=1e-10) == 0.5


def test_the_and_predictor_has_a_quarter_for_every_pair():
    d = 6
    for i, j in itertools.combinations(range(d), 2):
        both = lambda X: d**0.5 * (X[:, i] + X[:, j]) - 1  # noqa: B023, E731
        assert metrics.test_error(both, d, pair=(i, j)) == 0.25


@pytest.mark.parametrize("unit", [1e-250, 1.0, 1e250])
def test_correlations_have_no_unit(unit):
    target = lambda X: unit * (1 + X[:, 2]) * 4 * X[:, 0] * X[:, 1]  # noqa: E731
    expected = 1 / (1 + 1 / 4) ** 0.5
    assert metrics.correlation(target, 4) == pytest.approx(expected)
    assert metrics.test_error(target, 4) == 0.0


def test_a_large_cube_in_seconds():
    assert metrics.test_error(lambda X: X[:, 0] * X[:, 1], 17) == 0.0
    assert metrics.test_error(balanced(4, 17), 17) > 0.2


def test_arguments_that_do_not_fit_are_named():
    net = balanced(4, 3)
    with pytest.raises(ValueError, match="population is 21; expected an integer between 2 and 20"):
        metrics.test_error(net, 21)
    with pytest.raises(TypeError, match="population is a str"):
        metrics.test_error(net, "cube")
    with pytest.raises(TypeError, match="population is a bool"):
        metrics.correlation(net, True)
    with pytest.raises(ValueError, match=r"pair\[1\] is 3"):
        metrics.test_error(net, 3, pair=(0, 3))
    with pytest.raises(ValueError, match="two different coordinates"):
        metrics.test_error(net, 3, pair=(1, 1))
    with pytest.raises(TypeError, match="predictor is 7"):
        metrics.test_error(7, 3)
    with pytest.raises(ValueError, match=r"the value of predictor has shape \(8, 3\)"):
        metrics.test_error(lambda X: X, 3)
    with pytest.raises(ValueError, match="zero is -1"):
        metrics.test_error(net, 3, zero=-1)
    bad = Dataset([[0.5, 0.5]], [1])
    with pytest.raises(ValueError, match=r"pair\[1\] is 2"):
        metrics.correlation(lambda X: X[:, 0], bad, pair=(0, 2))
