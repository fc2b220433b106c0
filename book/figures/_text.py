"""Tables and glued numbers, as a reader wants them."""

from __future__ import annotations

import html
import math
import re
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML
from myst_nb import glue

from lowrot.theorems import Theorem

MILLION = 1_000_000
SPACE = "\N{NARROW NO-BREAK SPACE}"
_DOLLARS = re.compile(r"\$([^$]+)\$")
_WORDS = "\N{WORD JOINER}"  # marks cells of words, which stand at the left of their column


def spaced(number: float) -> str:
    """A number as the book writes it: from 0.001 to a million in full, its thousands apart.

    Whole numbers keep all their digits there, others have three that are significant; larger and
    smaller ones get a power of ten, ``1.10e+08``, and a round million is ``1e+06``. The report
    follows the same rule.
    """
    if isinstance(number, bool | np.bool_):
        return "yes" if number else "no"
    if math.isnan(number):
        return ""
    whole = isinstance(number, int | np.integer)
    kept = int(number) if whole else float(f"{number:.3g}")
    if kept != 0 and not 1e-3 <= abs(kept) < MILLION:
        return f"{number:.3g}" if whole else f"{number:.2e}"
    if abs(kept) < 1000 and not whole:
        return f"{kept:#.3g}".rstrip(".")
    return f"{kept:,.0f}".replace(",", SPACE if abs(kept) >= 10_000 else "")


def say(prefix: str, **values: Any) -> None:
    """Glue values as ``prefix-name``; whole numbers are spaced, other numbers keep all digits.

    Args:
        prefix: of the chapter.
        values: numbers or words by name; ``_`` becomes ``-``.
    """
    for name, value in values.items():
        if isinstance(value, int | np.integer):
            value = spaced(value) if abs(value) >= 10_000 else int(value)
        elif not isinstance(value, str):
            value = float(value)
        glue(f"{prefix}-{name.replace('_', '-')}", value, display=False)


def table(frame: pd.DataFrame, *, index: bool = True) -> HTML:
    r"""Show a frame: formulas between dollars are typeset, numbers in three significant digits.

    Args:
        frame: its cells are numbers, truth values or text.
        index: whether the names of the rows are shown.
    """
    shown = frame.map(cell)
    if index and frame.index.nlevels > 1:
        levels = [[cell(part) for part in row] for row in frame.index]
        shown.index = pd.MultiIndex.from_tuples(levels, names=list(map(cell, frame.index.names)))
    elif index:
        shown.index = pd.Index([cell(name) for name in frame.index], name=None)
        shown.columns.name = None if frame.index.name is None else cell(frame.index.name)
    shown.columns = pd.Index([cell(name) for name in frame.columns], name=shown.columns.name)
    words = shown.to_html(index=index, escape=False, border=0)
    return HTML(words.replace(f"<td>{_WORDS}", '<td class="text-start">').replace(_WORDS, ""))


def hypotheses(theorem: Theorem) -> HTML:
    """Show the hypotheses of a theorem: whether each holds, what it asks, and of which number."""
    frame = theorem.hypothesis_frame()
    names = {"holds": "holds", "statement": "hypothesis", "value": "value", "limit": "asked for"}
    return table(frame[list(names)].rename(columns=names), index=False)


def cell(value: Any) -> str:
    """HTML of what stands in a cell."""
    if isinstance(value, str):
        words = html.escape(value, quote=False)
        return _WORDS + _DOLLARS.sub(
            r'<span class="math notranslate nohighlight">\\(\1\\)</span>', words
        )
    shown = spaced(value)
    if shown in ("yes", "no"):
        return shown
    mantissa, _, exponent = shown.replace("-", "−").partition("e")
    if not exponent:
        return mantissa
    power = f"10<sup>{exponent.replace('+', '').replace('−0', '−').lstrip('0')}</sup>"
    return (
        f"{mantissa}&nbsp;·&nbsp;{power}" if mantissa.strip("−") != "1" else mantissa[:-1] + power
    )
