"""Confidence intervals: exact tails, shapes, and what they refuse."""

import math

import pytest

from lowrot.theorems import binomial_interval


def test_the_binomial_interval_is_exact():
    # No hit in n trials: the upper limit p has (1 - p)^n = tail; and symmetrically for n hits.
    low, high = binomial_interval([0, 7, 20], 20)
    mixed = binomial_interval([[7], [20]], [20, 40])
    assert mixed[0].shape == (2, 2)
    assert (mixed[0][0, 0], mixed[1][1, 0]) == (low[1], high[2])
    assert low[0] == 0.0
    assert high[2] == 1.0
    assert (1 - high[0]) ** 20 == pytest.approx(0.025)
    assert low[2] ** 20 == pytest.approx(0.025)
    tail = sum(math.comb(20, k) * low[1] ** k * (1 - low[1]) ** (20 - k) for k in range(7, 21))
    assert tail == pytest.approx(0.025)


def test_confidence_widens_the_interval():
    low, high = binomial_interval(7, 20, 0.99)
    assert low < binomial_interval(7, 20)[0]
    assert high > binomial_interval(7, 20)[1]
    tail = sum(math.comb(20, k) * high**k * (1 - high) ** (20 - k) for k in range(8))
    assert tail == pytest.approx(0.005)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="from 0 to trials = 3"):
        binomial_interval([1, 5], 3)
    with pytest.raises(ValueError, match=r"hits is 1\.5"):
        binomial_interval(1.5, 3)
    with pytest.raises(ValueError, match="trials is 0"):
        binomial_interval(0, 0)
    with pytest.raises(ValueError, match="confidence"):
        binomial_interval(1, 2, 1.5)
