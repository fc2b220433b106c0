"""The reproduction report: ``{reproduction}``, ``{limits}``, ``{claims-report}``, ``claims.json``.

All are filled in when every page has been read, from the executed notebooks.
"""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.util import logging

from . import limits, reproduction
from .ledger import collect
from .made_with import surroundings
from .report_html import claims_html, facts_html, reproduction_html
from .where import Places

log = logging.getLogger(__name__)
SCHEMA_VERSION = "1.0"
"""Of claims.json; book/_static/claims.schema.json describes it."""


class report_part(nodes.General, nodes.Element):
    """A place on a page, filled in when every chapter has been read."""


class ClaimsReport(Directive):
    """``{reproduction}``, ``{limits}``, ``{claims-report}``: what is read from all claims."""

    def run(self):
        """Leave a mark for ``fill``."""
        env = self.state.document.settings.env
        env.metadata[env.docname]["claims_report"] = True
        for listed in (reproduction.ROWS, limits.ROWS):
            env.note_dependency(str(Path(env.srcdir) / listed))
        return [report_part("", part=self.name)]


def report_pages(app: Sphinx, env, added, changed, removed):
    """The report is always read and written again: it depends on every chapter."""
    return [name for name in env.found_docs if env.metadata[name].get("claims_report")]


def ledger(app: Sphinx) -> dict:
    """What ``claims.json`` holds; collected once a build."""
    if not hasattr(app, "lowrot_claims"):
        claims, chapters = collect(app)
        if not claims:
            log.warning("no chapter made a claim", type="lowrot")
        app.lowrot_claims = {  # type: ignore[attr-defined]
            "$schema": "_static/claims.schema.json",
            "schema_version": SCHEMA_VERSION,
            "claims": claims,
            "chapters": chapters,
            "made": surroundings(Path(app.srcdir)),
        }
    return app.lowrot_claims


def citation(app: Sphinx, key: str, places: Places) -> str:
    """A short name of a paper, linked to the bibliography."""
    for cited in app.env.get_domain("cite").citations:
        if cited.key == key:
            names = [" ".join(person.last_names) for person in cited.entry.persons["author"]]
            names = names if len(names) < 3 else [f"{names[0]} et al."]
            text = f"[{' and '.join(names)}, {cited.entry.fields['year']}]"
            return places.link(cited.bibliography_key.docname, cited.citation_id, text)
    log.warning("no page lists the paper %r", key, location=places.here, type="lowrot")
    return ""


def reproduced(app: Sphinx, places: Places) -> str:
    """The table of what is reproduced; a row that is not borne out stops the build."""
    claims = {claim["id"]: claim for claim in ledger(app)["claims"]}
    labels, good = getattr(app.env, "proof_list", {}), []
    for row in reproduction.rows(Path(app.srcdir)):
        found = reproduction.problems(row, claims, labels, app.env.found_docs)
        for problem in found:
            log.warning(problem, location=places.here, type="lowrot")
        if not found:
            good.append(row)
    return reproduction_html(good, claims, places, lambda key: citation(app, key, places))


def stopping(app: Sphinx, places: Places) -> str:
    """The table of where the theorems stop; a row that is not borne out stops the build."""
    claims = {claim["id"]: claim for claim in ledger(app)["claims"]}
    labels, listed = getattr(app.env, "proof_list", {}), limits.rows(Path(app.srcdir))
    found = limits.problems(listed, claims, labels)
    for problem in found:
        log.warning(problem, location=places.here, type="lowrot")
    return "" if found else limits.limits_html(listed, claims, places)


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the marks by the report, once every chapter has been read."""
    marks = list(doctree.findall(report_part))
    if not marks:
        return
    places, found = Places(app, docname), ledger(app)
    for mark in marks:
        if mark["part"] == "reproduction":
            text = reproduced(app, places)
        elif mark["part"] == "limits":
            text = stopping(app, places)
        else:
            text = claims_html(found["claims"], found["chapters"], places)
            text += facts_html(found["chapters"], found["made"], places)
        mark.replace_self(nodes.raw("", text, format="html"))


def write(app: Sphinx, exception: Exception | None) -> None:
    """Leave ``claims.json`` beside the pages."""
    if exception is None and app.builder.name == "html" and hasattr(app, "lowrot_claims"):
        path = Path(app.outdir) / "claims.json"
        path.write_text(json.dumps(app.lowrot_claims, indent=1, ensure_ascii=False) + "\n", "utf8")


def setup(app: Sphinx) -> None:
    """Register the directives and the two late steps."""
    app.add_node(report_part)
    app.add_directive("reproduction", ClaimsReport)
    app.add_directive("limits", ClaimsReport)
    app.add_directive("claims-report", ClaimsReport)
    app.connect("env-get-outdated", report_pages)
    app.connect("doctree-resolved", fill)
    app.connect("build-finished", write, priority=300)
