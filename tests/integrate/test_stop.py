"""Stop rules: checked, met from the right side, and how far beyond them a row is."""

from __future__ import annotations

import math

import pytest

from lowrot.integrate import overshoot, reached, stop_rules, targets
from lowrot.path import Outcome

ROW = {"tau": 2.0, "P": 5.0, "gap": 0.1, "dual": 0.3, "ln_t": -math.inf}


def test_rules_are_checked():
    default = {"P": 1.0}
    assert stop_rules(None, ("P",), default) == default
    assert stop_rules({"P": 3, "tau": 1}, ("P", "tau"), default) == {"P": 3.0, "tau": 1.0}
    for bad, error, words in [
        ({}, ValueError, "stop is empty"),
        ({"Q": 1.0}, ValueError, "stop key is 'Q'"),
        ({"P": "many"}, TypeError, r"stop\['P'\] is 'many'"),
        ({"when": 3}, TypeError, r"stop\['when'\] is 3"),
        (5, TypeError, "stop is 5; expected a mapping"),
    ]:
        with pytest.raises(error, match=words):
            stop_rules(bad, ("P", "tau"), default)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"P": 5.0}, "reached P = 5 at tau = 2"),
        ({"tau": 2.0}, "reached tau = 2"),
        ({"gap": 0.1}, "reached gap = 0.1 at tau = 2"),
        ({"when": lambda row: row["P"] > 4}, "stop['when'] held at tau = 2"),
    ],
)
def test_a_rule_that_is_met(rules, words):
    end = reached(rules, ROW)
    assert (end.outcome, end.reason) == (Outcome.REACHED, words)


def test_rules_that_are_not_met_and_a_dual_that_ends_the_run():
    assert reached({"P": 5.1, "gap": 0.09, "tau": 2.1, "when": lambda row: False}, ROW) is None
    end = reached({"gap": 1e-3}, ROW | {"dual": 1e-10})
    assert end.outcome == Outcome.NOT_SEPARABLE


def test_overshoot_changes_sign_where_a_rule_is_met():
    for name, meets, misses in (("P", 5.0, 5.0 + 1e-9), ("gap", 0.1, 0.1 - 1e-9)):
        assert overshoot({name: meets}, ROW, "tau") == 0.0
        assert overshoot({name: misses}, ROW, "tau") < 0.0
    assert overshoot({"tau": 1.0, "when": None}, ROW, "tau") == -math.inf
    assert overshoot({"ln_t": 3.0}, ROW, "tau") < 0.0


def test_overshoot_is_about_relative():
    """So that landing to a millionth means a millionth of the target."""
    assert overshoot({"P": 1e6}, ROW | {"P": 1e6 * (1 + 1e-6)}, "tau") == pytest.approx(1e-6, 1e-3)
    assert overshoot({"gap": 1e-6}, ROW | {"gap": 1e-6 / (1 + 1e-6)}, "tau") == pytest.approx(
        1e-6, 1e-3
    )


def test_times_to_save():
    assert targets(None) == []
    assert targets([0.5, 2]) == [0.5, 2.0]
    for bad in ([2.0, 1.0], [1.0, 1.0], [-1.0, 2.0]):
        with pytest.raises(ValueError, match="expected increasing clock times"):
            targets(bad)


@pytest.mark.parametrize("target", [5e-324, 1e-300, -1e-300])
def test_the_distance_to_the_smallest_targets_is_finite(target):
    values = [overshoot({"P": target}, {"P": P}, "tau") for P in (-1.0, 1e-12, 1.0, 1e12)]
    assert all(map(math.isfinite, values))
    assert values == sorted(set(values))
    assert math.isfinite(overshoot({"ln_t": target}, {"ln_t": -math.inf}, "tau"))


def test_the_row_that_a_rule_sees_is_its_own():
    seen = []
    assert reached({"when": lambda row: bool(seen.append(row))}, ROW) is None
    assert seen[0] == ROW
    assert seen[0] is not ROW
    with pytest.raises(ValueError, match=r"stop\['ln_t'\] is -1e\+300"):
        stop_rules({"ln_t": -1e300}, ("ln_t",), {})


def test_from_the_start_on_t_itself_counts():
    """So that landing, which draws lines, finds the part of a step in which t is tiny."""
    values = [
        overshoot({"ln_t": -600.0}, {"ln_t": ln_t}, "tau", early=True)
        for ln_t in (-math.inf, -601.0, -600.0, -600.0 + 1e-6, -500.0, 100.0, 1e4)
    ]
    assert values == sorted(values)
    assert all(map(math.isfinite, values))
    assert values[2] == 0.0
    assert values[3] == pytest.approx(1e-6, 1e-6)
    assert overshoot({"ln_t": 1e-3}, {"ln_t": 1e-3 * (1 + 1e-6)}, "tau", early=True) == (
        pytest.approx(1e-6, 1e-3)
    )
