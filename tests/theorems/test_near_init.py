"""What near-initialization theorems measure at the start."""

import math

import pytest
import torch

from lowrot import Dataset, Network, NotSeparable, near_init_sgd, sparse_parity, standard
from lowrot.theorems._near_init import Start, distinct, largest_features, networks

XOR = sparse_parity(2)


def test_repeated_points_count_once():
    net = quiet(50)
    many = Dataset(XOR.X.repeat(5, 1), XOR.y.repeat(5))
    once, five = (near_init_sgd(net, data, samples=10) for data in (XOR, many))
    assert five.data.n == 4
    assert five.start.g == pytest.approx(once.start.g, rel=1e-9)
    assert (pytest.approx(once.B), pytest.approx(once.start.N)) == (five.B, five.start.N)
