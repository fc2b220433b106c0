"""What keeps a reader from reading a figure, found in what was drawn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

_DOT = 2.0
"""Dashes shorter than this, in widths of the line, are dots."""
_THIN = 1.2
"""Points: dots of a thinner line are lost at night."""
_THICK = 1.7
"""A line so many times as thick as another is told from it by that."""
_TOUCH = 1.0
"""Points: letters may come so near to each other's boxes."""


def faults(shown: Figure) -> list[str]:
    """Return a sentence for each fault of a figure.

    Lines of one panel that differ in colour alone, and dots too thin for the night; a legend with
    one name twice, or on top of a curve; texts on top of each other; a panel whose axes do not say
    what they show.
    """
    shown.draw_without_rendering()
    panels = [ax for ax in shown.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]
    found: list[str] = []
    for number, ax in enumerate(panels, 1):
        name = _name(ax, number)
        found += [f"{name}: {fault}" for fault in (*_alike(ax), *_faint(ax), *_unnamed(ax))]
        legend = ax.get_legend()
        found += [f"{name}: {fault}" for fault in _of_legend(legend, ax)] if legend else []
    for legend in shown.legends:
        found += list(_of_legend(legend))
    return found + list(_on_top(shown))


def _name(ax: Axes, number: int) -> str:
    titles = (ax.get_title(side) for side in ("left", "center", "right"))
    return f"panel {next(filter(None, titles), number)!r}"


def _lines(ax: Axes) -> Iterator[Line2D]:
    """Yield the lines that show data; a label of one's own with an underscore marks decoration."""
    for line in ax.lines:
        label = str(line.get_label())
        if line.get_visible() and (not label.startswith("_") or label.startswith("_child")):
            yield line


def _names(ax: Axes) -> dict[Line2D, str]:
    """Return the names of lines, those of error bars too."""
    out = {line: str(line.get_label()) for line in _lines(ax)}
    for container in ax.containers:
        if isinstance(container, ErrorbarContainer) and container[0] is not None:
            out[container[0]] = str(container.get_label())
            for cap in container[1]:
                out.pop(cap, None)
    return out


def _dashes(line: Line2D) -> tuple[float, ...]:
    """Return the dashes and gaps of a line, in widths of it; none for a solid one."""
    _, dashes = getattr(line, "_unscaled_dash_pattern", (0, None))
    return () if dashes is None else tuple(round(float(length), 3) for length in dashes)


def _look(line: Line2D) -> tuple[object, ...]:
    """Return what tells a line apart beside its colour and width."""
    marker = line.get_marker()
    shape = None if str(marker).lower() in ("none", "", " ") else marker
    hollow = shape is not None and str(line.get_markerfacecolor()).lower() == "none"
    if str(line.get_linestyle()).lower() in ("none", "", " "):
        return ("no line", shape, hollow)
    return (_dashes(line), shape, hollow)


def _alike(ax: Axes) -> Iterator[str]:
    """Yield pairs of lines that only their colours tell apart."""
    told = set()
    for (one, name), (other, its) in itertools.combinations(_names(ax).items(), 2):
        colours = {to_hex(line.get_color()) for line in (one, other)}
        thin, thick = sorted((one.get_linewidth(), other.get_linewidth()))
        pair = (name, its)
        if len(colours) == 2 and _look(one) == _look(other) and thick < _THICK * thin:
            if pair not in told and not all(label.startswith("_") for label in pair):
                yield f"{name!r} and {its!r} differ in colour alone"
            told.add(pair)


def _faint(ax: Axes) -> Iterator[str]:
    for line, name in _names(ax).items():
        dashes = _dashes(line)
        if dashes and max(dashes[::2]) < _DOT and line.get_linewidth() < _THIN:
            yield f"the dots of {name!r} are thin"


