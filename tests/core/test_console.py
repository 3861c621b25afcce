"""Printing: where streams are missing or closed, and what a terminal would obey."""

import ast
import io
import subprocess
import sys
import tracemalloc
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn import saving
from ffnn.cli import main
from ffnn.core.checks import nearest
from ffnn.core.console import complain, is_open, is_terminal, show
from ffnn.errors import DataError, ModelFileError, visible
from ffnn.estimators import FFNNClassifier, FFNNRegressor
from ffnn.layers import BatchNorm, Dense

PACKAGE = Path(ffnn.__file__).parent
ESCAPES = {
    "a\x1b[31mb": r"a\x1b[31mb",
    "bell\x07": r"bell\x07",
    "\x9b2J": r"\x9b2J",
    "back\b\rover": r"back\x08\rover",
    "user\u202etxt.exe": r"user\u202etxt.exe",
    "\u2066left\u2069": r"\u2066left\u2069",
    "zero\u200bwidth": r"zero\u200bwidth",
    "line\u2028separator": r"line\u2028separator",
    "\ud800": r"\ud800",
}


@pytest.mark.parametrize(("text", "expected"), ESCAPES.items(), ids=ESCAPES.values())
def test_what_a_terminal_would_obey_is_written_as_an_escape(text, expected, capsys):
    assert visible(text) == expected
    assert visible(expected) == expected
    for error in (DataError, ModelFileError):
        assert str(error(text)) == expected
    show(text)
    assert capsys.readouterr().out == f"{expected}\n"


@pytest.fixture
def trained():
    """Make a trained model whose names, and those of its history, are not to be trusted."""

    def trained(name):
        model = ffnn.Sequential([Dense(2, "softmax")], input_dim=2, seed=0)
        model.compile("sgd", "cce")
        model.class_names = model.feature_names = [f"{name}{index}" for index in range(2)]
        model.fit(np.eye(2), [0, 1], verbose=0)
        model.history.history[name] = [1.0]
        return model

    return trained


@pytest.mark.parametrize("name", ESCAPES, ids=ESCAPES.values())
@pytest.mark.parametrize(
    "view",
    [
        repr,
        lambda model: repr(model.history),
        lambda model: model._repr_html_(),
        lambda model: model.history._repr_html_(),
        lambda model: str(model.diagnose(np.eye(2), [0, 1])),
        lambda model: model.diagnose(np.eye(2), [0, 1])._repr_html_(),
        lambda model: str(model.explain_step(np.eye(2), [0, 1])),
    ],
    ids=["repr", "history", "html", "history-html", "diagnosis", "diagnosis-html", "explanation"],
)
def test_what_shows_a_model_has_nothing_that_a_terminal_would_obey(view, name, trained):
    shown = view(trained(name))

    assert visible(shown) == shown


def forge_history(config, arrays, name):
    config["history"]["names"] = [name]


def forge_setting(config, arrays, name):
    config["position"]["training"]["shuffle"] = name


def forge_rate(config, arrays, name):
    config["position"]["training"]["learning_rate"] = name
    config["compile"]["optimizer"]["config"]["learning_rate"] = 0.5


@pytest.mark.parametrize("name", [name for name in ESCAPES if name != "\ud800"], ids=ascii)
@pytest.mark.parametrize("forge", [forge_history, forge_setting, forge_rate])
def test_what_cannot_be_resumed_is_said_with_escapes(forge, name, tmp_path):
    model = ffnn.Sequential([Dense(2, "softmax")], input_dim=2, seed=0)
    model.compile("sgd", "cce")
    model.fit(np.eye(2), [0, 1], verbose=0)
    model.save(tmp_path / "m.h5")
    config, arrays = saving.decode((tmp_path / "m.h5").read_bytes())
    forge(config, arrays, name)
    (tmp_path / "m.h5").write_bytes(saving.encode(config, arrays))

    with pytest.raises(ValueError, match="resume_from: the training ") as caught:
        model.fit(np.eye(2), [0, 1], epochs=2, verbose=0, resume_from=tmp_path / "m.h5")

    assert visible(str(caught.value)) == str(caught.value)
    assert visible(name) in str(caught.value)


