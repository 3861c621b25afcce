"""Signals that wait while something is done that they would break, or that would swallow them."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block has ended, where Python code handles them.

    A handler raises wherever it is called, also in the callback of a weak reference, of which h5py
    makes many, and out of which Python lets no exception. The second signal of a kind does not
    wait.
    """
    handlers: dict[int, Handler] = {}
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if came.count(number) > 1:
            handlers[number](number, frame)

    try:
        if threading.current_thread() is threading.main_thread():  # no other is ever interrupted
            for number in (int(signal.SIGINT), int(signal.SIGTERM)):
                handler = signal.getsignal(number)
                if callable(handler):
                    handlers[number] = handler
                    signal.signal(number, note)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(came):
            handlers[number](number, None)
