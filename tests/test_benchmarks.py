"""The peers of the benchmark of the flow solve the same problem, and are judged as it says."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import lowrot

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

import _isolated
import flow_scaling
from _flow import search
from _flow.crossing import crossings
from _flow.peers import PEERS, REFERENCE
from _flow.problem import Identity, Problem, Shifted, StructuredJacobian

NET, DATA = lowrot.standard(12, 2, seed=0), lowrot.two_points(1.2)
PROBLEM = Problem.of(NET, DATA)
"""Neurons cross kinks here but do not slide along them, so that every peer can be accurate."""


def small():
    return NET, DATA, PROBLEM


def test_tables_made_side_by_side_share_their_results(tmp_path, monkeypatch):
    monkeypatch.setattr(_isolated, "FOLDER", tmp_path / "new")
    one, other = _isolated.Store("runs.json"), _isolated.Store("runs.json")
    one["a"] = 1
    other["b"] = {"c": [2.0]}
    one["d"] = 3
    assert _isolated.Store("runs.json").results == {"a": 1, "b": {"c": [2.0]}, "d": 3}
    assert [file.name for file in one.file.parent.iterdir()] == ["runs.json"]


def test_field_is_that_of_the_library():
    q, _ = lowrot.losses.dual_weights(NET.margins(DATA))
    grad_a, grad_V = NET.gradient(DATA, q)
    expected = np.concatenate([grad_a.numpy(), grad_V.numpy().T.ravel()])
    np.testing.assert_allclose(PROBLEM.field(0.0, PROBLEM.start), expected, rtol=1e-12, atol=1e-14)


def test_jacobian_is_the_derivative_of_the_field():
    rng, h, W = np.random.default_rng(0), 1e-6, PROBLEM.start
    for direction in rng.normal(size=(3, len(W))):
        difference = PROBLEM.field(0.0, W + h * direction) - PROBLEM.field(0.0, W - h * direction)
        slope = PROBLEM.jacobian(0.0, W) @ direction
        np.testing.assert_allclose(slope, difference / (2.0 * h), atol=1e-8)


@pytest.mark.parametrize("form", ["I - c J", "c I - J"])
@pytest.mark.parametrize("c", [np.float64(0.3), np.complex128(0.7 + 0.2j)])
def test_structured_solve_is_the_dense_one(form, c):
    J, identity = StructuredJacobian.at(PROBLEM, PROBLEM.start), Identity()
    matrix = identity - c * J if form == "I - c J" else c * identity - J
    dense, eye = J.dense(), np.eye(len(PROBLEM.start))
    expected = eye - c * dense if form == "I - c J" else c * eye - dense
    right = np.random.default_rng(1).normal(size=len(PROBLEM.start))
    np.testing.assert_allclose(expected @ Shifted.factorize(matrix)(right), right, atol=1e-10)


def test_two_targets_in_one_step():
    """Each is met at its own state: here W goes from 1 to 10, and the margin is its square."""
    line = SimpleNamespace(min_margin=lambda W: W * W, normalized=lambda W: W)
    steps = [(100.0, lambda s: 1.0 + 9.0 * s, 1, 7)]
    first, second = crossings(line, steps, [4.0, 25.0], lambda margin: None)
    assert (first.target, first.normalized) == (4.0, pytest.approx(2.0))
    assert (second.target, second.normalized) == (25.0, pytest.approx(5.0))
    assert (second.steps, second.evaluations) == (1, 7)


def exact(margin):
    """The normalized margin there, by two small steps that agree."""
    runs = [REFERENCE[0](c, setup=small)([margin], abs) for c in (0.5, 0.25)]
    coarse, fine = (next(run).normalized for run in runs)
    assert coarse == pytest.approx(fine, rel=1e-5)
    return fine


@pytest.mark.parametrize("name", PEERS)
def test_peer_arrives_where_the_reference_does(name):
    for package in ("diffrax", "torchdiffeq"):
        if package in name and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is in the extra bench")
    if name == "lowrot" and not hasattr(lowrot, "gradient_flow"):
        pytest.skip("lowrot.gradient_flow is not there yet")
    setting = 2.0**-8 if name.startswith("GD") else 1e-3 if name == "lowrot" else 1e-4
    seen = []
    (crossing,) = PEERS[name][0](setting, setup=small)([3.0], seen.append)
    margin = getattr(crossing, "margin", 3.0)
    assert crossing.normalized == pytest.approx(exact(margin), rel=1e-3)
    assert name == "lowrot" or seen


class Memory(dict):
    """A store without a file."""

    def __init__(self, name):
        super().__init__()


@pytest.fixture
def judged(monkeypatch):
    """A search over peers that are played: every run that was asked for is written down."""
    asked = []

    def played(function, arguments, limit, threads):
        name, setting, targets, *_ = arguments
        asked.append((name, setting, targets[-1]))
        yield "setup", 0.5
        if name == "slow":
            yield "margin", 7.0
            yield "limit", ""
            return
        for target in targets:
            if name == "broken" and target > 10.0:
                yield "margin", 12.0
                yield "failed", "no step is small enough"
                return
            error = 0.0 if name == "reference" else 1e-2 * setting
            row = {"target": target, "normalized": 0.1 * (1.0 + error), "seconds": 2.0}
            yield "crossing", row | {"steps": 3, "evaluations": 4}
        yield "done", ""

    ladder = [1.0, 0.1, 0.01, 0.001]
    monkeypatch.setattr(search, "PEERS", dict.fromkeys(("good", "slow", "broken"), (None, ladder)))
    monkeypatch.setattr(search, "isolated", played)
    monkeypatch.setattr(search, "Store", Memory)
    return search.Search([10.0, 100.0], 1e-3, 60.0, 1), asked


def test_loosest_accurate_setting_is_reported(judged):
    bench, asked = judged
    row = bench.row("good", 100.0, repeats=3)
    assert (row["setting"], row["steps"], row["seconds"]) == (0.1, 3, 2.0)
    assert row["error"] == pytest.approx(1e-3)
    runs = [run[1:] for run in asked if run[0] == "good"]
    smaller = [(1.0, 10.0), (0.1, 10.0)]
    assert runs == [*smaller, (1.0, 100.0), *3 * [(0.1, 100.0)]]  # none at a tighter one
    bench.row("good", 100.0, repeats=3)
    assert [run[1:] for run in asked if run[0] == "good"] == runs  # all of it is in the store


def test_two_limits_end_a_search(judged):
    bench, asked = judged
    row = bench.row("slow", 10.0, repeats=3)
    assert "seconds" not in row
    assert row["note"] == "60 s: margin 7 at 1"
    assert [run for run in asked if run[0] == "slow"] == [("slow", 1.0, 10.0), ("slow", 0.1, 10.0)]


def test_larger_target_is_not_tried_where_a_smaller_one_was_not_reached(judged):
    bench, asked = judged
    row = bench.row("slow", 100.0, repeats=3)
    assert row["note"] == "60 s: margin 7 at 1"
    assert [run[2] for run in asked if run[0] == "slow"] == [10.0, 10.0]


def test_landing_beyond_the_target_is_judged_where_it_is(judged):
    bench, _ = judged
    bench.reference = lambda x: 0.5 * x  # the normalized margin is the root of the margin
    crossing = {"target": 100.0, "normalized": 12.0}
    assert bench.error(crossing) == pytest.approx(0.2)
    assert bench.error(crossing | {"margin": 144.0}) == pytest.approx(0.0)


def test_accuracy_along_the_path(judged):
    """An accurate end after an inaccurate beginning is luck, which ``along`` does not accept."""
    bench, _ = judged
    rows = [{"target": 10.0, "normalized": 0.11}, {"target": 100.0, "normalized": 0.1}]
    run = search.Run("done", crossings=rows)
    assert bench.good(run, 100.0)
    bench.along = True
    assert not bench.good(run, 100.0)


def test_failure_is_said_in_its_own_words(judged):
    bench, _ = judged
    assert bench.row("broken", 10.0, repeats=1)["setting"] == 0.1
    assert bench.row("broken", 100.0, repeats=1)["note"] == (
        "margin 12 at 0.1: no step is small enough"
    )


def test_references_that_differ_are_refused(judged, monkeypatch):
    bench, _ = judged
    monkeypatch.setattr(bench, "tolerance", 0.0)
    monkeypatch.setattr(bench, "store", {})
    monkeypatch.setattr(
        search,
        "isolated",
        lambda function, arguments, *_: iter(
            [
                ("crossing", {"target": t, "normalized": arguments[1], "seconds": 1.0})
                for t in arguments[2]
            ]
            + [("done", "")]
        ),
    )
    with pytest.raises(RuntimeError, match="two references differ at 1:"):
        bench.references()


def sleeper(send):
    send("start")
    send("margin", 5.0)
    time.sleep(60.0)


def test_limit_is_enforced():
    begin = time.monotonic()
    assert list(_isolated.isolated(sleeper, (), 0.5, 1)) == [("margin", 5.0), ("limit", "")]
    assert time.monotonic() - begin < 50.0


def test_process_that_dies_is_told():
    """``time.sleep`` cannot be called so: the child ends by an exception."""
    told = list(_isolated.isolated(time.sleep, (), 10.0, 1))
    assert told == [("failed", "the process ended with code 1")]


def test_a_row_of_the_scaling_table_can_be_measured():
    steps, kernels, seconds, reason = flow_scaling.follow(*flow_scaling.problem(16, 16))
    assert 0 < steps < kernels
    assert seconds > 0
    assert reason.startswith("reached min_margin")
