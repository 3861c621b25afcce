"""Take README's picture of the saved page: ``python scripts/draw_page.py [--out FILE]``.

It needs Playwright and Chromium. A network learns to read digits, and the page of `save_graph`
shows what it makes of one of them, with twice the pixels, for dense screens.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import ffnn
from ffnn.callbacks import Recorder
from ffnn.layers import Dense, Rescaling

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = Path(__file__).parent.parent / "docs" / "pictures" / "page.png"
WIDTH, HEIGHT = 1400, 830
ROW, ANSWER = 4, 5


def save_page(path: Path) -> None:
    """Write the page of a network that has learned to read digits."""
    (x, y), (x_test, y_test) = ffnn.datasets.load_digits()
    layers = [Rescaling(1 / 16), Dense(16, "relu"), Dense(10, "softmax")]
    model = ffnn.Sequential(layers, input_dim=64, seed=1)
    model.compile(ffnn.optimizers.Adam(0.01), "categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=5, verbose=0, callbacks=[Recorder(snapshots=1)])
    model.save_graph(path, x_test[:25], y_test[:25])


def take_picture(page_path: Path, path: Path) -> None:
    """Photograph the page while a row passes the network."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        window = {"width": WIDTH, "height": HEIGHT}
        page = browser.new_context(viewport=window, device_scale_factor=2).new_page()
        page.goto(page_path.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        page.locator(".row").nth(ROW).click()
        page.locator("g.node[data-column='2'] .mark").nth(ANSWER).click()
        page.mouse.move(0, 0)
        page.screenshot(path=path)
        browser.close()


def main(argv: Sequence[str] | None = None) -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description="Take the picture of the saved page.")
    parser.add_argument("--out", type=Path, default=FILE, metavar="FILE", help="where it goes")
    path = parser.parse_args(argv).out
    with tempfile.TemporaryDirectory() as folder:
        page_path = Path(folder) / "digits.html"
        save_page(page_path)
        take_picture(page_path, path)
    print(f"written: {path}")


if __name__ == "__main__":
    main()
