"""A wide and a narrow layout of every figure: on a phone its panels stand below one another."""

from __future__ import annotations

import functools
import inspect
import math
import string
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

WIDEST = 7.1
"""Inches: as wide as a column of text on a desk."""
NARROW = 3.7
"""Inches: as wide as the screen of a phone."""

P = ParamSpec("P")
Drawn = TypeVar("Drawn", bound="Axes | Sequence[Axes] | Fragment")

_narrow: ContextVar[bool] = ContextVar("narrow", default=False)
_inside: ContextVar[bool] = ContextVar("inside", default=False)


MIME = "application/vnd.lowrot.figure+json"
"""Of the record that a notebook keeps beside a figure."""


class Fragment:
    """A fragment of a page: display it in a notebook, or write ``str(..)`` into any page.

    Attributes:
        html: what is displayed.
        table: its numbers as CSV.
        source: module, name and lines of the function that made it, if it was marked by `figure`.
    """

    def __init__(self, html: str, table: str = "") -> None:
        self.html, self.table = html, table
        self.source: dict[str, Any] | None = None

    def __str__(self) -> str:
        return self.html

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        record: dict[str, Any] = {"data": self.table}
        if self.source:
            record["source"] = self.source
        return {"text/html": self.html, MIME: record}


@dataclass(frozen=True)
class Origin:
    """How a figure came about: which function drew it, and how it is drawn again."""

    function: Callable[..., Any]
    draw: Callable[[], Any]

    def source(self) -> dict[str, Any]:
        """Return module, name and first and last line of the function."""
        lines, first = inspect.getsourcelines(self.function)
        where = [first, first + len(lines) - 1]
        name = self.function.__name__
        return {"module": self.function.__module__, "name": name, "lines": where}


_origins: WeakKeyDictionary[Figure, Origin] = WeakKeyDictionary()


def figure(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """Mark a function that draws one figure and returns its axes, or a fragment with sliders.

    The function is remembered as the source of the figure. When a notebook shows the axes, it is
    called again with the same arguments for a screen of `NARROW` inches; then `grid` puts panels
    below one another and `narrow` is true. A call that draws into axes of its caller, or one
    inside such a function, is left alone.
    """

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        if _inside.get():
            return draw(*args, **kwargs)
        before = set(plt.get_fignums())
        mark = _inside.set(True)
        try:
            axes = draw(*args, **kwargs)
        finally:
            _inside.reset(mark)
        if isinstance(axes, Fragment):
            axes.source = Origin(draw, lambda: None).source()
            return axes
        made = (axes if isinstance(axes, Axes) else axes[0]).get_figure(root=True)
        if isinstance(made, Figure) and made.number not in before:
            _origins[made] = Origin(draw, functools.partial(draw, *args, **kwargs))
        return axes

    return drawn


def origin(shown: Figure) -> Origin | None:
    """Return how a figure was drawn, if a function marked by `figure` did."""
    return _origins.get(shown)


def narrow() -> bool:
    """Return whether what is drawn is for a phone."""
    return _narrow.get()


@contextmanager
def redrawn(made: Origin) -> Iterator[Figure]:
    """Draw a figure for a phone, and forget it afterwards."""
    marks = _narrow.set(True), _inside.set(True)
    shown: Figure | None = None
    try:
        with plt.ioff():
            axes = made.draw()
            found = (axes if isinstance(axes, Axes) else axes[0]).get_figure(root=True)
            assert isinstance(found, Figure)
            shown = found
            yield shown
    finally:
        _narrow.reset(marks[0])
        _inside.reset(marks[1])
        if shown is not None:
            plt.close(shown)


def grid(
    columns: int,
    rows: int = 1,
    *,
    width: float = WIDEST,
    height: float = 2.9,
    stacked: int = 1,
    stacked_height: float = 2.4,
    letters: bool = True,
) -> list[Axes]:
    """Return the axes of a new figure, row by row.

    Several panels have the letters (a), (b) and so on beside their titles: a caption names them so,
    as what is left and right on a desk is above and below on a phone.

    Args:
        columns: panels in a row.
        rows: of panels.
        width: of the figure, in inches.
        height: of a row, in inches.
        stacked: panels in a row on a phone, where the figure is `NARROW` inches wide.
        stacked_height: of a row there.
        letters: whether several panels have them.
    """
    if narrow():
        rows, columns = -(-columns * rows // stacked), stacked
        width, height = NARROW, stacked_height
    _, axes = plt.subplots(rows, columns, figsize=(width, height * rows), squeeze=False)
    panels = list(axes.ravel())
    for ax, letter in zip(panels, string.ascii_lowercase if letters and len(panels) > 1 else ""):
        ax.annotate(
            lettered(letter),
            (0.0, 1.0),
            xycoords="axes fraction",
            xytext=(-4.0, 6.0),  # as high as the title, and before it
            textcoords="offset points",
            ha="right",
        )
    return panels


def lettered(letter: str) -> str:
    """Return the letter of a panel as figures and captions write it."""
    return f"({letter})"


def legend_under(ax: Axes, columns: int = 1) -> None:
    """Put the legend of axes below their labels, whatever their height."""
    shown = ax.get_figure(root=True)
    assert shown is not None
    below = ax.transAxes + ScaledTranslation(0.0, -0.5, shown.dpi_scale_trans)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), bbox_transform=below, ncol=columns)


def log_axes(ax: Axes) -> None:
    """Make both axes logarithmic, with numbers at 1, 2 and 5 where powers of ten are too few."""
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
        low, high = axis.get_view_interval()
        if high < 30 * low:
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: _written(value)))


def _written(value: float) -> str:
    """Return a number at a tick: as a power of ten where it would have many zeros."""
    power = math.floor(math.log10(value) + 1e-9)
    if -3 <= power < 4:
        return f"{value:g}"
    digits = round(value / 10.0**power)
    times = "" if digits == 1 else rf"{digits} \cdot "
    return f"${times}10^{{{power}}}$"


def legend_below(ax: Axes, columns: int) -> None:
    """Put the legend of one of the axes below their figure, in so many columns (a phone: two)."""
    handles, labels = ax.get_legend_handles_labels()
    columns = min(columns, 2) if narrow() else columns
    ax.figure.legend(handles, labels, loc="outside lower center", ncol=columns)
