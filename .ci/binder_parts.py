"""The steps of .ci/binder that are easier in Python.

torch FOLDER, requirements FILE, compare [REPORT]: the report of what pip would install.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
TORCH = "2.5.0"
"""Not the lock's, and within the range of pyproject.toml."""


def torch(folder: Path) -> None:
    """A wheel with the name of torch, and nothing in it."""
    info = f"torch-{TORCH}.dist-info"
    contents = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {TORCH}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: lowrot\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    lines = []
    with zipfile.ZipFile(folder / f"torch-{TORCH}-py3-none-any.whl", "w") as wheel:
        for name, text in contents.items():
            wheel.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            lines.append(f"{name},sha256={digest.rstrip(b'=').decode()},{len(text)}")
        wheel.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,\n"]))


def requirements(file: Path) -> None:
    """The pip section of environment.yml, as conda writes it."""
    import yaml

    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf8"))
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    file.write_text("\n".join(pip) + "\n", "utf8")


def canonical(name: str) -> str:
    """The one spelling of a package's name."""
    return name.lower().replace("_", "-")


def compare(report: Path | None = None) -> None:
    """Complain of everything here that has another version than the lock's, but for torch."""
    lines = (ROOT / "requirements.lock").read_text("utf8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pins = {canonical(name): version for name, version in pins.items()}
    found = {canonical(d.name): d.version for d in distributions()}
    if report:
        planned = json.loads(report.read_text("utf8"))["install"]
        about = [entry["metadata"] for entry in planned]
        found |= {canonical(entry["name"]): entry["version"] for entry in about}
    wrong = [
        f"{name} {version}, the lock: {pins.get(name, 'nothing')}"
        for name, version in sorted(found.items())
        if name not in ("torch", "lowrot", "pip", "setuptools") and version != pins.get(name)
    ]
    if found.get("torch") != TORCH:
        wrong.append(f"torch {TORCH} was replaced by {found.get('torch')}")
    if len(found) < 50:
        wrong.append(f"only {len(found)} packages were installed")
    if wrong:
        raise SystemExit("binder: " + "\nbinder: ".join(wrong))


if __name__ == "__main__":
    step, *rest = sys.argv[1:]
    {"torch": torch, "requirements": requirements, "compare": compare}[step](*map(Path, rest))
