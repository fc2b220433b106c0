"""Neurons moving over time: a page fragment with one slider, self-contained and offline."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.path import Path
from lowrot.plots._layout import Fragment, figure
from lowrot.plots._live import Drawn, Slider, fragment
from lowrot.plots._plane import orthographic

_POINTS, _INNER = 116, 62
"""Radii of the ring of data and of that of first directions; the neurons are at 100."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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


@figure
def scrubber(
    panels: Panel | Sequence[Panel],
    taus: Sequence[float] | np.ndarray,
    *,
    description: str,
    clock: str = "τ",
    texts: Sequence[str] | None = None,
) -> Fragment:
    """Draw panels side by side with one slider over their times, and a button that plays them.

    Several panels have the letters (a), (b) and so on before their titles.
    In the plane each neuron is a thread from its first direction (inner ring) to its present one
    (outer ring), in space a trail along the sphere, faint on the far side. Blue and solid is a
    positive output weight, orange and dashed a negative one; discs and squares are the data. The
    fragment opens at the first time, asks for nothing from outside, follows day and night, is moved
    by keyboard and says the readouts to a screen reader; for who asked for less motion the button
    shows one time after another. Without a script it is a picture of the first time.

    Args:
        panels: one or more, all with one frame a clock time.
        taus: the clock times, shape (k,), increasing.
        description: what the picture shows, for readers who cannot see it.
        clock: its letter.
        texts: what is shown in place of the clock, one a time.

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
    shown = [f"{clock} = {tau:.3g}" for tau in times.tolist()]
    if texts is not None:
        shown = [_validate.kind("texts", text, str) for text in _validate.listed("texts", texts)]
    if len(shown) != k:
        raise ValueError(f"texts has {len(shown)} entries; expected {k}, one a time")
    slider = Slider("time" if texts is None else "share of the run", shown, plays=k > 1)
    drawn = [Drawn(each.title, _picture(each), _frames(each), _table(each)) for each in chosen]
    return fragment(drawn, [slider], description=description)


def _frames(panel: Panel) -> dict[str, Any]:
    """Directions in thousandths (radians, or coordinates as seen), signed square roots of shares.

    A dot's area is then proportional to its share.
    """
    total = np.abs(panel.masses).sum(axis=1, keepdims=True)
    share = np.abs(panel.masses) / np.where(total > 0, total, 1.0)
    # However small, a mass keeps its sign.
    least = np.maximum(np.rint(1000 * np.sqrt(share)), 1.0)
    sizes = (np.sign(panel.masses) * least).astype(int)
    plane = panel.data.d == 2
    if plane:
        angle = np.arctan2(panel.directions[:, :, 1], panel.directions[:, :, 0])
        where = np.unwrap(angle, axis=0)
    else:
        norms = np.linalg.norm(panel.directions, axis=2, keepdims=True)
        units = panel.directions / np.where(norms > 0, norms, 1.0)
        where = orthographic(units).reshape(len(sizes), -1)
    lines = [
        ", ".join(_reading(label, values[i]) for label, values in panel.readout.items())
        for i in range(len(sizes))
    ]
    whole = np.rint(1000 * where).astype(int)
    fixed = bool((whole == whole[:1]).all())  # neurons that never turn are written once
    return {
        "kind": "circle" if plane else "sphere",
        "directions": whole[:1].tolist() if fixed else whole.tolist(),
        "shares": sizes.tolist(),
        "readout": lines,
    }


def _times(taus: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return clock times, shape (k,)."""
    times = _validate.numbers("taus", taus)
    if times.ndim != 1 or len(times) == 0 or np.isnan(times).any():
        raise ValueError(f"taus is {taus!r}; expected at least one of the clock times, shape (k,)")
    return times


def _reading(label: str, value: float) -> str:
    """Return a number with its name: a letter equals it, words stand before it."""
    return f"{label}{' = ' if len(label) == 1 else ' '}{_number(value)}"


