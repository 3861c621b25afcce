"""Explanations of some units of one layer, in networks of any size."""

import copy
import re
import shutil
import subprocess

import numpy as np
import pytest

import ffnn
from ffnn.explanation.part import FEW
from ffnn.initializers import RandomNormal
from ffnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    PeriodicEmbedding,
    Rescaling,
    RMSNorm,
)
from ffnn.regularizers import L2

RNG = np.random.default_rng(0)
X = RNG.uniform(0.0, 1.0, (3, 40)) * (RNG.uniform(0.0, 1.0, 40) < 0.6)
Y = np.array([0, 4, 2])
UNITS = [3, 7]


def network(*middle, optimizer="adam", inputs=40, **options):
    layers = [Dense(20, "tanh", **options), *middle, Dense(12, "softmax")]
    model = ffnn.Sequential(layers, input_dim=inputs, dtype="float64", seed=0)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def inputs_of(explanation):
    return list(range(40)) if explanation.inputs is None else list(explanation.inputs)


# -- the numbers -------------------------------------------------------------------------------


def test_numbers_are_those_of_the_network(find):
    model = network()
    before = copy.deepcopy(model)
    explanation = model.explain_step(X, Y, layer="dense_1", units=UNITS)
    assert (model.parameters == before.parameters).all()
    chosen = inputs_of(explanation)
    weight, bias = (before.layers[0].params[name] for name in ("weight", "bias"))
    z = X @ weight.T + bias
    forward = find(explanation, "forward", "dense_1", "dense").arrays
    np.testing.assert_array_equal(forward["x"], X[:, chosen])
    np.testing.assert_array_equal(forward["W"], weight[np.ix_(UNITS, chosen)])
    np.testing.assert_array_equal(forward["b"], bias[UNITS])
    np.testing.assert_allclose(forward["z"], z[:, UNITS], rtol=1e-12)
    tanh = find(explanation, "forward", "dense_1", "tanh").arrays
    np.testing.assert_allclose(tanh["y"], np.tanh(z)[:, UNITS], rtol=1e-12)

    before.compute_gradients(X, Y)
    backward = find(explanation, "backward", "dense_1", "dense").arrays
    grads = before.layers[0].grads
    np.testing.assert_allclose(backward["∂L/∂W"], grads["weight"][np.ix_(UNITS, chosen)])
    np.testing.assert_allclose(backward["∂L/∂b"], grads["bias"][UNITS])

    model.train_on_batch(X, Y)
    after = model.layers[0].params
    weights = find(explanation, "update", "dense_1", "adam of weight").arrays
    biases = find(explanation, "update", "dense_1", "adam of bias").arrays
    np.testing.assert_allclose(weights["W_new"], after["weight"][np.ix_(UNITS, chosen)])
    np.testing.assert_allclose(biases["b_new"], after["bias"][UNITS])


@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_the_sum_can_be_checked_by_hand(find, parametrization, use_bias):
    model = network(
        parametrization=parametrization,
        use_bias=use_bias,
        weight_initializer=RandomNormal(variance=1.0),
    )
    explanation = model.explain_step(X, Y, layer="dense_1", units=UNITS)
    step = find(explanation, "forward", "dense_1", "dense")
    hidden = [i for i in range(40) if i not in inputs_of(explanation)]
    factor = 40**-0.5 if parametrization == "ntk" else 1.0
    rest = X[:, hidden] @ model.layers[0].params["weight"][np.ix_(UNITS, hidden)].T * factor
    np.testing.assert_allclose(step.arrays["r"], rest, rtol=1e-12)
    np.testing.assert_allclose(step.formulas[-1].evaluate(step.arrays), step.arrays["z"])
    assert "r is what the others add" in step.note


@pytest.mark.parametrize("layer", ["dense_1", "dense_2"])
def test_each_formula_that_is_shown_holds_of_the_numbers_shown(layer):
    for step in network().explain_step(X, Y, layer=layer, units=UNITS):
        for formula in step.formulas if step.layer == layer else ():
            if "_units" in formula.text:
                assert "all 12" in step.note
                continue
            known = {**step.arrays, "δ": step.arrays.get("δ", step.arrays.get("∂L/∂z"))}
            if set(formula.symbols) <= known.keys() and formula.symbol in step.arrays:
                value = formula.evaluate(known)
                np.testing.assert_allclose(value, step.arrays[formula.symbol], rtol=1e-10)


