"""`docs/format.md` is true and enough: a reader written from it alone reads our files."""

import hashlib
import json
import math
import shutil
import subprocess

import numpy as np
import pytest

import ffnn
from ffnn.activations import ELU, LeakyReLU
from ffnn.layers import (
    Activation,
    Average,
    BatchNorm,
    Clamp,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    Normalization,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinear,
    PReLU,
    Rescaling,
    RMSNorm,
    Scale,
)

h5py = pytest.importorskip("h5py")
X = np.random.default_rng(0).standard_normal((20, 4))


# -- a reader written from the document, with an HDF5 library and linear algebra ----------------


def read_header(image):
    lines = image[:512].rstrip(b"\0").decode("ascii").split("\n")
    fields = dict(line.split(" ") for line in lines[:-1])
    covered = "".join(f"{line}\n" for line in lines[:3]).encode() + image[512:]
    assert int(fields["length"]) == len(image)
    assert fields["sha256"] == hashlib.sha256(covered).hexdigest()
    return fields


def activate(part, z):
    if part is None:
        return z
    c = part["config"]
    return {
        "linear": lambda: z,
        "relu": lambda: np.maximum(z, 0),
        "leaky_relu": lambda: np.where(z > 0, z, c["negative_slope"] * z),
        "sigmoid": lambda: 1 / (1 + np.exp(-z)),
        "tanh": lambda: np.tanh(z),
        "softmax": lambda: np.exp(z) / np.exp(z).sum(1, keepdims=True),
        "swish": lambda: z / (1 + np.exp(-z)),
        "elu": lambda: np.where(z > 0, z, c["alpha"] * (np.exp(z) - 1)),
        "gelu": lambda: (
            z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))) / 2
            if c.get("approximate", "tanh") == "tanh"
            else z * (1 + np.vectorize(math.erf)(z / np.sqrt(2))) / 2
        ),
        "selu": lambda: (
            1.0507009873554805 * np.where(z > 0, z, 1.6732632423543773 * (np.exp(z) - 1))
        ),
        "mish": lambda: z * np.tanh(np.log(1 + np.exp(z))),
        "softplus": lambda: np.log(1 + np.exp(z)),
        "exponential": lambda: np.exp(z),
    }[part["name"]]()


def apply(part, x, arrays, state):
    name, c = part["name"], part["config"]
    if part["kind"] == "activation":
        return activate(part, x)
    if name == "dense":
        root = np.sqrt(x.shape[1]) if c["parametrization"] == "ntk" else 1
        z = x @ arrays["weight"][()].T / root + (arrays["bias"][()] if c["use_bias"] else 0)
        return activate(c["activation"], z)
    if name == "activation":
        return activate(c["activation"], x)
    if name == "dropout":
        return x
    if name == "rescaling":
        return c["scale"] * x + c["offset"]
    if name == "normalization":
        std = np.sqrt(state["variance"][()])
        return (x - state["mean"][()]) / np.where(std == 0, 1, std)
    if name == "clamp":
        return np.minimum(np.maximum(x, c["low"]), c["high"])
    if name in ("embedding", "periodic_embedding"):
        return embed(name, c, x, {key: array[()] for key, array in arrays.items()})
    if name == "piecewise_linear":
        return embed(name, c, x, {"edges": state["edges"][()]})
    if name == "average":
        members = enumerate(c["members"], start=1)
        made = [pass_through(m, x, below(arrays, k), below(state, k)) for k, m in members]
        return np.mean(made, axis=0)
    if name == "scale":
        return arrays["gamma"][()] * x
    if name == "parametric_activation":
        return x + arrays["alpha"][()] * (activate(c["activation"], x) - x)
    if name == "prelu":
        return np.where(x > 0, x, arrays["alpha"][()] * x)
    if name == "rms_norm":
        return arrays["gamma"][()] * x / np.sqrt((x**2).mean(1, keepdims=True) + c["epsilon"])
    m, v = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    if name == "batch_norm":
        m, v = state["moving_mean"][()], state["moving_variance"][()]
    return arrays["gamma"][()] * (x - m) / np.sqrt(v + c["epsilon"]) + arrays["beta"][()]


def below(arrays, number):
    """Return the arrays of one member by layer."""
    found = {}
    for name in arrays or ():
        member, layer, own = name.split(".")
        if member == f"member_{number}":
            found.setdefault(layer, {})[own] = arrays[name]
    return found


def pass_through(layers, x, arrays, state):
    """Return what a chain of layers makes of rows; the arrays are those of each layer."""
    counts = {}
    for part in layers:
        counts[part["name"]] = counts.get(part["name"], 0) + 1
        place = f"{part['name']}_{counts[part['name']]}"
        x = apply(part, x, arrays.get(place), state.get(place))
    return x


def embed(name, c, x, arrays):
    own = range(x.shape[1]) if c["columns"] is None else c["columns"]
    made, start = [], 0
    for place, column in enumerate(own):
        if name == "embedding":
            made.append(arrays["embedding"][start + x[:, column].astype(int)])
            start += c["categories"][place]
        elif name == "piecewise_linear":
            low, width = arrays["edges"][place, :-1], np.diff(arrays["edges"][place])
            bins = np.minimum(np.maximum((x[:, [column]] - low) / width, 0), 1)
            made += [x[:, [column]], bins]
        else:
            turns = 2 * np.pi * x[:, [column]] * arrays["frequency"][place]
            cosines = np.cos(turns + arrays["phase"][place])
            mixed = cosines @ arrays["mixing"][place].T + arrays["offset"][place]
            made += [x[:, [column]], mixed]
    return np.hstack([*made, np.delete(x, own, axis=1)])


