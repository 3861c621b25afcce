"""Ctrl-C and SIGTERM, held back until a batch is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """SIGTERM, as `terminate` raises it."""


def terminate(number: int, frame: FrameType | None) -> NoReturn:
    """Raise `Terminated`: a handler of SIGTERM for programs that train and nothing else."""
    raise Terminated


class Interrupt:
    """Ctrl-C held back until the batch is done; a second one ends at once.

    Used as a context manager. It takes over only where Python's own handler is in place, in the
    main thread; elsewhere Ctrl-C stays what it is. SIGTERM is held back too where `terminate`
    handles it.
    """

    def __init__(self) -> None:
        self.requested = 0  # the number of the signal that came, if one did
        self._handlers: dict[int, Callable[[int, FrameType | None], object]] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            known = ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, terminate))
            for number, handler in known:
                if signal.getsignal(number) is handler:
                    self._handlers[number] = handler
                    signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            self._handlers[number](number, frame)
        self.requested = number
