"""What importing the library costs, and which names it offers."""

from __future__ import annotations

import subprocess
import sys

import lowrot

LATER = (
    "pandas",
    "scipy.optimize",
    "scipy.stats",
    "joblib",
    "rich",
    "IPython",
    "matplotlib",
    "seaborn",
)
"""Imported by the functions that need them."""


def test_importing_brings_only_what_every_flow_needs():
    code = f"import sys, lowrot; print(*(set({LATER}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_the_index_lists_what_it_imports():
    assert sorted(lowrot.__all__) == lowrot.__all__
    public = {name for name, value in vars(lowrot).items() if not name.startswith("_")}
    modules = {name for name in public if f"lowrot.{name}" in sys.modules}
    assert public - modules <= set(lowrot.__all__) | {"annotations"}
    assert set(lowrot.__all__) <= public
