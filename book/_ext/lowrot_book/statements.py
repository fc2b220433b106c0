"""The index of theorems: every numbered statement of the book, by chapter, with its provenance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from .keys import pages


class statements_list(nodes.General, nodes.Element):
    """A place on a page, filled in when every chapter has been read."""


class fold(nodes.General, nodes.Element):
    """What unfolds; its first child is a ``fold_title``."""


class fold_title(nodes.General, nodes.TextElement):
    """What is seen of a closed one."""


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


def entry(app: Sphinx, node: nodes.Element, docname: str, here: str) -> nodes.Element:
    """Its kind and number, its title and its tag; its text unfolds, with a link to its place."""
    named = Named.of(app, node["label"])
    tags = [tag for tag in node.findall(nodes.inline) if "lowrot_tag" in tag]
    box = fold(kind="statement", of=[], anchors=[], classes=["lowrot-fold", "lowrot-entry"])
    box += fold_title("", "", nodes.Text(named.name), *copies(named.title, here))
    if tags:
        box[0] += [nodes.Text(" "), tags[0].deepcopy()]
    box += copies(node[1].children, here)
    link = nodes.reference("", named.name, refuri=named.address(app, here), internal=True)
    box += nodes.paragraph("", "", link, nodes.Text(" in its chapter"), classes=["lowrot-back"])
    return box


def copies(children: list[nodes.Node], here: str) -> list[nodes.Node]:
    """Copies without anchors, whose references are resolved from another page."""
    copied = [child.deepcopy() for child in children]
    for node in (node for child in copied for node in child.findall(nodes.Element)):
        node["ids"], node["names"] = [], []
        if isinstance(node, pending_xref):
            node["refdoc"] = here
    return copied


class Fill(SphinxPostTransform):
    """Replace the mark by the list, once every chapter has been read, before references resolve."""

    default_priority = 5

    def run(self, **options) -> None:
        """Fill every mark of the page."""
        app, here = self.app, self.env.docname
        for mark in list(self.document.findall(statements_list)):
            found: list[nodes.Node] = []
            for docname in pages(Path(app.srcdir)):
                items = [entry(app, node, docname, here) for node in statements(app, docname)]
                if items:
                    address = app.builder.get_relative_uri(here, docname)
                    title = app.env.titles[docname].astext()
                    link = nodes.reference("", title, refuri=address, internal=True)
                    part = nodes.section(ids=[nodes.make_id(f"statements {docname}")])
                    part += [nodes.title("", "", link), *items]
                    found.append(part)
            mark.replace_self(found)


def setup(app: Sphinx) -> None:
    """Register the directive and the late step."""
    app.add_node(statements_list)
    app.add_directive("statements-list", StatementsList)
    app.connect("env-get-outdated", listing_pages)
    app.add_post_transform(Fill)
