"""What every theorem shares: the verdict, the hypotheses, and one meaning of each method."""

import inspect
import math

import numpy as np
import pandas as pd
import pytest

from lowrot import (
    Network,
    balanced,
    collapsed_groups,
    coupled_flow,
    escape,
    gaussian_regression,
    gradient_flow,
    in_plane,
    locking,
    near_init_flow,
    near_init_sgd,
    neural_collapse,
    no_rotation,
    one_pass_sgd,
    parity_stream,
    regression_certificate,
    regression_flow,
    regression_outer,
    sparse_parity,
    standard,
    symmetric,
    symmetric_pairs,
    two_points,
)
from lowrot.path import Path
from lowrot.theorems import Check, Hypothesis, Theorem
from lowrot.theorems._theorem import at_most, nonnegative, over, verdict

XOR = sparse_parity(2)
PHI = math.radians(75)


def of_flow(net, data, tau=3.0):
    return gradient_flow(net, data, stop={"tau": tau})


def build(name):
    """A theorem and a path that belongs to it."""
    if name == "near_init_flow":
        net = standard(64, 2, seed=0)
        return near_init_flow(net, XOR), of_flow(net, XOR)
    if name == "near_init_sgd":
        net = Network(0.1 * standard(6000, 2, seed=0).a, standard(6000, 2, seed=0).V)
        theorem, options = near_init_sgd(net, XOR, samples=20), {"samples": 20, "keep": True}
        run = one_pass_sgd(net, parity_stream(2), eta=theorem.eta, records=range(20), **options)
        return theorem, run.paths[0]
    if name == "neural_collapse":
        net, data = standard(60, 2, seed=3), collapsed_groups(3, 2, spread=0.2)
        return neural_collapse(net, data), of_flow(net, data)
    if name == "no_rotation":
        net = balanced(64, 2, seed=0)
        return no_rotation(net, XOR), coupled_flow(net, XOR, stop={"tau": 3.0})
    if name == "symmetric":
        net, data = balanced(8, 2, seed=1, slope=0.1), symmetric_pairs()
        return symmetric(net, data), of_flow(net, data)
    if name == "locking":
        net, data = Network([1.0, -1.0], [[0.8, 0.1], [-0.9, 0.0]], 0.1), symmetric_pairs()
        return locking(net, data, [1.0, 0.0]), of_flow(net, data)
    if name.startswith("regression"):
        net, data = standard(60, 5, seed=1), gaussian_regression(6, 5, seed=1)
        y = net(data.X) + 1e-3 * data.y
        make = regression_outer if name == "regression_outer" else regression_certificate
        return make(net, data.X, y), regression_flow(net, data.X, y, rtol=1e-6)
    net = in_plane([10, -5], [1e-3, 1e-3])
    return escape(net, PHI), of_flow(net, two_points(PHI))


NAMES = (
    "near_init_flow",
    "near_init_sgd",
    "neural_collapse",
    "no_rotation",
    "symmetric",
    "locking",
    "escape",
    "regression_outer",
    "regression_certificate",
)
# A column of each conclusion, the direction in which it breaks, and the inequality it breaks.
BREAKS = {
    "near_init_flow": ("min_margin", -1.0, "P <= min p"),
    "near_init_sgd": ("rho", 1.0, "||W_k - W_0|| <= its bound"),
    "neural_collapse": ("margin", 1.0, "margin <= ceiling"),
    "no_rotation": ("margin", 1.0, "margin <= gamma"),
    "symmetric": ("margin", 1.0, "margin <= ceiling"),
    "locking": ("margin", 1.0, "margin <= limit"),
    "escape": ("normalized", 1.0, "margin <= bad"),
    "regression_outer": ("loss", 1.0, "residual <= bound"),
    "regression_certificate": ("loss", 1.0, "residual <= bound"),
}


@pytest.fixture(scope="module", params=NAMES)
def pair(request):
    return request.param, *build(request.param)


def test_a_slack_below_rounding_fails_and_one_within_does_not():
    frame = pd.DataFrame()
    assert verdict(frame, {"a": 0.0, "b": -0.9e-7}).holds
    assert not verdict(frame, {"a": 1.0, "b": -1.1e-7}).holds
    assert not verdict(frame, {"a": math.nan}).holds
    found = verdict(frame, {"a": np.float64(2.0)})
    assert isinstance(found, Check)
    assert type(found.slack["a"]) is float


def test_the_slack_of_a_hypothesis_is_relative_to_its_bound():
    assert at_most("x", 1.0, "limit", 4.0).slack == 0.75
    assert at_most("x", 10.0, "limit", 4.0).slack == -1.5
    assert Hypothesis("m", 30.0, "", True, 20.0).slack == 0.5
    for bound in (math.nan, 0.0):
        assert math.isnan(Hypothesis("x", 1.0, "", True, bound).slack)


