"""Valid HTML where Sphinx, its extensions or pandas write what is none; and the first page's door.

What is changed here looks and works as before: book/_static/lowrot.css has the rules that named the
old elements.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

# sphinx-proof gives all its boxes one id, all proofs another, a box without number its title's.
BOX = re.compile(r'(<section class="[\w-]+-content") id="proof-content">')
PROOF = re.compile(r'(<div class="proof admonition") id="proof">')
TITLE = re.compile(r'(<div class="proof [^>]*id="([^"]+)">\s*<p class="admonition-title") id="\2">')
# myst-nb puts paragraphs into a summary.
# Its aria-label would hide from some readers what it says to others.
UNNAMED = re.compile(r'<summary aria-label="Toggle hidden content">')
SUMMARY = re.compile(r"(<summary[^>]*>)(.*?)(</summary>)", re.DOTALL)
# viewcode puts blocks into preformatted text.
CODE = re.compile(r"<pre>.*?</pre>", re.DOTALL)
# pandas styles each table by itself, with attributes that do not exist any more, or never did.
FRAME = re.compile(
    r"(?:<style scoped>[^<]*</style>\s*)?"
    r'(<table)(?: border="\d+")?( class="dataframe">.*?</table>)',
    re.DOTALL,
)
# Images below the first screen wait until a reader comes near.
IMAGE = re.compile(r"<img (?![^>]*\bloading=)")
ALIGNED = re.compile(r' v?h?align="\w+"')

REDIRECT = """<!DOCTYPE html>
<html lang="{language}">
  <head>
    <meta charset="utf-8">
    <title>{title}</title>
    <meta http-equiv="refresh" content="0; url={first}">
  </head>
  <body><p><a href="{first}">{title}</a></p></body>
</html>
"""


def repaired(body: str) -> str:
    """The body of a page, or a part of it, as valid HTML."""
    body = BOX.sub(r"\1>", body)
    body = PROOF.sub(r"\1>", body)
    body = TITLE.sub(r"\1>", body)
    body = UNNAMED.sub("<summary>", body)
    body = SUMMARY.sub(lambda m: m[1] + swapped(m[2], "p") + m[3], body)
    body = IMAGE.sub('<img loading="lazy" ', body)
    body = CODE.sub(lambda m: swapped(m[0], "div"), body)
    return FRAME.sub(lambda m: m[1] + ALIGNED.sub("", m[2]), body)


def swapped(text: str, tag: str) -> str:
    """A text with spans instead of the elements of a name."""
    return re.sub(rf"(</?){tag}\b", r"\1span", text)


def repair(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Repair what stands in the page, after every other part of Sphinx has had its say."""
    if "body" in context:
        context["body"] = repaired(context["body"])


def open_door(app: Sphinx, exception: Exception | None) -> None:
    """Lead from the folder to the first page, before sphinx-external-toc does so without a head."""
    door = Path(app.outdir) / "index.html"
    if exception is None and app.builder.name == "html" and not door.exists():
        first = app.builder.get_target_uri(app.config.root_doc)
        title, language = app.config.html_title or app.config.project, app.config.language
        door.write_text(REDIRECT.format(first=first, title=title, language=language), "utf8")


def setup(app: Sphinx) -> None:
    """Register both repairs."""
    app.connect("html-page-context", repair, priority=999)
    app.connect("build-finished", open_door, priority=400)
