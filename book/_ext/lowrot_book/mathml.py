"""Formulas as MathML, made when the book is built: pages carry no script and no wait for them.

Temml translates TeX in a JavaScript engine inside this process, a page at a time; all browsers
show MathML by themselves, screen readers read it, and a search in the page finds its text. The font
is in ``book/_static/fonts``. What cannot be translated is a warning, which stops the build.
"""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

log = logging.getLogger(__name__)
TEMML = Path(__file__).parent / "temml" / "temml.min.js"
LONG = 45  # characters of TeX: a longer formula in a line may be broken at its relations

CONVERT = """
function convert(list, macros) {
  return list.map(([tex, display]) => {
    const wrap = display || tex.length < LONG ? "none" : "tex";
    try {
      return temml.renderToString(tex, {displayMode: display, throwOnError: true, macros, wrap});
    } catch (error) {
      return {error: String(error.message || error)};
    }
  });
}
"""
# What stays on the line of the formula that it opens or closes.
OPENING, CLOSING = r"[(\[“]*", r"[,.;:!?)\]”’]*"

# Temml leaves out the space before an operator's name, and leaves it in beside large brackets.
NAMED = re.compile(r"</m\w+>(?:<m(?:row|under|sub|sup|subsup)>)*<mi>[A-Za-z]{2,}</mi>")
ROWS = {"math", "mrow", "mtd", "mstyle"}
SCRIPTED = {"mrow", "munder", "munderover", "msub", "msup", "msubsup"}
ORDINARY = {"mi", "mn", "mrow", "mfrac", "msqrt", "mstyle", "msub", "msup", "msubsup"}
BRACKET = re.compile(r'<mo fence="true" (?=symmetric="true" minsize)')
# The bars of a norm stand too close to what they enclose.
LEFT = re.compile(r'(<mo fence="true" form="prefix")(?= stretchy="false">‖)')
RIGHT = re.compile(r'(<mo fence="true" form="postfix")(?= stretchy="false">‖)')
# A list of numbers is no number with groups of digits.
LISTED = re.compile(r"<mn>(\d+(?:,\d+)+)</mn>")
GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+")
# Alone in its row, or last in it, an operator of a formula that may be broken loses its spaces.
ALONE = re.compile(r"<mrow><mo>([^<,;]|[^<]{2,})</mo></mrow>")
BINARY = "+−±∓·×∖∪∩"
LAST = re.compile(r"<mo>([^<]+)</mo></mrow><mrow>")
ALIGNED = r"\begin{aligned}%s\end{aligned}"

Formula = tuple[str, bool]
"""Its TeX, and whether it is displayed."""


class Typesetter:
    """Translates formulas, and remembers them.

    Args:
        macros: TeX of each command, by name without backslash, or a list that begins with it.
    """

    def __init__(self, macros: dict[str, str | list]):
        texts = {n: text if isinstance(text, str) else text[0] for n, text in macros.items()}
        self.macros = {f"\\{name}": text for name, text in texts.items()}
        self.known: dict[Formula, str] = {}
        self.failed: dict[Formula, str] = {}
        self.engine: MiniRacer | None = None

    def learn(self, formulas: Iterable[Formula]) -> None:
        """Translate all that are new in one go: each call of the engine takes its time."""
        new = [item for item in dict.fromkeys(formulas) if item not in self.known]
        if not new:
            return
        if self.engine is None:
            self.engine = MiniRacer()
            self.engine.eval(TEMML.read_text("utf8"))
            self.engine.eval(CONVERT.replace("LONG", str(LONG)))
        call = f"JSON.stringify(convert({json.dumps(new)}, {json.dumps(self.macros)}))"
        for item, found in zip(new, json.loads(self.engine.eval(call)), strict=True):
            if isinstance(found, dict):
                self.failed[item] = found["error"]
                found = f'<span class="lowrot-unread">{html.escape(item[0])}</span>'
            self.known[item] = tidied(found)

    def __call__(self, tex: str, display: bool = False, location: object = None) -> str:
        """The MathML of a formula."""
        item = (tex.strip(), display)
        self.learn([item])
        if item in self.failed:
            log.warning("formula %r: %s", item[0], self.failed[item], location=location)
        return self.known[item]


def tidied(mathml: str) -> str:
    """MathML with the spaces of TeX."""
    mathml = LISTED.sub(listed, mathml)
    mathml = ALONE.sub(between, mathml)
    mathml = LAST.sub(r'<mo form="infix">\1</mo></mrow><mrow>', mathml)
    mathml = BRACKET.sub('<mo fence="true" lspace="0" rspace="0" ', mathml)
    return joined(spaced(RIGHT.sub(r'\1 lspace="0.08em"', LEFT.sub(r'\1 rspace="0.08em"', mathml))))


def between(found: re.Match) -> str:
    """A row of an operator alone, with the spaces of TeX, which are larger about relations."""
    space = f'<mspace width="{0.2222 if found[1] in BINARY else 0.2778}em"></mspace>'
    return f'<mrow>{space}<mo form="infix" lspace="0" rspace="0">{found[1]}</mo>{space}</mrow>'


def spaced(mathml: str) -> str:
    """A formula with the thin space of TeX between what is no operator and an operator's name."""
    if not NAMED.search(mathml):
        return mathml
    formula = ET.fromstring(mathml)
    for row in [row for row in formula.iter() if row.tag in ROWS]:
        if row.tag == "math" and {part.tag for part in row} == {"mrow"}:
            continue  # it may be broken between these
        for place in range(len(row) - 1, 0, -1):
            if names(row[place]) and (row[place - 1].tag in ORDINARY or shuts(row[place - 1])):
                row.insert(place, ET.Element("mspace", width="0.1667em"))
    return ET.tostring(formula, encoding="unicode", short_empty_elements=False)


