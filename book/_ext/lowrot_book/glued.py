"""Glued numbers as a reader wants them, in the text, in captions and in alternative texts."""

from __future__ import annotations

import re

from docutils import nodes
from myst_nb.core.variables import format_plain_text
from myst_nb.ext.glue.crossref import read_glue_cache
from sphinx.application import Sphinx
from sphinx.util import logging

from lowrot._numbers import in_full

from .mathml import keep_together

log = logging.getLogger(__name__)
ROLE = re.compile(r"\{glue:text\}`([^`]+)`")
POWER = re.compile(r"([-−]?)(\d+(?:\.\d+)?)e([+-])0*(\d+)")
RELATION = re.compile(
    r"(?:[=<>]|\\(?:le|leq|ge|geq|ne|lt|gt|approx|sim|simeq|propto|in|ll|gg|to))\s*(?:\{\})?\s*$"
)
SUPERSCRIPTS = str.maketrans("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def powers(text: str) -> list[nodes.Node]:
    """A text whose numbers are written in full below a million, else with a power of ten."""
    text = in_full(text)
    found: list[nodes.Node] = []
    end = 0
    for number in POWER.finditer(text):
        sign, mantissa, below, exponent = number.groups()
        factor = "" if mantissa == "1" else f"{mantissa}\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}"
        before = text[end : number.start()] + ("−" if sign else "") + factor + "10"
        raised = nodes.superscript("", ("−" if below == "-" else "") + exponent)
        found += [nodes.Text(before), raised]
        end = number.end()
    rest = re.sub(r"(?<![\w.])-(?=\d)", "−", text[end:])
    return [*found, nodes.Text(rest)] if rest or not found else found


def plain_powers(text: str) -> str:
    """The same where nothing can be raised."""
    parts = [
        node.astext().translate(SUPERSCRIPTS)
        if isinstance(node, nodes.superscript)
        else node.astext()
        for node in powers(text)
    ]
    return "".join(parts)


def value(app: Sphinx, docname: str, text: str) -> str:
    """What ``key``, ``key:format`` or ``page.md::key:format`` stands for.

    Raises:
        KeyError: nothing of that name was glued.
    """
    name, _, form = text.partition("::")[2].partition(":") if "::" in text else text.partition(":")
    page = docname
    if "::" in text:
        relative = text.partition("::")[0]
        page = app.env.path2doc(app.env.relfn2path(relative, docname)[1]) or relative
    data = read_glue_cache(str(app.env.mystnb_config.output_folder), page)[name]["data"]
    return format_plain_text(data["text/plain"], form or "s")


def describe(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Fill in the numbers of alternative texts."""

    def fill(role: re.Match) -> str:
        try:
            return plain_powers(value(app, docname, role[1]))
        except KeyError:
            log.warning(
                "alternative text: nothing is glued as %r", role[1], location=docname, type="lowrot"
            )
            return role[1]

    for image in doctree.findall(nodes.image):
        if "{glue:text}" in image.get("alt", ""):
            image["alt"] = ROLE.sub(fill, image["alt"])


def set_powers(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write glued numbers with powers of ten."""
    for node in list(doctree.findall(nodes.inline)):
        if is_pasted(node):
            found, node.children = powers(node.astext()), []
            node.extend(found)


def close_up(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Keep a number beside the relation before it, as in ``$d =$ {glue:text}`d```.

    A relation brings its own space on both sides in MathML, so the one of the text goes.
    """
    if app.builder.format != "html":
        return
    for node in list(doctree.findall(nodes.math)):
        parent, place = node.parent, node.parent.index(node)
        following = parent.children[place + 1 : place + 3]
        if len(following) < 2 or not RELATION.search(node.astext()):
            continue
        space, number = following
        if isinstance(space, nodes.Text) and not space.strip() and is_pasted(number):
            del parent.children[place + 1 : place + 3]
            parent[place] = box = nodes.inline(classes=["lowrot-together"])
            box += [node, number]
            keep_together(box)


def is_pasted(node: nodes.Node) -> bool:
    """Whether a node is a glued value."""
    return isinstance(node, nodes.inline) and "pasted-text" in node.get("classes", [])


def setup(app: Sphinx) -> None:
    """Register the steps, after what is glued has been fetched from other pages."""
    app.connect("doctree-resolved", describe, priority=400)
    app.connect("doctree-resolved", set_powers, priority=400)
    app.connect("doctree-resolved", close_up, priority=500)
