"""Tags, numbers and formulas in HTML, the badges of claims, and repairs of what the theme emits."""

from __future__ import annotations

import html
import re

from docutils import nodes
from sphinx.application import Sphinx

from lowrot._numbers import typeset

from .mathml import CLOSING, OPENING, inline, prose

TAGS = {
    "paper": "stated in a paper's abstract, reproduced in our words and cited",
    "derived": "an explicit-constant version, proved in this book",
    "measured": "a number that this book's own code produced",
}


# A badge as lowrot.claims writes it, for every notebook: plain numbers, formulas between dollars.
BADGE = re.compile(
    r'(<span class="lowrot-claim-text">)(.*?)(</span>\s*<span class="lowrot-claim-numbers">)(.*?)'
    r"(?=</span>)",
    re.DOTALL,
)
WRITTEN = r'<span class="math notranslate nohighlight">\\\(([^<]*?)\\\)</span>'
FORMULA = re.compile(rf"({OPENING}){WRITTEN}({CLOSING})", re.DOTALL)
HEAD = re.compile(rf"(<th[^>]*>)(?={WRITTEN}</th>)", re.DOTALL)
NUMBER = re.compile(r"-?\b\d[\d.]*(?:e[+-]\d+)?|-?\binf\b")


def dress(badge: re.Match) -> str:
    """The badge of a claim with its formulas and numbers set."""
    before, statement, between, numbers = badge.groups()
    numbers = NUMBER.sub(lambda found: typeset(found[0]), numbers)
    return before + prose(statement) + between + numbers


def dress_badges(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Set the badges and the formulas that a notebook printed."""
    if app.builder.format != "html":
        return
    for node in doctree.findall(nodes.raw):
        text = node.astext()
        if "lowrot-claim-text" in text:
            node.children = [nodes.Text(BADGE.sub(dress, text))]
        elif FORMULA.search(text):
            node.children = [nodes.Text(FORMULA.sub(formula, HEAD.sub(named, text)))]


def formula(found: re.Match) -> str:
    """A formula that a notebook printed in TeX, with the marks that stay beside it."""
    before, tex, after = found.groups()
    made = inline(html.unescape(tex))
    return f'<span class="lowrot-together">{before}{made}{after}</span>' if before + after else made


def named(found: re.Match) -> str:
    """The head of a column that is a formula alone, with words for who does not see it."""
    head, tex = found.groups()
    words = re.sub(r"[\\\\{}$^_]+", " ", tex).strip()
    return f'{head}<span class="visually-hidden">{words}</span>'


def tag_html(name: str) -> str:
    """The tag as HTML; the claims report uses it too."""
    title = html.escape(TAGS[name])
    return f'<span class="lowrot-tag lowrot-tag-{name}" title="{title}">[{name}]</span>'


def tag_role(name, rawtext, text, lineno, inliner, options=None, content=None):
    """Render {tag}`derived` as [derived], with an explanation on hover."""
    if text not in TAGS:
        message = inliner.reporter.error(
            f"unknown provenance tag {text!r}: use one of {', '.join(TAGS)}", line=lineno
        )
        return [inliner.problematic(rawtext, rawtext, message)], [message]
    plain = nodes.inline(text, f"[{text}]", classes=["lowrot-tag", f"lowrot-tag-{text}"])
    plain["lowrot_tag"] = text
    return [plain], []


def visit_titled(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give tags their title text where the output is HTML."""
    if app.builder.format != "html":
        return
    for node in list(doctree.findall(nodes.inline)):
        if "lowrot_tag" in node:
            raw = nodes.raw("", tag_html(node["lowrot_tag"]), format="html")
            node.parent.replace(node, raw)


def drop_duplicate_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Keep the first of several equal script tags: the second one fails in the browser."""
    seen: set[tuple] = set()
    kept = []
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        mark = (str(getattr(script, "filename", script) or ""), attributes.get("body"))
        if mark not in seen:
            seen.add(mark)
            kept.append(script)
    context["script_files"] = kept


def setup(app: Sphinx) -> None:
    """Register the role and the repairs."""
    app.add_role("tag", tag_role)
    app.connect("doctree-resolved", visit_titled)
    app.connect("doctree-resolved", dress_badges)
    app.connect("html-page-context", drop_duplicate_scripts, priority=999)
