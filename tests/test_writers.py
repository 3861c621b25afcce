"""Whatever writes a file treats what is in its place as `save` does: modes, links, pipes, failures.

The writers are those of `WRITERS`; a search through the sources shows that nothing else writes.
"""

import ast
import contextlib
import csv
import errno
import os
import re
import stat
import sys
from pathlib import Path

import pytest
from small_models import LABELS, ONE_HOT, X, classifier

import ffnn
from ffnn.callbacks import CSVLogger, ModelCheckpoint
from ffnn.cli import main
from ffnn.core import files
from ffnn.visualization.page import save_page

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="made by means of Linux")

PACKAGE = Path(ffnn.__file__).parent
OLD = b"epoch,loss\r\n0,0.5\r\n"  # a log that lines can be added to, and for all others any file


# -- the writers -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Return a folder with a trained model, a checkpoint of it, and its rows as CSV."""
    folder = tmp_path_factory.mktemp("sources")
    with (folder / "rows.csv").open("w", encoding="utf-8") as file:
        header = ["a", "b", "c", "d", "class"]
        csv.writer(file).writerows([header, *(row for row in zip(*X.T, LABELS, strict=True))])
    model = classifier()
    model.fit(X, ONE_HOT, verbose=0)
    model.feature_names = header[:4]
    model.save(folder / "model.h5")
    logged = classifier()
    logged.fit(X, ONE_HOT, epochs=1, callbacks=[CSVLogger(folder / "log.csv")], verbose=0)
    logged.save(folder / "logged.h5")
    return folder


class WrongUsageError(Exception):
    """The command line ended with exit code 2, 1 or another one."""


def command(*arguments):
    """Return a writer that runs the command line; its errors are those that it prints."""

    def write(path, sources, capsys):
        named = {name: sources / name for name in ("rows.csv", "model.h5")}
        named |= {"path": path, "folder": path.parent}
        code = main([str(named.get(argument, argument)) for argument in arguments])
        if code:
            raise WrongUsageError(code, capsys.readouterr().err)

    return write


def trained(make, resumed=False):
    def write(path, sources, capsys):
        model, epochs = classifier(), 2 if resumed else 1
        options = {"resume_from": sources / "logged.h5"} if resumed else {}
        model.fit(X, ONE_HOT, epochs=epochs, callbacks=[make(path)], verbose=0, **options)

    return write


def graph(path, sources, capsys):
    ffnn.load_model(sources / "model.h5").save_graph(path)


def page(path, sources, capsys):
    save_page(ffnn.load_model(sources / "model.h5"), path)


def report(path, sources, capsys):
    ffnn.load_model(sources / "model.h5").report(X, ONE_HOT).save(path)


def export(path, sources, capsys):
    ffnn.load_model(sources / "model.h5").export(path)


def save(path, sources, capsys):
    classifier().save(path)


TRAIN = command("train", "rows.csv", "--epochs=1", "--hidden=2", "--quiet", "--out", "path")
PREDICT = command("predict", "model.h5", "rows.csv", "--out", "path")
WRITERS = {  # how it writes, the name of its file, and how a whole file begins and ends
    "save": (save, "new.h5", b"ffnn-model", b""),
    "save_graph-svg": (graph, "new.svg", b"<?xml", b"</svg>\n"),
    "save_graph-png": (graph, "new.png", b"\x89PNG", b"IEND\xaeB`\x82"),
    "save_graph-graphml": (graph, "new.graphml", b"<?xml", b"</graphml>\n"),
    "save_graph-html": (graph, "new.html", b"<!DOCTYPE html>", b"</html>\n"),
    "save_page": (page, "new.html", b"<!DOCTYPE html>", b"</html>\n"),
    "Report": (report, "new.html", b"<!DOCTYPE html>", b"</html>\n"),
    "export-onnx": (export, "new.onnx", b"", b""),
    "export-c": (export, "new.c", b"/* A neural network", b"}\n"),
    "export-py": (export, "new.py", b'"""A neural network', b"\n"),
    "export-js": (export, "new.js", b"// A neural network", b"\n"),
    "export-safetensors": (export, "new.safetensors", b"", b""),
    "ModelCheckpoint": (trained(ModelCheckpoint), "new.h5", b"ffnn-model", b""),
    "CSVLogger": (trained(CSVLogger), "new.csv", b"epoch,loss\r\n0,", b"\r\n"),
    "CSVLogger-append": (
        trained(lambda path: CSVLogger(path, append=True)), "new.csv", b"epoch,loss\r\n0,", b"\r\n"
    ),
    "CSVLogger-resumed": (trained(CSVLogger, True), "new.csv", b"epoch,loss\r\n", b"\r\n"),
    "ffnn train": (TRAIN, "new.h5", b"ffnn-model", b""),
    "ffnn predict": (PREDICT, "new.csv", b"class,", b"\n"),
    "ffnn report": (
        command("report", "model.h5", "rows.csv", "--out", "path"),
        "new.html", b"<!DOCTYPE html>", b"</html>\n",
    ),
    "ffnn train --report": (
        command("train", "rows.csv", "--epochs=1", "--hidden=2", "--quiet", "--report", "path"),
        "new.html", b"<!DOCTYPE html>", b"</html>\n",
    ),
    "ffnn graph": (
        command("graph", "model.h5", "--out", "path"), "new.svg", b"<?xml", b"</svg>\n"
    ),
    "ffnn plot": (
        command("plot", "model.h5", "weights", "--out-dir", "folder"),
        "model_weights.png", b"\x89PNG", b"IEND\xaeB`\x82",
    ),
}  # fmt: skip


