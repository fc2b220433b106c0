"""The dark figure of a light one."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread

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


def test_pictures_inside_change_their_colours_and_not_what_they_cover():
    def pixels(svg):
        (found,) = re.findall(r"(?<=image/png;base64,)[\w+/=\s]+", svg)
        return imread(io.BytesIO(base64.b64decode(found)))

    (ax,) = plots.grid(1)
    ax.imshow(np.linspace(-1, 1, 40)[:, None], cmap=plots.SIGNED, interpolation="nearest")
    out = io.BytesIO()
    ax.figure.savefig(out, format="svg")
    day = out.getvalue().decode()
    light, dark = pixels(day), pixels(plots.night(day))
    assert (light[..., 3] == dark[..., 3]).all()
    for first, opaque in (("#0072b2", light[..., 2] > 0.6), ("#d55e00", light[..., 0] > 0.8)):
        seen = opaque & (light[..., 3] > 0)
        assert {to_hex(c) for c in light[seen][:, :3]} == {first}
        assert {to_hex(c) for c in dark[seen][:, :3]} == {at_night(first)}


def test_links_inside_are_no_colours():
    assert plots.night('<use href="#abcdef0"/><a href="url(#aaaaaa)"/>') == (
        '<use href="#abcdef0"/><a href="url(#aaaaaa)"/>'
    )


def test_an_unknown_colour_keeps_its_hue():
    assert at_night("#400000")[1:3] > at_night("#400000")[3:5]
    assert at_night("#ffeedd") == "#ffeedd"
    plt.close("all")
