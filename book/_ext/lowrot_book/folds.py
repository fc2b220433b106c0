"""Proofs and solutions that unfold, exercises that are numbered within their chapter.

``{proof} thm-a cor-b`` and ``{solution} ex-a`` become ``<details>`` that know the numbers of what
they belong to; ``{exercise} ex-a`` is numbered as theorems are. Code cells tagged ``solution`` move
into the solution above them. Where there is no unfolding (LaTeX, EPUB) the same text stands open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from . import statements
from .statements import fold, fold_title

log = logging.getLogger(__name__)
KINDS = ("computation", "proof", "code", "open")


class exercise(nodes.Admonition, nodes.Element):
    """A numbered exercise; its first child is a title."""


class Fold(SphinxDirective):
    """What proofs and solutions share: whose they are, and an anchor for each of these."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Callable]] = {"title": directives.unchanged_required}

    def run(self):
        """The text, under a title that is written when all numbers are known."""
        kind = self.name
        node = fold(kind=kind, of=self.arguments[0].replace(",", " ").split(), anchors=[])
        node["classes"] = ["lowrot-fold", f"lowrot-{kind}"]
        self.set_source_info(node)
        known = registry(self.env)
        for label in node["of"]:
            anchor = unused(f"{kind}-{label}", {anchor for _, anchor in known.values()})
            known.setdefault(f"{kind}-{label}", (self.env.docname, anchor))
            known[anchor] = (self.env.docname, anchor)
            node["anchors"].append(anchor)
        words, messages = self.state.inline_text(self.options.get("title", ""), self.lineno)
        node += fold_title("", "", *words)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node, *messages]


class Exercise(SphinxDirective):
    """``{exercise} label``, with the kind of work that it asks for."""

    has_content = True
    required_arguments = 1
    option_spec: ClassVar[dict[str, Callable]] = {
        "kind": lambda text: directives.choice(text, KINDS)
    }

    def run(self):
        """A box with a title, known to both kinds of references: numref and prf:ref."""
        label = self.arguments[0]
        known = self.env.__dict__.setdefault("proof_list", {})
        if label in known:
            log.warning("duplicate label %r", label, location=self.get_location())
        known[label] = {
            "docname": self.env.docname, "countertype": "exercise", "realtype": "exercise",
            "ids": [label], "label": label, "prio": 0, "nonumber": False,
        }  # fmt: skip
        node = exercise(label=label, ids=[label], names=[label])
        node["classes"] = ["lowrot-exercise"]
        self.set_source_info(node)
        title = nodes.title()
        if "kind" in self.options:
            title += nodes.inline("", self.options["kind"], classes=["lowrot-kind"])
        node += title
        self.state.document.note_explicit_target(node, node)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


# ---------------------------------------------------------------- which proof belongs to what


def registry(env) -> dict[str, tuple[str, str]]:
    """Page and anchor of every proof and solution, by kind and label."""
    return env.__dict__.setdefault("lowrot_folds", {})


def unused(anchor: str, taken: set[str]) -> str:
    """The anchor, or the first numbered one that no other proof has."""
    names = (anchor, *(f"{anchor}-{count}" for count in range(2, 100)))
    return next(name for name in names if name not in taken)


def purge(app: Sphinx, env, docname: str) -> None:
    """Forget what stood on a page that is read again."""
    kept = {name: place for name, place in registry(env).items() if place[0] != docname}
    env.lowrot_folds = kept


def merge(app: Sphinx, env, docnames, other) -> None:
    """Take over what another process has read."""
    registry(env).update(registry(other))


# ---------------------------------------------------------------- after a page has been read


def gather(app: Sphinx, doctree: nodes.document) -> None:
    """Move each cell tagged ``solution``, and what leads to it, into the solution above."""
    for cell in list(doctree.findall(nodes.container)):
        if "tag_solution" not in cell["classes"]:
            continue
        home = above(cell)
        if home is None:
            log.warning("a cell tagged solution has no solution above it", location=cell)
            continue
        siblings = home.parent.children
        first, last = siblings.index(home) + 1, siblings.index(cell)
        moved = siblings[first : last + 1]
        del home.parent[first : last + 1]
        home += moved


def above(cell: nodes.Element) -> nodes.Element | None:
    """The solution that a cell belongs to: nothing but text and cells may stand between."""
    siblings = cell.parent.children
    for node in reversed(siblings[: siblings.index(cell)]):
        if isinstance(node, fold) and node["kind"] == "solution":
            return node
        if isinstance(node, fold | exercise | nodes.section):
            return None
    return None


# ---------------------------------------------------------------- when all numbers are known


def unfolds(app: Sphinx) -> bool:
    """Whether the output can unfold."""
    return app.builder.format == "html" and "epub" not in app.builder.name