@pytest.fixture(params=WRITERS)
def writer(request, sources, capsys):
    """Return a function that writes, the name of its file, and a check that the file is whole."""
    write, name, start, end = WRITERS[request.param]
    for library in ("onnx", "safetensors"):
        if name.endswith(library):
            pytest.importorskip(library, reason=f"the file needs ffnn[{library}]")

    def check(path):
        content = path.read_bytes()
        assert content.startswith(start)
        assert content.endswith(end)
        if name.endswith(".h5"):
            ffnn.load_model(path)

    return lambda path: write(path, sources, capsys), name, check


# -- what is written ---------------------------------------------------------------------------


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_follows_the_umask(writer, tmp_path):
    write, name, check = writer
    before = os.umask(0o027)
    try:
        write(tmp_path / name)
    finally:
        os.umask(before)

    check(tmp_path / name)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o640
    assert listing(tmp_path) == [name]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_an_old_file_is_replaced_and_its_mode_kept(writer, tmp_path, mode):
    write, name, check = writer
    path = tmp_path / name
    path.write_bytes(OLD)
    path.chmod(mode)

    write(path)

    check(path)
    assert path.read_bytes() != OLD
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert listing(tmp_path) == [name]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_its_target_is_written(writer, tmp_path, is_there):
    write, name, check = writer
    target = tmp_path / "elsewhere" / "file"
    target.parent.mkdir()
    if is_there:
        target.write_bytes(OLD)
        target.chmod(0o640)
    (tmp_path / name).symlink_to("elsewhere/file")

    write(tmp_path / name)

    check(target)
    assert os.readlink(tmp_path / name) == "elsewhere/file"
    assert listing(target.parent) == ["file"]
    if is_there:
        assert stat.S_IMODE(target.stat().st_mode) == 0o640


# -- what is refused ---------------------------------------------------------------------------


def forbid(monkeypatch, path):
    """Forbid to write a path; the superuser, who may run the tests, may write anywhere."""
    access, path = os.access, os.path.realpath(path)

    def answer(asked, mode):
        return access(asked, mode) and os.path.realpath(asked) != path

    monkeypatch.setattr(os, "access", answer)


@contextlib.contextmanager
def refused(path, message, code=2):
    """Expect an error that names the path and says what to do."""
    with pytest.raises((OSError, WrongUsageError)) as caught:
        yield
    if isinstance(caught.value, OSError):
        assert caught.value.filename == str(path)
        assert message in caught.value.strerror
    else:
        assert caught.value.args[0] == code
        text = caught.value.args[1].splitlines()[-1]  # there may be notes before it
        assert text.startswith("ffnn: error: ")
        assert str(path) in text
        assert message in text


@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_without_write_permission_is_left_alone(writer, tmp_path, monkeypatch, is_link):
    write, name, _ = writer
    path = file = tmp_path / name
    if is_link:
        file = tmp_path / "file"
        path.symlink_to("file")
    file.write_bytes(OLD)
    file.chmod(0o444)
    forbid(monkeypatch, file)

    with refused(path, "it is read-only; make it writable, or choose another name"):
        write(path)

    assert file.read_bytes() == OLD
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    assert listing(tmp_path) == sorted({name, file.name})


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_without_write_permission_is_left_alone(writer, tmp_path, monkeypatch, is_there):
    write, name, _ = writer
    path = tmp_path / name
    if is_there:
        path.write_bytes(OLD)
    forbid(monkeypatch, tmp_path)

    message = f"no permission to write in the folder {str(tmp_path)!r}; choose another one"
    with refused(path, message):
        write(path)

    assert listing(tmp_path) == [name] * is_there
    assert not is_there or path.read_bytes() == OLD


