"""The digits, MNIST from folders and from mirrors, CSV tables, npz and HDF5 files."""

from __future__ import annotations

import functools
import gc
import gzip
import hashlib
import http.server
import os
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from ffnn import datasets
from ffnn.datasets import load_csv, load_csv_features, load_digits, load_h5, load_mnist, load_npz
from ffnn.errors import DataError

REPOSITORY = Path(__file__).resolve().parent.parent
# Read here, because the fixture below hides the variable from every test.
MNIST_FOLDER = Path(os.environ.get("FFNN_DATA_DIR") or REPOSITORY.parent / "shared" / "data")


def test_importing_datasets_loads_no_optional_package():
    heavy = {"h5py", "tqdm", "sklearn", "matplotlib", "scipy", "urllib.request"}
    code = f"import sys, ffnn.datasets; print(sorted({heavy!r} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


# Digits


def test_digits_have_their_shapes_types_and_range():
    (x_train, y_train), (x_test, y_test) = load_digits()
    assert (x_train.shape, x_test.shape) == ((1437, 64), (360, 64))
    assert (y_train.shape, y_test.shape) == ((1437,), (360,))
    assert x_train.dtype == x_test.dtype == np.uint8
    assert y_train.dtype == y_test.dtype == np.int64
    for x in (x_train, x_test):
        assert (x.min(), x.max()) == (0, 16)
    assert x_train.flags.writeable


def test_digits_split_keeps_the_share_of_each_class():
    (_, y_train), (_, y_test) = load_digits()
    # The class sizes of optdigits.tes, as its documentation gives them.
    total = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    np.testing.assert_array_equal(np.bincount(y_train) + np.bincount(y_test), total)
    assert np.abs(np.bincount(y_test) - total * 360 / 1797).max() < 1


def test_digits_are_the_rows_of_scikit_learn():
    sklearn_datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn not installed")
    x, y = sklearn_datasets.load_digits(return_X_y=True)
    (x_train, y_train), (x_test, y_test) = load_digits()
    ours = np.column_stack([np.vstack([x_train, x_test]), np.concatenate([y_train, y_test])])
    theirs = np.column_stack([x, y]).astype(np.int64)
    assert sorted(map(tuple, ours.tolist())) == sorted(map(tuple, theirs.tolist()))


