"""The files of a folder in a fixed order, and what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path


def files(root: Path, names: Iterable[str]) -> Iterator[Path]:
    """The files under ``names`` in a fixed order, without anything a program left behind."""
    for name in names:
        path = root / name
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in found:
            inside = file.relative_to(root).parts
            made = any(part == "__pycache__" or part.startswith(".") for part in inside)
            if file.is_file() and not made and file.suffix != ".pyc":
                yield file


def sha256(content: str | bytes) -> str:
    """The hash of a text or of bytes."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def digest(root: Path, names: Iterable[str]) -> str:
    """A sha256 over the names and the bytes of every file under ``names``."""
    found = sorted(set(files(root, names)))
    lines = (f"{file.relative_to(root).as_posix()} {sha256(file.read_bytes())}\n" for file in found)
    return sha256("".join(lines))
