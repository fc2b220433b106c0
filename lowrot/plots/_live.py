"""Page fragments with sliders: self-contained, offline, a still picture without a script."""

from __future__ import annotations

import hashlib
import html
import json
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from lowrot import _validate
from lowrot.plots._layout import Fragment, lettered


@dataclass(frozen=True)
class Slider:
    """A control of a fragment.

    Args:
        name: its label.
        texts: what is shown at each of its places.
        start: its first place.
        plays: whether a button moves it.

    Raises:
        ValueError: no place, or a start that is none of them.
        TypeError: arguments of another type.
    """

    name: str
    texts: Sequence[str]
    start: int = 0
    plays: bool = False

    def __post_init__(self) -> None:
        _validate.kind("name", self.name, str)
        for text in (texts := _validate.listed("texts", self.texts)):
            _validate.kind("texts", text, str)
        if not texts:
            raise ValueError("texts is empty; expected at least one place")
        _validate.integer("start", self.start, 0, len(texts) - 1)
        _validate.flag("plays", self.plays)


@dataclass(frozen=True)
class Drawn:
    """One panel of a fragment.

    Args:
        title: below the picture.
        svg: the picture at the start.
        record: what the script needs: ``kind``, ``readout`` by frame, and the frames.
        rows: its numbers: series, kind, frame, x, y, value.
        legend: HTML below the title.
        wide: whether it is broader than high.
    """

    title: str
    svg: str
    record: dict[str, Any]
    rows: Sequence[tuple[object, ...]] = field(default=(), repr=False)
    legend: str = ""
    wide: bool = False


def fragment(
    panels: Sequence[Drawn],
    sliders: Sequence[Slider],
    *,
    description: str,
) -> Fragment:
    """Put panels side by side above their sliders; several have letters before their titles.

    The frames of the panels are numbered by the places of the sliders, the last one fastest.
    """
    record = {
        "panels": [{"title": panel.title, **panel.record} for panel in panels],
        "controls": [list(slider.texts) for slider in sliders],
    }
    payload = json.dumps(record, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    name = "live-" + hashlib.sha256((description + payload).encode()).hexdigest()[:10]
    style, script = (
        files("lowrot.plots").joinpath(f"live.{kind}").read_text("utf8") for kind in ("css", "js")
    )
    first = 0
    for slider in sliders:
        first = first * len(slider.texts) + slider.start
    titles = [panel.title for panel in panels]
    if len(titles) > 1:
        titles = [f"{lettered(a)} {title}" for a, title in zip(string.ascii_lowercase, titles)]
    drawn = "".join(
        _panel(panel, title, f"{name}-{k}", first)
        for k, (panel, title) in enumerate(zip(panels, titles))
    )
    controls = "".join(_slider(slider, f"{name}-slider-{k}") for k, slider in enumerate(sliders))
    text = (
        f'<div class="lowrot-live" id="{name}" role="group" '
        f'aria-label="{html.escape(description)}">\n<style>\n{style}</style>\n'
        f'<div class="panels">{drawn}</div>\n<div class="controls">{controls}'
        '<span class="said" aria-live="polite"></span></div>\n'
        f'<script type="application/json">{payload}</script>\n'
        f"<script>\n{script}</script>\n</div>"
    )
    return Fragment(text, _table(panels))


def _panel(panel: Drawn, title: str, name: str, frame: int) -> str:
    wide = " wide" if panel.wide else ""
    readout = panel.record["readout"]
    said = html.escape(readout[min(frame, len(readout) - 1)]) if readout else ""
    svg = panel.svg.replace("<svg ", f'<svg id="{name}" ', 1)
    return (
        f'<div class="panel{wide}">{svg}<p>{html.escape(title)}</p>'
        f'<p class="readout">{said}</p>{panel.legend}</div>'
    )


def _slider(slider: Slider, name: str) -> str:
    button = '<button type="button">Play</button>' if slider.plays else ""
    return (
        f'<div class="control">{button}<label for="{name}">{html.escape(slider.name)}</label>'
        f'<input type="range" id="{name}" min="0" max="{len(slider.texts) - 1}" '
        f'value="{slider.start}" step="1" autocomplete="off">'
        f'<output for="{name}" aria-live="off">{html.escape(slider.texts[slider.start])}</output>'
        "</div>"
    )


def _table(panels: Sequence[Drawn]) -> str:
    lines = ["panel,series,kind,frame,x,y,value"]
    for panel in panels:
        for row in panel.rows:
            cells = [panel.title, *row]
            lines.append(",".join(_cell(cell) for cell in cells))
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.8g}"
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text
