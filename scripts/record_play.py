"""Record the moving picture of ``ffnn play`` that README shows: ``python scripts/record_play.py``.

A network learns two spirals on the page, in a headless Chromium, and each frame is what the page
shows after some more epochs. Needs ``ffnn[html,browser]`` and a Chromium.
"""

from __future__ import annotations

import argparse
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from ffnn.play.hub import Hub
from ffnn.play.server import Server
from ffnn.play.session import Session
from ffnn.play.settings import Settings

OUT = Path(__file__).parent.parent / "docs" / "pictures" / "play.gif"
SETTINGS = Settings(
    data="spiral",
    noise=0.05,
    hidden=((8, "tanh"), (8, "tanh"), (4, "tanh")),
    learning_rate=0.01,
    seed=1,
)
EPOCHS = [1] * 6 + [2] * 8 + [4] * 14 + [8] * 8  # between two frames
WIDTH, HEIGHT, SHOWN_WIDTH = 1280, 700, 960
COLOURS = 80
MILLISECONDS, LAST_MILLISECONDS = 120, 2500
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def frames(page: Any) -> Iterator[Image.Image]:
    """Yield what the page shows as the network learns."""
    epoch = 0
    for epochs in [0, *EPOCHS]:
        for _ in range(epochs):
            epoch += 1
            page.click("#epoch")
            page.wait_for_function(
                f"ffnnPlay.frame.facts.epoch === {epoch} && ffnnPlay.frame.facts.state === 'paused'"
            )
        page.wait_for_timeout(80)  # for the figures
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        yield picture.resize((SHOWN_WIDTH, SHOWN_WIDTH * HEIGHT // WIDTH), Image.Resampling.LANCZOS)


def record(out: Path) -> None:
    """Write the moving picture."""
    session = Session(SETTINGS)
    server = Server(Hub(session, 0.02, "ffnn play"))
    session.start()
    server.start()
    try:
        with sync_playwright() as playwright:
            program = next(filter(None, map(shutil.which, BROWSERS)), None)
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto(server.url)
            page.wait_for_function("window.ffnnPlay && ffnnPlay.frame")
            pictures = list(frames(page))
            browser.close()
    finally:
        server.stop()
        session.stop()
    palette = pictures[-1].quantize(COLOURS, dither=Image.Dither.NONE)
    first, *others = (each.quantize(palette=palette, dither=Image.Dither.NONE) for each in pictures)
    times = [MILLISECONDS] * len(others) + [LAST_MILLISECONDS]
    first.save(out, save_all=True, append_images=others, duration=times, loop=0, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    record(parser.parse_args().out)