def test_those_inputs_are_shown_that_contribute_most():
    model = network()
    explanation = model.explain_step(X, Y, layer="dense_1", units=UNITS)
    weight = model.layers[0].params["weight"]
    parts = [abs(X[r, i] * weight[u, i]) for i in range(40) for r in range(3) for u in UNITS]
    sums = np.reshape(parts, (40, 6)).sum(axis=1)
    assert explanation.inputs == tuple(sorted(np.argsort(sums)[::-1][:FEW].tolist()))


def test_of_many_units_those_with_the_largest_gradients_are_shown(find):
    model = network()
    explanation = model.explain_step(X, Y, layer="dense_1")
    model.compute_gradients(X, Y)
    first, last = model.layers[0].params, model.layers[1].params
    y = np.tanh(X @ first["weight"].T + first["bias"])
    logits = y @ last["weight"].T + last["bias"]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    delta = (p - np.eye(12)[Y]) / 3 @ last["weight"]
    order = np.argsort(np.abs(delta).sum(axis=0))[::-1]
    assert explanation.units == tuple(sorted(order[:FEW].tolist()))


def test_a_small_layer_is_shown_whole(find):
    model = ffnn.Sequential([Dense(5, "relu"), Dense(3, "softmax")], 4, "float64", seed=0)
    model.compile("sgd", "cce")
    whole = model.explain_step(X[:, :4], Y % 3)
    part = model.explain_step(X[:, :4], Y % 3, layer="dense_2")
    assert part.units is None
    assert part.inputs is None
    alike = [step for step in whole if step.layer == "dense_2"]
    assert len(alike) == len([step for step in part if step.layer == "dense_2"])
    for step, other in zip(alike, (s for s in part if s.layer == "dense_2"), strict=True):
        assert step.formulas == other.formulas
        assert step.arrays.keys() == other.arrays.keys()
        for symbol, array in step.arrays.items():
            np.testing.assert_array_equal(array, other.arrays[symbol])


def test_the_gradient_of_the_inputs_is_shown_where_all_units_are(find):
    model = network()
    some = model.explain_step(X, Y, layer="dense_2", units=UNITS)
    step = find(some, "backward", "dense_2", "dense")
    assert "∂L/∂x" not in step.arrays
    assert "all 12 units" in step.note
    assert all("∂L/∂x" not in formula.text for formula in step.formulas)
    all_ = find(
        model.explain_step(X, Y, layer="dense_2", units=range(12)),
        *("backward",),
        "dense_2",
        "dense",
    )
    assert all_.arrays["∂L/∂x"].shape == (3, FEW)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (LayerNorm, "layer_norm_1"),
        (RMSNorm, "rms_norm_1"),
        (BatchNorm, "batch_norm_1"),
        (lambda: Dropout(0.5, seed=0), "dropout_1"),
        (lambda: Activation("elu"), "activation_1"),
        (lambda: Rescaling(2.0), "rescaling_1"),
    ],
)
def test_layers_that_keep_their_columns_are_shown_by_unit(layer, name):
    model = network(layer())
    name = model.layers[1].name
    whole = network(layer())
    explanation = model.explain_step(X, Y, layer=name, units=UNITS)
    (step, *_) = (s for s in explanation if s.layer == name)
    assert step.arrays["y"].shape == (3, 2)
    inner = np.tanh(X @ whole.layers[0].params["weight"].T)
    np.testing.assert_allclose(step.arrays["x"], inner[:, UNITS])
    text = str(explanation)
    assert max(map(len, text.splitlines())) <= 80
    explanation.plot()


def test_a_penalty_is_added_to_the_gradient(find):
    model = network(weight_regularizer=L2(0.1))
    explanation = model.explain_step(X, Y, layer="dense_1", units=UNITS)
    step = find(explanation, "backward", "dense_1", "l2").arrays
    np.testing.assert_allclose(step["∂J/∂W"], step["∂L/∂W"] + 0.2 * step["W"], rtol=1e-12)
    assert step["W"].shape == (2, FEW)


def test_a_users_own_dense_has_no_formula_to_be_checked():
    class Own(Dense):
        pass

    model = ffnn.Sequential([Own(20, "tanh"), Dense(3, "softmax")], 40, seed=0)
    model.compile("sgd", "cce")
    explanation = model.explain_step(X, Y % 3, layer=model.layers[0].name, units=UNITS)
    assert explanation[0].arrays["W"].shape == (2, FEW)
    assert "r" not in explanation[0].arrays


