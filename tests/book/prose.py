"""What a reader of a chapter reads as prose, and the numbers in it that no code has put there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

MATHEMATICS = re.compile(
    r"prf:|(?:proof|solution|math|literalinclude|eval-rst|bibtex|yaml|sh|toctree|needs)$"
    r"|code|symbols|reading-path"
)
"""Directives whose content is mathematics or code: what they count, they have proved or show."""

SILENT = re.compile(
    r"\$\$.*?\$\$|\$[^$]*\$"  # formulas
    r"|\{[\w:+-]+\}`[^`]*`"  # roles: references, citations, glued values
    r"|`[^`]*`"
    r"|\]\([^)]*\)"  # the address of a link
    r"|^\([\w-]+\)=$|^#+ |^\d+\. |^:\w+:.*$",
    re.DOTALL | re.MULTILINE,
)

CARDINALS = (
    "four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    "|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
)
LARGE = "dozens?|hundreds?|thousands?|millions?|billions?|decades?|percent|percentage"
PARTS = (
    "half|halves|(?:a|one|two) third|thirds|quarters?|fourths?|fifths?|sixths?|sevenths?"
    "|eighths?|ninths?|tenths?|hundredths?|thousandths?|millionths?"
)
TIMES = (
    "twice|thrice|doubles?|doubled|doubling|triples?|tripled|halved|halving"
    r"|orders? of magnitude|(?:[\d.]+|two|three|five|ten|hundred|many|several)[ -]?fold"
    r"|\w+ times (?=as|more|less|the|that|its)"
)
WORDS = re.compile(rf"\d+(?:[.,]\d+)*|\b(?:{CARDINALS}|{LARGE}|{PARTS}|{TIMES})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """A number in prose: where, and what stands around it."""

    page: str
    line: int
    word: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.word!r} in {self.text.strip()!r}"


def parts(text: str) -> Iterator[tuple[int, str]]:
    """The paragraphs, captions and alternative texts of a page, with the numbers of their lines."""
    lines = text.splitlines()
    start = lines.index("---", 1) + 1 if lines[:1] == ["---"] else 0
    fences: list[tuple[str, bool]] = []  # the fence, and whether its content is read
    kept: list[str] = []
    first = start
    number = start
    while number < len(lines):
        line = lines[number]
        fence = re.match(r"\s*(`{3,}|:{3,})(?:\{([^}]*)\}|(\w+))?\s*(.*)$", line)
        reads = all(read for _, read in fences)
        if fence and fences and fence[2] is fence[3] is None and fence[1] == fences[-1][0]:
            fences.pop()
            line = ""
        elif fence and (fence[2] or fence[3] or fence[1][0] == "`"):
            name = fence[2] or fence[3] or "code"
            if name == "code-cell" and reads:
                end = next(i for i in range(number + 1, len(lines)) if lines[i] == fence[1])
                yield from captions(lines[number + 1 : end], number + 2)
                number = end
            else:
                quiet = bool(MATHEMATICS.match(name)) or fence[4] in ("Proof", "Solution")
                quiet |= fence[4].startswith(("Proof ", "Solution "))
                fences.append((fence[1], not quiet))
            line = ""
        elif not reads:
            line = ""
        if line.strip() and not line.lstrip().startswith("<!--"):
            first = first if kept else number
            kept.append(line)
        elif kept:
            yield first + 1, "\n".join(kept)
            kept = []
        number += 1
    if kept:
        yield first + 1, "\n".join(kept)


def captions(cell: list[str], line: int) -> Iterator[tuple[int, str]]:
    """The caption and the alternative text of the figure that a cell draws."""
    if cell[:1] != ["---"]:
        return
    options = yaml.safe_load("\n".join(cell[1 : cell.index("---", 1)])) or {}
    shown = options.get("mystnb", {})
    for text in (shown.get("figure", {}).get("caption"), shown.get("image", {}).get("alt")):
        if text:
            yield line, text


def all_captions(text: str) -> Iterator[tuple[int, str]]:
    """The captions and alternative texts of a page, with the lines of their cells."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("```{code-cell}"):
            end = next(i for i in range(number + 1, len(lines)) if lines[i] == "```")
            yield from captions(lines[number + 1 : end], number + 2)


def numbers(path: Path) -> Iterator[Found]:
    """Every number that a page states by hand."""
    for line, text in parts(path.read_text("utf8")):
        # What is no prose is blanked, not cut out, so that the words around it stay where they are.
        plain = SILENT.sub(lambda found: re.sub(r"[^\n]", "\x00", found[0]), text)
        for found in WORDS.finditer(plain):
            if "\x00" in found[0]:
                continue
            begin = text.rfind("\n", 0, found.start()) + 1
            end = text.find("\n", found.end())
            around = text[begin : end if end >= 0 else None]
            at = line + text.count("\n", 0, found.start())
            yield Found(path.stem, at, found[0], around)
