"""What a page builds on, how long it takes to read, and the paths through the book."""

from __future__ import annotations

import math
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .keys import pages
from .paths import Box, drawn, listed

log = logging.getLogger(__name__)
WORDS_A_MINUTE = 200
FORMULAS_A_MINUTE = 4


class needs(nodes.General, nodes.Element):
    """The line under a title, filled in when every page has been read."""


class reading_path(nodes.General, nodes.Element):
    """The diagram of all pages, filled in when every page has been read."""


class Needs(SphinxDirective):
    """``{needs}`` with the pages that a chapter builds on, by name, in its only argument."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """Remember them, and leave a mark."""
        names = "".join(self.arguments).replace(",", " ").split()
        folder = self.env.docname.rpartition("/")[0]
        found = [f"{folder}/{name}".lstrip("/") for name in names]
        self.env.metadata[self.env.docname]["needs"] = found
        return [needs(page=self.env.docname)]


class ReadingPath(SphinxDirective):
    """``{reading-path}``: which chapter builds on which, with reading times."""

    def run(self):
        """Leave a mark."""
        self.env.metadata[self.env.docname]["reading_path"] = True
        return [reading_path()]


def measure(app: Sphinx, doctree: nodes.document) -> None:
    """Count what is read of a page: text, captions and formulas, not code, and nothing folded."""
    words = formulas = 0
    stack: list[nodes.Node] = [doctree]
    while stack:
        node = stack.pop()
        if is_skipped(node):
            continue
        if isinstance(node, nodes.math_block):
            formulas += 1
        elif isinstance(node, nodes.Text):
            words += len(node.astext().split())
        stack += node.children
    minutes = words / WORDS_A_MINUTE + formulas / FORMULAS_A_MINUTE
    app.env.metadata[app.env.docname]["minutes"] = max(1, math.ceil(minutes))


def is_skipped(node: nodes.Node) -> bool:
    """Whether a part of a page is code, or opens on a click only."""
    if isinstance(node, nodes.literal_block | nodes.raw | nodes.comment):
        return True
    classes = set(node.get("classes", [])) if isinstance(node, nodes.Element) else set()
    return bool(classes & {"lowrot-fold", "dropdown", "cell_input"})


def depends(app: Sphinx, env, added, changed, removed):
    """Pages with such a line are always written again: it names other pages."""
    return [
        name
        for name in env.found_docs
        if "needs" in env.metadata[name] or env.metadata[name].get("reading_path")
    ]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the lines and the diagram."""
    for mark in list(doctree.findall(needs)):
        mark.replace_self(line(app, docname, mark["page"]))
    for mark in list(doctree.findall(reading_path)):
        mark.replace_self(diagram(app, docname))


def line(app: Sphinx, docname: str, page: str) -> nodes.paragraph:
    """Builds on: Notation, Margins. About 20 minutes, without proofs.

    Args:
        app: after all pages have been read.
        docname: of what is written: all pages may be written as one.
        page: that says what it needs.
    """
    found = app.env.metadata[page]
    shown = nodes.paragraph(classes=["lowrot-needs"])
    for count, name in enumerate(found["needs"]):
        if name not in app.env.titles:
            log.warning("needs %r, which is no page", name, location=page, type="lowrot")
            continue
        shown += nodes.Text(", " if count else "Builds on ")
        address = app.builder.get_relative_uri(docname, name)
        title = app.env.titles[name].astext()
        shown += nodes.reference("", title, refuri=address, internal=True)
    start = ". " if found["needs"] else ""
    minutes = "1 minute" if found["minutes"] == 1 else f"{found['minutes']} minutes"
    shown += nodes.Text(f"{start}About {minutes}, proofs and code aside.")
    return shown


def levels(app: Sphinx) -> list[list[str]]:
    """The pages that say what they need, each one row below all that it needs."""
    wanted = {
        name: [n for n in app.env.metadata[name]["needs"] if n != name]
        for name in pages(Path(app.srcdir))
        if "needs" in app.env.metadata[name]
    }
    depth: dict[str, int] = {}
    for _ in wanted:
        for name, before in wanted.items():
            depth[name] = 1 + max((depth.get(other, -1) for other in before), default=-1)
    rows = range(max(depth.values(), default=-1) + 1)
    return [[name for name in wanted if depth[name] == row] for row in rows]


def diagram(app: Sphinx, docname: str) -> list[nodes.Node]:
    """Boxes and arrows where there is room, lists on a phone."""
    rows = [
        [
            Box(
                name=name,
                title=app.env.titles[name].astext(),
                address=app.builder.get_relative_uri(docname, name),
                minutes=app.env.metadata[name]["minutes"],
                needs=app.env.metadata[name]["needs"],
                number=(app.env.toc_secnumbers.get(name, {}).get("") or (0,))[0],
            )
            for name in row
        ]
        for row in levels(app)
    ]
    return [nodes.raw("", drawn(rows) + listed(rows), format="html")]


def setup(app: Sphinx) -> None:
    """Register the directives and the steps."""
    app.add_node(needs)
    app.add_node(reading_path)
    app.add_directive("needs", Needs)
    app.add_directive("reading-path", ReadingPath)
    app.connect("doctree-read", measure, priority=900)
    app.connect("env-get-outdated", depends)
    app.connect("doctree-resolved", fill)
