"""Build the book: execute each chapter once, then render it with warnings as errors.

1. jupytext writes every chapter as a notebook into ``build/notebooks``;
2. nbmake executes, in parallel, those whose key is new, and each is kept in ``build/executed``
   under its key: its text, ``requirements.lock``, and what its cells reach of ``lowrot``,
   ``book/figures`` and ``book/data``;
3. the outputs are placed into the notebook cache of Jupyter Book;
4. Jupyter Book renders the pages and executes nothing.

Nothing half-done is ever kept: files are written beside their place and moved there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import pluggy

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from lowrot_book import keys, stopped

WORKERS = 2
CELL_TIMEOUT = 300


class Failure(Exception):
    """A build that cannot go on, with the reason a reader needs."""


class Book:
    """The folders of one book, and the key of each of its chapters."""

    def __init__(self, root: Path):
        self.root = root
        self.written = root / "build" / "notebooks"
        self.executed = root / "build" / "executed"
        self.stamp = root / "build" / "last_success"
        self.pages = root / "_build"
        self.chapters = keys.chapters(root)
        self.code: dict[str, str] = {}
        self.keys: dict[str, str] = {}

    def find_keys(self) -> None:
        """Read what each chapter depends on: before anything is executed, and only if need be."""
        self.code = keys.code_keys(self.root)
        self.keys = {name: keys.with_text(self.root, name, key) for name, key in self.code.items()}

    def source(self, name: str) -> Path:
        """The text of a chapter."""
        return self.root / f"{name}.md"

    def notebook(self, name: str) -> Path:
        """Where the unexecuted notebook of a chapter is written, and then run."""
        return self.written / f"{name}.ipynb"

    def result(self, name: str) -> Path:
        """Where the executed notebook of a chapter is kept."""
        return self.executed / f"{name}.{self.keys[name][:20]}.ipynb"

    @property
    def address(self) -> str:
        """The address of the first page."""
        return (self.pages / "html" / "index.html").as_uri()


def replace(path: Path, text: str) -> None:
    """Write a file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, "utf8")
    os.replace(beside, path)


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Wait until no other build is in this folder; the system frees the lock of a dead one."""
    folder = root / "build"
    folder.mkdir(exist_ok=True)
    lock, holder = filelock.FileLock(folder / "lock"), folder / "lock.pid"
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        number = holder.read_text() if holder.is_file() else "unknown"
        print(f"waiting for another build in this folder, process {number}", flush=True)
        lock.acquire(poll_interval=0.2)
    try:
        replace(holder, str(os.getpid()))
        yield
    finally:
        lock.release()


def write_notebooks(book: Book) -> None:
    """Stage 1: every chapter as .ipynb, because nbmake sees nothing else."""
    import jupytext

    shutil.rmtree(book.written, ignore_errors=True)
    for name in book.chapters:
        try:
            notebook = jupytext.read(book.source(name), fmt="md:myst")
        except Exception as error:
            problem = str(error).strip().splitlines()[0]
            raise Failure(f"jupytext cannot read {name}.md as a notebook: {problem}") from error
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.metadata.setdefault("kernelspec", kernel)
        stopped.prepare(notebook)
        path = book.notebook(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        jupytext.write(notebook, path, fmt="ipynb")
    for folder in {book.notebook(name).parent for name in book.chapters}:
        for name in ("data", "figures"):  # chapters import both, here as beside their text
            beside = book.root / folder.relative_to(book.written) / name
            if beside.is_dir():
                (folder / name).symlink_to(beside, target_is_directory=True)


class Progress:
    """A pytest plugin: one line when a chapter starts, one when it ends; keeps what passed."""

    def __init__(self, book: Book, names: list[str]):
        self.book, self.failed = book, []
        self.chapter = {str(book.notebook(name)): name for name in names}
        self.seconds: dict[str, float] = {}

    def name(self, nodeid: str) -> str:
        """The chapter of a test."""
        path = Path(nodeid.split("::")[0])
        return self.chapter[str(path if path.is_absolute() else self.book.written / path)]

    @pluggy.HookimplMarker("pytest")(tryfirst=True)
    def pytest_sessionstart(self, session) -> None:
        """Only this plugin speaks."""
        reporter = session.config.pluginmanager.unregister(name="terminalreporter")
        reporter.write_line = reporter.rewrite = lambda *words, **options: None

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A worker has begun a chapter."""
        print(f"  running   {self.name(nodeid)}", flush=True)

    def pytest_runtest_logreport(self, report) -> None:
        """A worker has finished a chapter."""
        name = self.name(report.nodeid)
        if report.failed:
            self.failed.append(name)
            print(f"  FAILED    {name}", flush=True)
            source, notebook = self.book.source(name), self.book.notebook(name)
            shown = source.relative_to(self.book.root)
            why = stopped.explain(source, str(shown), notebook, report.longreprtext)
            print(why, flush=True)
        elif report.when == "call":
            self.seconds[name] = report.duration
            keep(self.book, name, report.duration)
            print(f"  executed  {name}  {report.duration:.1f} s", flush=True)


