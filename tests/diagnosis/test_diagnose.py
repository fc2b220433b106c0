"""Every verdict is the theorem's own, and a width that is named holds there and not one below."""

from __future__ import annotations

import math
import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import lowrot
from lowrot.diagnosis import Decision, _diagnose, _numbers, _runs
from lowrot.diagnosis._case import Case
from lowrot.diagnosis._catalogue import CATALOGUE
from lowrot.diagnosis._given import Reading, given
from lowrot.diagnosis._width import largest_scale, least_width
from lowrot.network import small
from lowrot.path import Outcome
from lowrot.theorems import (
    near_init_flow,
    near_init_sgd,
    neural_collapse,
    no_rotation,
    regression_certificate,
    regression_outer,
    simplicity_bias,
    symmetric,
)

ROOT = Path(__file__).parents[2]


def points(seed, n=12, d=3):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return X / X.norm(dim=1).max(), torch.sign(X @ torch.ones(d, dtype=torch.float64))


@pytest.fixture(scope="module")
def xor():
    return lowrot.diagnose(50, lowrot.sparse_parity(2))


@pytest.fixture(scope="module")
def mirrored():
    return lowrot.diagnose(20, lowrot.symmetric_pairs(), slope=0.2)


# ---------------------------------------------------------------- the catalogue


def test_every_theorem_of_the_book_is_asked_in_its_order():
    listed = re.findall(r"^- theorem: (\S+)", (ROOT / "book/limits.yml").read_text("utf8"), re.M)
    assert [entry.theorem for entry in CATALOGUE] == listed


def test_each_speaks_of_one_kind_of_labels_or_both(xor):
    assert [v.theorem for v in xor.verdicts] == [entry.theorem for entry in CATALOGUE]
    for verdict, entry in zip(xor.verdicts, CATALOGUE):
        if entry.task == "regression":
            assert verdict.decision == "not applicable"
            assert "real labels" in verdict.reason


# ---------------------------------------------------------------- verdicts


def test_verdicts_are_those_of_the_theorems():
    X, y = points(0)
    data = lowrot.Dataset(X, y)
    found = lowrot.diagnose(300, data)
    net, even = lowrot.standard(300, 3), lowrot.balanced(300, 3)
    own = {
        "thm-near-init-sgd": near_init_sgd(net, data, samples=12),
        "thm-near-init-perceptron": near_init_sgd(net, data, samples=12, update="perceptron"),
        "thm-near-init-flow": near_init_flow(net, data),
        "thm-flow-both": near_init_flow(net, data, layers="both"),
        "thm-collapse": neural_collapse(even, data),
        "thm-collapse-opposite": neural_collapse(even, data, opposite=True),
        "thm-no-rotation": no_rotation(even, data),
        "thm-sym-universal": symmetric(even, data),
        "thm-sym-acute": symmetric(even, data, part="acute"),
        "thm-sym-simple": simplicity_bias(even, data),
    }
    for label, theorem in own.items():
        verdict = found[label]
        assert (verdict.decision == "holds") == theorem.holds, label
        assert list(verdict.hypotheses) == theorem.hypotheses, label
        assert bool(verdict.reason) != theorem.holds
    limit = own["thm-near-init-flow"].limit
    assert (found["thm-flow-margin"].decision == "holds") == (limit > 0)


def test_a_decision_is_what_its_hypotheses_say(xor, mirrored):
    for verdict in (*xor.verdicts, *mirrored.verdicts):
        if verdict.decision in ("holds", "fails"):
            assert (verdict.decision == "holds") == all(h.holds for h in verdict.hypotheses)
            assert math.isnan(verdict.slack) or (verdict.slack >= 0) == (
                verdict.decision == "holds"
            )
        else:
            assert verdict.reason
            assert not verdict.hypotheses


def test_a_network_is_asked_itself():
    net = lowrot.small(lowrot.balanced(30, 2, seed=3), 0.1)
    data = lowrot.sparse_parity(2)
    found = lowrot.diagnose(net, data)
    assert found.network
    assert found.m == 30
    assert found["thm-collapse-opposite"].hypotheses[4] == neural_collapse(
        net, data, opposite=True
    ).hypotheses[4]  # fmt: skip
    assert found["thm-near-init-flow"].statement.net is not None
    assert torch.equal(found["thm-near-init-flow"].statement.net.V, net.V)


def test_networks_that_are_not_balanced_are_said_to_be_so():
    verdict = lowrot.diagnose(lowrot.standard(20, 2), lowrot.sparse_parity(2))["thm-no-rotation"]
    assert verdict.decision == "fails"
    assert "imbalance" in verdict.reason


