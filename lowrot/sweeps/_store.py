"""The store of a sweep: a SQLite file with one committed row a finished task."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from lowrot.sweeps._code import Code
from lowrot.sweeps._tasks import Done, Row, Task

APPLICATION = 0x6C6F7772  # "lowr", in the header of the file
SCHEMA = 1
TABLE = """
create table if not exists tasks (
  function text not null, point text not null, seed integer not null, code text not null,
  versions text not null, result text, error text, seconds real not null, finished text not null,
  primary key (function, point, seed, code, versions)
) without rowid"""
PATIENCE = 60.0  # seconds that a commit waits for another process


class StoreError(OSError):
    """A store cannot be read or written, or holds what must not be mixed."""


class Store:
    """The finished tasks of one function in a file.

    A row is written when its task ends, and a finished row is never replaced: several sweeps may
    use one file at once. What failed is kept with its error, and tried again by the next sweep.

    Args:
        file: made if it is not there.
        code: identity of the function.

    Raises:
        StoreError: no file that can be opened, or one of another kind.
    """

    def __init__(self, file: str | Path, code: Code):
        self.file, self.code, self.lock = Path(file), code, Lock()
        if not self.file.parent.is_dir():
            raise StoreError(f"store is {self.file}; expected a file in a folder that exists")
        with self._words():
            self._open()

    def _open(self) -> None:
        self.base = sqlite3.connect(
            self.file, timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        known = self._pragma("application_id"), self._pragma("user_version")
        if known == (0, 0) and not self._tables():
            with self.base:
                self.base.execute("begin immediate")
                self.base.execute(TABLE)
                self.base.execute(f"pragma application_id = {APPLICATION}")
                self.base.execute(f"pragma user_version = {SCHEMA}")
            with suppress(sqlite3.OperationalError):  # busy: then another one has done it
                self.base.execute("pragma journal_mode = wal")  # readers and a writer at once
            known = (APPLICATION, SCHEMA)
        if known != (APPLICATION, SCHEMA):
            self.base.close()
            what = "no store of sweeps" if known[0] != APPLICATION else f"of schema {known[1]}"
            raise StoreError(f"store {self.file} is {what}; expected one of schema {SCHEMA}")
        self.base.execute("pragma synchronous = normal")  # a killed process loses nothing

    def _pragma(self, name: str) -> int:
        return int(self.base.execute(f"pragma {name}").fetchone()[0])

    def _tables(self) -> int:
        return int(self.base.execute("select count(*) from sqlite_master").fetchone()[0])

    @contextmanager
    def _words(self) -> Iterator[None]:
        """One thread at a time (joblib asks from several); say of which file SQLite complains."""
        try:
            with self.lock:
                yield
        except sqlite3.Error as error:
            raise StoreError(f"store {self.file}: {error}") from error

    def check_writable(self) -> None:
        """Find out before the first task whether the last one can be kept.

        Raises:
            StoreError: it cannot.
        """
        with self._words():
            self.base.execute("begin immediate")
            self.base.execute(f"pragma user_version = {SCHEMA}")
            self.base.execute("rollback")

    def finished(self) -> dict[tuple[str, int], list[Row]]:
        """Return the rows of each task of this code, by its key."""
        query = "select point, seed, result from tasks where result is not null and " + _OWN
        with self._words():
            found = self.base.execute(query, self.code).fetchall()
        return {(point, seed): json.loads(result) for point, seed, result in found}

    def has(self, task: Task) -> bool:
        """Whether a task is finished: perhaps by another sweep, in the meantime."""
        query = f"select 1 from tasks where {_OWN} and point = ? and seed = ? and result not null"
        with self._words():
            return self.base.execute(query, (*self.code, *task.key)).fetchone() is not None

    def others(self) -> list[str]:
        """Return what else the store holds of the function: its code and versions, and how much."""
        query = (
            "select code, versions, count(*) from tasks where function = ? and result not null"
            " and not (code = ? and versions = ?) group by code, versions"
        )
        with self._words():
            found = self.base.execute(query, self.code).fetchall()
        return [f"{count} tasks of code {code} ({versions})" for code, versions, count in found]

    def write(self, task: Task, done: Done) -> None:
        """Commit one row.

        Raises:
            StoreError: it could not be written; rows committed before are safe.
        """
        result = None if done.rows is None else json.dumps(done.rows)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        row = (*self.code, *task.key, result, done.error, done.seconds, now)
        with self._words():
            self.base.execute(_WRITE, row)

    def close(self) -> None:
        """Let go of the file."""
        with suppress(sqlite3.Error):
            self.base.close()


_OWN = "function = ? and code = ? and versions = ?"
_WRITE = """
insert into tasks (function, code, versions, point, seed, result, error, seconds, finished)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict do update set result = excluded.result, error = excluded.error,
  seconds = excluded.seconds, finished = excluded.finished where tasks.result is null"""
