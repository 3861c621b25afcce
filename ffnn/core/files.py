"""Files that are read once, and replaced as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import math
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from ffnn._types import FilePath
from ffnn.core.signals import signals_held
from ffnn.core.text import byte_count
from ffnn.errors import ModelFileError

Content: TypeAlias = bytes | bytearray | memoryview

# The errors of folders that their file system cannot sync, or that may not be read.
_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)
_NOT_REGULAR = (
    "it is not a regular file but a pipe or a device, which is not replaced; choose another name"
)
_TEMPORARY = re.compile(r"\.ffnn-([0-9a-f]{8})-([0-9]{1,9})-[0-9a-f]{16}\.tmp")


# -- reading -----------------------------------------------------------------------------------


def read_whole(path: FilePath, start: int, check: Callable[[bytes, int], object]) -> bytearray:
    """Return the content of a regular file, read once, so that later changes do not matter.

    `check` takes the first `start` bytes and the file's length, and raises if the rest is not
    worth reading. ModelFileError is raised where the file cannot be read, is not a regular file,
    or is larger than the memory.
    """
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)  # a pipe in the file's place must not block
    try:
        _check_regular(os.stat(path))  # before opening, which may start a device
        with open(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            _check_regular(status)
            check(file.read(start), status.st_size)
            check_size(status.st_size)
            content = bytearray(status.st_size)
            file.seek(0)
            if file.readinto(content) < len(content):
                raise ModelFileError("was cut short while it was read")
    except FileNotFoundError:
        raise ModelFileError("no such file") from None
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror or error}") from None
    return content


def _check_regular(status: os.stat_result) -> None:
    kinds = {"a folder": stat.S_ISDIR, "a pipe": stat.S_ISFIFO, "a socket": stat.S_ISSOCK}
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for name, test in kinds.items() if test(status.st_mode)), "a device")
        raise ModelFileError(f"expected a regular file, got {kind}")


def check_size(size: int) -> None:
    """Raise ModelFileError if so many bytes are more than the memory."""
    if size > _memory():
        raise ModelFileError(f"has {size} bytes, more than the memory")


def _memory() -> float:
    """Return the machine's memory in bytes, infinity where it is unknown."""
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return math.inf
    return size if size > 0 else math.inf


# -- writing -----------------------------------------------------------------------------------


def check_target(path: FilePath, system: Any = os) -> None:
    """Raise OSError, which says what to do, if no file can be put into the place of `path`.

    That is so for a folder, a pipe, a device, a file without write permission, and where the folder
    is missing or may not be written. Those who write after long work ask this before it.
    """
    with _named(path):
        _mode(path, system)


def check_folder(path: FilePath, system: Any = os) -> None:
    """Raise OSError, which says what to do, if the folder of `path` takes no new files."""
    with _named(path):
        _check_folder(path, system)


def replace_whole(path: FilePath, content: Content | Iterator[bytes], system: Any = os) -> None:
    """Write a file beside `path`, and put it into its place once it is complete and on disk.

    The old file is never opened. Its permissions are kept; its owner, extended attributes and
    hard links are not. At every moment, also when the process is killed or the power fails, the
    old content or the new one is there, whole. What a symbolic link points to is replaced, and the
    link stays. Ctrl-C waits until that is done, unless the content is made part by part meanwhile,
    which it ends. `system` has the functions of `os`.

    OSError means that a step failed and the old file is as it was; `check_target` says what is
    refused. Only where the very last step failed, syncing the folder, the new file is in place, but
    may not outlast a power failure.
    """
    if not isinstance(content, Iterator):
        with signals_held(), _named(path):
            _replace_whole(path, [content], system)
        return
    try:
        with _named(path):
            _replace_whole(path, _made(content), system)
    except _ContentError as error:
        raise error.problem from None  # with what could not be read, which is not `path`


def append_whole(path: FilePath, content: Content, system: Any = os) -> None:
    """Add all of `content` to the end of a file that is there, or nothing if that fails.

    What was written before an OSError or Ctrl-C is taken back; only where the very last step
    failed, closing the file, all of it may be there. Nothing is synced, so that a line now and then
    costs little: a power failure may lose the last ones. `system` has the functions of `os`.
    """
    flags = os.O_WRONLY | os.O_APPEND
    for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    with _named(path):
        descriptor = system.open(path, flags)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, _NOT_REGULAR)
            try:
                _write_all(descriptor, content, system)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, status.st_size)
                raise
        finally:
            system.close(descriptor)


