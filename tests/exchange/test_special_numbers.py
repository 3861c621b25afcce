"""NaN, infinities, zeros with signs and denormal numbers through every part in every format."""

import numpy as np
import pytest
from compare_exchange import FORMATS, by_python, parts

import ffnn
from ffnn import exchange
from ffnn.layers import Dense, Embedding
from ffnn.layers.base import Layer

ROWS = np.random.default_rng(0).normal(size=(200, 4))
ROWS[:, 0] = np.random.default_rng(0).integers(0, 4, len(ROWS))
SPECIAL = [np.nan, np.inf, -np.inf, 1e-40, -1e-40, 1e-310, 0.0, -0.0, 1e-20, 30.0, -60.0]
# -inf times 0: NaN there, and 0 here, where the first factor has a bound.
NAN_ELSEWHERE = {
    (part, name) for part in ("`swish`", "`gelu`") for name in ("ONNX 24", "PyTorch", "Keras")
}


def special_rows(dtype):
    """Return rows in which one column, which is no category, has a special number."""
    x = np.tile(ROWS[:1], (2 * len(SPECIAL), 1)).astype(dtype)
    for place, number in enumerate(SPECIAL):
        x[2 * place, 1] = x[2 * place + 1, 2] = number
    return x


def by_layers(model, x):
    """Return what the layers make of rows; `predict` takes none of NaN and infinity."""
    with np.errstate(all="ignore"):
        for layer in model.layers:
            x = layer.forward(x)
    return np.array(x)


CASES = [
    (name, part, "float32")
    for name in FORMATS
    for part in parts(ROWS)
    if name not in ("ONNX 20", "ONNX 23", "ONNX and back")  # which takes what `predict` does
]
CASES += [("C", part, "float64") for part in ("`relu`", "`softmax`", "`Clamp`", "`Normalization`")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras with new NumPy
@pytest.mark.parametrize(("name", "part", "dtype"), CASES)
def test_special_numbers(name, part, dtype, tmp_path):
    is_there, run = FORMATS[name]
    if not is_there:
        pytest.skip(f"{name} cannot be run here")
    model, x = ffnn.Sequential(parts(ROWS)[part], 4, dtype, seed=0), special_rows(dtype)
    if name == "C":
        x = x.astype(np.float32).astype(dtype)
    expected, found = by_layers(model, x), np.asarray(run(model, x, tmp_path), float)
    if (part, name) in NAN_ELSEWHERE:
        found = np.where(np.isnan(found), expected, found)
    np.testing.assert_allclose(found, expected, rtol=4e-6, atol=4e-6)


@pytest.mark.parametrize("name", ["C", "Python", "JavaScript"])
def test_nan_does_not_become_a_number(name, tmp_path):
    is_there, run = FORMATS[name]
    if not is_there:
        pytest.skip(f"{name} cannot be run here")
    for activation in ("relu", "sigmoid", "swish", "elu", "softmax", "softplus"):
        model = ffnn.Sequential([Dense(2, activation)], 2, seed=0)
        found = np.asarray(run(model, np.array([[np.nan, 1.0], [1.0, 1.0]]), tmp_path), float)
        assert np.isnan(found[0]).all(), activation
        assert np.isfinite(found[1]).all(), activation


# -- what Python's own functions raise errors for ----------------------------------------------


class Elementary(Layer):
    """A layer that computes what it is told."""

    def __init__(self, operation="exp"):
        self.operation = operation

    def forward(self, x, training=False):
        return x

    def compute_output_dim(self, input_dim):
        return 1 if self.operation in ("sum", "largest") else input_dim

    def express(self, x):
        if self.operation == "divide":
            return x / x.take([1, 1, 1])
        return getattr(x, self.operation)()


@pytest.mark.parametrize(
    ("operation", "row", "expected"),
    [
        ("exp", [710.0, 709.5, -1e4], [np.inf, np.exp(709.5), 0.0]),
        ("exp", [np.inf, -np.inf, np.nan], [np.inf, 0.0, np.nan]),
        ("log", [0.0, -1.0, np.inf], [-np.inf, np.nan, np.inf]),
        ("sqrt", [-1.0, np.inf, 4.0], [np.nan, np.inf, 2.0]),
        ("cos", [np.inf, np.nan, 0.0], [np.nan, np.nan, 1.0]),
        ("round", [np.inf, np.nan, 2.5], [np.inf, np.nan, 2.0]),
        ("tanh", [np.inf, -np.inf, np.nan], [1.0, -1.0, np.nan]),
        ("sum", [1e308, 1e308, 1.0], [np.inf]),
        ("sum", [np.inf, -np.inf, 1.0], [np.nan]),
        ("largest", [1.0, np.nan, 2.0], [np.nan]),
        ("largest", [-np.inf, -3.0, -5.0], [-3.0]),
        ("divide", [1.0, 0.0, -1.0], [np.inf, np.nan, -np.inf]),
        ("divide", [1.0, -0.0, -1.0], [-np.inf, np.nan, np.inf]),
        ("divide", [np.nan, np.inf, 1.0], [np.nan, np.nan, 0.0]),
    ],
)
def test_elementary_functions_in_python(operation, row, expected, tmp_path):
    model = ffnn.Sequential([Elementary(operation)], 3, "float64")
    found = by_python(model, np.array([row]), tmp_path)
    np.testing.assert_allclose(np.asarray(found, float), [expected], rtol=1e-15)


# -- categories, parameters --------------------------------------------------------------------


def category_model():
    return ffnn.Sequential([Embedding([2, 3], 2), Dense(2)], 2, seed=0)


@pytest.mark.parametrize("code", [2.0, -1.0, 0.5, np.nan])
def test_a_number_of_no_category_gives_no_vector(code, tmp_path):
    model = category_model()
    row = np.array([[code, 0.0]], np.float32)
    for name in ("Python", "JavaScript", "ONNX 17"):
        is_there, run = FORMATS[name]
        if is_there and not (name == "ONNX 17" and code == 0.5):  # which it takes for 0
            with pytest.raises(Exception, match=r"category|bounds|status 1"):
                run(model, row, tmp_path)
    if FORMATS["C"][0]:
        assert np.isnan(FORMATS["C"][1](model, row, tmp_path)).all()


@pytest.mark.parametrize("write", [exchange.to_c, exchange.to_python, exchange.to_javascript])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_are_no_numbers_are_refused(write, value, tmp_path):
    model = ffnn.Sequential([Dense(2)], 2, seed=0)
    model.layers[0].params["bias"][1] = value
    with pytest.raises(ValueError, match="'dense_1': bias holds infinity or NaN"):
        write(model, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_file_holds_the_functions_that_it_calls_alone(tmp_path):
    exchange.to_python(ffnn.Sequential([Dense(2, "relu")], 2, seed=0), tmp_path / "m.py")
    text = (tmp_path / "m.py").read_text(encoding="utf-8")
    assert "def _larger(" in text
    assert "def _exp(" not in text
    assert "def _pick(" not in text
