"""Pages that a chapter makes are written beside it, and ask nothing of any host."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "book"))
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from lowrot_book import beside  # noqa: E402

import lowrot  # noqa: E402
from figures import _text, your_data  # noqa: E402


@pytest.fixture
def shown(monkeypatch):
    """The outputs of a cell that displays a page."""
    outputs = []

    def display(bundle, raw):
        assert raw
        outputs.append(nbformat.v4.new_output("display_data", data=bundle))

    monkeypatch.setattr(_text, "display", display)
    page = your_data.page(lowrot.diagnose(5, lowrot.sparse_parity(2)))
    _text.beside("example/parity.html", page, "The page of <parity>")
    return page, outputs


def written(outputs, folder, monkeypatch, builder="html", exception=None):
    cells = [nbformat.v4.new_markdown_cell("a"), nbformat.v4.new_code_cell("b", outputs=outputs)]
    chapter = SimpleNamespace(docname="book/some", notebook=SimpleNamespace(cells=cells))
    monkeypatch.setattr(beside, "executed", lambda app: [chapter])
    app = SimpleNamespace(outdir=str(folder), builder=SimpleNamespace(name=builder))
    beside.write(app, exception)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))


def test_a_page_is_written_where_its_link_points(shown, tmp_path, monkeypatch):
    page, outputs = shown
    link = '<p><a href="example/parity.html">The page of &lt;parity&gt;</a></p>'
    assert outputs[0].data["text/html"] == link
    assert written(outputs, tmp_path, monkeypatch) == ["book/example/parity.html"]
    assert (tmp_path / "book/example/parity.html").read_text("utf8") == page


def test_other_builders_and_failed_builds_write_none(shown, tmp_path, monkeypatch):
    assert written(shown[1], tmp_path, monkeypatch, builder="latex") == []
    assert written(shown[1], tmp_path, monkeypatch, exception=ValueError()) == []


def test_the_extension_and_the_chapter_mean_the_same_type():
    assert beside.MIME == _text.PAGE
