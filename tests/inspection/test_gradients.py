"""Contributions: integrated gradients against closed forms, brute force and equivalent networks."""

import numpy as np
import pytest

import ffnn
from ffnn.inspection.gradients import integrate
from ffnn.layers import (
    Average,
    BatchNorm,
    Clamp,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    PeriodicEmbedding,
    Rescaling,
    Scale,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(7, 4))
BASE = RNG.normal(size=(1, 4))


def network(layers, inputs=4, dtype="float64"):
    model = ffnn.Sequential(layers, input_dim=inputs, dtype=dtype, seed=3)
    for layer in model.layers:
        for values in layer.params.values():
            values[...] += 0.3 * RNG.normal(size=values.shape)
    return model


def brute_force(model, x, base, unit, steps=4000):
    """Return the contributions to one row by finite differences in the middle of many steps."""
    places, h = (np.arange(steps) + 0.5) / steps, 1e-5
    points = base + places[:, None] * (x - base)
    result = []
    for feature in range(len(x)):
        shift = np.zeros(len(x))
        shift[feature] = h
        up, down = (model.predict(points + sign * shift)[:, unit] for sign in (1, -1))
        result.append((x - base)[feature] * np.mean((up - down) / (2 * h)))
    return np.array(result)


def units(rows, unit=0):
    return np.full(rows, unit)


def test_a_linear_model_has_its_closed_form():
    model = network([Dense(3)])
    weight = model.layers[0].params["weight"]

    for unit in range(3):
        found = integrate(model, X, BASE, units(7, unit))
        np.testing.assert_allclose(found.values, weight[unit] * (X - BASE), atol=1e-12)
        assert found.errors.max() < 1e-10
        assert (found.steps == 32).all()


def test_a_product_of_two_inputs_is_shared_out_evenly():
    """log-sum is no product, but exp(a + b) from 0 is: ∫ (a) exp(t (a + b)) dt, by symmetry."""
    model = network([Dense(1, "exponential")], inputs=2)
    model.layers[0].params["weight"][:] = [[1.0, 1.0]]
    model.layers[0].params["bias"][:] = 0.0
    x = np.array([[0.7, 0.7], [1.0, 0.5]])

    found = integrate(model, x, np.zeros((1, 2)), units(2))

    total = np.exp(x.sum(axis=1)) - 1.0
    np.testing.assert_allclose(found.values, x / x.sum(axis=1)[:, None] * total[:, None])


LAYERS = {
    "tanh": lambda: [Dense(6, "tanh"), Dense(2, "softmax")],
    "relu": lambda: [Dense(6, "relu"), Dense(2, "softmax")],
    "one unit": lambda: [Dense(6, "selu"), Dense(1, "sigmoid")],
    "norms": lambda: [Dense(6), LayerNorm(), Dense(5, "mish"), BatchNorm(), Dense(2)],
    "noise": lambda: [Dense(6, "tanh"), Dropout(0.5), Dense(2)],
    "periodic": lambda: [PeriodicEmbedding(columns=[2, 0]), Scale(), Dense(5, "tanh"), Dense(1)],
    "units": lambda: [Dense(4, "tanh"), Dense(1), Rescaling(50.0, 7.0), Clamp(-30.0, 60.0)],
    "ntk": lambda: [Dense(6, "swish", parametrization="ntk"), Dense(2, "softmax")],
}


@pytest.mark.parametrize("name", LAYERS)
def test_it_is_what_finite_differences_and_small_steps_give(name):
    model = network(LAYERS[name]())
    unit = model.output_dim - 1

    found = integrate(model, X, BASE, units(7, unit))

    for row in range(7):
        expected = brute_force(model, X[row], BASE[0], unit)
        size = np.abs(expected).sum()
        np.testing.assert_allclose(found.values[row], expected, atol=0.01 * size)
    outputs, start = model.predict(X)[:, unit], model.predict(BASE)[0, unit]
    np.testing.assert_allclose(found.outputs, outputs)
    np.testing.assert_allclose(found.starts, start)
    np.testing.assert_allclose(found.values.sum(axis=1), outputs - start, rtol=0.01)


def test_each_row_has_its_own_unit():
    model = network(LAYERS["tanh"]())
    chosen = np.array([0, 1, 1, 0, 1, 0, 0])

    found = integrate(model, X, BASE, chosen)

    both = [integrate(model, X, BASE, units(7, unit)).values for unit in (0, 1)]
    np.testing.assert_allclose(found.values, np.where(chosen[:, None] == 1, both[1], both[0]))


