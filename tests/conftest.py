"""What several test files share."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parent.parent / "scripts" / "soak.py"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def sigint():
    """Skip a test that sends SIGINT where that is ignored, as in the background of a shell."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("SIGINT is ignored")


@pytest.fixture
def soak(tmp_path):
    """Return a function that runs a trial of ``scripts/soak.py`` at its small count.

    It runs in a process of its own, as trials fork, limit their memory and are killed.
    """
    if sys.platform != "linux":
        pytest.skip("trials need Linux")

    def run(trial):
        command = [sys.executable, str(SOAK), trial, "--quick", "--seed", "0", "--json"]
        done = subprocess.run(
            [*command, "--out", str(tmp_path / "found")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)[0]

    return run


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install 'ffnn[browser]'"
    )
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"needs a browser, found none of {', '.join(BROWSERS)}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_file(browser):
    """Return a function that opens a page; whatever goes wrong in the browser fails the test."""
    problems, contexts = [], []

    def answer(route):
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            problems.append(f"request of {route.request.url}")
            route.abort()

    def listen(message):
        if message.type in ("error", "warning"):
            problems.append(f"console: {message.text}")

    def open_in_window(path, width=1280, height=800, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
        )
        contexts.append(context)
        context.set_default_timeout(30_000)
        context.route("**/*", answer)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.on("dialog", lambda dialog: (problems.append("a dialog"), dialog.dismiss()))
        page.on("console", listen)
        page.goto(path.as_uri())
        return page

    yield open_in_window
    for context in contexts:
        context.close()
    assert problems == []