def test_a_folder_in_the_place_of_the_file_is_refused(writer, tmp_path):
    write, name, _ = writer
    (tmp_path / name).mkdir()

    with refused(tmp_path / name, "it is a folder; give the name of a file"):
        write(tmp_path / name)

    assert listing(tmp_path / name) == []
    assert listing(tmp_path) == [name]


def test_a_missing_folder_is_named(writer, tmp_path):
    write, name, _ = writer
    path = tmp_path / "missing" / name

    with refused(path, f"there is no folder {str(path.parent)!r}; make it"):
        write(path)

    assert listing(tmp_path) == []


def test_a_link_into_a_missing_folder_is_refused(writer, tmp_path):
    write, name, _ = writer
    (tmp_path / name).symlink_to("missing/file")

    with refused(tmp_path / name, f"there is no folder {str(tmp_path / 'missing')!r}; make it"):
        write(tmp_path / name)

    assert listing(tmp_path) == [name]


def test_a_file_in_the_place_of_the_folder_is_refused(writer, tmp_path):
    write, name, _ = writer
    folder = tmp_path / "file"
    folder.write_bytes(OLD)

    with refused(folder / name, f"{str(folder)!r} is not a folder; choose another one"):
        write(folder / name)

    assert folder.read_bytes() == OLD


NOT_REGULAR = "it is not a regular file but a pipe or a device, which is not replaced; choose"


def test_a_pipe_with_a_reader_is_left_alone(writer, tmp_path):
    write, name, _ = writer
    path = tmp_path / name
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with refused(path, NOT_REGULAR):
            write(path)

        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert listing(tmp_path) == [name]


def test_a_pipe_that_has_no_name_is_left_alone(writer, tmp_path):
    write, name, _ = writer
    reader, end = os.pipe()  # as standard output often is
    (tmp_path / name).symlink_to(f"/proc/self/fd/{end}")
    try:
        with refused(tmp_path / name, NOT_REGULAR):
            write(tmp_path / name)

        os.set_blocking(reader, False)
        with pytest.raises(BlockingIOError):
            os.read(reader, 1)
    finally:
        os.close(reader)
        os.close(end)


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
def test_a_device_is_left_alone(writer, tmp_path, device):
    write, name, _ = writer
    (tmp_path / name).symlink_to(device)

    with refused(tmp_path / name, NOT_REGULAR):
        write(tmp_path / name)

    assert stat.S_ISCHR(os.stat(device).st_mode)
    assert os.readlink(tmp_path / name) == device


# -- failures ----------------------------------------------------------------------------------


@contextlib.contextmanager
def small_files(size):
    """Let the system refuse to write more bytes into any file."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_failure_in_the_middle_leaves_the_old_file(writer, tmp_path, is_there):
    write, name, _ = writer
    path = tmp_path / name
    write(tmp_path / name)  # loads what is loaded and written once, such as lists of fonts
    path.unlink()
    if is_there:
        path.write_bytes(OLD)

    with refused(path, os.strerror(errno.EFBIG), code=1), small_files(len(OLD) + 3):
        write(path)

    assert listing(tmp_path) == [name] * is_there
    assert not is_there or path.read_bytes() == OLD


@pytest.mark.parametrize("call", ["write", "close"])
def test_a_disk_that_is_full_leaves_the_old_file(writer, tmp_path, monkeypatch, call):
    write, name, _ = writer
    path, function = tmp_path / name, getattr(os, call)
    path.write_bytes(OLD)

    def fail(descriptor, *arguments):
        function(descriptor, *(view[:3] for view in arguments))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with refused(path, os.strerror(errno.ENOSPC), code=1), monkeypatch.context() as patch:
        patch.setattr(files.os, call, fail)
        write(path)

    assert path.read_bytes().startswith(OLD)
    assert listing(tmp_path) == [name]


# -- nothing else writes -----------------------------------------------------------------------

# By which calls a program writes files; of `open` and `h5py.File` those that do not only read.
WRITING_FUNCTIONS = {
    *("json.dump", "np.save", "np.savetxt", "np.savez", "np.savez_compressed", "os.fdopen"),
    *("os.link", "os.mkfifo", "os.open", "os.rename", "os.renames", "os.replace", "os.symlink"),
    *("os.truncate", "os.unlink", "os.remove", "pickle.dump", "bokeh.io.save", "output_file"),
}
WRITING_MODULES = ("shutil.", "tempfile.", "nx.write_", "networkx.write_")
WRITING_METHODS = {
    *("hardlink_to", "rename", "savefig", "symlink_to", "to_csv", "tofile", "touch", "unlink"),
    *("write_bytes", "write_text", "write_graphml"),
}
ELSEWHERE = {  # what is written there is no file
    ("charts/files.py", "figure.savefig"): "into memory",
    ("charts/notebook_figure.py", "self.savefig"): "into memory",
    ("cli/__init__.py", "os.open"): "the null device, for what nobody reads",
    ("cli/ranks.py", "open"): "the null device, for what ranks other than 0 print",
    ("explanation/losses.py", "slope.rename"): "symbols",
    ("saving/hdf5.py", "h5py.File"): "into memory",
    ("visualization/graph.py", "nx.write_graphml"): "into memory",
}


def writing_calls(source):
    """Yield the names of the functions that a source calls to write files."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        if re.match(r"formula\b.*\.rename$", name, re.IGNORECASE):
            continue  # of symbols
        if (
            name in WRITING_FUNCTIONS
            or name.startswith(WRITING_MODULES)
            or ("." in name and last in WRITING_METHODS)
            or (last in {"open", "File"} and name != "os.open" and not only_reads(node))
        ):
            yield name


