"""The tables of symbols, from one file that the tests read as well, and their meanings on hover."""

from __future__ import annotations

import html
import json
import re
import tomllib
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from . import mathml

FILE = "book/symbols.toml"
HEADS = {"tex": "symbol", "means": "meaning", "name": "name in lowrot", "unit": "unit or clock"}


def read(root: Path) -> list[dict]:
    """Every symbol of the book, in order."""
    return tomllib.loads((root / FILE).read_text("utf8"))["symbol"]


class Symbols(SphinxDirective):
    """``{symbols} Losses and clocks``: the table of one part."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """A table in Markdown, so that formulas and code are set as everywhere."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / FILE))
        part = self.arguments[0]
        found = [symbol for symbol in read(root) if symbol["part"] == part]
        if not found:
            raise self.error(f"{FILE} has no part {part!r}")
        keys = [key for key in HEADS if key == "tex" or any(key in symbol for symbol in found)]
        rows = [[HEADS[key] for key in keys], [":--"] * len(keys)]
        rows += [[symbol.get(key, "") for key in keys] for symbol in found]
        for row in rows[2:]:
            row[0] = f"${row[0]}$"
        lines = [f"| {' | '.join(row)} |" for row in rows]
        box = nodes.container(classes=["lowrot-symbols"])
        self.state.nested_parse(StringList(lines, source=FILE), 0, box)
        return [box]


def bare(formula: str) -> str:
    """What symbols.js compares: the inside of a formula without attributes and spaces."""
    inside = re.search(r"<math[^>]*>(.*)</math>", formula, re.DOTALL)
    plain = re.sub(r"\s+", "", re.sub(r"<(/?\w+)[^>]*>", r"<\1>", inside[1] if inside else ""))
    while found := re.fullmatch(r"<(mrow|mstyle)>(.*)</\1>", plain):
        plain = found[2]
    return plain


def meanings(root: Path) -> dict[str, list[dict]]:
    """By its MathML, what each symbol means and on which pages."""
    found: dict[str, list[dict]] = {}
    for symbol in read(root):
        words = worded(symbol["means"])
        if "name" in symbol:
            words += f" <small>{worded(symbol['name'])}</small>"
        shown = {"html": f"{mathml.inline(symbol['tex'])}: {words}", "pages": symbol["pages"],
                 "except": symbol.get("except", [])}  # fmt: skip
        for tex in (symbol["tex"], *symbol.get("also", ())):
            found.setdefault(bare(mathml.inline(tex)), []).append(shown)
    return found


def worded(text: str) -> str:
    """A cell of the tables as HTML: formulas, code and emphasis."""
    words = mathml.prose(html.escape(text, quote=False))
    words = re.sub(r"`([^`]*)`", r"<code>\1</code>", words)
    return re.sub(r"\*([^*<]+)\*", r"<em>\1</em>", words)


def write(app: Sphinx, exception: Exception | None) -> None:
    """Leave the meanings beside the scripts, as a script: pages from a folder load no data."""
    file = Path(app.srcdir) / FILE
    if exception is None and app.builder.format == "html" and file.is_file():
        data = json.dumps(meanings(Path(app.srcdir)), ensure_ascii=False)
        target = Path(app.outdir) / "_static" / "symbols-data.js"
        target.write_text(f"window.lowrotSymbols = {data};\n", "utf8")


def setup(app: Sphinx) -> None:
    """Register the directive and the data of the script."""
    app.add_directive("symbols", Symbols)
    app.connect("build-finished", write)
