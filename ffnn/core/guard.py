"""A process that does nothing but wait for another one, and tell if a signal has ended it.

Where a process of a job is ended by a signal, ``mpiexec`` ends all others and returns the signal's
number, which says little. A process that waits for the one that works can say more.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import warnings
from collections.abc import Callable
from types import FrameType

from ffnn.core.console import flush

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux, which alone knows it
_ENDED = 1  # an exit code, of a process whose parent has gone


def guard(tell: Callable[[str], object]) -> None:
    """Continue in a new process; this one waits for it, and ends as it does.

    If a signal ends the new process, `tell` is called with the signal's name. What signals ask of
    this process is passed on. If this process is ended, so is the new one; where the system cannot
    promise that, all goes on in this process.
    """
    if sys.platform != "linux":
        return
    flush()
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's threads can be forked
        child = os.fork()
    if child == 0:
        os.setpgid(0, 0)  # so that a signal to the group comes once, passed on
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, int(signal.SIGKILL))
        if os.getppid() != parent:  # it has ended meanwhile
            os._exit(_ENDED)
        return

    def pass_on(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended < 0:
        tell(signal.Signals(-ended).name)
    os._exit(abs(ended))
