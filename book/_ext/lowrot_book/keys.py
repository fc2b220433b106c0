"""What the outputs of a chapter depend on, as hashes, and which chapters there are.

Only the standard library and two parsers are imported here: a build with nothing to do is quick.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

LIBRARY = ("lowrot", "requirements.lock", "book/data")
STAMP = "library.sha256"  # in the notebook cache: the library it was filled with
SITE = ("_config.yml", "_toc.yml", "book", "CITATION.cff", *LIBRARY)


def files(root: Path, names: Iterable[str]) -> Iterator[Path]:
    """The files under ``names`` in a fixed order, without anything a program left behind."""
    for name in names:
        path = root / name
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in found:
            inside = file.relative_to(root).parts
            made = any(part == "__pycache__" or part.startswith(".") for part in inside)
            if file.is_file() and not made and file.suffix != ".pyc":
                yield file


def digest(root: Path, names: Iterable[str]) -> str:
    """A sha256 over the names and the bytes of every file under ``names``."""
    total = hashlib.sha256()
    for file in sorted(set(files(root, names))):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(root).as_posix()} {content}\n".encode())
    return total.hexdigest()


def library_key(root: Path) -> str:
    """Changes with anything that every chapter depends on: library, lock, stored data."""
    return digest(root, LIBRARY)


def chapter_key(root: Path, docname: str, library: str | None = None) -> str:
    """Changes with the text of the chapter and with ``library_key``."""
    text = (root / f"{docname}.md").read_bytes()
    return hashlib.sha256((library or library_key(root)).encode() + text).hexdigest()


def site_key(root: Path) -> str:
    """Changes with anything that enters any page."""
    return digest(root, SITE)


def pages(root: Path) -> list[str]:
    """The docnames listed in ``_toc.yml``, in reading order."""

    def walk(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("root", "file"):
                    yield str(value).removesuffix(".md")
                else:
                    yield from walk(value)
        elif isinstance(node, list):
            for item in node:
                yield from walk(item)

    return list(walk(yaml.safe_load((root / "_toc.yml").read_text("utf8"))))


def is_notebook(path: Path) -> bool:
    """Whether a MyST file has the front matter of a notebook."""
    text = path.read_text("utf8")
    if not text.startswith("---\n"):
        return False
    front = yaml.safe_load(text[4:].split("\n---", 1)[0]) or {}
    layout = front.get("jupytext", {}).get("text_representation", {})
    return front.get("file_format") == "mystnb" or layout.get("format_name") == "myst"


def chapters(root: Path) -> list[str]:
    """The docnames in ``_toc.yml`` that are notebooks."""
    missing = [name for name in pages(root) if not (root / f"{name}.md").is_file()]
    if missing:
        raise SystemExit(f"_toc.yml lists pages that do not exist: {', '.join(missing)}")
    return [name for name in pages(root) if is_notebook(root / f"{name}.md")]
