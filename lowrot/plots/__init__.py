"""The figures of the book: each function draws one and returns its axes."""

from lowrot.plots._style import grid, use_style

__all__ = ["grid", "use_style"]
