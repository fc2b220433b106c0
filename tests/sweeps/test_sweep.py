"""Sweeps: rows in order, nothing lost, nothing mixed, whatever goes wrong."""

from __future__ import annotations

import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import runs
import torch

import lowrot
from lowrot import sweeps
from lowrot.sweeps import StoreError, SweepFailed, _sweep, sweep
from lowrot.sweeps._code import Code

HERE = Path(__file__).parent
quiet = partial(sweep, progress=False, workers=2)


def lines(log: Path) -> list[str]:
    return sorted(log.read_text().split()) if log.exists() else []


# ---------------------------------------------------------------- what comes out


@pytest.mark.parametrize("backend", ["processes", "threads", "dask"])
def test_every_task_once_in_order(backend, request, tmp_path):
    client = request.getfixturevalue("cluster") if backend == "dask" else backend
    log = str(tmp_path / "log")
    for kind in (client, backend):
        frame = quiet(runs.counted, {"a": [2, 1], "log": [log]}, range(3), backend=kind)
        assert frame.a.tolist() == frame.value.tolist() == [2, 2, 2, 1, 1, 1]
        assert frame.seed.tolist() == [0, 1, 2] * 2
    assert lines(tmp_path / "log") == sorted(2 * [f"{a},{s}" for a in (1, 2) for s in range(3)])


def test_rows_are_those_of_a_loop():
    """On flows, too: one thread a worker, the same numbers to the last digit."""
    grid = {"a": [1, 3], "b": [0.5, -1.0]}
    frame = quiet(runs.product, grid, [0, 5])
    loop = [
        {"a": a, "b": b, "seed": s, **runs.product(a, b, s)}
        for a in grid["a"]
        for b in grid["b"]
        for s in (0, 5)
    ]
    pd.testing.assert_frame_equal(frame, pd.DataFrame(loop))
    flows = quiet(runs.flow, {"m": [8, 16]}, range(2))
    alone = sweep(runs.flow, {"m": [8, 16]}, range(2), workers=1, progress=False)
    pd.testing.assert_frame_equal(flows, alone, check_exact=True)


def test_a_task_may_return_several_rows_or_none():
    frame = quiet(runs.two_rows, {"a": [1.0]}, [0, 2])
    assert frame.to_dict("list") == {
        "a": [1.0] * 4, "seed": [0, 0, 2, 2], "t": [0.0, 0.5] * 2, "x": [1.0, 1.0, 1.0, 3.0]
    }  # fmt: skip
    assert list(quiet(runs.nothing, {"a": [1]}, [0])) == ["a", "seed"]


def test_points_may_be_listed():
    points = [{"a": 1, "b": 2}, {"a": 4, "b": 0}]
    assert quiet(runs.product, points, [1]).value.tolist() == [3, 1]


def test_numbers_of_arrays_become_plain(tmp_path):
    grid = {"a": np.arange(2), "b": [torch.tensor(0.5, dtype=torch.float64)]}
    first = quiet(runs.product, grid, np.arange(2), store=tmp_path / "s.db")
    again = quiet(runs.product, {"a": [0, 1], "b": [0.5]}, [0, 1], store=tmp_path / "s.db")
    pd.testing.assert_frame_equal(first, again, check_exact=True)


# ---------------------------------------------------------------- what stops one


def test_a_task_that_raises_is_reported_and_the_others_finish(tmp_path):
    store = tmp_path / "s.db"
    with pytest.raises(SweepFailed, match=r"1 tasks failed.*a=2, seed=0.*a is 2") as caught:
        quiet(runs.failing, {"a": range(4)}, [0], store=store)
    assert caught.value.frame.value.tolist() == [0, 1, 3]
    assert "ArithmeticError" in caught.value.failures["a=2, seed=0"]
    base = sqlite3.connect(store)
    query = "select seed, error from tasks where error is not null"
    ((seed, error),) = base.execute(query).fetchall()
    assert (seed, "a is 2" in error) == (0, True)


