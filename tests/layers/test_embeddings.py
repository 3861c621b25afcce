"""Embeddings of numbers and of categories: by hand, by formulas written out here, and in models."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ffnn
from ffnn.core.formulas import Formula
from ffnn.layers import Average, Dense, Embedding, PeriodicEmbedding

STEP = 1e-30  # of a complex-step derivative, Im f(x + ih) / h


def complex_step(function, at):
    gradient = np.empty(at.shape)
    for place in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[place] += STEP * 1j
        gradient[place] = function(moved).imag / STEP
    return gradient


def periodic_by_column(x, w, phase, mixing, offset, columns=None):
    """Return what the docstring says, one column after the other."""
    own = range(x.shape[1]) if columns is None else columns
    made = []
    for place, column in enumerate(own):
        cosines = [
            np.cos(2 * np.pi * w[place, k] * x[:, column] + phase[place, k])
            for k in range(w.shape[1])
        ]
        made.append(x[:, column])
        mixed = (mixing[place] @ np.stack(cosines)).T + offset[place]
        made.extend(mixed.T)
    rest = [x[:, column] for column in range(x.shape[1]) if column not in own]
    return np.stack([*made, *rest], axis=1)


def draw(layer, columns, seed=0, dtype="float64"):
    layer.build(columns, dtype=dtype, seed=seed)
    rng = np.random.default_rng(seed)
    for values in layer.params.values():
        values[...] = rng.normal(size=values.shape)
    return layer, rng


@pytest.mark.parametrize("columns", [None, [2], [3, 0], [0, 1, 2, 3]])
@pytest.mark.parametrize(("frequencies", "outputs"), [(1, 2), (5, 4), (16, 3)])
def test_periodic_embedding_is_its_formula_and_its_gradients_are_those(
    columns, frequencies, outputs
):
    layer, rng = draw(PeriodicEmbedding(frequencies, outputs, columns=columns), 4)
    x = rng.normal(size=(6, 4))
    names = ("frequency", "phase", "mixing", "offset")
    arrays = [layer.params[name].copy() for name in names]

    y = layer.forward(x, training=True)
    np.testing.assert_allclose(y, periodic_by_column(x, *arrays, columns), rtol=1e-11, atol=1e-13)
    grad = rng.normal(size=y.shape)
    dx = layer.backward(grad.copy())

    def total(place, value):
        given = [x, *arrays]
        given[place] = value
        return (grad * periodic_by_column(*given, columns)).sum()

    for place, found in enumerate([dx, *(layer.grads[name] for name in names)]):
        expected = complex_step(lambda value, at=place: total(at, value), [x, *arrays][place])
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


def test_periodic_embedding_by_hand():
    layer = PeriodicEmbedding(frequencies=1, outputs=2).build(1, dtype="float64")
    layer.params["frequency"][...] = 0.25
    layer.params["phase"][...] = 0.0
    layer.params["mixing"][...] = 3.0
    layer.params["offset"][...] = 10.0

    y = layer.forward(np.array([[0.0], [2.0], [1.0]]))
    np.testing.assert_allclose(y, [[0.0, 13.0], [2.0, 7.0], [1.0, 10.0]])  # cos 0, π, π/2
    dx = layer.backward(np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 2.0]]))
    np.testing.assert_allclose(dx, [[0.0], [0.0], [1.0 - 2.0 * 3.0 * math.pi / 2.0]])
    np.testing.assert_allclose(layer.grads["offset"], [[2.0]])
    np.testing.assert_allclose(layer.grads["phase"], [[-6.0]])
    np.testing.assert_allclose(layer.grads["frequency"], [[-12.0 * math.pi]])
    np.testing.assert_allclose(layer.grads["mixing"], [[[0.0]]], atol=1e-15)


def test_initial_values_are_those_of_the_docstring():
    layer = PeriodicEmbedding(400, 4, sigma=0.5).build(20, seed=0)
    draws = {name: array.astype(float) for name, array in layer.params.items()}

    assert draws["frequency"].std() == pytest.approx(0.5, rel=0.05)
    assert draws["phase"].min() == pytest.approx(-math.pi, rel=0.01)
    assert draws["phase"].max() == pytest.approx(math.pi, rel=0.01)
    for name in ("mixing", "offset"):
        assert np.abs(draws[name]).max() == pytest.approx(0.05, rel=0.1)
    assert PeriodicEmbedding(16, 4).build(3).output_dim == 12
    assert PeriodicEmbedding(16, 4, columns=[1]).build(3).output_dim == 6
    assert sum(a.size for a in PeriodicEmbedding(16, 4).build(3).params.values()) == 3 * 83


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6, 1e12, 1e30, 1e35])
def test_cosines_of_large_numbers_are_exact_in_float32(scale):
    layer, rng = draw(PeriodicEmbedding(8, 2), 2, dtype="float32")
    x = (rng.uniform(-1.0, 1.0, (50, 2)) * scale).astype(np.float32)
    with np.errstate(over="ignore"):
        turns = x[:, :, None] * layer.params["frequency"]  # in float32, as the layer has them
    turns = np.where(np.abs(turns) < 2.0**24, turns, 0.0).astype(np.float64)
    angle = 2 * np.pi * (turns % 1.0) + layer.params["phase"].astype(np.float64)
    expected = np.einsum("rck,cmk->rcm", np.cos(angle), layer.params["mixing"].astype(float))
    expected += layer.params["offset"]

    with np.errstate(all="raise", under="ignore"):
        y = layer.forward(x)
        dx = layer.backward(np.ones_like(y))
    np.testing.assert_allclose(y.reshape(50, 2, 2)[:, :, 1:], expected, atol=5e-6)
    np.testing.assert_array_equal(y.reshape(50, 2, 2)[:, :, 0], x)
    assert np.isfinite(dx).all()
    assert np.isfinite(layer.forward(x * np.float32(3e38 / scale))).all()


@pytest.mark.parametrize("layer", [PeriodicEmbedding(3, 3, columns=[1]), Embedding([4], 3, [1])])
def test_no_gradient_is_returned_where_none_is_needed(layer):
    layer = layer.clone().build(2)
    layer.needs_input_grad = False
    y = layer.forward(np.ones((5, 2), np.float32))

    assert layer.backward(np.ones_like(y)) is None
    assert layer.grads[next(iter(layer.grads))].any()


@pytest.mark.parametrize("make", [lambda: PeriodicEmbedding(3, 3), lambda: Embedding([9, 9], 3)])
def test_a_short_batch_between_two_full_ones_changes_nothing(make):
    layer, fresh = draw(make(), 2)[0], draw(make(), 2)[0]
    x = np.random.default_rng(1).integers(0, 9, (6, 2)).astype(float)
    for rows in (6, 2, 6, 1):
        y = layer.forward(x[:rows])
        np.testing.assert_allclose(y, fresh.forward(x)[:rows], rtol=1e-14)
        np.testing.assert_allclose(
            layer.backward(np.ones_like(y)), fresh.backward(np.ones((6, 6)))[:rows], rtol=1e-14
        )
    kept = x.copy()
    x.flags.writeable = False
    layer.forward(x)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("columns", [None, [1, 0]])
def test_embedding_looks_up_rows_of_its_tables(columns):
    layer, _ = draw(Embedding([3, 2], 2, columns), 2)
    table = layer.params["embedding"]
    x = np.array([[2.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
    first, second = x.T
    if columns is not None:
        x = x[:, ::-1]  # the first table is that of column 1

    y = layer.forward(x)
    rows = [[*table[int(a)], *table[3 + int(b)]] for a, b in zip(first, second, strict=True)]
    np.testing.assert_array_equal(y, rows)
    grad = np.arange(1.0, 13.0).reshape(3, 4)
    dx = layer.backward(grad.copy())
    expected = np.zeros((5, 2))
    for row, (a, b) in enumerate(zip(first, second, strict=True)):
        expected[int(a)] += grad[row, :2]
        expected[3 + int(b)] += grad[row, 2:]
    np.testing.assert_array_equal(layer.grads["embedding"], expected)
    np.testing.assert_array_equal(dx, np.zeros((3, 2)))


def test_other_columns_follow_as_they_are():
    layer, _ = draw(Embedding([3], 2, columns=[1]), 3)
    x = np.array([[0.5, 2.0, -7.0], [1.5, 0.0, 8.0]])

    y = layer.forward(x)
    np.testing.assert_array_equal(y[:, :2], layer.params["embedding"][[2, 0]])
    np.testing.assert_array_equal(y[:, 2:], x[:, [0, 2]])
    np.testing.assert_array_equal(
        layer.backward(np.arange(8.0).reshape(2, 4)), [[2.0, 0.0, 3.0], [6.0, 0.0, 7.0]]
    )


@pytest.mark.parametrize("wrong", [3.0, -1.0, 0.5, 1e30, np.nan, np.inf])
def test_what_is_no_category_is_refused(wrong):
    layer = Embedding([9, 3], 2).build(2)
    x = np.zeros((4, 2), np.float32)
    x[2, 1] = wrong
    message = rf"column 1 has {wrong:g} in row 2 .* a whole number from 0 to 2".replace("+", r"\+")
    with pytest.raises(ValueError, match=message):
        layer.forward(x)


def coded_model(dtype="float32"):
    layers = [PeriodicEmbedding(4, 3, columns=[1]), Embedding([5, 3], 2, columns=[4, 3]), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=3, dtype=dtype, seed=0)  # codes in columns 2 and 0
    model.compile("adam", "mse")
    return model


def coded_rows(count=3000):
    rng = np.random.default_rng(0)
    codes, numbers = rng.integers(0, 3, count), rng.normal(size=count)
    return np.column_stack([codes, numbers, rng.integers(0, 5, count)]), numbers


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("work", ["fit", "evaluate", "predict", "train_on_batch", "validation"])
@pytest.mark.parametrize(
    ("column", "wrong", "last"), [(2, 5.0, 4), (2, -1.0, 4), (0, 3.0, 2), (0, 0.5, 2), (2, 1e30, 4)]
)
def test_a_model_refuses_a_wrong_category_before_it_begins(work, dtype, column, wrong, last):
    model, (x, y) = coded_model(dtype), coded_rows()
    good, before = x.copy(), model.parameters.copy()
    x[2345, column] = wrong
    works = {
        "validation": lambda: model.fit(good, y, validation_data=(x, y), verbose=0),
        "predict": lambda: model.predict(x),
    }
    run = works.get(work, lambda: getattr(model, work)(x, y))
    message = f"x: got {wrong:g} in row 2345, column {column}, expected .* from 0 to {last}"
    with pytest.raises(ffnn.errors.DataError, match=message.replace("+", r"\+")):
        run()
    np.testing.assert_array_equal(model.parameters, before)
    assert model.optimizer.iterations == 0


def test_sources_of_other_kinds_are_checked_too(tmp_path):
    h5py, sparse = pytest.importorskip("h5py"), pytest.importorskip("scipy.sparse")
    model, (x, _) = coded_model(), coded_rows()
    expected = model.predict(x)
    x[1, 0] = 7.0
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"] = x
        for source in (file["x"], sparse.csr_array(x), x.astype(int), x.tolist()):
            with pytest.raises(ffnn.errors.DataError, match="got 7 in row 1, column 0"):
                model.predict(source)
    x[1, 0] = 0.0
    np.testing.assert_array_equal(model.predict(x)[2:], expected[2:])


def test_members_of_an_average_are_looked_into():
    members = [[PeriodicEmbedding(columns=[1]), Embedding([5], columns=[5]), Dense(1)]] * 2
    model = ffnn.Sequential([Average(members)], input_dim=3, seed=0)
    x = coded_rows()[0]
    model.predict(x)
    x[9, 2] = 5.0
    with pytest.raises(ffnn.errors.DataError, match=r"got 5 in row 9, column 2, .* from 0 to 4"):
        model.predict(x)


def test_a_missing_category_is_told_as_any_number_that_is_not_finite():
    x = coded_rows()[0]
    x[7, 2] = np.nan
    with pytest.raises(ffnn.errors.DataError, match="x: got nan in row 7, column 2"):
        coded_model().predict(x)


def test_what_other_layers_made_is_refused_where_it_comes():
    model = ffnn.Sequential([Dense(1), Embedding([2]), Dense(1)], input_dim=1, seed=0)
    with pytest.raises(ffnn.errors.LayerError, match="'embedding_1' failed in forward: column 0"):
        model.predict([[0.25]])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: PeriodicEmbedding(0), ValueError, "frequencies must be at least 1, got 0"),
        (lambda: PeriodicEmbedding(outputs=1), ValueError, "outputs must be at least 2, got 1"),
        (lambda: PeriodicEmbedding(sigma=0), ValueError, "sigma must be .*got 0"),
        (lambda: PeriodicEmbedding(columns=[]), ValueError, "columns must be the numbers"),
        (lambda: PeriodicEmbedding(columns=[1, 1]), ValueError, "each once, .*got .1, 1."),
        (lambda: PeriodicEmbedding(columns=[-1]), ValueError, "columns must be at least 0"),
        (lambda: PeriodicEmbedding(columns=3), TypeError, "columns must be a list, got 3"),
        (
            lambda: PeriodicEmbedding(columns=[1, 4]).build(4),
            ValueError,
            "PeriodicEmbedding: columns names column 4, but there are 4, counted from 0",
        ),
        (lambda: Embedding([]), ValueError, "categories must have a number for each column"),
        (lambda: Embedding([0]), ValueError, "categories must be at least 1, got 0"),
        (lambda: Embedding([2], 0), ValueError, "units must be at least 1, got 0"),
        (lambda: Embedding([2, 3], 4, [0]), ValueError, "each of 1 columns, got categories of 2"),
        (
            lambda: Embedding([2, 3]).build(3),
            ValueError,
            "Embedding: expected 2 columns, .*got 3; give columns if the others are no categories",
        ),
    ],
)
def test_wrong_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


# -- in models -------------------------------------------------------------------------------------


def table_model(dtype="float64"):
    layers = [
        Embedding([5, 3], 2, columns=[0, 2]),
        PeriodicEmbedding(4, 3, sigma=0.5, columns=[4]),
        Dense(6, "selu"),
        Dense(1),
    ]
    model = ffnn.Sequential(layers, input_dim=3, dtype=dtype, seed=0)
    model.compile("adam")
    return model


RNG = np.random.default_rng(0)
TABLE = np.column_stack([RNG.integers(0, 5, 60), RNG.normal(size=60), RNG.integers(0, 3, 60)])
TARGET = np.sin(3.0 * TABLE[:, 1]) + TABLE[:, 0] * (TABLE[:, 2] == 1)


def test_gradients_of_a_network_with_both():
    model = table_model()
    report = ffnn.gradient_check(model, TABLE[:9], TARGET[:9])

    assert report.max_error < 1e-8
    assert report.checked > 50


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_learns_is_saved_and_resumes_bit_for_bit(dtype, tmp_path):
    model = table_model(dtype)
    losses = model.fit(TABLE, TARGET, epochs=100, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]
    model.save(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(loaded.predict(TABLE), model.predict(TABLE))
    for each in (model, loaded):
        each.fit(TABLE, TARGET, epochs=103, initial_epoch=100, verbose=0)
    np.testing.assert_array_equal(loaded.parameters, model.parameters)


def test_float32_agrees_with_its_float64_twin():
    single, double = table_model("float32"), table_model()
    double.parameters[...] = single.parameters
    single.compute_gradients(TABLE, TARGET)
    double.compute_gradients(TABLE.astype("f4"), TARGET)
    np.testing.assert_allclose(single.gradients, double.gradients, rtol=1e-4, atol=1e-5)


def test_a_graph_shows_what_the_first_dense_takes(tmp_path):
    model = table_model()
    model.feature_names = ["city", "age", "sex"]
    model.compute_gradients(TABLE, TARGET)
    graph = model.to_networkx()

    inputs = [data["label"] for _, data in graph.nodes(data=True) if data["kind"] == "input"]
    assert inputs == ["age 1", "age 2", "age 3", "city 1", "city 2", "sex 1", "sex 2"]
    assert graph.number_of_edges() == 7 * 6 + 6 + 6 + 1
    first = model.layers[2]
    for unit in range(6):
        for column in range(7):
            edge = graph.edges[f"input {column}", f"dense_1 {unit}"]
            assert edge["weight"] == first.params["weight"][unit, column]
            assert edge["gradient"] == first.grads["weight"][unit, column]
    model.plot_graph()
    model.save_graph(tmp_path / "graph.svg")
    assert "embedding_1" in model._repr_html_()


class ALayerWithANameThatIsLongerThanAnyTableOfEightyColumnsHasRoomFor(Embedding):
    """One of a user's own."""


