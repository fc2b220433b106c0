"""Tables and glued numbers, as a reader wants them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML, display
from myst_nb import glue

from lowrot._numbers import plain, typeset
from lowrot.theorems import Theorem

PAGE = "application/vnd.lowrot.page+json"
"""The type of a page, as the extension of the book looks for it."""
_DOLLARS = re.compile(r"\$([^$]+)\$")
_WORDS = "\N{WORD JOINER}"  # marks cells of words, which stand at the left of their column


def say(prefix: str, **values: Any) -> None:
    """Glue values as ``prefix-name``; whole numbers are spaced, other numbers keep all digits.

    Args:
        prefix: of the chapter.
        values: numbers or words by name; ``_`` becomes ``-``.
    """
    for name, value in values.items():
        if isinstance(value, int | np.integer):
            value = plain(value) if abs(value) >= 10_000 else int(value)
        elif not isinstance(value, str):
            value = float(value)
        glue(f"{prefix}-{name.replace('_', '-')}", value, display=False)


def beside(file: str, page: str, words: str) -> None:
    """Display a link to a page that the build writes to this place, and keep the page for it.

    Args:
        file: where, from the page of the chapter.
        page: HTML that needs nothing else.
        words: of the link.
    """
    link = f'<p><a href="{html.escape(file)}">{html.escape(words)}</a></p>'
    bundle = {"text/html": link, "text/plain": words, PAGE: {"file": file, "html": page}}
    display(bundle, raw=True)


def table(frame: pd.DataFrame, *, index: bool = True) -> HTML:
    r"""Show a frame: formulas between dollars are typeset, numbers in three significant digits.

    Args:
        frame: its cells are numbers, truth values or text.
        index: whether the names of the rows are shown.
    """
    shown = frame.map(cell)
    heads = []
    for place, name in enumerate(frame.columns):
        head, column = _aligned(name, shown.iloc[:, place])
        shown.isetitem(place, column)
        heads.append(head)
    if index and frame.index.nlevels > 1:
        levels = [[cell(part) for part in row] for row in frame.index]
        shown.index = pd.MultiIndex.from_tuples(levels, names=list(map(cell, frame.index.names)))
    elif index:
        rows = [cell(name) for name in frame.index]
        corner = None if frame.index.name is None else _aligned(frame.index.name, rows)[0]
        shown.index, shown.columns.name = pd.Index(rows, name=None), corner
    shown.columns = pd.Index(heads, name=shown.columns.name)
    written = shown.to_html(index=index, escape=False, border=0)
    marked = re.sub(rf"<(t[dh])([^>]*)>{_WORDS}", r'<\1 class="text-start"\2>', written)
    return HTML(marked.replace(_WORDS, ""))


def _aligned(name: Any, cells: Iterable[str]) -> tuple[str, list[str]]:
    """The head of a column and its cells: at the left if all are words, else at the right."""
    column, head = list(cells), cell(name)
    if all(text.startswith(_WORDS) for text in column):
        return head, column
    return head.removeprefix(_WORDS), [text.removeprefix(_WORDS) for text in column]


def hypotheses(theorem: Theorem) -> HTML:
    """Show the hypotheses of a theorem: whether each holds, what it asks, and of which number."""
    frame = theorem.hypothesis_frame()
    names = {"holds": "holds", "statement": "hypothesis", "value": "value", "limit": "asked for"}
    return table(frame[list(names)].rename(columns=names), index=False)


def cell(value: Any) -> str:
    """HTML of what stands in a cell: words at the left, numbers at the right."""
    if isinstance(value, str):
        words = html.escape(value, quote=False)
        return _WORDS + _DOLLARS.sub(
            r'<span class="math notranslate nohighlight">\\(\1\\)</span>', words
        )
    shown = plain(value)
    return shown if shown in ("yes", "no") else typeset(shown)
