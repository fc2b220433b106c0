"""The dark figure of a light one."""

import io

import matplotlib.pyplot as plt
import pytest

from lowrot import plots
from lowrot.plots._night import LEGIBLE, at_night, colours, contrast
from lowrot.plots._style import NIGHT

pytestmark = pytest.mark.usefixtures("headless")


def drawn():
    (ax,) = plots.grid(1)
    ax.plot([0, 1], [0, 1], "o-", color=plots.POSITIVE, mec="white")
    ax.plot([0, 1], [1, 0], color="#123456")
    out = io.BytesIO()
    ax.figure.savefig(out, format="svg")
    return out.getvalue().decode()


def test_colours_have_their_counterpart_and_nothing_else_changes():
    light = drawn()
    dark = plots.night(light)
    assert {"#0072b2", "#ffffff", "#123456"} <= colours(light)
    assert not {"#0072b2", "#ffffff", "#123456"} & colours(dark)
    assert {"#56b4e9", NIGHT} <= colours(dark)
    for day in colours(light):
        dark = dark.replace(at_night(day), day)
    assert dark == light


def test_everything_is_seen_at_night():
    for colour in colours(plots.night(drawn())) - {NIGHT}:
        assert contrast(colour, NIGHT) >= LEGIBLE


def test_links_inside_are_no_colours():
    assert plots.night('<use href="#abcdef0"/><a href="url(#aaaaaa)"/>') == (
        '<use href="#abcdef0"/><a href="url(#aaaaaa)"/>'
    )


def test_an_unknown_colour_keeps_its_hue():
    assert at_night("#400000")[1:3] > at_night("#400000")[3:5]
    assert at_night("#ffeedd") == "#ffeedd"
    plt.close("all")
