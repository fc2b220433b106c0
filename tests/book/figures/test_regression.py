"""Figures of the chapter on regression: what they draw, on short runs and made-up rows."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import lowrot
from data import regression as stored
from figures import regression as figures

pytestmark = pytest.mark.usefixtures("headless")


@pytest.fixture(scope="module")
def followed():
    net, data = lowrot.standard(12, 3, seed=0), lowrot.gaussian_regression(6, 3, seed=0)
    path = lowrot.regression_flow(net, data.X, data.y, stop={"relative_loss": 1e-6})
    return path, data


@pytest.fixture
def rows():
    points = itertools.product((50, 100), (1.0, 2.0, 6.0), stored.RATES, range(4))
    frame = pd.DataFrame(points, columns=["n", "ratio", "rates", "seed"])
    frame["phase"] = np.array(stored.PHASES)[np.arange(len(frame)) % 4]
    frame["B_loss"] = 1e-6 * frame.ratio
    frame["B_change"], frame["pairs"], frame["flips"] = 1 / frame.ratio, 40, 2
    frame["rate"], frame["rate_one_sided"] = 1.0, 0.2 * frame.seed + 0.1
    return frame


def test_the_story_counts_flips_and_the_change(followed):
    path, data = followed
    frame = figures.story(path, data, [0, len(path) - 1])
    assert frame.loc[0, ["change", "flipped"]].tolist() == [0.0, 0.0]
    signs = [path["V"][k] @ data.X.numpy().T > 0 for k in (0, -1)]
    assert frame.flipped[1] == pytest.approx((signs[0] != signs[1]).mean())
    kernels = [path.network(k).kernel(data.X, kink=None).numpy() for k in (0, -1)]
    change = np.linalg.norm(kernels[1] - kernels[0]) / np.linalg.norm(kernels[0])
    assert frame.change[1] == pytest.approx(change)
    certified = pd.DataFrame({"t": [1.0, 2.0], "bound": [1e-3, 1e-4]})
    left, right = figures.one_run(frame, certified)
    assert list(left.lines[0].get_ydata()) == list(frame.loss)
    assert list(right.lines[0].get_ydata()) == list(frame.change)


def test_crossings_are_both_sides_of_the_conditions(followed):
    path, data = followed
    frame = figures.crossing(path, data, [0, len(path) - 1])
    for k, row in zip((0, -1), frame.itertuples()):
        outer = lowrot.regression_outer(path.network(k), data.X, data.y)
        assert row.outer - row.outer_needs == pytest.approx(outer.psi)
        inner = lowrot.regression_certificate(path.network(k), data.X, data.y)
        assert row.pairs - row.pairs_need == pytest.approx(inner.psi)
        assert row.holds == inner.holds
    axes = figures.potentials({"one": frame, "two": frame}, frame)
    assert len(axes) == 3
    assert len(axes[0].lines) == 3
    assert list(axes[2].lines[0].get_ydata()) == list(frame.pairs)


@pytest.mark.parametrize("column", ["rates", "labels"])
def test_bars_are_the_shares_of_each_end(rows, column):
    if column == "labels":
        rows = rows[rows.n == 50].assign(labels=rows.rates)
    axes = figures.phases(rows, column=column)
    assert len(axes) == rows.groupby(["n", column]).ngroups
    _, part = next(iter(rows.groupby(["n", column], sort=False)))
    heights = [bar.get_height() for bar in axes[0].patches]
    counted = [
        ((part.ratio == ratio) & (part.phase == name)).sum() / (part.ratio == ratio).sum()
        for name in figures.PHASES
        for ratio in (1.0, 2.0, 6.0)
    ]
    assert heights == pytest.approx(counted)
    assert len({bar.get_hatch() or "" for bar in axes[0].patches}) == 4


def test_medians_and_real_rates(rows):
    axes = figures.beyond(rows[rows.n == 100])
    assert [list(line.get_ydata()) for line in axes[0].lines] == [[1e-6, 2e-6, 6e-6]] * 3
    assert list(axes[2].lines[1].get_ydata()) == [2.0, 2.0, 2.0]
    left, right = figures.real_rates(rows)
    assert set(left.lines[0].get_ydata()) == {1.0}
    assert min(right.lines[0].get_ydata()) == pytest.approx(0.1)


def test_widths_have_a_mark_each():
    asked = pd.DataFrame(
        [("n = 50", "A", 100.0), ("n = 50", "B", 10.0), ("n = 99", "A", 300.0)],
        columns=["case", "bound", "m"],
    )
    found = pd.DataFrame({"case": ["n = 50", "n = 99"], "m": [5, 9]})
    axis = figures.widths(asked, found)
    assert list(axis.lines[0].get_ydata()) == [100.0, 300.0]
    assert list(axis.lines[-1].get_ydata()) == [5, 9]
    assert not math.isnan(axis.get_ylim()[0])
