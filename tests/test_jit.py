"""What is compiled is what is written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numba.core.errors import NumbaWarning

from lowrot import _jit, balanced, gradient_flow, sparse_parity
from lowrot.flow import _planes
from lowrot.flow.neuron import _arc
from lowrot.flow.neuron._linalg import dot


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
    before = _arc.propagate
    try:
        with _jit.interpreted():
            assert not hasattr(_arc.propagate, "py_func")
            assert not hasattr(_planes.normals_slid_on, "py_func")
            raise KeyError
    except KeyError:
        pass
    assert _arc.propagate is before
    assert hasattr(_planes.normals_slid_on, "py_func")


def test_all_compiled_modules_are_sources():
    folder = Path(_jit.__file__).parent
    marks = re.compile(r"^@(jit|part|allocating|reordered|reordered_part)$", re.MULTILINE)
    compiled = {file for file in folder.rglob("*.py") if marks.search(file.read_text("utf8"))}
    assert folder / "coupled" / "_pass.py" in compiled
    sources = {file for pattern in _jit._SOURCES for file in folder.glob(pattern)}
    assert compiled | {folder / "_jit.py"} <= sources


def test_a_function_that_cannot_be_kept_works_with_a_warning():
    """Numba keeps none with an array so large; and none at all with NUMBA_OPT=0."""
    large = np.arange(300_000.0)

    def entry(i):
        return large[i]

    with pytest.warns(NumbaWarning, match="Cannot cache .*entry"):
        assert _jit.jit(entry)(7) == 7.0


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
    """A change in any of the sources leads to another folder; the old one goes a day later."""
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
        assert Path(first).exists(), "another process may still compile into it"
        first = second
    for old in (package / "__pycache__").glob("compiled-*"):
        os.utime(old, (0, time.time() - 100_000))
    package.joinpath("_jit.py").open("a").write("# changed once more\n")
    told(package, use)
    kept = [place.name for place in (package / "__pycache__").glob("compiled-*")]
    assert kept == [Path(told(package, ask).split()[0]).name]


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


USE = """
from lowrot.flow.neuron import _linalg
import numpy as np, sys, warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    results = [_linalg.dot(np.ones(n), np.ones(n)) for n in (3, 4)]
    results.append(_linalg.dot(np.ones((2, 3))[:, 0], np.ones(2)))  # compiled for strides, too
assert results == [3.0, 4.0, 2.0]
print(_jit.folder(), len(said), *{str(warning.message) for warning in said}, sep="\\n")
"""


@pytest.fixture
def shut(package):
    """Nothing can be written beside the package or at home."""
    (package / "__pycache__").write_text("in the way")
    blocked = str(package / "_jit.py")  # a file: nothing can be made below it
    return {"HOME": blocked, "NUMBA_CACHE_DIR": blocked, "TMPDIR": blocked}


def test_without_a_folder_nothing_is_kept(package, shut):
    """Every process compiles anew, and says once what to set."""
    for _ in range(2):
        folder, count, warning = told(package, USE, **shut).splitlines()
        assert (folder, count) == ("None", "1")
        assert "keep the result nowhere: set NUMBA_CACHE_DIR to a folder" in warning


def test_a_temporary_folder_is_the_last_place(package, shut, tmp_path):
    """It is the user's own; who compiles into it says so, and who finds it filled does not."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    shut = shut | {"TMPDIR": str(temporary)}
    told(package, "import lowrot", **shut)
    assert list(temporary.iterdir()) == []
    folder, count, warning = told(package, USE, **shut).splitlines()
    place = temporary / f"lowrot-{os.getuid()}"
    assert (Path(folder).parent, count) == (place, "1")
    assert f"keep the result in {place} only: set NUMBA_CACHE_DIR" in warning
    assert place.stat().st_mode & 0o777 == 0o700
    assert told(package, USE, **shut).splitlines() == [folder, "0"]


@pytest.mark.parametrize("how", ["open to all", "a link"])
def test_compiled_code_of_others_is_not_run(package, shut, tmp_path, how):
    """What lies in a place that others can write to is neither read nor added to."""
    place = tmp_path / f"lowrot-{os.getuid()}"
    real = place if how == "open to all" else tmp_path / "real"
    real.mkdir()
    if how == "open to all":
        place.chmod(0o777)
    else:
        place.symlink_to(real)
    _, count, warning = told(package, USE, **shut | {"TMPDIR": str(tmp_path)}).splitlines()
    assert count == "1"
    assert "keep the result nowhere" in warning
    assert list(real.iterdir()) == []


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


PIECES = """
import numba, numpy as np
from lowrot._jit import allocating, jit, part

@allocating
def squares(x):
    out = np.empty(len(x))
    for k in range(len(x)):
        out[k] = x[k] ** 2
    return out

@part
def unfit(x):
    raise ValueError("not for compiled callers")

@jit
def total(x):
    if x[0] < 0.0:
        unfit(x)
    return squares(x).sum()

@numba.njit
def outside(n):
    return np.empty(n).size + len(squares(np.ones(n)))

x = np.arange(4.0)
print(total(x), outside(3), *squares(x), *[len(f.signatures) for f in (total, squares)])
code = [f.overloads[f.signatures[0]].library for f in (total, squares)]
print(*[library._codegen._engine.is_symbol_defined(f.overloads[f.signatures[0]].fndesc.mangled_name)
        for library, f in zip(code, (total, squares))], len(squares._whole.signatures))
try:
    total(-1.0 - x)
except ValueError as error:
    print(error)
"""


def test_parts_count_no_references():
    """Those of rows and tuples neither; and they make no array."""

    def rows(x):
        total = 0.0
        for i in range(len(x)):
            total += dot(x[i], x[0])
        return total

    counts = {}
    for kind in (_jit.part, _jit.allocating):
        piece = kind(rows)
        whole = _jit.jit(lambda x, piece=piece: piece(x))
        assert whole(np.ones((2, 3))) == 6.0
        (found,) = piece.overloads.values()
        counts[kind] = found.library.get_llvm_str().count("call void @NRT_incref")
    assert counts[_jit.part] == 0
    made = _jit.part(lambda n: np.zeros(n)[0])
    with pytest.raises(Exception, match="NRT required"):
        _jit.jit(lambda n: made(n))(3)


def test_parts_have_no_code_of_their_own_and_serve_whoever_calls_them(package):
    """What is compiled with them, such as ``np.empty``, serves functions of others as well."""
    values, defined, error = told(package, PIECES).splitlines()
    assert values == "14.0 6 0.0 1.0 4.0 9.0 1 1"
    assert defined == "True False 1"
    assert error == "not for compiled callers"
