"""The Sphinx extension of this book: claims, statements, proofs, figures, symbols, repairs."""

from __future__ import annotations

from importlib import import_module

PARTS = (
    "addresses",
    "beside",
    "carry",
    "checks",
    "citation",
    "crate",
    "figures",
    "folds",
    "freshness",
    "glued",
    "html",
    "icons",
    "mathml",
    "previews",
    "reading",
    "report",
    "scripts",
    "statements",
    "symbols",
    "valid",
)


def setup(app) -> dict[str, object]:
    """Register every part; Sphinx calls this once."""
    for name in PARTS:  # imported here, so that ``keys`` alone stays quick to import
        import_module(f"{__name__}.{name}").setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
