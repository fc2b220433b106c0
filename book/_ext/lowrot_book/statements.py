"""The index of theorems: every numbered statement of the book, by chapter, with its provenance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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
    for node in doctree_of(app, docname).findall(nodes.Admonition):
        if isinstance(node, nodes.Element) and "realtype" in node and node["label"] in labels:
            yield node


class Named(NamedTuple):
    """A statement or an exercise, by the name that readers see: Theorem 4.2.

    Args:
        docname: of its page.
        label: which is its anchor, too.
        name: kind and number.
        title: the rest of its title, as nodes.
    """

    docname: str
    label: str
    name: str
    title: list[nodes.Node]

    @classmethod
    def of(cls, app: Sphinx, label: str) -> Named | None:
        """The one with this label, if there is any."""
        known = getattr(app.env, "proof_list", {}).get(label)
        if known is None or known["nonumber"]:
            return None
        docname = known["docname"]
        number = app.env.toc_fignumbers[docname][known["countertype"]][label]
        name = f"{known['realtype'].title()} {'.'.join(map(str, number))}"
        title = next((node[0].children for node in statements(app, docname)
                      if node["label"] == label), [])  # fmt: skip
        return cls(docname, label, name, title)

    def address(self, app: Sphinx, here: str) -> str:
        """Where it is, seen from another page or from its own."""
        page = "" if here == self.docname else app.builder.get_relative_uri(here, self.docname)
        return f"{page}#{self.label}"


def doctree_of(app: Sphinx, docname: str) -> nodes.document:
    """A page as it was read; each is loaded once, and nobody may change it."""
    loaded = app.__dict__.setdefault("lowrot_read", {})
    if docname not in loaded:
        loaded[docname] = app.env.get_doctree(docname)
    return loaded[docname]


def entry(app: Sphinx, node: nodes.Element, docname: str, here: str) -> nodes.list_item:
    """Its kind and number, linked; its title; its tag."""
    named = Named.of(app, node["label"])
    link = nodes.reference("", named.name, refuri=named.address(app, here), internal=True)
    line = nodes.paragraph("", "", link)
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
