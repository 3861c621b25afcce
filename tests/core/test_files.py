"""A save that is killed, or that the system lets down, leaves the old file or the new one."""

import errno
import os
import signal
import stat
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

import ffnn
from ffnn import saving
from ffnn.core import files
from ffnn.layers import Dense

pytest.importorskip("h5py")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="made by means of Linux")


def temporaries(folder):
    return sorted(folder.glob(".ffnn-*"))


# -- trials ------------------------------------------------------------------------------------


def test_a_killed_save_leaves_the_old_file_or_the_new_one(soak):
    result = soak("kills")

    assert result["failures"] == []
    assert result["cases"] == 200
    assert result["notes"]["killed with a temporary file"] > 50  # so many were in the middle
    assert result["control"] > 50  # of 100 files written in place, so many are torn


def test_readers_beside_a_writer_see_whole_files(soak):
    result = soak("readers")

    assert result["failures"] == []
    assert result["cases"] == 300
    assert result["control"] > 0


def test_each_system_call_may_fail(soak):
    result = soak("faults")

    assert result["failures"] == []
    failed = {name.split()[0] for name in result["notes"]}
    assert failed >= {"stat", "open", "write", "fsync", "close", "replace"}
    assert result["control"] == 1


# -- what is called ----------------------------------------------------------------------------


class Recording:
    """The functions of `os`, which writes down what is called; some answer otherwise."""

    def __init__(self, **others):
        self.calls = []
        self.others = others

    def __getattr__(self, name):
        def call(*arguments):
            self.calls.append(name)
            return self.others.get(name, getattr(os, name))(*arguments)

        return call


def test_a_file_is_on_disk_before_it_is_renamed_and_the_folder_after(tmp_path):
    system = Recording()

    files.replace_whole(tmp_path / "file", b"content", system)

    order = ["stat", "access", "listdir", "open", "write", "fsync", "close", "replace"]
    assert system.calls == [*order, "open", "fsync", "close"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_short_writes_are_continued(tmp_path):
    system = Recording(write=lambda descriptor, view: os.write(descriptor, view[:3]))

    files.replace_whole(tmp_path / "file", b"0123456789", system)

    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_write_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(OSError, match="nothing could be written"):
        files.replace_whole(tmp_path / "file", b"content", Recording(write=lambda *_: 0))

    assert list(tmp_path.iterdir()) == []


def test_lines_are_added_to_what_is_there(tmp_path):
    path, system = tmp_path / "file", Recording(write=lambda to, view: os.write(to, view[:2]))
    path.write_bytes(b"0123")
    before = path.stat()

    files.append_whole(path, b"456789", system)

    assert path.read_bytes() == b"0123456789"
    assert path.stat().st_ino == before.st_ino
    assert system.calls == ["open", *["write"] * 3, "close"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_what_was_added_before_a_failure_is_taken_back(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write(descriptor, view):
        os.write(descriptor, view[:2])
        raise error

    with pytest.raises(type(error)):
        files.append_whole(path, b"more", Recording(write=write))

    assert path.read_bytes() == b"old"


def test_nothing_is_added_to_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match="not a regular file"):
            files.append_whole(tmp_path / "pipe", b"more")
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_nothing_is_added_to_a_file_that_is_gone(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        files.append_whole(tmp_path / "file", b"more")

    assert caught.value.filename == str(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_asking_first_changes_nothing_and_agrees_with_writing(tmp_path):
    paths = [tmp_path / "new", tmp_path / "missing" / "new", tmp_path, Path("/dev/null")]
    texts = []
    for call in (files.check_target, lambda path: files.replace_whole(path, b"")):
        for path in paths:
            try:
                call(path)
            except OSError as error:
                texts.append(str(error))
        if call is files.check_target:
            assert list(tmp_path.iterdir()) == []

    assert len(texts) == 6
    assert texts[:3] == texts[3:]


def test_the_target_is_never_opened(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    opened = []

    def note(name, *arguments):
        opened.append(name)
        return os.open(name, *arguments)

    files.replace_whole(path, b"new", Recording(open=note))

    assert str(path) not in opened
    assert path.read_bytes() == b"new"


def test_an_interrupt_cleans_up_too(tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.replace_whole(tmp_path / "file", b"content", Recording(fsync=interrupt))

    assert list(tmp_path.iterdir()) == []


CALLS = ["stat", "access", "listdir", "open", "write", "chmod", "fsync", "close", "replace"]


@pytest.mark.parametrize("name", CALLS)
def test_ctrl_c_within_a_save_waits_until_the_file_is_complete(tmp_path, name):
    path, config = tmp_path / "model.h5", {"a": 1}
    saving.write(path, config, {})

    def press(*arguments):
        signal.raise_signal(signal.SIGINT)
        return getattr(os, name)(*arguments)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            saving.write(path, {"a": 2}, {}, system=Recording(**{name: press}))
    finally:
        signal.signal(signal.SIGINT, before)

    assert saving.read(path, lambda config, _: config) == {"a": 2}
    assert list(tmp_path.iterdir()) == [path]


def test_ctrl_c_in_a_callback_of_h5py_is_not_swallowed(tmp_path, monkeypatch):
    class Anything:
        """What a weak reference can point to."""

    def build(*arguments):
        thing = Anything()
        kept = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
        del thing  # as h5py does with its objects
        assert kept() is None
        return hdf5_build(*arguments)

    hdf5_build = saving.hdf5.build
    monkeypatch.setattr(saving.hdf5, "build", build)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            save_to(tmp_path / "model.h5")
    finally:
        signal.signal(signal.SIGINT, before)

    ffnn.load_model(tmp_path / "model.h5")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EACCES])
def test_a_folder_that_cannot_be_synced_is_not_an_error(tmp_path, number):
    def sync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, "not for folders")

    files.replace_whole(tmp_path / "file", b"content", Recording(fsync=sync))

    assert (tmp_path / "file").read_bytes() == b"content"


# -- errors ------------------------------------------------------------------------------------


def save_to(path):
    ffnn.Sequential([Dense(2)], input_dim=3, seed=0).save(path)


@pytest.mark.parametrize("name", ["missing/model.h5", "file/model.h5"])
def test_an_error_names_the_file_that_was_asked_for(tmp_path, name):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OSError) as caught:  # noqa: PT011
        save_to(tmp_path / name)

    assert str(caught.value).endswith(f"{str(tmp_path / name)!r}")


def test_a_folder_a_pipe_and_a_device_are_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(IsADirectoryError):
        save_to(tmp_path / "folder")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(OSError, match="not a regular file"):
            save_to(path)

    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert temporaries(tmp_path) == []


def test_a_write_protected_file_is_not_replaced(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with pytest.raises(PermissionError):
        files.replace_whole(path, b"new", Recording(access=lambda *_: False))

    assert path.read_bytes() == b"old"


# -- permissions and links ---------------------------------------------------------------------


@pytest.mark.parametrize(("mask", "mode"), [(0o027, 0o640), (0o077, 0o600), (0o000, 0o666)])
def test_a_new_file_gets_the_usual_permissions(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        save_to(tmp_path / "model.h5")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "model.h5").stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o660, 0o664])
def test_a_replaced_file_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "model.h5"
    save_to(path)
    path.chmod(mode)

    save_to(path)

    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_private_file_is_private_at_every_moment(tmp_path):
    path, modes = tmp_path / "file", []
    path.write_bytes(b"old")
    path.chmod(0o600)

    def write(descriptor, view):
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return os.write(descriptor, view)

    files.replace_whole(path, b"new", Recording(write=write))

    assert modes == [0o600]


def test_what_a_link_points_to_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / "models").mkdir()
    target, link = tmp_path / "models" / "first.h5", tmp_path / "latest.h5"
    save_to(target)
    before = target.stat().st_ino
    link.symlink_to("models/first.h5")

    save_to(link)

    assert link.is_symlink()
    assert target.stat().st_ino != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.h5", "models"]


