"""What is wrong with labels, columns and sizes is said with what was found and what can be done."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import lowrot
from lowrot.diagnosis import _catalogue, _diagnose
from lowrot.diagnosis._case import Case
from lowrot.diagnosis._command import main
from lowrot.diagnosis._given import Reading, given
from lowrot.optima import NotSeparable


def frame(labels, name="kind"):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.standard_normal((len(labels), 2)), columns=["a", "b"])
    return table.assign(**{name: labels})


THREE = ["red", "green", "blue", "red", "red", "blue"]


@pytest.mark.parametrize("options", [{}, {"task": "classification"}, {"positive": "red"}])
def test_several_labels_are_listed_with_both_ways_out(options):
    with pytest.raises(ValueError, match="3 different labels") as error:
        lowrot.diagnose(5, frame(THREE), target="kind", **options)
    said = str(error.value)
    assert "'red' (3), 'blue' (2), 'green' (1)" in said
    assert "pair=('red', 'green')" in said
    assert "rest='red'" in said


def test_of_many_labels_the_first_and_their_number_are_listed():
    with pytest.raises(ValueError, match=r"9 different labels, 1 \(1\), .*, \.\.; expected two"):
        lowrot.diagnose(5, frame(range(1, 10)), target="kind")


def test_a_label_that_is_not_there_is_answered_with_those_that_are():
    for options in ({"pair": ("red", "pink")}, {"rest": "pink"}):
        with pytest.raises(ValueError, match=r"'pink'; expected labels of these: 'red' \(3\)"):
            lowrot.diagnose(5, frame(THREE), target="kind", **options)


@pytest.mark.parametrize("labels", [["red", None, "blue", "red", "red", "blue"], [1, np.nan, 2, 1]])
@pytest.mark.parametrize("options", [{}, {"rest": "red"}, {"task": "regression"}])
def test_missing_labels_are_never_taken_for_others(labels, options):
    options = options | ({"rest": 1} if "rest" in options and 1 in labels else {})
    with pytest.raises(ValueError, match="missing in row 1") as error:
        lowrot.diagnose(5, frame(labels), target="kind", **options)
    said = str(error.value)
    assert "leave these points out, or pass target= another column" in said
    assert "Its columns are 'a', 'b', 'kind'" in said
    with pytest.raises(ValueError, match="label is missing in row 1; expected one a point"):
        lowrot.diagnose(5, (torch.ones(3, 2).double(), np.array([1.0, np.nan, 2.0])), rest=1)


def test_labels_of_regression_that_are_no_numbers_say_target():
    with pytest.raises(ValueError, match=r"'red' in row 0.* labels of regression; pass target="):
        lowrot.diagnose(5, frame(THREE), target="kind", task="regression")


def run(tmp_path, capsys, table, *options):
    file = tmp_path / "some.csv"
    table.to_csv(file, index=False)
    try:
        status = main(["diagnose", str(file), *map(str, options)])
    except SystemExit as end:
        status = end.code
    out, said = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert len(said.splitlines()) == 1, said
    return said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target", "kind"], "--pair 'red' 'green', or --rest the one against all others, for"),
        ([], "None is 'y'; pass --target the column of the labels, for example --target 'kind'"),
        (["--target", "Kind"], "for example --target 'kind'"),
        (["--target", "9"], "column 9 is asked for; there are 3"),
        (["--target", "kind", "--features", "c"], "features has 'c'; expected columns of these"),
        (["--target", "kind", "--features", "5"], "column 5 is asked for; there are 3"),
        (["--target", "kind", "--width", "ten"], "--width: it is 'ten'; expected a whole number"),
        (["--width", "0"], "--width is 0; expected an integer between 1 and 1000000"),
        (
            ["--rest", "red", "--target", "kind", "--width", "10000001"],
            "--width is 10000001; expec",
        ),
        (["--seed", "1.5"], "--seed: it is '1.5'"),
        (["--tar"], "--target: expected one argument (--help lists all options)"),
        (["--none"], "unrecognized arguments: --none"),
    ],
)
def test_the_command_says_it_in_a_line(tmp_path, capsys, options, said):
    assert said in run(tmp_path, capsys, frame(THREE), *options)


def test_columns_may_be_given_by_position(tmp_path):
    file = tmp_path / "bare.csv"
    file.write_text("0.1,0.2,7,1\n0.3,-0.4,7,-1\n-0.1,0.9,7,1\n")
    assert main(["diagnose", str(file), "--target", "-1", "--features", "0", "1"]) == 0


# ---------------------------------------------------------------- sizes


def test_starts_that_do_not_fit_are_refused_before_the_work(monkeypatch):
    monkeypatch.setattr(_diagnose, "PAIRS", 120)
    with pytest.raises(ValueError, match=r"net_or_width is 21; expected at most 20, .* 6 points"):
        lowrot.diagnose(21, frame(THREE), target="kind", rest="red")
    assert lowrot.diagnose(20, frame(THREE), target="kind", rest="red").m == 20


def entry(theorem):
    return next(e for e in _catalogue.CATALOGUE if e.theorem == theorem)


def test_all_pairs_of_many_neurons_are_not_compared():
    data = lowrot.symmetric_pairs()
    case = Case(given(data, Reading()), None, 10_001, 0.2, 0)
    assert entry("thm-sym-lock").verdict(case).decision == "too large to decide"


def test_what_needs_too_much_memory_is_too_large():
    def asks(case):
        raise MemoryError

    full = _catalogue.Entry("thm-x", "x", "x", _catalogue.CLASSES, asks)
    case = Case(given(lowrot.sparse_parity(2), Reading()), None, 5, 0.0, 0)
    verdict = full.verdict(case)
    assert verdict.decision == "too large to decide"
    assert "memory" in verdict.reason
    assert issubclass(NotSeparable, ValueError)
