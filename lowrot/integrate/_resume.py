"""Whether a path may be continued by a run of these arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lowrot.path import Path


def same_arguments(path: Path, wanted: Mapping[str, Any]) -> None:
    """Raise unless a path says of itself what a run wants.

    Args:
        path: to be continued.
        wanted: by name, what its ``meta`` has to say. A path that does not say something (files of
            older versions know no data) is not asked for it, but for its ``kind``.

    Raises:
        ValueError: another kind, or other arguments; the message lists what differs.
    """
    asked = {name: value for name, value in wanted.items() if name in path.meta or name == "kind"}
    other = {name: path.meta.get(name) for name in asked if path.meta.get(name) != asked[name]}
    if other:
        found, expected = (
            ", ".join(f"{name} {values[name]!r}" for name in other) for values in (other, asked)
        )
        hint = " (a hash: pass the data of the path)" if "data" in other else ""
        raise ValueError(f"resume is a path with {found}; expected {expected}{hint}")
