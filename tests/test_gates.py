"""The gates of `make imports` let nothing through: each rule is broken once, and says so."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


def commands(program: str) -> list[list[str]]:
    """The lines of the Makefile that run a program, as they stand there."""
    lines = re.findall(rf"^\t\$\(BIN\)/({program} .*)$", (ROOT / "Makefile").read_text(), re.M)
    assert lines, f"the Makefile does not run {program}"
    return [line.split() for line in lines]


def complaints(tree: Path, program: str) -> str:
    """What a program says where it first fails; nothing if every run of it passes."""
    for name, *options in commands(program):
        done = subprocess.run(
            [BIN / name, *options],
            cwd=tree,
            env={"PYTHONPATH": str(tree), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            return " ".join((done.stdout + done.stderr).split())
    return ""


@pytest.fixture
def tree(tmp_path):
    """What the gates look at, to be broken."""
    ignore = shutil.ignore_patterns("__pycache__", "_static", "*.csv", "*.md")
    for folder in ("lowrot", "book", "tests", "benchmarks", ".ci"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_folder_is_a_package():
    """import-linter does not look into a folder without __init__.py."""
    folders = {path.parent for path in (ROOT / "lowrot").rglob("*.py")}
    assert [str(f) for f in folders if not (f / "__init__.py").is_file()] == []


@pytest.mark.parametrize("program", ["lint-imports", "deptry"])
def test_nothing_planted_is_quiet(tree, program):
    assert complaints(tree, program) == ""


@pytest.mark.parametrize(
    ("file", "planted", "complaint"),
    [
        # upwards, at the top or inside a function
        ("losses.py", "import lowrot.flow", "lowrot.losses is not allowed to import lowrot.flow"),
        (
            "losses.py",
            "def f():\n    from lowrot.network import Network",
            "lowrot.losses is not allowed to import lowrot.network",
        ),
        ("claims.py", "import lowrot.plots", "lowrot.claims is not allowed to import lowrot.plots"),
        # a room that nobody has given a floor
        ("attic/__init__.py", "", "not listed as layers: - lowrot.attic"),
        ("flow/_attic.py", "", "not listed as layers: - lowrot.flow._attic"),
        # the floors of flow
        (
            "flow/neuron/_linalg.py",
            "from lowrot.flow import _planes",
            "lowrot.flow.neuron is not allowed to import lowrot.flow._planes",
        ),
        (
            "flow/_planes.py",
            "from lowrot.flow import _run",
            "not allowed to import lowrot.flow._run",
        ),
        # two files of a room that import each other
        (
            "optima/_linear.py",
            "from lowrot.optima import _global",
            "cycles are allowed in lowrot.opt",
        ),
        # the index
        (
            "path.py",
            "from lowrot import sparse_parity",
            "lowrot.path is not allowed to import lowrot:",
        ),
        ("__init__.py", "from lowrot import plots", "lowrot is not allowed to import lowrot.plots"),
        # figures and notebooks
        ("path.py", "def f():\n    import matplotlib.pyplot", "not allowed to import matplotlib"),
        ("claims.py", "import seaborn", "lowrot is not allowed to import seaborn"),
        ("flow/_run.py", "from IPython.display import display", "not allowed to import IPython"),
    ],
)
def test_planted_import_is_found(tree, file, planted, complaint):
    path = tree / "lowrot" / file
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as opened:
        opened.write(f"\n{planted}\n")
    assert complaint in complaints(tree, "lint-imports")


@pytest.mark.parametrize(
    ("file", "planted", "complaint"),
    [
        ("lowrot/path.py", "import httpx", "'httpx' imported but missing"),
        ("lowrot/path.py", "import sympy", "'sympy' imported but it is a transitive dependency"),
        ("lowrot/path.py", "import seaborn", "'seaborn' imported but declared as a dev dependency"),
        ("lowrot/plots/_style.py", "import yaml", "'yaml' imported but declared as a dev"),
        ("book/build.py", "import cvxpy", "'cvxpy' imported but declared as a dev dependency"),
        ("book/build.py", "import requests", "'requests' imported but it is a transitive"),
        ("tests/conftest.py", "import requests", "'requests' imported but it is a transitive"),
        ("pyproject.toml", ("clarabel>=0.9", "psutil"), "'psutil' defined as a dependency but not"),
        ("pyproject.toml", ("pluggy>=1.3", "psutil"), "'psutil' defined as a dependency but not"),
        ("pyproject.toml", ("numba>=0.60", "psutil"), "'numba' imported but it is a transitive"),
    ],
)
def test_planted_dependency_is_found(tree, file, planted, complaint):
    path = tree / file
    if isinstance(planted, tuple):
        before, after = planted
        assert before in path.read_text("utf8")
        path.write_text(path.read_text("utf8").replace(before, after), "utf8")
    else:
        path.write_text(f"{path.read_text('utf8')}\n{planted}\n", "utf8")
    assert complaint in complaints(tree, "deptry")