def scratch_file(size: int, purpose: str) -> BinaryIO:
    """Return a new file without a name, gone once it is closed, for `size` bytes.

    It lies where temporary files do, which the variable TMPDIR says; OSError: there is no room.
    """
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OSError(
            errno.ENOSPC,
            f"{purpose} takes {byte_count(size)} in {folder}, where {byte_count(free)} are free; "
            f"set the environment variable TMPDIR to a folder with more room",
        )
    return tempfile.TemporaryFile(prefix="ffnn-", buffering=0)


@contextlib.contextmanager
def _named(path: FilePath) -> Iterator[None]:
    """Let errors name `path`, not a temporary file that is unknown to the user."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from error


class _ContentError(Exception):
    """The next part of the content could not be made."""

    def __init__(self, problem: OSError) -> None:
        self.problem = problem
        super().__init__(str(problem))


def _made(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the parts; _ContentError tells their errors from those of the file written."""
    try:
        yield from parts
    except OSError as error:
        raise _ContentError(error) from error


def _replace_whole(path: FilePath, parts: Iterable[Content], system: Any) -> None:
    mode = _mode(path, system)
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    _remove_stale(folder, system)
    name = f".ffnn-{_machine()}-{os.getpid()}-{os.urandom(8).hex()}.tmp"
    temporary = os.path.join(folder, name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    for extra in ("O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, extra, 0)
    descriptor = system.open(temporary, flags, 0o666 if mode is None else 0o600)
    try:
        try:
            for part in parts:
                _write_all(descriptor, part, system)
            if mode is not None:
                system.chmod(temporary, mode)
            system.fsync(descriptor)
        finally:
            system.close(descriptor)
        system.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            system.unlink(temporary)
        raise
    _sync_folder(folder, system)


def _mode(path: FilePath, system: Any) -> int | None:
    """Return the permissions of what is to be replaced, None if there is nothing yet."""
    try:  # of the path as it is: what /dev/stdout leads to has no other name
        status = system.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        _check_folder(path, system)
        return None
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, "it is a folder; give the name of a file")
    if not stat.S_ISREG(status.st_mode):  # a device such as /dev/null would be lost to everybody
        raise OSError(errno.EINVAL, _NOT_REGULAR)
    if not system.access(path, os.W_OK):  # renaming would get around the write protection
        problem = "it is read-only; make it writable, or choose another name"
        raise OSError(errno.EACCES, problem)
    _check_folder(path, system)
    return stat.S_IMODE(status.st_mode)


def _check_folder(path: FilePath, system: Any) -> None:
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.exists(folder):
        raise OSError(errno.ENOENT, f"there is no folder {folder!r}; make it")
    if not os.path.isdir(folder):
        raise OSError(errno.ENOTDIR, f"{folder!r} is not a folder; choose another one")
    if not system.access(folder, os.W_OK | os.X_OK):
        problem = f"no permission to write in the folder {folder!r}; choose another one"
        raise OSError(errno.EACCES, problem)


def _write_all(descriptor: int, content: Content, system: Any) -> None:
    view = memoryview(content)
    while view:
        count = system.write(descriptor, view)
        if count <= 0:
            raise OSError(errno.EIO, "nothing could be written")
        view = view[count:]


def _sync_folder(folder: str, system: Any) -> None:
    """Sync the renaming to disk, where folders can be synced."""
    if os.name != "posix":
        return
    try:
        descriptor = system.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            system.fsync(descriptor)
        finally:
            system.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def _remove_stale(folder: str, system: Any) -> None:
    """Remove the temporary files of dead processes of this machine, where that is safe."""
    if os.name != "posix":  # elsewhere asking for a process may end it
        return
    with contextlib.suppress(OSError):
        for match in filter(None, map(_TEMPORARY.fullmatch, system.listdir(folder))):
            if match[1] == _machine() and not _is_alive(int(match[2])):
                with contextlib.suppress(OSError):
                    system.unlink(os.path.join(folder, match[0]))


def _machine() -> str:
    """Return a name of this host and container, within which process numbers are unique."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing
    except OSError as error:
        return not isinstance(error, ProcessLookupError)  # else it is another user's
    return True


def cache_folder() -> Path:
    """Return the user's cache folder, by the platform's convention."""
    variable, base = {
        "win32": ("LOCALAPPDATA", "~/AppData/Local"),
        "darwin": ("", "~/Library/Caches"),
    }.get(sys.platform, ("XDG_CACHE_HOME", "~/.cache"))
    return Path(os.environ.get(variable) or base).expanduser() / "ffnn"
