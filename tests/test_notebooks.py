"""What notebooks show: pictures of all figures, tables, mathematics, and bars that are not red."""

import ast
import base64
import importlib.util
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import all_figures
import matplotlib.figure
import numpy as np
import pytest

import ffnn
from ffnn.core.progress import open_tqdm
from ffnn.layers import Dense

PACKAGE = Path(ffnn.__file__).parent

SETUP = """
import sys
sys.path.insert(0, {shared!r})
import all_figures
names, figures = all_figures.NAMES, all_figures.figures("a")
model = all_figures.classifier("a")
"""
BEFORE = ["'matplotlib.pyplot' in sys.modules"]
FIGURES = [f"figures[{name!r}]()" for name in all_figures.NAMES]
INLINE = ["%matplotlib inline", *FIGURES[:3]]
VECTORS = ["%config InlineBackend.figure_formats = ['svg']", FIGURES[0]]
BARS = [
    "model.fit(all_figures.X, all_figures.CLASSES, epochs=2, validation_split=0.2);",
    "_ = ffnn.find_learning_rate(model, all_figures.X, all_figures.CLASSES, steps=20)",
    "check = ffnn.gradient_check(model, all_figures.X, all_figures.CLASSES, progress=True)",
]
TABLES = [
    "check",
    "model",
    "model.history",
    "model.recording",
    "model.report(all_figures.X, all_figures.CLASSES)",
    "model.diagnose(all_figures.X, all_figures.CLASSES)",
    "model.contributions(all_figures.X[:3])",
]
MATHEMATICS = ["model.explain_step(all_figures.X[:2], all_figures.CLASSES[:2])"]
RUN = """
import json, sys, nbformat
from nbclient import NotebookClient
cells = [nbformat.v4.new_code_cell(source) for source in json.load(sys.stdin)]
notebook = nbformat.v4.new_notebook(cells=cells)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """Return source → outputs of a notebook that was run in a kernel of its own, and its path."""
    for name in ("ipykernel", "nbclient"):
        if importlib.util.find_spec(name) is None:  # not imported: this is no kernel
            pytest.skip(f"needs {name}")
    path = tmp_path_factory.mktemp("notebook") / "run.ipynb"
    shared = str(Path(__file__).parent / "shared")
    setup = f"import sys\nsys.path.insert(0, {str(PACKAGE.parent)!r})\nimport ffnn"
    setup += SETUP.format(shared=shared)
    sources = [setup, *BEFORE, *FIGURES, *BARS, *TABLES, *MATHEMATICS]
    sources += [*INLINE[:1], *(f"{line}  # inline" for line in INLINE[1:])]
    sources += [VECTORS[0], f"{VECTORS[1]}  # vectors"]
    command = [sys.executable, "-c", RUN, str(path)]
    done = subprocess.run(
        command, input=json.dumps(sources), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {"".join(cell["source"]): cell["outputs"] for cell in cells} | {"path": path}


def only(outputs):
    """Return the data of the only output."""
    assert len(outputs) == 1, outputs
    return outputs[0]["data"]


def size_of(png):
    """Return width and height, which begin at the 16th byte of a PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


# -- figures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("source", FIGURES)
def test_a_figure_is_one_picture_in_a_fresh_kernel(notebook, source):
    assert only(notebook[BEFORE[0]])["text/plain"] == ["False"]
    (output,) = notebook[source]
    width, height = size_of(base64.b64decode(output["data"]["image/png"]))
    shown = output["metadata"]["image/png"]
    assert (width, height) == pytest.approx((2 * shown["width"], 2 * shown["height"]), abs=2)


@pytest.mark.parametrize("source", INLINE[1:])
def test_a_figure_is_one_picture_beside_pyplot_too(notebook, source):
    assert "image/png" in only(notebook[f"{source}  # inline"])


def test_vectors_are_shown_where_the_notebook_asks_for_them(notebook):
    assert "image/svg+xml" in only(notebook[f"{VECTORS[1]}  # vectors"])


@pytest.mark.parametrize("name", all_figures.NAMES)
def test_a_figure_is_matplotlibs_and_touches_no_global_state(name):
    figure = all_figures.figures("a")[name]()
    assert isinstance(figure, matplotlib.figure.Figure)
    png, shown = figure._repr_png_()
    size = figure.get_size_inches() * figure.dpi
    assert (shown["width"], shown["height"]) == pytest.approx(size, abs=1)
    assert size_of(png) == pytest.approx(2 * size, abs=2)
    content = io.BytesIO()
    figure.savefig(content, dpi=50)
    assert size_of(content.getvalue()) == pytest.approx(size / 2, abs=1)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or figure not in map(pyplot.figure, pyplot.get_fignums())


