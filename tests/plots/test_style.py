"""The style: colours that can be told by day and by night, grids that fit."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")


def at_night(colour):
    """What the pages make of a colour in dark mode: ``invert(1) hue-rotate(180deg)``."""
    grey = np.array([0.213, 0.715, 0.072])
    return np.clip(2 * grey @ (1 - colour) - (1 - colour), 0, 1)


def contrast(colour, ground):
    """The ratio of the WCAG, from 1 to 21."""
    linear = [
        np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) for c in (colour, ground)
    ]
    low, high = sorted(float(c @ [0.2126, 0.7152, 0.0722]) for c in linear)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    "name", ["POSITIVE", "NEGATIVE", "ACCENT", "SECOND", "THIRD", "MUTED", "INK"]
)
def test_every_colour_is_seen_by_day_and_by_night(name):
    colour = np.array(to_rgb(getattr(plots, name)))
    assert contrast(colour, np.ones(3)) >= 3
    assert contrast(at_night(colour), np.array(to_rgb("#121212"))) >= 3


def test_a_grid_is_listed_row_by_row():
    axes = plots.grid(3, 2, height=1.5)
    assert axes[0].figure.get_size_inches().tolist() == [plots.WIDEST, 3.0]
    at = [(ax.get_subplotspec().rowspan.start, ax.get_subplotspec().colspan.start) for ax in axes]
    assert at == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_a_legend_below_is_that_of_its_axes():
    left, right = plots.grid(2)
    left.plot([0, 1], label="shown")
    right.plot([0, 1], label="not shown")
    plots.legend_below(left, 1)
    (legend,) = left.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["shown"]
