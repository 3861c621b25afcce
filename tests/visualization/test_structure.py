import numpy as np
import pytest

import ffnn
from ffnn.activations import ReLU
from ffnn.initializers import Ones
from ffnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LayerNorm,
    LeakyReLU,
    Rescaling,
    RMSNorm,
)
from ffnn.visualization.structure import BIAS, node_id, read_structure


def with_gradients(model):
    rng = np.random.default_rng(0)
    model.compile("sgd", "mse")
    model.compute_gradients(
        rng.standard_normal((6, model.input_dim)), rng.standard_normal((6, model.output_dim))
    )
    return model


def test_inputs_and_each_dense_are_columns():
    layers = [Dropout(0.1), Dense(5, "relu"), Rescaling(2.0), Dense(4), Dense(3, "softmax")]
    columns = read_structure(ffnn.Sequential(layers, input_dim=2)).columns

    assert [column.index for column in columns] == [0, 1, 2, 3]
    assert [column.layer_name for column in columns] == ["input", "dense_1", "dense_2", "dense_3"]
    assert [column.kind for column in columns] == ["input", "neuron", "neuron", "output"]
    assert [column.size for column in columns] == [2, 5, 4, 3]


def test_connections_hold_the_live_arrays():
    model = with_gradients(ffnn.Sequential([Dense(3), ReLU(), Dense(2)], input_dim=4))
    structure = read_structure(model)

    assert structure.has_gradients
    assert structure.num_edges == 4 * 3 + 3 + 3 * 2 + 2
    for connection, layer in zip(
        structure.connections, [model.layers[0], model.layers[2]], strict=True
    ):
        assert connection.weight is layer.params["weight"]
        assert connection.bias is layer.params["bias"]
        assert connection.weight_gradient is layer.grads["weight"]
        assert connection.bias_gradient is layer.grads["bias"]
        assert connection.layer_name == layer.name
    assert [(c.source, c.target) for c in structure.connections] == [(0, 1), (1, 2)]
    first, second = structure.connections
    assert [structure.incoming(column) for column in structure.columns] == [None, first, second]
    assert [structure.outgoing(column) for column in structure.columns] == [first, second, None]
    assert [c.num_edges for c in structure.connections] == [15, 8]


def test_gradients_are_absent_before_a_backward_pass():
    model = ffnn.Sequential([BatchNorm(), Dense(3)], input_dim=4)
    structure = read_structure(model)

    assert not structure.has_gradients
    assert structure.connections[0].weight_gradient is None
    assert structure.connections[0].bias_gradient is None
    assert structure.columns[0].gains["gamma"].gradient is None


def test_without_bias_there_is_none():
    (connection,) = read_structure(
        with_gradients(ffnn.Sequential([Dense(3, use_bias=False)], input_dim=4))
    ).connections

    assert connection.bias is None
    assert connection.bias_gradient is None
    assert connection.num_edges == 12
    np.testing.assert_array_equal(connection.matrix("weight"), connection.weight)


@pytest.mark.parametrize("values", ["weight", "gradient"])
def test_matrix_has_the_bias_in_its_last_column(values):
    model = with_gradients(ffnn.Sequential([Dense(3, bias_initializer="ones")], input_dim=4))
    arrays = model.layers[0].params if values == "weight" else model.layers[0].grads

    matrix = read_structure(model).connections[0].matrix(values)

    np.testing.assert_array_equal(matrix[:, :4], arrays["weight"])
    np.testing.assert_array_equal(matrix[:, 4], arrays["bias"])


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([Dense(2, "relu")], ["", "ReLU"]),
        ([Dense(2)], ["", "Linear"]),
        ([Dense(2, "linear"), Dense(1)], ["", "Linear", "Linear"]),
        ([Dense(2), RMSNorm(), Activation("tanh"), Dropout(0.5)], ["", "Tanh"]),
        ([Dense(2), LeakyReLU(0.25)], ["", "LeakyReLU(negative_slope=0.25)"]),
        ([Dense(2, "linear"), ReLU()], ["", "ReLU"]),
        ([Dense(2, "tanh"), ReLU()], ["", "Tanh, ReLU"]),
        ([ReLU(), Dense(2)], ["ReLU", "Linear"]),
    ],
)
def test_activation_is_what_acts_on_the_column(layers, expected):
    columns = read_structure(ffnn.Sequential(layers, input_dim=3)).columns

    assert [column.activation for column in columns] == expected