def test_the_list_of_figures_has_each_public_method_that_returns_one():
    public = {"compare_histories", "plot_boundary"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for member in node.body if isinstance(node, ast.ClassDef) else ():
                returns = ast.unparse(getattr(member, "returns", None) or ast.Constant(""))
                if returns == "Figure" and not member.name.startswith("_"):
                    long = member.name if node.name == "Drawn" else f"{node.name}.{member.name}"
                    public.add(long)
    assert public == {name.split(" of ")[0] for name in all_figures.NAMES}


def test_all_figures_are_made_in_one_place():
    makers = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "matplotlib.figure import Figure" in text and "TYPE_CHECKING" not in text:
            makers.add(path.name)
        assert "pyplot" not in text.replace("`pyplot`", ""), path
    assert makers == {"notebook_figure.py"}


# -- bars --------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", BARS)
def test_a_bar_is_no_error_in_red(notebook, source):
    for output in notebook[source]:
        assert output["output_type"] == "stream"
        assert output["name"] == "stdout"
        assert "Warning" not in "".join(output["text"])
    assert notebook[source]


def test_the_bar_of_a_training_shows_losses_and_metrics(notebook):
    texts = "".join("".join(output["text"]) for output in notebook[BARS[0]])
    last = texts.rstrip().rsplit("\r", 1)[-1]
    assert last.startswith("Epoch 2/2: 100%")
    places = [last.index(f"{name}=") for name in ("loss", "val_loss", "accuracy", "val_accuracy")]
    assert places == sorted(places)


def test_the_bar_is_a_widget_where_there_are_widgets(monkeypatch):
    notebook = pytest.importorskip("tqdm.notebook")
    made = []
    monkeypatch.setattr(notebook, "tqdm", lambda **options: made.append(options))
    monkeypatch.setattr("ffnn.core.progress.is_notebook", lambda: True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "ipywidgets" or None)
    open_tqdm(total=3)
    assert made == [{"total": 3}]


def test_elsewhere_it_is_on_standard_error(capsys):
    open_tqdm(total=3, desc="here").close()
    out, err = capsys.readouterr()
    assert out == ""
    assert "here" in err


@pytest.mark.parametrize(("columns", "shown"), [(60, 1), (80, 2), (100, 3), (120, 4)])
def test_the_bar_shows_whole_numbers_only_as_many_as_fit(columns, shown, monkeypatch, capsys):
    model = ffnn.Sequential([Dense(3, "softmax")], input_dim=2, seed=0)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    monkeypatch.setattr("ffnn.training.reporters.ProgressBar.COLUMNS", columns)
    model.fit(all_figures.X, all_figures.CLASSES, validation_split=0.2, epochs=10, verbose=1)
    last = capsys.readouterr().err.rstrip().rsplit("\r", 1)[-1]
    assert len(last) <= columns
    names = ["loss", "val_loss", "accuracy", "val_accuracy"][:shown]
    assert [part.split("=")[0] for part in last.split(", ")[1:]] == names


# -- tables and mathematics --------------------------------------------------------------------


@pytest.mark.parametrize("source", TABLES)
def test_what_was_found_is_html(notebook, source):
    assert "<div" in "".join(only(notebook[source])["text/html"])


def test_a_step_is_mathematics(notebook):
    text = "".join(only(notebook[MATHEMATICS[0]])["text/markdown"])
    assert "$$" in text


def test_a_gradient_check_has_its_rows_and_verdict_in_html():
    model = ffnn.Sequential([Dense(2, "tanh"), Dense(1)], input_dim=3, seed=0)
    model.compile(loss="mse")
    report = ffnn.gradient_check(model, np.ones((2, 3)), np.ones(2))
    page = report._repr_html_()
    assert page.count("<tr>") == 1 + len(report.rows)
    assert report.verdict in page
    for row in report.rows:
        for text in (row.layer, row.parameter, f"{row.max_error:.2e}"):
            assert f">{text}</td>" in page


def test_a_recording_has_first_and_last_numbers_in_html():
    recording = all_figures.classifier("a").recording
    page = recording._repr_html_()
    first, *_, last = recording.series("gradients", "dense_1", "weight", "norm")
    assert f">{first:.3g} → {last:.3g}</td>" in page
    empty = ffnn.callbacks.recording.Recording([], [])
    assert "No epoch was recorded yet." in empty._repr_html_()


# -- the page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_of_a_notebook_has_a_picture_for_each_figure(notebook, theme, tmp_path):
    exporters = pytest.importorskip("nbconvert.exporters")
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs Chromium")
    exporter = exporters.HTMLExporter(theme=theme)
    page_path = tmp_path / "page.html"
    body, _ = exporter.from_filename(str(notebook["path"]))
    page_path.write_text(body, encoding="utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.route("http*://**", lambda route: route.abort())  # no network
        page.goto(page_path.as_uri())
        sizes = page.evaluate(
            "[...document.querySelectorAll('img')].map(i => [i.naturalWidth, i.clientWidth])"
        )
        red = page.evaluate("document.querySelectorAll('[data-mime-type*=stderr]').length")
        text = page.inner_text("body")
        browser.close()
    assert red == 0
    assert "<Figure" not in text
    assert len(sizes) == len(FIGURES) + len(INLINE) - 1 + len(VECTORS) - 1
    assert all(natural >= 1.5 * shown > 0 for natural, shown in sizes[: len(FIGURES)])
