"""What is compiled is what is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lowrot import _jit, balanced, gradient_flow, sparse_parity
from lowrot.flow import _planes
from lowrot.flow.neuron import _contact


def test_compiled_and_interpreted_flows_agree():
    """On parity, with crossings and sliding pairs: the same steps, and numbers but for rounding."""
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    compiled = gradient_flow(net, data, stop={"tau": 4.0})
    with _jit.interpreted():
        plain = gradient_flow(net, data, stop={"tau": 4.0})
    assert compiled["sliding"][-1] > 0
    assert compiled.stats["steps"] == plain.stats["steps"]
    for name in ("a", "V", "P"):
        np.testing.assert_allclose(compiled[name], plain[name], rtol=1e-9, atol=1e-12)


def test_interpreted_functions_come_back():
    before = _contact.propagate
    try:
        with _jit.interpreted():
            assert not hasattr(_contact.propagate, "py_func")
            assert not hasattr(_planes.normals_slid_on, "py_func")
            raise KeyError
    except KeyError:
        pass
    assert _contact.propagate is before
    assert hasattr(_planes.normals_slid_on, "py_func")


def test_all_compiled_modules_are_sources():
    folder = Path(_jit.__file__).parent
    compiled = {file for file in folder.rglob("*.py") if "\n@jit\n" in file.read_text("utf8")}
    assert compiled
    sources = {file for pattern in _jit._SOURCES for file in folder.glob(pattern)}
    assert compiled | {folder / "_jit.py"} <= sources


@pytest.fixture
def package(tmp_path):
    """A copy of the package, without what was compiled."""
    source = Path(_jit.__file__).parent
    shutil.copytree(source, tmp_path / "lowrot", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "lowrot"


def told(package, code, **variables):
    """What a program prints with this copy of the package."""
    environment = os.environ | {"PYTHONPATH": str(package.parent)} | variables
    run = [sys.executable, "-c", f"from lowrot import _jit\n{code}"]
    place = {"env": environment, "cwd": package.parent}
    return subprocess.run(run, **place, capture_output=True, text=True, check=True).stdout


def test_what_is_kept_belongs_to_these_sources(package):
    """A change in any of the sources leads to another folder; the old one goes when it is used."""
    ask = "print(_jit.folder(), _jit.kept('dot'))"
    use = "import lowrot.flow.neuron._linalg as l, numpy as np\nl.dot(np.ones(3), np.ones(3))\n"
    first, kept = told(package, use + ask).split()
    assert Path(first).parent == package / "__pycache__"
    assert kept == "True"
    assert told(package, ask).split() == [first, "True"]
    for pattern in _jit._SOURCES:
        changed = min(package.glob(pattern))
        changed.write_text(changed.read_text("utf8") + "# changed\n", "utf8")
        second, kept = told(package, ask).split()
        assert (second != first, kept) == (True, "False")
        assert Path(first).exists()
        told(package, use)
        assert not Path(first).exists()
        first = second


def test_importing_writes_nothing(package):
    """Neither a folder for compiled code nor anything else, and nothing old is deleted."""
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "compiled-old").mkdir()
    before = sorted(package.rglob("*"))
    told(package, "import lowrot", PYTHONDONTWRITEBYTECODE="1")
    assert sorted(package.rglob("*")) == before


def test_another_folder_may_be_asked_for(package, tmp_path):
    asked = told(package, "print(_jit.folder())", NUMBA_CACHE_DIR=str(tmp_path / "asked"))
    assert Path(asked.strip()).parent == tmp_path / "asked"


def test_without_a_folder_nothing_is_kept(package):
    (package / "__pycache__").write_text("in the way")
    home = package / "_jit.py"  # a file: nothing can be made below it
    code = (
        "from lowrot.flow.neuron._linalg import dot\nimport numpy as np\n"
        "print([_jit.folder(), dot(np.ones(3), np.ones(3))])"
    )
    assert told(package, code, HOME=str(home), NUMBA_CACHE_DIR=str(home)) == "[None, 3.0]\n"


def test_the_first_flow_says_that_it_compiles(package):
    """Only where progress is asked for; and the second one has it ready."""
    start = (
        "import lowrot\nnet, data = lowrot.balanced(12, 2, seed=1), lowrot.sparse_parity(2)\n"
        "print(lowrot.%s, stop={'tau': 0.1}, progress=True).ok)"
    )
    for flow in ("coupled_flow(net, data", "gradient_flow(net, data"):
        code = start % flow
        assert told(package, code).split("\n")[0].count("compiling") == 1
        assert told(package, code) == "True\n"
