"""Functions that are linked into the one that Python calls, and optimized only there.

By default Numba optimizes a function, translates it to machine code, and does both again for all
that it calls, at each level of calls: here the latter are pieces, which wait for the whole.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.targetconfig import TargetConfig


class Linked(Compiler):
    """Compiles one function to machine code, with all that it calls as pieces of it."""

    def compile_extra(self, func: Callable[..., Any]) -> Any:
        """Numba's own step, while all that is compiled but the function itself is a piece."""
        codegen = self.state.targetctx.codegen()

        def create_library(name: str) -> JITCodeLibrary:
            return (JITCodeLibrary if name == func.__qualname__ else _Piece)(codegen, name)

        with (
            _without_collections(),
            _replaced(codegen, "create_library", create_library),
            _replaced(TargetConfig, "values", _values),
        ):
            compiled = super().compile_extra(func)
        for environment in compiled._find_referenced_environments():
            codegen.set_env(environment.env_name, environment)
        return compiled


@cache
def _defaults(config: type[TargetConfig]) -> dict[str, Any]:
    return {name: option.default for name, option in config.options.items()}


def _values(config: TargetConfig) -> dict[str, Any]:
    """Numba's own, which asks for each option by itself; it looks for them at every call."""
    kind: Any = type(config)
    return _defaults(kind) | config._values


@contextmanager
def _without_collections() -> Iterator[None]:
    """Look for no garbage: trees of types and instructions live to the end, and fill the heap."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    """Give an object another attribute for a while; there may be one already."""
    before = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        delattr(owner, name) if before is None else setattr(owner, name, before)


class _Piece(JITCodeLibrary):
    """Code to be linked into other code: there it is optimized, with its surroundings."""

    _solid = False

    def _optimize_final_module(self) -> None:
        if self._solid:
            super()._optimize_final_module()

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True
        if self._solid:
            super()._finalize_final_module()

    def _set_compiled_object(self, value: bytes) -> None:
        self._solid = True  # it comes from the cache, with machine code
        super()._set_compiled_object(value)

    def get_pointer_to_function(self, name: str) -> Any:
        """Translate what somebody wants the address of, after all; 0 if it is not defined here."""
        self._ensure_finalized()
        if not self._solid and name in {function.name for function in self.get_defined_functions()}:
            self._solid = True
            self._optimize_final_module()
            self._finalize_final_module()
        return super().get_pointer_to_function(name) if self._solid else 0

    @property
    def codegen(self) -> Any:
        """Environments have a place only in machine code."""
        return self._codegen if self._solid else _NoEnvironments


class _NoEnvironments:
    @staticmethod
    def set_env(name: str, environment: Any) -> None:
        """There is no place yet: see `Linked`."""
