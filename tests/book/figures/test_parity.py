"""Figures of the chapter on sample complexity: what they draw, on small frames."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import lowrot
from figures import parity as figures

pytestmark = pytest.mark.usefixtures("headless")


def curve(errors, sizes=(4, 8, 16)):
    return lowrot.samples_needed(sizes, np.array(errors), resamples=50)


def test_the_scrubber_shows_relevant_coordinates_and_errors():
    data, net = lowrot.sparse_parity(4), lowrot.standard(6, 4, 0)
    path = lowrot.gradient_flow(net, data, stop={"tau": 1.0}, save=[0.0, 0.5, 1.0])
    words = str(figures.turning(path, [0.5, 0.25, 0.125], title="a title"))
    assert "0.125" in words
    assert "error" in words
    drawn = re.search(r"<script type=.application/json.[^>]*>(.*?)</script>", words, re.S)
    assert drawn is None or json.loads(drawn[1])


def test_one_run_has_its_columns_and_the_stop():
    columns = ("tau", "error", "cor2", "limit", "near")
    frame = pd.DataFrame({name: [0.1 * k, 0.2, 0.3] for k, name in enumerate(columns)})
    left, right = figures.one_run(frame, 0.25)
    assert list(left.lines[0].get_ydata()) == list(frame.error)
    drawn = [list(line.get_ydata()) for line in right.lines[:3]]
    assert drawn == [list(frame[name]) for name in ("cor2", "near", "limit")]
    assert left.lines[-1].get_xdata()[0] == 0.25


def test_correlations_are_means_beside_the_limit():
    frame = pd.DataFrame(
        {
            "d": 4,
            "method": ["K2", "K2", "NTK, full", "NTK, full"],
            "share": 0.5,
            "cor2": [0.2, 0.4, 0.8, 1.0],
        }
    )
    (axis,) = figures.correlations(frame)
    heights = [line.get_ydata()[0] for line in axis.lines if len(line.get_ydata()) == 1]
    assert heights == pytest.approx([0.3, 0.9])
    assert any(list(line.get_ydata()) == [0, 1, 1] for line in axis.lines)


def test_the_lemma_is_a_line_above_points():
    axis = figures.lemma(pd.DataFrame({"delta": [0.5, 1.0], "value": [0.6, 0.2]}))
    points, line = axis.lines[:2]
    assert list(points.get_ydata()) == [0.6, 0.2]
    assert list(line.get_ydata()) == pytest.approx([1.0, 1 - np.sqrt(0.5)])


def test_feasibility_is_a_share_of_streams():
    least = pd.DataFrame({"d": [4] * 4, "n": [8, 16, 12, 20]})
    found = pd.DataFrame({"d": [4, 4, 8, 8], "n": [8, 16, 8, 16], "error": [0.4, 0.1, 0.5, 0.2]})
    left, right = figures.feasibility(least, found)
    assert list(left.lines[0].get_xdata()) == [2, 3, 4, 5]
    assert list(left.lines[0].get_ydata()) == [0.25, 0.5, 0.75, 1.0]
    assert list(right.lines[0].get_ydata()) == [0.4, 0.1]


def test_errors_have_a_panel_a_dimension():
    frame = pd.DataFrame(
        {"d": [4, 4, 8, 8], "method": "K2", "n": [4, 8, 4, 8], "error": [0.4, 0.2, 0.5, 0.3]}
    )
    axes = figures.errors(frame)
    assert [axis.get_title("left")[-7:] for axis in axes] == ["$d = 4$", "$d = 8$"]
    assert list(axes[1].lines[0].get_ydata()) == [0.5, 0.3]


def test_growth_has_intervals_and_laws():
    steep = curve([[0.5, 0.1, 0.0], [0.5, 0.2, 0.0], [0.5, 0.04, 0.0]])
    laws = {"law": pd.Series([4.0, 5.0], [2, 4])}
    groups = {"kernels": {"K2": {2: steep, 4: steep}}, "trained": {"flow, m = 64": {2: steep}}}
    axis, other = figures.growth(groups, laws)
    assert axis.get_ylim() == other.get_ylim()
    assert axis.get_ylim()[0] < 4.0 < steep.value < axis.get_ylim()[1]
    bar = axis.containers[0]
    assert list(bar[0].get_ydata()) == [steep.value] * 2
    low, high = bar[1][0].get_ydata()[0], bar[1][1].get_ydata()[0]
    assert (low, high) == pytest.approx((steep.low, steep.high))
    assert any(list(line.get_ydata()) == [4.0, 5.0] for line in axis.lines)


def test_a_method_looks_alike_in_every_figure():
    steep = curve([[0.5, 0.1, 0.0], [0.5, 0.2, 0.0], [0.5, 0.04, 0.0]])
    names = ["K2", "flow, late", "frozen margin", "NTK, outer", "NTK, full"]
    frame = pd.DataFrame(
        [(4, name, n, 0.5 / n) for name in names for n in (4, 8)],
        columns=["d", "method", "n", "error"],
    )

    def looks(axis):
        return {
            label: (line.get_color(), line.get_marker())
            for line, label in zip(*axis.get_legend_handles_labels())
            if label in names
        }

    (some,), (few,) = figures.errors(frame), figures.errors(frame[frame.method != "K2"])
    assert {name: looks(some)[name] for name in names[1:]} == looks(few)
    (grown,) = figures.growth({"all": {name: {4: steep} for name in names}}, {})
    bars = {bar.get_label(): bar[0] for bar in grown.containers}
    assert {n: (bar.get_color(), bar.get_marker()) for n, bar in bars.items()} == looks(some)
    assert len({figures._look(name) for name in figures._LOOKS}) == len(figures._LOOKS)
