"""The dark figure of a light one: every colour is replaced, nothing is drawn again."""

from __future__ import annotations

import base64
import colorsys
import io
import re

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import imread, imsave

from lowrot.plots._style import AT_NIGHT, NIGHT

LEGIBLE = 3.0
"""The least contrast of graphics with their ground (WCAG 2.2, 1.4.11)."""

_COLOUR = re.compile(r"""(?<=[:"'\s])#[0-9a-f]{6}(?=[;"'\s])""", re.I)
_RASTER = re.compile(r"(?<=data:image/png;base64,)[A-Za-z0-9+/=\s]+")
_TABLE = {day.lower(): night.lower() for day, night in AT_NIGHT.items()}


def night(svg: str) -> str:
    """Return an SVG for the dark theme.

    Colours of the style have their counterpart in `AT_NIGHT`; any other is made lighter until it
    is legible on the dark ground. Pictures in it keep how far each pixel covers the ground.
    """
    return _RASTER.sub(_raster, _COLOUR.sub(lambda found: at_night(found[0]), svg))


def _raster(found: re.Match[str]) -> str:
    """Replace the colours of an embedded PNG of red, green, blue and opacity."""
    pixels = np.asarray(imread(io.BytesIO(base64.b64decode(found[0]))))
    for colour in np.unique(pixels[pixels[..., 3] > 0, :3], axis=0):
        pixels[(pixels[..., :3] == colour).all(-1), :3] = to_rgb(at_night(to_hex(colour)))
    out = io.BytesIO()
    imsave(out, pixels, format="png")
    return base64.b64encode(out.getvalue()).decode()


def colours(svg: str) -> set[str]:
    """Return the colours of an SVG, as ``#rrggbb``."""
    return {found.lower() for found in _COLOUR.findall(svg)}


def at_night(colour: str) -> str:
    """Return the counterpart of ``#rrggbb`` in the dark theme."""
    known = _TABLE.get(colour.lower())
    if known is not None:
        return known
    hue, light, saturation = colorsys.rgb_to_hls(*to_rgb(colour))
    while contrast(colour, NIGHT) < LEGIBLE:
        light = min(1.0, light + 0.02)
        colour = to_hex(colorsys.hls_to_rgb(hue, light, saturation))
    return colour


def contrast(colour: str, ground: str) -> float:
    """Return the ratio of the WCAG between two colours, from 1 to 21."""
    low, high = sorted(_luminance(each) for each in (colour, ground))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
