"""What the live page costs: ``python benchmarks/bench_play.py [--seconds 5] [--rounds 5]``.

Frames a second of the page of ``ffnn play``, and updates a second beside them, as fast as both can;
then the time of a training of 784-128-64-10 with `Watch` and an open page, compared with that of
the same training without. Needs ``ffnn[html,browser]`` and a Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

import ffnn
from ffnn.callbacks import Callback, Watch
from ffnn.layers import Dense
from ffnn.play.hub import Hub
from ffnn.play.play import FRAME_SECONDS
from ffnn.play.server import Server
from ffnn.play.session import Session
from ffnn.play.settings import Settings

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NETWORKS = {
    "2-16-16-2": Settings(hidden=((16, "relu"), (16, "relu"))),
    "64-128-64-10": Settings(data="digits", hidden=((128, "relu"), (64, "relu"))),
}


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """Start a Chromium without windows."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


def open_page(started: Any, url: str) -> Any:
    """Return a page of the browser once it shows a frame."""
    page = started.new_page(viewport={"width": 1400, "height": 900})
    page.goto(url)
    page.wait_for_function("window.ffnnPlay && ffnnPlay.frame")
    return page


def play(started: Any, settings: Settings, seconds: float) -> tuple[float, float, float]:
    """Return frames a second, updates a second, and milliseconds that Python takes for a frame."""
    session = Session(settings)
    hub = Hub(session, FRAME_SECONDS, "play")
    server = Server(hub)
    session.start()
    server.start()
    try:
        page = open_page(started, server.url)
        page.select_option("#speed", "")
        page.click("#run")
        time.sleep(1.0)
        counts = "[ffnnPlay.drawn.frames, ffnnPlay.frame.facts.updates]"
        start, before = time.perf_counter(), page.evaluate(counts)
        time.sleep(seconds)
        after, passed = page.evaluate(counts), time.perf_counter() - start
        page.click("#run")
        page.close()
        costs = []
        for _ in range(20):
            begin = time.perf_counter()
            hub._draw(session.latest)
            costs.append(1e3 * (time.perf_counter() - begin))
    finally:
        server.stop()
        session.stop()
    frames, updates = ((b - a) / passed for a, b in zip(before, after, strict=True))
    return frames, updates, statistics.median(costs)


class Clock(Callback):
    """Measures each epoch: by the clock, and how long this process was computing."""

    is_onlooker = True

    def __init__(self) -> None:
        self.times: list[tuple[float, float]] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> None:
        """Start."""
        self.start = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Stop."""
        wall, computing = self.start
        self.times.append((time.perf_counter() - wall, time.process_time() - computing))

    def means(self) -> list[float]:
        """Return the mean of both."""
        return [statistics.fmean(each) for each in zip(*self.times, strict=True)]


def watch(started: Any, rounds: int) -> tuple[list[float], list[float]]:
    """Return the means of an epoch without and with a page, taken in turn; see `Clock`.

    A frame falls into few of the epochs, so a median would not show what it costs.
    """
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (20_000, 784), np.uint8), rng.integers(0, 10, 20_000)
    layers = [ffnn.layers.Rescaling(1 / 255), Dense(128, "relu"), Dense(64, "relu")]
    model = ffnn.Sequential([*layers, Dense(10, "softmax")], input_dim=784, seed=0)
    model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    shown = Watch((x[:1000], y[:1000]))
    plain, watched = Clock(), Clock()
    fit = {"batch_size": 64, "epochs": 30, "verbose": 0}
    model.fit(x, y, **fit | {"epochs": 1}, callbacks=[shown])
    page = open_page(started, shown.url)
    for _ in range(rounds):
        model.fit(x, y, **fit, callbacks=[plain])
        model.fit(x, y, **fit, callbacks=[shown, watched])
    page.close()
    shown.stop()
    return plain.means(), watched.means()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with browser() as started:
        for name, settings in NETWORKS.items():
            frames, updates, cost = play(started, settings, args.seconds)
            print(
                f"{name:14} {frames:5.1f} frames/s, {updates:7,.0f} updates/s, "
                f"{cost:.1f} ms of Python a frame"
            )
        plain, watched = watch(started, args.rounds)
        for what, without, with_page in zip(("seconds", "CPU"), plain, watched, strict=True):
            print(
                f"784-128-64-10  an epoch: {what} {without:.3f}, watched {with_page:.3f}: "
                f"{100 * (with_page / without - 1):+.1f} %"
            )


if __name__ == "__main__":
    main()
