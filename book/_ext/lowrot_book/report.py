"""The reproduction report, collected from the executed notebooks.

``lowrot.claims.claim`` emits one record per claim as an output of the notebook, of MIME type
``application/vnd.lowrot.claim+json``. The executed notebooks are in the notebook cache, however the
book is built; when all pages have been read, their records become the table of
``{claims-report}`` and ``claims.json``.
"""

from __future__ import annotations

import datetime
import html
import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from jupyter_cache import get_cache
from myst_nb.core.read import read_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.util import logging

from .freshness import cache_folder
from .html import TAGS, number, tag_html
from .keys import is_notebook, pages
from .mathml import prose

log = logging.getLogger(__name__)
MIME = "application/vnd.lowrot.claim+json"
RELATIONS = {"<=": "≤", ">=": "≥", "<": "&lt;", ">": "&gt;", "==": "=", "~": "≈"}
VERSIONS = ("lowrot", "torch", "numpy", "scipy", "clarabel")


class claims_report(nodes.General, nodes.Element):
    """A place on a page, filled in when every chapter has been read."""


class ClaimsReport(Directive):
    """``{claims-report}``: the table of every claim in the book."""

    def run(self):
        """Leave a mark for ``fill``."""
        env = self.state.document.settings.env
        env.metadata[env.docname]["claims_report"] = True
        return [claims_report()]


def report_pages(app: Sphinx, env, added, changed, removed):
    """The report is always read and written again: it depends on every chapter."""
    return [name for name in env.found_docs if env.metadata[name].get("claims_report")]


def collect(app: Sphinx) -> tuple[list[dict], list[dict]]:
    """Every claim, and every chapter with its run time, in reading order."""
    claims, chapters, seen = [], [], {}
    cache = get_cache(str(cache_folder(app)))
    for docname in pages(Path(app.srcdir)):
        source = Path(app.env.doc2path(docname))
        if not is_notebook(source):
            continue
        try:
            parsed = read_myst_markdown_notebook(source.read_text("utf8"), path=source)
            number_of_record, notebook = cache.merge_match_into_notebook(parsed)
        except KeyError:
            log.warning("%s was not executed", docname, type="lowrot")
            continue
        seconds = cache.get_cache_record(number_of_record).data.get("execution_seconds")
        title = app.env.titles[docname].astext()
        chapters.append({"chapter": docname, "title": title, "seconds": seconds, "claims": 0})
        for cell in notebook.cells:
            bundles = [output.get("data", {}) for output in cell.get("outputs", [])]
            page = "".join("".join(bundle.get("text/html", "")) for bundle in bundles)
            for record in (bundle[MIME] for bundle in bundles if MIME in bundle):
                problem = check(record)
                if problem:
                    log.warning("claim in %s: %s", docname, problem, type="lowrot")
                    continue
                name = record["id"]
                if name in seen:
                    log.warning(
                        "claim id %r is used in %s and in %s", name, seen[name], docname,
                        type="lowrot",
                    )  # fmt: skip
                if f'id="claim-{name}"' not in page:
                    log.warning("claim %r in %s shows no badge", name, docname, type="lowrot")
                seen.setdefault(name, docname)
                chapters[-1]["claims"] += 1
                claims.append({**record, "chapter": docname, "anchor": f"claim-{name}"})
    return claims, chapters


def check(record: object) -> str:
    """What is wrong with a record, or nothing."""
    if not isinstance(record, dict):
        return "the record is not a mapping"
    needed = ("id", "statement", "provenance", "measured", "relation", "bound", "slack", "passed")
    missing = [name for name in needed if name not in record]
    if missing:
        return f"{record.get('id', 'a record')!r} lacks {', '.join(missing)}"
    if record["provenance"] not in TAGS:
        return f"{record['id']!r} has the provenance {record['provenance']!r}"
    if record["relation"] not in RELATIONS:
        return f"{record['id']!r} has the relation {record['relation']!r}"
    if record["passed"] is not True:
        return f"{record['id']!r} did not pass"
    return ""