# -- how it reads ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mnist():
    """Return the explanation of two units of a network as for MNIST, with names."""
    x = np.random.default_rng(0).integers(0, 256, (2, 784)) / 255.0
    model = ffnn.Sequential.from_sizes([784, 128, 10], ["relu", "softmax"], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.feature_names = [f"pixel_{i // 28}_{i % 28}" for i in range(784)]
    model.class_names = [f"digit {i}" for i in range(10)]
    model.fit(x, [3, 7], epochs=2, verbose=0)
    return model.explain_step(x, [3, 7], layer="dense_1", units=[7, 3, 3])


def test_a_large_network_is_readable_at_80_columns(mnist):
    text = mnist.to_text()
    lines = text.splitlines()
    assert lines[0].startswith("One training step on 2 rows (float32): units 3, 7 of dense_1, loss")
    assert max(map(len, lines)) <= 80
    assert len(lines) < 140
    first = mnist.inputs[0]
    names = " ".join(lines[lines.index(next(s for s in lines if s.startswith("inputs:"))) :][:3])
    assert f"inputs: {first} pixel_{first // 28}_{first % 28}, " in names
    assert "outputs:" not in text
    heads = [line.split() for line in lines if line.startswith("    W  ")]
    assert [["W", *map(str, mnist.inputs)]] * len(heads) == heads  # side by side, in no parts
    assert re.search(r"\n    unit 3( +-?\d\.\d+){6}\n    unit 7( +-?\d\.\d+){6}\n", text)
    assert repr(mnist).startswith("<Explanation: One training step on 2 rows (float32): units 3, 7")


def test_the_last_layer_shows_the_names_of_its_units():
    model = network()
    model.class_names = [f"kind {i}" for i in range(12)]
    text = str(model.explain_step(X, Y, layer="dense_2", units=UNITS))
    assert "outputs: 3 kind 3, 7 kind 7\n" in text
    assert "loss: softmax and sparse_categorical_crossentropy\n" in text


def test_markdown_and_latex_have_the_numbers_of_rows_and_columns(mnist):
    for text, end in ((mnist.to_markdown(), r"\cr"), (mnist.to_latex(), r"\\")):
        section = text[text.index("Forward") : text.index("r = ")]
        tables = re.findall(r"\bW = \\begin\{array\}\{r\|r+\}(.*?)\\end\{array\}", section)
        rows = [table.split(f" {end} ") for table in tables]
        heads = [number for head, *_ in rows for number in head.split("&")[1:]]
        assert list(map(int, heads)) == list(mnist.inputs)
        assert {row[1].split("&")[0].strip() for row in rows} == {r"\hline 3"}
        assert {row[2].split("&")[0].strip() for row in rows} == {"7"}
        assert rf"b = \begin{{array}}{{rr}} 3 & 7 {end} \hline " in text
        assert text.count(r"\begin{array}") == text.count(r"\end{array}")
        assert "(columns" not in text


def test_the_figure_ends_where_other_layers_go_on(mnist):
    texts = [text.get_text() for text in mnist.plot().axes[0].texts]
    assert any(text.startswith("∂L/∂y\n") and "[3]" in text for text in texts)
    assert not any(text.startswith("L = ") for text in texts)


def test_one_tiny_number_puts_no_table_into_exponents():
    model = network(optimizer="sgd")
    model.layers[0].params["weight"][3, :2] = 1e-9
    x = X.copy()
    x[:, :2] = 1e6  # so that these contribute, too
    text = model.explain_step(x, Y, layer="dense_1", units=UNITS).to_text()
    row = next(line for line in text.splitlines() if line.startswith("    unit 3"))
    cells = re.sub(r" {5}.*", "", row.strip().removeprefix("unit 3").strip()).split()
    assert cells[:2] == ["1e-09", "1e-09"]
    assert all(re.fullmatch(r"-?\d\.\d{4}", cell) for cell in cells[2:6])


# -- a document of its own ---------------------------------------------------------------------


def compiled(text, folder):
    """Compile a LaTeX document; return what the log says."""
    engine = shutil.which("pdflatex") or shutil.which("tectonic") or shutil.which("lualatex")
    if engine is None:
        pytest.skip("needs LaTeX")
    (folder / "step.tex").write_text(text, encoding="utf-8")
    options = [] if "tectonic" in engine else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run(
        [engine, *options, "step.tex"], cwd=folder, capture_output=True, check=False, timeout=120
    )
    output = done.stdout.decode(errors="replace")
    assert done.returncode == 0, output[-2000:]
    assert (folder / "step.pdf").exists()
    return output


def test_a_document_compiles(mnist, tmp_path):
    output = compiled(mnist.to_latex(standalone=True), tmp_path)
    assert "Overfull" not in output


def test_a_document_compiles_whatever_the_names(tmp_path, scale_shift):
    names = ["größe_1 %", "特徴 $x$ {", "Δ \\end{document} ≥ ✓ ½"]
    tricky = type("$a_b$ `c` <i>\\x</i> 50% #1 & {~^|} 層", (scale_shift,), {})
    model = ffnn.Sequential([Dense(2), tricky(), Dense(2, "softmax")], 3, seed=0)
    model.compile("adamw", "cce")
    model.feature_names = names
    compiled(model.explain_step(X[:2, :3], [0, 1]).to_latex(standalone=True), tmp_path)


def test_a_document_is_the_body_with_a_frame(mnist):
    document, body = mnist.to_latex(standalone=True), mnist.to_latex()
    assert body in document
    assert document.startswith("\\documentclass{article}\n")
    assert document.endswith("\\end{document}\n")
    with pytest.raises(TypeError, match="standalone"):
        mnist.to_latex(standalone="yes")


# -- what cannot be explained ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"layer": "dense1"},
            ValueError,
            r"no layer 'dense1' \(did you mean 'dense_1'\?\); layers: dense_1",
        ),
        ({"layer": "x"}, ValueError, "no layer 'x'; layers: dense_1, dense_2"),
        ({"layer": 0}, TypeError, "layer must be a layer's name, such as 'dense_1', got 0"),
        ({"units": [1]}, ValueError, "units are those of a layer: name it too"),
        (
            {"layer": "dense_1", "units": [0, 20]},
            ValueError,
            "has 20 units, 0 to 19; there is no unit 20",
        ),
        (
            {"layer": "dense_1", "units": [-1]},
            ValueError,
            "each of units must be at least 0, got -1",
        ),
        (
            {"layer": "dense_1", "units": [1.5]},
            TypeError,
            "each of units must be an integer, got 1.5",
        ),
        ({"layer": "dense_1", "units": [True]}, TypeError, "each of units must be an integer"),
        (
            {"layer": "dense_1", "units": 3},
            TypeError,
            r"units must be a list of numbers, as in \[3, 7\], got 3",
        ),
        ({"layer": "dense_1", "units": "37"}, TypeError, "units must be a list"),
        ({"layer": "dense_1", "units": []}, ValueError, "expected 1 to 16 units"),
        (
            {"layer": "dense_1", "units": range(17)},
            ValueError,
            "expected 1 to 16 units, .*, got 17",
        ),
        (
            {},
            ValueError,
            "at most 400 parameters, .* got 1,072. Explain a part of it, such as layer='dense_2'",
        ),
    ],
)
def test_what_cannot_be_shown_is_told(options, error, message):
    model = network()
    with pytest.raises(error, match=f"^explain_step: .*{message}"):
        model.explain_step(X, Y, **options)


