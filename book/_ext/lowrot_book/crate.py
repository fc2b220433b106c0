"""An RO-Crate of the built book: which of its files are code, data, claims, figures, notebooks.

The crate is the folder of the pages; what is written is ``ro-crate-metadata.json``.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from sphinx.application import Sphinx

from . import addresses, carry, citation


def listed(outdir: Path) -> list[tuple[str, str, dict]]:
    """The files of the crate: path, name, and what else is said of each."""
    found = []

    def add(path: str, name: str, **more) -> None:
        if (outdir / path).is_file():
            found.append((path, name, more))

    add("claims.json", "Claims of the book, checked", conformsTo="_static/claims.schema.json")
    add("_static/claims.schema.json", "JSON schema of the claims")
    add(f"{carry.FOLDER}/{carry.CODE}", "Code of the book", kind="SoftwareSourceCode",
        programmingLanguage="Python")  # fmt: skip
    add(f"{carry.FOLDER}/{carry.SWEEPS}", "Stored sweeps")
    for name in ("lowrot.bib", "CITATION.cff", "codemeta.json"):
        add(f"{carry.FOLDER}/{name}", "How to cite the book")
    for path in sorted((outdir / carry.FOLDER).glob("*.ipynb")):
        add(f"{carry.FOLDER}/{path.name}", f"Executed chapter: {path.stem}", kind="notebook")
    for path in sorted((outdir / "book" / "figures").glob("*.*")):
        drawn = path.suffix == ".svg"
        name, kind = ("Figure", "ImageObject") if drawn else ("Numbers of a figure", None)
        add(f"book/figures/{path.name}", name, kind=kind)
    for path in sorted((outdir / "book").glob("*.html")):
        add(f"book/{path.name}", f"Page: {path.stem}", kind="page")
    for path in sorted((outdir / "book" / "example").glob("*.html")):
        add(f"book/example/{path.name}", f"Example: {path.stem}", kind="page")
    return found


def types(kind: str | None) -> list[str] | str:
    """The types of a file of a kind."""
    more = {
        "SoftwareSourceCode": "SoftwareSourceCode",
        "notebook": "SoftwareSourceCode",
        "ImageObject": "ImageObject",
        "page": "WebPage",
    }
    return ["File", more[kind]] if kind in more else "File"


def media(path: str) -> str:
    """The media type of a file."""
    own = {".ipynb": "application/x-ipynb+json", ".bib": "application/x-bibtex",
           ".cff": "application/yaml"}  # fmt: skip
    return own.get(Path(path).suffix) or mimetypes.guess_type(path)[0] or "text/plain"


def describe(root: Path, outdir: Path, made: dict) -> None:
    """Write ``ro-crate-metadata.json`` into the folder of the pages."""
    from rocrate.model import ContextEntity  # takes a second: only where it is needed
    from rocrate.rocrate import ROCrate

    said, about = citation.cff(root), citation.project(root)
    crate = ROCrate()
    crate.name, crate.description = said["title"], about["description"]
    crate.license = f"https://spdx.org/licenses/{said['license']}"
    crate.root_dataset["version"] = str(said["version"])
    crate.root_dataset["url"] = f"{addresses.read(root).book}/"
    crate.root_dataset["keywords"] = ", ".join(about["keywords"])
    crate.datePublished = made["date"][:10]
    for count, person in enumerate(citation.people(said), start=1):
        entity = crate.add(ContextEntity(crate, f"#author-{count}", person))
        crate.root_dataset.append_to("author", entity)
    for path, name, more in listed(outdir):
        kind, target = more.pop("kind", None), outdir / path
        properties = {"name": name, "@type": types(kind), "encodingFormat": media(path)}
        properties |= {"contentSize": str(target.stat().st_size), **more}
        if "conformsTo" in properties:
            properties["conformsTo"] = {"@id": properties["conformsTo"]}
        crate.add_file(target, dest_path=path, properties=properties)
    made_with = {
        "name": "The build of this book",
        "description": ", ".join(f"{name} {v}" for name, v in made["versions"].items()),
        "endTime": made["date"],
        "instrument": {"@id": f"{said['repository-code']}/tree/{made['commit']}"},
        "result": {"@id": "claims.json"},
    }
    crate.add_jsonld({"@id": "#build", "@type": "CreateAction", **made_with})
    source = {
        "@type": "SoftwareApplication",
        "url": made_with["instrument"]["@id"],
        "name": "lowrot",
        "version": str(said["version"]),
    }
    crate.add_jsonld({"@id": made_with["instrument"]["@id"], **source})
    crate.root_dataset.append_to("mentions", {"@id": "#build"})
    crate.metadata.write(outdir)


def write(app: Sphinx, exception: Exception | None) -> None:
    """When all other files are there."""
    root = Path(app.srcdir)
    ready = exception is None and app.builder.name == "html" and hasattr(app, "lowrot_claims")
    if ready and citation.here(root):
        describe(root, Path(app.outdir), app.lowrot_claims["made"])


def setup(app: Sphinx) -> None:
    """Run last."""
    app.connect("build-finished", write, priority=700)
