"""The commands that show a saved model: files they leave, what they print, what they refuse."""

import networkx as nx
import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Recorder
from ffnn.layers import Dense


def small_model(fit=True, **options):
    model = ffnn.Sequential([Dense(4, "relu"), Dense(2, "softmax")], input_dim=3, seed=0)
    model.compile("sgd", "categorical_crossentropy", ["accuracy"])
    if fit:
        rng = np.random.default_rng(0)
        model.fit(rng.normal(size=(20, 3)), np.arange(20) % 2, epochs=2, verbose=0, **options)
    return model


@pytest.fixture
def saved(tmp_path):
    def save(model):
        path = tmp_path / "model.h5"
        model.save(path)
        return path

    return save


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG")


def test_graph_draws_a_picture_beside_the_model(run, saved):
    path = saved(small_model())

    code, out, err = run("graph", path)

    assert (code, err) == (0, "")
    assert out == f"written: {path.with_suffix('.png')}\n"
    assert is_png(path.with_suffix(".png"))


def test_graph_writes_graphml_with_every_weight(run, saved, tmp_path):
    model = small_model()
    code, _, _ = run("graph", saved(model), "--out", tmp_path / "net.graphml")

    graph = nx.read_graphml(tmp_path / "net.graphml")

    assert code == 0
    assert sorted(w for _, _, w in graph.edges(data="weight")) == sorted(model.parameters.tolist())


def test_graph_writes_a_page(run, saved):
    path = saved(small_model())

    code, out, _ = run("graph", path, "--html")

    assert code == 0
    assert out == f"written: {path.with_suffix('.html')}\n"
    assert path.with_suffix(".html").read_text(encoding="utf-8").startswith("<!")


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("net.gif", ".html, .svg, .png, .graphml"),
        ("none/net.png", "there is no folder"),
        ("model.h5", "is a file that the command reads"),
    ],
)
def test_graph_refuses_what_it_cannot_write(run, saved, tmp_path, out, message):
    path = saved(small_model())
    before = path.read_bytes()

    code, _, err = run("graph", path, "--out", tmp_path / out)

    assert code == 2
    assert message in err
    assert path.read_bytes() == before


def test_graph_of_something_else_is_a_bad_model_file(run, tmp_path):
    (tmp_path / "model.h5").write_bytes(b"nonsense")

    code, _, err = run("graph", tmp_path / "model.h5")

    assert code == 4
    assert "model.h5" in err


def test_plot_draws_all_that_a_model_has(run, saved, tmp_path):
    code, out, err = run("plot", saved(small_model(callbacks=[Recorder()])))

    names = ("weights", "gradients", "curves", "recording")
    pictures = [tmp_path / f"model_{name}.png" for name in names]
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"written: {picture}" for picture in pictures]
    assert all(map(is_png, pictures))


def test_plot_of_a_model_that_was_never_trained_shows_only_its_weights(run, saved, tmp_path):
    code, out, _ = run("plot", saved(small_model(fit=False)))

    assert code == 0
    assert out == f"written: {tmp_path / 'model_weights.png'}\n"


def test_plot_draws_what_is_asked_for_where_it_is_asked_for(run, saved, tmp_path):
    (tmp_path / "pictures").mkdir()
    options = ("--layers", "1", "--out-dir", tmp_path / "pictures", "--format", "svg")

    code, _, _ = run("plot", saved(small_model()), "weights", *options)

    assert code == 0
    (picture,) = (tmp_path / "pictures").iterdir()
    assert picture.name == "model_weights.svg"
    assert "dense_2" in picture.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["weigths"], "did you mean 'weights'?"),
        (["gradients"], "gradients: the model has none yet"),
        (["curves"], "curves: the model has no history"),
        (["recording"], "trained without a Recorder"),
        (["--layers", "7"], "weights: "),
        (["--layers", "first"], "expected layer numbers"),
        (["--out-dir", "nowhere"], "there is no folder"),
    ],
)
def test_plot_says_what_is_wrong(run, saved, tmp_path, options, message):
    code, _, err = run("plot", saved(small_model(fit=False)), *options)

    assert code == 2
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["model.h5"]


def test_diagnose_names_the_fault_and_a_remedy(run, saved, tmp_path):
    model = small_model()
    model.layers[0].params["weight"][...] = 0.0
    model.layers[0].params["bias"][...] = -1.0  # a relu that is 0 for any input
    np.savez(tmp_path / "data.npz", x=np.eye(3, dtype=np.float32), y=np.array([0, 1, 0]))

    code, out, err = run("diagnose", saved(model), tmp_path / "data.npz")

    assert (code, err) == (0, "")
    assert "dense_1" in out
    assert "dead" in out
    assert max(map(len, out.splitlines())) <= 80
