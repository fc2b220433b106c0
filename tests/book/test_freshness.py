"""A notebook in the cache is used again only if what it was executed with is unchanged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from lowrot_book import freshness, keys  # noqa: E402

CHAPTER = "---\nfile_format: mystnb\n---\n```{{code-cell}}\n{}\n```\n"


class Cached:
    """Two chapters, one of which needs a figure, and both executed."""

    def __init__(self, root: Path):
        self.root, self.cache = root, root / "_build" / ".jupyter_cache"
        (root / "book" / "figures").mkdir(parents=True)
        (root / "_toc.yml").write_text("root: book/one\nchapters:\n- file: book/two\n")
        (root / "requirements.lock").write_text("numpy\n")
        (root / "book" / "figures" / "two.py").write_text("x = 1\n")
        self.chapter("one", "1")
        self.chapter("two", "from figures import two\ntwo.x")
        self.start()
        for name in ("one", "two"):
            self.execute(root / "book" / f"{name}.md", name)

    def chapter(self, name: str, code: str) -> None:
        (self.root / "book" / f"{name}.md").write_text(CHAPTER.format(code))

    def execute(self, source: Path, code: str) -> None:
        """Put a notebook in the cache, as myst-nb does."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        bundle = CacheBundleIn(notebook, str(source))
        get_cache(str(self.cache)).cache_notebook_bundle(bundle, check_validity=False)

    def start(self) -> bool:
        """Begin a plain build; whether pages are out of date."""
        config = SimpleNamespace(nb_execution_cache_path=str(self.cache))
        app = SimpleNamespace(config=config, srcdir=str(self.root), outdir="")
        freshness.clear_stale(app)
        stale = freshness.outdated(app, SimpleNamespace(found_docs={"book/one"}), (), (), ())
        return stale == ["book/one"]

    def kept(self) -> set[str]:
        return {Path(r.uri).stem for r in get_cache(str(self.cache)).list_cache_records()}


@pytest.fixture
def cached(tmp_path):
    return Cached(tmp_path)


def test_unchanged(cached):
    assert not cached.start()
    assert cached.kept() == {"one", "two"}


def test_only_what_is_stale_is_forgotten(cached):
    (cached.root / "book" / "figures" / "two.py").write_text("x = 2\n")
    assert cached.start()
    assert cached.kept() == {"one"}
    assert not cached.start()


def test_a_changed_cell_does_not_save_an_old_notebook(cached):
    """The old cells come back after the figure has changed: their record must not."""
    cached.chapter("two", "2")
    (cached.root / "book" / "figures" / "two.py").write_text("x = 2\n")
    cached.start()
    cached.chapter("two", "from figures import two\ntwo.x")
    cached.start()
    assert cached.kept() == {"one"}


def test_prose_does_not_matter(cached):
    """The cache itself sees the cells."""
    text = (cached.root / "book" / "two.md").read_text()
    (cached.root / "book" / "two.md").write_text(text + "\nMore prose.\n")
    assert not cached.start()
    assert cached.kept() == {"one", "two"}


def test_the_lock_matters_to_all(cached):
    (cached.root / "requirements.lock").write_text("numpy<3\n")
    assert cached.start()
    assert cached.kept() == set()


@pytest.mark.parametrize("stamp", [None, "", "[1]", "{}", json.dumps({"book/one": "?"})])
def test_a_cache_of_unknown_origin_is_not_used(cached, stamp):
    file = cached.cache / keys.STAMP
    file.unlink() if stamp is None else file.write_text(stamp)
    assert cached.start()
    assert cached.kept() == set()
    assert json.loads(file.read_text()) == keys.code_keys(cached.root)


def test_notebooks_of_no_chapter_go(cached):
    cached.execute(cached.root / "book" / "gone.md", "gone")
    cached.execute(cached.root.parent / "elsewhere.md", "elsewhere")
    (cached.root / "book" / "figures" / "two.py").write_text("x = 2\n")
    cached.start()
    assert cached.kept() == {"one"}