def _unnamed(ax: Axes) -> Iterator[str]:
    """Yield axes with numbers and without words."""
    if not ax.axison:
        return
    spec = ax.get_subplotspec()
    peers = [other for other in ax.figure.axes if other.get_subplotspec() is not None]
    if spec is None:
        return
    below = [o for o in peers if o.get_subplotspec().colspan == spec.colspan]  # type: ignore[union-attr]
    beside = [o for o in peers if o.get_subplotspec().rowspan == spec.rowspan]  # type: ignore[union-attr]
    if len(ax.get_xticks()) and not any(other.get_xlabel() for other in below):
        yield "no words at its horizontal axis"
    words = any(ax.get_title(side) for side in ("left", "center", "right"))
    if len(ax.get_yticks()) and not words and not any(other.get_ylabel() for other in beside):
        yield "no words at its vertical axis"


def _of_legend(legend: Legend, ax: Axes | None = None) -> Iterator[str]:
    names = [text.get_text() for text in legend.get_texts()]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"the legend has {name!r} {names.count(name)} times"
    if ax is None:
        return
    box = _shrunk(legend.get_window_extent(), _TOUCH * 4)
    for line, name in _names(ax).items():
        if _meets(_drawn(line, ax), box):
            yield f"the legend lies on {name!r}"


def _drawn(line: Line2D, ax: Axes) -> np.ndarray:
    """Return points along a line, in pixels: what is between its corners, and inside the panel."""
    corners = line.get_transform().transform(line.get_xydata())
    corners = corners[np.isfinite(corners).all(axis=1)]
    if _look(line)[0] != "no line" and len(corners) > 1:
        along = np.linspace(0.0, 1.0, 60)[None, :, None]
        start, end = corners[:-1, None, :], corners[1:, None, :]
        corners = (start + along * (end - start)).reshape(-1, 2)
    frame = ax.get_window_extent()
    return corners[_inside(corners, frame)]


def _inside(points: np.ndarray, box: Bbox) -> np.ndarray:
    x, y = points.T
    out: np.ndarray = (x >= box.x0) & (x <= box.x1) & (y >= box.y0) & (y <= box.y1)
    return out


def _meets(points: np.ndarray, box: Bbox) -> bool:
    return bool(len(points)) and bool(_inside(points, box).any())


def _shrunk(box: Bbox, by: float) -> Bbox:
    return Bbox.from_extents(box.x0 + by, box.y0 + by, box.x1 - by, box.y1 - by)


def _on_top(shown: Figure) -> Iterator[str]:
    """Yield pairs of texts that lie on each other."""
    seen = [(text.get_text(), text.get_window_extent()) for text in _texts(shown)]
    for (one, box), (other, its) in itertools.combinations(seen, 2):
        wide = min(box.x1, its.x1) - max(box.x0, its.x0)
        high = min(box.y1, its.y1) - max(box.y0, its.y0)
        if min(wide, high) > _TOUCH:
            yield f"{one!r} lies on {other!r}"


def _texts(shown: Figure) -> Sequence[Text]:
    """Return the texts of a figure that are drawn; ticks outside their axis are not."""
    out = []
    for ax in shown.axes:
        if not ax.get_visible():
            continue
        own = [t for t in ax.findobj(Text) if t.get_visible() and t.get_text().strip()]
        ticks = set()
        for axis in (ax.xaxis, ax.yaxis):
            every = [*axis.majorTicks, *axis.minorTicks]
            ticks |= {label for tick in every for label in (tick.label1, tick.label2)}
            drawn = axis.get_ticklabels(which="both") if ax.axison else []
            low, high = sorted(axis.get_view_interval())
            out += [
                label
                for label, at in zip(drawn, [*axis.get_majorticklocs(), *axis.get_minorticklocs()])
                if label.get_visible() and label.get_text().strip() and low <= at <= high
            ]
            if not ax.axison:
                ticks.add(axis.label)
        out += [text for text in own if text not in ticks]
    for legend in shown.legends:
        out += list(legend.get_texts())
    return list(dict.fromkeys(out))
