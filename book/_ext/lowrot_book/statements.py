"""The index of theorems: every numbered statement of the book, by chapter, with its provenance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from .html import loads_mathjax
from .keys import pages


class statements_list(nodes.General, nodes.Element):
    """A place on a page, filled in when every chapter has been read."""


class StatementsList(Directive):
    """``{statements-list}``: definitions, lemmas, theorems and the like, in reading order."""

    def run(self):
        """Leave a mark for ``fill``."""
        env = self.state.document.settings.env
        env.metadata[env.docname]["statements_list"] = True
        return [statements_list()]


def listing_pages(app: Sphinx, env, added, changed, removed):
    """The list is always read and written again: it depends on every chapter."""
    return [name for name in env.found_docs if env.metadata[name].get("statements_list")]


def statements(app: Sphinx, docname: str) -> Iterator[nodes.Element]:
    """The labelled statements of a page."""
    labels = getattr(app.env, "proof_list", {})
    for node in app.env.get_doctree(docname).findall(nodes.Admonition):
        if isinstance(node, nodes.Element) and node.get("label") in labels:
            yield node


def entry(app: Sphinx, node: nodes.Element, docname: str, here: str) -> nodes.list_item:
    """Its kind and number, linked; its title; its tag."""
    label, kind = node["label"], node["realtype"].title()
    number = app.env.toc_fignumbers[docname][node["countertype"]][label]
    address = f"{app.builder.get_relative_uri(here, docname)}#{label}"
    name = f"{kind} {'.'.join(map(str, number))}"
    line = nodes.paragraph("", "", nodes.reference("", name, refuri=address, internal=True))
    line += [child.deepcopy() for child in node[0].children]
    tags = [tag for tag in node.findall(nodes.inline) if "lowrot_tag" in tag]
    if tags:
        line += [nodes.Text(" "), tags[0].deepcopy()]
    return nodes.list_item("", line)


def fill(app: Sphinx, doctree: nodes.document, here: str) -> None:
    """Replace the mark by the list, once every chapter has been read."""
    for mark in list(doctree.findall(statements_list)):
        found: list[nodes.Node] = []
        for docname in pages(Path(app.srcdir)):
            items = [entry(app, node, docname, here) for node in statements(app, docname)]
            if items:
                address = app.builder.get_relative_uri(here, docname)
                title = app.env.titles[docname].astext()
                link = nodes.reference("", title, refuri=address, internal=True)
                found += [nodes.paragraph("", "", nodes.strong("", "", link))]
                found += [nodes.bullet_list("", *items)]
        mark.replace_self(found)
        loads_mathjax(app, here)


def setup(app: Sphinx) -> None:
    """Register the directive and the late step, before tags get their titles."""
    app.add_node(statements_list)
    app.add_directive("statements-list", StatementsList)
    app.connect("env-get-outdated", listing_pages)
    app.connect("doctree-resolved", fill, priority=400)
