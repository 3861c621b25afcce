"""ONNX files that others wrote, and hostile ones."""

import json
import math
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from random_networks import distance, random_network

import ffnn
from ffnn import layers
from ffnn.exchange import from_onnx, to_onnx

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
helper = onnx.helper

FILES = Path(__file__).parent / "files"
EXPECTED = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(EXPECTED["y"]))
def test_files_of_others_predict_what_they_did_there(name):
    model = from_onnx(FILES / name)
    x = np.array(EXPECTED["x"], model.dtype)
    assert distance(model.predict(x), EXPECTED["y"][name]) < 1e-6


def test_a_classifier_of_two_classes_has_two_outputs():
    model = from_onnx(FILES / "skl_two.onnx")
    assert [*map(repr, model.layers)] == [
        "Dense(8, activation=ReLU())",
        "Dense(2, activation=Softmax())",
    ]


COLUMN_WISE = ("periodic_embedding", "some_periodic", "piecewise_linear", "embedding")


@pytest.mark.parametrize("seed", range(25))
def test_layers_are_known_by_what_they_compute(seed, tmp_path):
    """Without what the file says of its layers, they are recognized in the operators."""
    model, x = random_network(seed, without=COLUMN_WISE)
    if any(isinstance(x, layers.ParametricActivation | layers.Average) for x in model.layers):
        pytest.skip("no other library writes such a layer")
    made = to_onnx(model)
    del made.metadata_props[:]
    onnx.save(made, tmp_path / "m.onnx")
    assert distance(from_onnx(tmp_path / "m.onnx").predict(x), model.predict(x)) < 1e-2


def node(operator, *names):
    *inputs, output = names
    return helper.make_node(operator, inputs, [output])


HALF, ONE, ROOT = 0.5, 1.0, 2.0**0.5
ERF_FORMS = {
    "x / √2, erf, + 1, x, 1/2": (
        [
            *(node("Div", "x", "c0", "a"), node("Erf", "a", "b"), node("Add", "b", "c1", "c")),
            *(node("Mul", "x", "c", "d"), node("Mul", "d", "c2", "y")),
        ],
        (ROOT, ONE, HALF),
    ),
    "x/2 first, x · √(1/2)": (
        [
            *(node("Mul", "x", "c2", "h"), node("Mul", "x", "c0", "a"), node("Erf", "a", "b")),
            *(node("Add", "c1", "b", "c"), node("Mul", "h", "c", "y")),
        ],
        (1.0 / ROOT, ONE, HALF),
    ),
}


@pytest.mark.parametrize("form", ERF_FORMS)
def test_the_exact_gelu_is_known_in_the_forms_of_other_exporters(form, tmp_path):
    nodes, constants = ERF_FORMS[form]
    made = graph(nodes, [tensor(f"c{i}", number) for i, number in enumerate(constants)])
    onnx.save(made, tmp_path / "m.onnx")
    assert [*map(repr, from_onnx(tmp_path / "m.onnx").layers)] == ["GELU()"]


@pytest.mark.parametrize("opset", [9, 17, 24])
@pytest.mark.parametrize("slopes", [[0.1, 2.0, -0.5], [0.25], [-3.0]])
def test_the_slopes_of_prelu_come_in(slopes, opset, tmp_path):
    made = graph([node("PRelu", "x", "a", "y")], [tensor("a", slopes)], opset=opset)
    onnx.save(made, tmp_path / "m.onnx")
    (layer,) = from_onnx(tmp_path / "m.onnx").layers
    assert repr(layer) == repr(layers.PReLU(shared=len(slopes) == 1))
    np.testing.assert_array_equal(layer.params["alpha"], np.array(slopes, np.float32))


@pytest.mark.parametrize("form", ["none", "tanh"])
@pytest.mark.parametrize("opset", [17, 20])
def test_both_forms_of_gelu_are_told_apart(form, opset, tmp_path):
    model = ffnn.Sequential([ffnn.activations.GELU(form)], 3)
    made = to_onnx(model, opset=opset)
    del made.metadata_props[:]
    onnx.save(made, tmp_path / "m.onnx")
    assert [*map(repr, from_onnx(tmp_path / "m.onnx").layers)] == [repr(model.layers[0])]