def test_digits_file_is_what_its_script_makes(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn not installed")
    script = REPOSITORY / "scripts" / "make_digits.py"
    subprocess.run(
        [sys.executable, str(script), str(tmp_path / "digits.npz")], check=True, capture_output=True
    )
    with (
        np.load(tmp_path / "digits.npz") as made,
        np.load(REPOSITORY / "ffnn" / "data" / "digits.npz") as kept,
    ):
        assert made.files == kept.files == ["x_train", "y_train", "x_test", "y_test"]
        for name in made.files:
            np.testing.assert_array_equal(made[name], kept[name], strict=True)


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
    monkeypatch.setattr(datasets, "MNIST_MIRRORS", ())


@pytest.fixture
def tiny_mnist(monkeypatch):
    """Expect the tiny files instead of MNIST's."""
    files = tuple(
        datasets._IdxFile(name, array.shape, sha256(TINY[name]))
        for name, array in zip(NAMES, ARRAYS, strict=True)
    )
    monkeypatch.setattr(datasets, "_MNIST_FILES", files)


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.setattr(datasets, "_cache_folder", lambda: tmp_path / "cache" / "ffnn")
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

    def test_data_dir_goes_before_the_environment(self, tmp_path, monkeypatch):
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
        files = list(datasets._MNIST_FILES)
        files[0] = files[0]._replace(shape=(28, 28, 3))
        monkeypatch.setattr(datasets, "_MNIST_FILES", tuple(files))
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
def test_cache_lies_where_the_platform_keeps_caches(
    monkeypatch, tmp_path, platform, variable, expected
):
    for name in {"XDG_CACHE_HOME", "LOCALAPPDATA"} - {variable}:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "platform", platform)
    assert datasets._cache_folder() == tmp_path / expected


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
        monkeypatch.setattr(datasets, "MNIST_MIRRORS", (mirror.serve("a"),))
        assert_is_tiny(load_mnist())
        assert held_by(cache) == sorted(f"{name}.gz" for name in NAMES)
        assert_is_tiny(load_mnist())
        assert mirror.requests == [f"/a/{name}.gz" for name in NAMES]

    def test_brings_only_what_is_missing(self, mirror, monkeypatch, cache):
        put(cache, NAMES[1:])
        monkeypatch.setattr(datasets, "MNIST_MIRRORS", (mirror.serve("a"),))
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
        monkeypatch.setattr(datasets, "MNIST_MIRRORS", (bad, mirror.serve("good")))
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
        monkeypatch.setattr(datasets, "MNIST_MIRRORS", (bad,))
        with pytest.raises(DataError) as caught:
            load_mnist()
        assert reason in str(caught.value)
        assert held_by(cache) == []

    def test_an_interrupt_leaves_no_file(self, mirror, monkeypatch, cache):
        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(datasets, "MNIST_MIRRORS", (mirror.serve("a"),))
        monkeypatch.setattr(datasets, "_content", interrupt)
        with pytest.raises(KeyboardInterrupt):
            load_mnist()
        assert held_by(cache) == []

    def test_a_file_has_its_name_only_once_checked(self, mirror, monkeypatch, cache):
        seen = []

        def content(stream, file):
            seen.append([name for name in held_by(cache) if name.endswith("ubyte.gz")])
            return TINY[file.name]

        monkeypatch.setattr(datasets, "MNIST_MIRRORS", (mirror.serve("a"),))
        monkeypatch.setattr(datasets, "_content", content)
        load_mnist()
        assert seen[0] == []

    def test_all_failures_are_listed_with_the_way_out(self, mirror, monkeypatch, cache):
        mirrors = (mirror.serve("a", train_images=(503, b"", 0)), f"{mirror.url}nothing/")
        monkeypatch.setattr(datasets, "MNIST_MIRRORS", mirrors)
        with pytest.raises(DataError) as caught:
            load_mnist()
        lines = str(caught.value).splitlines()
        assert f"{NAMES[0]}.gz could not be brought to {cache}" in lines[0]
        assert lines[1].startswith(f"  {mirrors[0]}: ")
        assert "503" in lines[1]
        assert lines[2].startswith(f"  {mirrors[1]}: ")
        assert "404" in lines[2]
        assert f"put the file into {cache}" in lines[3]
        assert "FFNN_DATA_DIR" in lines[3]

    def test_an_unreachable_mirror_is_a_reason(self, monkeypatch, cache):
        with socket.socket() as silent:  # bound, so that the port stays free of servers
            silent.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            monkeypatch.setattr(datasets, "MNIST_MIRRORS", (url,))
            with pytest.raises(DataError, match=f"(?i){url}: .*refused"):
                load_mnist()
        assert held_by(cache) == []


# CSV

IRIS = "sepal,petal,species\n5.1,1.4,setosa\n7,4.7,versicolor\n6.3,6e0,virginica\n-.5,1,setosa\n"


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_file


