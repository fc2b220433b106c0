"""The Sphinx extension of this book: claims report, index of theorems, tags, freshness, repairs."""

from __future__ import annotations


def setup(app) -> dict[str, object]:
    """Register every part; Sphinx calls this once."""
    # Imported here, so that ``keys`` alone stays quick to import.
    from . import (
        checks,
        folds,
        freshness,
        glued,
        html,
        reading,
        report,
        statements,
        symbols,
        valid,
    )

    parts = (checks, folds, freshness, glued, html, reading, report, statements, symbols, valid)
    for part in parts:
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
