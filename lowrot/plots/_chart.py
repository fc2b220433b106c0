"""Charts whose curves move with the sliders of a fragment."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from lowrot import _validate
from lowrot.plots._layout import Fragment, figure
from lowrot.plots._live import Drawn, Slider, fragment

Points = tuple[Sequence[float], Sequence[float]]

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 16.0, 8.0, 42.0
_WIDTH = 340.0


@dataclass(frozen=True)
class Axis:
    """One axis of a chart.

    Args:
        label: in plain letters.
        low: its first value.
        high: its last.
        ticks: values that are marked, as far as they lie between these.
        log: whether it is logarithmic.

    Raises:
        ValueError: limits that do not increase, or that have no logarithm.
        TypeError: arguments of another type.
    """

    label: str
    low: float
    high: float
    ticks: Sequence[float]
    log: bool = False

    def __post_init__(self) -> None:
        _validate.kind("label", self.label, str)
        log = _validate.flag("log", self.log)
        low = _validate.number("low", self.low, 5e-324 if log else -math.inf)
        _validate.number("high", self.high, math.nextafter(low, math.inf))
        for tick in _validate.listed("ticks", self.ticks):
            _validate.number("ticks", tick, 5e-324 if log else -math.inf)

    def _marks(self) -> Iterator[tuple[float, float]]:
        """Give the ticks that lie on the axis, and where."""
        marked = [tick for tick in self.ticks if self.low <= tick <= self.high]
        return zip(marked, self._place(marked))

    def _place(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return where values are, 0 at the low end and 1 at the high one."""
        scale = np.log if self.log else np.asarray
        with np.errstate(divide="ignore", invalid="ignore"):
            at = scale(np.asarray(values, dtype=float))
            low, high = scale(self.low), scale(self.high)
        out: np.ndarray = (at - low) / (high - low)
        return out


@dataclass(frozen=True)
class Curve:
    """A curve, or dots, at every frame.

    Args:
        name: in the legend; none when empty.
        frames: abscissas and ordinates, one pair a frame, or a single pair that stays.
        look: classes of the style: a colour (plus, minus, accent, second, quiet, ink) and any of
            thin, dashed, dotted, dots and square (of dots).

    Raises:
        ValueError: no frame, or one with sides of different lengths.
        TypeError: arguments of another type.
    """

    name: str
    frames: Sequence[Points]
    look: str

    def __post_init__(self) -> None:
        _validate.kind("name", self.name, str)
        _validate.kind("look", self.look, str)
        frames = _validate.listed("frames", self.frames)
        if not frames:
            raise ValueError("frames is empty; expected at least one pair of sides")
        for frame in frames:
            sides = [
                _validate.numbers("frames", side) for side in _validate.listed("frames", frame)
            ]
            if len(sides) != 2 or sides[0].shape != sides[1].shape or sides[0].ndim != 1:
                raise ValueError(
                    f"frames has a frame of shapes {[side.shape for side in sides]}; expected "
                    "abscissas and as many ordinates"
                )


@dataclass(frozen=True)
class Chart:
    """A panel with axes.

    Args:
        title: below it.
        x: the horizontal axis.
        y: the vertical axis.
        curves: drawn in this order.
        readout: a line of words a frame.
        square: whether both axes have the same unit, and are not drawn.
        about: what a reader who cannot see it should know.

    Raises:
        TypeError: arguments of another type.
    """

    title: str
    x: Axis
    y: Axis
    curves: Sequence[Curve]
    _: KW_ONLY
    readout: Sequence[str] = ()
    square: bool = False
    about: str = ""

    def __post_init__(self) -> None:
        for name, text in (("title", self.title), ("about", self.about)):
            _validate.kind(name, text, str)
        _validate.kind("x", self.x, Axis)
        _validate.kind("y", self.y, Axis)
        for curve in _validate.listed("curves", self.curves):
            _validate.kind("curves", curve, Curve)
        for line in _validate.listed("readout", self.readout):
            _validate.kind("readout", line, str)
        _validate.flag("square", self.square)


@figure
def explorer(
    charts: Chart | Sequence[Chart], sliders: Slider | Sequence[Slider], *, description: str
) -> Fragment:
    """Draw charts side by side, with sliders that choose among frames computed before.

    Several charts have the letters (a), (b) and so on before their titles.

    Args:
        charts: one or more; a curve has one frame, or one for each combination of places of the
            sliders, the last slider fastest.
        sliders: one or more.
        description: what the picture shows, for readers who cannot see it.

    Raises:
        ValueError: another number of frames.
        TypeError: arguments of another type.
    """
    panels = [charts] if isinstance(charts, Chart) else _validate.listed("charts", charts)
    controls = [sliders] if isinstance(sliders, Slider) else _validate.listed("sliders", sliders)
    _validate.kind("description", description, str)
    count = math.prod(len(_validate.kind("sliders", each, Slider).texts) for each in controls)
    start = 0
    for slider in controls:
        start = start * len(slider.texts) + slider.start
    for panel in panels:
        frames = {len(curve.frames) for curve in _validate.kind("charts", panel, Chart).curves}
        found = frames | ({len(panel.readout)} if panel.readout else set())
        if not found <= {1, count}:
            raise ValueError(
                f"charts: {panel.title!r} has {sorted(found)} frames; expected {count}, as sliders"
            )
    drawn = [_drawn(panel, start) for panel in panels]
    return fragment(drawn, controls, description=description)


