"""The whole book as one PDF: ``make pdf``, after ``make book``, with the Chromium of the tests.

1. Sphinx writes all pages as one, from the notebooks that are executed already;
2. what belongs to a screen is left out of it, what is folded is opened, and links stay inside;
3. Chromium prints it, with bookmarks and page numbers.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from lowrot_book import addresses, citation

ROOT = Path(__file__).parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MISSING = """No PDF: there is no Chromium on this machine.
  Debian: apt-get install chromium
  Ubuntu: apt-get install chromium-browser"""
STYLES = ("theme", "pydata-sphinx-theme", "pygments", "sphinx-book-theme", "mystnb", "proof",
          "sphinx-design", "lowrot", "math", "reading", "report", "figures")  # fmt: skip
MARGINS = {"top": "22mm", "bottom": "22mm", "left": "21mm", "right": "21mm"}
FOOTER = (
    '<div style="width: 100%; font: 8px serif; text-align: center">'
    '<span class="pageNumber"></span></div>'
)
MINUTES = 60_000


def browser() -> str | None:
    """The Chromium of this machine."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def single_page(root: Path) -> str:
    """The book as Sphinx writes it on one page; nothing is executed."""
    if not (root / "_build" / "html" / "index.html").is_file():
        raise SystemExit("No PDF: there are no pages yet. Run `make book` first.")
    shutil.rmtree(root / "_build" / "singlehtml", ignore_errors=True)
    program = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    options = ["build", "-n", "--builder", "custom", "--custom-builder", "singlehtml", str(root)]
    done = subprocess.run(
        [sys.executable, "-c", program, *options], cwd=root, capture_output=True, text=True
    )
    page = root / "_build" / "singlehtml" / "book" / "index.html"
    if done.returncode or not page.is_file():
        raise SystemExit(f"No PDF: Sphinx failed\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return page.read_text("utf8")


def article(page: str) -> str:
    """The text of the book, without what is around it."""
    start = page.index('<article class="bd-article">')
    return page[start : page.index("</article>", start)] + "</article>"


def inward(body: str, book: str) -> str:
    """Links between pages become links inside; those to files become links to the book."""
    body = re.sub(r'href="#document-[^"#]*#', 'href="#', body)
    body = re.sub(r'href="(?:\.\./)?book/index\.html#', 'href="#', body)
    return re.sub(r'href="\.\./(?!\.)', f'href="{html.escape(book)}/', body)


def unfolded(body: str) -> str:
    """What folds is open, each chapter begins a page, figures are those of a desk by day."""
    body = re.sub(r"<script\b.*?</script>", "", body, flags=re.S)
    body = re.sub(r'<picture class="lowrot-night">.*?</picture>', "", body, flags=re.S)
    body = re.sub(r'<source media="[^>]*>| loading="lazy"', "", body)
    body = re.sub(
        r'<details(?![^>]*\bclass="[^"]*\bhide\b)(?![^>]*\bopen\b)', "<details open", body
    )
    body = re.sub(r' hidden(?:="[^"]*")?(?=[ >])', "", body)
    return re.sub(r'<span id="(document-[^"]+)"></span>',
                  r'<div class="chapter" id="\1"></div>', body)  # fmt: skip


def contents(body: str) -> str:
    """The chapters and their sections, linked."""
    found = re.findall(r'<h([123])>(.*?)<a class="headerlink" href="(#[^"]+)"', body, re.S)
    lines = "".join(
        f'<li class="level-{level}"><a href="{target}">{title}</a></li>'
        for level, title, target in found
        if level != "3" or not target.startswith("#lowrot.")
    )
    return f'<nav class="print-contents"><h2>Contents</h2><ol>{lines}</ol></nav>'


def printable(page: str, root: Path) -> str:
    """The one page as it is printed."""
    said = citation.cff(root)
    places = addresses.read(root)
    body = unfolded(inward(article(page), places.book))
    links = re.findall(r'<link[^>]*href="([^"]+\.css)[^"]*"[^>]*>', page)
    kept = [name for name in links if re.split(r"[./]", name.removeprefix("_static/"))[-2:][0]
            in STYLES or any(f"/{style}." in f"/{name}" for style in STYLES)]  # fmt: skip
    styles = "".join(f'<link rel="stylesheet" href="{name}">' for name in kept)
    authors = ", ".join(" ".join(filter(None, citation.author(a))) for a in said["authors"])
    head, _, tail = said["title"].partition(": ")
    cover = (
        f'<header class="cover"><p class="title">{html.escape(head)}</p>'
        f"<p>{html.escape(tail)}</p><p>{html.escape(authors)}</p>"
        f"<p>version {said['version']}, {said['date-released']}<br>"
        f'<a href="{places.book}">{places.book.removeprefix("https://")}</a></p></header>'
    )
    return (
        '<!DOCTYPE html>\n<html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>{html.escape(said["title"])}</title>{styles}'
        '<link rel="stylesheet" href="_static/print.css"></head>'
        f"<body>{cover}{contents(body)}{body}</body></html>\n"
    )


def print_page(source: Path, target: Path, executable: str) -> None:
    """Print, with all images there."""
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=executable, args=flags)
        page = chromium.new_page()
        page.set_default_timeout(10 * MINUTES)
        page.goto(source.as_uri(), timeout=10 * MINUTES, wait_until="domcontentloaded")
        page.evaluate("() => Promise.all([...document.images].map(i => i.decode().catch(() => 0)))")
        page.evaluate("() => document.fonts.ready")
        page.pdf(
            path=target, format="A4", margin=MARGINS, print_background=True, outline=True,
            tagged=True, display_header_footer=True, header_template="<span></span>",
            footer_template=FOOTER,
        )  # fmt: skip
        chromium.close()


def main(root: Path = ROOT) -> int:
    """Entry point of ``make pdf``."""
    started, executable = time.monotonic(), browser()
    if executable is None:
        print(MISSING, file=sys.stderr)
        return 1
    folder, target = root / "_build" / "singlehtml", root / "_build" / "lowrot.pdf"
    text = printable(single_page(root), root)
    (folder / "print.html").write_text(text, "utf8")
    print_page(folder / "print.html", target, executable)
    size = target.stat().st_size / 1e6
    print(f"{target}: {size:.1f} MB  ({time.monotonic() - started:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