class TestCsv:
    def test_text_targets_become_sorted_classes(self, write):
        table = load_csv(write(IRIS))
        x = np.array([[5.1, 1.4], [7, 4.7], [6.3, 6], [-0.5, 1]])
        np.testing.assert_array_equal(table.x, x, strict=True)
        np.testing.assert_array_equal(table.y, np.array([0, 1, 2, 0], dtype=np.int64), strict=True)
        assert table.feature_names == ("sepal", "petal")
        assert table.class_names == ("setosa", "versicolor", "virginica")
        assert table.target_name == "species"

    def test_classes_are_sorted_not_in_order_of_appearance(self, write):
        table = load_csv(write("a,b\n1,z\n2,a\n"))
        assert table.class_names == ("a", "z")
        assert table.y.tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("texts", "dtype"),
        [
            (["3", "-1"], np.int64),
            (["3", "1.5"], np.float64),
            (["3", "1e2"], np.float64),
            (["3", "1" + 30 * "0"], np.float64),
        ],
    )
    def test_numeric_targets_stay_numbers(self, write, texts, dtype):
        table = load_csv(write(f"a,b\n1,{texts[0]}\n2,{texts[1]}\n"))
        assert table.y.dtype == dtype
        assert table.y.tolist() == [float(text) for text in texts]
        assert table.class_names is None

    def test_a_target_may_be_named_anywhere(self, write):
        table = load_csv(write("a,b,c\n1,2,3\n4,5,6\n"), target="b")
        assert table.x.tolist() == [[1, 3], [4, 6]]
        assert table.y.tolist() == [2, 5]
        assert table.feature_names == ("a", "c")
        assert table.target_name == "b"

    def test_features_come_in_the_order_asked_for(self, write):
        table = load_csv(write("a,b,c,t\n1,x,3,0\n4,y,6,1\n"), feature_names=["c", "a"])
        assert table.x.tolist() == [[3, 1], [6, 4]]
        assert table.feature_names == ("c", "a")

    def test_given_classes_fix_the_indices(self, write):
        table = load_csv(write("a,t\n1,b\n2,a\n"), class_names=["c", "b", "a"])
        assert table.y.tolist() == [1, 2]
        assert table.class_names == ("c", "b", "a")

    def test_given_classes_may_look_like_numbers(self, write):
        table = load_csv(write("a,t\n1,3\n2,x\n3,7\n"), class_names=["3", "7", "x"])
        assert table.y.tolist() == [0, 2, 1]

    @pytest.mark.parametrize(
        "text",
        [
            b"\xef\xbb\xbfa,b,t\n1,2,0\n3,4,1\n",
            "a,b,t\r\n1,2,0\r\n3,4,1\r\n",
            "a , b, t \n1, 2, 0\n 3 , 4 , 1 \n",
            '"a","b","t"\n"1","2","0"\n3, "4", "1"\n',
            "a,b,t\n1,2,0\n3,4,1",
            "\na,b,t\n\n1,2,0\n3,4,1\n\n\n",
        ],
        ids=["bom", "crlf", "spaces", "quotes", "no last newline", "blank lines"],
    )
    def test_dialects_read_alike(self, write, text):
        table = load_csv(write(text))
        assert table.feature_names == ("a", "b")
        assert table.x.tolist() == [[1, 2], [3, 4]]
        assert table.y.tolist() == [0, 1]
        assert table.y.dtype == np.int64

    def test_spaces_around_classes_do_not_make_new_classes(self, write):
        assert load_csv(write("a,t\n1, x\n2,x \n3,x\n")).class_names == ("x",)

    def test_quoted_fields_may_hold_delimiters_quotes_and_lines(self, write):
        table = load_csv(write('"a, b",t\n1,"x, ""y""\nz"\n2,w\n'))
        assert table.feature_names == ("a, b",)
        assert table.class_names == ("w", 'x, "y"\nz')

    def test_other_delimiters(self, write):
        assert load_csv(write("a;t\n1;2\n"), delimiter=";").x.tolist() == [[1]]
        assert load_csv(write("a\tt\n1\t2\n"), delimiter="\t").y.tolist() == [2]

    def test_sums_that_overflow_are_no_fault(self, write):
        assert load_csv(write("a,b,t\n1e308,1e308,0\n")).x.tolist() == [[1e308, 1e308]]

    @pytest.mark.parametrize(
        "text", ["", " ", "?", "NA", "NA ", "n/a", "NaN", "nan", "null", "NULL"]
    )
    @pytest.mark.parametrize("column", ["a", "t"])
    def test_rows_with_missing_values_raise_or_go(self, write, text, column):
        fields = f"{text},5" if column == "a" else f"5,{text}"
        path = write(f"a,t\n1,2\n{fields}\n3,4\n")
        with pytest.raises(DataError) as caught:
            load_csv(path)
        assert f"{path}, line 3, column '{column}': a value is missing, got" in str(caught.value)
        assert "choose to drop such rows" in str(caught.value)
        table = load_csv(path, missing="drop")
        assert table.x.tolist() == [[1], [3]]
        assert table.y.tolist() == [2, 4]
        assert table.y.dtype == np.int64

    def test_missing_values_in_columns_not_read_do_no_harm(self, write):
        assert load_csv(write("a,b,t\n1,,2\n"), feature_names=["a"]).x.tolist() == [[1]]

    def test_an_unknown_policy_is_refused(self, write):
        for load in (load_csv, load_csv_features):
            with pytest.raises(ValueError, match="missing must be one of error, drop, got 'skip'"):
                load(write("a,t\n1,2\n"), missing="skip")

    FAULTS = {  # noqa: RUF012
        "too few fields": ("a,b,t\n1,2,3\n1,2\n", "line 3: expected 3 fields, .* got 2"),
        "too many fields": ("a,b,t\n1,2,3,4\n", "line 2: expected 3 fields, .* got 4"),
        "after quoted lines": ('a,t\n1,"x\ny"\nz,x\n', "line 4, column 'a': .* got 'z'"),
        "after blank lines": ("a,t\n\n\nz,x\n", "line 4, column 'a': .* got 'z'"),
        "text": ("a,b,t\n1,2,3\n1,tall,3\n", "line 3, column 'b': expected a number, got 'tall'"),
        "underscore": ("a,t\n1_000,3\n", "line 2, column 'a': expected a number, got '1_000'"),
        "infinity": ("a,t\n1,2\ninf,2\n", "line 3, column 'a': expected a finite .* 'inf'"),
        "overflow": ("a,t\n1e999,2\n", "line 2, column 'a': expected a finite .* '1e999'"),
        "both infinities": ("a,b,t\ninf,-inf,2\n", "line 2, column 'a': expected a finite"),
        "signed nan": ("a,t\n-nan,2\n", "line 2, column 'a': expected a finite .* '-nan'"),
        "infinite target": ("a,t\n1,2\n1,inf\n", "line 3, column 't': expected a finite"),
        "mixed target": (
            "a,t\n1,2\n1,two\n",
            "line 3, column 't': .* got 'two'.* names of all classes",
        ),
        "mixed, text first": ("a,t\n1,two\n1,2\n", "line 2, column 't': .* got 'two'"),
        "same name twice": ("a,b,a,t\n1,2,3,4\n", "line 1: columns 1 and 3 are both named 'a'"),
        "name empty": (",a,t\n1,2,3\n", "line 1: column 1 of 3 has no name"),
        "name blank": ("a, ,t\n1,2,3\n", "line 1: column 2 of 3 has no name"),
        "no header": ("5.1,1.4,0\n7,4.7,1\n", "line 1: expected a header .* numbers '5.1', '1.4'"),
        "empty": ("", "expected a header line and rows below it, got an empty file"),
        "blank": ("\n\n", "expected a header line and rows below it, got an empty file"),
        "header only": ("a,t\n", "expected rows below the header line, got none"),
        "one column": ("t\n1\n", "expected one or more feature columns besides the target 't'"),
        "semicolons": ("a;t\n1;2\n", "line 1: .*one column 'a;t'; is ';' the delimiter"),
        "open quote": ('a,t\n1,2\n"3,4\n5,6\n', "line 3: this is not valid CSV"),
        "text after quote": ('a,t\n"1"0,2\n', "line 2: this is not valid CSV"),
        "not UTF-8": (b"a,t\n1,x\n2,caf\xe9\n", "line 3: expected UTF-8 text, got the byte 0xe9"),
        "UTF-16": ("a,t\n1,2\n".encode("utf-16"), "line 1: expected UTF-8 text, got the byte 0xff"),
    }

    @pytest.mark.parametrize("fault", FAULTS)
    def test_faults_are_told_with_their_place(self, write, fault):
        text, message = self.FAULTS[fault]
        path = write(text)
        with pytest.raises(DataError, match=f"(?s){message}") as caught:
            load_csv(path)
        assert str(caught.value).startswith(str(path))

    def test_far_lines_are_counted_right(self, write):
        lines = ["a,t"] + ["1,x"] * 20_000
        lines[15_000] = "1,é"
        with pytest.raises(DataError, match="line 15001: expected UTF-8 text"):
            load_csv(write("\n".join(lines).encode("latin-1")))
        lines[15_000] = "z,x"
        with pytest.raises(DataError, match="line 15001, column 'a'"):
            load_csv(write("\n".join(lines)))

    def test_an_unknown_target_names_the_nearest_and_all(self, write):
        message = r"no column 'Specis' \(did you mean 'species'\?\); the columns are 'sepal', 'pet"
        with pytest.raises(DataError, match=message):
            load_csv(write(IRIS), target="Specis")

    def test_unknown_features_are_named_with_the_nearest(self, write):
        message = r"no column 'PETAL' \(did you mean 'petal'\?\), 'q'; the columns"
        with pytest.raises(DataError, match=message):
            load_csv(write(IRIS), feature_names=["PETAL", "q", "sepal"])

    def test_long_lists_of_columns_are_cut(self, write):
        names = [f"c{i}" for i in range(300)]
        path = write(",".join(names) + "\n" + ",".join("1" * 300) + "\n")
        with pytest.raises(DataError, match=r"'c11', … \(300 in all\)$"):
            load_csv(path, target="x")
        with pytest.raises(DataError, match=r"'x11' .* and 288 more") as caught:
            load_csv_features(path, [f"x{i}" for i in range(300)])
        assert "'x12'" not in str(caught.value)

    def test_an_unknown_class_is_told_with_its_place(self, write):
        message = r"line 3, column 't': unknown class 'setsa' \(did you mean 'setosa'\?\)"
        with pytest.raises(DataError, match=message):
            load_csv(write("a,t\n1,setosa\n2,setsa\n"), class_names=["setosa", "other"])

    def test_the_target_is_no_feature(self, write):
        with pytest.raises(DataError, match="besides the target 'species', got 'petal', 'species'"):
            load_csv(write(IRIS), feature_names=["petal", "species"])

    def test_dropping_every_row_is_an_error(self, write):
        with pytest.raises(DataError, match="every row lacks a value"):
            load_csv(write("a,t\n,2\n1,\n"), missing="drop")

    @pytest.mark.parametrize("load", [load_csv, load_csv_features])
    def test_files_that_cannot_be_opened_are_named(self, tmp_path, load):
        with pytest.raises(DataError, match=r"nothing\.csv: there is no such file"):
            load(tmp_path / "nothing.csv")
        with pytest.raises(DataError, match="cannot be read"):
            load(tmp_path)