def test_a_worker_that_dies_costs_one_task(tmp_path):
    with pytest.raises(SweepFailed, match=r"1 tasks failed.*a=2") as caught:
        quiet(runs.dying, {"a": range(6)}, [0], store=tmp_path / "s.db")
    assert caught.value.frame.value.tolist() == [0, 1, 3, 4, 5]
    assert "its worker died" in caught.value.failures["a=2, seed=0"]


CACHED = """
from functools import cache
from lowrot.sweeps import sweep
@cache
def known(a): return 2 * a
def run(a, seed): return {"value": known(a)}
if __name__ == "__main__":
    sweep(run, {"a": [1, 2]}, [0], "s.db", workers=2, progress=False)
"""


def test_a_function_that_cannot_be_sent_is_named_and_nothing_recorded(tmp_path):
    """A plain function of a script goes to a worker with its helpers, but not with their caches."""
    (tmp_path / "script.py").write_text(CACHED)
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert re.match(r"TypeError: function cannot be loaded .*'known'.*expected one that can", last)
    assert sqlite3.connect(tmp_path / "s.db").execute("select count(*) from tasks").fetchone() == (
        0,
    )
    (tmp_path / "script.py").write_text(CACHED.replace("@cache", ""))
    subprocess.run(command, cwd=tmp_path, check=True)


def test_a_failed_task_is_tried_again(tmp_path):
    grid = {"a": [1], "flag": [str(tmp_path / "flag")]}
    with pytest.raises(SweepFailed):
        quiet(runs.flaky, grid, [0], store=tmp_path / "s.db")
    (tmp_path / "flag").touch()
    assert quiet(runs.flaky, grid, [0], store=tmp_path / "s.db").value.tolist() == [1]


SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
sys.path.insert(0, {here!r})
import runs
from lowrot.sweeps import sweep
if __name__ == "__main__":
    sweep({function}, {grid!r}, range({seeds}), {store!r}, workers=2, progress=False)
