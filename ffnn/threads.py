"""How many threads the BLAS library behind NumPy's matrix products uses.

Large products gain from threads. Small ones lose: distributing the work takes longer than doing it,
and waiting threads take processor time from others. As a rule, set one thread

- for layers of up to a few hundred units and batches of up to a few hundred rows,
- where several of your own threads or processes train or predict at the same time,
- on a machine that others use too,

and leave the library's default, all processors, for layers of a thousand units and more.
``ffnn info`` shows what is in use. Measure if it matters: either setting is one line.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ffnn.core.checks import check_int
from ffnn.core.openblas import find_openblas, library_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OMP_NUM_THREADS",
)
_BY_HAND = f"set {', '.join(THREAD_VARIABLES[:-1])} or {THREAD_VARIABLES[-1]} before Python starts"


def set_num_threads(n: int) -> None:
    """Set how many threads NumPy's matrix products use from now on, in the whole process.

    Parameters
    ----------
    n : int
        The number, at least 1. The library uses no more than it was built for.

    Raises
    ------
    TypeError, ValueError
        `n` is not an integer of at least 1.
    ImportError
        NumPy does not use the OpenBLAS of its wheels, and threadpoolctl, which comes with
        ``ffnn[threads]``, is not installed.
    RuntimeError
        NumPy's BLAS library cannot be controlled, such as Apple's Accelerate.

    See Also
    --------
    limit_threads : The same for part of a program.

    Examples
    --------
    >>> import ffnn
    >>> ffnn.set_num_threads(1)
    """
    _set("set_num_threads", n)


def get_num_threads() -> int | None:
    """Return how many threads NumPy's matrix products may use.

    Returns
    -------
    int or None
        The number; None where the BLAS library is not known, or threadpoolctl would be needed.
    """
    try:
        return max(blas_libraries().values(), default=None)
    except ImportError:
        return None


@contextlib.contextmanager
def limit_threads(n: int) -> Iterator[None]:
    """Set how many threads NumPy's matrix products use inside a ``with`` block.

    It applies to the whole process, including its other threads, until the block ends and restores
    the number from before.

    Parameters
    ----------
    n : int
        The number, at least 1.

    Raises
    ------
    TypeError, ValueError, ImportError, RuntimeError
        As in `set_num_threads`.

    Examples
    --------
    >>> from ffnn.threads import limit_threads
    >>> with limit_threads(1):
    ...     history = model.fit(x, y)  # doctest: +SKIP
    """
    with _set("limit_threads", n):
        yield


@contextlib.contextmanager
def one_thread(*, always: bool = False) -> Iterator[None]:
    """Use one thread inside a ``with`` block, as small products do best.

    Nothing changes where none can be set, or where the user has set a number in the environment,
    unless it is one `always`.
    """
    with contextlib.ExitStack() as stack:
        if always or not any(os.environ.get(name) for name in THREAD_VARIABLES):
            with contextlib.suppress(ImportError, RuntimeError):
                stack.enter_context(_set("one_thread", 1))
        yield


def blas_libraries() -> dict[str, int]:
    """Return the BLAS libraries that NumPy uses: name and version → number of threads.

    It is empty where threadpoolctl does not know the library; ImportError is raised where it is
    needed and not installed.
    """
    return {
        f"{library['internal_api']} {library['version'] or ''}".rstrip(): library["num_threads"]
        for library in _controller().info()
    }


def _set(owner: str, n: int) -> Any:
    """Set the number, and return a context manager that restores the one from before."""
    n = check_int(owner, "n", n, low=1)
    controller = _controller()
    if not controller.info():
        raise RuntimeError(
            f"{owner}: threadpoolctl does not know the BLAS library that NumPy uses; {_BY_HAND}"
        )
    return controller.limit(limits=n)


def _controller() -> Any:
    """Return threadpoolctl's controller of the BLAS that came with NumPy, else of every BLAS."""
    try:
        threadpoolctl = importlib.import_module("threadpoolctl")
    except ImportError as error:
        own = find_openblas()
        if own is not None:
            return own
        raise ImportError(
            "the number of threads is set through threadpoolctl, which is not installed: "
            f"pip install 'ffnn[threads]'; without it {_BY_HAND}"
        ) from error
    every = threadpoolctl.ThreadpoolController().select(user_api="blas")
    homes = library_folders()
    paths = [library["filepath"] for library in every.info()]
    found = [path for path in paths if homes.intersection(Path(path).resolve().parents)]
    return every.select(filepath=found) if found else every
