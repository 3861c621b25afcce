"""Networks as C, Python and JavaScript, compiled and run."""

import ctypes
import json
import runpy
import shutil
import subprocess

import numpy as np
import pytest
from random_networks import distance, random_network

import ffnn
from ffnn import layers
from ffnn.exchange import to_c, to_javascript, to_python
from ffnn.tables import TableEncoder
from ffnn.tables.frames import as_table
from ffnn.tabular.network import make_layers
from ffnn.tabular.recipe import Recipe

COMPILER, NODE = shutil.which("cc") or shutil.which("gcc"), shutil.which("node")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


def predict_by_c(path, x, outputs):
    library = path.with_suffix(".so")
    flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-std=c99", "-O1", "-fPIC", "-shared"]
    subprocess.run([COMPILER, *flags, path, "-o", library, "-lm"], check=True)
    predict = ctypes.CDLL(str(library)).predict
    rows, y = np.asarray(x, np.float32), np.empty((len(x), outputs), np.float32)
    pointer = ctypes.POINTER(ctypes.c_float)
    for row, out in zip(rows, y, strict=True):
        predict(row.ctypes.data_as(pointer), out.ctypes.data_as(pointer))
    return y


def predict_by_python(path, rows):
    return runpy.run_path(str(path))["predict"](rows)


def predict_by_node(path, rows):
    code = f"""import {{ predict }} from '{path}';
console.log(JSON.stringify(predict({json.dumps(rows)})));"""
    command = [NODE, "--input-type=module", "--eval", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(8))
def test_a_network_as_c(seed, dtype, tmp_path):
    model, x = random_network(seed, dtype)
    x = x.astype(np.float32).astype(dtype)
    to_c(model, tmp_path / "m.c")
    found = predict_by_c(tmp_path / "m.c", x, model.output_dim)
    assert distance(found, model.predict(x)) < 2e-6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(30))
def test_a_network_as_python(seed, dtype, tmp_path):
    model, x = random_network(seed, dtype)
    to_python(model, tmp_path / "m.py")
    found = predict_by_python(tmp_path / "m.py", x.tolist())
    assert distance(found, model.predict(x)) < (2e-6 if dtype == "float32" else 1e-12)


@needs_node
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(8))
def test_a_network_as_javascript(seed, dtype, tmp_path):
    model, x = random_network(seed, dtype)
    to_javascript(model, tmp_path / "m.mjs")
    found = predict_by_node(tmp_path / "m.mjs", x.tolist())
    assert distance(found, model.predict(x)) < (2e-6 if dtype == "float32" else 1e-12)


@needs_compiler
def test_a_c_file_says_its_sizes_and_columns(tmp_path):
    model = ffnn.Sequential([layers.Dense(3, "softmax")], 2)
    model.feature_names, model.class_names = ["a */ b", "größe"], ["x", "y\\", "z??/"]
    to_c(model, tmp_path / "m.c")
    text = (tmp_path / "m.c").read_text(encoding="ascii")
    assert "#define N_INPUTS 2\n#define N_OUTPUTS 3\n" in text
    assert "void predict(const float *x, float *y);" in text
    predict_by_c(tmp_path / "m.c", np.zeros((1, 2)), 3)


@needs_compiler
def test_numbers_in_c_keep_all_bits(tmp_path):
    model = ffnn.Sequential([layers.Dense(5)], 7, seed=0)
    to_c(model, tmp_path / "m.c")
    x = np.eye(7, dtype=np.float32)
    found = predict_by_c(tmp_path / "m.c", x, 5)
    np.testing.assert_array_equal(found, model.layers[0].params["weight"].T)


# -- with an encoder ---------------------------------------------------------------------------

