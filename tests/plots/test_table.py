"""The numbers that a figure shows are those that were drawn."""

import csv
import io

import numpy as np
import pytest

from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")


def rows(ax):
    return list(csv.DictReader(io.StringIO(plots.table(ax.figure))))


def points(found, series):
    return [(float(r["x"]), float(r["y"])) for r in found if r["series"] == series]


def test_lines_points_and_levels():
    left, right = plots.grid(2)
    left.plot([1, 2, 3], [0.1, np.nan, 0.3], label="line")
    left.axhline(0.25, label="level")
    left.plot([0, 1], [0, 1], label="_frame")
    right.set_title("panel $d$")
    right.scatter([1, 2], [3, 4], s=[10, 20], label="dots")
    found = rows(left)
    assert points(found, "line") == [(1, 0.1), (3, 0.3)]
    assert [(r["x"], r["y"], r["kind"]) for r in found if r["series"] == "level"] == [
        ("", "0.25", "level")
    ]
    assert "_frame" not in {r["series"] for r in found}
    assert points(found, "dots") == [(1, 3), (2, 4)]
    assert [r["value"] for r in found if r["series"] == "dots"] == ["10", "20"]
    assert {r["panel"] for r in found} == {"1", "panel $d$"}


def test_intervals_areas_bars_and_cells():
    (ax,) = plots.grid(1)
    ax.errorbar([1.0], [2.0], [0.5], label="error")
    ax.fill_between([0, 1], [0, 0], [1, 2], label="band")
    ax.bar([4], [7], label="bar")
    ax.imshow([[1.5, 2.5]], label="image")
    found = rows(ax)
    assert (1, 1.5) in points(found, "error")
    assert (1, 2.5) in points(found, "error")
    assert {(0, 1), (1, 2)} <= set(points(found, "band"))
    bars = [(r["x"], r["y"]) for r in found if r["kind"] == "bar"]
    assert [(float(x), float(y)) for x, y in bars] == [(4, 7)]
    cells = {(r["x"], r["y"]): float(r["value"]) for r in found if r["kind"] == "cell"}
    assert cells == {("0", "0"): 1.5, ("1", "0"): 2.5}


def test_numbers_beside_the_points_are_kept():
    (ax,) = plots.grid(1)
    ax.text(0.5, 0.25, "0.38")
    ax.text(0.1, 0.1, "words")
    assert [r["value"] for r in rows(ax)] == ["0.38"]
