"""What a reference shows before it is followed, and each statement as LaTeX, in one file a page.

``_static/previews/<page>.js`` holds the HTML and the LaTeX of the statements, exercises, figures
and numbered formulas of a page; book/_static/previews.js loads it when a reader asks for one of
them. A script, not JSON: pages opened from a folder may load nothing else.
"""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from . import tex

FOLDER = "_static/previews"
ADDRESS = re.compile(r'\b(src|href|srcset)="(?![a-z]+:)([^"]*)"')
ID = re.compile(r'(<[^>]*?) id="[^"]*"')


def shown(app: Sphinx) -> dict[str, str]:
    """The page of everything that has a preview, by its anchor."""
    found = app.__dict__.get("lowrot_shown")
    if found is None:
        numbers, equations = app.env.toc_fignumbers, app.env.get_domain("math").equations
        found = {name: page for page, kinds in numbers.items() for kind in kinds.values()
                 for name in kind}  # fmt: skip
        found |= {nodes.make_id(f"equation-{label}"): page
                  for label, (page, _) in equations.items()}  # fmt: skip
        app.__dict__["lowrot_shown"] = found
    return found


def mark(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Mark what is previewed, and the references that have a preview."""
    if app.builder.name != "html":
        return
    known = shown(app)
    for node in list(doctree.findall(nodes.Element)):
        if isinstance(node, nodes.reference):
            address = node.get("refid") or node.get("refuri", "")
            if "://" not in address and address.rpartition("#")[2] in known:
                node["classes"].append("lowrot-ref")
            continue
        anchor = next((name for name in node["ids"] if known.get(name) == docname), None)
        if anchor and isinstance(node, nodes.figure | nodes.math_block | nodes.Admonition):
            if "label" in node and isinstance(node, nodes.Admonition):
                latex = tex.statement(node, macros(app))
                app.__dict__.setdefault("lowrot_latex", {})[anchor] = latex
            place = node.parent.index(node)
            node.parent.insert(place + 1, nodes.raw("", f"<!--/{anchor}-->\n", format="html"))
            node.parent.insert(place, nodes.raw("", f"<!--{anchor}-->\n", format="html"))


def macros(app: Sphinx) -> dict:
    """The commands that the book defines."""
    return (app.config.mathjax3_config or {}).get("tex", {}).get("macros", {})


def write(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Take what is marked out of the page, as it stands there."""
    body = context.get("body", "")
    if doctree is None or "<!--/" not in body:
        return
    store = {}
    for anchor in [name for name, page in shown(app).items() if page == pagename]:
        before, begun, rest = body.partition(f"<!--{anchor}-->\n")
        inside, ended, after = rest.partition(f"<!--/{anchor}-->\n")
        if begun and ended:
            store[anchor] = {"html": portable(inside, pagename)}
            if anchor in app.__dict__.get("lowrot_latex", {}):
                store[anchor]["tex"] = app.__dict__["lowrot_latex"][anchor]
            body = before + inside + after
    context["body"] = body
    if store:
        path = Path(app.outdir) / FOLDER / f"{pagename.replace('/', '-')}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(store, ensure_ascii=False, separators=(",", ":"))
        path.write_text(f'(window.lowrotPreviews ??= {{}})["{pagename}"] = {text};\n', "utf8")


def portable(fragment: str, pagename: str) -> str:
    """A part of a page without ids, its addresses seen from the root of the book."""
    fragment = re.sub(r"<!--.*?-->\n?", "", ID.sub(r"\1", fragment))
    folder = posixpath.dirname(pagename)

    def one(found: re.Match) -> str:
        name, address = found.groups()
        path, _, anchor = address.partition("#")
        path = posixpath.normpath(posixpath.join(folder, path)) if path else f"{pagename}.html"
        return f'{name}="{path}#{anchor}"' if anchor else f'{name}="{path}"'

    return ADDRESS.sub(one, fragment)


def setup(app: Sphinx) -> None:
    """Register both steps: the first after titles are written, the second after all repairs."""
    app.connect("doctree-resolved", mark, priority=950)
    app.connect("html-page-context", write, priority=1000)