def test_long_names_have_room_in_the_table_of_layers(capsys):
    own = ALayerWithANameThatIsLongerThanAnyTableOfEightyColumnsHasRoomFor([2, 2])
    for first in (PeriodicEmbedding(4, 3), own):
        ffnn.Sequential([first, Dense(1)], input_dim=2, seed=0).summary()
        lines = capsys.readouterr().out.splitlines()
        name, described = lines[2].split()[:2]
        assert first.name.startswith(name.rstrip("…"))
        assert described.startswith(type(first).__name__[:5])
        assert max(map(len, lines)) == 78


# -- the printed formulas, column by column --------------------------------------------------------


def evaluate(formulas, known):
    for text in formulas:
        formula = Formula(text)
        known[formula.symbol] = formula.evaluate(known)
    return known


def test_formulas_of_a_periodic_embedding_give_its_numbers():
    layer, rng = draw(PeriodicEmbedding(5, 4), 3)
    x = rng.normal(size=(6, 3))
    y = layer.forward(x).copy()
    grad = rng.normal(size=y.shape)
    dx = layer.backward(grad.copy())
    names = {"ω": "frequency", "φ": "phase", "M": "mixing", "o": "offset"}
    for column in range(3):
        own = slice(4 * column, 4 * column + 4)
        known = {symbol: layer.params[name][column] for symbol, name in names.items()}
        known |= {"x": x[:, [column]], "ω": known["ω"][None], "∂L/∂y": grad[:, own]}
        formulas = layer.formulas
        found = evaluate([*formulas.forward, *formulas.backward], known)
        np.testing.assert_allclose(found["y"], y[:, own])
        np.testing.assert_allclose(found["∂L/∂x"], dx[:, [column]])
        for symbol, name in names.items():
            expected = layer.grads[name][column]
            np.testing.assert_allclose(found[f"∂L/∂{symbol}"].reshape(expected.shape), expected)


def test_formulas_of_an_embedding_give_its_numbers():
    layer, rng = draw(Embedding([4, 4], 3), 2)
    x = rng.integers(0, 4, (6, 2)).astype(float)
    y = layer.forward(x).copy()
    grad = rng.normal(size=y.shape)
    layer.backward(grad.copy())
    for column in range(2):
        own, rows = slice(3 * column, 3 * column + 3), slice(4 * column, 4 * column + 4)
        known = {"x": x[:, [column]], "k": np.arange(4.0), "∂L/∂y": grad[:, own]}
        known["E"] = layer.params["embedding"][rows]
        found = evaluate([*layer.formulas.forward, *layer.formulas.backward], known)
        np.testing.assert_allclose(found["y"], y[:, own])
        np.testing.assert_allclose(found["∂L/∂E"], layer.grads["embedding"][rows])


def test_an_explanation_says_that_each_column_has_its_own():
    text = " ".join(str(table_model().explain_step(TABLE[:2], TARGET[:2])).split())

    assert "c = cos(2 π x ω + φ)" in text
    assert "The formulas are those of one column, which has its own ω, φ, M and o." in text
    assert "y = H E" in text
    assert "its own E" in text
