"""Compilation of the functions that run once a neuron."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numba

F = TypeVar("F", bound=Callable[..., object])

_SOURCES = ("_jit", "_span", "_neurons", "_least", "_motion", "_crossing", "_events", "_newton")


def _name() -> str:
    """A folder's name that changes with any of the sources."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return f"compiled-{digest.hexdigest()[:16]}"


def _folder() -> str:
    """The first place that can be written to, or nothing; folders of older sources go."""
    here = Path(__file__).parent / "__pycache__"
    asked = os.environ.get("NUMBA_CACHE_DIR")
    for base in (*([Path(asked)] if asked else []), here, Path("~/.cache/lowrot").expanduser()):
        folder = base / _name()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            for old in here.glob("compiled-*") if base == here else ():
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
            return str(folder)
    return ""


_FOLDER = _folder()


def jit(function: F) -> F:
    """Compile a function on its first call, without the interpreter's lock, and keep the result.

    The folder of what is kept is named after all sources at once: a function's own file does not
    tell when one that it calls has changed. Where nothing can be written nothing is kept.
    """
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _FOLDER
    try:
        return numba.njit(cache=bool(_FOLDER), nogil=True, error_model="numpy")(function)
    finally:
        numba.config.CACHE_DIR = before


def kept(name: str) -> bool:
    """Whether an earlier run has compiled the function of this name."""
    return bool(_FOLDER) and any(Path(_FOLDER).rglob(f"*.{name}-*.nbi"))


@contextmanager
def interpreted() -> Iterator[None]:
    """Run the functions as Python inside the block: slowly, and parts of them can be replaced.

    An overflow, which compiled code turns into infinity, may raise here.
    """
    found = []
    for key, module in list(sys.modules.items()):
        for name, value in list(vars(module).items()) if key.startswith("lowrot.") else ():
            if hasattr(value, "py_func"):
                found.append((module, name, value))
    for module, name, value in found:
        setattr(module, name, value.py_func)
    try:
        yield
    finally:
        for module, name, value in found:
            setattr(module, name, value)
