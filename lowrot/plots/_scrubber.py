"""Neurons moving over time: a page fragment with one slider, self-contained and offline."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from importlib.resources import files

import numpy as np

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.path import Path
from lowrot.plots._plane import orthographic

_POINTS = 116
"""Radius of the ring of data; the neurons are at 100."""


@dataclass(frozen=True, eq=False)
class Panel:
    """The neurons of one network at k times, and the data they move to.

    Args:
        title: of the panel.
        data: its points, in the plane (d = 2) or in space (d = 3); only directions are drawn.
        directions: of the neurons at each time, any length, shape (k, m, d).
        masses: ``a_j ||v_j||`` at each time up to a common factor, shape (k, m); the sign gives
            the colour, the share of the absolute value the size.
        readout: by label, one number a time, shape (k,), written below the panel.

    Raises:
        ValueError: another dimension, shapes that disagree, or directions and masses that are not
            finite.
        TypeError: arguments of another type, or numbers that are none, or masked.
    """

    title: str
    data: Dataset
    _: KW_ONLY
    directions: np.ndarray
    masses: np.ndarray
    readout: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _validate.kind("title", self.title, str)
        d = _validate.kind("data", self.data, Dataset).d
        if d not in (2, 3):
            raise ValueError(f"data has d = {d}; a panel draws d = 2 or 3 only")
        masses = _validate.numbers("masses", self.masses)
        if masses.ndim != 2:
            raise ValueError(f"masses has shape {masses.shape}; expected (k, m)")
        directions = _validate.numbers("directions", self.directions)
        _shape("directions", directions, (*masses.shape, d))
        readout = {
            name: _validate.numbers(f"readout[{name!r}]", values)
            for name, values in _validate.kind("readout", self.readout, Mapping).items()
        }
        for name, values in readout.items():
            _shape(f"readout[{name!r}]", values, masses.shape[:1])
        for name, values in (("masses", masses), ("directions", directions)):
            if not np.isfinite(values).all():
                raise ValueError(f"{name} has entries that are not finite; expected none")
        found = {"masses": masses, "directions": directions, "readout": readout}
        for name, value in found.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_path(
        cls,
        path: Path,
        data: Dataset,
        *,
        title: str,
        taus: Sequence[float] | np.ndarray,
        readout: Mapping[str, str] | None = None,
    ) -> Panel:
        """Take the last saved time not after each of ``taus`` of a path with states a and V.

        Args:
            path: states ``a``, shape (K, m), and ``V``, shape (K, m, d).
            data: the data the network was trained on.
            title: of the panel.
            taus: clock times, shape (k,).
            readout: names of columns of the path, by the label to write.

        Raises:
            ValueError: no times, NaN, or times before the first of the path.
            TypeError: arguments of another type.
            KeyError: a path without these states or columns.
        """
        _validate.kind("path", path, Path)
        times = _times(taus)
        index = np.searchsorted(path["tau"], times, side="right") - 1
        if index.min() < 0:
            raise ValueError(
                f"taus start at {times.min():g}; this path starts at tau = {path['tau'][0]:g}"
            )
        V = path["V"][index]
        if V.shape[2] != _validate.kind("data", data, Dataset).d:
            raise ValueError(f"path has d = {V.shape[2]}; expected {data.d}, as the data")
        masses = path["a"][index] * np.linalg.norm(V, axis=2)
        wanted = {} if readout is None else _validate.kind("readout", readout, Mapping)
        for label, name in wanted.items():
            _validate.kind(f"readout[{label!r}]", name, str)
        columns = {label: path[name][index] for label, name in wanted.items()}
        return cls(title, data, directions=V, masses=masses, readout=columns)


@dataclass(frozen=True)
class Scrubber:
    """A page fragment: notebooks and the book show it; `str` gives its HTML."""

    html: str

    def __str__(self) -> str:
        return self.html

    def _repr_html_(self) -> str:
        return self.html


def scrubber(
    panels: Panel | Sequence[Panel],
    taus: Sequence[float] | np.ndarray,
    *,
    description: str,
    clock: str = "τ",
) -> Scrubber:
    """Draw panels side by side with one slider over their times.

    In the plane each neuron is a thread from its first direction (inner ring) to its present one
    (outer ring), in space a trail along the sphere, pale on the far side. Blue and solid is a
    positive output weight, orange and dashed a negative one; discs and squares are the data. The
    fragment asks for nothing from outside, follows day and night, and is moved by keyboard. It
    shows the last time first.

    Args:
        panels: one or more, all with one frame a clock time.
        taus: the clock times, shape (k,), increasing.
        description: what the picture shows, for readers who cannot see it.
        clock: its letter.

    Raises:
        ValueError: no panel or no time, times that do not increase, or panels whose frames are not
            those times.
        TypeError: arguments of another type.
    """
    chosen = [panels] if isinstance(panels, Panel) else _validate.listed("panels", panels)
    times = _times(taus)
    k = len(times)
    if bool((np.diff(times) <= 0).any()):
        raise ValueError(f"taus is {taus!r}; expected increasing clock times")
    _validate.kind("description", description, str)
    _validate.kind("clock", clock, str)
    if not chosen:
        raise ValueError("panels is empty; expected at least one")
    for panel in chosen:
        if len(_validate.kind("panels", panel, Panel).masses) != k:
            raise ValueError(
                f"panels: {panel.title!r} has {len(panel.masses)} frames; expected {k}, as taus"
            )
    record = {
        "panels": [_frames(panel) for panel in chosen],
        "times": [f"{clock} = {tau:.3g}" for tau in times.tolist()],
    }
    payload = json.dumps(record, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    name = "scrubber-" + hashlib.sha256(payload.encode()).hexdigest()[:10]
    style, script = (
        files("lowrot.plots").joinpath(f"scrubber.{kind}").read_text("utf8")
        for kind in ("css", "js")
    )
    drawn = "".join(_panel(panel, f"{name}-{i}") for i, panel in enumerate(chosen))
    return Scrubber(
        f'<div class="lowrot-scrubber" id="{name}" role="group" '
        f'aria-label="{html.escape(description)}">\n<style>\n{style}</style>\n'
        f'<div class="panels">{drawn}</div>\n'
        f'<div class="time"><label for="{name}-time">time</label>'
        f'<input type="range" id="{name}-time" min="0" max="{k - 1}" value="{k - 1}" step="1" '
        f'autocomplete="off"><output for="{name}-time"></output></div>\n'
        f'<script type="application/json">{payload}</script>\n'
        f"<script>\n{script.replace('__ID__', name)}</script>\n</div>"
    )


def _frames(panel: Panel) -> dict[str, object]:
    """Directions in thousandths (radians, or coordinates as seen), signed square roots of shares.

    A dot's area is then proportional to its share.
    """
    total = np.abs(panel.masses).sum(axis=1, keepdims=True)
    share = np.abs(panel.masses) / np.where(total > 0, total, 1.0)
    sizes = np.rint(1000 * np.sign(panel.masses) * np.sqrt(share)).astype(int)
    plane = panel.data.d == 2
    if plane:
        angle = np.arctan2(panel.directions[:, :, 1], panel.directions[:, :, 0])
        where = np.unwrap(angle, axis=0)
    else:
        norms = np.linalg.norm(panel.directions, axis=2, keepdims=True)
        units = panel.directions / np.where(norms > 0, norms, 1.0)
        where = orthographic(units).reshape(len(sizes), -1)
    lines = [
        ", ".join(f"{label} {values[i]:.3g}" for label, values in panel.readout.items())
        for i in range(len(sizes))
    ]
    return {
        "kind": "circle" if plane else "sphere",
        "directions": np.rint(1000 * where).astype(int).tolist(),
        "shares": sizes.tolist(),
        "readout": lines,
    }


def _times(taus: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return clock times, shape (k,)."""
    times = _validate.numbers("taus", taus)
    if times.ndim != 1 or len(times) == 0 or np.isnan(times).any():
        raise ValueError(f"taus is {taus!r}; expected at least one of the clock times, shape (k,)")
    return times


