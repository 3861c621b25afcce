"""What is not a regular file, is not a model, or has a wrong header."""

from __future__ import annotations

import os
import pickle
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ffnn
from ffnn.saving import header
from trials.hostile.making import kinds, model_bytes, sealed

if TYPE_CHECKING:
    from collections.abc import Callable

    from trials.hostile.making import Maker


class Running:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder / "executed"),)


# -- what is no regular file -------------------------------------------------------------------


def _link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def _socket(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)  # as paths of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


def _sparse(path: Path) -> None:
    """Make a file of 8 TB that takes no space on disk, with a header that gives its length."""
    size = 1 << 43
    path.write_bytes(header.seal(b"").replace(b"length 512\n", b"length %d\n" % size)[:512])
    os.truncate(path, size)


kinds("no such file", nothing=lambda path: None)
kinds("expected a regular file, got a folder", a_folder=lambda path: path.mkdir())
kinds("expected a regular file, got a pipe", a_pipe=os.mkfifo, a_link_to_a_pipe=_link_to_a_pipe)
kinds("expected a regular file, got a device", a_device=lambda path: path.symlink_to("/dev/zero"))
kinds("expected a regular file, got a socket", a_socket=_socket)
kinds("cannot be read", a_link_to_itself=lambda path: path.symlink_to(path.name))
kinds("more than the memory", a_file_beyond_the_memory=_sparse)


# -- what is no model --------------------------------------------------------------------------


def _without_header(path: Path) -> None:
    path.write_bytes(model_bytes()[header.SIZE :])


kinds(
    "not an ffnn model",
    an_empty_file=lambda path: path.write_bytes(b""),
    text=lambda path: path.write_text("not a model"),
    zeros=lambda path: path.write_bytes(bytes(4096)),
    a_pickle=lambda path: path.write_bytes(pickle.dumps(Running(path.parent))),
    hdf5_without_the_header=_without_header,
)


# -- false headers -----------------------------------------------------------------------------


def _first(change: Callable[[bytes], bytes]) -> Maker:
    """Return a maker of a model whose first 512 bytes are changed."""

    def make(path: Path) -> None:
        image = model_bytes()
        path.write_bytes(change(image[: header.SIZE]).ljust(512, b"\0")[:512] + image[512:])

    return make


def _with_more(path: Path) -> None:
    path.write_bytes(model_bytes() + b"more")


_BEGIN = f"ffnn-model 1\nlibrary {ffnn.__version__}\n".encode()

kinds(
    "install ffnn 9.1 or later",
    a_future_version=_first(lambda text: text.replace(_BEGIN, b"ffnn-model 2\nlibrary 9.1\n")),
    a_future_form=lambda path: path.write_bytes(b"ffnn-model 3\nlibrary 9.1\nwhatever"),
)
kinds(
    "not an ffnn model",
    version_0=_first(lambda text: text.replace(b"model 1", b"model 0")),
    version_minus_1=_first(lambda text: text.replace(b"model 1", b"model -1")),
    a_version_of_many_digits=_first(lambda text: text.replace(b" 1\n", b" " + b"9" * 99 + b"\n")),
)
kinds(
    "not a valid header",
    something_behind_the_header=_first(lambda text: text[:-1] + b"x"),
    a_line_more=_first(lambda text: text.replace(b"\0", b"more\n", 1)),
    a_header_cut_short=_first(lambda text: text[:60]),
    a_length_with_a_zero_in_front=_first(lambda text: text.replace(b"length ", b"length 0")),
    a_checksum_in_capitals=_first(lambda text: text.replace(b"sha256 ", b"sha256 A")),
    a_file_within_the_header=lambda path: path.write_bytes(header.seal(b"")[:200]),
)
kinds(
    "bytes, got",
    a_length_that_lies=_first(lambda text: text.replace(b"length 2", b"length 3")),
    something_at_the_end=_with_more,
)
kinds(
    "does not have the SHA-256",
    another_checksum=_first(lambda text: text[: text.index(b"sha256 ") + 7] + b"0" * 64 + b"\n"),
)
kinds("superblock", a_header_for_nothing=lambda path: sealed(path, b""))