def _number(value: float) -> str:
    """Return three digits, with a minus sign, which is read aloud, and a power of ten as one."""
    digits, _, power = f"{value:.3g}".partition("e")
    if power:
        digits += " · 10" + str(int(power)).translate(_RAISED)
    return digits.replace("-", "\N{MINUS SIGN}")


def _shape(name: str, array: np.ndarray, expected: tuple[int, ...]) -> None:
    if np.shape(array) != expected:
        raise ValueError(f"{name} has shape {np.shape(array)}; expected {expected}")


def _picture(panel: Panel) -> str:
    """Return the panel at its first time."""
    neurons, plane = panel.masses.shape[1], panel.data.d == 2
    frames = _frames(panel)
    shares, where = frames["shares"][0], np.array(frames["directions"][0]) / 1000
    most = max(*map(abs, shares), 1)
    threads = dots = ""
    for j, share in enumerate(shares):
        x, y, near = (
            (math.cos(where[j]), math.sin(where[j]), 1.0) if plane else where[3 * j : 3 * j + 3]
        )
        look = ("minus" if share < 0 else "plus") + (" behind" if near < 0 else "")
        inner = _INNER if plane else 100
        width, opacity = 0.8 + 2.2 * abs(share) / most, 0.45 + 0.45 * abs(share) / most
        threads += (
            f'<polyline class="thread {look}" points="{inner * x:.1f},{-inner * y:.1f} '
            f'{100 * x:.1f},{-100 * y:.1f}" stroke-width="{width:.2f}" '
            f'stroke-opacity="{opacity:.2f}"/>'
        )
        dots += (
            f'<circle class="dot {look}" cx="{100 * x:.1f}" cy="{-100 * y:.1f}" '
            f'r="{0.8 + 0.011 * abs(share):.2f}"/>'
        )
    points = "".join(_point(*at) for at in zip(*_data(panel.data), panel.data.y.tolist()))
    kind, second = (
        ("circle", f'<circle class="ring" r="{_INNER}"/>') if plane else ("sphere", _EQUATOR)
    )
    what = "ring of neurons by direction" if plane else "sphere of neurons by direction"
    about = f"{what}, {html.escape(panel.title)}: {neurons} neurons and {panel.data.n} points"
    return (
        f'<svg class="{kind}" viewBox="-126 -126 252 252" role="img" aria-label="{about}">'
        f'<circle class="ring" r="100"/>{second}{threads}{dots}{points}</svg>'
    )


def _table(panel: Panel) -> list[tuple[object, ...]]:
    """Return the numbers of a panel: direction and mass of each neuron, and the readouts."""
    rows: list[tuple[object, ...]] = []
    for frame, (V, masses) in enumerate(zip(panel.directions, panel.masses)):
        for j, (v, mass) in enumerate(zip(V, masses), 1):
            unit = v / max(float(np.linalg.norm(v)), 1e-300)
            at = unit if panel.data.d == 2 else orthographic(unit)[:2]
            rows.append((f"neuron {j}", "direction", frame, *map(float, at), float(mass)))
        for label, values in panel.readout.items():
            rows.append((label, "readout", frame, "", "", float(values[frame])))
    return rows


def _equator() -> str:
    """Return the equator of the sphere, dotted on the far side."""
    turn = np.linspace(0, 2 * math.pi, 121)
    seen = 100 * orthographic(np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1))
    out = ""
    for near, style in ((True, ""), (False, ' stroke-dasharray="2 3"')):
        pieces = np.split(seen, np.flatnonzero(np.diff(seen[:, 2] >= 0)) + 1)
        for piece in pieces:
            if (piece[0, 2] >= 0) == near and len(piece) > 1:
                line = " ".join(f"{x:.1f},{-y:.1f}" for x, y, _ in piece)
                out += f'<polyline class="ring" points="{line}"{style}/>'
    return out


_EQUATOR = _equator()


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