@pytest.mark.parametrize("seed", range(3))
def test_regression_is_asked_of_the_theorems_on_regression(seed):
    given_data = lowrot.gaussian_regression(6, 5, "teacher", seed=seed)
    found = lowrot.diagnose(40, given_data, seed=seed)
    assert found.task == "regression"
    X = given_data.X / given_data.X.norm(dim=1).max()
    net = lowrot.standard(40, 5, seed=seed)
    for label, make in (
        ("thm-reg-outer", regression_outer),
        ("thm-reg-pairs", regression_certificate),
    ):
        theorem = make(net, X, given_data.y)
        assert (found[label].decision == "holds") == theorem.holds
        for mine, own in zip(found[label].hypotheses, theorem.hypotheses):
            assert mine.value == pytest.approx(own.value, rel=1e-9)


def test_neighbours_apply_where_they_speak_of_such_data():
    line = lowrot.diagnose(20, (torch.tensor([[0.1], [0.5], [1.0]]).double(), [0.5, -1.5, 1.0]))
    assert line["thm-spline"].decision == "holds"
    X = torch.tensor([[1.0, 0.1], [0.1, 1.0]], dtype=torch.float64)
    assert lowrot.diagnose(20, (X, [0.5, 1.25]), task="regression")["thm-single-neuron"].statement
    trap = lowrot.diagnose(4, lowrot.fragile_pairs(), slope=0.3)["thm-fragile"]
    assert trap.decision == "fails"
    assert 0 < trap.needed.value < 1
    ends = lowrot.diagnose(4, lowrot.two_points(1.2))["thm-escape"]
    assert ends.decision in ("holds", "fails")


# ---------------------------------------------------------------- where it would hold


def built(label, data, m, seed, slope):
    """The theorem of a label at a sampled start of another width."""
    net, even = lowrot.standard(m, data.d, seed, slope), lowrot.balanced(m, data.d, seed, slope)
    make = {
        "thm-near-init-sgd": lambda: near_init_sgd(net, data, samples=data.n),
        "thm-near-init-perceptron": lambda: near_init_sgd(
            net, data, samples=data.n, update="perceptron"
        ),
        "thm-near-init-flow": lambda: near_init_flow(net, data),
        "thm-flow-both": lambda: near_init_flow(net, data, layers="both"),
        "thm-collapse": lambda: neural_collapse(even, data),
        "thm-collapse-opposite": lambda: neural_collapse(even, data, opposite=True),
        "thm-no-rotation": lambda: no_rotation(even, data),
    }
    try:
        return make[label]().holds
    except lowrot.NotSeparable:
        return False


@pytest.mark.parametrize("seed", range(4))
def test_a_width_that_was_evaluated_holds_there_and_not_one_below(seed):
    data = lowrot.sparse_parity(2)
    found = lowrot.diagnose(50, data, seed=seed)
    tried = 0
    for verdict in found.verdicts:
        needed = verdict.needed
        if needed and needed.what == "width" and needed.how == "evaluated":
            m = int(needed.value)
            if verdict.theorem in ("thm-global-width", "thm-flow-margin"):
                continue
            tried += 1
            assert built(verdict.theorem, data, m, seed, 0.0), verdict.theorem
            assert m == 1 or not built(verdict.theorem, data, m - 1, seed, 0.0), verdict.theorem
    assert tried >= 5


def met(theorem, m):
    """Whether the hypotheses as they would be at a width hold."""
    return all(h.holds for h in theorem.at_width(m))


@pytest.mark.parametrize("seed", range(4))
def test_a_predicted_width_is_where_the_hypotheses_of_the_theorem_begin_to_hold(seed):
    X, y = points(seed)
    data = lowrot.Dataset(X, y)
    net = lowrot.standard(200, 3, seed)
    for theorem in (
        near_init_sgd(net, data, samples=12),
        near_init_sgd(net, data, samples=12, update="perceptron"),
        near_init_flow(net, data),
        regression_outer(net, X, y),
    ):
        m = least_width(partial(met, theorem), 200)
        assert met(theorem, m)
        assert not met(theorem, m - 1)


def test_the_hypotheses_at_the_own_width_are_the_own_ones():
    data, net = lowrot.sparse_parity(3), lowrot.standard(100, 3)
    for theorem in (near_init_sgd(net, data, samples=8), near_init_flow(net, data)):
        for mine, own in zip(theorem.at_width(100), theorem.hypotheses, strict=True):
            assert mine.value == pytest.approx(own.value, rel=1e-12)
            assert mine.holds == own.holds