def _drawn(chart: Chart, start: int) -> Drawn:
    height = _WIDTH if chart.square else 250.0
    moving = [curve for curve in chart.curves if len(curve.frames) > 1]
    paths = ""
    for curve in chart.curves:
        first = curve.frames[min(start, len(curve.frames) - 1)]
        kind = " moving" if len(curve.frames) > 1 else ""
        trace = _trace(_places(chart, first, height), curve)
        paths += f'<path class="curve {curve.look}{kind}" d="{trace}"/>'
    about = html.escape(chart.about or chart.title)
    frame = "" if chart.square else _axes(chart, height)
    svg = (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" aria-label="{about}">'
        f"{frame}{paths}</svg>"
    )
    record = {
        "kind": "chart",
        "readout": list(chart.readout),
        "moving": [[_places(chart, f, height) for f in curve.frames] for curve in moving],
    }
    rows = [
        (curve.name, "chart", number if len(curve.frames) > 1 else "", float(x), float(y), "")
        for curve in chart.curves
        for number, frame_points in enumerate(curve.frames)
        for x, y in zip(*frame_points)
    ]
    keys = "".join(_key(curve) for curve in chart.curves if curve.name)
    return Drawn(chart.title, svg, record, rows, f"<p>{keys}</p>" if keys else "", wide=True)


def _places(chart: Chart, points: Points, height: float) -> list[int | None]:
    """Return tenths of the units of the picture, x and y in turn; None where there is a gap."""
    inset = (0.0, 0.0, 0.0, 0.0) if chart.square else (_LEFT, _RIGHT, _TOP, _BOTTOM)
    left, right, top, bottom = inset
    x = left + chart.x._place(points[0]) * (_WIDTH - left - right)
    y = height - bottom - chart.y._place(points[1]) * (height - top - bottom)
    out: list[int | None] = []
    for u, v in zip(x, y):
        inside = math.isfinite(u) and math.isfinite(v)
        v = min(max(v, top - 4.0), height - bottom + 4.0) if inside else v
        out += [round(10 * float(u)), round(10 * float(v))] if inside else [None]
    return out


def _trace(numbers: Sequence[int | None], curve: Curve) -> str:
    """Return the path that the script makes of these numbers."""
    dots, out, pen, at = "dots" in curve.look.split(), "", "M", 0
    while at < len(numbers):
        x = numbers[at]
        if x is None:
            pen, at = "M", at + 1
            continue
        y = numbers[at + 1]
        assert y is not None
        out += f"{pen}{x / 10:g} {y / 10:g}{'h0' if dots else ''}"
        pen, at = "M" if dots else "L", at + 2
    return out


def _axes(chart: Chart, height: float) -> str:
    """Return both axes with ticks and labels."""
    foot, right = height - _BOTTOM, _WIDTH - _RIGHT
    out = [f'<path class="axes" d="M{_LEFT} {_TOP}V{foot}H{right}"/>']
    for value, place in chart.x._marks():
        x = _LEFT + float(place) * (right - _LEFT)
        out.append(f'<path class="axes" d="M{x:.1f} {foot}v4"/>')
        out.append(f'<text x="{x:.1f}" y="{foot + 17}" text-anchor="middle">{value:g}</text>')
    for value, place in chart.y._marks():
        y = foot - float(place) * (foot - _TOP)
        out.append(f'<path class="axes" d="M{_LEFT} {y:.1f}h-4"/>')
        out.append(f'<text x="{_LEFT - 7}" y="{y + 4.5:.1f}" text-anchor="end">{value:g}</text>')
    middle = (_LEFT + right) / 2
    x_label, y_label = html.escape(chart.x.label), html.escape(chart.y.label)
    out.append(f'<text x="{middle}" y="{height - 6}" text-anchor="middle">{x_label}</text>')
    out.append(
        f'<text transform="translate(11 {(foot + _TOP) / 2}) rotate(-90)" '
        f'text-anchor="middle">{y_label}</text>'
    )
    return "".join(out)


def _key(curve: Curve) -> str:
    """Return one entry of the legend."""
    middle = "M14 6h0" if "dots" in curve.look.split() else "M1 6h28"
    line = f'<path class="curve {curve.look}" d="{middle}"/>'
    sample = f'<svg viewBox="0 0 30 12" aria-hidden="true">{line}</svg>'
    return f'<span class="key">{sample}{html.escape(curve.name)}</span>'