def names(mark: ET.Element) -> bool:
    """Whether an element begins with the name of an operator, limits and indices beside it."""
    while mark.tag in SCRIPTED and len(mark):
        mark = mark[0]
    return mark.tag == "mi" and len(mark.text or "") > 1 and (mark.text or "").isalpha()


def listed(found: re.Match) -> str:
    """The numbers of a list, each by itself, with the space of a comma between them."""
    if GROUPED.fullmatch(found[1]):
        return found[0]
    comma = '<mo separator="true">,</mo>'
    return comma.join(f"<mn>{number}</mn>" for number in found[1].split(","))


def joined(mathml: str) -> str:
    """A formula that may be broken between its rows, but not beside a bracket or before a slash."""
    if "</mrow><mrow>" not in mathml:
        return mathml
    formula = ET.fromstring(mathml)
    if len(formula) < 2 or {row.tag for row in formula} != {"mrow"}:
        return mathml
    rows = [formula[0]]
    for row in formula[1:]:
        last, first = rows[-1][-1:], next((e for e in row.iter() if e.text), row)
        if shuts(first) or first.text == "/" or (last and opens(last[0])):
            rows[-1].extend(row)
        else:
            rows.append(row)
    formula[:] = rows
    return ET.tostring(formula, encoding="unicode", short_empty_elements=False)


def opens(mark: ET.Element) -> bool:
    """Whether an element is an opening bracket."""
    return mark.tag == "mo" and (mark.text in tuple("([{⟨⌊⌈") or mark.get("form") == "prefix")


def shuts(mark: ET.Element) -> bool:
    """Whether an element is a closing bracket."""
    return mark.tag == "mo" and (mark.text in tuple(")]}⟩⌋⌉") or mark.get("form") == "postfix")


class Setting:
    """The typesetter of this build; badges and tables are set with it, too."""

    now = Typesetter({})


def start(app: Sphinx) -> None:
    """Take the macros from where MathJax and Jupyter look for them."""
    Setting.now = Typesetter((app.config.mathjax3_config or {}).get("tex", {}).get("macros", {}))


def inline(tex: str, location: object = None) -> str:
    """A formula in a line, as HTML."""
    return f'<span class="math notranslate nohighlight">{Setting.now(tex, False, location)}</span>'


def prose(escaped: str) -> str:
    """Escaped text whose ``$...$`` parts are mathematics."""

    def one(found: re.Match) -> str:
        before, tex, after = found.groups()
        formula = inline(html.unescape(tex))
        if before or after:
            return f'<span class="lowrot-together">{before}{formula}{after}</span>'
        return formula

    return re.sub(rf"({OPENING})\$([^$]+)\$({CLOSING})", one, escaped)


# ---------------------------------------------------------------- in the tree of a page


def source(node: nodes.Element) -> str:
    """The TeX of a displayed formula, several lines and several formulas aligned."""
    text = node.astext()
    if node.get("nowrap"):
        # Only labelled formulas have numbers, and those are not TeX's.
        return re.sub(r"\\(begin|end)\{(align|gather|equation|alignat)\}", r"\\\1{\2*}", text)
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    parts = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    return parts[0] if len(parts) == 1 else ALIGNED % r"\\".join(parts)


def learn_page(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Translate all formulas of a page at once, and keep punctuation on their lines."""
    if app.builder.format != "html":
        return
    formulas = [(node.astext().strip(), False) for node in doctree.findall(nodes.math)]
    formulas += [(source(node).strip(), True) for node in doctree.findall(nodes.math_block)]
    Setting.now.learn(formulas)
    for node in list(doctree.findall(nodes.math)):
        keep_together(node)


def keep_together(node: nodes.Element) -> None:
    """No line begins with the comma that follows a formula, or ends with the bracket before it.

    A box that keeps its parts together takes them in. The end of a proof has no line of its own.
    """
    place = node.parent.index(node)
    before, after = beside(node.parent, place - 1), beside(node.parent, place + 1)
    if node.astext().strip() == r"\blacksquare" and before.endswith(" "):
        node.parent[place - 1] = nodes.Text(before.rstrip() + "\N{NO-BREAK SPACE}")
    opening = re.search(rf"{OPENING}$", before)[0]  # type: ignore[index]
    closing = re.match(CLOSING, after)[0]  # type: ignore[index]
    if not opening and not closing:
        return
    parent, box = node.parent, node
    if closing:
        parent[place + 1] = nodes.Text(after[len(closing) :])
    if opening:
        parent[place - 1] = nodes.Text(before[: -len(opening)])
    if "lowrot-together" not in node["classes"]:
        parent[place] = box = nodes.inline(classes=["lowrot-together"])
        box += node
    box.insert(0, nodes.Text(opening))
    box.append(nodes.Text(closing))


def beside(parent: nodes.Element, place: int) -> str:
    """The text at a place among the children of a node, or none."""
    found = parent.children[place] if 0 <= place < len(parent) else None
    return found.astext() if isinstance(found, nodes.Text) else ""


def visit_math(self, node: nodes.math) -> None:
    """Write a formula of a line."""
    self.body.append(inline(node.astext(), node))
    raise nodes.SkipNode


def visit_block(self, node: nodes.math_block) -> None:
    """Write a displayed formula, with its number."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node.get("number"):
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(Setting.now(source(node), True, node) + "</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the renderer; ``html_math_renderer`` chooses it."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_block, None))
    app.connect("builder-inited", start)
    app.connect("doctree-resolved", learn_page, priority=900)
