"""MNIST from folders and from mirrors."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import os
import socket
import struct
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ffnn.datasets import load_mnist, mnist
from ffnn.errors import DataError

# Read here, because the fixture below hides the variable from every test.
MNIST_FOLDER = Path(os.environ.get("FFNN_DATA_DIR", "FFNN_DATA_DIR is not set"))


# MNIST itself


def test_mnist_is_mnist():
    if not any(MNIST_FOLDER.glob("**/train-images-idx3-ubyte*")):
        pytest.skip(f"no MNIST files in {MNIST_FOLDER}; set FFNN_DATA_DIR")
    (x_train, y_train), (x_test, y_test) = load_mnist(MNIST_FOLDER)
    assert (x_train.shape, x_test.shape) == ((60000, 784), (10000, 784))
    assert x_train.dtype == x_test.dtype == np.uint8
    assert y_train.dtype == y_test.dtype == np.int64
    # The first labels of both files, and the mean and deviation that the field normalises with.
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert x_train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert x_train.std() / 255 == pytest.approx(0.3081, abs=5e-5)


# MNIST's ways, with four tiny files in its place


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
ARRAYS = (
    np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28),
    np.array([7, 0, 9], dtype=np.uint8),
    np.full((2, 28, 28), 5, dtype=np.uint8),
    np.array([1, 2], dtype=np.uint8),
)
TINY = {name: idx(array) for name, array in zip(NAMES, ARRAYS, strict=True)}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def private_folders(monkeypatch, tmp_path):
    """Keep every test away from the user's data folder, cache and proxy."""
    monkeypatch.delenv("FFNN_DATA_DIR", raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(mnist, "MNIST_MIRRORS", ())


@pytest.fixture
def tiny_mnist(monkeypatch):
    """Expect the tiny files instead of MNIST's."""
    files = tuple(
        mnist._IdxFile(name, array.shape, sha256(TINY[name]))
        for name, array in zip(NAMES, ARRAYS, strict=True)
    )
    monkeypatch.setattr(mnist, "_MNIST_FILES", files)


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.setattr(mnist, "cache_folder", lambda: tmp_path / "cache" / "ffnn")
    return tmp_path / "cache" / "ffnn"


def put(folder: Path, names=NAMES, *, packed=True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(TINY[name]))
        else:
            (folder / name).write_bytes(TINY[name])


def assert_is_tiny(data) -> None:
    (x_train, y_train), (x_test, y_test) = data
    np.testing.assert_array_equal(x_train, ARRAYS[0].reshape(3, 784), strict=True)
    np.testing.assert_array_equal(y_train, np.array([7, 0, 9], dtype=np.int64), strict=True)
    np.testing.assert_array_equal(x_test, ARRAYS[2].reshape(2, 784), strict=True)
    np.testing.assert_array_equal(y_test, np.array([1, 2], dtype=np.int64), strict=True)
    assert x_train.flags.writeable


@pytest.mark.usefixtures("tiny_mnist")
class TestMnistFolders:
    @pytest.mark.parametrize("packed", [True, False])
    @pytest.mark.parametrize("subfolder", ["", "mnist"])
    def test_files_are_found_plain_or_packed_in_both_places(self, tmp_path, packed, subfolder):
        put(tmp_path / subfolder, packed=packed)
        assert_is_tiny(load_mnist(tmp_path))
        assert_is_tiny(load_mnist(str(tmp_path)))

    def test_files_may_lie_mixed(self, tmp_path):
        put(tmp_path, NAMES[:1], packed=False)
        put(tmp_path / "mnist", NAMES[1:])
        assert_is_tiny(load_mnist(tmp_path))

    def test_environment_names_the_folder(self, tmp_path, monkeypatch):
        put(tmp_path / "named")
        monkeypatch.setenv("FFNN_DATA_DIR", str(tmp_path / "named"))
        assert_is_tiny(load_mnist())

    def test_data_dir_takes_precedence_over_the_environment(self, tmp_path, monkeypatch):
        put(tmp_path / "given")
        monkeypatch.setenv("FFNN_DATA_DIR", str(tmp_path / "empty"))
        assert_is_tiny(load_mnist(tmp_path / "given"))

    def test_cache_is_the_last_folder(self, cache):
        put(cache)
        assert_is_tiny(load_mnist())

    @pytest.mark.parametrize("way", ["argument", "environment"])
    def test_a_named_folder_without_the_files_is_an_error(self, tmp_path, monkeypatch, cache, way):
        put(cache)
        put(tmp_path, NAMES[:3])
        if way == "environment":
            monkeypatch.setenv("FFNN_DATA_DIR", str(tmp_path))
        with pytest.raises(DataError) as caught:
            load_mnist(tmp_path if way == "argument" else None)
        message = str(caught.value)
        assert NAMES[3] in message
        assert NAMES[2] not in message
        assert f"{tmp_path} or {tmp_path / 'mnist'}" in message
        assert "put the files there" in message

    @pytest.mark.parametrize("packed", [True, False])
    def test_a_changed_byte_is_named_with_both_hashes(self, tmp_path, packed):
        put(tmp_path, packed=packed)
        changed = bytearray(TINY[NAMES[2]])
        changed[-1] ^= 1
        path = tmp_path / (NAMES[2] + (".gz" if packed else ""))
        path.write_bytes(gzip.compress(changed) if packed else changed)
        with pytest.raises(DataError) as caught:
            load_mnist(tmp_path)
        message = str(caught.value)
        assert str(path) in message
        assert f"SHA-256 {sha256(TINY[NAMES[2]])}" in message
        assert f"SHA-256 {sha256(changed)}" in message

    def test_a_wrong_header_is_an_error_even_with_the_right_hash(self, tmp_path, monkeypatch):
        put(tmp_path)
        files = list(mnist._MNIST_FILES)
        files[0] = files[0]._replace(shape=(28, 28, 3))
        monkeypatch.setattr(mnist, "_MNIST_FILES", tuple(files))
        expected, got = "000008030000001c0000001c00000003", "00000803000000030000001c0000001c"
        with pytest.raises(DataError, match=f"header {expected}, got .* header {got}"):
            load_mnist(tmp_path)

    @pytest.mark.parametrize("damage", [b"", b"no gzip at all", "truncated", "crc", "body"])
    def test_a_damaged_gzip_file_is_named(self, tmp_path, damage):
        put(tmp_path)
        path = tmp_path / f"{NAMES[0]}.gz"
        whole = path.read_bytes()
        if damage == "truncated":
            damage = whole[:-20]
        elif damage == "crc":
            damage = whole[:-8] + bytes(4) + whole[-4:]
        elif damage == "body":
            damage = whole[:10] + b"\xff" * (len(whole) - 10)
        path.write_bytes(damage)
        with pytest.raises(DataError, match=f"{NAMES[0]}.gz cannot be read as MNIST's {NAMES[0]}"):
            load_mnist(tmp_path)

    @pytest.mark.parametrize("packed", [True, False])
    def test_a_larger_file_is_refused(self, tmp_path, packed):
        put(tmp_path, packed=packed)
        longer = TINY[NAMES[1]] + bytes(1000)
        path = tmp_path / (NAMES[1] + (".gz" if packed else ""))
        path.write_bytes(gzip.compress(longer) if packed else longer)
        with pytest.raises(DataError, match="expected 11 bytes, decompressed, got more"):
            load_mnist(tmp_path)

    def test_a_bomb_takes_no_memory(self, tmp_path):
        put(tmp_path)
        (tmp_path / f"{NAMES[0]}.gz").write_bytes(gzip.compress(bytes(50_000_000)))
        tracemalloc.start()
        try:
            with pytest.raises(DataError, match="expected 2368 bytes, decompressed, got more"):
                load_mnist(tmp_path)
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "cache/ffnn"),
        ("linux", None, "home/.cache/ffnn"),
        ("darwin", None, "home/Library/Caches/ffnn"),
        ("win32", "LOCALAPPDATA", "cache/ffnn"),
        ("win32", None, "home/AppData/Local/ffnn"),
    ],
)
def test_cache_is_where_the_platform_keeps_caches(
    monkeypatch, tmp_path, platform, variable, expected
):
    for name in {"XDG_CACHE_HOME", "LOCALAPPDATA"} - {variable}:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "platform", platform)
    assert mnist.cache_folder() == tmp_path / expected


