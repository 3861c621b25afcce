"""Use the page of ``ffnn play`` at random: ``python scripts/soak_play.py [--minutes 10]``.

Several tabs are clicked, typed into, dragged on, resized and reloaded, and now and then the browser
is killed. Afterwards it says, and the exit code tells, whether anything went wrong: an error in a
browser's console, a line on the server's standard error, a thread that is left, and, in a run of
five minutes or more, memory that grows: the least that the server holds in the last third of the
time is over 20 MiB more than the least in the second third. What it holds goes up and down with the
size of the network that is trained; in the first third it loads what it uses. Needs Linux,
``ffnn[html,browser]`` and a Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MOST_TABS = 3
MOST_GROWTH = 20.0  # MiB
THREADS = 8  # of the server at its end: its own three, and those of the BLAS library
_LEAST_MINUTES = 5.0  # in which growth says anything
SIZES = [(1400, 900), (1920, 1080), (390, 844), (800, 600)]


class Soak:
    """Random use of one server by one browser after the other.

    Parameters
    ----------
    url : str
        The address of the page.
    rng : random.Random
        What chooses.
    """

    def __init__(self, playwright: Any, url: str, rng: random.Random) -> None:
        self.playwright, self.url, self.rng = playwright, url, rng
        self.problems: list[str] = []
        self.actions = 0
        self.browser: Any = None
        self.pages: list[Any] = []

    def open(self) -> None:
        """Open a tab, in a new browser if there is none."""
        if self.browser is None:
            program = next(filter(None, map(shutil.which, BROWSERS)), None)
            self.browser = self.playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox"]
            )
        page = self.browser.new_page()
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: self.problems.append(f"page: {error}"))
        page.on("console", self.listen)
        page.goto(self.url)
        page.wait_for_function("window.ffnnPlay && ffnnPlay.frame")
        self.pages.append(page)

    def listen(self, message: Any) -> None:
        """Keep what a browser complains of."""
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def kill(self) -> None:
        """Kill the browser, as a crash would."""
        for line in subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())],
            capture_output=True, text=True, check=False,
        ).stdout.splitlines():  # fmt: skip
            self.kill_under(int(line.split()[0]))
        if self.browser is not None:
            with contextlib.suppress(Error):
                self.browser.close()
        self.browser, self.pages = None, []

    def kill_under(self, parent: int) -> None:
        """Kill the browsers that a process of ours has started."""
        found = subprocess.run(
            ["ps", "-o", "pid=,comm=", "--ppid", str(parent)],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
        for line in found.splitlines():
            number, name = line.split(None, 1)
            if "chrom" in name:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGKILL)

    def act(self) -> None:
        """Do one thing at random."""
        self.actions += 1
        chance = self.rng.random()
        if not self.pages or (chance < 0.02 and len(self.pages) < MOST_TABS):
            self.open()
            return
        page = self.rng.choice(self.pages)
        if chance < 0.025:
            self.kill()
        elif chance < 0.04:
            self.pages.remove(page)
            page.close()
        elif chance < 0.06:
            page.reload()
            page.wait_for_function("window.ffnnPlay && ffnnPlay.frame")
        elif chance < 0.1:
            width, height = self.rng.choice(SIZES)
            page.set_viewport_size({"width": width, "height": height})
        elif chance < 0.3:
            self.drag(page)
        else:
            self.use(page)

    def drag(self, page: Any) -> None:
        """Press, move and release somewhere on the network or the pad."""
        box = page.locator(self.rng.choice(["#graph", "#graph", "#pad"])).bounding_box()
        if box is None:
            return
        places = [
            (
                box["x"] + self.rng.random() * box["width"],
                box["y"] + self.rng.random() * box["height"],
            )
            for _ in range(2)
        ]
        page.mouse.move(*places[0])
        page.mouse.down()
        page.mouse.move(*places[1], steps=self.rng.randint(1, 5))
        page.mouse.up()

    def use(self, page: Any) -> None:
        """Use a control that can be used, with a value that it takes or one that it does not."""
        controls = page.query_selector_all("button, select, input:not([type=file]), summary")
        with contextlib.suppress(Error):  # it may be gone by now
            self.use_one(self.rng.choice(controls))

    def use_one(self, control: Any) -> None:
        """Use a control, if it is there and can be used."""
        if not control.is_visible() or not control.is_enabled():
            return
        kind = control.evaluate("each => each.type || each.tagName")
        if kind == "select-one":
            values = control.evaluate("each => [...each.options].map((one) => one.value)")
            control.select_option(self.rng.choice(values), timeout=2000)
        elif kind in ("range", "number"):
            value = self.rng.choice(["0", "1", "3", "0.01", "-1", "1e9", ""])
            control.evaluate(
                "(each, value) => { each.value = value; for (const name of ['input', 'change'])"
                " each.dispatchEvent(new Event(name)); }",
                value,
            )
        else:
            control.click(timeout=2000)


def memory_of(process: subprocess.Popen[str]) -> float:
    """Return the MiB that a process holds."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def threads_of(process: subprocess.Popen[str]) -> int:
    """Return how many threads a process has."""
    return len(os.listdir(f"/proc/{process.pid}/task"))


@contextlib.contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[None]:
    """Kill a process if something goes wrong."""
    try:
        yield
    except BaseException:
        process.kill()
        raise


def soak(minutes: float, seed: int) -> dict[str, Any]:
    """Use the page for some minutes and return what was found."""
    server = subprocess.Popen(
        [sys.executable, "-m", "ffnn", "play", "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert server.stdout is not None
    url = next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
    begin = time.monotonic()
    held: list[list[float]] = [[], [], []]  # MiB, in each third of the time
    with ending(server), sync_playwright() as playwright:
        user = Soak(playwright, url, random.Random(seed))
        while (passed := time.monotonic() - begin) < 60.0 * minutes:
            try:
                user.act()
            except Error as error:
                user.problems.append(f"action {user.actions}: {error.message.splitlines()[0]}")
                user.kill()
            held[min(int(passed / (20.0 * minutes)), 2)].append(memory_of(server))
        user.kill()
        time.sleep(8.0)  # for the server to notice that nobody is there
        held[2].append(memory_of(server))
        threads = threads_of(server)
    server.send_signal(signal.SIGINT)
    _, complaints = server.communicate(timeout=30)
    problems = [*user.problems, *complaints.splitlines()]
    least = [min(each, default=0.0) for each in held]
    if minutes >= _LEAST_MINUTES and least[2] - least[1] > MOST_GROWTH:
        problems.append(f"the server has grown by {least[2] - least[1]:.1f} MiB")
    if threads > THREADS:
        problems.append(f"the server has {threads} threads with no page open")
    if server.returncode:
        problems.append(f"the server ended with {server.returncode}")
    return {
        "actions": user.actions,
        "memory": [[round(min(each), 1), round(max(each), 1)] for each in held if each],
        "threads": threads,
        "problems": problems,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    result = soak(args.minutes, args.seed)
    print(json.dumps(result, indent=2))
    sys.exit(bool(result["problems"]))
