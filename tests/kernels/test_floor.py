"""The bound on the least eigenvalue of the outer kernel: below it, of the size of the table."""

import math

import numpy as np
import pytest
import torch

from lowrot import gaussian_regression, ntk
from lowrot.kernels import outer_floor
from lowrot.kernels._floor import _even

# Medians of five draws of other prototypes: least eigenvalue of K_a, and the bound.
TABLE = {
    (50, 5): (0.003455, 0.0001171),
    (50, 10): (0.05203, 0.004916),
    (50, 20): (0.5772, 0.04906),
    (100, 5): (0.0008449, 4.3e-5),
    (100, 10): (0.02765, 0.002342),
    (100, 20): (0.3214, 0.02379),
}


def test_the_powers_are_those_of_the_series():
    u = torch.linspace(0, 0.9, 10, dtype=torch.float64)
    total = torch.zeros_like(u)
    for k in range(400):
        b = math.exp(math.lgamma(2 * k + 1) - 2 * math.lgamma(k + 1) - k * math.log(4)) / (
            2 * k + 1
        )
        total += b / ((2 * k + 2) * 2 * math.pi) * u ** (2 * k + 2)
    torch.testing.assert_close(_even(u), total, rtol=1e-12, atol=1e-15)
    # The kernel itself: its linear term, its constant, and these.
    X = torch.stack([torch.ones(10).double(), torch.zeros(10).double()], dim=1)
    Z = torch.stack([u, (1 - u**2).sqrt()], dim=1)
    whole = ntk(X[:1], Z, "outer")[0]
    torch.testing.assert_close(whole, u / 4 + 1 / (2 * math.pi) + _even(u))


@pytest.mark.parametrize(("n", "d"), TABLE)
def test_below_the_least_eigenvalue_and_as_in_the_table(n, d):
    least, floors = [], []
    for seed in range(15):
        X = gaussian_regression(n, d, seed=seed).X
        least.append(float(torch.linalg.eigvalsh(ntk(X, block="outer"))[0]))
        floors.append(outer_floor(X))
        assert 0 < floors[-1] < least[-1]
    for draws, expected in zip((least, floors), TABLE[n, d]):
        logs = np.log(draws)
        # Both are medians of few draws: within three errors of a median of five.
        error = 1.2533 * logs.std(ddof=1) / math.sqrt(5)
        assert abs(np.median(logs) - math.log(expected)) <= 3 * error


def test_orthogonal_inputs_are_exact_but_for_what_is_common():
    # Off the diagonal all even powers vanish; the diagonal keeps all from the second on.
    assert outer_floor(torch.eye(3).double()) == pytest.approx((math.pi / 2 - 1) / (2 * math.pi))
    assert outer_floor(2 * torch.eye(3).double()) == pytest.approx(
        4 * (math.pi / 2 - 1) / (2 * math.pi)
    )


def test_equal_inputs_have_none_and_zero_ones_are_refused():
    assert outer_floor(torch.ones(2, 3).double()) == 0.0
    with pytest.raises(ValueError, match=r"X\[1\] is zero"):
        outer_floor(torch.tensor([[1.0, 0.0], [0.0, 0.0]]).double())