# Downloads


class Handler(http.server.BaseHTTPRequestHandler):
    """Answer from a table path → (status, body, announced length)."""

    def __init__(self, table, requests, *arguments):
        self.table, self.requests = table, requests
        super().__init__(*arguments)

    def do_GET(self):
        self.requests.append(self.path)
        status, body, length = self.table.get(self.path, (404, b"", 0))
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Mirror:
    """A server on 127.0.0.1: `url` is its root, `requests` what was asked of it."""

    def __init__(self):
        self.table, self.requests = {}, []
        handler = functools.partial(Handler, self.table, self.requests)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def serve(self, folder: str, **changed) -> str:
        """Serve the tiny files under a folder, but for those changed (a body or an answer)."""
        for name in NAMES:
            answer = changed.get(name.split("-idx")[0].replace("-", "_"), gzip.compress(TINY[name]))
            if isinstance(answer, bytes):
                answer = (200, answer, len(answer))
            self.table[f"/{folder}/{name}.gz"] = answer
        return f"{self.url}{folder}/"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def mirror():
    server = Mirror()
    yield server
    server.close()


def held_by(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("tiny_mnist")
class TestMnistDownload:
    def test_fills_the_cache_once(self, mirror, monkeypatch, cache):
        monkeypatch.setattr(mnist, "MNIST_MIRRORS", (mirror.serve("a"),))
        assert_is_tiny(load_mnist())
        assert held_by(cache) == sorted(f"{name}.gz" for name in NAMES)
        assert_is_tiny(load_mnist())
        assert mirror.requests == [f"/a/{name}.gz" for name in NAMES]

    def test_downloads_only_what_is_missing(self, mirror, monkeypatch, cache):
        put(cache, NAMES[1:])
        monkeypatch.setattr(mnist, "MNIST_MIRRORS", (mirror.serve("a"),))
        assert_is_tiny(load_mnist())
        assert mirror.requests == [f"/a/{NAMES[0]}.gz"]

    BAD = {  # noqa: RUF012
        "absent": ((404, b"", 0), "404"),
        "server error": ((500, b"", 0), "500"),
        "not gzip": (b"<html>Please log in</html>", "gzip"),
        "cut short": ((200, gzip.compress(TINY[NAMES[0]])[:-30], 10_000), ""),
        "another file": (gzip.compress(TINY[NAMES[2]]), sha256(TINY[NAMES[2]])),
        "bomb": (gzip.compress(bytes(50_000_000)), "expected 2368 bytes, decompressed, got more"),
        "endless": (os.urandom(200_000), "expected at most 67904 bytes, got more"),
    }

    @pytest.mark.parametrize("fault", BAD)
    def test_a_bad_mirror_is_followed_by_the_next(self, mirror, monkeypatch, cache, fault):
        bad = mirror.serve("bad", train_images=self.BAD[fault][0])
        monkeypatch.setattr(mnist, "MNIST_MIRRORS", (bad, mirror.serve("good")))
        assert_is_tiny(load_mnist())
        assert mirror.requests[:3] == [
            f"/bad/{NAMES[0]}.gz",
            f"/good/{NAMES[0]}.gz",
            f"/bad/{NAMES[1]}.gz",
        ]
        assert held_by(cache) == sorted(f"{name}.gz" for name in NAMES)

    @pytest.mark.parametrize("fault", BAD)
    def test_a_bad_download_leaves_no_file(self, mirror, monkeypatch, cache, fault):
        answer, reason = self.BAD[fault]
        bad = mirror.serve("bad", train_images=answer)
        monkeypatch.setattr(mnist, "MNIST_MIRRORS", (bad,))
        with pytest.raises(DataError) as caught:
            load_mnist()
        assert reason in str(caught.value)
        assert held_by(cache) == []

    def test_an_interrupt_leaves_no_file(self, mirror, monkeypatch, cache):
        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(mnist, "MNIST_MIRRORS", (mirror.serve("a"),))
        monkeypatch.setattr(mnist, "_content", interrupt)
        with pytest.raises(KeyboardInterrupt):
            load_mnist()
        assert held_by(cache) == []

    def test_a_file_has_its_name_only_once_checked(self, mirror, monkeypatch, cache):
        seen = []

        def content(stream, file):
            seen.append([name for name in held_by(cache) if name.endswith("ubyte.gz")])
            return TINY[file.name]

        monkeypatch.setattr(mnist, "MNIST_MIRRORS", (mirror.serve("a"),))
        monkeypatch.setattr(mnist, "_content", content)
        load_mnist()
        assert seen[0] == []

    @pytest.mark.parametrize("fault", ["file", "forbidden"])
    def test_a_cache_that_cannot_be_written_is_told_before_any_download(
        self, mirror, monkeypatch, cache, fault
    ):
        monkeypatch.setattr(mnist, "MNIST_MIRRORS", (mirror.serve("a"),))
        if fault == "file":
            cache.parent.mkdir(exist_ok=True)
            cache.write_bytes(b"")
        else:
            monkeypatch.setattr(os, "access", lambda path, mode: False)
        with pytest.raises(DataError, match=f"cannot be downloaded to {cache}: .*FFNN_DATA_DIR"):
            load_mnist()
        assert mirror.requests == []

    def test_all_failures_are_listed_with_the_way_out(self, mirror, monkeypatch, cache):
        mirrors = (mirror.serve("a", train_images=(503, b"", 0)), f"{mirror.url}nothing/")
        monkeypatch.setattr(mnist, "MNIST_MIRRORS", mirrors)
        with pytest.raises(DataError) as caught:
            load_mnist()
        advice, reasons = str(caught.value).split(" What the mirrors said: ")
        assert f"{NAMES[0]}.gz could not be downloaded to {cache}" in advice
        assert f"put the file into {cache}" in advice
        assert "FFNN_DATA_DIR" in advice
        first, second = reasons.split("; ")
        assert first.startswith(f"{mirrors[0]}: ")
        assert second.startswith(f"{mirrors[1]}: ")

    def test_an_unreachable_mirror_is_a_reason(self, monkeypatch, cache):
        with socket.socket() as silent:  # bound, so that the port stays free of servers
            silent.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            monkeypatch.setattr(mnist, "MNIST_MIRRORS", (url,))
            with pytest.raises(DataError, match=f"(?i){url}: .*refused"):
                load_mnist()
        assert held_by(cache) == []