"""


def start(tmp_path: Path, function: str, grid: dict, seeds: int, **options) -> subprocess.Popen:
    store = str(tmp_path / "s.db")
    script = tmp_path / "script.py"
    script.write_text(
        SCRIPT.format(here=str(HERE), function=function, grid=grid, seeds=seeds, store=store)
    )
    said = (tmp_path / "said").open("a")  # not a pipe, which workers of a killed sweep keep open
    return subprocess.Popen([sys.executable, str(script)], stderr=said, **options)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_sweep_goes_on_where_it_was(tmp_path, sent):
    log, grid = tmp_path / "log", {"a": list(range(8)), "log": [str(tmp_path / "log")]}
    process = start(tmp_path, "runs.slow", grid, 2)
    while len(lines(log)) < 4:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(sent)
    process.wait()
    time.sleep(1.0)  # what its workers still do
    done = sqlite3.connect(tmp_path / "s.db").execute("select count(*) from tasks").fetchone()[0]
    assert 1 <= done < 16
    before = len(lines(log))
    frame = quiet(runs.slow, grid, range(2), store=tmp_path / "s.db")
    assert frame.value.tolist() == [a for a in range(8) for _ in range(2)]
    assert len(lines(log)) - before == 16 - done


def test_two_sweeps_share_a_store(tmp_path):
    grid = {"a": list(range(6)), "log": [str(tmp_path / "log")]}
    both = [start(tmp_path, "runs.slow", grid, 2) for _ in range(2)]
    for process in both:
        assert process.wait() == 0, (tmp_path / "said").read_text()
    base = sqlite3.connect(tmp_path / "s.db")
    assert base.execute("select count(*) from tasks where result not null").fetchone() == (12,)


def test_a_full_disk_keeps_what_is_committed(tmp_path):
    """A limit on the size of files stands for the disk; with room again, the rest is done."""
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (300_000, 300_000))
    process = start(tmp_path, "runs.large", {"a": list(range(40))}, 1, preexec_fn=limit)
    assert process.wait() == 1
    assert "StoreError" in (tmp_path / "said").read_text()
    done = sqlite3.connect(tmp_path / "s.db").execute("select count(*) from tasks").fetchone()[0]
    assert 1 <= done < 40
    assert len(quiet(runs.large, {"a": range(40)}, [0], store=tmp_path / "s.db")) == 40


# ---------------------------------------------------------------- what is refused


def test_other_code_is_refused_or_computed_anew(tmp_path, monkeypatch):
    store, grid = tmp_path / "s.db", {"a": [1], "b": [2]}
    quiet(runs.product, grid, [0], store=store)
    other = Code("runs.product", "0" * 16, "python 4")
    monkeypatch.setattr(_sweep, "identify", lambda function, kept: other)
    with pytest.raises(StoreError, match="holds 1 tasks of code"):
        quiet(runs.product, grid, [0], store=store)
    assert len(quiet(runs.product, grid, [0], store=store, changed="recompute")) == 1
    base = sqlite3.connect(store)
    assert base.execute("select count(*) from tasks").fetchone() == (2,)
    monkeypatch.undo()
    with pytest.raises(StoreError, match=r"0000.*python 4"):
        quiet(runs.product, grid, [0], store=store)


def test_the_code_changes_with_its_file_and_the_library(tmp_path, monkeypatch):
    from lowrot.sweeps import _code

    before = _code.identify(runs.product, True)
    assert before == _code.identify(runs.product, True)
    assert before.function == "runs.product"
    assert "torch" in before.versions
    monkeypatch.setattr(_code, "_library", lambda: b"changed")
    assert _code.identify(runs.product, True).digest != before.digest


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda f: f.write_bytes(b"SQLite format 3, almost" * 50), "not a database"),
        (lambda f: sqlite3.connect(f).execute("create table t (x)"), "no store of sweeps"),
        (lambda f: schema(f, 2), "of schema 2; expected one of schema 1"),
        (lambda f: f.mkdir(), "unable to open"),
    ],
)
def test_another_file_is_no_store(tmp_path, make, complaint):
    make(tmp_path / "s.db")
    with pytest.raises(StoreError, match=complaint):
        quiet(runs.product, {"a": [1], "b": [1]}, [0], store=tmp_path / "s.db")


def schema(file: Path, version: int) -> None:
    quiet(runs.product, {"a": [1], "b": [1]}, [0], store=file)
    sqlite3.connect(file).execute(f"pragma user_version = {version}")


def test_a_store_that_cannot_be_written_is_found_before_the_first_task(tmp_path, monkeypatch):
    store, log = tmp_path / "s.db", tmp_path / "log"
    grid = {"a": [1], "log": [str(log)]}
    quiet(runs.counted, grid, [0], store=store)
    opened = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda file, **o: opened(f"file:{file}?mode=ro", uri=True, **o)
    )
    assert len(quiet(runs.counted, grid, [0], store=store)) == 1  # all is there
    with pytest.raises(StoreError, match="readonly"):
        quiet(runs.counted, grid, [0, 1], store=store)
    assert lines(log) == ["1,0"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(StoreError, match="folder that exists"):
        quiet(runs.product, {"a": [1], "b": [1]}, [0], store=tmp_path / "none" / "s.db")


@pytest.mark.parametrize(
    ("arguments", "kind", "complaint"),
    [
        ((7, {"a": [1]}, [0]), TypeError, "function is 7"),
        ((runs.product, {"a": [1]}, [0]), TypeError, "cannot be called with a=1, seed=0"),
        ((runs.product, 7, [0]), TypeError, "grid is 7"),
        ((runs.product, {"a": 1}, [0]), TypeError, "grid"),
        ((runs.product, {"a": [], "b": [1]}, [0]), ValueError, "grid has no point"),
        ((runs.product, {"a": [1, 1], "b": [1]}, [0]), ValueError, "repeats"),
        ((runs.product, {"a": [1], "b": [1]}, [0, 0]), ValueError, "repeats"),
        ((runs.product, {"a": [1], "b": [1]}, []), ValueError, "seeds is empty"),
        ((runs.product, {"a": [1], "b": [1]}, [-1]), ValueError, "seeds"),
        ((runs.product, {"a": [1], "b": [1]}, [0.5]), TypeError, "seeds"),
        ((runs.product, {"a": [[1]], "b": [1]}, [0]), ValueError, "expected a scalar"),
        ((runs.product, {"a": [float("nan")], "b": [1]}, [0]), ValueError, "nan"),
        ((runs.product, {"seed": [1], "b": [1]}, [0]), ValueError, "'seed'"),
        ((runs.product, [{"a": 1, "b": 1}, {"a": 1}], [0]), ValueError, "different parameters"),
    ],
)
def test_wrong_arguments_are_named(arguments, kind, complaint):
    with pytest.raises(kind, match=complaint):
        quiet(*arguments)


@pytest.mark.parametrize(
    "options", [{"backend": "mpi"}, {"changed": "mix"}, {"workers": 0}, {"progress": 2}]
)
def test_wrong_options_are_named(options):
    (name,) = options
    with pytest.raises((TypeError, ValueError), match=name):
        sweep(runs.product, {"a": [1], "b": [1]}, [0], **{"progress": False, **options})


def test_dask_without_a_client_or_at_all(monkeypatch):
    """Said before anything runs."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(distributed.Client, "current", classmethod(raising(ValueError("none"))))
    with pytest.raises(ValueError, match="Client made before"):
        sweep(runs.product, {"a": [1], "b": [1]}, [0], backend="dask", progress=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ModuleNotFoundError, match="cluster"):
        sweep(runs.product, {"a": [1], "b": [1]}, [0], backend="dask", progress=False)


