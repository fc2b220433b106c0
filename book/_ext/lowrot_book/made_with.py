"""What the numbers were made with: versions, commit, machine."""

from __future__ import annotations

import datetime
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

BESIDE = ("llvmlite", "networkx")
"""What computes beside the core: the compiler behind Numba, and a chapter's data."""


def computing() -> list[str]:
    """lowrot, what its core needs, and what computes beside it."""
    core = [line for line in requires("lowrot") or [] if "extra ==" not in line]
    return ["lowrot", *(re.split(r"[^\w.-]", line)[0] for line in core), *BESIDE]


def versions() -> dict[str, str]:
    """The version of Python, and of every package that computes."""
    found = {"python": platform.python_version()}
    for package in computing():
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def surroundings(root: Path) -> dict:
    """Versions, commit, machine and date."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = git("status", "--porcelain", "--", "lowrot", "book", "requirements.lock")
    return {
        "versions": versions(),
        "commit": git("rev-parse", "HEAD") or "unknown",
        "local_changes": bool(changed),
        "machine": f"{platform.system()} {platform.machine()}",
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
