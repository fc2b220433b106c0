"""The tables of symbols, from one file that the tests read as well."""

from __future__ import annotations

import tomllib
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

FILE = "book/symbols.toml"
HEADS = ("symbol", "meaning", "name in lowrot", "unit or clock")


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
        lines = [f"| {' | '.join(HEADS)} |", "|:--|:--|:--|:--|"]
        for symbol in found:
            cells = (f"${symbol['tex']}$", symbol["means"], symbol.get("name", ""))
            lines.append(f"| {' | '.join([*cells, symbol.get('unit', '')])} |")
        box = nodes.container(classes=["lowrot-symbols"])
        self.state.nested_parse(StringList(lines, source=FILE), 0, box)
        return [box]


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("symbols", Symbols)
