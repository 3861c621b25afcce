"""Trainings end in the same bits as before: a change that moves one shows here.

Bits depend on the BLAS library's kernel and on NumPy's vector instructions, so the expected hashes
are listed by the machine's fingerprint, a hash of a fixed product and of elementary functions. Run
this file as a program to print the entry of a machine.
"""

import hashlib

import numpy as np
import pytest

import ffnn
from ffnn.activations import ELU, GELU, LeakyReLU
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
from ffnn.optimizers import SGD, Adam, AdamW, RMSprop
from ffnn.regularizers import L1L2, L2
from ffnn.schedules import CosineDecay

ROWS, COLUMNS, CLASSES = 150, 12, 4
X = np.sin(np.arange(ROWS * COLUMNS, dtype=np.float64) ** 1.5).reshape(ROWS, COLUMNS)
LABELS = np.arange(ROWS) * 7 % 11 % CLASSES
NUMBERS = np.column_stack([X[:, :3].sum(axis=1), X[:, 3] * X[:, 4]])
COUNTS = np.arange(ROWS) * 5 % 7


def digest(*arrays):
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:16]


def fingerprint():
    """Return what tells machines apart that compute other bits."""
    results = []
    for dtype in (np.float32, np.float64):
        x = X.astype(dtype)
        by_column = np.asfortranarray(x[:32])
        for units in (2, 5, 11, 32):  # kernels differ at edges
            results += [x[:units].dot(by_column.T), x[:32].T.dot(by_column[:, :units])]
            results += [x[:units].T.dot(x[:units]), x[:units].dot(x[0])]
        results += [np.exp(x), np.tanh(x), np.log(x * x + 1), np.sqrt(np.abs(x)), np.expm1(x)]
        results += [np.add.reduce(x, axis=0), np.add.reduce(x, axis=1), np.log1p(np.abs(x))]
    return digest(*results)


def train(layers, target, *, dtype="float32", optimizer="sgd", loss, x=X, **options):
    model = ffnn.Sequential(layers, dtype=dtype, seed=3)
    model.compile(optimizer, loss)
    history = model.fit(x, target, **{"batch_size": 32, "epochs": 3, "verbose": 0} | options)
    arrays = [array for layer in model.layers for array in layer.state.values()]
    return digest(
        model.parameters, *arrays, np.array(history.history["loss"]), model.predict(x[:40])
    )


def train_pixels(dtype):
    layers = [Rescaling(1 / 255), Dense(16, "relu"), Dense(8, LeakyReLU(0.1)), Dense(4, "softmax")]
    x = (np.arange(ROWS * COLUMNS) * 37 % 256).astype(np.uint8).reshape(ROWS, COLUMNS)
    loss = "sparse_categorical_crossentropy"
    return train(layers, LABELS, dtype=dtype, optimizer=Adam(0.01), loss=loss, x=x)


def train_norms(dtype):
    layers = [
        Normalization().adapt(X),
        Dense(10, weight_initializer="he_normal", weight_regularizer=L2(1e-3)),
        BatchNorm(0.9),
        Activation(GELU("tanh")),
        Dropout(0.2),
        Dense(9, "swish", use_bias=False),
        RMSNorm(),
        Dense(7, ELU(0.7), weight_regularizer=L1L2(1e-4, 1e-3)),
        LayerNorm(),
        Dense(CLASSES, "softmax"),
    ]
    weights = 0.5 + np.arange(ROWS) % 3
    options = {"sample_weight": weights, "class_weight": {1: 2.0}, "validation_split": 0.2}
    optimizer = AdamW(CosineDecay(0.01, 20), clipnorm=1.0)
    loss = "categorical_crossentropy"
    return train(layers, LABELS, dtype=dtype, optimizer=optimizer, loss=loss, **options)


def train_numbers(dtype):
    layers = [Dense(11, "tanh"), Dense(6, "softplus"), Dense(2), Rescaling(2.0, 0.5)]
    optimizer = SGD(0.05, momentum=0.9, nesterov=True)
    return train(layers, NUMBERS, dtype=dtype, optimizer=optimizer, loss="huber")


def train_yes_or_no(dtype):
    layers = [Dense(5, "sigmoid"), Dense(1, "sigmoid")]
    optimizer = RMSprop(0.01)
    return train(layers, LABELS % 2, dtype=dtype, optimizer=optimizer, loss="bce")


