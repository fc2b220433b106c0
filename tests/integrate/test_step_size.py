"""The step-size controller on the model ``error = (h/H)^order``, which it is derived from."""

from __future__ import annotations

import math

import pytest

from lowrot.integrate import StepSize

SIZES = StepSize(order=3, growth=8.0, unsolved=0.4)


@pytest.mark.parametrize("order", [2, 3, 5])
@pytest.mark.parametrize("first", [1e-4, 0.3, 20.0])
def test_steps_settle_at_the_safe_part_of_the_ideal_one(order, first):
    sizes, ideal, wish = StepSize(order=order, growth=3.0, unsolved=0.25), 0.7, first
    for _ in range(40):
        error = (wish / ideal) ** order
        wish = (
            sizes.after_accepted(wish, wish, error)
            if error <= 1
            else sizes.after_rejected(wish, error)
        )
    assert wish == pytest.approx(0.9 * ideal, rel=1e-12)


def test_a_rejected_step_is_shortened_enough():
    for h in (1.1, 2.0, 4.0):
        shorter = SIZES.after_rejected(h, h**3)
        assert shorter == pytest.approx(0.9)
    assert SIZES.after_rejected(1.0, 1e9) == 0.2
    assert SIZES.after_rejected(1.0, math.inf) == 0.4


def test_growth_is_bounded_and_errors_near_zero_say_nothing():
    assert SIZES.after_accepted(1.0, 1.0, 0.0) == 8.0
    assert StepSize(order=3, growth=1e9, unsolved=0.4).after_accepted(
        1.0, 1.0, 0.0
    ) == pytest.approx(0.9 * 1e-4 ** (-1 / 3))
    assert SIZES.after_accepted(1.0, 1.0, 1.0) == 0.9
    assert SIZES.after_accepted(1.0, 1.0, 1.0, effort=0.5) == 0.45


def test_a_step_cut_short_does_not_lower_the_wish():
    assert SIZES.after_accepted(5.0, 0.01, 0.9) == 5.0
    assert SIZES.after_accepted(5.0, 4.9, 1e-3) > 5.0


@pytest.mark.parametrize("wish", [0.13, 0.3, 0.34, 0.9])
def test_no_step_is_left_over_that_is_much_shorter(wish):
    room, taken = 1.0, []
    while room > 1e-12:
        taken.append(SIZES.trial(wish, room))
        room -= taken[-1]
    assert sum(taken) == pytest.approx(1.0)
    assert max(taken) <= wish
    assert min(taken) >= 0.5 * min(wish, 0.5)
