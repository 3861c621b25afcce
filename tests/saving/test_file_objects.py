"""Open binary files in the place of a path, to save into and to load from."""

import gzip
import io
import os
import socket
import tempfile
import threading
import tracemalloc
import zipfile

import numpy as np
import pytest

import ffnn
from ffnn.layers import BatchNorm, Dense

pytest.importorskip("h5py")

X = np.random.default_rng(0).standard_normal((40, 3))


@pytest.fixture(scope="module")
def model():
    model = ffnn.Sequential([Dense(5, "tanh"), BatchNorm(), Dense(2, "softmax")], 3, seed=1)
    model.compile("adam", "cce")
    model.fit(X, np.arange(40) % 2, epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def content(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "m.h5"
    model.save(path)
    return path.read_bytes()


class Awkward(io.RawIOBase):
    """A raw file, which may take and give fewer bytes than it is asked for."""

    def __init__(self, content=b""):
        self.inner = io.BytesIO(content)

    def readable(self):
        return True

    def writable(self):
        return True

    def readinto(self, buffer):
        return self.inner.readinto(memoryview(buffer)[:100])

    def write(self, content):
        return self.inner.write(content[:100])


class Silent:
    """What has no more than `write`, and returns nothing from it."""

    def __init__(self):
        self.inner = bytearray()

    def write(self, content):
        self.inner += content


# -- what is written and read ------------------------------------------------------------------


def test_an_open_file_gets_the_bytes_of_a_path(model, content):
    stream = io.BytesIO()
    assert model.save(stream) is None
    assert stream.getvalue() == content
    assert stream.tell() == len(content)


def test_what_comes_back_is_the_model(model):
    stream = io.BytesIO()
    model.save(stream)
    stream.seek(0)
    loaded = ffnn.load_model(stream)
    assert type(loaded) is ffnn.Sequential
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    twin = model.twin()
    for each in (twin, loaded):
        each.fit(X, np.arange(40) % 2, epochs=3, initial_epoch=2, verbose=0)
    np.testing.assert_array_equal(loaded.predict(X), twin.predict(X))


def test_classes_load_from_open_files_as_well(content):
    class Own(ffnn.Sequential):
        """A model of the user's."""

    assert type(Own.load(io.BytesIO(content))) is Own


@pytest.mark.parametrize("buffering", [0, 1 << 20])
def test_files_on_disk(model, content, tmp_path, buffering):
    with open(tmp_path / "m.h5", "wb", buffering) as file:
        model.save(file)
        assert (tmp_path / "m.h5").read_bytes() == content  # before it is closed
    with open(tmp_path / "m.h5", "rb", buffering) as file:
        assert ffnn.load_model(file).seed == 1
        assert not file.closed


def test_the_model_begins_at_the_position(model, content):
    stream = io.BytesIO(b"before")
    stream.seek(6)
    model.save(stream)
    assert stream.getvalue() == b"before" + content
    stream.seek(6)
    assert ffnn.load_model(stream).seed == 1


def test_what_lay_behind_the_position_is_replaced(model, content):
    stream = io.BytesIO(bytes(2 * len(content)))
    model.save(stream)
    assert stream.getvalue() == content


def test_temporary_files_can_be_used(model):
    for make in (
        tempfile.TemporaryFile,
        tempfile.NamedTemporaryFile,
        tempfile.SpooledTemporaryFile,
    ):
        with make() as file:
            model.save(file)
            file.seek(0)
            assert ffnn.load_model(file).seed == 1


def test_compressed_files_and_members_of_archives(model, tmp_path):
    with gzip.open(tmp_path / "m.gz", "wb") as file:
        model.save(file)
    with gzip.open(tmp_path / "m.gz", "rb") as file:
        assert ffnn.load_model(file).seed == 1
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive, archive.open("m.h5", "w") as file:
        model.save(file)
    with zipfile.ZipFile(tmp_path / "m.zip") as archive, archive.open("m.h5") as file:
        assert ffnn.load_model(file).seed == 1


def test_what_only_goes_forward(model, content):
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("wb") as sending, theirs.makefile("rb") as receiving:

        def send():
            model.save(sending)
            ours.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=send)
        thread.start()
        assert ffnn.load_model(receiving).seed == 1
        thread.join()


def test_files_that_take_and_give_few_bytes(model, content):
    stream = Awkward()
    model.save(stream)
    assert stream.inner.getvalue() == content
    assert ffnn.load_model(Awkward(content)).seed == 1
    silent = Silent()
    model.save(silent)
    assert silent.inner == content


# -- what is refused ---------------------------------------------------------------------------


def closed():
    stream = io.BytesIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (closed, ValueError, "got a closed one: <BytesIO>"),
        (io.StringIO, TypeError, "got a text file: <StringIO>; open it in mode '{}'"),
        (lambda: 3, TypeError, "got 3"),
        (lambda: None, TypeError, "got None"),
        (lambda: io.BytesIO, TypeError, "got <class '_io.BytesIO'>"),
        (lambda: b"x".join, TypeError, "got <built-in method"),
    ],
)
def test_what_is_neither_a_path_nor_an_open_binary_file(model, make, kind, message):
    for call, name, mode in ((model.save, "save", "wb"), (ffnn.load_model, "load", "rb")):
        with pytest.raises(kind) as caught:
            call(make())
        start = f"{name}: path must be a path or an open binary file, "
        assert str(caught.value).startswith(start + message.format(mode))


