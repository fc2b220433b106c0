"""The diagram of chapters: which builds on which."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass

WIDTH, HEIGHT = 174, 58
ACROSS, DOWN = 190, 96


@dataclass(frozen=True)
class Box:
    """A chapter in the diagram."""

    name: str
    title: str
    address: str
    minutes: int
    needs: list[str]


def direct(rows: list[list[Box]]) -> list[tuple[str, str]]:
    """Pairs of a chapter and one that it needs, without those that follow from others."""
    needed = {box.name: set(box.needs) for row in rows for box in row}

    def reached(name: str) -> set[str]:
        found = set(needed.get(name, ()))
        return found.union(*(reached(other) for other in found)) if found else found

    return [
        (before, name)
        for name, wanted in needed.items()
        for before in sorted(wanted)
        if before in needed and not any(before in reached(other) for other in wanted)
    ]


def drawn(rows: list[list[Box]]) -> str:
    """The diagram as an SVG whose boxes are links; it takes its colours from the page."""
    most = max(map(len, rows), default=1)
    places: dict[str, tuple[float, float]] = {}
    for count, row in enumerate(rows):
        left = (most - len(row)) * ACROSS / 2
        places |= {box.name: (left + i * ACROSS + 8, count * DOWN + 8) for i, box in enumerate(row)}
    arrows = [arrow(places[before], places[after]) for before, after in direct(rows)]
    boxes = [boxed(box, *places[box.name]) for row in rows for box in row]
    room = f"0 0 {most * ACROSS} {len(rows) * DOWN - (DOWN - HEIGHT) + 16}"
    return (
        '<div role="group" aria-label="Which chapter builds on which">'
        f'<svg class="lowrot-path" viewBox="{room}">'
        '<defs><marker id="lowrot-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8Z" class="lowrot-head"></path>'
        f"</marker></defs>{''.join(arrows)}{''.join(boxes)}</svg></div>"
    )


def arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A curve from the foot of one box to the head of another."""
    x, y, u, v = start[0] + WIDTH / 2, start[1] + HEIGHT, end[0] + WIDTH / 2, end[1] - 2
    bend = (v - y) / 2
    way = f"M{x:g} {y:g}C{x:g} {y + bend:g} {u:g} {v - bend:g} {u:g} {v:g}"
    return f'<path class="lowrot-way-on" d="{way}" marker-end="url(#lowrot-arrow)"></path>'


def boxed(box: Box, x: float, y: float) -> str:
    """A box with its title in at most two lines, and its minutes."""
    lines = textwrap.wrap(box.title, 25, max_lines=2, placeholder=" …")
    head = "".join(
        f'<text x="{x + 10:g}" y="{y + 17 + 15 * i:g}">{html.escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    foot = f'<text class="lowrot-minutes" x="{x + 10:g}" y="{y + 50:g}">{box.minutes} min</text>'
    frame = f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"></rect>'
    name = f"{html.escape(box.title)}, {box.minutes} min"
    return f'<a href="{box.address}" aria-label="{name}">{frame}{head}{foot}</a>'


def listed(rows: list[list[Box]]) -> str:
    """The same as a list, for a narrow screen."""
    titles = {box.name: box.title for row in rows for box in row}
    lines = []
    for box in (box for row in rows for box in row):
        before = ", ".join(titles[name] for name in box.needs if name in titles)
        after = f" after {html.escape(before)}" if before else ""
        lines.append(
            f'<li><a href="{box.address}">{html.escape(box.title)}</a> '
            f"<small>{box.minutes} min{after}</small></li>"
        )
    return f'<ol class="lowrot-path-list">{"".join(lines)}</ol>'
