"""A lock that a forked child of the process gets free, whoever holds it in the parent."""

from __future__ import annotations

import os
import threading
from typing import ClassVar
from weakref import WeakSet


class ForkSafeLock:
    """A lock for ``with`` blocks, which one thread may enter more than once.

    Of a process's threads a forked child has only the one that forked; a lock that another thread
    held would stay locked in it for ever. What the lock guards must do no harm when it is begun
    again.
    """

    _all: ClassVar[WeakSet[ForkSafeLock]] = WeakSet()

    def __init__(self) -> None:
        self.renew()
        self._all.add(self)

    def renew(self) -> None:
        """Forget who holds the lock."""
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    @classmethod
    def renew_all(cls) -> None:
        """Free all locks; called in a forked child before anything else runs."""
        for lock in list(cls._all):
            lock.renew()


if hasattr(os, "register_at_fork"):  # POSIX
    os.register_at_fork(after_in_child=ForkSafeLock.renew_all)
