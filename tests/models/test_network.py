"""Building, parameters, forward and predict."""

import contextlib
import copy
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ffnn
from ffnn.activations import ReLU, Softmax
from ffnn.initializers import RandomNormal
from ffnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Normalization,
    Rescaling,
    RMSNorm,
)
from ffnn.regularizers import L2


def small(seed=0, **options):
    layers = [Dense(5, "tanh"), Dense(3, "softmax")]
    return ffnn.Sequential(layers, input_dim=4, seed=seed, **options)


def test_forward_is_the_chain_of_the_layers_formulas():
    model = ffnn.Sequential([Dense(2, "relu"), Dense(1)], input_dim=2, dtype="float64")
    model.layers[0].params["weight"][...] = [[1.0, -1.0], [2.0, 0.5]]
    model.layers[0].params["bias"][...] = [0.5, -4.0]
    model.layers[1].params["weight"][...] = [[3.0, -2.0]]
    model.layers[1].params["bias"][...] = [0.25]

    # z = (1 - 2 + .5, 2 + 1 - 4) = (-.5, -1) and (3 + 1 + .5, 6 - .5 - 4) = (4.5, 1.5)
    np.testing.assert_array_equal(
        model.forward([[1.0, 2.0], [3.0, -1.0]]), [[0.25], [3 * 4.5 - 2 * 1.5 + 0.25]]
    )


def test_forward_returns_a_copy():
    model = small()
    first = model.forward(np.ones((2, 4)))
    kept = first.copy()

    model.forward(np.zeros((2, 4)))

    np.testing.assert_array_equal(first, kept)


