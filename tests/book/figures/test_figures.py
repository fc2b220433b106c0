"""The list of figures is right, and no function is there that no chapter calls."""

import ast
import re
from pathlib import Path

import pytest
import yaml

import figures

BOOK = Path(__file__).parents[3] / "book"
CHAPTERS = sorted(path.stem for path in (BOOK / "figures").glob("[a-z]*.py"))
CELL = re.compile(r"^```\{code-cell\}.*?\n(.*?)^```$", re.M | re.S)
DRAWS = re.compile(r"\b(figures|plots)\.(\w+)\(")


def in_order():
    """The pages as they are listed in ``_toc.yml``, each with its number if it has one."""
    toc = yaml.safe_load((BOOK.parent / "_toc.yml").read_text("utf8"))
    pages = [(toc["root"], "")]
    for part in toc["parts"]:
        for page in part["chapters"]:
            count = sum(bool(number) for _, number in pages) + 1
            pages.append((page["file"], str(count) if part.get("numbered") else ""))
    names = [(name.removeprefix("book/"), number) for name, number in pages]
    return [(name, number) for name, number in names if (BOOK / f"{name}.md").is_file()]


def numbered():
    """One line a figure, in the order of the book."""
    lines = []
    for chapter, number in in_order():
        count = 0
        for cell in CELL.findall((BOOK / f"{chapter}.md").read_text("utf8")):
            head = re.match(r"---\n(.*?)---\n", cell, re.S)
            if head and "figure" in (yaml.safe_load(head[1]).get("mystnb") or {}):
                calls = DRAWS.findall(cell)
                drawn = {f"plots.{name}" if place == "plots" else name for place, name in calls}
                drawn -= {"plots.use_style", "plots.grid", "plots.Panel", "regimes"}
                count += 1
                name = f"{number}.{count}" if number else f"{count}"
                lines.append(f"Fig. {name:<5} {chapter}: {', '.join(sorted(drawn))}")
    return lines


def test_the_list_of_figures_is_that_of_the_book():
    found = re.findall(r"^ *(Fig\. \d.*)$", figures.__doc__, re.M)
    assert found == numbered(), "book/figures/__init__.py should say:\n" + "\n".join(numbered())


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_function_is_called_by_its_chapter(chapter):
    tree = ast.parse((BOOK / "figures" / f"{chapter}.py").read_text("utf8"))
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    text = (BOOK / f"{chapter}.md").read_text("utf8")
    assert f"from figures import {chapter} as figures" in text
    called = set(re.findall(r"\bfigures\.(\w+)\(", text))
    inside = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert {name for name in own if not name.startswith("_")} <= called | inside


@pytest.mark.parametrize("chapter", [name for name, _ in in_order() if name in CHAPTERS])
def test_every_call_finds_its_function(chapter):
    module = __import__(f"figures.{chapter}", fromlist=[chapter])
    text = (BOOK / f"{chapter}.md").read_text("utf8")
    missing = [n for n in re.findall(r"\bfigures\.(\w+)\(", text) if not hasattr(module, n)]
    assert missing == []
