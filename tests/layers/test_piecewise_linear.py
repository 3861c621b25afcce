"""Piecewise-linear encoding: by hand, by the printed formulas, and in models."""

import numpy as np
import pytest

import ffnn
from ffnn.core.formulas import Formula
from ffnn.errors import DataError
from ffnn.layers import Dense, PiecewiseLinear

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)) * [1.0, 100.0, 1e-3]
Y = np.abs(X[:, 0]) + (X[:, 1] > 20.0)


def with_edges(*edges, columns=None, dtype="float64"):
    """Return a layer with known edges of each column."""
    layer = PiecewiseLinear(len(edges[0]) - 1, columns)
    layer.load_state({"edges": np.array(edges)})
    return layer.build(len(edges) if columns is None else max(columns) + 1, dtype=dtype)


def test_it_rises_in_the_bin_that_a_number_is_in():
    layer = with_edges([0.0, 1.0, 3.0])
    y = layer.forward(np.array([[-5.0], [0.5], [1.0], [2.0], [9.0]]))
    expected = [[-5, 0, 0], [0.5, 0.5, 0], [1, 1, 0], [2, 1, 0.5], [9, 1, 1]]
    np.testing.assert_array_equal(y, expected)
    dx = layer.backward(np.tile([10.0, 2.0, 4.0], (5, 1)))
    np.testing.assert_array_equal(dx, [[10.0], [12.0], [10.0], [12.0], [10.0]])


def test_own_columns_come_first_and_the_others_follow():
    layer = with_edges([0.0, 2.0], [10.0, 20.0], columns=[2, 0])
    y = layer.forward(np.array([[15.0, -7.0, 1.0]]))
    np.testing.assert_array_equal(y, [[1.0, 0.5, 15.0, 0.5, -7.0]])
    np.testing.assert_array_equal(layer.backward(np.ones((1, 5))), [[1.1, 1.0, 1.5]])
    assert layer.name_outputs(["a", "b", "c"]) == ["c 1", "c 2", "a 1", "a 2", "b"]


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_any_order_and_dtype_are_taken(order):
    layer = with_edges([0.0, 1.0, 2.0], columns=[1], dtype="float32")
    rows = np.array([[5.0, 0.5], [6.0, 1.5]], order=order)
    expected = [[0.5, 0.5, 0.0, 5.0], [1.5, 1.0, 0.5, 6.0]]
    for x in (rows, rows.astype(np.float32, order=order), rows[::-1][::-1]):
        np.testing.assert_array_equal(layer.forward(x), np.float32(expected))


