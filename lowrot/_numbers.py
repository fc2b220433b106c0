"""Numbers as a reader wants them: three digits, a true minus sign, thousands apart.

Tables of chapters, badges of claims and numbers in the text of the book follow this one rule.
"""

from __future__ import annotations

import math
import re

import numpy as np

MILLION = 1_000_000
SPACE = "\N{NARROW NO-BREAK SPACE}"

_WRITTEN = re.compile(
    r"(?<![\w.−-])([-−]?)(?:(\d(?:\.\d+)?e\+0?[0-5])|(\d{5,})(\.\d+)?)(?!\w|\.\d)"
)


def plain(number: float) -> str:
    """Return a number from 0.001 to a million in full, its thousands apart.

    Whole numbers keep all their digits there, others have three that are significant; what counts
    is whole as a float, too, from a thousand on. Larger and smaller ones get a power of ten,
    ``1.10e+08``, and a round million is ``1e+06``. Truth values are yes and no, nan is nothing.
    """
    if isinstance(number, bool | np.bool_):
        return "yes" if number else "no"
    if math.isnan(number):
        return ""
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    whole = isinstance(number, int | np.integer)
    counted = whole or (abs(number) >= 1000 and float(number).is_integer())
    kept = int(number) if counted else float(f"{number:.3g}")
    if kept != 0 and not 1e-3 <= abs(kept) < MILLION:
        return f"{number:.3g}" if whole else f"{number:.2e}"
    if abs(kept) < 1000 and not whole:
        return f"{kept:#.3g}".rstrip(".")
    return apart(kept)


def apart(number: float) -> str:
    """Return a number without its decimals, in groups of three digits from ten thousand on."""
    return f"{number:,.0f}".replace(",", SPACE if abs(number) >= 10_000 else "")


def in_full(text: str) -> str:
    """Return a text with its numbers below a million in full, and larger whole ones by a power.

    ``3.5e+05`` is 350 000, ``2000000`` is ``2e+06``.
    """

    def one(found: re.Match[str]) -> str:
        sign, rounded, whole, rest = found.groups("")
        value = float(rounded or whole)
        return sign + (f"{value:.3g}" if value >= MILLION else apart(value) + rest)

    return _WRITTEN.sub(one, text)


def typeset(text: str) -> str:
    """Return a number as HTML: a true minus sign, ten to a power, infinity."""
    shown = in_full(text).replace("inf", "∞").replace("-", "−")
    mantissa, _, exponent = shown.partition("e")
    if not exponent:
        return mantissa
    power = f"10<sup>{exponent.replace('+', '').replace('−0', '−').lstrip('0')}</sup>"
    one = mantissa in ("1", "−1")
    return mantissa[:-1] + power if one else f"{mantissa}&nbsp;·&nbsp;{power}"
