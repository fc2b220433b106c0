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
        changes.add(before - x, 0.0)
    assert changes.left * changes.last == pytest.approx(x, rel=1e-12)
    # 1e-2 of the tolerance is not left before the error itself is that small.
    assert changes.small(51.0 * x, 0.0)
    assert not changes.small(49.0 * x, 0.0)


def test_an_iteration_that_does_not_contract_is_not_solved_however_small_its_changes():
    changes = Changes()
    for size in (1e-9, 1e-9, 2e-9):
        changes.add(size, 0.0)
    assert changes.left == math.inf
    assert not changes.small(1e-3, 0.0)
    assert changes.small(1e-3, 2e-9)  # unless they are rounding


def test_weights_must_settle_too():
    changes = Changes()
    changes.add(1e-9, 1e-9)
    changes.add(1e-10, 1.0)
    assert not changes.small(1e-3, 0.0)


def test_divergence_is_called_late_and_for_good():
    changes = Changes()
    for power in range(8):
        changes.add(2.0**power, 0.0)
        assert not changes.diverge
    changes.add(2.0**8, 0.0)
    assert changes.diverge
    infinite = Changes()
    infinite.add(math.nan, 0.0)
    assert infinite.diverge


def test_kernels_are_needed_first_and_where_it_is_slow():
    changes = Changes()
    assert changes.slow
    changes.add(1.0, 0.0)
    assert not changes.slow
    changes.add(0.1, 0.0)
    assert not changes.slow
    changes.add(0.03, 0.0)
    assert changes.slow


def test_a_unit_takes_the_larger_of_network_and_outputs():
    K = torch.tensor([[4.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    dz = torch.tensor([1.0, 0.0], dtype=torch.float64)

    def measure(change):
        return float(0.5 * change.abs().sum())

    assert Unit(measure, 100.0, 8.0, 0.0).relative(dz, K) == 0.25  # sqrt(dz K dz) / 8
    assert Unit(measure, 0.1, 8.0, 0.0).relative(dz, K) == 20.0  # measure(K dz) / 0.1
