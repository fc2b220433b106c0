"""environment.yml, pyproject.toml, requirements.lock and the Makefile tell one story."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}
FILES = ("environment.yml", "pyproject.toml", "requirements.lock", "Makefile")


def python_parts(text: str) -> SpecifierSet:
    """A conda version match as a PEP 440 one: ``=1.2`` means any 1.2.x."""
    text = re.sub(r"(?<![<>=!~])=(?!=)([\w.]+)", r"==\1.*", text)
    return SpecifierSet(text)


def disagreements(texts: dict[str, str]) -> list[str]:
    """Every way in which the four files contradict each other."""
    found = []
    project = tomllib.loads(texts["pyproject.toml"])
    runtime = [Requirement(r) for r in project["project"]["dependencies"]]
    extras = {
        name: [Requirement(r) for r in requirements]
        for name, requirements in project["project"]["optional-dependencies"].items()
    }

    lock: dict[str, Version] = {}
    for line in texts["requirements.lock"].splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pin = re.fullmatch(r"([\w.-]+)==([\w.+!]+)", line)
        if pin is None:
            found.append(f"lock: {line!r} is not an exact pin")
        elif canonicalize_name(pin[1]) in lock:
            found.append(f"lock: {pin[1]} is pinned twice")
        else:
            lock[canonicalize_name(pin[1])] = Version(pin[2])

    conda: dict[str, SpecifierSet] = {}
    pip: list[str] = []
    environment = yaml.safe_load(texts["environment.yml"])
    if environment.get("channels") != ["conda-forge"]:
        found.append("environment.yml: the only channel is conda-forge")
    for entry in environment["dependencies"]:
        if isinstance(entry, dict):
            pip += entry["pip"]
            continue
        name, bounds = re.fullmatch(r"([\w.-]+)\s*(.*)", entry).groups()
        conda[canonicalize_name(CONDA_NAMES.get(name, name))] = python_parts(bounds)
    if pip != ["-e ."]:
        found.append(f"environment.yml: pip installs {pip}, not only the package itself")

    # every range of the project is met by a pin, and said again, equally, to conda;
    # the peers of the benchmarks are installed beside the lock, under its constraints
    for group, requirements in {"runtime": runtime, **extras}.items():
        for requirement in requirements:
            name = canonicalize_name(requirement.name)
            if name not in lock and group == "bench":
                continue
            if name not in lock:
                found.append(f"lock: {name} ({group}) is missing")
            elif lock[name] not in requirement.specifier:
                found.append(f"lock: {name}=={lock[name]} is outside {requirement.specifier}")
            if group in ("runtime", "book"):
                if name not in conda:
                    found.append(f"environment.yml: {name} ({group}) is missing")
                elif conda[name] != python_parts(str(requirement.specifier)) and not pinned(
                    conda[name], requirement.specifier
                ):
                    found.append(
                        f"environment.yml: {name} {conda[name]}, "
                        f"but pyproject.toml: {requirement.specifier}"
                    )
    known = {canonicalize_name(r.name) for r in runtime + extras["book"]}
    for name, bounds in conda.items():
        if name in ("python", "pip"):
            continue
        if name not in known:
            found.append(f"environment.yml: {name} is not a dependency of the project")
        if name in lock and lock[name] not in bounds:
            found.append(f"environment.yml: {name} {bounds} excludes the lock's {lock[name]}")

    if '-c requirements.lock -e ".[bench]"' not in texts["Makefile"]:
        found.append("Makefile: the extra bench is installed without the lock's constraints")

    # one Python
    floor = SpecifierSet(project["project"]["requires-python"])
    (python,) = re.findall(r"^PYTHON \?= python([\d.]+)$", texts["Makefile"], re.M)
    versions = {
        "Makefile": python,
        "lock": re.search(r"Python ([\d.]+)", texts["requirements.lock"])[1],
        "mypy": project["tool"]["mypy"]["python_version"],
        "ruff": re.sub(r"py(\d)(\d+)", r"\1.\2", project["tool"]["ruff"]["target-version"]),
    }
    for where, value in versions.items():
        if Version(value) not in floor:
            found.append(f"{where}: Python {value} is outside {floor}")
        if value != python:
            found.append(f"{where}: Python {value}, but Makefile: {python}")
    if "python" not in conda or Version(python) not in conda["python"]:
        found.append(f"environment.yml: python {conda.get('python')}, but Makefile: {python}")

    # torch comes first, exactly as locked
    first = re.search(r"pip install (\S+)\n", texts["Makefile"])[1]
    if first != f"torch=={lock.get('torch')}":
        found.append(f"Makefile installs {first} first, the lock has torch=={lock.get('torch')}")
    return found


def pinned(conda: SpecifierSet, project: SpecifierSet) -> bool:
    """Whether both pin the same version, each in its own spelling (=1.2.0 and ==1.2.0)."""
    return {s.version.removesuffix(".*") for s in conda} == {s.version for s in project} and all(
        s.operator == "==" for s in [*conda, *project]
    )


def texts() -> dict[str, str]:
    return {name: (ROOT / name).read_text("utf8") for name in FILES}


def test_files_agree():
    assert disagreements(texts()) == []


def test_installed_versions_are_locked():
    """What runs here is what the lock says (local builds such as +cpu are the same version)."""
    from importlib.metadata import version

    lock = dict(
        line.split("==")
        for line in texts()["requirements.lock"].splitlines()
        if line and not line.startswith("#")
    )
    wrong = [
        f"{name}: {version(name)} installed, {pin} locked"
        for name, pin in lock.items()
        if Version(version(name)).public != Version(pin).public
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("file", "pattern", "planted", "complaint"),
    [
        ("requirements.lock", r"^numpy==.*$", "numpy==1.0.0", "outside >=1.26"),
        ("requirements.lock", r"^scipy==.*\n", "", "scipy (runtime) is missing"),
        ("requirements.lock", r"^pandas==.*$", "pandas>=2", "not an exact pin"),
        ("requirements.lock", r"^nbmake==", "numpy==2.4.6\nnbmake==", "pinned twice"),
        ("requirements.lock", r"^torch==.*$", "torch==2.12.0", "first, the lock has torch==2.12.0"),
        ("requirements.lock", r"Python 3\.11", "Python 3.12", "but Makefile: 3.11"),
        ("pyproject.toml", r'"clarabel>=0\.9"', '"clarabel>=9"', "is outside >=9"),
        ("pyproject.toml", r'"seaborn>=0\.13"', '"seaborn>=0.12"', "but pyproject.toml: >=0.12"),
        ("pyproject.toml", r'"scipy>=1\.11",', '"scipy>=1.11", "httpx",', "httpx (runtime)"),
        ("pyproject.toml", r'"diffrax>=0\.6"', '"numpy<2"', "numpy==2.4.6 is outside <2"),
        ("Makefile", r"-c requirements.lock -e", "-e", "without the lock's constraints"),
        ("pyproject.toml", r'">=3\.11"', '">=3.12"', "is outside >=3.12"),
        ("pyproject.toml", r"theme==1\.2\.0", "theme==1.3.0", "is outside ==1.3.0"),
        ("pyproject.toml", r'"py311"', '"py312"', "ruff: Python 3.12, but Makefile: 3.11"),
        ("environment.yml", r"  - scipy.*\n", "", "scipy (runtime) is missing"),
        ("environment.yml", r"- clarabel.*", "- clarabel=0.5", "excludes the lock's"),
        ("environment.yml", r"- jupytext.*", "- jupytext>=1.17", "but pyproject.toml: >=1.16"),
        ("environment.yml", r"python=3\.11", "python=3.12", "but Makefile: 3.11"),
        ("environment.yml", r"  - pip:", "  - rich\n  - pip:", "rich is not a dependency"),
        ("environment.yml", r"- -e \.", "- -e .\n      - rich", "not only the package itself"),
        ("environment.yml", r"conda-forge", "defaults", "the only channel"),
        ("Makefile", r"torch==2\.13\.0", "torch==2.14.0", "installs torch==2.14.0 first"),
        ("Makefile", r"python3\.11$", "python3.13", "but Makefile: 3.13"),
    ],
)
def test_planted_disagreement_is_found(file, pattern, planted, complaint):
    changed = texts()
    changed[file], count = re.subn(pattern, planted, changed[file], flags=re.M)
    assert count, "the plant did not take"
    assert complaint in "\n".join(disagreements(changed))
