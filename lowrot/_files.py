"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """Give the name of a file to write beside another one, which it then replaces.

    Where writing fails nothing is left of it, and the old file stays as it was.
    """
    partial = file.with_name(file.name + ".partial")
    try:
        yield partial
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
