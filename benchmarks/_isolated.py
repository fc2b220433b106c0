"""Runs in processes of their own: threads fixed, a limit enforced, results kept in a file."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "build" / "benchmarks"
PREPARATION = 300.0
"""Seconds for imports, compilation and a first step, on top of the limit."""
BUSY = 4.0
"""With one thread the limit is one of processor time, which a run ends at itself; a busy machine
may give it this part of one processor. Who looks at no clock is ended then."""
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Store:
    """A JSON file of results by key, replaced as a whole after each one.

    Tables made side by side may share it: what others have added is kept.
    """

    def __init__(self, name):
        self.file = FOLDER / name
        self.results = self._read()

    def _read(self):
        return json.loads(self.file.read_text("utf8")) if self.file.exists() else {}

    def __contains__(self, key):
        return key in self.results

    def __getitem__(self, key):
        return self.results[key]

    def __setitem__(self, key, result):
        self.results = self._read() | self.results | {key: result}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(self.results, indent=1), "utf8")
        os.replace(partial, self.file)


def isolated(function, arguments, limit, threads):
    """Yield the pairs (kind, value) that ``function(send, *arguments)`` sends from a new process.

    The last kind is the one that ended it: as the function says, ``failed`` if it died, or
    ``limit`` if it was killed, some time after ``limit`` seconds counted from its ``start``.
    """
    before = {name: os.environ.get(name) for name in VARIABLES}
    os.environ.update(dict.fromkeys(VARIABLES, str(threads)))
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(function, arguments, send, threads), daemon=True)
    process.start()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
    send.close()
    deadline = time.monotonic() + limit + PREPARATION
    kind = ""
    try:
        while receive.poll(max(0.0, deadline - time.monotonic())):
            try:
                kind, value = receive.recv()
            except EOFError:
                break
            if kind == "start":
                deadline = time.monotonic() + (BUSY if threads == 1 else 1.05) * limit + 1.0
            else:
                yield kind, value
        else:
            yield "limit", ""
            return
        process.join()
        if process.exitcode:
            yield "failed", f"the process ended with code {process.exitcode}"
    finally:
        process.kill()
        process.join()


def _child(function, arguments, send, threads):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    function(lambda kind, value="": send.send((kind, value)), *arguments)
