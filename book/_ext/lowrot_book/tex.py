"""A statement of the book as the LaTeX that a reader may paste into a paper of their own."""

from __future__ import annotations

import re

from docutils import nodes

SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
SPECIAL |= {sign: f"\\{sign}" for sign in "&%$#_{}"}
QUOTES = {"“": "``", "”": "''", "’": "'", "–": "--", "—": "---", "…": r"\dots{}", "\u00a0": "~"}
AROUND = {nodes.emphasis: r"\emph{%s}", nodes.strong: r"\textbf{%s}", nodes.literal: r"\texttt{%s}"}
LISTS = {nodes.enumerated_list: "enumerate", nodes.bullet_list: "itemize"}
OWN = re.compile(r"^\s*\\begin\{(align|gather|equation|multline|alignat)\*?\}")


def statement(node: nodes.Element, macros: dict) -> str:
    """Title, label and text in an environment, after those commands of the book that it needs."""
    kind = node.get("realtype", "exercise")
    title = "".join(map(words, node[0].children)).strip()
    title = f"[{title.removeprefix('(').removesuffix(')')}]" if title.startswith("(") else ""
    label = f"\\label{{{node['label']}}}"
    body = "\n\n".join(filter(None, map(block, text_of(node))))
    written = f"\\begin{{{kind}}}{title}{label}\n{body}\n\\end{{{kind}}}\n"
    return definitions(written, macros) + written


def text_of(node: nodes.Element) -> list[nodes.Node]:
    """What follows the title."""
    first = node.children[1:]
    return first[0].children if len(first) == 1 and isinstance(first[0], nodes.section) else first


def definitions(written: str, macros: dict) -> str:
    r"""``\providecommand`` of each command of the book that occurs, and of those inside it."""
    needed: dict[str, str] = {}

    def look(text: str) -> None:
        for name in re.findall(r"\\([A-Za-z]+)", text):
            if name in macros and name not in needed:
                given = macros[name]
                body, count = (given, 0) if isinstance(given, str) else given[:2]
                arguments = f"[{count}]" if count else ""
                needed[name] = f"\\providecommand{{\\{name}}}{arguments}{{{body}}}\n"
                look(body)

    look(written)
    return "".join(needed[name] for name in sorted(needed))


def block(node: nodes.Node) -> str:
    """A paragraph, a list or a displayed formula."""
    if isinstance(node, nodes.math_block):
        text = node.astext().strip()
        return text if OWN.match(text) else f"\\[\n{text}\n\\]"
    if type(node) in LISTS:
        name = LISTS[type(node)]
        items = [f"\\item {inside(item)}" for item in node.children]
        return "\n".join([f"\\begin{{{name}}}", *items, f"\\end{{{name}}}"])
    if isinstance(node, nodes.paragraph):
        return words(node).strip()
    return "" if isinstance(node, nodes.raw | nodes.target) else inside(node)


def inside(node: nodes.Node) -> str:
    """The blocks of a list item, of a quotation, of anything else that holds some."""
    return "\n\n".join(filter(None, map(block, node.children))) or words(node).strip()


def words(node: nodes.Node) -> str:
    """Text in a line."""
    if isinstance(node, nodes.Text):
        return "".join(SPECIAL.get(sign, QUOTES.get(sign, sign)) for sign in node.astext())
    if isinstance(node, nodes.math):
        return f"${node.astext().strip()}$"
    if isinstance(node, nodes.raw) or "lowrot_tag" in getattr(node, "attributes", {}):
        return ""
    return AROUND.get(type(node), "%s") % "".join(map(words, node.children))
