"""The wide and the narrow layout of one figure, and what a notebook keeps of it."""

import base64
import re

import matplotlib.pyplot as plt
import pytest

from lowrot import plots
from lowrot.plots import _notebook
from lowrot.plots._layout import MIME, origin

pytestmark = pytest.mark.usefixtures("headless")
PLACES = []


@plots.figure
def three_panels(values):
    axes = plots.grid(3, height=2.0)
    for ax in axes:
        ax.plot(values, label="line")
    plots.legend_below(axes[0], 5)
    spots = [ax.get_subplotspec() for ax in axes]
    PLACES.append([(spot.rowspan.start, spot.colspan.start) for spot in spots])
    return axes


def width(svg):
    return float(re.search(r'<svg [^>]*?width="([\d.]+)pt"', svg, re.S)[1]) / 72


def test_a_grid_is_listed_row_by_row():
    axes = plots.grid(3, 2, height=1.5)
    assert axes[0].figure.get_size_inches().tolist() == [plots.WIDEST, 3.0]
    at = [(ax.get_subplotspec().rowspan.start, ax.get_subplotspec().colspan.start) for ax in axes]
    assert at == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_panels_stand_below_one_another_on_a_phone():
    PLACES.clear()
    axes = three_panels([1, 3, 2])
    kept = _notebook.bundle(axes[0].figure)
    assert PLACES == [[(0, 0), (0, 1), (0, 2)], [(0, 0), (1, 0), (2, 0)]]
    assert width(kept["image/svg+xml"]) <= plots.WIDEST + 0.1
    assert width(kept[MIME]["narrow"]) <= plots.NARROW + 0.1
    assert kept[MIME]["narrow_letters"] >= 9 * 0.75  # 9 px, shown at their size
    assert base64.b64decode(kept["application/pdf"]).startswith(b"%PDF")
    assert plt.get_fignums() == [axes[0].figure.number]


def letters(axes):
    return [[text.get_text() for text in ax.texts] for ax in axes]


def test_panels_have_letters_before_their_titles():
    axes = plots.grid(2, 2)
    assert letters(axes) == [["(a)"], ["(b)"], ["(c)"], ["(d)"]]
    for ax in axes:
        ax.set(title="title", yticks=[])
    axes[0].figure.canvas.draw()
    for ax in axes:
        letter = ax.texts[0].get_window_extent()
        title = next(t for t in ax.get_children() if getattr(t, "get_text", str)() == "title")
        assert letter.x1 < title.get_window_extent().x0
        assert letter.x0 >= 0


def test_one_panel_needs_no_letter():
    assert letters(plots.grid(1)) == [[]]
    assert letters(plots.grid(2, letters=False)) == [[], []]


def test_the_source_is_the_function():
    source = origin(three_panels([1, 2])[0].figure).source()
    first, last = source["lines"]
    assert (source["module"], source["name"]) == (__name__, "three_panels")
    with open(__file__, encoding="utf8") as file:
        lines = file.read().splitlines()
    assert lines[first - 1] == "@plots.figure"
    assert lines[last - 1] == "    return axes"


def test_what_draws_into_axes_of_its_caller_is_left_alone():
    (ax,) = plots.grid(1)
    shown = plots.convergence({"a": ([1, 2], [1, 2])}, labels=("x", "y"), ax=ax)
    assert origin(shown.figure) is None
    assert "narrow" not in _notebook.bundle(shown.figure)[MIME]


def test_a_legend_below_is_that_of_its_axes():
    left, right = plots.grid(2)
    left.plot([0, 1], label="shown")
    right.plot([0, 1], label="not shown")
    plots.legend_below(left, 1)
    (legend,) = left.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["shown"]


@pytest.mark.parametrize(("most", "shown"), [(0.5, ["0.05", "0.1", "0.2", "0.5"]), (50, 4)])
def test_a_short_logarithmic_axis_has_numbers_in_full(most, shown):
    (ax,) = plots.grid(1)
    ax.plot([0.05, most], [1, 1000])
    plots.log_axes(ax)
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    ticks = zip(ax.get_xticks(), ax.get_xticklabels())
    inside = [label.get_text() for at, label in ticks if low <= at <= high]
    assert inside == shown if isinstance(shown, list) else all("10" in text for text in inside)
    assert not any(label.get_text() for label in ax.get_xticklabels(minor=True))


def test_a_short_logarithmic_axis_far_from_one_has_powers_of_ten():
    (ax,) = plots.grid(1)
    ax.plot([1, 2], [1.2e-5, 1.1e-4])
    plots.log_axes(ax)
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    shown = [t.get_text() for t in ax.get_yticklabels() if low <= t.get_position()[1] <= high]
    assert shown == [r"$2 \cdot 10^{-5}$", r"$5 \cdot 10^{-5}$", "$10^{-4}$"]


def test_a_legend_under_is_below_the_labels():
    (ax,) = plots.grid(1)
    ax.plot([0, 1], label="shown")
    ax.set_xlabel("words")
    plots.legend_under(ax)
    ax.figure.canvas.draw()
    legend, label = ax.get_legend().get_window_extent(), ax.xaxis.label.get_window_extent()
    assert legend.y1 <= label.y0 + 1
