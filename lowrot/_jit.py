"""Compilation of the functions that run once a neuron, and of the convex problem of a step."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import torch
from numba.core.caching import CompileResultCacheImpl, FunctionCache, NullCache, _CacheLocator
from numba.core.registry import CPUDispatcher

from lowrot._pieces import Linked

F = TypeVar("F", bound=Callable[..., object])
R = TypeVar("R")

_HERE = Path(__file__).parent
_SOURCES = (
    "_hyperplanes.py",
    "_jit.py",
    "_pieces.py",
    "coupled/_pass.py",
    "integrate/_implicit_moves.py",
    "integrate/_implicit_newton.py",
    "integrate/_implicit_system.py",
    "integrate/_time_integral.py",
    "flow/_margins.py",
    "flow/_rest.py",
    "flow/_sums.py",
    "flow/_triangular.py",
    "flow/neuron/*.py",
)
"""Files, below the package, of everything that is compiled or decides how."""
_DAY = 86_400.0
_OPTIONS = {"nopython": True, "nogil": True, "error_model": "numpy"}
_REORDERED = {"reassoc", "contract", "nsz"}
_NO_WRAPPERS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_interpreting: list[bool] = []
"""Not empty inside a block of `interpreted`: what parts call is no compiled code there."""


@cache
def _digest() -> str:
    """Changes with any of the sources."""
    total = hashlib.sha256()
    for pattern in _SOURCES:
        for file in sorted(_HERE.glob(pattern)):
            total.update(file.read_bytes())
    return total.hexdigest()[:16]


def _temporary() -> Path:
    """The last place: one of this user's own, where nothing stays for long.

    ``tempfile`` is not asked: it writes to find out.
    """
    names = ("TMPDIR", "TEMP", "TMP")
    base = next(filter(None, map(os.environ.get, names)), "/tmp")
    return Path(base) / f"lowrot-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


@cache
def _safe(place: Path) -> bool:
    """Make the temporary place, unless somebody else has: what is read from there is executed."""
    if place != _temporary():
        return True
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return True
    own = found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return own and stat.S_ISDIR(found.st_mode)


@cache
def _say(where: str) -> None:
    """Warn once a process that what is compiled now does not stay."""
    warnings.warn(
        f"lowrot compiles its inner loop, for some 20 to 60 s, and can keep the result {where}: "
        "set NUMBA_CACHE_DIR to a folder that can be written to and stays",
        RuntimeWarning,
        stacklevel=2,
    )


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
    places.append(_temporary())
    for place in places:
        nearest = next(p for p in (place, *place.absolute().parents) if p.exists())
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            return place / f"compiled-{_digest()}"
    return None


def _written(place: Path) -> float:
    """When something was last written into a folder; now, if it has just gone."""
    try:
        return place.stat().st_mtime
    except OSError:
        return time.time()


class _Locator(_CacheLocator):
    """Tells Numba where to keep a function; the folder is made when there is something to keep."""

    def __init__(self, function: Callable[..., object], file: str) -> None:
        self._line = function.__code__.co_firstlineno
        self._py_file = file  # for Numba's warning of a function that cannot be kept

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> _Locator:
        """Numba asks for a locator by this name."""
        return cls(py_func, py_file)

    def get_cache_path(self) -> str:
        return str(folder())

    def get_source_stamp(self) -> str:
        return _digest()

    def get_disambiguator(self) -> str:
        return str(self._line)

    def ensure_cache_path(self) -> None:
        """Make the folder; those of older sources beside it inside the package go, a day later.

        Not at once: another process may have begun with those sources, and still compile.
        """
        place = Path(self.get_cache_path())
        place.mkdir(parents=True, exist_ok=True)
        if place.parent == _HERE / "__pycache__":
            for old in place.parent.glob("compiled-*"):
                if old != place and time.time() - _written(old) > _DAY:
                    shutil.rmtree(old, ignore_errors=True)


class _Kept(CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _FunctionCache(FunctionCache):
    _impl_class = _Kept

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What is kept for a signature, or None: then it is compiled, and ``save`` is next."""
        place = Path(self._cache_path).parent
        if not _safe(place):
            self.disable()
            _say("nowhere")
            return None
        found = super().load_overload(sig, target_context)
        if found is None and place == _temporary():
            _say(f"in {place} only")
        return found


class _NoCache(NullCache):
    def load_overload(self, sig: Any, target_context: Any) -> None:
        """Nothing is kept."""
        _say("nowhere")


def jit(function: F) -> F:
    """Compile a function on its first call, without the interpreter's lock, and keep the result.

    Nothing is written before that call. Where nothing can be written nothing is kept; that, and
    that only a temporary place is left, is said by a warning, once a process.
    """
    return _compiled(function)


def reordered(function: F) -> F:
    """Like `jit`; sums may be taken in any order, so that loops over them are vectorized."""
    return _compiled(function, fastmath=_REORDERED)


def _compiled(function: F, **options: Any) -> F:
    compiled = numba.jit(pipeline_class=Linked, no_cfunc_wrapper=True, **_OPTIONS, **options)(
        function
    )
    compiled._cache = _NoCache() if folder() is None else _FunctionCache(function)
    return compiled


def part(function: F) -> F:
    """Compile a function as a part of those that call it, once for all of them.

    It gets no machine code of its own, and is optimized only where it has been linked in. Called
    from Python it is compiled like one of `jit`. It makes no array, so that nobody counts who uses
    those that it sees: see `allocating`.
    """
    return cast(F, _Part(function, targetoptions=_OPTIONS | _NO_WRAPPERS | {"_nrt": False}))


def reordered_part(function: F) -> F:
    """Like `part`; sums may be taken in any order, so that loops over them are vectorized."""
    options = _OPTIONS | _NO_WRAPPERS | {"_nrt": False, "fastmath": _REORDERED}
    return cast(F, _Part(function, targetoptions=options))


def allocating(function: F) -> F:
    """Like `part`, for a function that makes arrays."""
    return cast(F, _Part(function, targetoptions=_OPTIONS | _NO_WRAPPERS | {"_nrt": True}))


class _Part(CPUDispatcher):
    """A function that compiled ones call."""

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Numba's own step, which compiles once more for each literal number."""
        return super().get_call_template([numba.types.unliteral(one) for one in args], kws)

    @cached_property
    def _whole(self) -> Callable[..., Any]:
        return jit(self.py_func)

    def __call__(self, *arguments: Any) -> Any:
        return (self.py_func if _interpreting else self._whole)(*arguments)


def in_threads(work: Callable[[int, int], R], count: int, most: int) -> list[R]:
    """Call work(low, high) for parts of so many items, in at most so many threads, and torch's."""
    parts = max(1, min(torch.get_num_threads(), most))
    if parts == 1:
        return [work(0, count)]
    bounds = [count * k // parts for k in range(parts + 1)]
    with ThreadPoolExecutor(parts) as pool:
        return list(pool.map(work, bounds, bounds[1:]))


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
    _interpreting.append(True)
    try:
        yield
    finally:
        _interpreting.pop()
        for module, name, value in found:
            setattr(module, name, value)
