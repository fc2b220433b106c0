"""What the outputs of a chapter depend on, as hashes, and which chapters there are.

Only the standard library and two parsers are imported here: a build with nothing to do is quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from .files import digest, sha256
from .imports import Library, reach

LOCK = "requirements.lock"
STAMP = "reached.json"  # in the notebook cache: what its notebooks were executed with
SITE = ("_config.yml", "_toc.yml", "book", "CITATION.cff", "CHANGELOG.md", "codemeta.json",
        "pyproject.toml", "lowrot", LOCK)  # fmt: skip


def code_key(root: Path, docname: str, library: Library | None = None) -> str:
    """Changes with anything but its own text that the cells of a chapter depend on.

    Args:
        root: of the project.
        docname: of the chapter.
        library: what has been read of the project already.
    """
    lines = reach(library or Library(root), docname).lines
    return sha256("\n".join([digest(root, [LOCK]), *lines]))


def with_text(root: Path, docname: str, code: str) -> str:
    """A ``code_key`` that changes with the text of the chapter, too."""
    return sha256(code.encode() + (root / f"{docname}.md").read_bytes())


def chapter_key(root: Path, docname: str) -> str:
    """Changes with anything that the outputs of a chapter depend on."""
    return with_text(root, docname, code_key(root, docname))


def code_keys(root: Path) -> dict[str, str]:
    """The ``code_key`` of every chapter."""
    library = Library(root)
    return {name: code_key(root, name, library) for name in chapters(root)}


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
