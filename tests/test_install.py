"""What is needed to install: wheel and sdist are whole, and the Makefile finds a Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import lowrot

ROOT = Path(__file__).parent.parent
CORE = {"clarabel", "joblib", "numba", "numpy", "pandas", "rich", "scipy", "torch"}

# ---------------------------------------------------------------- the wheel


def wheel(folder: Path) -> zipfile.ZipFile:
    """The wheel of the sources in a folder, built with what is installed here."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "dist"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, folder], check=True)
    (built,) = (folder / "dist").glob("*.whl")
    return zipfile.ZipFile(built)


@pytest.fixture
def sources(tmp_path):
    """What a wheel is built from; the repository itself also holds what earlier builds left."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lowrot", tmp_path / "lowrot", ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_the_wheel_is_whole(sources):
    kept = {
        path.relative_to(sources).as_posix()
        for path in (sources / "lowrot").rglob("*")
        if path.is_file()
    }
    assert {"lowrot/py.typed", "lowrot/plots/live.js", "lowrot/plots/live.css"} <= kept
    with wheel(sources) as built:
        inside = {name for name in built.namelist() if ".dist-info/" not in name}
        (about,) = (name for name in built.namelist() if name.endswith("/METADATA"))
        metadata = Parser().parsestr(built.read(about).decode())
    assert inside == kept
    assert metadata["Version"] == lowrot.__version__
    needs = metadata.get_all("Requires-Dist")
    assert {line.split(">")[0] for line in needs if "extra ==" not in line} == CORE


def test_what_is_missing_from_the_wheel_is_noticed(sources):
    """A file that is no Python does not get in by itself, and the version is not said elsewhere."""
    (sources / "lowrot" / "plots" / "new.svg").touch()
    text = (sources / "pyproject.toml").read_text("utf8")
    (sources / "pyproject.toml").write_text(text.replace('"plots/live.*"', ""), "utf8")
    init = sources / "lowrot" / "__init__.py"
    version = f'__version__ = "{lowrot.__version__}"'
    init.write_text(init.read_text("utf8").replace(version, '__version__ = "7.0"'), "utf8")
    with wheel(sources) as built:
        assert Path(built.filename).name.startswith("lowrot-7.0-")
        for name in ("lowrot/plots/new.svg", "lowrot/plots/live.js"):
            assert name not in built.namelist()


# ---------------------------------------------------------------- the sdist


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The sdist of a clone, unpacked, and the files of the clone."""
    if not (ROOT / ".git").exists():
        pytest.skip("no clone: what belongs into an sdist is not known")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    files = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    folder = tmp_path_factory.mktemp("sdist")
    for name in files:
        (folder / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "clone" / name)
    build = "from setuptools import build_meta; print(build_meta.build_sdist('dist'))"
    run = [sys.executable, "-c", build]
    done = subprocess.run(
        run, cwd=folder / "clone", capture_output=True, text=True, check=True
    ).stdout
    with tarfile.open(folder / "clone" / "dist" / done.split()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"lowrot-{lowrot.__version__}", files


def test_the_sdist_is_the_repository(unpacked):
    root, files = unpacked
    inside = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert files - inside == set()
    made = {name for name in inside - files if ".egg-info/" not in name}
    assert made == {"PKG-INFO", "setup.cfg"}


def test_the_tests_of_the_sdist_run(unpacked):
    """All are found, and some that read what lies beside the library pass."""
    root, _ = unpacked
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]

    def ran(*options: str) -> str:
        done = subprocess.run(
            [*command, *options], cwd=root, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    found = ran("--collect-only", "tests")
    for file in (ROOT / "tests").rglob("test_*.py"):
        assert file.relative_to(ROOT).as_posix() in found
    some = ("test_files_agree", "test_what_chapters", "test_every_source", "test_every_text")
    said = ran("tests/test_environment.py", "tests/test_install.py", "tests/test_book.py", "-k",
               " or ".join(some))  # fmt: skip
    assert " passed" in said


# ---------------------------------------------------------------- a Python that works

WORKING = """#!/bin/sh
case $1 in
  -V) echo "Python {version}" ;;
  -c) exit {check} ;;
  *) echo "{name} $*" >> {log} ;;
esac
if [ "$2" = venv ]; then mkdir -p .venv/bin; cp "$0" .venv/bin/python; fi
"""
SHIM = """#!/bin/sh
echo "pyenv: $0: command not found" >&2
exit 127
"""


class Machine:
    """A clone and a PATH with Pythons of our own making."""

    def __init__(self, folder: Path):
        self.clone, self.bin, self.log = folder / "clone", folder / "bin", folder / "log"
        (self.clone / ".ci").mkdir(parents=True)
        self.bin.mkdir()
        for name in ("Makefile", "requirements.lock", "pyproject.toml", ".ci/python"):
            shutil.copy(ROOT / name, self.clone / name)
        for name in ("cksum", "cp", "cut", "env", "make", "mkdir", "rm", "sh", "test", "touch"):
            (self.bin / name).symlink_to(shutil.which(name))

    def python(self, name: str, text: str = WORKING, check: int = 0, folder: str = "bin") -> Path:
        """Put a Python there: one that works, one without venv, or a dead shim."""
        path = self.bin.parent / folder / name
        path.parent.mkdir(exist_ok=True)
        version = name.removeprefix("python") + ".1"
        path.write_text(text.format(name=name, version=version, check=check, log=self.log))
        path.chmod(0o755)
        return path

    def make(self, *options: str) -> tuple[list[str], str]:
        """The Pythons that have made a .venv or installed into one; and what make complained of."""
        self.log.write_text("")
        done = subprocess.run(
            [shutil.which("make"), "env", *options],
            cwd=self.clone,
            env={"PATH": f"{self.bin}:{self.bin.parent / 'later'}"},
            capture_output=True,
            text=True,
        )
        assert bool(done.returncode) == bool(done.stderr), done.stderr
        return [
            line.removesuffix(" .venv") for line in self.log.read_text().splitlines()
        ], done.stderr


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_the_newest_python_that_works_is_taken(machine):
    machine.python("python3.14", SHIM)
    machine.python("python3.13", check=1)  # no venv
    machine.python("python3.12", SHIM)
    machine.python("python3.12", folder="later")  # behind the shim of its name
    machine.python("python3.11")
    ran, _ = machine.make()
    assert ran[0] == "python3.12 -m venv --clear"
    assert ran[1].startswith("python3.12 -m pip install torch==")
    assert machine.make()[0] == [], "nothing is made twice"


def test_a_named_python_wins(machine):
    machine.python("python3.14")
    other = machine.python("python3.11")
    assert machine.make("PYTHON=python3.11")[0][0] == "python3.11 -m venv --clear"
    assert machine.make()[0] == [], "a .venv is kept, whatever else is there"
    assert machine.make("PYTHON=python3.11")[0] == []
    assert machine.make("PYTHON=python3.14")[0][0] == "python3.14 -m venv --clear"
    assert machine.make(f"PYTHON={other}")[0][0] == "python3.11 -m venv --clear"
    ran, complaint = machine.make("PYTHON=python3.12")
    assert ran == [], "nothing else is taken instead"
    assert complaint.startswith("python3.12: no Python 3.11 to 3.14")
    assert (machine.clone / ".venv").is_dir(), "what was there is kept"


def test_no_python_is_said_in_one_line(machine):
    machine.python("python3.14", SHIM)
    machine.python("python3.11", check=1)
    ran, complaint = machine.make()
    first, *rest = complaint.splitlines()
    assert first.startswith("no Python 3.11 to 3.14 that can make a virtual environment; install")
    assert ran == []
    assert [line.split(":")[0] for line in rest] == ["make"]
    assert not (machine.clone / ".venv").exists()


@pytest.mark.parametrize("real", [True, False])
def test_the_check_is_of_the_python_itself(real, tmp_path):
    """The Python of these tests passes, and the same one without venv does not."""
    blocked = tmp_path / "ensurepip.py"
    blocked.write_text("" if real else "raise ImportError")
    done = subprocess.run(
        [ROOT / ".ci" / "python", sys.executable],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == (f"{sys.executable}\n" if real else "")
    assert done.returncode == (0 if real else 1)


# ---------------------------------------------------------------- sources that every Python reads


def test_every_source_and_cell_is_compiled():
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "compile.py"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    folders = [ROOT / name for name in ("lowrot", "book", "tests", "benchmarks", ".ci")]
    count = sum(len(list(folder.rglob("*.py"))) for folder in folders)
    for page in (ROOT / "book").rglob("*.md"):
        count += sum(
            line.startswith("```{code-cell}") for line in page.read_text("utf8").split("\n")
        )
    assert f" {count} sources and cells compiled, 0 failed" in done.stdout


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("lowrot/bad.py", "x = 1\nprint 'x'\n", 2),
        ("tests/bad.py", 'x = 1\ny = "\\d"\n', 2),  # a warning, and an error some day
        ("book/bad.md", "text\n\n```{code-cell} ipython3\n:tags: [x]\n\nx = (\n```\n", 6),
        ("book/bad.md", "```{code-cell} ipython3\n---\ntags: [x]\n---\nprint 'x'\n```\n", 5),
    ],
)
def test_what_cannot_be_compiled_is_named(tmp_path, name, text, line):
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "compile.py", tmp_path], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert f"{name}, line {line}: " in done.stderr