# -- what is refused ---------------------------------------------------------------------------


def graph(nodes, weights=(), width=3, opset=17, kind=onnx.TensorProto.FLOAT):
    x = helper.make_tensor_value_info("x", kind, ["rows", width])
    y = helper.make_tensor_value_info("y", kind, None)
    made = helper.make_graph(nodes, "g", [x], [y], weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)])


def tensor(name, array):
    return onnx.numpy_helper.from_array(np.asarray(array, np.float32), name)


def external():
    weight = tensor("w", np.zeros((2, 3)))
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    return graph([helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)], [weight])


def huge():
    weight = tensor("w", np.zeros((2, 3)))
    del weight.dims[:]
    weight.dims.extend([1_000_000_000, 3])
    return graph([helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)], [weight])


def looped():
    body = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "body", [], [])
    return graph([helper.make_node("Loop", ["", "", "x"], ["y"], body=body)])


def circle():
    nodes = [
        helper.make_node("Add", ["x", "z"], ["y"]),
        helper.make_node("Identity", ["y"], ["z"]),
    ]
    return graph(nodes)


def nan():
    weight = tensor("w", np.full((2, 3), np.nan))
    return graph([helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)], [weight])


def filled():
    size = onnx.numpy_helper.from_array(np.array([1 << 40]), "s")
    nodes = [
        helper.make_node("ConstantOfShape", ["s"], ["w"]),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    return graph(nodes, [size])


def reshaped():
    size = onnx.numpy_helper.from_array(np.array([-1, 1, 1 << 40]), "s")
    return graph([helper.make_node("Reshape", ["x", "s"], ["y"])], [size])


def outer():
    """Constants of 2¹⁶ numbers, whose sum would have 2³²."""
    nodes = [
        helper.make_node("Add", ["a", "b"], ["w"]),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    size = 1 << 16
    return graph(nodes, [tensor("a", np.zeros((size, 1))), tensor("b", np.zeros((1, size)))])


def tall():
    """A column of numbers, by which each row of x would become as many."""
    return graph(
        [helper.make_node("Add", ["x", "a"], ["y"])], [tensor("a", np.zeros((1 << 20, 1)))]
    )


def product():
    nodes = [
        helper.make_node("MatMul", ["a", "b"], ["w"]),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    size = 1 << 16
    return graph(nodes, [tensor("a", np.zeros((size, 1))), tensor("b", np.zeros((1, size)))])


def external_constant():
    """A constant of a node, which the reader of values would look for in the folder."""
    value = tensor("n", [1.0, 1.0])
    value.ClearField("raw_data")
    value.data_location = onnx.TensorProto.EXTERNAL
    value.external_data.add(key="location", value="canary.bin")
    constant = helper.make_node("Constant", [], ["n"], value=value)
    product = helper.make_node("Gemm", ["x", "w", "n"], ["y"], transB=1)
    return graph([constant, product], [tensor("w", np.ones((2, 3)))])


def functions(bodies):
    """Return a graph that calls the last of some functions of one number."""
    made = graph([helper.make_node(f"f{len(bodies) - 1}", ["x"], ["y"], domain="own")])
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made.opset_import.append(versions[1])
    for place, nodes in enumerate(bodies):
        made.functions.append(
            helper.make_function("own", f"f{place}", ["a"], ["b"], nodes, versions)
        )
    return made


def laughs():
    """Functions that call the one before them twice: 2³⁰ nodes in two kilobytes."""
    calls = [
        [
            helper.make_node(f"f{depth}", ["a"], ["c"], domain="own"),
            helper.make_node(f"f{depth}", ["c"], ["b"], domain="own"),
        ]
        for depth in range(30)
    ]
    return functions([[node("Relu", "a", "b")], *calls])


def outer_growth(operator):
    """Each row and column of numbers with all others, six times: 2¹⁹² numbers."""
    nodes, last = [], "x"
    for i in range(6):
        nodes += [
            node("Reshape", last, "column", f"a{i}"),
            node("Reshape", last, "row", f"b{i}"),
            node(operator, f"a{i}", f"b{i}", f"o{i}"),
        ]
        last = f"o{i}"
    shapes = [("column", [-1, 1]), ("row", [1, -1])]
    return graph(
        [*nodes, node("Identity", last, "y")],
        [onnx.numpy_helper.from_array(np.array(shape), name) for name, shape in shapes],
    )


def outer_squares():
    """Each number with all others of its row, five times: 4 · 5³² numbers."""
    nodes, last, shapes = [], "x", {}
    for i in range(5):
        rank = 1 << i  # of the columns
        shapes[f"behind{i}"] = [*range(1 + rank, 1 + 2 * rank)]
        shapes[f"before{i}"] = [*range(1, 1 + rank)]
        nodes += [
            node("Unsqueeze", last, f"behind{i}", f"a{i}"),
            node("Unsqueeze", last, f"before{i}", f"b{i}"),
            node("Add", f"a{i}", f"b{i}", f"o{i}"),
        ]
        last = f"o{i}"
    axes = [onnx.numpy_helper.from_array(np.array(axis), name) for name, axis in shapes.items()]
    return graph([*nodes, node("Identity", last, "y")], axes)


def joined():
    nodes = [helper.make_node("Concat", [f"v{i}"] * 1000, [f"v{i + 1}"], axis=1) for i in range(9)]
    return graph([node("Identity", "x", "v0"), *nodes, node("Identity", "v9", "y")])


def of_many_dimensions():
    made = graph([node("Relu", "x", "y")])
    for _ in range(40):
        made.graph.input[0].type.tensor_type.shape.dim.add().dim_value = 1 << 30
    return made


def with_names(**names):
    made = graph([node("Relu", "x", "y")])
    helper.set_model_props(made, names)
    return made


def branching():
    then = helper.make_graph([node("Identity", "x", "q")], "then", [], [])
    choice = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=then)
    return graph([choice], [onnx.numpy_helper.from_array(np.array(True), "c")])


def sparse():
    values = tensor("v", [1.0])
    places = onnx.numpy_helper.from_array(np.array([0]), "i")
    made = helper.make_sparse_tensor(values, places, [1_000_000, 1_000_000])
    constant = helper.make_node("Constant", [], ["n"], sparse_value=made)
    return graph([constant, node("Add", "x", "n", "y")])


HOSTILE = {
    "a constant in another file": (external_constant, "lies in another file"),
    "functions of 2³⁰ nodes": (laughs, "become more than 100,000 nodes"),
    "a function that calls itself": (
        lambda: functions([[helper.make_node("f0", ["a"], ["b"], domain="own")]]),
        "cannot be put in their places",
    ),
    "a loop in a function": (
        lambda: functions([[looped().graph.node[0]]]),
        "holds a graph of its own",
    ),
    "outer sums": (lambda: outer_growth("Add"), "no layer computes this"),
    "outer products": (lambda: outer_growth("MatMul"), "no layer computes this"),
    "outer products by Gemm": (lambda: outer_growth("Gemm"), "no layer computes this"),
    "squares of rows": (outer_squares, "no layer computes this"),
    "columns that are joined": (joined, "no layer computes this"),
    "10⁹ columns": (lambda: graph([node("Relu", "x", "y")], width=1_000_000_000), "1000000000 col"),
    "columns beyond all numbers": (of_many_dimensions, "columns are more than any array"),
    "a condition": (branching, "holds a graph of its own"),
    "a form of GELU that there is not": (
        lambda: graph([helper.make_node("Gelu", ["x"], ["y"], approximate="sigmoid")]),
        "approximated by none or tanh, got b'sigmoid'",
    ),
    "a sparse constant": (sparse, "."),
    "names without an end": (lambda: with_names(class_names="[" * 200_000), "class_names: .* JSON"),
    "too many names": (lambda: with_names(class_names='["a", "b"]'), "expected 3 different names"),
    "equal names": (lambda: with_names(feature_names='["a", "a", "b"]'), "expected 3 different"),
    "names that are none": (lambda: with_names(feature_names="3"), "expected 3 different names"),
    "a single NaN": (
        lambda: graph([node("Gemm", "x", "w", "y")], [tensor("w", [[np.nan]])], 1),
        "not finite",
    ),
    "NaN that is computed": (
        lambda: graph(
            [node("Div", "z", "z", "n"), node("Gemm", "x", "w", "n", "y")],
            [tensor("z", [0.0, 0.0]), tensor("w", np.ones((3, 2)))],
        ),
        ".",
    ),
    "an outer sum": (outer, "unexpected shape"),
    "a tall constant": (tall, "unexpected shape"),
    "a product of constants": (product, "MatMul of constants alone"),
    "external data": (external, "lies in another file"),
    "10⁹ units": (huge, "damaged"),
    "a loop": (looped, "holds a graph of its own"),
    "a circle": (circle, "."),
    "NaN": (nan, "not finite"),
    "a constant of 2⁴⁰ numbers": (filled, "ConstantOfShape is none of the operators"),
    "a reshape to 2⁴⁰": (reshaped, "."),
    "wrong shapes": (
        lambda: graph(
            [helper.make_node("Gemm", ["x", "w"], ["y"])], [tensor("w", np.zeros((5, 2)))]
        ),
        ".",
    ),
    "a convolution": (
        lambda: graph(
            [helper.make_node("Conv", ["x", "w"], ["y"], "conv_1")], [tensor("w", [1.0])]
        ),
        "node 'conv_1': Conv is none of the operators",
    ),
    "a branch": (
        lambda: graph(
            [
                helper.make_node("Gemm", ["x", "w"], ["a"]),
                helper.make_node("Gemm", ["x", "w"], ["b"]),
                helper.make_node("Mul", ["a", "b"], ["y"]),
            ],
            [tensor("w", np.eye(3))],
        ),
        "no layer computes this",
    ),
    "texts for numbers": (
        lambda: graph(
            [helper.make_node("Gemm", ["x", "w"], ["y"])],
            [helper.make_tensor("w", onnx.TensorProto.STRING, [3, 2], [b"1"] * 6)],
        ),
        "'w': expected numbers, got object",
    ),
    "a norm with an epsilon of NaN": (
        lambda: graph(
            [helper.make_node("BatchNormalization", ["x", *"abcd"], ["y"], epsilon=math.nan)],
            [tensor(name, np.ones(3)) for name in "abcd"],
        ),
        "no layer computes this",
    ),
    "a product with nothing": (
        lambda: graph([helper.make_node("MatMul", ["x"], ["y"])]),
        "no layer computes this",
    ),
    "a bias of another length": (
        lambda: graph(
            [
                helper.make_node("MatMul", ["x", "w"], ["z"]),
                helper.make_node("Add", ["z", "b"], "y"),
            ],
            [tensor("w", np.ones((3, 4))), tensor("b", np.ones(5))],
        ),
        "its layers do not go together",
    ),
    "a power that overflows": (
        lambda: graph([helper.make_node("Pow", ["x", "p"], ["y"])], [tensor("p", 1000.0)]),
        "no layer computes this",
    ),
    "a negative variance": (
        lambda: graph(
            [helper.make_node("BatchNormalization", ["x", *"abcd"], ["y"])],
            [tensor(name, -np.ones(3)) for name in "abcd"],
        ),
        "differs from it by nan",
    ),
    "a value that is made twice": (
        lambda: graph(
            [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Tanh", ["x"], ["y"])]
        ),
        "makes a value that is there already",
    ),
    "an input that is made": (
        lambda: graph(
            [helper.make_node("Relu", ["x"], ["x"]), helper.make_node("Tanh", ["x"], ["y"])]
        ),
        "makes a value that is there already",
    ),
    "an old opset": (lambda: graph([helper.make_node("Relu", ["x"], ["y"])], opset=8), "opset"),
    "whole numbers": (
        lambda: graph([helper.make_node("Abs", ["x"], ["y"])], kind=onnx.TensorProto.INT64),
        "float or double",
    ),
    "columns unknown": (
        lambda: graph([helper.make_node("Relu", ["x"], ["y"])], width="n"),
        "known number of columns",
    ),
    "nothing": (lambda: graph([helper.make_node("Identity", ["x"], ["y"])]), "computes nothing"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name, tmp_path, monkeypatch):
    make, message = HOSTILE[name]
    content = make().SerializeToString()
    (tmp_path / "m.onnx").write_bytes(content)
    (tmp_path / "canary.bin").write_bytes(np.ones(2, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(ffnn.ModelFileError, match=message) as caught:
            from_onnx(tmp_path / "m.onnx")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(f"{tmp_path / 'm.onnx'}: ")
    assert peak < 60 * len(content) + 20_000_000  # modules that are loaded among them


def test_many_factors_are_read_in_time(tmp_path):
    """Each might be the scale or the offset of each other."""
    names = ["x", *(f"v{i}" for i in range(199)), "y"]
    nodes = [node("Mul", names[i], f"k{i}", names[i + 1]) for i in range(200)]
    factors = [tensor(f"k{i}", 0.9 + i / 1000.0) for i in range(200)]
    onnx.save(graph(nodes, factors), tmp_path / "m.onnx")
    begun = time.process_time()
    model = from_onnx(tmp_path / "m.onnx")
    assert time.process_time() - begun < 20.0
    expected = np.prod([0.9 + i / 1000.0 for i in range(200)])
    np.testing.assert_allclose(model.predict(np.ones((1, 3))), np.full((1, 3), expected), rtol=1e-5)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89HDF\r\n\x1a\n" + b"\0" * 100])
def test_what_is_no_onnx_file_is_refused(content, tmp_path):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ffnn.ModelFileError, match=r"m\.onnx"):
        from_onnx(tmp_path / "m.onnx")


def test_a_model_file_is_told_from_an_onnx_file(tmp_path):
    ffnn.Sequential([layers.Dense(2)], 3).save(tmp_path / "m.h5")
    with pytest.raises(ffnn.ModelFileError, match=r"m\.h5: this is a model file, which load_model"):
        from_onnx(tmp_path / "m.h5")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.onnx", tmp_path):
        with pytest.raises(ffnn.ModelFileError):
            from_onnx(path)


@pytest.mark.parametrize(
    "said",
    [
        {"layers": [{"kind": "layer", "name": "dense", "config": {"units": 10**9}}], "states": {}},
        {"layers": [{"kind": "layer", "name": "dense", "config": {"units": "x"}}], "states": {}},
        {"layers": [], "states": {}},
        {"layers": 3},
        [],
    ],
)
def test_what_a_file_says_of_its_layers_is_not_believed(said, tmp_path):
    """The layers are then those that are recognized."""
    model = ffnn.Sequential([layers.Dense(3, "relu")], 2, seed=0)
    made = to_onnx(model)
    helper.set_model_props(made, {"ffnn": json.dumps(said)})
    onnx.save(made, tmp_path / "m.onnx")
    back = from_onnx(tmp_path / "m.onnx")
    assert repr(back.layers[0]) == "Dense(3, activation=ReLU(), use_bias=False)"
    np.testing.assert_array_equal(back.layers[0].params["weight"], model.layers[0].params["weight"])


@pytest.mark.parametrize("seed", range(40))
def test_mutated_files_end_in_a_model_or_a_clear_error(seed, tmp_path):
    rng = np.random.default_rng(seed)
    model, _ = random_network(seed)
    content = bytearray(to_onnx(model).SerializeToString())
    for _ in range(rng.integers(1, 6)):
        content[rng.integers(len(content))] = rng.integers(256)
    (tmp_path / "m.onnx").write_bytes(content)
    message = "m.onnx"
    try:
        assert from_onnx(tmp_path / "m.onnx").is_built
    except ffnn.ModelFileError as error:
        message = str(error)
    assert "m.onnx" in message
