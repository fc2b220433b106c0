"""Ctrl-C ends the command with one line and status 130, wherever it comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lowrot
from lowrot import _interrupt
from lowrot.diagnosis import _command, _diagnose
from lowrot.diagnosis._command import main

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to be sent")


HOME = Path(lowrot.__file__).parent.parent


def hearing():
    """Interrupts are ignored in the background of a shell: not here."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "points.csv"
    file.write_text("a,b,y\n0.1,0.2,1\n0.3,-0.4,-1\n-0.1,0.9,1\n")
    return str(file)


@pytest.mark.parametrize("after", ["lowrot._interrupt", "numpy", "torch", "lowrot.network"])
def test_while_the_package_is_imported(table, after):
    command = [sys.executable, "-X", "importtime", "-m", "lowrot", "diagnose", table]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hearing
    ) as run:
        for line in run.stderr:
            if line.split("|")[-1].strip() == after:
                run.send_signal(signal.SIGINT)
                break
        rest = [said for said in run.stderr if not said.startswith("import time:")]
        assert run.wait(60) == 130
        assert rest == ["lowrot: interrupted\n"]
        assert run.stdout.read() == ""


@pytest.mark.parametrize("way", [["-m", "other"], ["-c", "import other.__main__"]])
def test_importing_the_package_elsewhere_changes_nothing(tmp_path, way):
    other = tmp_path / "other"
    other.mkdir()
    (other / "__init__.py").write_text("import lowrot\n")
    own = "signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    (other / "__main__.py").write_text(f"import signal\nprint({own})\n")
    done = subprocess.run(
        [sys.executable, *way],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(HOME)},
        preexec_fn=hearing,
    )
    assert done.stdout == "True\n"


@pytest.mark.parametrize("where", ["diagnose", "_shown"])
def test_outside_the_work(table, where, monkeypatch, capsys):
    def interrupted(*given, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(_command, where, interrupted)
    assert main(["diagnose", table, "--width", "4"]) == 130
    assert capsys.readouterr() == ("", "lowrot: interrupted\n")


def test_within_the_work_what_is_finished_is_printed(table, monkeypatch, capsys):
    def interrupted(case):
        raise KeyboardInterrupt

    monkeypatch.setattr(_diagnose._numbers, "samples", interrupted)
    assert main(["diagnose", table, "--width", "4"]) == 130
    out, said = capsys.readouterr()
    assert "not done: sample sizes; clocks" in out
    assert said == "lowrot: interrupted; what was finished is above\n"


def test_exceptions_are_raised_only_within(monkeypatch):
    before = signal.signal(signal.SIGINT, _interrupt._end)
    try:
        with pytest.raises(KeyboardInterrupt), _interrupt.raised():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is _interrupt._end
    finally:
        signal.signal(signal.SIGINT, before)
    with _interrupt.raised():
        assert signal.getsignal(signal.SIGINT) is before


def test_a_reader_of_the_output_who_has_seen_enough(table):
    line = f"{sys.executable} -m lowrot diagnose {table} --width 4 | head -c 1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert len(done.stdout) == 1