def only_reads(call):
    """Tell whether the mode of a call that opens a file is to read, or whether it has none."""
    modes = [*(each.value for each in call.keywords if each.arg == "mode"), *call.args]
    texts = [each.value for each in modes if isinstance(each, ast.Constant)]
    modes = [text for text in texts if isinstance(text, str) and set(text) <= set("rwaxbt+")]
    if not modes:  # a file is opened to read where no mode is given
        return not any(each.arg == "mode" for each in call.keywords)
    return not any(set(mode) & set("wax+") for mode in modes)


@pytest.mark.parametrize(
    "line",
    [
        *("open(path, 'w')", "open(path, mode='ab')", "open(path, mode=mode)", "path.open('x')"),
        *("io.open(path, 'r+')", "gzip.open(path, 'wb')", "os.open(path, flags)"),
        *("h5py.File(path, 'a')", "np.save(path, x)", "figure.savefig(path)", "json.dump(x, file)"),
        *("path.write_text(text)", "os.replace(a, b)", "shutil.copy(a, b)", "frame.to_csv(path)"),
        *("tempfile.mkstemp()", "nx.write_gml(graph, path)", "path.touch()", "array.tofile(path)"),
    ],
)
def test_the_search_finds_what_writes(line):
    assert len(list(writing_calls(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        *("open(path)", "open(path, 'rb')", "path.open(encoding='utf-8')", "h5py.File(path, 'r')"),
        *("text.replace('a', 'b')", "array.copy()", "json.dumps(x)", "Examples.open(x, y)"),
        *("stream.write(text)", "system.replace(a, b)", "model.save(path)"),
    ],
)
def test_the_search_finds_nothing_else(line):
    assert list(writing_calls(line)) == []


def test_only_the_module_of_files_writes_files():
    found = {
        (str(path.relative_to(PACKAGE).as_posix()), name)
        for path in PACKAGE.rglob("*.py")
        for name in writing_calls(path.read_text(encoding="utf-8"))
        if path != Path(files.__file__)
    }

    assert found == set(ELSEWHERE)


def test_every_user_of_the_module_of_files_is_a_writer_above():
    users = {
        str(path.relative_to(PACKAGE).as_posix())
        for path in PACKAGE.rglob("*.py")
        if {"replace_whole", "append_whole"} & set(names_in(path)) and path != Path(files.__file__)
    }

    assert users == {
        "callbacks/csv_logger.py",
        "charts/files.py",  # of save_graph and ffnn plot
        "cli/commands.py",  # ffnn predict
        "core/thread_choice.py",  # into the cache, see tests/test_thread_choice.py
        "exchange/source.py",
        "exchange/onnx_writer.py",
        "exchange/safetensors_files.py",
        "datasets/mnist.py",  # into the cache, see tests/datasets/test_mnist.py
        "reports/base.py",
        "saving/__init__.py",
        "visualization/graph.py",
        "visualization/page.py",
    }


def names_in(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Name, ast.Attribute)):
            yield node.id if isinstance(node, ast.Name) else node.attr