def _shape(name: str, array: np.ndarray, expected: tuple[int, ...]) -> None:
    if np.shape(array) != expected:
        raise ValueError(f"{name} has shape {np.shape(array)}; expected {expected}")


def _panel(panel: Panel, name: str) -> str:
    neurons = panel.masses.shape[1]
    threads = '<polyline class="thread"/>' * neurons
    dots = '<circle class="dot"/>' * neurons
    points = "".join(_point(*at) for at in zip(*_data(panel.data), panel.data.y.tolist()))
    rings = '<circle class="ring" r="100"/>'
    kind = "sphere"
    if panel.data.d == 2:
        kind, rings = "circle", rings + '<circle class="ring" r="62"/>'
    title = html.escape(panel.title)
    return (
        f'<div class="panel"><svg id="{name}" class="{kind}" viewBox="-126 -126 252 252" '
        f'role="img" aria-label="{title}: {neurons} neurons and {panel.data.n} points">'
        f"{rings}{threads}{dots}{points}</svg>"
        f'<p>{title}</p><p class="readout"></p></div>'
    )


def _data(data: Dataset) -> tuple[list[float], list[float], list[float]]:
    """Screen coordinates of the directions of the points, and whether each is near."""
    X = data.X.cpu().numpy()
    units = X / np.linalg.norm(X, axis=1, keepdims=True)
    if data.d == 3:
        units = orthographic(units)
        return (100 * units[:, 0]).tolist(), (100 * units[:, 1]).tolist(), units[:, 2].tolist()
    return (_POINTS * units[:, 0]).tolist(), (_POINTS * units[:, 1]).tolist(), [1.0] * data.n


def _point(x: float, y: float, near: float, label: float) -> str:
    pale = " behind" if near < 0 else ""
    if label > 0:
        return f'<circle class="point plus{pale}" cx="{x:.1f}" cy="{-y:.1f}" r="4"/>'
    return (
        f'<rect class="point minus{pale}" x="{x - 3.6:.1f}" y="{-y - 3.6:.1f}" '
        f'width="7.2" height="7.2"/>'
    )
