"""Landing: the first fraction of a step that is beyond the rule, by no more than promised."""

from __future__ import annotations

import math

import pytest

from lowrot.integrate import LANDED, land

CURVES = {
    "line": lambda x: x,
    "cube": lambda x: x**3,
    "root": lambda x: math.sqrt(x),
    "late": lambda x: math.expm1(20 * x) / math.expm1(20),
    "flat start": lambda x: max(0.0, x - 0.6),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("target", [1e-3, 0.2, 0.39])
def test_it_lands_from_above(name, target):
    calls = []

    def overshoot(x):
        calls.append(x)
        return CURVES[name](x) - target

    end, fraction = land(lambda fraction: fraction, overshoot, 0.0, 1.0)
    assert end == fraction
    assert 0.0 <= CURVES[name](end) - target <= LANDED
    assert len(calls) <= 30


@pytest.mark.parametrize("bend", [-0.2, -0.1, 0.1, 0.2])
@pytest.mark.parametrize("target", [0.1, 0.4, 0.8])
def test_smooth_curves_take_three_evaluations(bend, target):
    tried = []

    def partial(x):
        tried.append(x)
        return x

    end, _ = land(partial, lambda x: math.expm1(bend * x) / math.expm1(bend) - target, 0.0, 1.0)
    assert end == pytest.approx(math.log1p(target * math.expm1(bend)) / bend, rel=3e-5)
    assert len(tried) <= 3


def test_a_whole_step_that_meets_the_rule_or_does_not_is_taken():
    for beyond in (-1.0, 0.0, LANDED):
        never = pytest.fail
        assert land(never, lambda x, b=beyond: b, 0.0, 1.0) == (1.0, 1.0)


def test_a_jump_is_landed_on_from_above():
    end, fraction = land(lambda x: x, lambda x: 1.0 if x >= 0.3 else -1.0, 0.0, 1.0)
    assert 0.3 <= end == fraction <= 0.3 + 1e-3


def test_a_part_that_cannot_be_had_leaves_the_best_end_so_far():
    def partial(fraction):
        return None if fraction < 0.9 else fraction

    end, fraction = land(partial, lambda x: x - 0.5, 0.0, 1.0)
    assert (end, fraction) == (1.0, 1.0)


@pytest.mark.parametrize("target", [1e-20, 1e-100, 1e-300])
@pytest.mark.parametrize("bend", [0.0, 0.9, 30.0])
def test_a_part_far_below_the_rounding_of_1_is_landed_on(target, bend):
    def overshoot(x):
        return x * (1.0 + bend * x) / target - 1.0

    end, fraction = land(lambda fraction: fraction, overshoot, 0.0, 1.0)
    assert end == fraction == pytest.approx(target, rel=2e-6)
    assert 0.0 <= overshoot(end) <= LANDED
