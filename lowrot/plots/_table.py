"""The numbers that a figure shows, read back from what was drawn."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.spines import Spine

HEAD = ("panel", "series", "kind", "piece", "x", "y", "value")

Row = tuple[object, ...]


def table(shown: Figure) -> str:
    """Return the data of a figure as CSV, a row a point.

    A panel is named by its title, a series by its label, both by their number if they have none;
    the value is what a colour, an area or a text beside the point shows. An area is given by its
    outline, a level by its one coordinate. What has a label that begins with an underscore is
    decoration and left out.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    for number, ax in enumerate(shown.axes, 1):
        if ax.get_label() != "<colorbar>" and ax.get_visible():
            titles = [ax.get_title(side) for side in ("left", "center", "right")]
            panel = next(filter(None, titles), str(number))
            writer.writerows((panel, *map(_written, row)) for row in _series(ax))
    return out.getvalue()


def _series(ax: Axes) -> Iterator[Row]:
    """Yield the rows of one panel, without its name."""
    labels = {
        part: str(container.get_label())
        for container in ax.containers
        for part in _flat(container)
        if isinstance(part, Artist)
    }
    unnamed = 0
    for artist in ax.get_children():
        if not artist.get_visible() or isinstance(artist, Spine) or artist is ax.patch:
            continue
        name = labels.get(artist, str(artist.get_label()))
        if name.startswith("_") and not name.startswith(("_child", "_nolegend_", "_container")):
            continue
        rows = [row for row in _rows(artist, ax) if all(map(_known, row[2:4]))]
        if rows:
            if not name or name.startswith("_"):
                unnamed += 1
                name = f"series {unnamed}"
            yield from ((name, *row) for row in rows)
    for text in ax.texts:
        if any(sign.isdigit() for sign in text.get_text()):
            yield ("text", "text", 1, *text.get_position(), text.get_text())


def _rows(artist: Artist, ax: Axes) -> Iterator[Row]:
    """Yield kind, piece, x, y and value of every point of an artist."""
    if isinstance(artist, Line2D):
        yield from _line(artist, ax)
    elif isinstance(artist, PathCollection):
        at: np.ndarray = np.ma.filled(np.ma.asarray(artist.get_offsets()), np.nan)
        shown = artist.get_array()
        sizes: list[object] = list(artist.get_sizes() if shown is None else np.asarray(shown))
        each = sizes if len(sizes) == len(at) else [""] * len(at)
        yield from (("point", 1, x, y, value) for (x, y), value in zip(at, each))
    elif isinstance(artist, QuadMesh):
        corners, shown = np.asarray(artist.get_coordinates(), float), artist.get_array()
        middles = 0.25 * (corners[1:, 1:] + corners[1:, :-1] + corners[:-1, 1:] + corners[:-1, :-1])
        cells = np.ravel(np.asarray(shown))
        yield from (("cell", 1, x, y, v) for (x, y), v in zip(middles.reshape(-1, 2), cells))
    elif isinstance(artist, Collection) and not getattr(artist, "filled", False):
        kind = "segment" if isinstance(artist, LineCollection) else "outline"
        shown = getattr(artist, "levels", artist.get_array())
        values: list[object] = [""] if shown is None else list(np.asarray(shown))
        for piece, path in enumerate(artist.get_paths(), 1):
            value = values[piece - 1] if piece <= len(values) else ""
            yield from ((kind, piece, x, y, value) for x, y in np.asarray(path.vertices))
    elif isinstance(artist, AxesImage):
        for (row, column), value in np.ndenumerate(np.asarray(artist.get_array())):
            yield ("cell", 1, column, row, value)
    elif isinstance(artist, Rectangle):
        yield ("bar", 1, artist.get_x() + artist.get_width() / 2, artist.get_height(), "")
    elif isinstance(artist, Patch) and type(artist) is not Patch:
        corners = artist.get_patch_transform().transform(artist.get_path().vertices)
        yield from (("outline", 1, x, y, "") for x, y in corners)


def _line(line: Line2D, ax: Axes) -> Iterator[Row]:
    """Yield the points of a line; one coordinate of a line across the whole panel."""
    of_x, of_y = line.get_transform().contains_branch_seperately(ax.transData)
    x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    if of_x and of_y:
        kind = "point" if line.get_linestyle() in ("None", "none", "") else "line"
        yield from ((kind, 1, *at, "") for at in zip(x, y))
    elif (of_x or of_y) and len(x):
        yield ("level", 1, x[0] if of_x else "", y[0] if of_y else "", "")


def _flat(parts: object) -> Iterator[object]:
    """Yield the artists of a container, whose parts may be containers."""
    if isinstance(parts, Iterable) and not isinstance(parts, (str, Artist)):
        for part in parts:
            yield from _flat(part)
    else:
        yield parts


def _known(value: object) -> bool:
    """Return whether a coordinate is drawn; a level has one that is empty."""
    return not (isinstance(value, (float, np.floating)) and np.isnan(value))


def _written(value: object) -> object:
    """Return a number with eight digits, and anything else as it is."""
    return f"{float(value):.8g}" if isinstance(value, (float, np.floating)) else value
