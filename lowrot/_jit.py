"""Compilation of the functions that run once a neuron."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numba

F = TypeVar("F", bound=Callable[..., object])

_SOURCES = ("_jit", "_span", "_neurons", "_least", "_motion", "_crossing", "_events")


def _folder() -> str:
    here, digest = Path(__file__).parent, hashlib.sha256()
    for name in _SOURCES:
        digest.update((here / f"{name}.py").read_bytes())
    return str(here / "__pycache__" / f"compiled-{digest.hexdigest()[:16]}")


_FOLDER = _folder()


def jit(function: F) -> F:
    """Compile a function on its first call, without the interpreter's lock, and keep the result.

    The folder of what is kept is named after all sources at once: a function's own file does not
    tell when one that it calls has changed.
    """
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _FOLDER
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        numba.config.CACHE_DIR = before


def kept() -> bool:
    """Whether an earlier run has compiled these sources."""
    return Path(_FOLDER).exists()


@contextmanager
def interpreted() -> Iterator[None]:
    """Run the functions as Python inside the block: slowly, and parts of them can be replaced."""
    found = []
    for module in (sys.modules[f"lowrot.{name}"] for name in _SOURCES):
        for name, value in vars(module).items():
            if hasattr(value, "py_func"):
                found.append((module, name, value))
    for module, name, value in found:
        setattr(module, name, value.py_func)
    try:
        yield
    finally:
        for module, name, value in found:
            setattr(module, name, value)