def test_parameters_are_one_live_vector_in_the_order_of_layers():
    model = ffnn.Sequential([Dense(2), RMSNorm(), Dense(1)], input_dim=3, seed=1)

    joined = [array.ravel() for layer in model.layers for array in layer.params.values()]
    np.testing.assert_array_equal(model.parameters, np.concatenate(joined))

    model.parameters[...] = np.arange(len(model.parameters))
    np.testing.assert_array_equal(model.layers[0].params["weight"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(model.layers[1].params["gamma"], [8, 9])


def test_params_and_grads_are_read_only_mappings_of_live_arrays():
    layer = small().layers[0]

    with pytest.raises(TypeError):
        layer.params["weight"] = np.zeros((5, 4))
    with pytest.raises(TypeError):
        layer.grads["bias"] = np.zeros(5)
    assert list(layer.params) == list(layer.grads) == ["weight", "bias"]


def test_model_builds_itself_at_the_first_data():
    model = ffnn.Sequential([Dense(5, "tanh"), Dense(3, "softmax")], seed=0)
    assert not model.is_built

    output = model.predict(np.ones((2, 4)))

    np.testing.assert_array_equal(output, small().predict(np.ones((2, 4))))


def test_build_twice_for_another_size_is_refused():
    model = small()
    model.build(4)

    with pytest.raises(ValueError, match="built for 4 inputs"):
        model.build(5)


def test_unbuilt_model_says_how_to_build_it():
    with pytest.raises(RuntimeError, match="input_dim"):
        ffnn.Sequential([Dense(1)]).parameters  # noqa: B018


def test_dtype_is_that_of_parameters_and_results():
    assert small().predict(np.ones((1, 4))).dtype == np.float32
    double = small(dtype="float64")
    assert double.parameters.dtype == double.predict(np.ones((1, 4))).dtype == np.float64


def test_seed_makes_initial_values_repeatable_and_different_between_layers():
    def build(seed):
        return ffnn.Sequential([Dense(4), Dense(4)], input_dim=4, seed=seed)

    model = build(seed=0)
    np.testing.assert_array_equal(model.parameters, build(seed=0).parameters)
    assert (model.parameters != build(seed=1).parameters).any()
    first, second = (layer.params["weight"] for layer in model.layers)
    assert (first != second).all()


def test_layers_that_share_an_initializer_object_get_different_numbers():
    shared = RandomNormal(seed=7)
    model = ffnn.Sequential(
        [Dense(4, weight_initializer=shared, bias_initializer=shared) for _ in range(2)],
        input_dim=4,
    )

    arrays = [array.ravel() for layer in model.layers for array in layer.params.values()]
    values = np.concatenate(arrays)
    assert len(np.unique(values)) == len(values)


def test_an_appended_layer_leaves_the_earlier_numbers_as_they_are():
    short = ffnn.Sequential([Dense(4, "relu"), Dense(3)], input_dim=2, seed=3)
    longer = ffnn.Sequential([Dense(4, "relu"), Dense(3), Dense(2)], input_dim=2, seed=3)

    np.testing.assert_array_equal(short.parameters, longer.parameters[: len(short.parameters)])


def test_float32_and_float64_models_of_one_seed_start_from_the_same_network():
    np.testing.assert_array_equal(
        small().parameters, small(dtype="float64").parameters.astype(np.float32)
    )


def test_numpys_global_generator_is_never_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    model = ffnn.Sequential([Dense(4), Dropout(0.5), Dense(1)], input_dim=4)
    model.compile()
    model.fit(np.ones((8, 4)), np.ones(8), verbose=0)

    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_layers_are_named_by_kind_and_number():
    model = ffnn.Sequential([Dense(2), ReLU(), Dense(2), Activation("tanh"), Softmax()])

    names = [layer.name for layer in model.layers]
    assert names == ["dense_1", "relu_1", "dense_2", "activation_1", "softmax_1"]


def test_a_layer_can_be_in_one_place_of_one_model_only():
    layer = Dense(2)
    with pytest.raises(ValueError, match="twice"):
        ffnn.Sequential([layer, layer])

    ffnn.Sequential([layer])
    with pytest.raises(ValueError, match="another model"):
        ffnn.Sequential([layer])


def test_layers_of_a_model_that_could_not_be_built_are_free_again():
    layers = [Normalization().adapt(np.ones((2, 3))), Dense(2)]
    with pytest.raises(ValueError, match="adapted to 3 columns"):
        ffnn.Sequential(layers, input_dim=4)

    assert ffnn.Sequential(layers, input_dim=3).is_built


def test_a_build_that_fails_leaves_the_model_unbuilt():
    class Fails(ffnn.initializers.Zeros):
        def fill(self, out, fan_in, fan_out, rng):
            raise ZeroDivisionError

    model = ffnn.Sequential([Dense(2), Dense(2, weight_initializer=Fails())])
    with pytest.raises(ZeroDivisionError):
        model.build(3)

    assert not model.is_built
    assert not any(layer.is_built for layer in model.layers)


def test_names_are_kept_as_plain_text():
    model = small()
    model.class_names = np.array(["a", "b", "c"])

    assert model.class_names == ["a", "b", "c"]
    assert all(type(name) is str for name in model.class_names)


class WithOtherArguments(ffnn.Sequential):
    def __init__(self, width):
        super().__init__([Dense(width)], input_dim=3, seed=0)


def test_subclasses_with_other_arguments_can_be_copied_and_checked():
    model = WithOtherArguments(2)
    model.compile()

    twin = copy.deepcopy(model)

    assert type(twin) is WithOtherArguments
    np.testing.assert_array_equal(twin.parameters, model.parameters)
    assert ffnn.gradient_check(model, np.eye(3), np.ones((3, 2))).max_error < 1e-8


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, "at least one layer"),
        ((["dense"],), TypeError, r"such as Dense\(64\), got 'dense'"),
        (([Dense],), TypeError, "expected layers"),
        ((Dense(3),), TypeError, "layers must be a list"),
        (([Dense(1)], 0), ValueError, "at least 1"),
        (([Dense(1)], 2.5), TypeError, "integer"),
        (([Dense(1)], 2, "float16"), ValueError, "float32, float64"),
        (([Dense(1)], 2, "float32", -1), ValueError, "seed"),
    ],
)
def test_wrong_arguments_say_what_was_expected(arguments, error, message):
    with pytest.raises(error, match=message):
        ffnn.Sequential(*arguments)


def test_wrong_number_of_columns_names_the_layer_and_suspects_the_label_column():
    with pytest.raises(ffnn.DataError) as caught:
        small().predict(np.ones((32, 5)))

    assert str(caught.value) == (
        "Dense 'dense_1': expected input with 4 features, got array of shape (32, 5). "
        "Was the label column left in x?"
    )


def test_other_wrong_numbers_of_columns_do_not_suspect_it():
    with pytest.raises(ffnn.DataError) as caught:
        small().predict(np.ones((32, 3)))

    assert "label column" not in str(caught.value)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones(4), r"reshape\(1, -1\)"),
        (np.ones((2, 2, 2)), "Flatten"),
        (np.ones((0, 4)), "at least one row"),
        ([["a", "b", "c", "d"]], "'a' in row 0, column 0"),
        ([[1.0, 2.0], [1.0]], "one length"),
    ],
)
def test_input_that_is_not_rows_of_numbers_is_refused(x, message):
    with pytest.raises(ffnn.DataError, match=message):
        small().predict(x)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_input_names_row_and_column(value):
    x = np.ones((3000, 4))
    x[2500, 2] = value

    with pytest.raises(ffnn.DataError, match="row 2500, column 2"):
        small().predict(x)


def test_integers_are_cast_and_never_scaled():
    pixels = np.array([[0, 128, 255, 1]], dtype=np.uint8)

    np.testing.assert_array_equal(
        small().predict(pixels), small().predict(pixels.astype(np.float32))
    )