def keep(book: Book, name: str, seconds: float) -> None:
    """Store an executed notebook under its key, and forget those of its older keys."""
    import nbformat

    notebook = nbformat.read(book.notebook(name), as_version=4)
    notebook.metadata["lowrot"] = {"key": book.keys[name], "seconds": round(seconds, 2)}
    target = book.result(name)
    replace(target, nbformat.writes(notebook))
    for old in target.parent.glob(f"{target.name.split('.')[0]}.*.ipynb"):
        if old != target:
            old.unlink()


def execute(book: Book) -> list[str]:
    """Stage 2: run what is not stored under its present key; returns what was run."""
    todo = [name for name in book.chapters if not book.result(name).is_file()]
    same = len(book.chapters) - len(todo)
    print(f"{len(book.chapters)} chapters: {same} unchanged, {len(todo)} to execute", flush=True)
    if not todo:
        return []
    import pytest

    progress = Progress(book, todo)
    workers = min(WORKERS, len(todo))
    # One thread each: small products gain nothing from more, and the last digits stay the same.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    options = ["--nbmake", "--overwrite", f"--nbmake-timeout={CELL_TIMEOUT}"]
    options += ["-p", stopped.__name__, "-q", "-n", str(workers), "--dist", "worksteal"]
    options += ["-c", os.devnull, "--rootdir", str(book.written), "-p", "no:cacheprovider"]
    code = pytest.main([*options, *(str(book.notebook(name)) for name in todo)], [progress])
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if progress.failed:
        raise Failure(f"a chapter failed: {', '.join(sorted(set(progress.failed)))}")
    unseen = [name for name in todo if name not in progress.seconds]
    if code != pytest.ExitCode.OK or unseen:
        raise Failure(f"nbmake ended with {code!r} and did not run: {', '.join(unseen) or 'none'}")
    return todo


def fill_cache(book: Book):
    """Stage 3: what was executed is all that Jupyter Book will find, keyed the way it looks."""
    import nbformat
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn
    from myst_nb.core.read import read_myst_markdown_notebook

    folder = book.pages / ".jupyter_cache"
    shutil.rmtree(folder, ignore_errors=True)
    cache = get_cache(str(folder))
    for name in book.chapters:
        source = book.source(name)
        parsed = read_myst_markdown_notebook(source.read_text("utf8"))
        done = nbformat.read(book.result(name), as_version=4)
        theirs = [cell for cell in parsed.cells if cell.cell_type == "code"]
        ours = [cell for cell in done.cells if cell.cell_type == "code"]
        if [c.source.strip() for c in theirs] != [c.source.strip() for c in ours]:
            raise Failure(f"{name}: jupytext and myst-nb read different code cells")
        for cell, result in zip(theirs, ours, strict=True):
            cell.outputs, cell.execution_count = result.outputs, result.execution_count
        parsed.metadata["language_info"] = done.metadata["language_info"]
        data = {"execution_seconds": done.metadata["lowrot"]["seconds"]}
        bundle = CacheBundleIn(parsed, str(source), data=data)
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    replace(folder / keys.STAMP, json.dumps(book.code))
    return cache


def render(book: Book, cache) -> None:
    """Stage 4: the pages, warnings as errors; that nothing was executed is checked."""
    for made in ("html", "jupyter_execute"):
        shutil.rmtree(book.pages / made, ignore_errors=True)
    before = {record.hashkey for record in cache.list_cache_records()}
    program = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    options = ["build", "-W", "-n", "--keep-going", "--all", str(book.root)]
    code = subprocess.run([sys.executable, "-c", program, *options], cwd=book.root).returncode
    if code != 0:
        raise Failure("the pages have warnings or errors: see above")
    if {record.hashkey for record in cache.list_cache_records()} != before:
        raise Failure("Jupyter Book executed a notebook again: its cache key has changed")


def build(root: Path) -> int:
    """Run the stages that are needed, and print the address of the book."""
    started = time.monotonic()
    book, key = Book(root), keys.site_key(root)
    fresh = book.stamp.is_file() and book.stamp.read_text() == key
    if fresh and (book.pages / "html" / "index.html").is_file():
        print("nothing has changed since the last build")
    else:
        book.stamp.unlink(missing_ok=True)
        book.find_keys()
        write_notebooks(book)
        execute(book)
        render(book, fill_cache(book))
        replace(book.stamp, key)
    print(f"\nThe book is at {book.address}  ({time.monotonic() - started:.0f} s)")
    return 0


def main() -> int:
    """Entry point of ``make book``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parent.parent)
    try:
        root = parser.parse_args().root.resolve()
        with alone(root):
            return build(root)
    except Failure as failure:
        print(f"\nNo book: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; what had been executed is kept", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
