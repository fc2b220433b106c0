"""Where tasks run: joblib's processes or threads, or a Dask cluster through joblib.

A task never raises (`_tasks.attempt`); what can fail here is a worker. Those tasks that a lost
worker may have held are then tried one at a time, so that one bad task costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from typing import Any

from lowrot.sweeps._tasks import Done, Function, Task, attempt

BACKENDS = ("processes", "threads", "dask")


class Pool:
    """Workers of one kind.

    Args:
        backend: one of `BACKENDS`, or a ``distributed.Client``.
        workers: how many; None for all processors, or all that the cluster has.

    Raises:
        ValueError: another backend.
        ModuleNotFoundError: no Dask, where it is asked for.
    """

    def __init__(self, backend: Any, workers: int | None):
        word = isinstance(backend, str)
        if backend not in BACKENDS if word else type(backend).__name__ != "Client":
            expected = f"one of {', '.join(map(repr, BACKENDS))}, or a distributed.Client"
            raise ValueError(f"backend is {backend!r}; expected {expected}")
        self.workers = workers or -1
        self.lost: tuple[type[Exception], ...] = (BrokenExecutor,)
        self.threads: int | None = 1  # of torch in a worker: tasks share the cores
        self.options: dict[str, Any] = {"backend": "loky", "inner_max_num_threads": 1}
        if not word or backend == "dask":
            self._ask_dask(None if word else backend)
        elif backend == "threads":
            self.options, self.threads = {"backend": "threading"}, None

    def _ask_dask(self, client: Any) -> None:
        """Let tasks go to a client, or to the one of this process."""
        try:
            from distributed import Client, KilledWorker
        except ModuleNotFoundError as error:
            message = 'backend "dask" needs distributed: pip install "lowrot[cluster]"'
            raise ModuleNotFoundError(message) from error
        try:
            client = client or Client.current()
        except ValueError as error:
            message = 'backend is "dask"; expected a distributed.Client made before'
            raise ValueError(message) from error
        self.lost += (KilledWorker,)
        self.options = {"backend": "dask", "client": client}

    def call(self, function: Function, task: Task) -> Any:
        """One task as joblib takes it."""
        from joblib import delayed

        return delayed(attempt)(function, task, self.threads)

    def parallel(self, calls: Iterable[Any], workers: int) -> Iterator[tuple[int, Done]]:
        """Run calls, and give their results as they come."""
        import joblib

        with joblib.parallel_config(**self.options, n_jobs=workers):
            pool = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        yield from pool(calls)

    def run(
        self, function: Function, tasks: Iterable[Task], wanted: Callable[[Task], bool]
    ) -> Generator[tuple[int, Done]]:
        """Give the number and the result of each task that is still wanted when its turn comes.

        Raises:
            TypeError: no worker can load the function.
        """
        waiting = {task.number: task for task in tasks}
        while waiting:
            begun: list[int] = []

            def calls(begun: list[int] = begun) -> Iterator[Any]:
                for task in list(waiting.values()):
                    if wanted(task):
                        begun.append(task.number)
                        yield self.call(function, task)
                    else:
                        waiting.pop(task.number)

            try:
                for number, done in self.parallel(calls(), self.workers):
                    del waiting[number]
                    yield number, done
                return
            except self.lost as error:
                _check_sent(error)
                for number in [number for number in begun if number in waiting]:
                    yield number, self.alone(function, waiting.pop(number))

    def alone(self, function: Function, task: Task) -> Done:
        """Run one task with no other beside it: if its worker is lost, it is to blame."""
        try:
            return next(self.parallel([self.call(function, task)], 2))[1]
        except self.lost as error:
            return Done(None, f"its worker died: killed, or out of memory ({error!r})\n", 0.0)


def _check_sent(error: Exception) -> None:
    """Raise if workers were lost because they could not load the function."""
    if "un-serialize" in str(error):
        why = str(error.__cause__ or error).strip(' \n"').splitlines()[-1]
        raise TypeError(
            f"function cannot be loaded by another process ({why}); expected one that can: "
            "import from a module what is no plain function or value, such as a function with "
            'functools.cache, or pass backend="threads"'
        ) from error
