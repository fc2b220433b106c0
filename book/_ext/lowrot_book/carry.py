"""What a reader carries away: executed notebooks, stored sweeps, the code, how to cite.

All of it lies in ``carry/`` beside the pages. ``{carried}`` lists it, ``{carry}`` links to one
file, and the download menu of a chapter has its notebook.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

import nbformat
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from . import citation
from .files import files
from .keys import is_notebook, pages
from .ledger import executed

FOLDER = "carry"
SWEEPS, CODE = "sweeps.zip", "code.zip"
KEPT = {
    SWEEPS: "the stored sweeps behind the figures, and the scripts that made them",
    CODE: "the library, the text of the chapters, their figures, the exact versions",
    "lowrot.bib": "BibTeX of the book and of the papers",
    "CITATION.cff": "the same in the Citation File Format",
    "codemeta.json": "the same as CodeMeta",
}
LIBRARY = ("lowrot", "book", "CITATION.cff", "LICENSE", "README.md", "_config.yml", "_toc.yml",
           "pyproject.toml", "requirements.lock", "environment.yml")  # fmt: skip
STARTED = (2020, 1, 1, 0, 0, 0)
"""The time of every file in an archive: equal contents make equal archives."""


def notebook_name(docname: str) -> str:
    """The file of a chapter's notebook, below the pages."""
    return f"{FOLDER}/{docname.rsplit('/', 1)[-1]}.ipynb"


def pack(target: Path, root: Path, paths: Iterable[Path]) -> None:
    """An archive of files under their names in the project, byte for byte the same every time."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in paths:
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), STARTED)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def code(root: Path) -> list[Path]:
    """The code of the book, without what others wrote and what the sweeps' archive has."""
    apart = (root / "book" / "_static" / "vendor", root / "book" / "data")
    return [
        path
        for path in files(root, [name for name in LIBRARY if (root / name).exists()])
        if not any(path.is_relative_to(folder) for folder in apart) or path.suffix == ".py"
    ]


def write(app: Sphinx, exception: Exception | None) -> None:
    """Put everything beside the pages."""
    if exception is not None or app.builder.name != "html":
        return
    root, folder = Path(app.srcdir), Path(app.outdir) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for chapter in executed(app):
        nbformat.write(chapter.notebook, folder.parent / notebook_name(chapter.docname))
    if not citation.here(root):
        return
    if (root / "book" / "data").is_dir():
        pack(folder / SWEEPS, root, files(root, ["book/data"]))
    pack(folder / CODE, root, code(root))
    both = citation.bibtex(root) + "\n" + citation.papers(root, citation.cited_papers(root))
    (folder / "lowrot.bib").write_text(both, "utf8")
    for name in ("CITATION.cff", "codemeta.json"):
        shutil.copyfile(root / name, folder / name)


def offer(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Add the executed notebook to the download menu of a chapter."""
    if pagename not in app.env.found_docs or not is_notebook(Path(app.env.doc2path(pagename))):
        return
    for group in context.get("header_buttons", []):
        if group.get("label") == "download-buttons":
            group["buttons"].append(
                {
                    "type": "link",
                    "url": "../" * pagename.count("/") + notebook_name(pagename),
                    "text": ".ipynb",
                    "icon": "fas fa-file-code",
                    "tooltip": "Download the notebook with its outputs",
                    "label": "download-executed-notebook",
                }
            )


def carry_role(name, rawtext, text, lineno, inliner, options=None, content=None):
    """Render {carry}`lowrot.bib` as a link to that file."""
    if text not in KEPT:
        said = f"nothing to carry is called {text!r}: {', '.join(KEPT)}"
        message = inliner.reporter.error(said, line=lineno)
        return [inliner.problematic(rawtext, rawtext, message)], [message]
    env = inliner.document.settings.env
    address = "../" * env.docname.count("/") + f"{FOLDER}/{text}"
    return [nodes.reference("", text, refuri=address)], []


class Carried(Directive):
    """``{carried}``: every file, and the notebook of every chapter."""

    def run(self):
        """A list."""
        env = self.state.document.settings.env
        root, up = Path(env.srcdir), "../" * env.docname.count("/")
        listed = [(f"{FOLDER}/{name}", name, what) for name, what in KEPT.items()]
        listed += [
            ("claims.json", "claims.json", "every claim, with its numbers, seeds and versions"),
            ("ro-crate-metadata.json", "ro-crate-metadata.json", "what all these files are"),
        ]
        items = [
            nodes.list_item(
                "",
                nodes.paragraph("", "", nodes.reference("", name, refuri=up + path),
                                nodes.Text(f": {what}")),
            )
            for path, name, what in listed
        ]  # fmt: skip
        line = nodes.paragraph("", "The chapters as notebooks, with outputs: ")
        for docname in pages(root):
            if is_notebook(root / f"{docname}.md"):
                name = docname.rsplit("/", 1)[-1]
                line += [nodes.reference("", name, refuri=up + notebook_name(docname)),
                         nodes.Text(", ")]  # fmt: skip
        line.pop()
        return [nodes.bullet_list("", *items, nodes.list_item("", line))]


def setup(app: Sphinx) -> None:
    """Register directive and role; write when all pages are there."""
    app.add_directive("carried", Carried)
    app.add_role("carry", carry_role)
    app.connect("html-page-context", offer, priority=900)
    app.connect("build-finished", write, priority=600)