def test_the_content_of_a_file_is_told_from_its_path(model):
    content = io.BytesIO()
    model.save(content)

    with pytest.raises(
        ValueError, match=r"load: path must be a path, .*; give .* io\.BytesIO"
    ) as got:
        ffnn.load_model(content.getvalue())
    assert len(str(got.value)) < 400


def test_files_that_are_open_for_something_else(model, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"old")
    with open(path, "rb") as file, pytest.raises(ValueError, match=r"cannot be written: .*m$"):
        model.save(file)
    with open(path, encoding="utf-8") as file, pytest.raises(TypeError, match=r"text file: .*'wb'"):
        model.save(file)
    assert path.read_bytes() == b"old"
    with open(path, "ab") as file, pytest.raises(ValueError, match=r"cannot be read: .*m$"):
        ffnn.load_model(file)


def test_a_model_that_cannot_be_saved_leaves_the_file_as_it_was(model):
    broken = ffnn.Sequential([Dense(2)], 3, seed=0)
    broken.layers[0].params["weight"][0, 0] = np.nan
    stream = io.BytesIO(b"old")
    with pytest.raises(ValueError, match="holds infinity or NaN"):
        broken.save(stream)
    with pytest.raises(RuntimeError, match="no parameters"):
        ffnn.Sequential([Dense(2)]).save(stream)
    assert stream.getvalue() == b"old"
    assert stream.tell() == 0


def test_a_file_that_is_full_is_back_at_its_position(model):
    class Full(io.BytesIO):
        def write(self, content):
            if self.tell() > 1000:
                raise OSError(28, "No space left on device")
            return super().write(content[:500])

    stream = Full()
    stream.seek(3)
    with pytest.raises(OSError, match="No space left"):
        model.save(stream)
    assert stream.tell() == 3


def test_a_file_that_takes_nothing_ends_in_an_error(model):
    class Stuck(io.BytesIO):
        def write(self, content):
            return 0

    with pytest.raises(OSError, match="nothing could be written"):
        model.save(Stuck())


@pytest.mark.skipif(os.name != "posix", reason="pipes that do not block are of POSIX")
def test_a_pipe_with_nothing_in_it_yet():
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    try:
        with (
            open(reader, "rb", buffering=0) as file,
            pytest.raises(ffnn.ModelFileError, match="expected bytes, none are there yet"),
        ):
            ffnn.load_model(file)
    finally:
        os.close(writer)


@pytest.mark.parametrize("size", [0, 1, 14, 511, 512, 513, -1])
def test_short_content_is_refused(content, size):
    message = "no bytes at its position or after it; seek" if size == 0 else "damaged|not an ffnn"
    with pytest.raises(ffnn.ModelFileError, match=rf"^<BytesIO>: ({message})"):
        ffnn.load_model(io.BytesIO(content[:size]))


def test_forgotten_seek_is_told(model):
    stream = io.BytesIO()
    model.save(stream)
    with pytest.raises(ffnn.ModelFileError, match=r"seek\(0\) goes to its start"):
        ffnn.load_model(stream)


def test_content_that_goes_on_is_refused(content):
    message = rf"<BytesIO>: damaged: expected {len(content)} bytes, got more"
    with pytest.raises(ffnn.ModelFileError, match=message):
        ffnn.load_model(io.BytesIO(content + b"\0\0"))


@pytest.mark.parametrize("place", [0, 100, 600, 5000])
def test_broken_content_is_refused(content, place):
    broken = bytearray(content)
    broken[place] ^= 1
    with pytest.raises(ffnn.ModelFileError):
        ffnn.load_model(io.BytesIO(broken))


def test_the_file_is_named_in_the_error(tmp_path):
    (tmp_path / "m.h5").write_bytes(b"something else")
    with open(tmp_path / "m.h5", "rb") as file, pytest.raises(ffnn.ModelFileError) as caught:
        ffnn.load_model(file)
    assert str(caught.value).startswith(f"{tmp_path / 'm.h5'}: not an ffnn model")


def test_reading_that_fails_or_gives_text(content):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    class Texts:
        def read(self, size=-1):
            return "text"

    with pytest.raises(
        ffnn.ModelFileError, match=r"<Broken>: cannot be read: .*Input/output error"
    ):
        ffnn.load_model(Broken(content))
    with pytest.raises(ffnn.ModelFileError, match=r"<Texts>: .*expected bytes, got 'text'"):
        ffnn.load_model(Texts())


class Endless(io.RawIOBase):
    """Zeros behind some bytes, so many that nobody should read them all."""

    def __init__(self, start):
        self.start = io.BytesIO(start)
        self.given = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        count = self.start.readinto(buffer) or (self.given < 1 << 24) * len(buffer)
        self.given += count
        return count


def test_memory_is_in_proportion_to_what_is_there(content):
    lie = content.replace(b"length %d" % len(content), b"length 999999999")
    too_long = content.replace(b"length %d" % len(content), b"length 99999999999999999")
    tracemalloc.start()
    try:
        with pytest.raises(ffnn.ModelFileError, match="damaged"):
            ffnn.load_model(io.BytesIO(lie))
        for start in (b"", b"ffnn-model 1\nlibrary", content, too_long[:512]):
            stream = Endless(start)
            with pytest.raises(ffnn.ModelFileError):
                ffnn.load_model(stream)
            assert stream.given <= len(content) + 1
        assert tracemalloc.get_traced_memory()[1] < 20 * len(content)
    finally:
        tracemalloc.stop()
