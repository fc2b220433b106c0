"""Caps of the sphere: exact in low dimensions, and coverings by random neurons."""

import math

import pytest
import torch

from lowrot.theorems import cap_fraction, covering_error, covering_failure


@pytest.mark.parametrize("eps", [0.1, 0.7, math.sqrt(2), 1.9, 2.0])
def test_caps_of_circle_and_sphere_are_exact(eps):
    angle = 2 * math.asin(eps / 2)
    assert cap_fraction(2, eps) == pytest.approx(angle / math.pi, abs=1e-12)
    assert cap_fraction(3, eps) == pytest.approx((1 - math.cos(angle)) / 2, abs=1e-12)


@pytest.mark.parametrize("d", [2, 3, 5, 9])
def test_a_cap_is_at_most_half_the_power_of_its_radius(d):
    for eps in (0.01, 0.3, 1.0, math.sqrt(2)):
        assert cap_fraction(d, eps) <= 0.5 * eps ** (d - 1) * (1 + 1e-12)


def test_covering_bound_against_sampling():
    # Four targets on the circle, 40 neurons, eps = 0.2: the failure rate of 2000 trials stays
    # below the bound plus four standard deviations, and is of its size.
    generator = torch.Generator().manual_seed(0)
    angle = 2 * math.pi * torch.rand(2000, 40, generator=generator, dtype=torch.float64)
    sign = torch.randint(2, (2000, 40), generator=generator)
    missed = torch.zeros(2000, dtype=torch.bool)
    for k in range(4):
        near = 2 * torch.sin((angle - k * math.pi / 2) / 2).abs() <= 0.2
        missed |= ~(near & (sign == k % 2)).any(dim=1)
    bound = covering_failure(2, 40, 0.2, 4)
    rate, deviation = float(missed.double().mean()), math.sqrt(0.25 / 2000)
    single = 1 - (1 - (1 - cap_fraction(2, 0.2) / 2) ** 40) ** 4
    assert bound == 1.0 or rate <= bound + 4 * deviation
    assert rate == pytest.approx(single, abs=4 * deviation + 0.02)


def test_covering_error_inverts_the_failure():
    eps = covering_error(3, 5000, 4, 0.1)
    assert covering_failure(3, 5000, eps, 4) == pytest.approx(0.1, rel=1e-6)
    assert covering_error(3, 1, 4, 0.1) == 2.0
