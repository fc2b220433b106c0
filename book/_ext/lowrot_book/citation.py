"""How to cite, said once: CITATION.cff; BibTeX, codemeta.json and .zenodo.json are made from it.

The directive ``{citation}`` shows the BibTeX of the book, ``{citation} key ...`` that of papers.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import yaml
from docutils import nodes
from docutils.parsers.rst import Directive

from . import addresses

PREPRINT = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def cff(root: Path) -> dict:
    """What CITATION.cff says."""
    return yaml.safe_load((root / "CITATION.cff").read_text("utf8"))


def project(root: Path) -> dict:
    """What pyproject.toml says of the project."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]


def author(entry: dict) -> tuple[str, str]:
    """The given and the family name; a group has the latter only."""
    if "family-names" in entry:
        return entry.get("given-names", ""), entry["family-names"]
    return "", entry["name"]


def bibtex(root: Path) -> str:
    """The book as one BibTeX entry."""
    said = cff(root)
    names = [
        f"{given} {family}" if given else f"{{{family}}}"
        for given, family in map(author, said["authors"])
    ]
    fields = {
        "author": f"{{{' and '.join(names)}}}",
        "title": f"{{{said['title']}}}",
        "version": f"{{{said['version']}}}",
        "year": f"{{{str(said['date-released'])[:4]}}}",
        "url": f"{{{said['repository-code']}}}",
    }
    if said.get("doi"):
        fields["doi"] = f"{{{said['doi']}}}"
    lines = ",\n".join(f"  {name:<7} = {value}" for name, value in fields.items())
    return f"@software{{lowrot,\n{lines}\n}}\n"


def papers(root: Path, keys: list[str]) -> str:
    """The entries of some papers, as the bibliography of the book has them."""
    text = (root / "book" / "references.bib").read_text("utf8")
    entries = dict(re.findall(r"^(?=@\w+\{([^,\s]+),)(.*?^\})$", text, re.M | re.S))
    missing = [key for key in keys if key not in entries]
    if missing:
        raise KeyError(f"references.bib has no {', '.join(missing)}")
    return "\n\n".join(entries[key] for key in keys) + "\n"


def cited_papers(root: Path) -> list[str]:
    """The keys in the bibliography of the papers that CITATION.cff refers to, by their titles."""
    text = (root / "book" / "references.bib").read_text("utf8")
    entry = re.compile(r"^@\w+\{([^,\s]+),.*?^ *title *= *\{(.*?)\},$", re.M | re.S)
    titles = {re.sub(r"[{}]", "", title).lower(): key for key, title in entry.findall(text)}
    return [titles[paper["title"].lower()] for paper in cff(root).get("references", [])]


def here(root: Path) -> bool:
    """Whether a project says how to cite it; tiny books of the tests do not."""
    return (root / "CITATION.cff").is_file() and (root / "pyproject.toml").is_file()


def people(said: dict) -> list[dict]:
    """The authors as schema.org has them."""
    found = []
    for given, family in map(author, said["authors"]):
        if given:
            found.append({"@type": "Person", "givenName": given, "familyName": family})
        else:
            found.append({"@type": "Organization", "name": family})
    return found


def codemeta(root: Path) -> dict:
    """codemeta.json, version 3.0 of the vocabulary."""
    said, about, places = cff(root), project(root), addresses.read(root)
    return {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": said["title"],
        "identifier": about["name"],
        "description": about["description"],
        "version": str(said["version"]),
        "datePublished": str(said["date-released"]),
        "license": f"https://spdx.org/licenses/{said['license']}",
        "author": people(said),
        "codeRepository": said["repository-code"],
        "issueTracker": f"{said['repository-code']}/issues",
        "url": places.book,
        "buildInstructions": f"{said['repository-code']}#two-commands",
        "softwareHelp": places.book,
        "keywords": about["keywords"],
        "programmingLanguage": "Python",
        "runtimePlatform": f"Python {about['requires-python'].removeprefix('>=')} or newer",
        "softwareRequirements": [re.split(r"[<>=!~]", line)[0] for line in about["dependencies"]],
        "developmentStatus": "active",
        "referencePublication": [
            {
                "@type": "ScholarlyArticle",
                "name": paper["title"],
                "author": people(paper),
                "datePublished": str(paper["year"]),
                "identifier": paper["identifiers"][0]["value"],
            }
            for paper in said["references"]
        ],
    }


