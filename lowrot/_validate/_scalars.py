"""Checks of single values: numbers, flags, words and types."""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

LARGEST = 2**63 - 1
"""What seeds and sizes of tensors hold."""


def integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return ``value`` as an int in [low, high]; up to 2^63 - 1 when ``high`` is None.

    Raises:
        TypeError: not an integer (booleans are not).
        ValueError: outside the limits.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    result = int(value)
    if not low <= result <= (LARGEST if high is None else high):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        shown = str(result) if abs(result) <= LARGEST else "beyond 64 bits"
        raise ValueError(f"{name} is {shown}; expected an integer {limits}")
    return result


def real(name: str, value: Any) -> float:
    """Return ``value`` as a float; infinities and NaN stay.

    Raises:
        TypeError: not a real number.
    """
    # float() reads text, drops masks, and drops imaginary parts of NumPy's numbers.
    dropped = isinstance(value, (str, bytes, bytearray, np.ma.MaskedArray))
    if dropped or getattr(getattr(value, "dtype", None), "kind", "") == "c":
        raise TypeError(f"{name} is {value!r}; expected a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except Exception:
        raise TypeError(f"{name} is {value!r}; expected a number") from None


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """Return ``value`` as a finite float in [low, high].

    Raises:
        TypeError: not a real number.
        ValueError: nan, infinite or outside the limits.
    """
    result = real(name, value)
    if not math.isfinite(result) or not low <= result <= high:
        raise ValueError(f"{name} is {result!r}; expected a finite number in [{low:g}, {high:g}]")
    return result


def flag(name: str, value: Any) -> bool:
    """Return ``value`` if it is True or False.

    Raises:
        TypeError: anything else, numbers among it.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value!r}; expected True or False")
    return bool(value)


def file(name: str, value: Any) -> Path:
    """Return the name of a file as a path.

    Raises:
        TypeError: no name.
        ValueError: an empty one.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} is a {type(value).__name__}; expected the name of a file")
    path = Path(value)
    if not path.name:
        raise ValueError(f"{name} is {str(value)!r}; expected the name of a file")
    return path


def kind(name: str, value: Any, expected: type) -> Any:
    """Return ``value`` if it is of the type expected.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, expected):
        raise TypeError(f"{name} is a {type(value).__name__}; expected a {expected.__name__}")
    return value


def choice(name: str, value: Any, options: Collection[str]) -> str:
    """Return ``value`` if it is one of ``options``.

    Raises:
        ValueError: it is not; the message lists them.
    """
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, options))}")
    return value


class Layers(NamedTuple):
    """Which weights of a network take part: the outer ones a, the inner ones V."""

    outer: bool
    inner: bool


def layers(value: Any) -> Layers:
    """Return the layers that "outer", "inner" or "both" selects.

    Raises:
        ValueError: another word.
    """
    choice("layers", value, ("outer", "inner", "both"))
    return Layers(outer=value != "inner", inner=value != "outer")