def test_rescaling_and_normalization_take_the_rows_as_they_are():
    pixels = np.arange(40, dtype=np.uint8).reshape(10, 4)
    scaled = ffnn.Sequential([Rescaling(1 / 255, -0.5), Dense(2)], seed=0)
    learned = ffnn.Sequential([Normalization().adapt(pixels), Dense(2)], seed=0)

    for model in (scaled, learned):
        result = model.predict(pixels)
        as_floats = model.predict(pixels.astype(np.float64))
        np.testing.assert_array_equal(result, as_floats)
        assert result.dtype == np.float32


def test_predict_gives_the_same_for_every_batch_size():
    model, x = small(dtype="float64"), np.random.default_rng(0).standard_normal((10, 4))

    for batch_size in (1, 3, 10, 1000):
        np.testing.assert_allclose(model.predict(x, batch_size), model.predict(x), rtol=1e-13)


@pytest.mark.parametrize("rows", [1, 3, 40])
def test_rows_as_they_are_and_rows_to_be_converted_have_the_same_predictions(rows):
    model, x = small(), np.random.default_rng(4).standard_normal((rows, 4)).astype(np.float32)
    model.predict(x[:1])  # from the second one on, rows are taken as they are

    as_they_are = model.predict(x)

    for other in (x.tolist(), x.astype(np.float64), np.asfortranarray(x), x[:, ::-1][:, ::-1]):
        assert model.predict(other).tobytes() == as_they_are.tobytes()
    kept = as_they_are.copy()
    model.predict(x + 1.0)
    np.testing.assert_array_equal(as_they_are, kept)  # which are the caller's


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((1, 5)), "expected input with 4 features, got array of shape .1, 5.*label column"),
        (np.ones((1, 3)), "expected input with 4 features, got array of shape .1, 3"),
        (np.ones(4), "expected rows of shape"),
        (np.ones((0, 4)), "at least one row"),
        (np.ones((2, 2, 4)), "expected rows of shape"),
        (np.array([[1.0, 2.0, np.nan, 4.0]]), "row 0, column 2"),
        (np.array([[1.0] * 4, [1.0, -np.inf, 3.0, 4.0]]), "row 1, column 1"),
    ],
)
def test_rows_of_the_models_own_dtype_are_checked_as_others_are(x, message):
    model = small()
    model.predict(np.ones((1, 4), np.float32))
    with pytest.raises(ffnn.DataError, match=message):
        model.predict(x.astype(np.float32))


def test_a_row_of_huge_numbers_is_finite():
    x = np.full((1, 4), 1e38, np.float32)  # whose squares are not
    model = ffnn.Sequential([Dense(1, "sigmoid", weight_initializer="zeros")], input_dim=4)
    for _ in range(2):
        assert model.predict(x).tolist() == [[0.5]]


def test_a_row_with_an_unknown_category_is_refused_each_time():
    model = ffnn.Sequential([ffnn.layers.Embedding([3, 2]), Dense(1)], input_dim=2)
    for _ in range(2):
        model.predict(np.ones((1, 2), np.float32))
        with pytest.raises(ffnn.DataError, match="from 0 to 2"):
            model.predict(np.full((1, 2), 7.0, np.float32))


def test_predict_from_many_threads_equals_one_thread():
    layers = [Dense(16, "swish"), BatchNorm(), LayerNorm(), Dropout(0.5), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, input_dim=4, seed=0)
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal((int(rowcount), 4)) for rowcount in rng.integers(1, 50, 300)]
    expected = [model.predict(x) for x in inputs]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(model.predict, inputs))

    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, wanted)


class Meeting(ffnn.initializers.Ones):
    """Waits a moment for a second thread to initialise at the same time, and counts."""

    def __init__(self):
        self.calls = 0
        self.barrier = threading.Barrier(2)

    def get_config(self):
        return {}

    def fill(self, out, fan_in, fan_out, rng):
        self.calls += 1
        with contextlib.suppress(threading.BrokenBarrierError):
            self.barrier.wait(timeout=0.2)
        super().fill(out, fan_in, fan_out, rng)


def test_an_unbuilt_model_is_built_once_however_many_threads_predict():
    meeting = Meeting()
    model = ffnn.Sequential([Dense(3, weight_initializer=meeting)])

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(model.predict, [np.ones((2, 4))] * 8))

    assert meeting.calls == 1
    assert np.shares_memory(model.layers[0].params["weight"], model.parameters)
    for result in results:
        np.testing.assert_array_equal(result, np.full((2, 3), 4.0))


