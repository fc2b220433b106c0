"""What is said twice is said equally: dependencies, Python versions, the version of lowrot."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import metadata, packages_distributions, version
from pathlib import Path

import jupytext
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PIP = ["-c constraints.txt", "-e .[book]"]
"""What conda and Binder leave to pip: everything but torch, in the versions of the lock."""
BESIDE = ("bench",)
"""Extras that may be installed beside the lock: nothing that the book runs asks for them."""
FILES = (
    "environment.yml",
    "constraints.txt",
    "pyproject.toml",
    "requirements.lock",
    "Makefile",
    ".ci/python",
    ".ci/run",
    ".github/workflows/pages.yml",
    ".github/workflows/test.yml",
    "README.md",
    "CITATION.cff",
    "CHANGELOG.md",
    "lowrot/__init__.py",
)


def python_parts(text: str) -> SpecifierSet:
    """A conda version match as a PEP 440 one: ``=1.2`` means any 1.2.x."""
    text = re.sub(r"(?<![<>=!~])=(?!=)([\w.]+)", r"==\1.*", text)
    return SpecifierSet(text)


def expanded(project: dict) -> dict[str, list[Requirement]]:
    """The core and each extra, with the extras that an extra names itself."""
    own, extras = project["project"]["name"], project["project"]["optional-dependencies"]

    def of(group: str) -> list[Requirement]:
        found = []
        for requirement in map(Requirement, extras[group]):
            if requirement.name == own:
                found += [r for name in sorted(requirement.extras) for r in of(name)]
            else:
                found.append(requirement)
        return found

    core = [Requirement(r) for r in project["project"]["dependencies"]]
    return {"core": core, **{group: of(group) for group in extras}}


def disagreements(texts: dict[str, str]) -> list[str]:
    """Every way in which the files contradict each other."""
    project = tomllib.loads(texts["pyproject.toml"])
    lock, found = locked(texts["requirements.lock"])
    found += in_dependencies(texts, expanded(project), lock)
    found += in_pythons(texts, project)
    found += in_versions(texts)
    # torch comes first, exactly as locked
    first = re.search(r"pip install (\S+)\n", texts["Makefile"])[1]
    if first != f"torch=={lock.get('torch')}":
        found.append(f"Makefile installs {first} first, the lock has torch=={lock.get('torch')}")
    return found


def locked(text: str) -> tuple[dict[str, Version], list[str]]:
    """The pins of the lock, and what is wrong with them."""
    pins: dict[str, Version] = {}
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pin = re.fullmatch(r"([\w.-]+)==([\w.+!]+)", line)
        if pin is None:
            found.append(f"lock: {line!r} is not an exact pin")
        elif canonicalize_name(pin[1]) in pins:
            found.append(f"lock: {pin[1]} is pinned twice")
        else:
            pins[canonicalize_name(pin[1])] = Version(pin[2])
    return pins, found


def conda_parts(text: str) -> tuple[dict[str, SpecifierSet], list[str]]:
    """What environment.yml asks of conda, and what is wrong with the rest of it."""
    conda: dict[str, SpecifierSet] = {}
    pip: list[str] = []
    found = []
    environment = yaml.safe_load(text)
    if environment.get("channels") != ["conda-forge"]:
        found.append("environment.yml: the only channel is conda-forge")
    for entry in environment["dependencies"]:
        if isinstance(entry, dict):
            pip += [line for line in entry["pip"] if line.startswith("-")]
            for requirement in map(Requirement, set(entry["pip"]) - set(pip)):
                conda[canonicalize_name(requirement.name)] = requirement.specifier
            continue
        name, bounds = re.fullmatch(r"([\w.-]+)\s*(.*)", entry).groups()
        conda[name] = python_parts(bounds)
    if pip != PIP:
        found.append(f"environment.yml: pip installs {pip}, not {PIP}")
    if set(conda) != {"python", "pip", "pytorch-cpu"}:
        found.append(f"environment.yml: conda installs {sorted(conda)}, not torch alone")
    return conda, found


def in_constraints(text: str, lock: dict[str, Version]) -> list[str]:
    """The constraints are the lock without torch."""
    pins, found = locked(text)
    expected = {name: pin for name, pin in lock.items() if name != "torch"}
    for name in sorted(set(pins) | set(expected)):
        if pins.get(name) != expected.get(name):
            found.append(
                f"constraints.txt: {name} {pins.get(name)}, but the lock: {expected.get(name)}"
            )
    return found


def in_dependencies(
    texts: dict[str, str], groups: dict[str, list[Requirement]], lock: dict[str, Version]
) -> list[str]:
    """Every range of the project is met by a pin, and torch's is said again to conda.

    The peers of the benchmarks are installed beside the lock, under its constraints.
    """
    conda, found = conda_parts(texts["environment.yml"])
    for group, requirements in groups.items():
        for requirement in requirements:
            name = canonicalize_name(requirement.name)
            if name not in lock and group in BESIDE:
                continue
            if name not in lock:
                found.append(f"lock: {name} ({group}) is missing")
            elif lock[name] not in requirement.specifier:
                found.append(f"lock: {name}=={lock[name]} is outside {requirement.specifier}")
            if name == "torch" and conda.get("pytorch-cpu") != requirement.specifier:
                found.append(
                    f"environment.yml: pytorch-cpu {conda.get('pytorch-cpu')}, "
                    f"but pyproject.toml: {requirement.specifier}"
                )
    found += in_constraints(texts["constraints.txt"], lock)
    if '-c requirements.lock -e ".[bench]"' not in texts["Makefile"]:
        found.append("Makefile: the extra bench is installed without the lock's constraints")
    return found


def in_pythons(texts: dict[str, str], project: dict) -> list[str]:
    """The Pythons that are promised are those looked for, tested and written for."""
    found = []
    promised = re.findall(
        r"Python :: (3\.\d+)$", "\n".join(project["project"]["classifiers"]), re.M
    )
    oldest, newest = promised[0], promised[-1]

    # all of them, in every list
    test = yaml.safe_load(texts[".github/workflows/test.yml"])["jobs"]
    looked_for = re.findall(r"python(3\.\d+)", re.search(r"set -- .*", texts[".ci/python"])[0])
    lists = {
        ".ci/python": looked_for[::-1],
        **{f"test.yml, {name}": job["strategy"]["matrix"]["python"] for name, job in test.items()},
    }
    for where, versions in lists.items():
        if list(map(str, versions)) != promised:
            found.append(f"{where}: Python {versions}, but the classifiers: {promised}")
    between = (
        f"({oldest.replace('.', ', ')}) <= sys.version_info[:2] <= ({newest.replace('.', ', ')})"
    )
    if between not in texts[".ci/python"]:
        found.append(f".ci/python does not ask for {between}")
    for name in (".ci/python", "Makefile", "README.md"):
        if f"{oldest} to {newest}" not in texts[name]:
            found.append(f"{name} does not say Python {oldest} to {newest}")

    # the oldest one is what the code is written for, the lock made with, and CI run on
    build = yaml.safe_load(texts[".github/workflows/pages.yml"])["jobs"]["build"]["steps"]
    conda, _ = conda_parts(texts["environment.yml"])
    versions = {
        "requires-python": project["project"]["requires-python"].removeprefix(">="),
        "lock": re.search(r"Python ([\d.]+)", texts["requirements.lock"])[1],
        "mypy": project["tool"]["mypy"]["python_version"],
        "ruff": re.sub(r"py(\d)(\d+)", r"\1.\2", project["tool"]["ruff"]["target-version"]),
        "environment.yml": str(conda.get("python")).removeprefix("==").removesuffix(".*"),
        ".ci/run": re.search(r"^python=python([\d.]+)\b", texts[".ci/run"], re.M)[1],
        "pages.yml": next(s["with"]["python-version"] for s in build if "python" in s["uses"]),
    }
    for where, value in versions.items():
        if value != oldest:
            found.append(f"{where}: Python {value}, but the oldest classifier: {oldest}")
    return found


def in_versions(texts: dict[str, str]) -> list[str]:
    """The version of lowrot, in the library and wherever else it is quoted."""
    found = []
    here = re.search(r'^__version__ = "(.*)"$', texts["lowrot/__init__.py"], re.M)[1]
    if not re.search(r'^dynamic = \["version"\]', texts["pyproject.toml"], re.M):
        found.append("pyproject.toml: the version is not taken from lowrot/__init__.py")
    released = re.search(r"^## \[(\d[\w.]*)\] - (.*)$", texts["CHANGELOG.md"], re.M)
    citation = yaml.safe_load(texts["CITATION.cff"])
    quoted = {
        "CITATION.cff": citation["version"],
        "CHANGELOG.md": released[1],
    }
    for where, value in quoted.items():
        if value != here:
            found.append(f"{where}: version {value}, but lowrot/__init__.py: {here}")
    if str(citation["date-released"]) != released[2]:
        found.append(f"CITATION.cff: {citation['date-released']}, but CHANGELOG.md: {released[2]}")
    return found


def texts() -> dict[str, str]:
    return {name: (ROOT / name).read_text("utf8") for name in FILES}


def test_files_agree():
    assert disagreements(texts()) == []


def test_installed_versions_are_locked():
    """What runs here is what the lock says (local builds such as +cpu are the same version)."""
    lock, _ = locked(texts()["requirements.lock"])
    wrong = [
        f"{name}: {version(name)} installed, {pin} locked"
        for name, pin in lock.items()
        if Version(version(name)).public != pin.public
    ]
    assert not wrong


def unfit(lock: Iterable[str], python: str) -> list[str]:
    """What keeps the lock from being complete on a Python: pins that refuse it, and missing pins.

    What PyTorch itself brings along differs between platforms, and is not in the lock.
    """
    lock, found = set(lock), []
    for name in lock - {"torch"}:
        about = metadata(name)
        if python not in SpecifierSet(about.get("Requires-Python", "")):
            found.append(f"{name} {about['Version']} wants Python {about['Requires-Python']}")
        here = {"python_version": python.rsplit(".", 1)[0], "python_full_version": python}
        for line in about.get_all("Requires-Dist", []):
            needs = Requirement(line)
            marker = needs.marker
            wanted = marker is None or marker.evaluate({**here, "extra": ""})
            if wanted and canonicalize_name(needs.name) not in lock:
                found.append(f"{name} needs {needs.name}, which is not in the lock")
    return found


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0", "3.14.0"])
def test_the_lock_is_complete_on_every_python(python):
    """Debian 12 has Python 3.11.2: a pin that wants 3.11.5 would leave it without a book."""
    lock, _ = locked(texts()["requirements.lock"])
    assert unfit(lock, python) == []
    assert unfit({*lock} - {"numpy"}, python) != []
    assert any("wants Python" in line for line in unfit(lock, "3.8.0"))


def imported_by_chapters() -> dict[str, set[str]]:
    """The modules that each chapter imports from outside: deptry sees no Markdown."""
    local = {path.stem for path in (ROOT / "book").iterdir()} | {"lowrot"}
    found = {}
    for page in sorted((ROOT / "book").glob("*.md")):
        names = set()
        cells = jupytext.read(page, fmt="md:myst").cells
        for cell in (cell for cell in cells if cell.cell_type == "code"):
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Import):
                    names |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    names.add(node.module.split(".")[0])
        found[page.name] = names - local - sys.stdlib_module_names
    return found


def undeclared(imported: dict[str, set[str]], declared: Iterable[Requirement]) -> list[str]:
    """The modules of no declared distribution."""
    names, owners = {canonicalize_name(r.name) for r in declared}, packages_distributions()
    return [
        f"{page} imports {module}"
        for page, modules in imported.items()
        for module in sorted(modules)
        if not names & {canonicalize_name(owner) for owner in owners.get(module, ())}
    ]


def test_what_chapters_import_is_declared():
    groups, imported = expanded(tomllib.loads(texts()["pyproject.toml"])), imported_by_chapters()
    declared = groups["core"] + groups["book"]
    assert undeclared(imported, declared) == []
    assert {"torch", "pandas", "networkx", "myst_nb"} <= set().union(*imported.values())
    without = [r for r in declared if r.name != "networkx"]
    assert "neural_collapse.md imports networkx" in undeclared(imported, without)
    assert undeclared({"index.md": {"requests"}}, declared) == ["index.md imports requests"]


@pytest.mark.parametrize(
    ("file", "pattern", "planted", "complaint"),
    [
        ("requirements.lock", r"^numpy==.*$", "numpy==1.0.0", "outside >=1.26"),
        ("requirements.lock", r"^scipy==.*\n", "", "scipy (core) is missing"),
        ("requirements.lock", r"^pandas==.*$", "pandas>=2", "not an exact pin"),
        ("requirements.lock", r"^nbmake==", "numpy==2.4.6\nnbmake==", "pinned twice"),
        ("requirements.lock", r"^torch==.*$", "torch==2.12.0", "first, the lock has torch==2.12.0"),
        ("requirements.lock", r"Python 3\.11", "Python 3.12", "lock: Python 3.12, but the oldest"),
        ("pyproject.toml", r'"clarabel>=0\.9"', '"clarabel>=9"', "is outside >=9"),
        ("pyproject.toml", r'"torch>=2\.2"', '"torch>=2.1"', "but pyproject.toml: >=2.1"),
        ("pyproject.toml", r'"scipy>=1\.12",', '"scipy>=1.12", "httpx",', "httpx (core)"),
        ("pyproject.toml", r'"diffrax>=0\.6"', '"numpy<2"', "numpy==2.4.6 is outside <2"),
        ("Makefile", r"-c requirements.lock -e", "-e", "without the lock's constraints"),
        ("pyproject.toml", r'">=3\.11"', '">=3.12"', "requires-python: Python 3.12, but"),
        ("pyproject.toml", r"theme==1\.2\.0", "theme==1.3.0", "is outside ==1.3.0"),
        ("pyproject.toml", r'"py311"', '"py312"', "ruff: Python 3.12, but the oldest"),
        ("environment.yml", r"pytorch-cpu.*", "pytorch-cpu>=2.3", "but pyproject.toml: >=2.2"),
        ("constraints.txt", r"^scipy==.*\n", "", "constraints.txt: scipy None, but the lock"),
        ("constraints.txt", r"^numpy==.*", "numpy==2.0", "constraints.txt: numpy 2.0, but"),
        ("constraints.txt", r"^tornado", "torch==2.13.0\ntornado", "torch 2.13.0, but the lock: N"),
        ("environment.yml", r"python=3\.11", "python=3.12", "environment.yml: Python 3.12, but"),
        ("environment.yml", r"  - pip:", "  - rich\n  - pip:", "not torch alone"),
        ("environment.yml", r"- -c constraints\.txt", "- rich", "environment.yml: pip installs"),
        ("environment.yml", r"- -c .*\n", "", "environment.yml: pip installs"),
        ("environment.yml", r"conda-forge", "defaults", "the only channel"),
        ("pyproject.toml", r'"mypy>=1\.11"', '"mypy>=9"', "mypy==2.4.1 is outside >=9"),
        ("pyproject.toml", r'version = "3\.11"', 'version = "3.12"', "mypy: Python 3.12, but"),
        (
            "pyproject.toml",
            r".*:: 3\.14.*\n",
            "",
            "test.yml, test: Python ['3.11', '3.12', '3.13', ",
        ),
        ("pyproject.toml", r".*:: 3\.14.*\n", "", "README.md does not say Python 3.11 to 3.13"),
        ("pyproject.toml", r".*:: 3\.11.*\n", "", "but the oldest classifier: 3.12"),
        (".ci/python", r"python3\.12", "", ".ci/python: Python ['3.11', '3.13', '3.14'], but"),
        (".ci/python", r"\(3, 14\)", "(3, 13)", ".ci/python does not ask for (3, 11) <="),
        (".ci/run", r"^python=.*", "python=python3.12", ".ci/run: Python 3.12, but"),
        (".github/workflows/test.yml", r', "3\.14"\]', "]", "test.yml, bare: Python ['3.11',"),
        (".github/workflows/pages.yml", r'"3\.11"', '"3.13"', "pages.yml: Python 3.13, but"),
        ("Makefile", r"3\.11 to 3\.14", "3.10 to 3.14", "Makefile does not say Python 3.11"),
        ("README.md", r"3\.11 to 3\.14", "3.11 and more", "README.md does not say Python 3.11"),
        ("lowrot/__init__.py", r"0\.1\.0", "0.2.0", "version 0.1.0, but lowrot/__init__.py: 0.2.0"),
        ("CITATION.cff", r"^version: .*", "version: 0.1.1", "CITATION.cff: version 0.1.1, but"),
        ("CHANGELOG.md", r"^## \[0\.1\.0\]", "## [0.3.0]", "CHANGELOG.md: version 0.3.0, but"),
        ("CITATION.cff", r"^date.*", "date-released: 2026-01-01", "2026-01-01, but CHANGELOG.md"),
        ("pyproject.toml", r"^dynamic = .*", 'version = "0.1.0"', "the version is not taken from"),
        ("Makefile", r"torch==2\.13\.0", "torch==2.14.0", "installs torch==2.14.0 first"),
    ],
)
def test_planted_disagreement_is_found(file, pattern, planted, complaint):
    changed = texts()
    changed[file], count = re.subn(pattern, planted, changed[file], flags=re.M)
    assert count, "the plant did not take"
    assert complaint in "\n".join(disagreements(changed))
