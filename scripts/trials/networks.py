"""Random networks: of all layers, optimizers, losses and dtypes, trained a little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import ffnn
from ffnn import activations, initializers, layers, losses, optimizers, regularizers, schedules
from trials.common import Result, content_of, rng_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

ACTIVATIONS = [
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "swish",
    "gelu",
    "selu",
    "mish",
    "softplus",
    activations.LeakyReLU(0.2),
    activations.ELU(0.7),
    activations.GELU("tanh"),
    None,
]
WEIGHTS = [
    "glorot_uniform",
    "he_normal",
    initializers.RandomUniform(-0.3, 0.3, seed=5),
    initializers.RandomNormal(0.0, 0.01),
    initializers.LecunNormal(seed=2),
]
PENALTIES = [
    None,
    None,
    regularizers.L1(1e-3),
    regularizers.L2(1e-3),
    regularizers.L1L2(1e-4, 1e-3),
]


def random_network(
    rng: np.random.Generator,
) -> tuple[ffnn.Sequential, NDArray[Any], NDArray[Any]]:
    """Return the compiled network of a number, which no other number gives, with rows and targets.

    Parameters
    ----------
    rng : Generator
        Where all choices come from.
    """
    columns, rows = int(rng.integers(1, 7)), int(rng.integers(2, 12))
    x = rng.standard_normal((rows, columns))
    task = rng.choice(["numbers", "two", "many"])
    stack = _front(rng, x) + _middle(rng)
    if task == "numbers":
        units = int(rng.integers(1, 4))
        stack.append(layers.Dense(units))
        y = rng.standard_normal((rows, units))
        loss = rng.choice(np.array(["mse", "mae", losses.Huber(0.6)], object))
        metrics = ["mae"]
    elif task == "two":
        stack.append(layers.Dense(1, "sigmoid"))
        y, loss, metrics = rng.integers(0, 2, rows), "bce", ["accuracy"]
    else:
        stack.append(layers.Dense(3, "softmax", use_bias=bool(rng.integers(2))))
        y, loss, metrics = rng.integers(0, 3, rows), "cce", ["accuracy", "f1"]
    dtype = str(rng.choice(["float32", "float64"]))
    seed = None if rng.integers(4) == 0 else int(rng.integers(1 << 62))
    model = ffnn.Sequential(stack, input_dim=columns, dtype=dtype, seed=seed)
    model.compile(_optimizer(rng), loss, metrics if rng.integers(2) else None)
    if rng.integers(2):
        model.feature_names = [f"größe <{i}> \U0001f600" for i in range(columns)]
    return model, x, y


def _front(rng: np.random.Generator, x: NDArray[Any]) -> list[Any]:
    choice = rng.integers(3)
    if choice == 0:
        return [layers.Normalization().adapt(x)]
    return [layers.Rescaling(0.5, -0.25)] if choice == 1 else []


def _middle(rng: np.random.Generator) -> list[Any]:
    stack: list[Any] = []
    for _ in range(rng.integers(0, 4)):
        kind = rng.integers(8)
        if kind < 3:
            activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
            stack.append(
                layers.Dense(
                    int(rng.integers(2, 9)),
                    activation,
                    use_bias=bool(rng.integers(4)),
                    weight_initializer=WEIGHTS[rng.integers(len(WEIGHTS))],
                    weight_regularizer=PENALTIES[rng.integers(len(PENALTIES))],
                )
            )
        elif kind == 3:
            stack.append(layers.Dropout(0.3, seed=None if rng.integers(2) else 7))
        elif kind == 4:
            stack.append(layers.BatchNorm(momentum=0.8))
        elif kind == 5:
            stack.append(layers.LayerNorm())
        elif kind == 6:
            stack.append(layers.RMSNorm(1e-5))
        else:
            stack.append(layers.Activation("tanh"))
    return stack


def _optimizer(rng: np.random.Generator) -> Any:
    rates = [
        0.01,
        schedules.ExponentialDecay(0.02, 3, 0.9),
        schedules.InverseTimeDecay(0.02, 3, 0.5, staircase=True),
        schedules.CosineDecay(0.02, 20, 0.1, warmup_steps=2),
        schedules.PiecewiseConstantDecay([2, 5], [0.02, 0.01, 0.001]),
    ]
    rate = rates[rng.integers(len(rates))]
    clipnorm = None if rng.integers(2) else 0.5
    makers = [
        lambda: optimizers.SGD(rate, clipnorm=clipnorm),
        lambda: optimizers.SGD(rate, momentum=0.9, nesterov=bool(rng.integers(2))),
        lambda: optimizers.RMSprop(rate, clipnorm=clipnorm),
        lambda: optimizers.Adam(rate, clipnorm=clipnorm),
        lambda: optimizers.Adagrad(rate, clipvalue=0.1),
        lambda: optimizers.Nadam(rate, clipnorm=clipnorm),
        lambda: optimizers.AdamW(rate, weight_decay=0.01),
    ]
    return makers[rng.integers(len(makers))]()


def trained_network(
    rng: np.random.Generator,
) -> tuple[ffnn.Sequential, NDArray[Any], NDArray[Any]]:
    """Return a random network after a few epochs, some with an update outside of `fit`."""
    model, x, y = random_network(rng)
    epochs = int(rng.integers(0, 4))
    if epochs:
        split = 0.3 if len(x) > 3 and rng.integers(2) else 0.0
        model.fit(x, y, batch_size=3, epochs=epochs, verbose=0, validation_split=split)
    if rng.integers(2):
        model.train_on_batch(x, y)
    return model, x, y


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Save and load random networks: the same predictions, and the same next steps."""
    result = Result()
    for case in cases:
        what = differences(rng_of(seed, case), folder / "network.h5")
        if what:
            result.fail(case, what)
        result.cases += 1
        advance(1)
    result.control = control(rng_of(seed), folder / "network.h5")
    return result


def differences(rng: np.random.Generator, path: Path) -> str:
    """Return the differences between a network and its saved and loaded twin."""
    model, x, y = trained_network(rng)
    before = content_of(model)
    model.save(path)
    if content_of(model) != before:
        return "saving changed the model"
    loaded = ffnn.load_model(path)
    if content_of(loaded) != before:
        return "other content"
    if loaded.predict(x).tobytes() != model.predict(x).tobytes():
        return "other predictions"
    content = path.read_bytes()
    loaded.save(path)
    if path.read_bytes() != content:
        return "saved again, another file"
    for each in (model, loaded):
        each.fit(x, y, batch_size=2, epochs=1, verbose=0)
        each.train_on_batch(x, y)
    return "" if content_of(loaded) == content_of(model) else "other next steps"


def control(rng: np.random.Generator, path: Path) -> int:
    """Return in how many of 20 networks the next steps differ if only the weights are kept."""
    found = 0
    for _ in range(20):
        model, x, y = trained_network(rng)
        model.save(path)
        loaded = ffnn.load_model(path)
        assert loaded.optimizer is not None
        loaded.optimizer.iterations = 0
        for slot in loaded.optimizer.slots.values():
            slot[...] = 0.0
        for each in (model, loaded):
            each.fit(x, y, batch_size=2, epochs=1, verbose=0)
        found += content_of(loaded) != content_of(model)
    return found