def test_gains_stand_on_the_neurons_before_them():
    batch_norm, rms_norm, layer_norm = BatchNorm(), RMSNorm(), LayerNorm()
    model = with_gradients(
        ffnn.Sequential(
            [batch_norm, Dense(5, "relu"), Dropout(0.1), rms_norm, layer_norm, Dense(2)],
            input_dim=3,
        )
    )
    inputs, neurons, outputs = read_structure(model).columns

    assert list(inputs.gains) == ["gamma", "beta"]
    assert list(neurons.gains) == ["gamma", "gamma_2", "beta_2"]
    assert outputs.gains == {}
    for gain, layer, name in [
        (inputs.gains["gamma"], batch_norm, "gamma"),
        (inputs.gains["beta"], batch_norm, "beta"),
        (neurons.gains["gamma"], rms_norm, "gamma"),
        (neurons.gains["gamma_2"], layer_norm, "gamma"),
        (neurons.gains["beta_2"], layer_norm, "beta"),
    ]:
        assert gain.layer_name == layer.name
        assert gain.value is layer.params[name]
        assert gain.gradient is layer.grads[name]


def test_units_have_the_names_that_somebody_gave():
    model = ffnn.Sequential([Dense(4), Dense(3)], input_dim=2)
    model.feature_names, model.class_names = ["length", "width"], ["<a>", "$b$", "c"]
    inputs, neurons, outputs = read_structure(model).columns

    assert inputs.unit_names == ("length", "width")
    assert neurons.unit_names is None
    assert outputs.unit_names == ("<a>", "$b$", "c")
    assert [inputs.label(1), neurons.label(1), outputs.label(1)] == ["width", "dense_1 1", "$b$"]


def test_two_classes_of_one_output_are_no_names_of_it():
    model = ffnn.Sequential([Dense(1, "sigmoid")], input_dim=2)
    model.class_names = ["no", "yes"]

    assert read_structure(model).columns[-1].unit_names is None


def test_node_ids_are_unique():
    structure = read_structure(ffnn.Sequential.from_sizes([3, 4, 2], "relu"))
    ids = [node_id(c.layer_name, unit) for c in structure.columns for unit in range(c.size)]
    ids += [node_id(connection.layer_name, BIAS) for connection in structure.connections]

    assert len(set(ids)) == 3 + 4 + 2 + 2
    assert ids[0] == "input 0"
    assert ids[3] == "dense_1 0"
    assert ids[-1] == "dense_2 bias"


def test_network_without_dense_has_its_inputs_alone():
    structure = read_structure(ffnn.Sequential([BatchNorm(), ReLU()], input_dim=3))

    assert [column.kind for column in structure.columns] == ["input"]
    assert structure.columns[0].activation == "ReLU"
    assert structure.connections == []
    assert structure.num_edges == 0


def test_network_that_is_not_built_has_no_weights():
    with pytest.raises(RuntimeError, match=r"no parameters yet: .* build\(input_dim\)"):
        read_structure(ffnn.Sequential([Dense(3)]))


class FirstColumn(Layer):
    def compute_output_dim(self, input_dim):
        return 1


def test_other_layer_that_changes_the_columns_is_named():
    model = ffnn.Sequential([FirstColumn(), Dense(2)], input_dim=3)

    with pytest.raises(ValueError, match=r"FirstColumn 'FirstColumn_1': .* 3 columns in and 1 out"):
        read_structure(model)


class Temperature(Layer):
    def parameter_shapes(self, input_dim):
        return {"temperature": (1,)}

    def initializers(self):
        return {"temperature": Ones()}


def test_parameter_that_is_no_value_of_each_neuron_stands_on_none():
    model = ffnn.Sequential([Dense(3), Temperature()], input_dim=2)

    assert read_structure(model).columns[1].gains == {}