class TestCsvFeatures:
    def test_order_is_the_models_and_other_columns_are_left_aside(self, write):
        x = load_csv_features(write(IRIS), ("petal", "sepal"))
        expected = np.array([[1.4, 5.1], [4.7, 7], [6, 6.3], [1, -0.5]])
        np.testing.assert_array_equal(x, expected, strict=True)

    def test_all_columns_without_names(self, write):
        assert load_csv_features(write("a,b\n1,2\n3,4\n")).tolist() == [[1, 2], [3, 4]]

    def test_one_column_is_enough(self, write):
        assert load_csv_features(write("a\n1\n2\n")).tolist() == [[1], [2]]

    def test_a_column_that_is_missing_is_named(self, write):
        with pytest.raises(DataError, match=r"no column 'sepals' \(did you mean 'sepal'\?\)"):
            load_csv_features(write(IRIS), ["sepals"])

    def test_faults_are_told_with_their_place(self, write):
        with pytest.raises(DataError, match="line 2, column 'species': expected a number"):
            load_csv_features(write(IRIS), ["sepal", "species"])

    def test_missing_values_raise_or_go(self, write):
        path = write("a,b\n1,\n3,4\n")
        with pytest.raises(DataError, match="line 2, column 'b': a value is missing"):
            load_csv_features(path)
        assert load_csv_features(path, missing="drop").tolist() == [[3, 4]]


