"""What a task runs: the name, the sources and the versions behind its numbers."""

from __future__ import annotations

import hashlib
import inspect
import platform
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

HOME = Path(__file__).parent.parent
PACKAGES = ("lowrot", "torch", "numpy", "scipy", "numba", "clarabel")


class Code(NamedTuple):
    """Identity of a function: tasks of another one are never taken for its own.

    Attributes:
        function: its name, with that of its file.
        digest: of its file and of all sources of lowrot.
        versions: of Python and of what lowrot computes with.
    """

    function: str
    digest: str
    versions: str


def identify(function: Callable[..., Any], kept: bool) -> Code:
    """Return what a function runs.

    Args:
        function: of a sweep.
        kept: whether results outlive this process: then the function must be one of a file, with
            nothing around it that the digest cannot see.

    Raises:
        ValueError: it is not, and ``kept``.
    """
    name = getattr(function, "__qualname__", repr(function))
    try:
        file = Path(inspect.getsourcefile(function) or "")
        source = file.read_bytes()
    except (TypeError, OSError):
        file, source = Path(), b""
    if kept and (not source or "<lambda>" in name or getattr(function, "__closure__", None)):
        raise ValueError(
            f"function is {name}; expected, for a store, one defined with def in a file, that takes"
            " all it needs from the grid (else its results could not be told from another's)"
        )
    digest = hashlib.sha256(source + _library())
    return Code(f"{file.stem}.{name}", digest.hexdigest()[:16], versions())


@cache
def _library() -> bytes:
    """Changes with any source of lowrot but those of figures."""
    total = hashlib.sha256()
    for file in sorted(HOME.rglob("*.py")):
        if HOME / "plots" not in file.parents:
            total.update(file.relative_to(HOME).as_posix().encode() + file.read_bytes())
    return total.digest()


@cache
def versions() -> str:
    """Python, lowrot and what it computes with, in one line."""
    found = [f"{name} {metadata.version(name)}" for name in PACKAGES]
    return ", ".join([f"python {platform.python_version()}", *found])