def name_folds(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the titles, and the ways between a statement and its proof."""
    for node in list(doctree.findall(fold)):
        if not node["of"]:
            if not unfolds(app):
                opened(node, node[0].children)
            continue
        found = [statements.Named.of(app, label) for label in node["of"]]
        for label, named in zip(node["of"], found, strict=True):
            if named is None:
                what = f"a {node['kind']} of {label!r}, which is no statement of the book"
                log.warning(what, location=node)
        head = list(title_words([named for named in found if named], node))
        if unfolds(app):
            node[0].children = []
            node[0] += head
            node += ways_back(app, [named for named in found if named], docname)
        else:
            opened(node, head)
    if unfolds(app):
        ways_on(app, doctree, docname)
        return
    for node in list(doctree.findall(exercise)):
        kind = f" ({node[0].astext()})" if node[0].astext() else ""
        opened(node, [nodes.Text(f"{statements.Named.of(app, node['label']).name}{kind}")])


def title_words(found: list[statements.Named], node: nodes.Element) -> Iterator[nodes.Node]:
    """Proof of Theorem 4.2 (No rotation) and Corollary 4.3 (A consequence): what is proved."""
    yield nodes.Text(f"{node['kind'].title()} of ")
    for count, named in enumerate(found):
        if count:
            yield nodes.Text(" and " if count == len(found) - 1 else ", ")
        yield nodes.Text(named.name)
        yield from (child.deepcopy() for child in named.title)
    if node[0].children:
        yield nodes.Text(": ")
        yield from (child.deepcopy() for child in node[0].children)


def ways_back(app: Sphinx, found: list[statements.Named], here: str) -> nodes.paragraph:
    """Links from the end of a proof to its statements."""
    line = nodes.paragraph(classes=["lowrot-back"])
    for count, named in enumerate(found):
        text, address = f"back to {named.name}", named.address(app, here)
        line += [nodes.Text(" · ")] * bool(count)
        line += nodes.reference("", text, refuri=address, internal=True)
    return line


def ways_on(app: Sphinx, doctree: nodes.document, here: str) -> None:
    """A link in the title of each statement to its proof, of each exercise to its solution."""
    known = registry(app.env)
    for node in list(doctree.findall(nodes.Admonition)):
        label = node.get("label", "") if isinstance(node, nodes.Element) else ""
        kind = "solution" if isinstance(node, exercise) else "proof"
        if not (label and f"{kind}-{label}" in known):
            continue
        docname, anchor = known[f"{kind}-{label}"]
        page = "" if docname == here else app.builder.get_relative_uri(here, docname)
        name = statements.Named.of(app, label).name
        link = f'<a class="lowrot-way" href="{page}#{anchor}" aria-label="{kind} of {name}">'
        node[0] += nodes.raw("", f" {link}{kind}</a>", format="html")


def opened(node: nodes.Element, head: list[nodes.Node]) -> None:
    """Stand open, under a line that says what is proved."""
    marks = nodes.target("", "", ids=[*node.get("anchors", []), *node["ids"]])
    line = nodes.paragraph("", "", nodes.strong("", "", *head, nodes.Text(".")))
    node.replace_self([marks, line, *node.children[1:]])


# ---------------------------------------------------------------- HTML


def visit_fold(self, node: nodes.Element) -> None:
    """Open the details."""
    self.body.append(self.starttag(node, "details"))


def depart_fold(self, node: nodes.Element) -> None:
    """Close the details, and what ``depart_title`` has opened in them."""
    self.body.append("</div></details>\n")


def visit_title(self, node: nodes.Element) -> None:
    """Open the summary."""
    self.body.append("<summary>")


def depart_title(self, node: nodes.Element) -> None:
    """Close the summary; a link to an id inside, not to one around, opens the details."""
    ids = [f' id="{anchor}"' for anchor in node.parent["anchors"]]
    self.body.append(f'</summary>\n<div class="lowrot-fold-body"{"".join(ids[:1])}>')
    self.body.extend(f"<span{name}></span>" for name in ids[1:])


def visit_exercise(self, node: nodes.Element) -> None:
    """Open the box; Sphinx writes the number into its title."""
    self.body.append(self.starttag(node, "div", CLASS="admonition"))


def depart_exercise(self, node: nodes.Element) -> None:
    """Close the box."""
    self.body.append("</div>\n")


def number_exercises(app: Sphinx, config) -> None:
    """How exercises are called; late, because sphinx-proof replaces the formats of others."""
    config.numfig_format["exercise"] = "Exercise %s"


def setup(app: Sphinx) -> None:
    """Register the directives, the moves and what writes them."""
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_node(fold_title, html=(visit_title, depart_title))
    app.add_enumerable_node(
        exercise, "exercise", lambda node: "Exercise", html=(visit_exercise, depart_exercise)
    )
    app.add_directive("proof", Fold)
    app.add_directive("solution", Fold)
    app.add_directive("exercise", Exercise)
    app.connect("config-inited", number_exercises, priority=900)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("doctree-read", gather)
    app.connect("doctree-resolved", name_folds, priority=450)
