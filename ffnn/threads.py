"""How many threads the BLAS library behind NumPy's matrix products uses.

Large products gain from threads. Small ones lose: distributing the work takes longer than doing it,
and waiting threads take processor time from others. As a rule, set one thread

- for layers of up to a few hundred units and batches of up to a few hundred rows,
- where several of your own threads or processes train or predict at the same time,
- on a machine that others use too,

and leave the library's default, all processors, for layers of a thousand units and more.
``ffnn info`` shows what is in use. ``set_num_threads("auto")`` measures it for each training.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ffnn.core import thread_choice
from ffnn.core.checks import check_int
from ffnn.core.openblas import find_openblas, library_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OMP_NUM_THREADS",
)
_BY_HAND = f"set {', '.join(THREAD_VARIABLES[:-1])} or {THREAD_VARIABLES[-1]} before Python starts"


class _Mode:
    """Whether trainings choose the number themselves, and how many blocks have chosen one."""

    is_auto, chosen = False, 0


def set_num_threads(n: int | str) -> None:
    """Set how many threads NumPy's matrix products use from now on, in the whole process.

    Parameters
    ----------
    n : int or "auto"
        The number, at least 1. The library uses no more than it was built for. With "auto" each
        training uses the number that is fastest for its largest product, and one thread unless
        more are at least a tenth faster. That is measured once for a machine and a size of
        products, in a quarter of a second, and kept in the user's cache folder; ``ffnn info``
        shows it. Outside trainings the number stays as it is.

    Raises
    ------
    TypeError, ValueError
        `n` is neither an integer of at least 1 nor "auto".
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
    is_auto = _is_auto("set_num_threads", n)
    if not is_auto:
        _set("set_num_threads", n)
    _Mode.is_auto = is_auto


def get_num_threads() -> int | None:
    """Return how many threads NumPy's matrix products may use.

    Returns
    -------
    int or None
        The number; None where the BLAS library is not known, or threadpoolctl would be needed.

    Examples
    --------
    >>> import ffnn
    >>> ffnn.get_num_threads() >= 1
    True
    """
    try:
        return max(blas_libraries().values(), default=None)
    except ImportError:
        return None


@contextlib.contextmanager
def limit_threads(n: int | str) -> Iterator[None]:
    """Set how many threads NumPy's matrix products use inside a ``with`` block.

    It applies to the whole process, including its other threads, until the block ends and restores
    the number from before.

    Parameters
    ----------
    n : int or "auto"
        The number, at least 1, or what `set_num_threads` does with "auto".

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
    if _is_auto("limit_threads", n):
        before = _Mode.is_auto
        _Mode.is_auto = True
        try:
            yield
        finally:
            _Mode.is_auto = before
        return
    with _set("limit_threads", n), _chosen():
        yield


@contextlib.contextmanager
def threads_for(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> Iterator[None]:
    """Use the threads that products of about this shape take best, if "auto" is set; else nothing.

    Nothing changes inside a block that has set a number.
    """
    if not _Mode.is_auto or _Mode.chosen:
        yield
        return

    def limit(number: int) -> contextlib.AbstractContextManager[Any]:
        limiting: contextlib.AbstractContextManager[Any] = _set("set_num_threads", number)
        return limiting

    with limit(thread_choice.choose(shape, dtype, limit)), _chosen():
        yield


@contextlib.contextmanager
def _chosen() -> Iterator[None]:
    """Have the number be chosen inside a block."""
    _Mode.chosen += 1
    try:
        yield
    finally:
        _Mode.chosen -= 1


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
                stack.enter_context(_chosen())
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


def _is_auto(owner: str, n: int | str) -> bool:
    """Tell whether `n` is "auto", which needs a library that can be controlled."""
    if not (isinstance(n, str) and n == "auto"):
        return False
    _set(owner, get_num_threads() or 1)
    return True


def _set(owner: str, n: Any) -> Any:
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