def test_embeddings_are_shown_whole_or_not_at_all():
    small = network(inputs=8, optimizer="sgd")
    layers = [PeriodicEmbedding(2, 2), Dense(3, "softmax")]
    small = ffnn.Sequential(layers, input_dim=3, seed=0)
    small.compile("sgd", "cce")
    name = small.layers[0].name
    assert small.explain_step(X[:, :3], Y % 3, layer=name)[0].layer == name
    with pytest.raises(ValueError, match="no units that stand for themselves; leave units out"):
        small.explain_step(X[:, :3], Y % 3, layer=name, units=[0])
    large = ffnn.Sequential([PeriodicEmbedding(8, 8), Dense(3, "softmax")], 40, seed=0)
    large.compile("sgd", "cce")
    with pytest.raises(ValueError, match=r"expected PeriodicEmbedding .* at most 400 parameters"):
        large.explain_step(X, Y % 3, layer=large.layers[0].name)


def test_a_model_that_is_not_built_is_explained_too():
    model = ffnn.Sequential([Dense(20, "tanh"), Dense(12, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.explain_step(X, Y, layer="dense_1", units=UNITS).units == (3, 7)
    with pytest.raises(ValueError, match="no layer 'dense_3'"):
        model.explain_step(X, Y, layer="dense_3")
