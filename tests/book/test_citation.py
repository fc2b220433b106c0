"""Addresses and citations are said once: files that say them again are made, and forks follow."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pybtex.database
import pytest
import yaml
from docutils import nodes
from docutils.utils import new_document

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "book"))
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from lowrot_book import addresses, citation  # noqa: E402

import metadata  # noqa: E402

FILES = ("_config.yml", "CITATION.cff", "pyproject.toml", "README.md", "codemeta.json",
         ".zenodo.json", "book/references.bib")  # fmt: skip
AGAIN = ("CITATION.cff", "pyproject.toml", "README.md", "codemeta.json", ".zenodo.json")


def stale(root: Path) -> list[str]:
    """The files that do not say what they are made from."""
    texts = {**citation.rewritten(root), **citation.made(root)}
    return [name for name in AGAIN if (root / name).read_text("utf8") != texts[name]]


@pytest.fixture
def fork(tmp_path):
    """A copy of the files that say addresses."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def change(root: Path, name: str, pattern: str, text: str) -> None:
    before = (root / name).read_text("utf8")
    after, count = re.subn(pattern, text, before, flags=re.M)
    assert count == 1, "the plant did not take"
    (root / name).write_text(after, "utf8")


def test_what_is_made_is_up_to_date():
    assert stale(ROOT) == [], "run book/metadata.py"


def test_each_file_names_the_same_places():
    places = addresses.read(ROOT)
    readme = (ROOT / "README.md").read_text("utf8")
    assert places.binder in readme
    assert citation.cff(ROOT)["repository-code"] == places.repository
    urls = citation.project(ROOT)["urls"]
    assert (urls["Repository"], urls["Book"]) == (places.repository, places.book)
    assert urls["Changelog"].startswith(f"{places.repository}/blob/")


@pytest.mark.parametrize(
    ("name", "pattern", "text"),
    [
        ("CITATION.cff", r"^version: .*", "version: 9.9.9"),
        ("CITATION.cff", r"^license: .*", "license: BSD-3-Clause"),
        ("pyproject.toml", r"^description = .*", 'description = "another"'),
        ("codemeta.json", r'"codeRepository": .*', '"codeRepository": "https://example.org",'),
        (".zenodo.json", r'"upload_type": .*', '"upload_type": "poster",'),
        ("_config.yml", r"^  url: \S+", "  url: https://github.com/someone/fork"),
    ],
)
def test_what_is_stale_is_found(fork, name, pattern, text):
    assert stale(fork) == []
    change(fork, name, pattern, text)
    assert stale(fork) != []


def test_a_fork_changes_one_line(fork):
    change(fork, "_config.yml", r"^  url: \S+", "  url: https://github.com/Some-One/fork")
    metadata.main(fork)
    assert stale(fork) == []
    for name in AGAIN:
        text = (fork / name).read_text("utf8")
        assert "lowrot/lowrot" not in text
        assert "lowrot.github.io" not in text
        assert "Some-One/fork" in text


@pytest.mark.parametrize(
    ("repository", "book"),
    [
        ("https://github.com/lowrot/lowrot", "https://lowrot.github.io/lowrot"),
        ("https://github.com/Some-One/a.b/", "https://some-one.github.io/a.b"),
        ("https://github.com/One/one.github.io", "https://one.github.io"),
    ],
)
def test_the_book_is_at_the_pages_of_its_repository(repository, book):
    assert addresses.of({"repository": {"url": repository}}).book == book


def test_a_book_elsewhere_says_so():
    config = {"repository": {"url": "https://github.com/a/b", "branch": "dev"},
              "html": {"baseurl": "https://book.example/"},
              "launch_buttons": {"binderhub_url": "https://hub.example/"}}  # fmt: skip
    found = addresses.of(config)
    assert found.book == "https://book.example"
    assert found.binder.startswith("https://hub.example/v2/gh/a/b/dev?")


def test_no_page_spells_an_address():
    """Pages and scripts use what comes from _config.yml."""
    places = addresses.read(ROOT)
    hosts = [places.repository, places.book, places.binder.split("?")[0]]
    for path in sorted((ROOT / "book").rglob("*")):
        inside = path.relative_to(ROOT / "book").parts
        if path.suffix in (".md", ".py", ".yml", ".js", ".css", ".json") and "vendor" not in inside:
            text = path.read_text("utf8")
            assert not [host for host in hosts if host in text], path


def test_bibtex_says_what_the_citation_file_says():
    said = citation.cff(ROOT)
    entry = pybtex.database.parse_string(citation.bibtex(ROOT), "bibtex").entries["lowrot"]
    assert entry.fields["title"] == said["title"]
    assert entry.fields["version"] == str(said["version"])
    assert entry.fields["url"] == said["repository-code"]
    assert entry.fields["year"] == str(said["date-released"])[:4]
    names = [" ".join(person.last_names) for person in entry.persons["author"]]
    assert names == [f"{{{author['name']}}}" for author in said["authors"]]


def test_papers_are_those_of_the_bibliography():
    said = citation.cff(ROOT)["references"]
    keys = citation.cited_papers(ROOT)
    entries = pybtex.database.parse_string(citation.papers(ROOT, keys), "bibtex").entries
    assert list(entries) == keys
    for paper, entry in zip(said, entries.values(), strict=True):
        assert entry.fields["title"].replace("{", "").replace("}", "") == paper["title"]
        assert entry.fields["year"] == str(paper["year"])
        assert entry.fields["note"] == paper["identifiers"][0]["value"]
        families = [" ".join(person.last_names) for person in entry.persons["author"]]
        assert families == [author["family-names"] for author in paper["authors"]]
    with pytest.raises(KeyError, match="unwritten2030"):
        citation.papers(ROOT, ["unwritten2030"])


def test_titles_agree():
    """One identity: the title of the book is that of its citation."""
    title = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["title"]
    assert citation.cff(ROOT)["title"] == title
    for name in ("README.md", "book/index.md"):
        assert f"\n# {title}\n" in "\n" + (ROOT / name).read_text("utf8")
    assert json.loads((ROOT / "codemeta.json").read_text("utf8"))["identifier"] == "lowrot"


def test_preprints_of_the_bibliography_can_be_followed():
    entry = nodes.citation("", nodes.paragraph("", "A title. 2023. arXiv:2208.02789."))
    page = new_document("page")
    page += [entry, nodes.paragraph("", "As in arXiv:2208.02789.")]
    citation.link_preprints(None, page, "page")
    (link,) = page.findall(nodes.reference)
    assert link["refuri"] == "https://arxiv.org/abs/2208.02789"
    assert entry.astext() == "A title. 2023. arXiv:2208.02789."
