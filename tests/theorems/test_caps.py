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
    # Four targets on the circle, 80 neurons, eps = 0.2: the failure rate of 2000 trials is the
    # exact one within four standard deviations, and the bound is above that and of its size.
    generator = torch.Generator().manual_seed(0)
    angle = 2 * math.pi * torch.rand(2000, 80, generator=generator, dtype=torch.float64)
    sign = torch.randint(2, (2000, 80), generator=generator)
    missed = torch.zeros(2000, dtype=torch.bool)
    for k in range(4):
        near = 2 * torch.sin((angle - k * math.pi / 2) / 2).abs() <= 0.2
        missed |= ~(near & (sign == k % 2)).any(dim=1)
    rate, deviation = float(missed.double().mean()), math.sqrt(0.25 / 2000)
    bound, missing = covering_failure(2, 80, 0.2, 4), 1 - cap_fraction(2, 0.2) / 2
    assert bound == pytest.approx(4 * missing**80, rel=1e-12)
    # Four targets whose caps do not meet: inclusion and exclusion over those that are missed.
    hit = 1 - missing
    exact = sum((-1) ** (k + 1) * math.comb(4, k) * (1 - k * hit) ** 80 for k in (1, 2, 3, 4))
    assert rate == pytest.approx(exact, abs=4 * deviation)
    assert 0.5 * bound < exact < bound < 0.5


def test_covering_bound_says_nothing_of_few_neurons():
    assert covering_failure(3, 10, 0.2, 4) == 1.0
    assert covering_failure(2, 10**6, 0.2, 4) < 1e-300


def test_covering_error_inverts_the_failure():
    eps = covering_error(3, 5000, 4, 0.1)
    assert covering_failure(3, 5000, eps, 4) == pytest.approx(0.1, rel=1e-6)
    assert covering_error(3, 1, 4, 0.1) == 2.0