def test_helpers():
    assert at_most("x", 2.0, "limit", 2.0) == Hypothesis("x", 2.0, r"$\le limit = 2$", True, 2.0)
    assert not at_most("x", 2.1, "limit", 2.0).holds
    assert over(np.array([1.0, 2.0]), np.array([0.0, 4.0])).tolist() == [math.inf, 0.5]
    assert nonnegative("tau", [0, 1]).dtype == np.float64
    for wrong, words in ((-1.0, "tau has the entry -1"), ([0, math.nan], "tau has the entry nan")):
        with pytest.raises(ValueError, match=words):
            nonnegative("tau", wrong)


def test_one_interface(pair):
    _, theorem, path = pair
    assert isinstance(theorem, Theorem)
    frame = theorem.hypothesis_frame()
    assert list(frame) == ["statement", "value", "limit", "holds"]
    assert len(frame) == len(theorem.hypotheses)
    assert theorem.holds == bool(frame.holds.all())
    theorem.require_path(path)
    for check in (theorem.check(path), theorem.inequalities(path)):
        assert isinstance(check, Check)
        assert check.slack
        assert check.holds, check.slack
        assert 0 < len(check.frame) <= len(path)
    clock = theorem.subject.clock
    bound = theorem.bound(path[clock])
    assert bound.shape == path[clock].shape
    assert not np.isnan(bound).any()
    assert np.ndim(theorem.bound(2.0)) == 0
    with pytest.raises(ValueError, match="entry -1"):
        theorem.bound([1.0, -1.0])


def test_one_meaning_of_holds(pair):
    _, theorem, _ = pair
    kept = theorem.hypotheses
    theorem.hypotheses = [*kept, Hypothesis("never", 1.0, "< 0", False)]
    assert not theorem.holds
    theorem.hypotheses = [Hypothesis("always", 1.0, "> 0", True)]
    assert theorem.holds
    theorem.hypotheses = kept


@pytest.mark.parametrize("method", ["check", "inequalities"])
def test_what_is_no_path_is_refused(pair, method):
    _, theorem, path = pair
    for wrong in (None, path.frame(), "path.npz"):
        with pytest.raises(TypeError, match=r"path is a .*; expected a Path"):
            getattr(theorem, method)(wrong)


@pytest.mark.parametrize("method", ["check", "inequalities"])
def test_paths_of_others_are_refused(pair, method):
    name, theorem, path = pair
    other = build("escape" if name == "no_rotation" else "no_rotation")[1]
    with pytest.raises(ValueError, match=f"path has kind .*; expected '{path.meta['kind']}'"):
        getattr(theorem, method)(other)


def test_a_conclusion_that_fails_by_little_is_seen(pair):
    name, theorem, path = pair
    column, direction, line = BREAKS[name]
    ends = Path(
        {name: values[[0, -1]] for name, values in path.columns.items()},
        {name: values[[0, -1]] for name, values in path.states.items()},
        meta=path.meta,
    )
    room = theorem.check(ends).slack[line]
    unit = max(1.0, abs(path["P"][-1])) if name == "near_init_flow" else 1.0
    for excess, holds in ((0.5e-7, True), (2e-7, False)):
        values = ends[column].copy()
        if name.startswith("regression"):  # residuals, of which the loss is half the square
            values[-1] = 0.5 * (theorem.bound(ends["t"][-1]) + excess * theorem.R) ** 2
        else:
            values[-1] += direction * (room + excess) * unit
        check = theorem.check(Path({**ends.columns, column: values}, ends.states, meta=ends.meta))
        assert check.slack[line] == pytest.approx(-excess, rel=0.5)
        assert check.holds == holds, check.slack


def test_every_theorem_is_documented_alike():
    for name in NAMES:
        theorem = type(build(name)[0])
        for method in ("bound", "check", "inequalities"):
            text = inspect.getdoc(getattr(theorem, method))
            assert text
            if method != "bound":
                assert "Returns:" in text
                assert "Raises:" in text


def test_a_bound_has_a_limit_at_infinity(pair):
    _, theorem, _ = pair
    late, end = theorem.bound([1e300, math.inf])
    assert end == pytest.approx(late, rel=1e-6, abs=1e-200)
    assert float(theorem.bound(math.inf)) == end


@pytest.mark.parametrize(
    "times",
    [
        np.ma.masked_array([1.0, -1.0], [False, True]),
        [np.ma.masked_array([1.0, -1.0], [False, True])],
        np.array([1.0, 1j]),
        "1",
        [1.0, None],
    ],
)
def test_times_that_are_no_plain_numbers_are_refused(pair, times):
    name, theorem, _ = pair
    clock = "t" if name == "near_init_sgd" or name.startswith("regression") else "tau"
    with pytest.raises(TypeError, match=rf"^{clock} is .*; expected (a number|real|every entry)"):
        theorem.bound(times)
    if hasattr(theorem, "J_limit"):
        with pytest.raises(TypeError, match=r"^J is "):
            theorem.bound([1.0, 2.0], times)
