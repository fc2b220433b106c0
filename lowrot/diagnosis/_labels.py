"""Labels of any kind: which of them are meant, by name or by number."""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

_SHOWN = 6
"""Labels that a message lists."""


@dataclass(frozen=True)
class Reading:
    """How data are to be read: the arguments of `diagnose` of these names."""

    task: str = "auto"
    pair: Sequence[Any] | None = None
    rest: Any = None
    positive: Any = None
    target: Any = None
    features: Any = None
    sep: str | None = None
    decimal: str | None = None
    standardize: bool = False


def check(reading: Reading) -> None:
    """Raise unless labels that are meant can be labels."""
    if reading.pair is not None and not isinstance(reading.pair, list | tuple):
        raise TypeError(f"pair is {reprlib.repr(reading.pair)}; expected a list of two labels")
    parts = [(f"pair[{i}]", value) for i, value in enumerate(reading.pair or [])]
    for name, value in [*parts, ("rest", reading.rest), ("positive", reading.positive)]:
        if value is not None and not isinstance(value, str | int | float | np.generic):
            raise TypeError(f"{name} is {reprlib.repr(value)}; expected one label")


def plain(y: Any) -> list[Any]:
    """Labels as plain values, text without spaces around it."""
    return [v.strip() if isinstance(v, str) else v for v in np.asarray(y, dtype=object).tolist()]


def same(label: Any, value: Any) -> bool:
    """Whether a label is the one that is meant, which a command line gives as text."""
    if isinstance(value, str) and not isinstance(label, str):
        try:
            return bool(float(value) == float(label))
        except (TypeError, ValueError):
            return str(label) == value
    return bool(label == value)


def chosen_classes(
    X: Tensor, y: Any, groups: Any, reading: Reading, notes: list[str]
) -> tuple[Tensor, np.ndarray, Any]:
    """Points of two classes, or all points of one class against the rest; labels -1 and +1."""
    if reading.pair is not None and reading.rest is not None:
        raise ValueError(f"pair is {reading.pair!r} and rest {reading.rest!r}; expected one")
    if reading.positive is not None:
        raise ValueError(f"positive is {reading.positive!r}; expected None beside pair or rest")
    labels = plain(y)
    found = list(dict.fromkeys(labels))
    wanted = [reading.rest] if reading.pair is None else list(reading.pair)
    if reading.pair is not None and len(wanted) != 2:
        raise ValueError(f"pair is {reading.pair!r}; expected two labels")
    argument = "rest" if reading.pair is None else "pair"
    for value in wanted:
        if not any(same(label, value) for label in found):
            raise ValueError(f"{argument} has {value!r}; expected labels of these: {listed(y)}")
    first = np.array([same(label, wanted[0]) for label in labels])
    if reading.pair is None:
        if first.all():
            raise ValueError(f"rest is {reading.rest!r}, the only label; expected others, too")
        notes.append(f"Label +1 is {wanted[0]}; all {len(found) - 1} others together are -1.")
        return X, np.where(first, 1.0, -1.0), groups
    second = np.array([same(label, wanted[1]) for label in labels])
    if (first & second).any():
        raise ValueError(f"pair is {reading.pair!r}; expected two different labels")
    kept = first | second
    notes.append(
        f"Label +1 is {wanted[0]}, -1 is {wanted[1]}; {int((~kept).sum())} points of other labels "
        "were left out."
    )
    groups = None if groups is None else np.asarray(groups)[kept]
    return X[torch.as_tensor(kept)], np.where(first, 1.0, -1.0)[kept], groups


def meant(y: Any, positive: Any) -> Any:
    """The label that is meant by ``positive``, which a command line gives as text."""
    return next((label for label in plain(y) if same(label, positive)), positive)


def only_two(y: Any, otherwise: str = "") -> None:
    """Raise where there are more than two labels; say how two are made of them."""
    found = list(dict.fromkeys(plain(y)))
    if len(found) > 2:
        raise ValueError(
            f"y has {len(found)} different labels, {listed(y)}; expected two, or {otherwise}pair= "
            f"two of them, the first as +1, for example pair=({found[0]!r}, {found[1]!r}), or "
            f"rest= the one against all others, for example rest={found[0]!r}"
        )


def listed(y: Any) -> str:
    """The most frequent labels, with their numbers of points."""
    counts = Counter(plain(y)).most_common()
    shown = ", ".join(f"{label!r} ({count})" for label, count in counts[:_SHOWN])
    return shown + ", .." * (len(counts) > _SHOWN)