def test_predict_touches_no_training_buffer():
    model = small()
    model.compile(loss="cce")
    x = np.random.default_rng(0).standard_normal((6, 4))
    output = model.layers[0].forward(x.astype(np.float32))
    kept = output.copy()

    model.predict(np.zeros((6, 4)))

    np.testing.assert_array_equal(output, kept)


def test_results_of_predict_belong_to_the_caller():
    model = small()
    first = model.predict(np.ones((2, 4)))
    kept = first.copy()
    model.predict(np.zeros((2, 4)))

    np.testing.assert_array_equal(first, kept)


def test_weights_can_be_taken_out_and_put_back_with_layer_states():
    layers = [Dense(3), BatchNorm(), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=2, seed=0)
    model.compile()
    weights = model.get_weights()
    before = model.predict(np.eye(2))
    model.fit(np.random.default_rng(0).standard_normal((20, 2)), np.ones(20), verbose=0)
    assert (model.predict(np.eye(2)) != before).any()

    model.set_weights(weights)

    np.testing.assert_array_equal(model.predict(np.eye(2)), before)


def test_wrong_weights_change_nothing():
    model = small()
    before = model.parameters.copy()

    with pytest.raises(ValueError, match="expected arrays of shapes"):
        model.set_weights([np.zeros((5, 4))])

    np.testing.assert_array_equal(model.parameters, before)


def test_summary_counts_by_layer_and_fits_80_columns(capsys):
    model = ffnn.Sequential([Dense(128, "relu"), RMSNorm(), Dense(10, "softmax")], input_dim=784)
    model.summary()

    text = capsys.readouterr().out
    assert "100,480" in text
    assert "1,290" in text
    assert "101,898 trainable parameters" in text
    assert max(map(len, text.splitlines())) <= 80


def test_summary_of_an_unbuilt_model_shows_what_is_unknown(capsys):
    ffnn.Sequential([Dense(3)]).summary()

    text = capsys.readouterr().out
    assert "?" in text
    assert "Not built yet" in text


def test_repr_shows_layers_with_changed_arguments_only():
    model = ffnn.Sequential([Dense(3, "relu", weight_regularizer=L2(0.1)), Dense(1)], input_dim=2)

    assert repr(model) == (
        "Sequential([Dense(3, activation=ReLU(), weight_regularizer=L2(l2=0.1)), Dense(1)], "
        "input_dim=2, dtype='float32')"
    )


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_whole_and_independent(duplicate):
    model = ffnn.Sequential([Dense(3), BatchNorm(), Dropout(0.2), Dense(1)], input_dim=2, seed=0)
    model.compile("adam")
    x, y = np.random.default_rng(0).standard_normal((30, 2)), np.ones(30)
    model.fit(x, y, verbose=0)

    twin = duplicate(model)
    np.testing.assert_array_equal(twin.predict(x), model.predict(x))
    before = model.parameters.copy()
    twin.fit(x, y, verbose=0)
    np.testing.assert_array_equal(model.parameters, before)

    model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(twin.parameters, model.parameters)


def test_a_model_that_is_not_built_can_be_copied():
    model = ffnn.Sequential([Dense(3), BatchNorm(), Dropout(0.2), Dense(1)], seed=0)
    model.compile("adam")

    twin = copy.deepcopy(model)

    np.testing.assert_array_equal(twin.predict(np.eye(2)), model.predict(np.eye(2)))
    assert repr(twin.optimizer) == repr(model.optimizer)


class Doubling(ffnn.layers.Layer):
    """A layer from outside the library."""

    def forward(self, x, training=False):
        return 2.0 * x

    def backward(self, grad):
        return 2.0 * grad


def test_layers_from_outside_the_library_work_and_can_be_copied():
    model = ffnn.Sequential([Dense(2), Doubling(), Dense(1)], input_dim=2, seed=0)
    model.compile()

    assert ffnn.gradient_check(model, np.eye(2), np.ones(2)).max_error < 1e-8
    np.testing.assert_array_equal(copy.deepcopy(model).predict(np.eye(2)), model.predict(np.eye(2)))


class Failing(ffnn.layers.Layer):
    def forward(self, x, training=False):
        raise KeyError("no such thing")


def test_an_error_inside_a_layer_says_which_layer():
    model = ffnn.Sequential([Dense(2), Failing()], input_dim=2)

    with pytest.raises(ffnn.LayerError, match=r"Failing 'Failing_1' failed in forward.*no such"):
        model.predict(np.eye(2))


def test_generator_states_are_plain_data_and_can_be_set_again():
    model = ffnn.Sequential([Dropout(0.5), Dense(1)], input_dim=3, seed=0)
    states = json.loads(json.dumps(model.generator_states))
    first = [rng.random() for rng in model.random_generators()]

    model.generator_states = states

    assert [rng.random() for rng in model.random_generators()] == first
    assert len(states) == 2  # of the rows' order, and of the layer