def test_edges_are_quantiles():
    layer = PiecewiseLinear(4, columns=[1]).adapt(np.column_stack([X[:, 0], np.arange(60.0) ** 2]))
    expected = np.quantile(np.arange(60.0) ** 2, [0.0, 0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(layer.state["edges"], [expected])


@pytest.mark.parametrize(
    ("column", "edges"),
    [
        ([0, 0, 0, 0, 0, 0, 0, 8], [0, 2, 4, 6, 8]),  # the quantile 3/4 is 0, too
        ([0, 0, 0, 1, 1, 1], [0, 0.25, 0.5, 0.75, 1]),
        ([5, 5], [5, 6.25, 7.5, 8.75, 10]),
        ([-2], [-2, -1.5, -1, -0.5, 0]),
    ],
)
def test_where_quantiles_are_equal_the_widest_bins_are_halved(column, edges):
    layer = PiecewiseLinear(4).adapt(np.array(column, float)[:, None])
    np.testing.assert_allclose(layer.state["edges"], [edges])


def test_of_many_rows_some_are_taken(monkeypatch):
    monkeypatch.setattr("ffnn.layers.piecewise_linear._MOST_ROWS", 10)
    layer = PiecewiseLinear(2).adapt(np.arange(35.0)[:, None])  # of which every fourth
    np.testing.assert_array_equal(layer.state["edges"], [[0.0, 16.0, 32.0]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_of_any_size_stay_finite(dtype):
    largest = float(np.finfo(dtype).max)
    layer = with_edges([0.0, 1e-300, 1e-30], [-largest / 2, 0.0, largest / 2], dtype=dtype)
    x = np.array([[0.0, 1.0], [largest, largest], [-largest, -largest], [1e-35, 0.0]], dtype)
    with np.errstate(all="raise", under="ignore"):
        y = layer.forward(x)
    assert np.isfinite(y).all()
    assert ((y[:, [1, 2, 4, 5]] >= 0.0) & (y[:, [1, 2, 4, 5]] <= 1.0)).all()


def test_the_printed_formulas_give_its_numbers():
    layer = PiecewiseLinear(5).adapt(X).build(3, dtype="float64")
    y = layer.forward(X).copy()
    grad = RNG.normal(size=y.shape)
    dx = layer.backward(grad.copy())
    for column, edges in enumerate(layer.state["edges"]):
        own = slice(6 * column, 6 * column + 6)
        known = {"x": X[:, [column]], "l": edges[None, :-1], "w": np.diff(edges)[None]}
        known["∂L/∂y"] = grad[:, own]
        for text in (*layer.formulas.forward, *layer.formulas.backward):
            formula = Formula(text)
            known[formula.symbol] = formula.evaluate(known)
        np.testing.assert_allclose(known["y"], y[:, own])
        np.testing.assert_allclose(known["∂L/∂x"].reshape(-1), dx[:, column])


def model(dtype="float64"):
    layers = [Dense(3), PiecewiseLinear(4, [2, 0]), Dense(8, "tanh"), Dense(1)]
    made = ffnn.Sequential(layers, input_dim=3, dtype=dtype, seed=0)
    layers[1].adapt(made.layers[0].forward((X / X.std(axis=0)).astype(dtype)))
    made.compile("adam")
    return made


def test_gradients_of_a_network():
    rows = X[:9] / X.std(axis=0) + 1e-3  # the edges are rows of X, where there is no derivative
    report = ffnn.gradient_check(model(), rows, Y[:9])
    assert report.max_error < 1e-7
    assert report.checked > 50


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_learns_is_saved_and_resumes_bit_for_bit(dtype, tmp_path):
    made, x = model(dtype), X / X.std(axis=0)
    losses = made.fit(x, Y, epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]
    made.save(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(loaded.predict(x), made.predict(x))
    for each in (made, loaded):
        each.fit(x, Y, epochs=63, initial_epoch=60, verbose=0)
    np.testing.assert_array_equal(loaded.parameters, made.parameters)


def test_replicas_see_what_is_learned_later():
    made = model()
    before = made.predict(X)
    made.layers[1].adapt(np.linspace(-9.0, 9.0, 30).reshape(10, 3))
    assert not np.allclose(made.predict(X), before)


def test_no_gradient_is_returned_where_none_is_needed():
    layer = with_edges([0.0, 1.0])
    layer.needs_input_grad = False
    layer.forward(np.ones((2, 1)))
    assert layer.backward(np.ones((2, 2))) is None


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: PiecewiseLinear(0), ValueError, "bins must be at least 1, got 0"),
        (lambda: PiecewiseLinear(columns=[1, 1]), ValueError, "each once, .*got .1, 1."),
        (lambda: PiecewiseLinear().build(2).forward(X[:, :2]), ValueError, "call adapt"),
        (lambda: PiecewiseLinear().build(2).adapt(X), ValueError, "built for 2 columns, got 3"),
        (lambda: PiecewiseLinear(columns=[3]).adapt(X), ValueError, "names column 3, but .* 3"),
        (lambda: PiecewiseLinear().adapt(X[:0]), DataError, "row"),
        (lambda: PiecewiseLinear().adapt(X * np.nan), DataError, "got nan in row 0"),
        (lambda: with_edges([0.0, 0.0]), ValueError, "ascending"),
        (lambda: with_edges([0.0, np.inf]), ValueError, "finite"),
        (
            lambda: PiecewiseLinear(3).load_state({"edges": np.zeros((2, 3))}),
            ValueError,
            r"expected 4 edges for each column, got an array of shape \(2, 3\)",
        ),
        (
            lambda: ffnn.Sequential([PiecewiseLinear().adapt(X)], input_dim=2),
            ValueError,
            "adapted to 3 columns",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
