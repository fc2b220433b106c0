"""The scripts of the book without their comments: readers load only what runs."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

COMMENT = re.compile(r"^[ \t]*//.*\n", re.MULTILINE)


def bare(script: str) -> str:
    """A script without the lines that are comments alone."""
    return COMMENT.sub("", script)


def strip(app: Sphinx, exception: Exception | None) -> None:
    """Strip the book's own scripts, once they are among the static files."""
    if exception is not None or app.builder.name != "html":
        return
    for source in (Path(app.srcdir) / "book" / "_static").glob("*.js"):
        target = Path(app.outdir) / "_static" / source.name
        if target.is_file():
            target.write_text(bare(source.read_text("utf8")), "utf8")


def setup(app: Sphinx) -> None:
    """Register the late step."""
    app.connect("build-finished", strip)