@pytest.mark.parametrize("seed", range(4))
def test_a_scale_holds_and_a_larger_one_does_not(seed):
    data = lowrot.symmetric_pairs()
    verdict = lowrot.diagnose(20, data, slope=0.2, seed=seed)["thm-sym-simple"]
    net = lowrot.balanced(20, 2, seed, 0.2)
    assert verdict.needed.what == "scale"
    factor = verdict.needed.value
    assert simplicity_bias(small(net, factor), data).holds
    assert not simplicity_bias(small(net, factor * (1 + 2e-6)), data).holds


@pytest.mark.parametrize("edge", [1, 2, 3, 17, 1000, 10**9])
@pytest.mark.parametrize("guess", [1, 5, 10**6])
def test_the_search_for_a_width(edge, guess):
    assert least_width(lambda m: m >= edge, guess) == edge
    assert least_width(lambda m: m >= edge, guess, edge - 1) is None if edge > 1 else True


@pytest.mark.parametrize("edge", [1e-30, 3e-5, 1.0, 2e7])
def test_the_search_for_a_scale(edge):
    assert largest_scale(lambda s: s <= edge) == pytest.approx(edge, rel=2e-6)
    assert largest_scale(lambda s: False) is None
    assert largest_scale(lambda s: True) == math.inf


# ---------------------------------------------------------------- numbers


def test_margins_are_between_their_bounds(xor):
    by_name = {row.name: row for row in xor.margins}
    assert by_name["global margin"].low <= 0.25 <= by_name["global margin"].high
    for row in xor.margins:
        assert row.low <= row.high * (1 + 1e-12)
    assert by_name["frozen margin"].high <= by_name["global margin"].high * (1 + 1e-9)


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_bounds_in_place_of_what_is_too_large_contain_it(slope, monkeypatch):
    X, y = points(1, n=9)
    exact = {r.name: r for r in lowrot.diagnose(30, (X, y), slope=slope).margins}
    for limit in ("_POINTWISE", "_CELLS", "_SEARCHED"):
        monkeypatch.setattr(_numbers, limit, 0)
    for row in lowrot.diagnose(30, (X, y), slope=slope).margins:
        assert row.low <= exact[row.name].low * (1 + 1e-6)
        assert row.high >= exact[row.name].high * (1 - 1e-6)
        if math.isnan(row.value):
            assert "too large" in row.note


def test_scaling_changes_nothing():
    X, y = points(2)
    one, other = lowrot.diagnose(60, (X, y)), lowrot.diagnose(60, (4.0 * X, y))
    assert any("divided by" in note for note in other.notes)
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())
    assert [r.low for r in one.margins] == pytest.approx([r.low for r in other.margins], rel=1e-9)


def test_real_labels_and_inputs_have_no_unit_either():
    data = lowrot.gaussian_regression(6, 4, "teacher")
    one = lowrot.diagnose(20, (data.X, data.y))
    other = lowrot.diagnose(20, (0.5 * data.X, 8.0 * data.y))
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())


# ---------------------------------------------------------------- data that fail a basic hypothesis


def test_contradictions_are_counted_and_not_separable():
    X = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = lowrot.diagnose(20, (torch.tensor(X), [1, -1, 1, -1]))
    by_name = {row.name: row.value for row in found.facts}
    assert by_name["points that share a direction"] == 2
    assert by_name["of these with different labels"] == 2
    verdict = found["thm-near-init-flow"]
    assert verdict.decision == "fails"
    assert "tangent margin" in verdict.reason
    assert verdict.needed.how == "none"


def test_real_labels_of_one_direction_count_per_unit_of_length():
    X = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    for labels, contradicted in (([0.5, 1.0, 0.25], 0), ([0.5, 1.5, 0.25], 2)):
        found = lowrot.diagnose(5, (X, labels), task="regression")
        assert {row.name: row.value for row in found.facts}[
            "of these with different labels"
        ] == contradicted


def test_huge_norms_are_scaled_and_it_is_said():
    X, y = points(3)
    found = lowrot.diagnose(20, (X * 1e200, y))
    assert any("divided" in note for note in found.notes)
    X = torch.randn(5, 2, dtype=torch.float64) * 1e180
    assert lowrot.diagnose(10, (X, [0.5, 1.5, -0.3, 0.2, 0.1])).task == "regression"


def frame(labels):
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.standard_normal((len(labels), 2)), columns=["a", "b"]).assign(y=labels)


