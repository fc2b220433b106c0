"""Links of the report into the book: chapters, statements and figures with their numbers."""

from __future__ import annotations

import html

from docutils import nodes
from sphinx.application import Sphinx

from .statements import Named


class Places:
    """Addresses relative to one page.

    Args:
        app: after all pages have been read and numbered.
        here: the docname of the page.
    """

    def __init__(self, app: Sphinx, here: str):
        self.app, self.env, self.builder, self.here = app, app.env, app.builder, here
        self.top = "../" * here.count("/")

    def page(self, docname: str) -> str:
        """The address of a page."""
        return self.builder.get_relative_uri(self.here, docname)

    def title(self, docname: str) -> str:
        """The title of a page."""
        return self.env.titles[docname].astext()

    def link(self, docname: str, anchor: str, text: str) -> str:
        """A link to a place on a page."""
        address = html.escape(f"{self.page(docname)}#{anchor}")
        return f'<a href="{address}">{html.escape(text)}</a>'

    def numbers(self, docname: str, kind: str, name: str) -> str:
        """The number of something on a page, or nothing."""
        found = self.env.toc_fignumbers.get(docname, {}).get(kind, {}).get(name, ())
        return ".".join(map(str, found))

    def statement(self, label: str) -> str:
        """A link to a definition, lemma or theorem, by kind and number."""
        known = self.env.proof_list[label]
        number = self.numbers(known["docname"], known["countertype"], label)
        text = f"{known['realtype'].title()} {number}".strip()
        return self.link(known["docname"], label, text)

    def statement_title(self, label: str) -> str:
        """The title of a statement, its formulas between dollar signs; nothing for none."""
        named = Named.of(self.app, label)
        parts = named.title if named else []
        written = (f"${p.astext()}$" if isinstance(p, nodes.math) else p.astext() for p in parts)
        return "".join(written).strip().removeprefix("(").removesuffix(")")

    def has_statement(self, label: str) -> bool:
        """Whether any page has a statement of this label."""
        return label in getattr(self.env, "proof_list", {})

    def figure(self, docname: str, name: str | None) -> str:
        """A link to a figure, by number; nothing for none."""
        if name is None:
            return ""
        number = self.numbers(docname, "figure", name)
        return self.link(docname, name, f"Fig.\N{NO-BREAK SPACE}{number}" if number else "figure")
