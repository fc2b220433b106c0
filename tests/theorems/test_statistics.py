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