def test_classes_are_chosen_by_name():
    three = frame(["red", "green", "blue", "red", "green", "blue"])
    with pytest.raises(ValueError, match="pair="):
        lowrot.diagnose(10, three)
    found = lowrot.diagnose(10, three, pair=("red", "blue"))
    assert found.n == 4
    assert "2 points of other labels" in found.notes[0]
    assert lowrot.diagnose(10, three, rest="green").n == 6
    for wrong in ({"pair": ("red", "pink")}, {"pair": ("red",)}, {"rest": "pink"},
                  {"pair": ("red", "red")}, {"pair": ("red", "blue"), "rest": "red"},
                  {"rest": "red", "positive": "red"}):  # fmt: skip
        with pytest.raises(ValueError, match=r"pair|rest"):
            lowrot.diagnose(10, three, **wrong)


def test_labels_that_may_be_both_are_asked_about():
    whole = frame([1, 2, 3, 4, 5, 6])
    with pytest.raises(ValueError, match="task='regression'"):
        lowrot.diagnose(10, whole)
    assert lowrot.diagnose(10, whole, task="regression").task == "regression"
    assert lowrot.diagnose(10, frame([0.5, 1.5, 2.0, 1.0])).task == "regression"
    assert lowrot.diagnose(10, whole, pair=(1, 4)).task == "classification"


def test_standardized_columns():
    table = frame([1, -1, 1, -1, 1, -1]).assign(c=3.0, a=lambda t: 1000 * t.a)
    found = lowrot.diagnose(10, table, standardize=True)
    assert found.d == 2
    assert "1 constant" in found.notes[0]


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ((0, None), ValueError, "net_or_width"),
        ((2.5, None), TypeError, "net_or_width"),
        (("wide", None), TypeError, "net_or_width"),
        ((10, 7), TypeError, "data"),
        ((10, "no-such-file.csv"), FileNotFoundError, "path"),
        ((10, (np.eye(2), [1])), ValueError, "y has shape"),
        ((10, (np.eye(2), [1, -1], 0)), ValueError, "data"),
        ((10, (np.eye(2), [1, 1j])), (TypeError, ValueError), "label"),
        ((lowrot.standard(4, 3), None), ValueError, "net_or_width"),
    ],
)
def test_what_is_wrong_is_named(arguments, error, named):
    first, data = arguments
    with pytest.raises(error, match=named):
        lowrot.diagnose(first, lowrot.sparse_parity(2) if data is None else data)


# ---------------------------------------------------------------- budgets and interrupts


def test_an_interrupt_returns_what_is_finished(monkeypatch):
    def interrupted(case):
        raise KeyboardInterrupt

    monkeypatch.setattr(_diagnose._numbers, "neurons", interrupted)
    found = lowrot.diagnose(10, lowrot.sparse_parity(2))
    assert found.unfinished == ("good neurons", "sample sizes", "clocks")
    assert len(found.verdicts) == len(CATALOGUE)
    assert "Interrupted" in str(found)


def test_an_interrupt_of_a_flow_is_passed_on(monkeypatch):
    def stopped(*given, **more):
        path = lowrot.gradient_flow(*given, stop={"tau": 0.1})
        path.outcome = Outcome.INTERRUPTED
        return path

    monkeypatch.setattr(_runs, "gradient_flow", stopped)
    found = lowrot.diagnose(10, lowrot.sparse_parity(2), run=True)
    assert found.runs == ()
    assert found.unfinished[0] == "gradient flow, standard"


def test_what_is_too_large_says_so():
    n, d = 200, 40
    X, y = points(5, n, d)
    case = Case(given((X, y), Reading()), lowrot.standard(6000, d), 6000, 0.0, 0)
    entry = next(e for e in CATALOGUE if e.theorem == "thm-flow-both")
    verdict = entry.verdict(case)
    assert verdict.decision is Decision.TOO_LARGE
    assert verdict.reason


def test_flows_are_run_beside_the_theorems():
    found = lowrot.diagnose(30, lowrot.sparse_parity(2), run=True)
    assert [ran.theorem for ran in found.runs] == [
        "thm-near-init-flow", "thm-collapse", "thm-no-rotation"
    ]  # fmt: skip
    assert all(ran.agrees for ran in found.runs)
    for ran in found.runs:
        assert ran.until == pytest.approx(20.0)
    regression = lowrot.diagnose(30, lowrot.gaussian_regression(4, 4, "teacher"), run=True)
    assert regression.runs[0].agrees