# npz and HDF5

X, Y = np.arange(12.0).reshape(4, 3), np.array([0, 1, 1, 0])
FULL = {"x_train": X, "y_train": Y, "x_test": X[:2] + 9, "y_test": Y[:2]}


def write_npz(path, arrays):
    np.savez(path, **arrays)
    return path


def write_h5(path, arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


FORMATS = pytest.mark.parametrize(
    ("save", "load", "name"),
    [(write_npz, load_npz, "data.npz"), (write_h5, load_h5, "data.h5")],
    ids=["npz", "h5"],
)


@FORMATS
class TestArrayFiles:
    def test_four_arrays(self, tmp_path, save, load, name):
        arrays = load(save(tmp_path / name, FULL))
        for field, expected in FULL.items():
            np.testing.assert_array_equal(getattr(arrays, field)[...], expected, strict=True)
        assert isinstance(arrays.y_train, np.ndarray)

    @pytest.mark.parametrize("names", [("x_train", "y_train"), ("x", "y")])
    def test_without_test_rows(self, tmp_path, save, load, name, names):
        arrays = load(save(tmp_path / name, dict(zip(names, (X, Y), strict=True))))
        np.testing.assert_array_equal(arrays.x_train[...], X, strict=True)
        np.testing.assert_array_equal(arrays.y_train, Y, strict=True)
        assert arrays.x_test is None
        assert arrays.y_test is None

    def test_rows_alone_on_request(self, tmp_path, save, load, name):
        path = save(tmp_path / name, {"x": X})
        arrays = load(path, targets=False)
        np.testing.assert_array_equal(arrays.x_train[...], X, strict=True)
        assert arrays.y_train is None
        with pytest.raises(DataError, match=r"found no array y; .* the file holds x$"):
            load(path)

    FAULTS = {  # noqa: RUF012
        "other names": ({"a": X, "b": Y}, "found no array x and no y; .* the file holds a, b$"),
        "nothing": ({}, "the file holds nothing"),
        "no y_train": ({"x_train": X}, "found no array y_train"),
        "no x_train": ({"y_train": Y, "x": X, "y": Y}, "found no array x_train"),
        "no y_test": ({"x": X, "y": Y, "x_test": X}, "found no array y_test"),
        "no x_test": ({"x": X, "y": Y, "y_test": Y}, "found no array x_test"),
        "rows": ({"x": X, "y": Y[:3]}, "x and y to have equally many rows, got 4 and 3"),
        "test rows": ({**FULL, "y_test": Y}, "x_test and y_test to have .* rows, got 2 and 4"),
        "columns": ({**FULL, "x_test": X[:2, :2]}, r"x_train and x_test .*\(4, 3\) and \(2, 2\)"),
        "complex": ({"x": X + 0j, "y": Y}, "x to be an array of numbers, .* complex128"),
        "text": ({"x": X, "y": np.array([b"a"] * 4)}, r"y to be an array of numbers, .* \|S1"),
        "scalar": ({"x": np.array(3.0), "y": Y}, r"x to be an array of .* of shape \(\)"),
    }

    @pytest.mark.parametrize("fault", FAULTS)
    def test_faults_are_told(self, tmp_path, save, load, name, fault):
        arrays, message = self.FAULTS[fault]
        path = save(tmp_path / name, arrays)
        with pytest.raises(DataError, match=message) as caught:
            load(path)
        assert str(caught.value).startswith(f"{path}: ")

    def test_files_that_cannot_be_read_are_named(self, tmp_path, save, load, name):
        path = tmp_path / name
        with pytest.raises(DataError, match=f"{name}: there is no such file"):
            load(path)
        path.write_bytes(b"something else")
        with pytest.raises(DataError, match=f"{name}: "):
            load(path)
        save(path, FULL)
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(DataError, match=f"{name}: "):
            load(path)


def test_npz_never_unpickles(tmp_path):
    path = write_npz(tmp_path / "data.npz", {"x": np.array([{}], dtype=object), "y": Y[:1]})
    with pytest.raises(DataError, match="Object arrays cannot be loaded"):
        load_npz(path)


def test_a_damaged_member_of_an_npz_is_told(tmp_path):
    path = write_npz(tmp_path / "data.npz", {"x": X, "y": Y})
    content = path.read_bytes()
    path.write_bytes(content.replace(X.tobytes(), (X + 1).tobytes()))
    with pytest.raises(DataError, match=r"this \.npz file cannot be read: .*CRC"):
        load_npz(path)


def test_h5_rows_stay_on_disk_and_open(tmp_path):
    arrays = load_h5(write_h5(tmp_path / "data.h5", FULL))
    gc.collect()
    assert isinstance(arrays.x_train, h5py.Dataset)
    assert isinstance(arrays.x_test, h5py.Dataset)
    np.testing.assert_array_equal(arrays.x_train[1:3], X[1:3])


def test_h5_is_closed_after_an_error(tmp_path):
    path = write_h5(tmp_path / "data.h5", {"x": X})
    with pytest.raises(DataError) as caught:
        load_h5(path)
    with h5py.File(path, "a") as file:  # fails on a file that is open for reading
        assert list(file) == ["x"]
    del caught  # its traceback holds the file object: nothing but close() closed the file


def test_a_group_is_no_array(tmp_path):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file.create_group("x")
        file["y"] = Y
    with pytest.raises(DataError, match=r"expected x to be an array of numbers, .* got Group"):
        load_h5(path)
