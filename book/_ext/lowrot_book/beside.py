"""Pages that need nothing else, made by a chapter: each written beside the page that links to it.

``figures._text.beside`` displays the link, and the page in an output of its own.
"""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from .ledger import executed

MIME = "application/vnd.lowrot.page+json"


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the pages of all chapters."""
    if exception is not None or app.builder.name != "html":
        return
    for chapter in executed(app):
        outputs = [output for cell in chapter.notebook.cells for output in cell.get("outputs", [])]
        for made in (o["data"][MIME] for o in outputs if MIME in o.get("data", {})):
            path = Path(app.outdir) / Path(chapter.docname).parent / made["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made["html"], "utf8")


def setup(app: Sphinx) -> None:
    """Register the late step, before what lists or reads every page."""
    app.connect("build-finished", write, priority=350)
