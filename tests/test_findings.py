"""Findings keep their form, and the target that runs them stops for none and hides none."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "findings").glob("*.sh"))
HEAD = ("# Guess:", "# Seen with ", "# Why it matters here:")


def head(script: Path) -> str:
    """The comment that begins a script."""
    return script.read_text().split("set -euo pipefail")[0]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_says_what_was_guessed_seen_and_why(script):
    starts = [head(script).find(f"\n{part}") for part in HEAD]
    assert -1 not in starts
    assert starts == sorted(starts)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_runs_pinned_packages_without_lowrot_in_a_folder_that_goes(script):
    rest = script.read_text().removeprefix(head(script))
    assert "mktemp -d" in rest
    assert re.search(r"trap 'rm -rf \S+' EXIT", rest)
    (asked,) = re.findall(r"pip --quiet install((?: |\\\n|[\w.=\[\]-])+)", rest)
    packages = asked.replace("\\\n", " ").split()
    assert packages
    assert all("==" in package for package in packages), packages
    assert "lowrot" not in rest


def test_each_finding_has_one_line_in_the_list():
    listed = re.findall(r"^- `(\S+)`: \S", (ROOT / "findings/README.md").read_text(), re.M)
    assert sorted(listed) == [script.name for script in SCRIPTS]


def test_all_findings_are_run_and_the_changed_ones_named(tmp_path):
    for name, code in {"first": 1, "second": 0, "third": 3}.items():
        (tmp_path / f"{name}.sh").write_text(f"echo ran-{name}; exit {code}\n")
    done = subprocess.run(
        [
            "make",
            "findings",
            f"FINDINGS={tmp_path}/first.sh {tmp_path}/second.sh {tmp_path}/third.sh",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert re.findall(r"ran-(\w+)", done.stdout) == ["first", "second", "third"]
    named = re.search(r"not as it was:(.*)", done.stdout)
    assert [Path(script).stem for script in named[1].split()] == ["first", "third"]