def test_several_baselines_are_averaged():
    model, bases = network(LAYERS["tanh"]()), RNG.normal(size=(5, 4))

    found = integrate(model, X, bases, units(7))

    each = [integrate(model, X, base[None], units(7)).values for base in bases]
    np.testing.assert_allclose(found.values, np.mean(each, axis=0), atol=1e-6)
    np.testing.assert_allclose(found.starts, model.predict(bases)[:, 0].mean())


def test_many_rows_are_those_of_each(monkeypatch):
    model = network(LAYERS["tanh"]())
    expected = integrate(model, X, BASE, units(7)).values
    monkeypatch.setattr("ffnn.inspection.gradients._BATCH", 70)
    monkeypatch.setattr("ffnn.inspection.gradients._ROWS", 3)

    np.testing.assert_allclose(integrate(model, X, BASE, units(7)).values, expected, atol=1e-12)


# -- categories --------------------------------------------------------------------------------

CODES = np.column_stack([RNG.normal(size=9), RNG.integers(0, 5, 9), RNG.integers(0, 3, 9)])
CODE_BASE = np.array([[0.2, 4.0, 1.0]])


def embedded():
    """Return a network with two embedded columns, and one that reads them one-hot."""

    def inner():
        return [Dense(5, "tanh"), Dense(2, "softmax")]

    codes = network([Embedding([5, 3], units=3, columns=[1, 2]), *inner()], inputs=3)
    hot = network([Dense(7), *inner()], inputs=9)
    table = codes.layers[0].params["embedding"]
    weight = hot.layers[0].params["weight"]
    weight[...] = 0.0
    hot.layers[0].params["bias"][...] = 0.0
    weight[0:3, 1:6], weight[3:6, 6:9], weight[6, 0] = table[:5].T, table[5:].T, 1.0
    for ours, theirs in zip(codes.layers[-2:], hot.layers[-2:], strict=True):
        for name, values in ours.params.items():
            theirs.params[name][...] = values
    return codes, hot


def one_hot(x):
    blocks = [x[:, :1], np.eye(5)[x[:, 1].astype(int)], np.eye(3)[x[:, 2].astype(int)]]
    return np.hstack(blocks)


def test_codes_contribute_what_their_one_hot_columns_would():
    codes, hot = embedded()

    found = integrate(codes, CODES, CODE_BASE, units(9, 1))

    expected = integrate(hot, one_hot(CODES), one_hot(CODE_BASE), units(9, 1))
    sums = [expected.values[:, part].sum(axis=1) for part in (slice(1), slice(1, 6), slice(6, 9))]
    np.testing.assert_allclose(found.values, np.column_stack(sums), atol=1e-10)
    np.testing.assert_allclose(found.outputs, codes.predict(CODES)[:, 1])
    assert found.errors.max() < 0.01


def test_codes_that_stay_contribute_nothing():
    codes, _ = embedded()
    x = np.column_stack([CODES[:, 0], np.full(9, 4.0), CODES[:, 2]])

    assert (integrate(codes, x, CODE_BASE, units(9)).values[:, 1] == 0.0).all()


def test_embeddings_may_stand_behind_other_layers_and_twice():
    layers = [
        PeriodicEmbedding(columns=[0]),  # whose 4 outputs come first
        Embedding([5], units=2, columns=[4]),
        Embedding([3], units=2, columns=[6]),
        Dense(6, "tanh"),
        Dense(1),
    ]
    model = network(layers, inputs=3)

    found = integrate(model, CODES, CODE_BASE, units(9))

    difference = model.predict(CODES)[:, 0] - model.predict(CODE_BASE)[0, 0]
    np.testing.assert_allclose(found.values.sum(axis=1), difference, rtol=0.01)
    # By hand: the vectors are mixed, and all that follows is the network's own.
    row, places = CODES[0], (np.arange(4000) + 0.5) / 4000
    gain = [layer.params["embedding"] for layer in model.layers[1:3]]
    a, b = (table[[int(CODE_BASE[0, 1 + i]), int(row[1 + i])]] for i, table in enumerate(gain))
    periodic, *_, hidden, last = model.layers

    def answer(t, k):
        """Return the outputs where the number is at t, and each code at its place in k."""
        numbers = CODE_BASE[0, 0] + t * (row[0] - CODE_BASE[0, 0])
        first = periodic.forward(np.column_stack([numbers, t, t]))[:, :4].copy()
        mixed = [
            ends[0] + share[:, None] * (ends[1] - ends[0])
            for ends, share in zip((a, b), k, strict=True)
        ]
        h = hidden.forward(np.hstack([mixed[1], mixed[0], first])).copy()
        return last.forward(h)[:, 0].copy()

    h = 1e-5
    for code in (0, 1):
        up, down = (
            answer(places, [places + sign * h * (code == i) for i in (0, 1)]) for sign in (1, -1)
        )
        expected = np.mean((up - down) / (2 * h))
        np.testing.assert_allclose(found.values[0, 1 + code], expected, rtol=0.01)


