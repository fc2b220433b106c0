"""Tasks of a sweep: a point of the grid and a seed; what one returns, or how it failed."""

from __future__ import annotations

import inspect
import itertools
import json
import math
import reprlib
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lowrot import _validate

Scalar = bool | int | float | str | None
Row = dict[str, Scalar]
Function = Callable[..., Any]
"""Called with the parameters of a point and ``seed``."""


@dataclass(frozen=True)
class Task:
    """One call of the function.

    Attributes:
        number: its place in the sweep.
        point: the parameters, by name.
        seed: passed beside them.
    """

    number: int
    point: Mapping[str, Scalar]
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from other tasks of the same code: the same in every process."""
        return json.dumps(self.point, sort_keys=True), self.seed

    def __str__(self) -> str:
        """The call, as it would be typed."""
        return ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())

    @property
    def arguments(self) -> Row:
        """What the function is called with."""
        return {**self.point, "seed": self.seed}


class Done(NamedTuple):
    """What came of a task: rows, or the text of an error."""

    rows: list[Row] | None
    error: str | None
    seconds: float


def tasks(function: Function, grid: Any, seeds: Any) -> list[Task]:
    """Return every point of a grid with every seed, in order.

    Raises:
        TypeError: arguments of another kind, or a function that cannot be called with the grid.
        ValueError: an empty grid, values that are no scalars, points or seeds that repeat.
    """
    if not callable(function):
        raise TypeError(f"function is {function!r}; expected something to call with a point")
    points = _points(grid)
    numbers = [_validate.integer("seeds", seed, 0) for seed in _validate.listed("seeds", seeds)]
    if not numbers:
        raise ValueError("seeds is empty; expected at least one")
    pairs = itertools.product(points, numbers)
    found = [Task(count, *pair) for count, pair in enumerate(pairs)]
    if len({task.key for task in found}) < len(found):
        raise ValueError("grid or seeds repeats a value; expected each task once")
    try:
        inspect.signature(function).bind(**found[0].arguments)
    except TypeError as error:
        raise TypeError(f"function cannot be called with {found[0]}: {error}") from error
    except ValueError:  # some compiled functions do not say what they take
        pass
    return found


def _points(grid: Any) -> list[Row]:
    if isinstance(grid, Mapping):
        names = list(grid)
        columns = [_validate.listed(f"grid[{name!r}]", grid[name]) for name in names]
        points = [dict(zip(names, values)) for values in itertools.product(*columns)]
    elif isinstance(grid, Sequence) and all(isinstance(point, Mapping) for point in grid):
        points = [dict(point) for point in grid]
    else:
        expected = "values by parameter, or a list of points"
        raise TypeError(f"grid is {reprlib.repr(grid)}; expected {expected}")
    if not points:
        raise ValueError("grid has no point; expected at least one value of each parameter")
    for point in points:
        if set(point) != set(points[0]):
            raise ValueError(f"grid has points with different parameters: {points[0]}, {point}")
    return [_row("grid", point) for point in points]


def _row(where: str, values: Mapping[Any, Any], reserved: Iterable[str] = ("seed",)) -> Row:
    """Check names and values; numbers of NumPy and torch become Python's."""
    row: Row = {}
    for name, value in values.items():
        if not isinstance(name, str) or not name.isidentifier() or name in reserved:
            raise ValueError(f"{where} has the name {name!r}; expected a new identifier")
        plain = value.item() if getattr(value, "shape", None) == () else value
        if not isinstance(plain, Scalar):
            raise ValueError(f"{where}[{name!r}] is {reprlib.repr(value)}; expected a scalar")
        if where == "grid" and isinstance(plain, float) and math.isnan(plain):
            raise ValueError(f"grid[{name!r}] is nan; expected a value that equals itself")
        row[name] = plain
    return row


def attempt(function: Function, task: Task, threads: int | None) -> tuple[int, Done]:
    """Call the function where the worker is; whatever it raises is part of the result.

    Args:
        function: of the sweep.
        task: what to call it with.
        threads: those that torch may use in this process, or None for no change.
    """
    import torch

    if threads is not None and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    start = time.perf_counter()
    try:
        found, error = _rows(function(**task.arguments), task), None
    except Exception:
        found, error = None, traceback.format_exc(limit=-8)
    return task.number, Done(found, error, time.perf_counter() - start)


def _rows(returned: Any, task: Task) -> list[Row]:
    """One mapping of scalars, or a list of them, as rows."""
    rows = [returned] if isinstance(returned, Mapping) else returned
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        expected = "a mapping of scalars, or a list of them"
        raise TypeError(f"the function returned {reprlib.repr(returned)}; expected {expected}")
    return [_row("the result", row, task.arguments) for row in rows]