@pytest.mark.parametrize("text", ["säte, ½ ─ 数 🙂", "two\nlines", ""])
def test_what_can_be_printed_stays(text):
    assert visible(text) == text


def test_what_a_stream_cannot_encode_is_a_question_mark():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    show("─ 1", stream)
    stream.flush()

    assert stream.buffer.getvalue() == b"? 1\n"


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def detached():
    stream = io.TextIOWrapper(io.BytesIO())
    stream.detach()
    return stream


class Writes:
    """Stands in for a standard stream, as in an editor's console, and can do no more than write."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


class WritesAndFlushes(Writes):
    """What programs that put an object in the place of a stream usually write."""

    def flush(self):
        """Keep nothing back."""


STREAMS = [None, closed(), detached()]
NAMES = ["none", "closed", "detached"]
ALL_STREAMS, ALL_NAMES = [*STREAMS, Writes(), WritesAndFlushes()], [*NAMES, "writes", "flushes"]


@pytest.mark.parametrize("stream", ALL_STREAMS, ids=ALL_NAMES)
@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize("verbose", ["auto", 0, 1, 2])
def test_fit_and_summary_work_without_a_standard_stream(name, stream, verbose, monkeypatch):
    model = ffnn.Sequential([Dense(1)], input_dim=2, seed=0)
    model.compile()
    monkeypatch.setattr(sys, name, stream)

    history = model.fit(np.eye(2), np.ones(2), epochs=2, verbose=verbose)
    model.summary()
    report = ffnn.gradient_check(model, np.eye(2), np.ones(2), progress=True)

    assert len(history.epoch) == 2
    assert report.is_right


@pytest.mark.parametrize("stream", ALL_STREAMS, ids=ALL_NAMES)
@pytest.mark.parametrize("estimator", [FFNNClassifier, FFNNRegressor])
@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "lbfgs"},
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 10.0},
        {"early_stopping": True, "n_iter_no_change": 1, "tol": 10.0},
    ],
    ids=["lbfgs", "adaptive", "early-stopping"],
)
def test_estimators_print_nowhere_without_standard_output(settings, estimator, stream, monkeypatch):
    monkeypatch.setattr(sys, "stdout", stream)
    x, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of so short a training
        fitted = estimator(
            hidden_layer_sizes=(2,), max_iter=12, verbose=True, random_state=0, **settings
        ).fit(x, y)

    assert fitted.n_iter_ >= 1


@pytest.mark.parametrize("stream", STREAMS, ids=NAMES)
def test_such_a_stream_is_not_open_and_no_terminal(stream):
    assert not is_open(stream)
    assert not is_terminal(stream)
    show("nowhere", stream or closed())


@pytest.mark.parametrize("stream", [Writes(), WritesAndFlushes()])
def test_an_object_that_writes_is_open_and_no_terminal(stream):
    assert is_open(stream)
    assert not is_terminal(stream)
    show("there", stream)
    assert stream.text == "there\n"


def warn_in_fit():
    model = ffnn.Sequential([BatchNorm(), Dense(1)], input_dim=2, seed=0)
    model.compile("sgd", "mse")
    model.fit(np.eye(2), np.ones(2), batch_size=1, verbose=0)


def warn_in_solver(**settings):
    x, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    FFNNClassifier((2,), random_state=0, **settings).fit(x, y)


WARNINGS = {
    "fit": warn_in_fit,
    "lbfgs": partial(warn_in_solver, solver="lbfgs", max_iter=1),
    "max_iter": partial(warn_in_solver, max_iter=1),
    "batch_size": partial(warn_in_solver, max_iter=1, batch_size=50),
}


def print_warning(message, category, filename, lineno, file=None, line=None):
    """Do what Python does where pytest does not collect the warnings."""
    if sys.stderr is not None:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


@pytest.mark.parametrize("stream", ALL_STREAMS, ids=ALL_NAMES)
@pytest.mark.parametrize("work", WARNINGS.values(), ids=WARNINGS)
def test_a_warning_does_no_harm_without_standard_error(work, stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(warnings, "showwarning", print_warning)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        work()

    if isinstance(stream, Writes):
        assert "Warning: " in stream.text


@pytest.mark.parametrize("stream", STREAMS, ids=NAMES)
@pytest.mark.parametrize("work", WARNINGS.values(), ids=WARNINGS)
def test_a_warning_is_caught_or_an_error_whatever_the_stream(work, stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        work()
    assert {warning.filename for warning in caught} == {__file__}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning):
            work()


@pytest.mark.parametrize(
    "ending", ["sys.stderr.close()", "sys.stderr.detach()", "sys.stderr = None"]
)
def test_python_itself_fails_at_no_warning(ending):
    program = (
        "import sys, numpy as np, ffnn; from ffnn.layers import *; "
        "m = ffnn.Sequential([BatchNorm(), Dense(1)], input_dim=2); m.compile('sgd', 'mse'); "
        f"{ending}; m.fit(np.eye(2), np.ones(2), batch_size=1); m.summary(); print('done')"
    )
    command = [sys.executable, "-c", program]
    process = subprocess.run(command, capture_output=True, text=True, check=False)

    assert process.stdout.endswith("done\n")
    assert process.stderr == ""


@pytest.mark.parametrize("stream", STREAMS, ids=NAMES)
def test_complaints_do_not_go_to_standard_output(stream, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", stream)
    complain("ffnn: note: nowhere")

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.skipif(sys.platform == "win32", reason="closes streams as a POSIX shell does")
def test_the_command_line_works_where_the_shell_has_closed_streams(closing, tmp_path):
    path = tmp_path / "m.h5"
    command = f"{sys.executable} -m ffnn train digits --epochs 1 --out {path} {closing}"

    assert subprocess.run(command, shell=True, check=False).returncode == 0
    assert ffnn.load_model(path).history.epoch == [0]


@pytest.mark.parametrize("stream", ALL_STREAMS, ids=ALL_NAMES)
@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["train", "digits", "--epochs", "1", "--hidden", "2"], 0),
        (["train", "digits", "--epochs", "1", "--hidden", "2", "--verbose"], 0),
        (["--help"], 0),
        (["info"], 0),
        (["train", "x.txt"], 2),
        (["evaluate", "no.h5", "digits"], 4),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_commands_end_with_their_code_whatever_the_streams(
    arguments, code, name, stream, monkeypatch
):
    monkeypatch.setattr(sys, name, stream)

    assert main(arguments) == code


def test_predictions_need_somewhere_to_go(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)

    assert main(["predict", "m.h5", "digits"]) == 2
    assert "--out FILE" in capsys.readouterr().err


@pytest.mark.parametrize("long_one", ["name", "known"])
def test_a_long_name_out_of_a_file_costs_no_memory(long_one):
    name, known = "x" * 1_000_000, ["dense"]
    if long_one == "known":
        name, known = known[0], [name]
    tracemalloc.start()
    try:
        assert nearest(name, known) == ""
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_a_long_unknown_name_is_cut_off_in_the_message():
    with pytest.raises(ValueError, match="unknown activation") as caught:
        Dense(1, "x" * 1_000_000)

    assert len(str(caught.value)) < 1000


def prints(source):
    """Yield the lines that print without `show` or warn without `warn`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called == "print" or called.endswith(
                ("stdout.write", "stderr.write", "warnings.warn")
            ):
                yield node.lineno


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_everything_is_printed_by_show(path):
    assert len(list(prints(path.read_text(encoding="utf-8")))) == (path.stem == "console")


def test_what_prints_by_itself_is_noticed():
    source = "print(1)\nsys.stdout.write('x')\nshow('x')\nsys.stderr.write('x')\nfile.write('x')"
    assert list(prints(source)) == [1, 2, 4]
