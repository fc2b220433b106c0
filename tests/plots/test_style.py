"""The style: every colour is seen by day and by night."""

import pytest
from matplotlib.colors import to_hex

from lowrot import plots
from lowrot.plots._night import at_night, contrast
from lowrot.plots._style import AT_NIGHT, CLOCK, NIGHT

NAMES = ["POSITIVE", "NEGATIVE", "ACCENT", "SECOND", "THIRD", "MUTED", "INK"]


@pytest.mark.parametrize("name", NAMES)
def test_every_colour_is_seen_by_day_and_by_night(name):
    colour = getattr(plots, name)
    assert contrast(colour, plots.DAY) >= 3
    assert contrast(AT_NIGHT[colour], NIGHT) >= 3


@pytest.mark.parametrize("place", range(0, 64, 3))
def test_the_clock_is_seen_by_day_and_by_night(place):
    colour = to_hex(CLOCK(place))
    assert contrast(colour, plots.DAY) >= 3
    assert contrast(at_night(colour), NIGHT) >= 3


def test_contrast_is_that_of_the_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
