"""Figures for day and night, desk and phone, each with links to its source and its numbers.

`lowrot.plots.use_style` puts a record beside the image of every figure: the figure for a phone,
its numbers as CSV, and where it was drawn. Here the image becomes two pictures, of which one is
shown in each theme; the dark one is the light one with other colours. Files are written beside the
page, into ``figures/``. Other builders than HTML keep the light image.
"""

from __future__ import annotations

import hashlib
import html
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from jupyter_cache import get_cache
from myst_nb.core.read import read_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.util import logging

from .freshness import cache_folder
from .keys import is_notebook

log = logging.getLogger(__name__)
MIME = "application/vnd.lowrot.figure+json"
NARROW = "(max-width: 44rem)"  # as in the style sheet
RUNTIME = re.compile(r"<style>.*?</style>\s*|<script>.*?</script>\s*", re.S)
PATH = re.compile(r'(?<= d=")[^"]*')
LIVE = re.compile(r'<div class="lowrot-live[^"]*" id="([^"]+)"')


@dataclass(frozen=True)
class Kept:
    """What a notebook keeps of one figure.

    Attributes:
        light: the SVG; empty for an interactive figure.
        record: of type `MIME`.
        stored: names of files in ``book/data`` that the figure was made from.
    """

    light: str
    record: dict[str, Any]
    stored: tuple[str, ...]


def kept(app: Sphinx, docname: str) -> dict[str, Kept]:
    """The figures of a page, by the name of their image file or the id of their fragment."""
    source = Path(app.env.doc2path(docname))
    if not is_notebook(source):
        return {}
    parsed = read_myst_markdown_notebook(source.read_text("utf8"), path=source)
    try:
        _, notebook = get_cache(str(cache_folder(app))).merge_match_into_notebook(parsed)
    except KeyError:
        return {}
    found = {}
    for cell in notebook.cells:
        stored = tuple(cell.metadata.get("stored", ()))
        for bundle in (output.get("data", {}) for output in cell.get("outputs", [])):
            if MIME not in bundle:
                continue
            light = "".join(bundle.get("image/svg+xml", ""))
            live = LIVE.search("".join(bundle.get("text/html", "")))
            name = live[1] if live else file_name(light)
            found[name] = Kept("" if live else light, bundle[MIME], stored)
    return found


def file_name(svg: str) -> str:
    """The name under which myst-nb keeps an image."""
    return hashlib.sha256("\n".join(svg.splitlines()).encode("utf8")).hexdigest() + ".svg"


