"""Compilation of the functions that run once a neuron, and of the convex problem of a step."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

F = TypeVar("F", bound=Callable[..., object])

_HERE = Path(__file__).parent
_SOURCES = ("_hyperplanes.py", "_jit.py", "integrate/_implicit_newton.py", "flow/neuron/*.py")
"""Files, below the package, of everything that is compiled or decides how."""


@cache
def _digest() -> str:
    """Changes with any of the sources."""
    total = hashlib.sha256()
    for pattern in _SOURCES:
        for file in sorted(_HERE.glob(pattern)):
            total.update(file.read_bytes())
    return total.hexdigest()[:16]


@cache
def folder() -> Path | None:
    """Where compiled code is kept: in the first place that can be written to, if there is one.

    The folder is named after all sources at once: a function's own file does not tell when one
    that it calls has changed.
    """
    asked = os.environ.get("NUMBA_CACHE_DIR")
    places = [Path(asked)] if asked else []
    places.append(_HERE / "__pycache__")
    with suppress(RuntimeError):  # a user without a home
        places.append(Path.home() / ".cache" / "lowrot")
    for place in places:
        nearest = next(p for p in (place, *place.absolute().parents) if p.exists())
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            return place / f"compiled-{_digest()}"
    return None


class _Locator(_CacheLocator):
    """Tells Numba where to keep a function; the folder is made when there is something to keep."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> _Locator:
        """Numba asks for a locator by this name."""
        return cls(py_func)

    def get_cache_path(self) -> str:
        return str(folder())

    def get_source_stamp(self) -> str:
        return _digest()

    def get_disambiguator(self) -> str:
        return str(self._line)

    def ensure_cache_path(self) -> None:
        """Make the folder; those of older sources beside it inside the package go."""
        place = Path(self.get_cache_path())
        place.mkdir(parents=True, exist_ok=True)
        if place.parent == _HERE / "__pycache__":
            for old in place.parent.glob("compiled-*"):
                if old != place:
                    shutil.rmtree(old, ignore_errors=True)


class _Kept(CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _FunctionCache(FunctionCache):
    _impl_class = _Kept


def jit(function: F) -> F:
    """Compile a function on its first call, without the interpreter's lock, and keep the result.

    Nothing is written before that call. Where nothing can be written nothing is kept.
    """
    compiled = numba.njit(nogil=True, error_model="numpy")(function)
    if folder() is not None:
        compiled._cache = _FunctionCache(function)
    return compiled


def kept(name: str) -> bool:
    """Whether an earlier run has compiled the function of this name."""
    place = folder()
    return place is not None and any(place.rglob(f"*.{name}-*.nbi"))


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