def raising(error):
    def fail(*_):
        raise error

    return fail


def test_wrong_results_are_named():
    for a, complaint in ((0, "returned 7"), (1, "expected a scalar"), (2, "'a'")):
        with pytest.raises(SweepFailed, match=complaint):
            quiet(runs.wrong, {"a": [a]}, [0])


def test_a_store_asks_for_a_function_of_a_file(tmp_path):
    for function in (lambda a, seed: {"x": a}, partial(runs.product, b=1)):
        with pytest.raises(ValueError, match="defined with def in a file"):
            quiet(function, {"a": [1]}, [0], store=tmp_path / "s.db")
    assert quiet(lambda a, seed: {"x": a}, {"a": [1]}, [0]).x.tolist() == [1]


# ---------------------------------------------------------------- slices


def test_a_slice_is_written_and_read_again(tmp_path):
    frame = quiet(runs.product, {"a": [1, 2], "b": [1 / 3]}, [0])
    sweeps.to_csv(frame, tmp_path / "x.csv", "make data", note="seeds 0")
    kept = sweeps.read_csv(tmp_path / "x.csv")
    assert kept.value.tolist() == [0.3333, 0.6667]
    first, second, *_, last = kept.attrs["provenance"]
    assert first == "command: make data"
    assert f"lowrot {lowrot.__version__}" in second
    assert last == "seeds 0"
    text = (tmp_path / "x.csv").read_bytes()
    sweeps.to_csv(frame.copy(), tmp_path / "x.csv", "make data", note="seeds 0")
    assert (tmp_path / "x.csv").read_bytes() == text
    assert [file.name for file in tmp_path.iterdir()] == ["x.csv"]
    with pytest.raises(ValueError, match="one line each"):
        sweeps.to_csv(frame, tmp_path / "x.csv", "make\ndata")
    with pytest.raises(TypeError, match="frame"):
        sweeps.to_csv([1], tmp_path / "x.csv", "make data")


def test_a_slice_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(OSError):
        sweeps.to_csv(pd.DataFrame({"x": [1.0]}), tmp_path / "x.csv", "make data")
    assert [file.name for file in tmp_path.iterdir()] == ["x.csv"]
