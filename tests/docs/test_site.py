"""The site as a reader meets it: links, pictures, narrow windows, search, without a network.

``FFNN_SITE`` names the folder in which it was built; `.ci/run` builds it.
"""

import os
import re
import threading
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from accessibility import barriers

SITE = Path(os.environ.get("FFNN_SITE", "FFNN_SITE is not set"))
pytestmark = pytest.mark.skipif(not SITE.is_dir(), reason="FFNN_SITE: no site was built")

PAGES = [  # one of each kind
    *("index", "tables", "using", "how-to/keras", "how-to/course", "house/index"),
    *("tutorial/index", "tutorial/t1_exclusive_or", "gallery/c09_teaching_sheet"),
    *("mathematics/m1_backpropagation", "formulas/layer", "formulas/loss"),
    *("reference/ffnn.layers", "reference/names/ffnn.Sequential", "reference/command-line"),
]
# Code that scrolls in a narrow window is reached by keys, a moment after the window has changed.
REACHED = """[...document.querySelectorAll('pre')].every(
    each => each.scrollWidth <= each.clientWidth || each.tabIndex >= 0)"""
WINDOWS = [(width, scheme) for width in (1400, 800, 390) for scheme in ("light", "dark")]
AXE_WINDOWS = WINDOWS[::3] + WINDOWS[4:5]  # each width and each scheme, as axe-core is slow


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_page(browser, address):
    """Return a function that opens a page; a request to elsewhere or an error fails the test."""
    problems, contexts = [], []

    def answer(route):
        if route.request.url.startswith(address):
            route.continue_()
        else:
            problems.append(f"request of {route.request.url}")
            route.abort()

    def listen(message):
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            problems.append(message.text)

    def check(response):
        if response.status >= 400 and response.request.resource_type not in ("fetch", "xhr"):
            problems.append(response.url)  # axe-core fetches styles by itself

    def open_it(name):
        contexts.append(browser.new_context(viewport={"width": 1400, "height": 900}))
        contexts[-1].set_default_timeout(120_000)
        contexts[-1].route("**/*", answer)
        page = contexts[-1].new_page()
        page.on("console", listen)
        page.on("response", check)
        page.goto(f"{address}/{name}")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert problems == []


@pytest.mark.parametrize("name", PAGES)
def test_no_window_has_to_be_scrolled_sideways_and_all_pictures_are_there(open_page, name):
    page = open_page(f"{name}.html")
    for width, scheme in WINDOWS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, scheme)
    broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
    assert page.evaluate(broken) == []
    assert page.evaluate("[...document.querySelectorAll('merror, .problematic')].length") == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_barriers(open_page, name):
    page = open_page(f"{name}.html")
    resize = page.set_viewport_size

    def resize_and_settle(size):
        resize(size)
        page.wait_for_function(REACHED)

    page.set_viewport_size = resize_and_settle
    assert barriers(page, AXE_WINDOWS) == []


@pytest.mark.parametrize("words", ["dropout", "learning rate", "confusion matrix"])
def test_the_search_finds(open_page, words):
    page = open_page(f"search.html?q={words.replace(' ', '+')}")
    page.wait_for_selector("#search-results li a")
    results = page.locator("#search-results li a").all_inner_texts()
    assert any(words.split()[0] in text.lower() for text in results), results


def links_of(path):
    """Return the places that a page links to or shows, within the site."""
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r'(?:href|src)="([^"]*)"', text):
        parts = urlsplit(unescape(target))
        if not parts.scheme and not parts.netloc:
            yield parts


def test_every_link_leads_somewhere():
    anchors, broken = {}, []

    def anchors_of(path):
        if path not in anchors:
            anchors[path] = set(re.findall(r'(?:id|name)="([^"]*)"', path.read_text("utf-8")))
        return anchors[path]

    pages = sorted(SITE.rglob("*.html"))
    for path in pages:
        if "_downloads" in path.parts or "_static" in path.parts:
            continue
        for parts in links_of(path):
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            is_there = target.exists()
            if is_there and parts.fragment and target.suffix == ".html":
                is_there = unquote(parts.fragment) in anchors_of(target)
            if not is_there:
                broken.append(f"{path.relative_to(SITE)}: {parts.geturl()}")
    assert broken == []
    assert len(pages) > 200
