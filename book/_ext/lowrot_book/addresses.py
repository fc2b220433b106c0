"""Where the repository, the book and Binder are: from one line of ``_config.yml``.

``repository: url`` is all that a fork changes. The book is taken to be at the pages of that
repository, unless ``html: baseurl`` says otherwise. Pages write ``{{ repository }}``,
``{{ book }}`` and ``{{ binder }}``, each a link.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import yaml


class Addresses(NamedTuple):
    """The addresses of the book, without a slash at their ends."""

    repository: str
    book: str
    binder: str
    archive: str  # of the repository as it is, one file


def of(config: dict) -> Addresses:
    """The addresses that a ``_config.yml`` stands for."""
    repository = str(config["repository"]["url"]).rstrip("/")
    owner, name = urlsplit(repository).path.strip("/").split("/")
    branch = config["repository"].get("branch", "main")
    hub = str(config.get("launch_buttons", {}).get("binderhub_url", "https://mybinder.org"))
    host = f"{owner.lower()}.github.io"
    pages = f"https://{host}" if name.lower() == host else f"https://{host}/{name}"
    return Addresses(
        repository,
        str(config.get("html", {}).get("baseurl") or pages).rstrip("/"),
        f"{hub.rstrip('/')}/v2/gh/{owner}/{name}/{branch}?urlpath=lab/tree/book/index.md",
        f"{repository}/archive/refs/heads/{branch}.zip",
    )


def read(root: Path) -> Addresses:
    """The addresses of a project."""
    return of(yaml.safe_load((root / "_config.yml").read_text("utf8")))


def announce(app, config) -> None:
    """Tell Sphinx where the book is, and pages how to link to the three places."""
    if not (Path(app.srcdir) / "_config.yml").is_file():
        return
    found = read(Path(app.srcdir))
    config.html_baseurl = f"{found.book}/"
    links = {
        "repository": f"[{urlsplit(found.repository).path.strip('/')}]({found.repository})",
        "book": f"[{found.book.removeprefix('https://')}]({found.book})",
        "binder": f"[Binder]({found.binder})",
    }
    config.myst_substitutions = {**links, **(config.myst_substitutions or {})}


def setup(app) -> None:
    """Run before anything reads the configuration."""
    app.connect("config-inited", announce)