def test_a_link_to_nothing_gets_its_target(tmp_path):
    (tmp_path / "latest.h5").symlink_to("first.h5")

    save_to(tmp_path / "latest.h5")

    assert (tmp_path / "latest.h5").is_symlink()
    ffnn.load_model(tmp_path / "first.h5")


# -- what dead processes leave behind ----------------------------------------------------------


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def temporary(folder, machine=None, pid=None):
    machine, pid = machine or files._machine(), pid or dead_pid()
    path = folder / f".ffnn-{machine}-{pid}-{'0' * 16}.tmp"
    path.write_bytes(b"half a model")
    return path


def test_temporary_files_of_dead_processes_are_removed(tmp_path):
    left = temporary(tmp_path)

    save_to(tmp_path / "model.h5")

    assert not left.exists()
    assert temporaries(tmp_path) == []


def test_those_of_living_processes_and_other_machines_stay(tmp_path):
    others = [
        temporary(tmp_path, pid=os.getpid()),
        temporary(tmp_path, pid=os.getppid()),
        temporary(tmp_path, machine="0" * 8),
        tmp_path / ".ffnn-notes.tmp",
    ]
    others[-1].write_text("mine")

    save_to(tmp_path / "model.h5")

    assert temporaries(tmp_path) == sorted(others)


def test_a_leftover_that_cannot_be_removed_does_not_matter(tmp_path):
    def unlink(_):
        raise PermissionError(errno.EPERM, "no")

    temporary(tmp_path)

    files.replace_whole(tmp_path / "file", b"content", Recording(unlink=unlink))

    assert (tmp_path / "file").read_bytes() == b"content"