def dress(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace images by pictures, and give every figure its links."""
    if app.builder.format != "html":
        return
    figures = kept(app, docname)
    for node, name in list(places(doctree)):
        if name not in figures:
            continue
        figure = next((p for p in parents(node) if isinstance(p, nodes.figure)), None)
        label = figure["ids"][0] if figure is not None and figure["ids"] else name[:12]
        folder = Path(app.outdir) / Path(docname).parent / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(node, nodes.raw):
            node.children = [nodes.Text(RUNTIME.sub("", node.astext()))]
        if isinstance(node, nodes.image):
            text = pictures(figures[name], folder, label, node.get("alt", ""))
            node.replace_self(nodes.raw("", text, format="html"))
        if figure is not None:
            text = links(app, docname, figures[name], folder, label)
            figure += nodes.legend("", nodes.raw("", text, format="html"))


def places(doctree: nodes.document) -> Iterator[tuple[nodes.Element, str]]:
    """The images and the interactive fragments of a page, and the name of each."""
    for node in doctree.findall(nodes.image):
        yield node, Path(node["uri"]).name
    for node in doctree.findall(nodes.raw):
        found = LIVE.search(node.astext())
        if found:
            yield node, found[1]


def parents(node: nodes.Node) -> Iterator[nodes.Node]:
    """What a node is in, from inside out."""
    while node.parent is not None:
        node = node.parent
        yield node


def pictures(figure: Kept, folder: Path, label: str, alt: str) -> str:
    """Write the files of a figure; returns the pictures, for day and for night."""
    from lowrot.plots import night

    light, small = slim(figure.light), slim(figure.record.get("narrow") or "")
    wide = {"": light, "-night": night(light)}
    out = []
    for theme, (dark, svg) in zip(("day", "night"), wide.items()):
        (folder / f"{label}{dark}.svg").write_text(svg, "utf8")
        source = ""
        if small:
            name = f"{label}-phone{dark}.svg"
            (folder / name).write_text(night(small) if dark else small, "utf8")
            source = f'<source media="{NARROW}" srcset="figures/{name}" {size(small)}>'
        out.append(
            f'<picture class="lowrot-{theme}">{source}<img class="dark-light" loading="lazy" '
            f'src="figures/{label}{dark}.svg" {size(svg)} alt="{html.escape(alt)}"></picture>'
        )
    return "\n".join(out)


def slim(svg: str) -> str:
    """An SVG whose paths are given without spaces and to hundredths of a point, as screens see."""

    def one(path: re.Match) -> str:
        return re.sub(r"\s*([A-Za-z])\s*", r"\1", re.sub(r"(\.\d\d)\d+", r"\1", path[0]))

    return PATH.sub(one, svg)


def size(svg: str) -> str:
    """Width and height of an SVG as attributes, in pixels."""
    found = {
        name: round(float(points) * 4 / 3)
        for name, points in re.findall(r'\b(width|height)="([\d.]+)pt"', svg[:2000])
    }
    return f'width="{found["width"]}" height="{found["height"]}"'


def links(app: Sphinx, docname: str, figure: Kept, folder: Path, label: str) -> str:
    """Write the numbers of a figure beside the page; returns the links below its caption."""
    root, out = Path(app.srcdir), []
    address = source_address(app, docname, figure.record.get("source"))
    if address:
        out.append(f'<a href="{html.escape(address)}">source</a>')
    if figure.record.get("data"):
        (folder / f"{label}.csv").write_text(figure.record["data"], "utf8")
        out.append(f'<a href="figures/{label}.csv" download>data (CSV)</a>')
    for name in figure.stored:
        file = root / "book" / "data" / name
        if not file.is_file():
            log.warning("no stored data %s", file, location=docname, type="lowrot")
            continue
        shutil.copyfile(file, folder / name)
        out.append(f'<a href="figures/{name}" download>{html.escape(name)}</a>')
    return f'<p class="lowrot-links">{", ".join(out)}</p>'


def source_address(app: Sphinx, docname: str, source: dict[str, Any] | None) -> str:
    """Where the function of a figure, or else its chapter, is in the repository."""
    options = app.config.html_theme_options
    repository = str(options.get("repository_url", "")).rstrip("/")
    if not repository:
        return ""
    branch = options.get("repository_branch", "main")
    path, lines = f"{docname}.md", ""
    if source:
        module = source["module"].replace(".", "/") + ".py"
        first, last = source["lines"]
        path = module if module.startswith("lowrot/") else f"book/{module}"
        lines = f"#L{first}-L{last}"
    return f"{repository}/blob/{branch}/{path}{lines}"


def share_runtime(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Load style and script of interactive figures once a page, and only where there are some."""
    live = doctree is not None and any(
        LIVE.search(node.astext()) for node in doctree.findall(nodes.raw)
    )
    if not live:
        return
    app.add_css_file("live.css")
    app.add_js_file("live.js", loading_method="defer")


def write_runtime(app: Sphinx) -> None:
    """Put style and script of interactive figures among the static files."""
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    for name in ("live.css", "live.js"):
        shutil.copyfile(Path(app.srcdir) / "lowrot" / "plots" / name, static / name)


def setup(app: Sphinx) -> None:
    """Register the late steps."""
    app.connect("doctree-resolved", dress)
    app.connect("builder-inited", write_runtime)
    app.connect("html-page-context", share_runtime)