def surroundings(root: Path) -> dict[str, str]:
    """What the numbers were made with."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    found = {"python": platform.python_version()}
    for package in VERSIONS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    changed = git("status", "--porcelain", "--", "lowrot", "book", "requirements.lock")
    commit = git("rev-parse", "--short=12", "HEAD") or "unknown"
    found["commit"] = commit + (" with local changes" if changed else "")
    found["machine"] = f"{platform.system()} {platform.machine()}"
    found["date"] = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return found


def figure(value: float | str | None) -> str:
    """A number with four digits; a dash for none."""
    return "–" if value is None else number(f"{float(value):.4g}")


def measured_html(measured: dict) -> str:
    """The median, and the spread if there is any."""
    line = figure(measured["median"])
    if measured.get("count", 1) > 1:
        low, high = figure(measured["min"]), figure(measured["max"])
        line += f"<small>{low} to {high}, {measured['count']} values</small>"
    return line


def claim_row(claim: dict, link: str) -> str:
    """One claim, one row; the labels are shown where a phone turns rows into cards."""
    bound = f"{RELATIONS[claim['relation']]} {figure(claim['bound'])}"
    if claim["relation"] == "~":
        bound += f"<small>within {figure(claim.get('tolerance'))}</small>"
    seeds = claim.get("seeds")
    if seeds:
        row = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
        shown = f"{seeds[0]}–{seeds[-1]}" if row else ", ".join(map(str, seeds))
        bound += f"<small>{'seeds' if len(seeds) > 1 else 'seed'}&nbsp;{shown}</small>"
    statement = prose(html.escape(claim["statement"]))
    return (
        f'<tr><th scope="row">{statement} {tag_html(claim["provenance"])}'
        f'<a class="lowrot-id" href="{link}">{html.escape(claim["id"])}</a></th>'
        f'<td data-label="measured">{measured_html(claim["measured"])}</td>'
        f'<td data-label="bound">{bound}</td>'
        f'<td data-label="slack">{figure(claim["slack"])}</td></tr>'
    )


def report_html(claims: list[dict], chapters: list[dict], made: dict, relative) -> str:
    """The whole report: one sentence, one table per chapter, the run times, the versions."""
    counts = {name: sum(c["provenance"] == name for c in claims) for name in TAGS}
    kinds = ", ".join(f"{count} {tag_html(name)}" for name, count in counts.items() if count)
    out = [
        f'<p class="lowrot-counts"><strong>{len(claims)} claims</strong> in '
        f"{sum(c['claims'] > 0 for c in chapters)} chapters were checked, and all hold: {kinds}. "
        f'As data: <a href="{relative(None)}claims.json">claims.json</a>.</p>'
    ]
    for chapter in chapters:
        own = [c for c in claims if c["chapter"] == chapter["chapter"]]
        if not own:
            continue
        page = relative(chapter["chapter"])
        rows = "".join(claim_row(c, f"{page}#{html.escape(c['anchor'])}") for c in own)
        out.append(
            '<table class="lowrot-claims table">'
            f'<caption><a href="{page}">{html.escape(chapter["title"])}</a></caption>'
            '<thead><tr><th scope="col">claim</th><th scope="col">measured</th>'
            f'<th scope="col">bound</th><th scope="col">slack</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )
    times = "".join(
        f'<tr><th scope="row"><a href="{relative(c["chapter"])}">{html.escape(c["title"])}</a></th>'
        f"<td>{'–' if c['seconds'] is None else format(c['seconds'], '.1f') + ' s'}</td>"
        f"<td>{c['claims']}</td></tr>"
        for c in chapters
    )
    out.append(
        '<table class="lowrot-facts table"><caption>Run time of each chapter</caption><thead><tr>'
        '<th scope="col">chapter</th><th scope="col">run time</th><th scope="col">claims</th></tr>'
        f"</thead><tbody>{times}</tbody></table>"
    )
    facts = "".join(
        f'<tr><th scope="row">{name}</th><td>{html.escape(value)}</td></tr>'
        for name, value in made.items()
    )
    out.append(
        '<table class="lowrot-facts table"><caption>Made with</caption>'
        f"<tbody>{facts}</tbody></table>"
    )
    return "\n".join(out)


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the mark by the report, once every chapter has been read."""
    marks = list(doctree.findall(claims_report))
    if not marks:
        return
    claims, chapters = collect(app)
    if not claims:
        log.warning("no chapter made a claim", location=docname, type="lowrot")
    made = surroundings(Path(app.srcdir))
    app.lowrot_claims = {"claims": claims, "chapters": chapters, "made": made}  # type: ignore[attr-defined]

    def relative(target: str | None) -> str:
        if target is None:
            return "../" * docname.count("/")
        return app.builder.get_relative_uri(docname, target)

    for mark in marks:
        text = report_html(claims, chapters, made, relative)
        mark.replace_self(nodes.raw("", text, format="html"))


def write(app: Sphinx, exception: Exception | None) -> None:
    """Leave ``claims.json`` beside the pages."""
    if exception is None and app.builder.format == "html" and hasattr(app, "lowrot_claims"):
        path = Path(app.outdir) / "claims.json"
        path.write_text(json.dumps(app.lowrot_claims, indent=1, ensure_ascii=False) + "\n", "utf8")


def setup(app: Sphinx) -> None:
    """Register the directive and the two late steps."""
    app.add_node(claims_report)
    app.add_directive("claims-report", ClaimsReport)
    app.connect("env-get-outdated", report_pages)
    app.connect("doctree-resolved", fill)
    app.connect("build-finished", write)
