"""Normalized and smoothed margins of a network."""

import math

import pytest

from lowrot.data import Dataset, two_points
from lowrot.losses import log_loss
from lowrot.metrics import normalized_margin, smoothed_margin
from lowrot.network import Network


def test_normalized_and_smoothed_margins():
    data = two_points(0.5)
    net = Network([2.0], [[2.0, 0.0]])
    assert normalized_margin(net, data) == pytest.approx(math.cos(0.5) / 2)
    p = 4 * math.cos(0.5)
    assert smoothed_margin(net, data) == pytest.approx((p - math.log(2)) / 8)
    assert smoothed_margin(Network([-1.0], [[1.0, 0.0]]), data) == 0.0
    zero = Network([0.0], [[0.0, 0.0]])
    for function in (normalized_margin, smoothed_margin):
        with pytest.raises(ValueError, match="net is zero"):
            function(zero, data)


def test_the_normalized_logistic_example_of_the_theory():
    # One aligned balanced neuron on one point: -ln L/||W||^2 falls while P/||W||^2 stays 1/2.
    data = Dataset([[1.0]], [1])
    for p, ratio in ((1.0, 0.580), (2.0, 0.516), (5.0, 0.5003)):
        net = Network([math.sqrt(p)], [[math.sqrt(p)]])
        assert smoothed_margin(net, data, loss="logistic") == pytest.approx(0.5, abs=1e-14)
        fall = -float(log_loss(net.margins(data), "logistic")) / net.norm_squared
        assert fall == pytest.approx(ratio, abs=5e-4)
