"""Processes of one job, which MPI calls ranks: how they find one another, wait, and end together.

MPI itself waits for ever for a rank that is dead, stopped or has never started. Here every call
that waits has a deadline; behind it, the job ends on all ranks with exit code `LOST`.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib
import os
import pickle
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ffnn.core.console import complain, flush
from ffnn.core.guard import guard

if TYPE_CHECKING:
    from ffnn._types import Array

LOST = 75  # an exit code: a rank of the job was lost
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_SIZE")  # as mpiexec sets them for each rank
_RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK")
_SPINS = 200  # looks without a pause before a wait sleeps
_PAUSE = 5e-5  # seconds
_GRACE = 1.0  # seconds that others leave to rank 0, whose message is the clearest
_PRINTING = 0.2  # seconds in which mpiexec prints what a rank has written before it ends


def launched_size() -> int:
    """Return how many ranks ``mpiexec`` has started, 1 outside of it."""
    return _from_environment(_SIZES, 1)


def launched_rank() -> int:
    """Return which of these this process is, 0 outside of it."""
    return _from_environment(_RANKS, 0)


def _from_environment(names: Sequence[str], default: int) -> int:
    found = (os.environ.get(name, "") for name in names)
    return next((int(text) for text in found if text.isdigit()), default)


def guard_rank() -> None:
    """Let this process, one of several, wait for another one that does its work.

    If a signal ends that one, the job ends with exit code `LOST`, and not with the signal's number.
    """

    def tell(name: str) -> None:
        reason = ", as the system does where memory runs out" if name == "SIGKILL" else ""
        who = f"rank {launched_rank()} of {launched_size()}"
        complain(f"ffnn: error: {who} was ended by {name}{reason}")
        _abort(LOST)
        os._exit(LOST)

    if launched_size() > 1:
        guard(tell)


def _abort(code: int) -> None:
    """Have ``mpiexec`` end all ranks with an exit code, as MPI_Abort does, but silently.

    It returns where no process manager takes that. MPI need not have begun.
    """
    with contextlib.suppress(OSError, ValueError):
        flush()
    time.sleep(_PRINTING)
    with contextlib.suppress(KeyError, ValueError, OSError):
        os.write(int(os.environ["PMI_FD"]), f"cmd=abort exitcode={code}\n".encode())
        time.sleep(10 * _GRACE)  # in which it ends this process


class Ranks:
    """The ranks of the job that this process belongs to, and what they send to one another.

    Parameters
    ----------
    timeout : float
        The seconds after which a rank that does not answer is taken as lost.

    Attributes
    ----------
    rank : int
        Which one this process is. Rank 0 speaks for all.
    size : int
        How many there are.
    """

    has_agreed = False  # that all do the same work
    has_failed = False  # all with the same error

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._mpi, self._library = _load()
        self.rank, self.size = launched_rank(), launched_size()
        if not self._mpi.Is_initialized():
            began, provided = "not all ranks have started", ctypes.c_int()
            required = int(self._mpi.THREAD_FUNNELED)
            with self._deadline(began):
                self._library.MPI_Init_thread(None, None, required, ctypes.byref(provided))
            atexit.register(self._finalize)
        self._world = self._mpi.COMM_WORLD
        self._world.Set_errhandler(self._mpi.ERRORS_RETURN)  # so that an error is an exception
        self.rank, self.size = self._world.rank, self._world.size

    # -- sending -------------------------------------------------------------------------------

    def exchange(
        self, sent: Sequence[tuple[int, Array]], received: Sequence[tuple[int, Array]]
    ) -> None:
        """Send arrays to ranks, and fill others with what these ranks send here.

        Both hold ranks, each with an array that lies in one piece; those of one rank arrive in
        order.
        """
        try:
            waiting = [
                (rank, self._world.Irecv(_bytes(array), rank).Test) for rank, array in received
            ]
            waiting += [(rank, self._world.Isend(_bytes(array), rank).Test) for rank, array in sent]
            self._wait(waiting)
        except self._mpi.Exception as error:
            self._lose_connection(error)

    def share(self, content: Any = None) -> Any:
        """Return on all ranks what rank 0 gives here."""
        if self.rank == 0:
            self._send(pickle.dumps(content), range(1, self.size))
            return content
        return self._receive([0])[0]

    def collect(self, content: Any) -> list[Any]:
        """Return on all ranks what each of them gives here, by rank."""
        others = [rank for rank in range(self.size) if rank != self.rank]
        self._send(pickle.dumps(content), others, finish=False)
        found = self._receive(others)
        found.insert(self.rank, content)
        return found

    def _send(self, text: bytes, ranks: Sequence[int], *, finish: bool = True) -> None:
        self._sending = [(rank, self._world.Isend(text, rank, 1).Test) for rank in ranks]
        if finish:
            self._wait(self._sending)

    def _receive(self, ranks: Sequence[int]) -> list[Any]:
        found: dict[int, Any] = {}

        def look(rank: int) -> bool:
            status = self._mpi.Status()
            if not self._world.Iprobe(rank, 1, status):
                return False
            text = bytearray(status.Get_count(self._mpi.BYTE))
            self._world.Recv(text, rank, 1)  # which has arrived
            found[rank] = pickle.loads(text)
            return True

        def looking(rank: int) -> Callable[[], bool]:
            return lambda: look(rank)

        try:
            self._wait([(rank, looking(rank)) for rank in ranks])
        except self._mpi.Exception as error:
            self._lose_connection(error)
        return [found[rank] for rank in ranks]

    def _wait(self, waiting: Sequence[tuple[int, Callable[[], bool]]]) -> None:
        """Wait until all tests hold; each is of a rank."""
        looks, until = 0, time.monotonic() + self.timeout
        while waiting := [each for each in waiting if not each[1]()]:
            looks += 1
            time.sleep(0.0 if looks < _SPINS else _PAUSE)  # which lets other ranks compute
            if time.monotonic() > until:
                self.lose(self._silence(sorted({rank for rank, _ in waiting})))

    def _silence(self, ranks: list[int]) -> str:
        who, have = ("rank", "has") if len(ranks) == 1 else ("ranks", "have")
        names = ", ".join(map(str, ranks))
        return (
            f"{who} {names} of {self.size} {have} not answered for {self.timeout:g} s: dead, "
            f"stopped, or slower than the timeout allows"
        )

    # -- ending --------------------------------------------------------------------------------

    def lose(self, problem: str) -> NoReturn:
        """End the job because of a lost rank."""
        self.abort(f"ffnn: error: rank {self.rank}: {problem}", LOST)

    def _lose_connection(self, error: Exception) -> NoReturn:
        time.sleep(_GRACE)  # in which what guards the other rank says why
        reason = " ".join(str(error).split())
        self.lose(f"the connection to another rank has ended: {reason}")

    def abort(self, message: str, code: int) -> NoReturn:
        """Print a message and end all ranks at once with an exit code.

        Rank 0 does so first: where all ranks have the same to say, it alone does.
        """
        if self.rank:
            time.sleep(_GRACE + min(self.rank, 10) * 0.5)
        complain(message)
        self._end(code)

    def _end(self, code: int) -> NoReturn:
        _abort(code)
        if self._mpi.Is_initialized():
            self._mpi.COMM_WORLD.Abort(code)
        os._exit(code)

    def _finalize(self) -> None:
        with self._deadline("not all ranks have ended"):
            self._library.MPI_Finalize()

    @contextlib.contextmanager
    def _deadline(self, problem: str) -> Any:
        """Lose the job unless a call of MPI, which lets other threads run, returns in time."""
        told = f"{problem}: waited {self.timeout:g} s"
        timer = threading.Timer(self.timeout, lambda: self.lose(told))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _load() -> tuple[Any, Any]:
    """Return mpi4py's module, not yet begun, and the library, whose calls let threads run.

    ImportError says that one of them is missing. Where all ranks are on one machine, nothing is to
    listen on the network.
    """
    size = launched_size()
    local = _from_environment(("MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE"), size)
    if local == size:
        os.environ.setdefault("UCX_NET_DEVICES", "lo")
    try:
        mpi4py = importlib.import_module("mpi4py")
        mpi4py.rc.initialize = False
        module = importlib.import_module("mpi4py.MPI")
        return module, ctypes.CDLL(module.__file__)
    except (ImportError, OSError, RuntimeError) as error:
        reason = "" if isinstance(error, ModuleNotFoundError) else f" ({error})"
        raise ImportError(
            f"training on several ranks needs mpi4py and an MPI library{reason}: "
            f"pip install 'ffnn[mpi]'"
        ) from error


def _bytes(array: Array) -> memoryview:
    """Return the memory of an array that lies in one piece."""
    return array.reshape(-1).view("u1").data
