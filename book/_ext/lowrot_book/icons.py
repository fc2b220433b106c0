"""The theme's style names every icon there is; a reader's page keeps those that the book shows."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

STYLE = "_static/styles/pydata-sphinx-theme.css"
NAME = re.compile(r"\bfa-[a-z0-9-]+")
RULE = re.compile(r'((?:\.fa-[a-z0-9-]+:before,?)+)\{content:"\\[0-9a-f]+"\}')


def thinned(style: str, used: set[str]) -> str:
    """A style without the rules of icons that are not used."""
    return RULE.sub(lambda rule: rule[0] if used & set(NAME.findall(rule[1])) else "", style)


def thin(app: Sphinx, exception: Exception | None) -> None:
    """Thin the theme's style, once all pages and scripts are written."""
    out = Path(app.outdir)
    if exception is None and app.builder.name == "html" and (out / STYLE).is_file():
        shown = [*out.rglob("*.html"), *(out / "_static").glob("*.js"), *out.glob("_static/*/*.js")]
        used = {name for page in shown for name in NAME.findall(page.read_text("utf8"))}
        (out / STYLE).write_text(thinned((out / STYLE).read_text("utf8"), used), "utf8")


def setup(app: Sphinx) -> None:
    """Register the late step."""
    app.connect("build-finished", thin, priority=900)