ROWS = [
    {
        "size": None if i % 7 == 0 else 1.5 * i,
        "count": i % 5,
        "kind": ["oak", "ash", None, "elm", "fir"][i % 5],
        "code": ["01", "02", "17"][i % 3],
        "is new": ["yes", "no"][i % 2],
        "day": f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}T{i % 24:02d}:15:00",
        "name": f"some words about number {i} of these things",
    }
    for i in range(60)
]
OTHER_ROWS = [
    {"size": "12.5", "count": 3, "kind": "unseen", "code": 2, "is new": "NO", "day": "2025-02-03"},
    {"size": "n/a", "kind": " oak ", "code": "17", "is new": None, "day": None},
    {},
]


def model_of_table(scaling):
    one_hot = 3 if scaling == "robust" else None
    table = as_table(ROWS)
    encoder = TableEncoder(scaling, one_hot).fit(table)
    recipe = Recipe.of("classification", len(ROWS), len(encoder.feature_names), 2)
    chain = make_layers(recipe, encoder, np.array([0, 1]))
    model = ffnn.Sequential(chain, len(encoder.feature_names), seed=0)
    model.encoder = encoder
    return model


def one_by_one(model, rows):
    """A number among texts is another entry than one among numbers: 2 may be 02."""
    nothing = dict.fromkeys(ROWS[0])
    return np.concatenate([model.predict([{**nothing, **row}]) for row in rows])


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_an_encoder_as_python(scaling, tmp_path):
    model = model_of_table(scaling)
    to_python(model, tmp_path / "m.py")
    rows = [*ROWS, *OTHER_ROWS]
    assert distance(predict_by_python(tmp_path / "m.py", rows), one_by_one(model, rows)) < 2e-6


@needs_node
@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_an_encoder_as_javascript(scaling, tmp_path):
    model = model_of_table(scaling)
    to_javascript(model, tmp_path / "m.mjs")
    rows = [*ROWS, *OTHER_ROWS]
    assert distance(predict_by_node(tmp_path / "m.mjs", rows), one_by_one(model, rows)) < 2e-6


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"size": "twelve"}, "column 'size': 'twelve' is no number"),
        ({"is new": "perhaps"}, "column 'is new': 'perhaps' is no boolean"),
        ({"day": "next week"}, "column 'day': 'next week' is no date"),
    ],
)
def test_what_a_column_cannot_be_is_named(row, message, tmp_path):
    to_python(model_of_table("standard"), tmp_path / "m.py")
    with pytest.raises(ValueError, match=message):
        predict_by_python(tmp_path / "m.py", [row])


NO_NUMBERS = ["1_000", "0x10", "Infinity", "-inf", "1e999", "nan?", True, [1]]


@pytest.mark.parametrize("entry", NO_NUMBERS)
def test_what_is_no_number_for_the_model_is_none_in_python(entry, tmp_path):
    model = model_of_table("standard")
    to_python(model, tmp_path / "m.py")
    with pytest.raises(ffnn.DataError, match="size"):
        model.predict([{**ROWS[1], "size": entry}])
    with pytest.raises(ValueError, match=r"column 'size': .* is no number"):
        predict_by_python(tmp_path / "m.py", [{"size": entry}])


@needs_node
def test_what_is_no_number_for_the_model_is_none_in_javascript(tmp_path):
    to_javascript(model_of_table("standard"), tmp_path / "m.mjs")
    code = f"""import {{ predict }} from '{tmp_path / "m.mjs"}';
const message = (size) => {{
  try {{ return String(predict([{{ size }}])); }} catch (error) {{ return error.message; }}
}};
console.log(JSON.stringify([...{json.dumps(NO_NUMBERS)}, Infinity].map(message)));"""
    command = [NODE, "--input-type=module", "--eval", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    shown = [*NO_NUMBERS[:-2], "true", 1, "Infinity"]
    assert json.loads(done.stdout) == [f"column size: {entry} is no number" for entry in shown]


def test_rows_of_another_length_are_refused(tmp_path):
    to_python(ffnn.Sequential([layers.Dense(2)], 3), tmp_path / "m.py")
    with pytest.raises(ValueError, match="expected 3 numbers in each row, got 2"):
        predict_by_python(tmp_path / "m.py", [[1.0, 2.0]])
