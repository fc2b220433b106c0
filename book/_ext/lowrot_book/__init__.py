"""The Sphinx extension of this book: claims report, index of theorems, figures, tags, repairs."""

from __future__ import annotations


def setup(app) -> dict[str, object]:
    """Register every part; Sphinx calls this once."""
    # Imported here, so that ``keys`` alone stays quick to import.
    from . import figures, freshness, html, report, statements, valid

    for part in (figures, freshness, html, report, statements, valid):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