def zenodo(root: Path) -> dict:
    """.zenodo.json, which Zenodo prefers to CITATION.cff."""
    said, about, places = cff(root), project(root), addresses.read(root)
    return {
        "title": said["title"],
        "description": about["description"],
        "upload_type": "software",
        "version": str(said["version"]),
        "publication_date": str(said["date-released"]),
        "license": said["license"].lower(),
        "access_right": "open",
        "creators": [
            {"name": f"{family}, {given}" if given else family}
            for given, family in map(author, said["authors"])
        ],
        "keywords": about["keywords"],
        "related_identifiers": [
            {"identifier": said["repository-code"], "relation": "isSupplementTo", "scheme": "url"},
            {"identifier": places.book, "relation": "isDocumentedBy", "scheme": "url"},
            *(
                {"identifier": each["value"], "relation": "cites", "scheme": "arxiv"}
                for paper in said["references"]
                for each in paper["identifiers"]
            ),
        ],
        "references": [
            f"{', '.join(' '.join(filter(None, author(a))) for a in paper['authors'])}. "
            f"{paper['title']}. {paper.get('collection-title', 'Preprint')}, {paper['year']}. "
            f"{paper['identifiers'][0]['value']}"
            for paper in said["references"]
        ],
    }


def rewritten(root: Path) -> dict[str, str]:
    """The files at the root that say again what CITATION.cff and ``_config.yml`` say, by name."""
    places = addresses.read(root)
    before = cff(root)["repository-code"]
    old = addresses.of({"repository": {"url": before}})
    texts = {}
    for name in ("CITATION.cff", "pyproject.toml", "README.md"):
        text = (root / name).read_text("utf8")
        # the longest first: the repository's address is part of others
        for was, now in sorted(zip(old, places), key=lambda pair: -len(pair[0])):
            text = text.replace(was, now)
        texts[name] = text
    return texts


def made(root: Path) -> dict[str, str]:
    """The files at the root that are made, by name; run after ``rewritten`` has been written."""
    both = {"codemeta.json": codemeta(root), ".zenodo.json": zenodo(root)}
    return {
        name: json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        for name, content in both.items()
    }


class Citation(Directive):
    """``{citation}``: BibTeX of the book, or of the papers named."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """A block that can be copied."""
        root = Path(self.state.document.settings.env.srcdir)
        for name in ("CITATION.cff", "book/references.bib"):
            self.state.document.settings.record_dependencies.add(str(root / name))
        try:
            text = papers(root, self.arguments[0].split()) if self.arguments else bibtex(root)
        except (KeyError, OSError) as error:
            raise self.error(str(error)) from error
        block = nodes.literal_block(text.rstrip(), text.rstrip())
        block["language"] = "bibtex"
        return [block]


def link_preprints(app, doctree: nodes.document, docname: str) -> None:
    """Numbers of preprints in the bibliography lead to them."""
    for entry in doctree.findall(nodes.citation):
        for text in list(entry.findall(nodes.Text)):
            found = PREPRINT.search(text)
            if found and not isinstance(text.parent, nodes.reference):
                address = f"https://arxiv.org/abs/{found[1]}"
                before, after = text[: found.start()], text[found.end() :]
                link = nodes.reference("", found[0], refuri=address, internal=False)
                text.parent.replace(text, [nodes.Text(before), link, nodes.Text(after)])


def setup(app) -> None:
    """Register the directive, and the links of the bibliography."""
    app.add_directive("citation", Citation)
    app.connect("doctree-resolved", link_preprints)
