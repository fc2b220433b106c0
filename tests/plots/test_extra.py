"""Without the extra, `lowrot.plots` says what to install."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import lowrot
sys.modules[{name!r}] = None
try:
    import lowrot.plots
except ImportError as error:
    assert error.name == {name!r}, error.name
    print(error)
"""


@pytest.mark.parametrize(
    "name", ["IPython", "cycler", "matplotlib", "matplotlib_inline", "seaborn"]
)
def test_what_to_install_is_said(name):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(name=name)], capture_output=True, text=True
    )
    assert done.stdout == f'lowrot.plots needs {name}: pip install "lowrot[figures]"\n', done.stderr