def predict(path, x):
    with h5py.File(path, "r") as file:
        model = json.loads(file["config"][()].tobytes())["model"]
        counts = {}
        for index, part in enumerate(model["layers"]):
            counts[part["name"]] = counts.get(part["name"], 0) + 1
            place = f"{index}_{part['name']}_{counts[part['name']]}"
            x = apply(part, x, file.get(f"layers/{place}"), file.get(f"state/{place}"))
    return x


# -- what it reads -----------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    layers = [
        Normalization().adapt(np.hstack([X[:, :3], np.ones((20, 1))])),
        Dense(6, LeakyReLU(0.2)),
        PiecewiseLinear(3, columns=[1, 5]).adapt(np.hstack([X, X[:, :2]])),
        PeriodicEmbedding(5, 3, columns=[2, 0, 1]),
        RMSNorm(1e-5),
        ffnn.activations.Tanh(),
        Dense(5, "gelu"),
        Activation(ELU(0.5)),
        Dropout(0.3),
        BatchNorm(momentum=0.8),
        Dense(5, "swish", use_bias=False),
        Rescaling(0.5, 0.1),
        LayerNorm(),
        Scale(),
        Clamp(-0.5, 0.75),
        Dense(4),
        ParametricActivation("selu"),
        PReLU(),
        PReLU(shared=True),
        Dense(4, "mish", parametrization="ntk"),
        Dense(4, "softplus"),
        Dense(4, "sigmoid"),
        Dense(4, "relu"),
        Dense(3, "softmax"),
    ]
    model = ffnn.Sequential(layers, input_dim=4, seed=1, dtype="float64")
    model.compile("adam", "cce", ["accuracy"])
    model.fit(X, np.arange(20) % 3, epochs=2, verbose=0)
    model.save(tmp_path / "model.h5")
    return tmp_path / "model.h5"


def test_a_reader_written_from_the_document_predicts_the_same(path):
    expected = ffnn.load_model(path).predict(X)

    np.testing.assert_allclose(predict(path, X), expected, rtol=1e-10)


def test_so_does_it_of_embedded_categories(tmp_path):
    layers = [Embedding([4, 3], 2, columns=[2, 0]), Dense(2)]
    model = ffnn.Sequential(layers, input_dim=3, seed=1, dtype="float64")
    model.save(tmp_path / "model.h5")
    x = np.column_stack([np.arange(12) % 3, np.linspace(-1, 1, 12), np.arange(12) % 4])

    np.testing.assert_allclose(predict(tmp_path / "model.h5", x), model.predict(x), rtol=1e-10)


def test_so_does_it_of_the_members_of_an_average(tmp_path):
    first = [Normalization().adapt(X), Dense(5, "relu"), Dropout(0.2), Dense(2, "softmax")]
    members = [first, [Dense(3), BatchNorm(), Dense(2, "softmax")]]
    model = ffnn.Sequential([Scale(), Average(members)], input_dim=4, seed=1, dtype="float64")
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], epochs=2, verbose=0)
    model.save(tmp_path / "model.h5")

    np.testing.assert_allclose(predict(tmp_path / "model.h5", X), model.predict(X), rtol=1e-10)


def test_the_header_is_as_the_document_says(path):
    fields = read_header(path.read_bytes())

    assert list(fields) == ["ffnn-model", "library", "length", "sha256"]
    assert fields["ffnn-model"] == "1"
    assert fields["library"] == ffnn.__version__


def test_history_and_optimizer_are_where_the_document_says(path):
    model = ffnn.load_model(path)

    with h5py.File(path, "r") as file:
        config = json.loads(file["config"][()].tobytes())
        history = config["model"]["history"]
        read = {name: file[f"history/{i}"][()].tolist() for i, name in enumerate(history["names"])}
        assert file["optimizer/m"].shape == (model.count_params(),)
        np.testing.assert_array_equal(file["optimizer/v"][()], model.optimizer.slots["v"])
        gradient = file["gradients/1_dense_1/weight"][()]

    assert read == model.history.history
    assert history["epoch"] == [0, 1]
    assert config["model"]["compile"]["iterations"] == 2
    np.testing.assert_array_equal(gradient, model.layers[1].grads["weight"])


def test_all_datasets_are_plain(path):
    seen = []

    def look(name, item):
        assert not item.attrs
        if isinstance(item, h5py.Dataset):
            seen.append(name)
            assert item.chunks is None
            assert item.compression is None
            assert item.external is None
            assert not item.is_virtual
            assert item.maxshape == item.shape
            assert item.dtype.str in ("<f4", "<f8", "<i8", "|u1")
            assert item.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS

    with h5py.File(path, "r") as file:
        assert file.userblock_size == 512
        assert not file.attrs
        file.visititems(look)

    assert "config" in seen
    assert len(seen) > 20


@pytest.mark.skipif(shutil.which("h5ls") is None, reason="h5ls is not installed")
def test_hdf5s_own_tools_list_it(path):
    listed = subprocess.run(["h5ls", "-r", path], capture_output=True, text=True, check=True)

    assert "/layers/1_dense_1/weight Dataset {6, 4}" in listed.stdout
