"""The MNIST database of handwritten digits."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ffnn.core.checks import check_path
from ffnn.core.console import is_terminal, takes_bars
from ffnn.core.files import cache_folder, check_target, replace_whole
from ffnn.datasets.digits import LabelledImages
from ffnn.errors import DataError

if TYPE_CHECKING:
    from ffnn._types import FilePath

MNIST_MIRRORS: tuple[str, ...] = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)

_TIMEOUT = 30.0  # seconds without a byte
_CHUNK = 1 << 16
_DAMAGED = (OSError, EOFError, zlib.error)  # what reading a broken gzip file raises


class _IdxFile(NamedTuple):
    """One file of MNIST: what it is called and what it must hold once decompressed."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def header(self) -> bytes:
        # Two zero bytes, 8 for "unsigned byte", the number of dimensions, then each dimension.
        ndim = len(self.shape)
        return struct.pack(f">HBB{ndim}I", 0, 8, ndim, *self.shape)

    @property
    def size(self) -> int:
        return len(self.header) + math.prod(self.shape)


_MNIST_FILES = (
    _IdxFile(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    _IdxFile(
        "train-labels-idx1-ubyte",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    _IdxFile(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    _IdxFile(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)


def load_mnist(data_dir: FilePath | None = None) -> tuple[LabelledImages, LabelledImages]:
    """Load the MNIST database of handwritten digits.

    The four files ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
    ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte`` are read, plain or with ``.gz``, from
    a folder or from its subfolder ``mnist``. Every file's SHA-256 is checked on every load.

    Parameters
    ----------
    data_dir : str or path-like, optional
        The folder. Default: the environment variable ``FFNN_DATA_DIR``; without it the user's
        cache, which is filled from `MNIST_MIRRORS` (11 MB) where it lacks a file.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        `x_train` uint8 (60000, 784) and `x_test` uint8 (10000, 784): images of 28×28 pixels from 0
        to 255, row by row. `y_train` int64 (60000,) and `y_test` int64 (10000,): the digits.

    Raises
    ------
    DataError
        If the given folder lacks a file, or a file is damaged, is not MNIST's, or could not be
        downloaded.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-Based Learning Applied to Document
    Recognition", Proceedings of the IEEE 86(11), 1998.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = ffnn.datasets.load_mnist()  # doctest: +SKIP
    """
    if data_dir is not None:
        check_path("load_mnist", "data_dir", data_dir, needs_name=False)
    folder, named, complete = find_mnist(data_dir)
    if named and not complete:
        missing = ", ".join(file.name for file in _MNIST_FILES if not _find_idx(folder, file))
        raise DataError(
            f"MNIST: {missing} not found, neither plain nor with .gz, in {folder} or "
            f"{folder / 'mnist'}; put the files there, or name no folder and unset FFNN_DATA_DIR "
            "to have them downloaded"
        )
    x_train, y_train, x_test, y_test = (
        _read_idx(_find_idx(folder, file) or _download(file, folder), file) for file in _MNIST_FILES
    )
    return (
        (x_train.reshape(len(x_train), -1), y_train.astype(np.int64)),
        (x_test.reshape(len(x_test), -1), y_test.astype(np.int64)),
    )


def find_mnist(data_dir: FilePath | None = None) -> tuple[Path, bool, bool]:
    """Return where `load_mnist` looks.

    Parameters
    ----------
    data_dir : str or path-like, optional
        As for `load_mnist`.

    Returns
    -------
    folder : Path
        Where it looks.
    named : bool
        Whether the folder was given; if not, missing files will be downloaded into it.
    complete : bool
        Whether all four files are there.

    Examples
    --------
    >>> import ffnn
    >>> folder, files, is_there = ffnn.datasets.find_mnist(".")
    >>> is_there
    False
    """
    named = data_dir or os.environ.get("FFNN_DATA_DIR")
    folder = Path(named).expanduser() if named else cache_folder()
    return folder, bool(named), all(_find_idx(folder, file) for file in _MNIST_FILES)


def _find_idx(folder: Path, file: _IdxFile) -> Path | None:
    names = [f"{place}{file.name}{suffix}" for place in ("", "mnist/") for suffix in ("", ".gz")]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _read_idx(path: Path, file: _IdxFile) -> NDArray[np.uint8]:
    """Read a file from disk and check it."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as stream:
            content = _content(stream, file)
    except (*_DAMAGED, DataError) as error:
        raise DataError(
            f"{path} cannot be read as MNIST's {file.name}: {error}. Delete it, or replace it "
            "with the original"
        ) from error
    values = np.frombuffer(content, dtype=np.uint8, offset=len(file.header))
    return np.array(values.reshape(file.shape))


def _content(stream: BinaryIO | gzip.GzipFile, file: _IdxFile) -> bytes:
    """Return the decompressed bytes if they are the ones expected."""
    # One byte more than it should have shows a larger file, however far it would expand.
    content = stream.read(file.size + 1)
    if len(content) > file.size:
        raise DataError(f"expected {file.size} bytes, decompressed, got more")
    digest, header = hashlib.sha256(content).hexdigest(), content[: len(file.header)]
    if digest != file.sha256 or header != file.header:
        raise DataError(
            f"expected {file.size} bytes, decompressed, with SHA-256 {file.sha256} and the IDX "
            f"header {file.header.hex()}, got {len(content)} bytes with SHA-256 {digest} and the "
            f"header {header.hex()}"
        )
    return content


def _download(file: _IdxFile, folder: Path) -> Path:
    """Download one file into the cache from the first mirror that has it; return its path."""
    from http.client import HTTPException

    path, reasons = folder / f"{file.name}.gz", []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_target(path)
    except OSError as error:
        raise DataError(
            f"MNIST: {path.name} cannot be downloaded to {folder}: {error.strerror}. Name a folder "
            "that holds the files in data_dir or FFNN_DATA_DIR"
        ) from error
    for mirror in MNIST_MIRRORS:
        try:
            _fetch(mirror + path.name, file, path)
        except (*_DAMAGED, HTTPException, DataError) as error:
            reasons.append(f"{mirror}: {str(error).strip('<>') or type(error).__name__}")
        else:
            return path
    raise DataError(
        f"MNIST: {path.name} could not be downloaded to {folder} from any mirror. Check the "
        f"network, or put the file into {folder} or into a folder that data_dir or FFNN_DATA_DIR "
        f"names. What the mirrors said: {'; '.join(reasons)}"
    )


def _fetch(url: str, file: _IdxFile, path: Path) -> None:
    """Download a file, check it, and only then put it into its place."""
    from urllib.request import urlopen

    from tqdm import tqdm

    content = bytearray()
    with (
        urlopen(url, timeout=_TIMEOUT) as response,
        tqdm(
            desc=path.name,
            total=response.length,
            unit="B",
            unit_scale=True,
            disable=not (is_terminal(sys.stderr) and takes_bars()),
        ) as bar,
    ):
        for chunk in iter(lambda: response.read(_CHUNK), b""):
            content += chunk
            bar.update(len(chunk))
            # Gzip never makes a file much larger; whatever is longer is not the file.
            if len(content) > file.size + _CHUNK:
                raise DataError(f"expected at most {file.size + _CHUNK} bytes, got more")
    with gzip.open(io.BytesIO(content)) as stream:
        _content(stream, file)
    replace_whole(path, content)
