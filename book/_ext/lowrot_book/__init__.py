"""The Sphinx extension of this book: claims report, provenance tags, freshness, repairs."""

from __future__ import annotations


def setup(app) -> dict[str, object]:
    """Register every part; Sphinx calls this once."""
    from . import freshness, html, report  # here, so that ``keys`` alone stays quick to import

    for part in (freshness, html, report):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
