"""The claims of the book, collected from its executed notebooks.

``lowrot.claims.claim`` emits one record per claim as an output of the notebook, of MIME type
``application/vnd.lowrot.claim+json``. The executed notebooks are in the notebook cache, however the
book is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from docutils.nodes import make_id
from jupyter_cache import get_cache
from myst_nb.core.read import read_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.util import logging

from .freshness import cache_folder
from .html import TAGS
from .keys import is_notebook, pages

log = logging.getLogger(__name__)
_SECTION = re.compile(r"^## ", re.MULTILINE)
MIME = "application/vnd.lowrot.claim+json"
RELATIONS = {"<=": "≤", ">=": "≥", "<": "&lt;", ">": "&gt;", "==": "=", "~": "≈"}
FIELDS = ("id", "statement", "provenance", "measured", "relation", "bound", "tolerance", "slack",
          "relative_slack", "unit", "theorem", "sizes", "loss", "seeds", "passed",
          "seconds")  # fmt: skip


@dataclass(frozen=True)
class Executed:
    """One chapter as it was executed.

    Attributes:
        docname: of its page.
        title: of its page.
        notebook: with outputs.
        seconds: of execution, if known.
    """

    docname: str
    title: str
    notebook: Any
    seconds: float | None


def executed(app: Sphinx) -> Iterator[Executed]:
    """The chapters in reading order; one that was not executed is complained about."""
    cache = get_cache(str(cache_folder(app)))
    for docname in pages(Path(app.srcdir)):
        source = Path(app.env.doc2path(docname))
        if not is_notebook(source):
            continue
        try:
            parsed = read_myst_markdown_notebook(source.read_text("utf8"), path=source)
            number, notebook = cache.merge_match_into_notebook(parsed)
        except KeyError:
            log.warning("%s was not executed", docname, type="lowrot")
            continue
        seconds = cache.get_cache_record(number).data.get("execution_seconds")
        yield Executed(docname, app.env.titles[docname].astext(), notebook, seconds)


def records(chapter: Executed) -> Iterator[tuple[int, dict, bool]]:
    """The claims of a chapter: number of the cell, record, whether its badge is in the outputs."""
    for count, cell in enumerate(chapter.notebook.cells):
        bundles = [output.get("data", {}) for output in cell.get("outputs", [])]
        page = "".join("".join(bundle.get("text/html", "")) for bundle in bundles)
        for record in (bundle[MIME] for bundle in bundles if MIME in bundle):
            badge = isinstance(record, dict) and f'id="claim-{record.get("id")}"' in page
            yield count, record, badge


def figures(chapter: Executed) -> list[tuple[int, str]]:
    """The figures of a chapter: number of the cell, id in the page."""
    found = []
    for count, cell in enumerate(chapter.notebook.cells):
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        if name:
            found.append((count, make_id(name)))
    return found


def sections(chapter: Executed) -> list[int]:
    """For each cell how many sections (``##``) have begun before it."""
    begun = [
        len(_SECTION.findall(cell.source)) if cell.cell_type == "markdown" else 0
        for cell in chapter.notebook.cells
    ]
    return list(accumulate(begun))


def nearest(count: int, drawn: list[tuple[int, str]], section: list[int]) -> str | None:
    """The figure nearest to a cell in its section; of two as near, the one before it."""
    here = [d for d in drawn if section[d[0]] == section[count]]
    return min(here, key=lambda d: (abs(d[0] - count), d[0] > count))[1] if here else None


def collect(app: Sphinx) -> tuple[list[dict], list[dict]]:
    """Every claim, and every chapter with its run time, in reading order."""
    claims, chapters, seen = [], [], {}
    labels = getattr(app.env, "proof_list", {})
    for chapter in executed(app):
        docname, drawn, section = chapter.docname, figures(chapter), sections(chapter)
        entry = {"chapter": docname, "title": chapter.title, "seconds": chapter.seconds}
        chapters.append({**entry, "claims": 0})
        for count, record, badge in records(chapter):
            problem = check(record) or unlinked(record, labels)
            if problem:
                log.warning("claim in %s: %s", docname, problem, type="lowrot")
                continue
            name = record["id"]
            if name in seen:
                log.warning("claim id %r is used in %s and in %s", name, seen[name], docname,
                            type="lowrot")  # fmt: skip
            if not badge:
                log.warning("claim %r in %s shows no badge", name, docname, type="lowrot")
            seen.setdefault(name, docname)
            chapters[-1]["claims"] += 1
            place = {"chapter": docname, "anchor": f"claim-{name}"}
            claims.append({**record, **place, "figure": nearest(count, drawn, section)})
    return claims, chapters


def check(record: object) -> str:
    """What is wrong with a record, or nothing."""
    if not isinstance(record, dict):
        return "the record is not a mapping"
    missing = [name for name in FIELDS if name not in record]
    if missing:
        return f"{record.get('id', 'a record')!r} lacks {', '.join(missing)}"
    name = record["id"]
    if record["provenance"] not in TAGS:
        return f"{name!r} has the provenance {record['provenance']!r}"
    if record["relation"] not in RELATIONS:
        return f"{name!r} has the relation {record['relation']!r}"
    if record["passed"] is not True:
        return f"{name!r} did not pass"
    if record["provenance"] == "measured" and record["seeds"] is None:
        return f"{name!r} is measured and says no seeds: pass seeds=, [] where nothing is random"
    return ""


def unlinked(record: dict, labels: dict) -> str:
    """What is wrong with the statement that a record names, or nothing."""
    if record["theorem"] is None or record["theorem"] in labels:
        return ""
    return f"{record['id']!r} names the statement {record['theorem']!r}, which no page has"
