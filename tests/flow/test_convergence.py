"""What is left of a linear iteration is known exactly; nothing slower is called solved."""

from __future__ import annotations

import math

import pytest
import torch

from lowrot.flow._convergence import Changes, Unit


@pytest.mark.parametrize("theta", [0.1, 0.5, 0.9, 0.99])
def test_what_is_left_of_a_linear_iteration_is_exact(theta):
    changes, x = Changes(), 1.0
    for _ in range(4):
        before, x = x, theta * x
        changes = changes.then(before - x, 0.0)
    assert changes.left * changes.last == pytest.approx(x, rel=1e-12)
    # 1e-2 of the tolerance is not left before the error itself is that small.
    assert changes.small(51.0 * x, 0.0)
    assert not changes.small(49.0 * x, 0.0)


def test_an_iteration_that_does_not_contract_is_not_solved_however_small_its_changes():
    changes = Changes()
    for size in (1e-9, 1e-9, 2e-9):
        changes = changes.then(size, 0.0)
    assert changes.left == math.inf
    assert not changes.small(1e-3, 0.0)
    assert changes.small(1e-3, 2e-9)  # unless they are rounding


def test_weights_must_settle_too():
    changes = Changes()
    changes = changes.then(1e-9, 1e-9)
    changes = changes.then(1e-10, 1.0)
    assert not changes.small(1e-3, 0.0)


def test_divergence_is_called_late_and_for_good():
    changes = Changes()
    for power in range(8):
        changes = changes.then(2.0**power, 0.0)
        assert not changes.diverge
    changes = changes.then(2.0**8, 0.0)
    assert changes.diverge
    infinite = Changes().then(math.nan, 0.0)
    assert infinite.diverge


def test_kernels_are_needed_where_it_is_slow():
    changes = Changes().then(1.0, 0.0)
    assert not changes.slow
    changes = changes.then(0.1, 0.0)
    assert not changes.slow
    assert changes.then(0.03, 0.0).slow


@pytest.mark.parametrize("theta", [0.5, 0.8, 0.95])
def test_a_linear_iteration_is_given_up_just_where_it_takes_too_long(theta):
    """By the iterations that it would take: those of a geometric sequence."""
    changes = Changes()
    for power in range(6):
        changes = changes.then(theta**power, 0.0)
    for more in (2, 8):
        left = theta ** (5 + more) * theta / (1.0 - theta)
        assert changes.hopeless(0.99 * left / 2e-2, more - 1)
        assert not changes.hopeless(1.01 * left / 2e-2, more + 1)
    assert not Changes().then(1.0, 0.0).then(0.9, 0.0).hopeless(1e-9, 1)


def test_a_unit_takes_the_larger_of_network_and_outputs():
    K = torch.tensor([[4.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    dz = torch.tensor([1.0, 0.0], dtype=torch.float64)

    def measure(change):
        return float(0.5 * change.abs().sum())

    assert Unit(measure, 100.0, 8.0, 0.0).relative(dz, K) == 0.25  # sqrt(dz K dz) / 8
    assert Unit(measure, 0.1, 8.0, 0.0).relative(dz, K) == 20.0  # measure(K dz) / 0.1
