"""The claims of a cell tagged ``checks``: one line that unfolds, for the many checks of a loop."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

BADGE = 'class="lowrot-claim '


def shown(cell: nodes.Element) -> list[nodes.container]:
    """The containers of what a cell showed."""
    found = cell.findall(nodes.container)
    return [node for node in found if "cell_output" in node["classes"] and node.children]


def is_check(node: nodes.Node) -> bool:
    """Whether an output holds the badge of a claim."""
    return any(BADGE in raw.astext() for raw in node.findall(nodes.raw))


def fold(app: Sphinx, doctree: nodes.document) -> None:
    """Put the badges of each such cell into details whose summary says how many hold."""
    for cell in list(doctree.findall(nodes.container)):
        if "tag_checks" not in cell["classes"]:
            continue
        for output in shown(cell):
            badges = [child for child in output.children if is_check(child)]
            if not badges:
                continue
            line = "1 check holds" if len(badges) == 1 else f"{len(badges)} checks hold"
            opened = (
                f'<details class="lowrot-fold lowrot-checks"><summary>{line}</summary>'
                '<div class="lowrot-fold-body">'
            )
            place = output.index(badges[0])
            for badge in badges:
                output.remove(badge)
            folded = [nodes.raw("", opened, format="html"), *badges]
            output[place:place] = [*folded, nodes.raw("", "</div></details>", format="html")]


def setup(app: Sphinx) -> None:
    """Register the step."""
    app.connect("doctree-read", fold)
