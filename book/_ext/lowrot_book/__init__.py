"""The Sphinx extension of this book: claims report, index of theorems, tags, freshness, repairs."""

from __future__ import annotations


def setup(app) -> dict[str, object]:
    """Register every part; Sphinx calls this once."""
    # Imported here, so that ``keys`` alone stays quick to import.
    from . import folds, freshness, html, icons, mathml, previews, report, statements, valid

    for part in (folds, freshness, html, icons, mathml, previews, report, statements, valid):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