def members():
    """Return the layers of networks that are alike in nothing but what they read and answer."""
    return (
        [Embedding([5, 3], units=3, columns=[1, 2]), Dense(5, "relu"), Dense(2, "softmax")],
        [
            PeriodicEmbedding(columns=[0]),
            Embedding([3, 5], units=2, columns=[5, 4]),
            Dense(4, "tanh"),
            BatchNorm(),
            Dense(2, "softmax"),
        ],
    )


def test_an_ensemble_contributes_the_mean_of_its_members():
    """Integrated gradients of a sum are the sum of theirs, with embeddings inside, too."""
    together = network([Average(members())], inputs=3)
    whole = together.layers[0].params
    found = integrate(together, CODES, CODE_BASE, units(9, 1))

    each = []
    for number, layers in enumerate(members(), start=1):
        alone = network(layers, inputs=3)
        for layer in alone.layers:
            for name, values in layer.params.items():
                values[...] = whole[f"member_{number}.{layer.name}.{name}"]
        each.append(integrate(alone, CODES, CODE_BASE, units(9, 1)))

    mean = np.mean([one.values for one in each], axis=0)
    np.testing.assert_allclose(found.values, mean, atol=0.01 * np.abs(mean).max())
    np.testing.assert_allclose(found.outputs, together.predict(CODES)[:, 1])
    assert found.errors.max() <= 0.01


def test_unknown_codes_are_refused():
    codes, _ = embedded()
    x = CODES.copy()
    x[0, 1] = 5.0

    with pytest.raises(ffnn.LayerError, match="expected the number of a category"):
        integrate(codes, x, CODE_BASE, units(9))


# -- how exact, and what stays -----------------------------------------------------------------


def test_steps_are_doubled_until_the_sum_is_right():
    """A steep step in the middle of the path needs many points, a line the fewest."""
    steep = network([Dense(1, "sigmoid")], inputs=1)
    steep.layers[0].params["weight"][...] = 3000.0
    steep.layers[0].params["bias"][...] = -1234.5
    x = np.array([[1.0], [0.0001]])

    found = integrate(steep, x, np.zeros((1, 1)), units(2))

    assert found.steps[0] > 100
    assert found.errors[0] <= 0.01
    np.testing.assert_allclose(found.values[0, 0], 1.0, rtol=0.01)


def test_what_cannot_be_made_right_says_by_how_much():
    """A jump has no gradient anywhere."""
    jump = network([Dense(1, "sigmoid")], inputs=1)
    jump.layers[0].params["weight"][...] = 1e12
    jump.layers[0].params["bias"][...] = -0.3e12

    found = integrate(jump, np.ones((1, 1)), np.zeros((1, 1)), units(1))

    assert found.steps[0] == 32 + 24 * 16  # in each round a part is halved
    np.testing.assert_allclose(found.errors[0], abs(found.values[0, 0] - 1.0))
    assert found.errors[0] > 0.01


def test_a_row_that_is_the_baseline_has_no_error():
    model = network(LAYERS["tanh"]())

    found = integrate(model, BASE, BASE, units(1))

    assert (found.values == 0.0).all()
    assert (found.errors == 0.0).all()


def test_the_model_stays_as_it_is_and_trains_on_to_the_same_bits():
    def trained():
        model = ffnn.Sequential(
            [Dense(6, "tanh"), BatchNorm(), Dropout(0.3), Dense(2, "softmax")], 4, seed=1
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(X, np.arange(7) % 2, epochs=3, batch_size=4, verbose=0)
        return model

    models = trained(), trained()
    gradients = models[0].gradients.copy()
    output = models[0].forward(X)

    integrate(models[0], X, BASE, units(7))

    assert (models[0].gradients == gradients).all()
    assert (models[0].forward(X) == output).all()
    for model in models:
        model.fit(X, np.arange(7) % 2, epochs=5, initial_epoch=3, batch_size=4, verbose=0)
    assert models[0].parameters.tobytes() == models[1].parameters.tobytes()
