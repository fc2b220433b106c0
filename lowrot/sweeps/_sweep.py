"""The public face: a grid of runs as a tidy frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lowrot import _validate
from lowrot.sweeps._code import Code, identify
from lowrot.sweeps._engine import Pool
from lowrot.sweeps._store import Store, StoreError
from lowrot.sweeps._tasks import Done, Function, Row, Task, tasks

if TYPE_CHECKING:
    import pandas as pd


class SweepFailed(RuntimeError):
    """Some tasks failed; all others have finished.

    Attributes:
        failures: the text of each error, by the call that it came from.
        frame: what the others returned.
    """

    def __init__(self, failures: dict[str, str], frame: pd.DataFrame):
        self.failures, self.frame = failures, frame
        call, error = next(iter(failures.items()))
        last = error.strip().splitlines()[-1]
        super().__init__(f"{len(failures)} tasks failed; the first is ({call}): {last}")


def sweep(
    function: Function,
    grid: Mapping[str, Iterable[Any]] | Sequence[Mapping[str, Any]],
    seeds: Iterable[int],
    store: str | Path | None = None,
    backend: Any = "processes",
    progress: bool = True,
    *,
    workers: int | None = None,
    changed: str = "refuse",
) -> pd.DataFrame:
    """Call a function at every point of a grid with every seed, in parallel.

    Args:
        function: called with the parameters of a point and ``seed=``; returns a mapping of scalars,
            or a list of such mappings (one row each, say one a saved time).
        grid: values by parameter (every combination is a point), or a list of points.
        seeds: whole numbers from zero on.
        store: a SQLite file that keeps each task as soon as it is finished. A sweep that was
            stopped in any way, the computer's too, goes on from there. Several sweeps may share it.
        backend: "processes" or "threads" of this machine; "dask" for the Dask client of this
            process, or a ``distributed.Client``.
        progress: whether a line on the standard error stream says how far it is.
        workers: how many; all processors (or the cluster) by default. One alone runs in this
            process.
        changed: what happens to tasks in the store that ran another version of the function, of
            lowrot or of what it computes with: "refuse" or "recompute". They are never mixed.

    Returns:
        One row a returned mapping: parameters, ``seed``, results; in the order of grid and seeds.
        ``frame.attrs`` says which code and versions they are from, for `to_csv`.

    Raises:
        SweepFailed: tasks raised, or lost their worker; after all others have finished.
        StoreError: the store cannot be used, or holds tasks of another version.
        TypeError: arguments of another kind; a function that other processes cannot load.
        ValueError: an empty or repeated grid; with a store, a function that is not from a file.
        ModuleNotFoundError: no Dask, where it is asked for.
    """
    todo = tasks(function, grid, seeds)
    _validate.choice("changed", changed, ("refuse", "recompute"))
    count = None if workers is None else _validate.integer("workers", workers, 1)
    shown = _validate.flag("progress", progress)
    file = None if store is None else _validate.file("store", store)
    pool, code = Pool(backend, count), identify(function, file is not None)
    if file is None:
        found = _run(pool, function, todo, None, shown)
    else:
        with closing(_opened(file, code, changed)) as kept:
            found = _run(pool, function, todo, kept, shown)
    return _frame(todo, found, code)


def _opened(file: Path, code: Code, changed: str) -> Store:
    """The store, if it may be used for this code."""
    store = Store(file, code)
    others = store.others()
    if others and changed == "refuse":
        store.close()
        raise StoreError(
            f"store {file} holds {'; '.join(others)}, not of code {code.digest} "
            f'({code.versions}); expected the same, or changed="recompute", or another store'
        )
    return store


def _run(
    pool: Pool, function: Function, todo: list[Task], store: Store | None, shown: bool
) -> dict[int, Done]:
    """What came of every task, by number: from the store, or now."""
    found = _kept(todo, store)
    missing = [task for task in todo if task.number not in found]
    if not missing:
        return found
    if store is not None:
        store.check_writable()
    with _bar(len(todo), len(found), shown) as advance:
        wanted = (lambda task: True) if store is None else (lambda task: not store.has(task))
        with closing(pool.run(function, missing, wanted)) as results:
            for number, done in results:
                if store is not None:
                    store.write(todo[number], done)
                found[number] = done
                advance()
    # What is missing now another sweep has done in the meantime.
    return found if len(found) == len(todo) else _kept(todo, store) | found


def _kept(todo: list[Task], store: Store | None) -> dict[int, Done]:
    """What a store has of the tasks, by number."""
    rows = {} if store is None else store.finished()
    return {t.number: Done(rows[t.key], None, 0.0) for t in todo if t.key in rows}


@contextmanager
def _bar(total: int, done: int, shown: bool) -> Iterator[Any]:
    """Show how far the sweep is, and how long the rest will take."""
    from rich import progress
    from rich.console import Console

    columns = (*progress.Progress.get_default_columns(), progress.MofNCompleteColumn())
    console = Console(stderr=True)
    with progress.Progress(*columns, console=console, disable=not shown) as bar:
        task = bar.add_task("sweep", total=total, completed=done)
        yield lambda: bar.advance(task)


def _frame(todo: list[Task], found: dict[int, Done], code: Code) -> pd.DataFrame:
    """Rows in order; or `SweepFailed`, with those that there are."""
    import pandas as pd

    rows: list[Row] = []
    failures = {}
    for task in todo:
        done = found[task.number]
        rows += [task.arguments | row for row in done.rows or []]
        if done.rows is None:
            failures[str(task)] = done.error or ""
    frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(todo[0].arguments))
    frame.attrs |= code._asdict()
    if failures:
        raise SweepFailed(failures, frame)
    return frame
