"""The diagram of chapters: which builds on which."""

from __future__ import annotations

import html
import itertools
import math
import textwrap
from dataclasses import dataclass

WIDTH, ACROSS = 178, 190
"""Of a box, and from one to the next."""
LINE, FOOT, GAP = 16, 30, 38
"""Heights: of a line of a title, of the rest of a box, and between the rows."""
LETTERS = 24
"""Of a line."""
ACROSS_AT_MOST = 4
"""Boxes side by side, so that their letters are as large as those of the page."""


@dataclass(frozen=True)
class Box:
    """A chapter in the diagram."""

    name: str
    title: str
    address: str
    minutes: int
    needs: list[str]
    number: int = 0  # of the chapter; 0 has none

    @property
    def head(self) -> str:
        """The title as the list of chapters has it."""
        return f"{self.number}. {self.title}" if self.number else self.title

    @property
    def lines(self) -> list[str]:
        """The title in as many lines as it needs."""
        return textwrap.wrap(self.head, LETTERS)


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
    lines = [line for row in rows for line in broken(row)]
    most = max(map(len, lines), default=1)
    height = FOOT + LINE * max((len(box.lines) for row in rows for box in row), default=1)
    places: dict[str, tuple[float, float]] = {}
    for count, row in enumerate(lines):
        left, top = (most - len(row)) * ACROSS / 2 + 8, count * (height + GAP) + 8
        places |= {box.name: (left + i * ACROSS, top) for i, box in enumerate(row)}
    arrows = [arrow(places[before], places[after], height) for before, after in direct(rows)]
    boxes = [boxed(box, *places[box.name], height) for row in rows for box in row]
    room = f"0 0 {most * ACROSS} {len(lines) * (height + GAP) - GAP + 16}"
    return (
        '<div role="group" aria-label="Which chapter builds on which">'
        f'<svg class="lowrot-path" viewBox="{room}">'
        '<defs><marker id="lowrot-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8Z" class="lowrot-head"></path>'
        f"</marker></defs>{''.join(arrows)}{''.join(boxes)}</svg></div>"
    )


def broken(row: list[Box]) -> list[list[Box]]:
    """The boxes of a row in as few lines as hold them, of about equal length."""
    count = math.ceil(len(row) / ACROSS_AT_MOST)
    ends = [round(len(row) * k / count) for k in range(count + 1)]
    return [row[start:end] for start, end in itertools.pairwise(ends)]


def arrow(start: tuple[float, float], end: tuple[float, float], height: float) -> str:
    """A curve from the foot of one box to the head of another."""
    x, y, u, v = start[0] + WIDTH / 2, start[1] + height, end[0] + WIDTH / 2, end[1] - 2
    bend = (v - y) / 2
    way = f"M{x:g} {y:g}C{x:g} {y + bend:g} {u:g} {v - bend:g} {u:g} {v:g}"
    return f'<path class="lowrot-way-on" d="{way}" marker-end="url(#lowrot-arrow)"></path>'


def boxed(box: Box, x: float, y: float, height: float) -> str:
    """A box with its title and its minutes."""
    head = "".join(
        f'<text x="{x + 10:g}" y="{y + 18 + LINE * i:g}">{html.escape(line)}</text>'
        for i, line in enumerate(box.lines)
    )
    below = f'x="{x + 10:g}" y="{y + height - 9:g}"'
    foot = f'<text class="lowrot-minutes" {below}>{box.minutes} min</text>'
    frame = f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{height}" rx="6"></rect>'
    name = f"{html.escape(box.title)}, {box.minutes} min"
    return f'<a href="{box.address}" aria-label="{name}">{frame}{head}{foot}</a>'


def listed(rows: list[list[Box]]) -> str:
    """The same as a list in the order of the chapters, for a narrow screen."""
    boxes = {box.name: box for row in rows for box in row}
    lines = []
    for box in sorted(boxes.values(), key=lambda box: box.number):
        before = sorted((boxes[n] for n in box.needs if n in boxes), key=lambda each: each.number)
        names = [str(each.number or each.title) for each in before]
        wanted = ", ".join([*names[:-2], " and ".join(names[-2:])])
        after = f", after {html.escape(wanted)}" if before else ""
        value = f' value="{box.number}"' if box.number else ""
        lines.append(
            f'<li{value}><a href="{box.address}">{html.escape(box.title)}</a> '
            f"<small>{box.minutes} min{after}</small></li>"
        )
    return f'<ol class="lowrot-path-list">{"".join(lines)}</ol>'
