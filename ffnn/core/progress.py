"""A bar for what takes long, where somebody can see it."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ffnn.core.console import is_notebook, is_terminal, takes_bars
from ffnn.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tqdm import tqdm

    from ffnn._types import FilePath

_DELAY = 1.0  # seconds after which a bar appears
_INTERVAL = 0.1  # seconds between two looks at how far something else is
_SMALL_FILE = 1 << 18  # bytes, which are read at once, even if they are packed
_BUFFER = 1 << 16
_is_quiet = ContextVar("is_quiet", default=False)


class Bar(contextlib.AbstractContextManager["Bar"]):
    """A bar that nobody sees."""

    def update(self, count: int = 1) -> None:
        """Tell that so much more is done."""

    def reach(self, share: float) -> None:
        """Tell that this share of all is done, from 0 to 1; less than before counts as nothing."""

    def close(self) -> None:
        """Take the bar away."""

    def __exit__(self, *_: object) -> None:
        self.close()


class _SeenBar(Bar):
    """A bar that appears after a second."""

    def __init__(self, what: str, total: int, unit: str) -> None:
        self._total, self._done = total, 0
        self._bar = open_tqdm(
            total=total, desc=what, unit=unit, unit_scale=unit == "B", delay=_DELAY, leave=False
        )

    def update(self, count: int = 1) -> None:
        count = min(count, self._total - self._done)
        self._done += count
        self._bar.update(count)

    def reach(self, share: float) -> None:
        self.update(max(int(share * self._total) - self._done, 0))

    def close(self) -> None:
        self._bar.close()


def open_tqdm(**options: Any) -> tqdm[Any]:
    """Return a bar of tqdm's: in notebooks a widget where ipywidgets are, else a line of text.

    That line is printed on standard output there, as notebooks show standard error in red.
    """
    if is_notebook() and importlib.util.find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm as widget

        return widget(**options)
    from tqdm.std import tqdm

    return tqdm(file=sys.stdout if is_notebook() else None, **options)


def bar(what: str, total: int, unit: str) -> Bar:
    """Return a bar, which is seen on a terminal or in a notebook, and not within `no_bars`.

    It appears after a second. The unit "B", which is for bytes, is written with prefixes.
    """
    is_seen = (is_terminal(sys.stderr) or is_notebook()) and takes_bars()
    return _SeenBar(what, total, unit) if is_seen and not _is_quiet.get() else Bar()


@contextlib.contextmanager
def no_bars() -> Iterator[None]:
    """Show no bars within."""
    token = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(token)


@contextlib.contextmanager
def following(seen: Bar, share: Callable[[], float]) -> Iterator[None]:
    """Let a bar follow from 0 to 1 what is done within, and cannot tell it of itself."""
    if not isinstance(seen, _SeenBar):
        yield
        return
    is_done = threading.Event()

    def follow() -> None:
        while not is_done.wait(_INTERVAL):
            seen.reach(share())

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()


def open_with_bar(path: FilePath) -> BinaryIO:
    """Open a file to read bytes, with a bar that shows how many of them have been read."""
    seen = bar_of_file(path)
    if not isinstance(seen, _SeenBar):
        return open(path, "rb")
    return cast("BinaryIO", io.BufferedReader(_Watched(path, seen), _BUFFER))


def bar_of_file(path: FilePath) -> Bar:
    """Return a bar that counts the bytes of a file, which is not seen if it is small."""
    size = os.path.getsize(path) if os.path.exists(path) else 0  # whoever opens it complains
    name = printable(os.path.basename(os.fspath(path)))
    return Bar() if size < _SMALL_FILE else bar(f"Reading {name}", size, "B")


class _Watched(io.FileIO):
    """A file that shows how many of its bytes have been read."""

    def __init__(self, path: FilePath, seen: Bar) -> None:
        super().__init__(path)
        self._seen = seen

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self._seen.update(count)
        return count

    def close(self) -> None:
        super().close()
        self._seen.close()
