"""Generalization bounds: numbers by hand, their parts measured, what they refuse."""

import math

import numpy as np
import pytest
import torch

from lowrot import ntk_margin, sparse_parity, standard
from lowrot.theorems import leave_one_out, margin_error, margin_samples


def test_numbers():
    n = 10**6
    fixed = 3 / (2 * 0.25 * 1e3) + math.sqrt(math.log(20) / (2 * n))
    assert margin_error(0.25, n, fixed=True) == pytest.approx(fixed)
    union = math.log(100) + 2 * math.log(4)  # log2(4/0.25) = 4
    assert margin_error(0.25, n, 0.01) == pytest.approx(3 / 250 + math.sqrt(union / (2 * n)))
    assert margin_error(0.25, n, slope=1.0) < margin_error(0.25, n)
    assert margin_error(0.25, 10) == 1.0
    for fixed in (True, False):
        n = margin_samples(0.1, 0.05, fixed=fixed)
        assert margin_error(0.1, n, fixed=fixed) == pytest.approx(0.05)
    assert leave_one_out(30.0, 99) == pytest.approx(0.3)
    assert leave_one_out(30.0, 0) == 1.0


def test_the_union_over_dyadic_margins_covers_every_margin():
    # For margin in [2^-k, 2^(1-k)): delta_k = delta/(k(k+1)) and g_k = 2^-k; sum delta_k <= delta.
    for margin in (0.5, 0.49, 0.26, 0.25, 1e-3, 3e-7):
        k = math.ceil(-math.log2(margin))
        assert 2.0**-k <= margin < 2.0 ** (1 - k)
        used = margin_error(2.0**-k, 1e16, 0.05 / (k * (k + 1)), fixed=True)
        assert used <= margin_error(margin, 1e16, 0.05) * (1 + 1e-12)
    assert sum(1 / (k * (k + 1)) for k in range(1, 10**5)) < 1


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_the_rademacher_complexity_is_below_its_bound(slope):
    # sup over the class is half the sup over unit v of |mean eps_i s(v.x_i)|; in the plane, a scan.
    data, g = sparse_parity(2), np.random.default_rng(0)
    angle = np.linspace(0, 2 * math.pi, 721)
    z = np.stack([np.cos(angle), np.sin(angle)], 1) @ data.X.numpy().T
    features = np.maximum(z, slope * z)
    for n in (4, 40):
        points = g.integers(4, size=(400, n))
        eps = g.choice([-1.0, 1.0], size=(400, n))
        sums = np.abs(np.einsum("ti,ati->at", eps, features[:, points])).max(axis=0) / n
        assert 0.5 * sums.mean() <= (3 - slope) / (4 * math.sqrt(n))


def test_leave_one_out_errors_are_below_the_squared_ratio():
    # Hard-margin SVM on the outer tangent features, deterministic: errors <= B^2/gamma^2.
    net, data = standard(200, 8, seed=0), sparse_parity(8, n=20, seed=1)
    best = ntk_margin(net, data)
    squares = torch.relu(data.X @ net.V.T).square().sum(1) / net.m
    ratio = float(squares.max()) / best.value**2
    errors = 0
    for i in range(data.n):
        rest = [k for k in range(data.n) if k != i]
        part = type(data)(data.X[rest], data.y[rest])
        theta = ntk_margin(net, part).primal
        errors += float(net.tangent(data, theta)[i]) <= 0
    assert 1 <= errors <= ratio


def test_what_does_not_fit_is_named():
    for call, words in [
        (lambda: margin_error(0.6, 10), "margin is 0.6"),
        (lambda: margin_error(0.1, 0), "n is 0"),
        (lambda: margin_error(0.1, 10, 0.0), "delta is 0"),
        (lambda: margin_error(0.1, 10, slope=2.0), "slope is 2"),
        (lambda: margin_samples(0.1, 0.0), "error is 0"),
        (lambda: leave_one_out(-1.0, 10), "ratio is -1"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