def train_counts(dtype):
    layers = [Dense(5, "relu"), Dense(1, "exponential")]
    return train(layers, COUNTS, dtype=dtype, loss="poisson", shuffle=False)


def train_softmax_unfused(dtype):
    layers = [Dense(5, "softmax"), Dense(3), Activation("softmax")]
    target = np.eye(3)[LABELS % 3]
    return train(layers, target, dtype=dtype, loss="mse", steps_per_epoch=3)


TRAININGS = {
    function.__name__.removeprefix("train_"): function
    for function in (
        train_pixels,
        train_norms,
        train_numbers,
        train_yes_or_no,
        train_counts,
        train_softmax_unfused,
    )
}

# Machine's fingerprint → training and dtype → hash of what it ends in.
EXPECTED = {
    "c0b33d878bd21156": {
        "pixels float32": "3d614c30a2d9caab",
        "pixels float64": "f8c1fb1b34e3be28",
        "norms float32": "dc4ae3b8e81fd172",
        "norms float64": "748d40321aca9b2f",
        "numbers float32": "d51c6484ef8447a6",
        "numbers float64": "69d026c9362a0ee4",
        "yes_or_no float32": "22046a7451f6cdca",
        "yes_or_no float64": "ae2d057b405ecb55",
        "counts float32": "81a31fad467414fa",
        "counts float64": "a7d240ef2e2c4718",
        "softmax_unfused float32": "393332aa8c47b92c",
        "softmax_unfused float64": "821bf8bbad9a234b",
    },
    "e8a962c801b94f4b": {
        "pixels float32": "435460a2278b3b8e",
        "pixels float64": "c981d7f2d9340190",
        "norms float32": "06296310a7dbb732",
        "norms float64": "fdd677b3d03c16c0",
        "numbers float32": "2923a9172efe8d42",
        "numbers float64": "eae0584ac7c8a46e",
        "yes_or_no float32": "4310d8a11e24d82a",
        "yes_or_no float64": "aee007229b942e92",
        "counts float32": "ee5e27371f8e32b4",
        "counts float64": "5791be0f108bbb55",
        "softmax_unfused float32": "845c029c98e62a00",
        "softmax_unfused float64": "22ee5d4eb8d244cb",
    },
    "098d12d9d1dcf882": {
        "pixels float32": "e20788722dbd17d7",
        "pixels float64": "aef7d584dfde5980",
        "norms float32": "b965139650b0dc13",
        "norms float64": "5fc0984278923fc6",
        "numbers float32": "1521582fc78d81fb",
        "numbers float64": "f627869a5b74d387",
        "yes_or_no float32": "bd4df9fb003bfa2b",
        "yes_or_no float64": "c8e181a25faf1c6b",
        "counts float32": "53854f1df7215db0",
        "counts float64": "aadaf6488169a8ad",
        "softmax_unfused float32": "d041d74d6bf8edb2",
        "softmax_unfused float64": "4402f8679a260ab2",
    },
    "0ec788488eaef8af": {
        "pixels float32": "435460a2278b3b8e",
        "pixels float64": "523a88e76bd52950",
        "norms float32": "6b8f8acd61832eff",
        "norms float64": "d533dd75076fdcf5",
        "numbers float32": "a72ffdd039a5682e",
        "numbers float64": "7641b758a0709b2a",
        "yes_or_no float32": "916bfd6ba96408b7",
        "yes_or_no float64": "cc8a58bdcbb12354",
        "counts float32": "ee5e27371f8e32b4",
        "counts float64": "3f034242ad0651df",
        "softmax_unfused float32": "845c029c98e62a00",
        "softmax_unfused float64": "7ba9002a2bbe9726",
    },
}


def compute_all():
    names = [(name, dtype) for name in TRAININGS for dtype in ("float32", "float64")]
    return {f"{name} {dtype}": TRAININGS[name](dtype) for name, dtype in names}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TRAININGS)
def test_training_ends_in_the_same_bits(name, dtype):
    expected = EXPECTED.get(fingerprint())
    if expected is None:
        pytest.skip(f"no hashes were recorded on a machine like this one, {fingerprint()}")

    assert TRAININGS[name](dtype) == expected[f"{name} {dtype}"]


if __name__ == "__main__":
    print(f'    "{fingerprint()}": {{')
    for key, value in compute_all().items():
        print(f'        "{key}": "{value}",')
    print("    },")
