"""What is compiled is what is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lowrot import _jit, _motion, _planes, balanced, gradient_flow, sparse_parity


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
    before = _motion.propagate
    try:
        with _jit.interpreted():
            assert not hasattr(_motion.propagate, "py_func")
            assert not hasattr(_planes.normals_slid_on, "py_func")
            raise KeyError
    except KeyError:
        pass
    assert _motion.propagate is before
    assert hasattr(_planes.normals_slid_on, "py_func")


def test_all_compiled_modules_are_sources():
    folder = Path(_jit.__file__).parent
    compiled = {file.stem for file in folder.rglob("*.py") if "\n@jit\n" in file.read_text("utf8")}
    assert compiled | {"_jit"} == set(_jit._SOURCES)


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
    """A change in any of the sources leads to another folder, and the old one goes."""
    ask = "print(_jit._FOLDER, _jit.kept('_follow_all'))"
    first, kept = told(package, ask).split()
    assert Path(first).parent == package / "__pycache__"
    assert kept == "False"
    assert told(package, ask).split()[0] == first
    for name in _jit._SOURCES:
        with (package / f"{name}.py").open("a", encoding="utf8") as file:
            file.write("# changed\n")
    second = told(package, ask).split()[0]
    assert second != first
    assert not Path(first).exists()
    (package / "_span.py").write_text(
        (package / "_span.py").read_text("utf8") + "# again\n", "utf8"
    )
    assert told(package, ask).split()[0] != second


def test_another_folder_may_be_asked_for(package, tmp_path):
    asked = told(package, "print(_jit._FOLDER)", NUMBA_CACHE_DIR=str(tmp_path / "asked"))
    assert Path(asked.strip()).parent == tmp_path / "asked"


def test_without_a_folder_nothing_is_kept(package):
    (package / "__pycache__").write_text("in the way")
    home = package / "_jit.py"  # a file: nothing can be made below it
    code = (
        "from lowrot._span import dot\nimport numpy as np\n"
        "print([_jit._FOLDER, dot(np.ones(3), np.ones(3))])"
    )
    assert told(package, code, HOME=str(home), NUMBA_CACHE_DIR=str(home)) == "['', 3.0]\n"


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
