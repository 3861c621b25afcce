"""Whole networks of parts that have loops train to the same bits, however they are trained."""

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import EarlyStopping, Recorder
from ffnn.estimators import FFNNClassifier
from ffnn.kernels.compiler import find_problem
from ffnn.layers import (
    Clamp,
    Dense,
    Dropout,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinear,
    Rescaling,
    Scale,
)
from ffnn.optimizers import AdamW
from ffnn.schedules import CosineLog, FlatCosine
from ffnn.tables import TabularClassifier

pytestmark = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

X = np.random.default_rng(0).standard_normal((150, 5))
NUMBERS = np.sin(2.0 * X[:, 0]) + X[:, 1]
LABELS = (NUMBERS > 0.0).astype(int) + (X[:, 2] > 0.5)


def hidden(activation):
    return [
        Dense(16, parametrization="ntk", bias_initializer="glorot_uniform"),
        ParametricActivation(activation),
        Dropout(FlatCosine(0.2, 40)),
    ]


def numbers(dtype):
    return [
        PiecewiseLinear(4, [0, 1]).adapt(X),
        PeriodicEmbedding(6, 3, columns=[0, 5]),
        Scale(),
        *hidden("mish"),
        *hidden("mish"),
        Dense(1),
        Rescaling(2.0, 0.5),
        Clamp(-3.0, 3.0),
    ]


def classes(dtype):
    return [PeriodicEmbedding(6, 3), Scale(), *hidden("selu"), Dense(3, "softmax")]


PART = "parametric_activation_1"
NETWORKS = {
    "numbers": (numbers, NUMBERS, "mse"),
    "classes": (classes, LABELS, "sparse_categorical_crossentropy"),
}


def trained(name, jit_compile, dtype="float32", freeze=(), x=X, **options):
    """Return all that a training leaves: parameters, gradients, memory, losses, generators."""
    make, y, loss = NETWORKS[name]
    model = ffnn.Sequential(make(dtype), dtype=dtype, seed=2)
    factors = {"bias": 0.1, "gamma": 6.0}
    optimizer = AdamW(
        CosineLog(0.04, 40), FlatCosine(0.02, 40), learning_rate_factors=factors,
        decay_exclude=["bias"],
    )  # fmt: skip
    model.compile(optimizer, loss, jit_compile=jit_compile)
    for index in freeze:
        model.layers[index].trainable = False
    arguments = {"epochs": 4, "batch_size": 32, "verbose": 0, "validation_split": 0.1} | options
    history = model.fit(x, y, **arguments)
    arrays = {name: array.copy() for name, array in model.capture()[1].items()}
    return model, arrays, history.history, model.generator_states


def same(first, second):
    (_, arrays, losses, generators), (_, others, other_losses, other_generators) = first, second
    return (
        arrays.keys() == others.keys()
        and all(np.array_equal(arrays[name], others[name]) for name in arrays)
        and losses == other_losses
        and generators == other_generators
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_for_a_table_trains_to_the_same_bits(name, dtype):
    compiled, plain = (trained(name, jit, dtype) for jit in (True, False))

    assert same(compiled, plain)
    assert {"PeriodicEmbedding", "Scale", "Dense", "ParametricActivation", "Dropout", "AdamW"} <= {
        *compiled[0].compiled_parts
    }
    assert plain[0].compiled_parts == ()


@pytest.mark.parametrize("freeze", [[0, 1, 2], [3, 4], [2, 7]])
def test_frozen_layers_stay_and_the_others_train_to_the_same_bits(freeze):
    compiled, plain = (trained("numbers", jit, freeze=freeze) for jit in (True, False))

    assert same(compiled, plain)


@pytest.mark.parametrize(
    "options",
    [
        {"sample_weight": 0.5 + np.arange(150) % 3},
        {"sample_weight": np.arange(150) % 3},  # rows of weight 0 are left out
        {"shuffle": False},
        {"shuffle": False, "x": np.asfortranarray(X.astype(np.float32))},
        {"steps_per_epoch": 2},
        {"batch_size": 150},
    ],
)
def test_however_it_is_trained_the_bits_are_the_same(options):
    assert same(trained("numbers", True, **options), trained("numbers", False, **options))


def test_a_recorder_sees_the_same():
    compiled, plain = (
        trained("numbers", jit, callbacks=[Recorder(), EarlyStopping("val_loss", 1)])
        for jit in (True, False)
    )

    assert same(compiled, plain)  # what it records is among the arrays
    assert any(name.startswith("recording") for name in plain[1])


def test_explanations_after_a_compiled_training_are_those_of_numpy():
    compiled, plain = (trained("classes", jit)[0] for jit in (True, False))

    texts = [
        model.explain_step(X[:8], LABELS[:8], layer=PART).to_text() for model in (compiled, plain)
    ]

    assert texts[0] == texts[1]


def test_summary_says_which_parts_ran_in_loops(capsys):
    compiled, plain = (trained("classes", jit)[0] for jit in (True, False))
    capsys.readouterr()

    compiled.summary()
    last = capsys.readouterr().out.splitlines()[-1]
    plain.summary()

    assert last == (
        "trained with compiled loops: PeriodicEmbedding, Scale, Dense, ParametricActiv…"
    )
    assert "compiled" not in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_estimators_train_a_compiled_network():
    weights = []
    for jit_compile in (True, False):
        network = ffnn.Sequential([Dense(8, "relu"), Dropout(0.1), Dense(3, "softmax")])
        network.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit_compile)
        estimator = FFNNClassifier(network=network, random_state=0, max_iter=3, tol=0.0)
        weights.append(estimator.fit(X, LABELS).model_.parameters.tobytes())
        assert bool(estimator.model_.compiled_parts) is jit_compile

    assert weights[0] == weights[1]


def test_the_preset_trains_to_the_same_bits(monkeypatch):
    weights = []
    for least in (0.0, 1e9):
        monkeypatch.setattr("ffnn.models.compiling.LEAST_SAVED", least)
        classifier = TabularClassifier(ensemble=1, random_state=0)
        model = classifier.fit(X[:60], LABELS[:60]).model_
        weights.append(model.parameters.tobytes())
        assert bool(model.compiled_parts) is (least == 0.0)

    assert weights[0] == weights[1]
