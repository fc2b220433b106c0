"""Whether a path belongs to a theorem: each thing that can be wrong is named."""

from dataclasses import replace

import numpy as np
import pytest

from lowrot import Network, gradient_flow, sparse_parity, standard
from lowrot.path import Path
from lowrot.theorems._subject import Subject, flow_subject

DATA, NET = sparse_parity(2), standard(20, 2, seed=1)
SUBJECT = flow_subject(NET, NET.margins(DATA), "exponential")


@pytest.fixture(scope="module")
def path():
    return gradient_flow(NET, DATA, stop={"tau": 1.0})


def changed(path, columns=None, states=None, meta=None, rows=slice(None)):
    return Path(
        {name: values[rows] for name, values in {**path.columns, **(columns or {})}.items()},
        {name: values[rows] for name, values in {**path.states, **(states or {})}.items()},
        meta={**path.meta, **(meta or {})},
    )


def test_its_own_path_belongs(path, tmp_path):
    SUBJECT.require(path, ["P", "a", "V"])
    path.save(tmp_path / "saved")
    SUBJECT.require(Path.load(tmp_path / "saved"), ["P", "a", "V"])
    # What a path does not say is taken to be so: ReLU, both layers at rate 1, no weights kept.
    meta = {"kind": "flow", "loss": "exponential"}
    SUBJECT.require(Path(path.columns, meta=meta), ["P"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"meta": {"kind": "sgd"}}, "path has kind 'sgd'; expected 'flow', a path of gradient_fl"),
        ({"meta": {"loss": "logistic"}}, "path has loss 'logistic'; expected 'exponential'"),
        ({"meta": {"loss": None}}, "path has loss None"),
        ({"meta": {"slope": 0.5}}, r"path has slope 0\.5; expected 0\.0"),
        ({"meta": {"rates": [1.0, 0.0]}}, r"path has rates \[1\.0, 0\.0\]; expected \[1\.0, 1\."),
        ({"rows": slice(1, None)}, "saved points, from tau = .* on; expected .*from tau = 0 on"),
        ({"rows": slice(0, 1)}, "path has 1 saved points, from tau = 0 on; .* some later time"),
        ({"rows": slice(0, 0)}, "path has 0 saved points, from tau = none on"),
    ],
)
def test_what_is_wrong_with_the_run_is_named(path, change, words):
    with pytest.raises(ValueError, match=words):
        SUBJECT.require(changed(path, **change), ["P"])


def test_what_is_missing_is_named(path):
    with pytest.raises(ValueError, match="no column or state c, d; expected tau, P, c, d"):
        SUBJECT.require(path, ["P", "c", "d"])
    with pytest.raises(ValueError, match="no column or state samples"):
        Subject("flow", {}, {}, clock="samples").require(path, [])


@pytest.mark.parametrize("name", ["rho", "P", "norm_squared"])
@pytest.mark.parametrize("by", [1e-8, -1.0, np.nan])
def test_another_start_is_seen_by_its_columns(path, name, by):
    first = np.arange(len(path)) == 0
    values = np.where(first, path[name] + by * max(1.0, abs(path[name][0])), path[name])
    with pytest.raises(ValueError, match=f"starts at {name} = .*; expected"):
        SUBJECT.require(changed(path, {name: values}), [])
    tiny = np.where(first, path[name] + 1e-10, path[name])
    SUBJECT.require(changed(path, {name: tiny}), [])


@pytest.mark.parametrize("name", ["a", "V"])
def test_another_start_is_seen_by_its_states(path, name):
    values = path[name].copy()
    values[0] *= 1 + 1e-8
    with pytest.raises(ValueError, match=f"away from {name} of this theorem"):
        SUBJECT.require(changed(path, states={name: values}), [])
    with pytest.raises(ValueError, match=f"states {name} of shape .*; expected"):
        SUBJECT.require(changed(path, states={name: path[name][:, :5]}), [])


def test_starts_are_compared_relative_to_their_size():
    small = Network(1e-8 * NET.a, 1e-8 * NET.V)
    subject = flow_subject(small, small.margins(DATA), "exponential")
    twice = Network(2e-8 * NET.a, 2e-8 * NET.V)
    path = gradient_flow(twice, DATA, stop={"tau": 0.1})
    with pytest.raises(ValueError, match="away from a of this theorem"):
        subject.require(path, [])
    subject.require(gradient_flow(small, DATA, stop={"tau": 0.1}), [])


def test_other_data_are_seen(path):
    other = replace(DATA, X=DATA.X[[0, 2, 1, 3]] * 0.9)
    with pytest.raises(ValueError, match=r"starts at P = .*the start and the data"):
        flow_subject(NET, NET.margins(other), "exponential").require(path, [])
