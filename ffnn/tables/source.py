"""The bytes of a table's file as text: unpacked, in the right encoding."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, cast

from ffnn._types import FilePath
from ffnn.core.progress import open_with_bar
from ffnn.core.text import shown
from ffnn.errors import DataError
from ffnn.tables.detection import LABELS, detect

_BLOCK, _SAMPLE = 1 << 20, 1 << 13
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"}  # the last is empty
_DAMAGED = (EOFError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError)
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@contextlib.contextmanager
def open_text(path: FilePath, encoding: str) -> Iterator[IO[str]]:
    """Open a file of text, which may be packed, with its line ends as they are."""
    with _open_bytes(path) as file, io.TextIOWrapper(file, encoding=encoding, newline="") as text:
        yield text


def packing(path: FilePath) -> str | None:
    """Return how a file is packed, whatever its name: "gzip", "zip" or None."""
    with open(path, "rb") as file:
        start = file.read(4)
    return next((name for mark, name in _PACKED.items() if start.startswith(mark)), None)


def text_size(path: FilePath) -> int | None:
    """Return the bytes of a file's text, None if that is unknown.

    Packed files say it themselves: those of gzip modulo 2³², and of their last part alone.
    """
    packed = packing(path)
    with open(path, "rb") as file:
        if packed == "zip":
            with zipfile.ZipFile(file) as archive:
                return sum(each.file_size for each in archive.infolist())
        if packed == "gzip":
            file.seek(-4, os.SEEK_END)
            return int.from_bytes(file.read(4), "little") or None
    return os.path.getsize(path)


def check_encoding(where: str, name: str) -> None:
    """Raise ValueError if there is no encoding of text with this name."""
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ValueError(
            f"{where}: encoding must be such as utf-8 or latin-1; none is named {shown(name, 60)}"
        ) from None


def find_encoding(path: FilePath, asked: str | None = None) -> tuple[str, str | None]:
    """Return the encoding to read a file in, and what there is to say of it, if anything.

    That is the one `asked` for, else the one of a byte order mark, else UTF-8 where the whole file
    is valid in it, else the one in which the text is most like one.
    """
    if asked is not None:
        return _checked(path, asked), None
    with _open_bytes(path) as file:
        start = file.read(4096)
    if start.startswith(tuple(_PACKED)):
        raise DataError(f"{path}: what is packed is packed again; unpack it once")
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return _checked(path, name), None
    if b"\0" in start:
        first, second = start[0:64:2].strip(b"\0"), start[1:64:2].strip(b"\0")
        if bool(first) != bool(second):  # every other byte of plain letters is 0
            return _checked(path, "utf-16-le" if first else "utf-16-be"), None
        raise DataError(f"{path}: expected a table in text, got bytes that are none, such as NUL")
    wrong = _first_wrong_byte(path, "utf-8")
    if wrong is None:
        return "utf-8", None
    found = detect(_other_than_ascii(path))
    name = next(each for each in found if _first_wrong_byte(path, each) is None)
    return name, (
        f"read as {LABELS[name]}, as {wrong} is not UTF-8; if that is wrong, give the encoding"
    )


def _other_than_ascii(path: FilePath) -> bytes:
    """Return the first lines of a file that have other bytes than those of ASCII."""
    sample = bytearray()
    with _open_bytes(path) as file:
        while len(sample) < _SAMPLE and (line := file.readline(_BLOCK)):
            sample += b"" if line.isascii() else line
    return bytes(sample[:_SAMPLE])


def _checked(path: FilePath, encoding: str) -> str:
    wrong = _first_wrong_byte(path, encoding)
    if wrong is not None:
        raise DataError(f"{path}: {wrong} is not valid in the encoding {encoding}")
    return encoding


@contextlib.contextmanager
def _open_bytes(path: FilePath) -> Iterator[IO[bytes]]:
    """Open a file, unpacked if it is a gzip file or a zip archive of one file."""
    try:
        with contextlib.ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(open_with_bar(path))
            packed = packing(path)
            if packed == "gzip":
                file = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=file)))
            elif packed == "zip":
                archive = stack.enter_context(_open_archive(path, file))
                names = [n for n in archive.namelist() if not n.endswith("/")]
                names = [n for n in names if not n.startswith("__MACOSX/")]
                if len(names) != 1:
                    raise DataError(f"{path}: expected one file in the archive, got {len(names)}")
                file = stack.enter_context(_open_member(path, archive, names[0]))
            yield file
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except _DAMAGED as error:
        raise DataError(f"{path}: the packed file is damaged: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror or error}") from error


def _open_archive(path: FilePath, file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except NotImplementedError as error:  # of a later version, or so it says
        raise DataError(f"{path}: the archive cannot be unpacked: {error}") from error


def _open_member(path: FilePath, archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    try:
        return archive.open(name)
    except (RuntimeError, NotImplementedError) as error:  # it needs a password, or another program
        raise DataError(f"{path}: the archive cannot be unpacked: {error}") from error


def _first_wrong_byte(path: FilePath, encoding: str) -> str | None:
    """Return the first byte of a file that is not valid in `encoding`, and its line."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with _open_bytes(path) as file:
        while True:
            block = file.read(_BLOCK)
            try:
                decoder.decode(block, final=not block)
            except UnicodeError as error:
                reason = getattr(error, "reason", str(error))
                # UTF-16 without a byte order mark is no fault of a byte, nor are those of punycode.
                if not isinstance(error, UnicodeDecodeError) or "BOM" in reason:
                    return f"line {line} or what follows ({reason})"
                line += error.object[: error.start].count(b"\n")
                return f"the byte 0x{error.object[error.start]:02x} in line {line}"
            if not block:
                return None
            line += block.count(b"\n")
