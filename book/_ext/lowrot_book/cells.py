"""The code cells of a chapter, found without a Markdown parser: reading too many is safe."""

from __future__ import annotations

import re
from collections.abc import Iterator

CELL = re.compile(r"[ \t>]*(`{3,}|~{3,}|:{3,})[ \t]*\{code-cell\}")


def cells(text: str) -> Iterator[str]:
    """The code cells of a chapter, nested ones too: reading too many is safe."""
    lines = iter(text.splitlines())
    for line in lines:
        fence = CELL.match(line)
        if not fence:
            continue
        close = re.compile(rf"[ \t>]*{re.escape(fence[1][0])}{{{len(fence[1])},}}[ \t]*$")
        body: list[str] = []
        for inner in lines:
            if close.match(inner):
                break
            body.append(inner.removeprefix(line[: fence.start(1)]))
        yield "\n".join(without_options(body))


def without_options(body: list[str]) -> list[str]:
    """The lines of a cell after its options, or a line that is no Python if code is elsewhere."""
    options: list[str] = []
    if body and body[0].strip() == "---":
        marks = [count for count, line in enumerate(body) if line.strip() == "---"]
        options, body = (body[: marks[1]], body[marks[1] + 1 :]) if len(marks) > 1 else ([], body)
    while body and body[0].startswith(":"):
        options, body = [*options, body[0].lstrip(":")], body[1:]
    return ["!load"] if any(re.match(r"\s*load\s*:", line) for line in options) else body
