"""Parts by name, written down and built again, and how they show themselves."""

from __future__ import annotations

import importlib
import inspect
import json

import pytest

from ffnn import activations, initializers, layers, losses, metrics, optimizers, schedules
from ffnn.activations import ACTIVATIONS, ActivationFunction, LeakyReLU, ReLU
from ffnn.core.descriptions import custom_objects, describe, rebuild
from ffnn.core.registry import Configurable, Family, family_of, find_classes
from ffnn.layers import LAYERS, Activation, Dense, Layer
from ffnn.losses import LOSSES
from ffnn.optimizers import SGD
from ffnn.regularizers import L1, L1L2, L2
from ffnn.schedules import CosineDecay, PiecewiseConstantDecay

DECAY = CosineDecay(0.3, 50, alpha=0.2, warmup_steps=7)

# Each registered class with arguments that differ from the defaults, and what it must show.
PARTS = [
    (activations.Linear(), "Linear()"),
    (activations.ReLU(), "ReLU()"),
    (activations.LeakyReLU(0.2), "LeakyReLU(negative_slope=0.2)"),
    (activations.Sigmoid(), "Sigmoid()"),
    (activations.Tanh(), "Tanh()"),
    (activations.Softmax(), "Softmax()"),
    (activations.Swish(), "Swish()"),
    (activations.ELU(0.5), "ELU(alpha=0.5)"),
    (activations.GELU("tanh"), "GELU(approximate='tanh')"),
    (activations.SELU(), "SELU()"),
    (activations.Mish(), "Mish()"),
    (activations.Softplus(), "Softplus()"),
    (activations.Exponential(), "Exponential()"),
    (initializers.Constant(0.7), "Constant(value=0.7)"),
    (initializers.Zeros(), "Zeros()"),
    (initializers.Ones(), "Ones()"),
    (initializers.RandomUniform(-1, 2, 3), "RandomUniform(low=-1.0, high=2.0, seed=3)"),
    (initializers.RandomNormal(1, 4, 3), "RandomNormal(mean=1.0, variance=4.0, seed=3)"),
    (initializers.HeNormal(3), "HeNormal(seed=3)"),
    (initializers.HeUniform(3), "HeUniform(seed=3)"),
    (initializers.GlorotNormal(3), "GlorotNormal(seed=3)"),
    (initializers.GlorotUniform(3), "GlorotUniform(seed=3)"),
    (initializers.LecunNormal(3), "LecunNormal(seed=3)"),
    (L1(0.3), "L1(l1=0.3)"),
    (L2(0.3), "L2(l2=0.3)"),
    (L1L2(0.3, 0.4), "L1L2(l1=0.3, l2=0.4)"),
    (
        schedules.ExponentialDecay(0.1, 5, 0.5, staircase=True),
        "ExponentialDecay(0.1, 5, 0.5, staircase=True)",
    ),
    (
        schedules.InverseTimeDecay(0.1, 5, 0.5, staircase=True),
        "InverseTimeDecay(0.1, 5, 0.5, staircase=True)",
    ),
    (PiecewiseConstantDecay([5], [1, 0.5]), "PiecewiseConstantDecay([5], [1.0, 0.5])"),
    (DECAY, "CosineDecay(0.3, 50, alpha=0.2, warmup_steps=7)"),
    (schedules.FlatCosine(0.1, 5), "FlatCosine(0.1, 5)"),
    (schedules.CosineLog(0.1, 5, cycles=2), "CosineLog(0.1, 5, cycles=2)"),
    (losses.MeanSquaredError(), "MeanSquaredError()"),
    (losses.MeanAbsoluteError(), "MeanAbsoluteError()"),
    (losses.Huber(2.5), "Huber(delta=2.5)"),
    (losses.Poisson(), "Poisson()"),
    (losses.Quantile(0.9), "Quantile(quantile=0.9)"),
    *(
        (cls(0.3, 1.5, 0.1), f"{cls.__name__}(alpha=0.3, gamma=1.5, label_smoothing=0.1)")
        for cls in (losses.BinaryFocalCrossentropy, losses.CategoricalFocalCrossentropy)
    ),
    (losses.BinaryCrossentropy(0.1), "BinaryCrossentropy(label_smoothing=0.1)"),
    (losses.CategoricalCrossentropy(0.1), "CategoricalCrossentropy(label_smoothing=0.1)"),
    (
        losses.SparseCategoricalCrossentropy(0.1),
        "SparseCategoricalCrossentropy(label_smoothing=0.1)",
    ),
    (metrics.Accuracy("labels"), "Accuracy(task='labels')"),
    (metrics.BinaryAccuracy(), "BinaryAccuracy()"),
    (metrics.Precision("labels"), "Precision(task='labels')"),
    (metrics.Recall("labels"), "Recall(task='labels')"),
    (metrics.F1("labels"), "F1(task='labels')"),
    (metrics.MeanSquaredError(), "MeanSquaredError()"),
    (metrics.MeanAbsoluteError(), "MeanAbsoluteError()"),
    (metrics.R2(), "R2()"),
    (metrics.AUC("labels"), "AUC(task='labels')"),
    (metrics.TopKAccuracy(3), "TopKAccuracy(k=3)"),
    (metrics.ConfusionMatrix(), "ConfusionMatrix()"),
    (
        SGD(DECAY, 0.5, nesterov=True, clipnorm=2.0, learning_rate_factors={"bias": 0.5}),
        f"SGD(learning_rate={DECAY!r}, momentum=0.5, nesterov=True, clipnorm=2.0, "
        "learning_rate_factors={'bias': 0.5})",
    ),
    (
        optimizers.RMSprop(0.1, 0.5, 0.2, clipnorm=2.0, learning_rate_factors={"bias": 0.5}),
        "RMSprop(learning_rate=0.1, rho=0.5, epsilon=0.2, clipnorm=2.0, "
        "learning_rate_factors={'bias': 0.5})",
    ),
    (
        optimizers.Adagrad(0.1, 0.5, 0.2, clipnorm=2.0, learning_rate_factors={"bias": 0.5}),
        "Adagrad(learning_rate=0.1, initial_accumulator_value=0.5, epsilon=0.2, clipnorm=2.0, "
        "learning_rate_factors={'bias': 0.5})",
    ),
    (
        optimizers.Nadam(0.1, 0.5, 0.6, 0.2, clipnorm=2.0, learning_rate_factors={"bias": 0.5}),
        "Nadam(learning_rate=0.1, beta_1=0.5, beta_2=0.6, epsilon=0.2, clipnorm=2.0, "
        "learning_rate_factors={'bias': 0.5})",
    ),
    (
        optimizers.Adam(0.1, 0.5, 0.6, 0.2, clipnorm=2.0, learning_rate_factors={"bias": 0.5}),
        "Adam(learning_rate=0.1, beta_1=0.5, beta_2=0.6, epsilon=0.2, clipnorm=2.0, "
        "learning_rate_factors={'bias': 0.5})",
    ),
    (
        optimizers.AdamW(0.1, 0.05, 0.5, 0.6, 0.2, 2.0, {"gamma": 6}, ["bias"]),
        "AdamW(learning_rate=0.1, weight_decay=0.05, beta_1=0.5, beta_2=0.6, epsilon=0.2, "
        "clipnorm=2.0, learning_rate_factors={'gamma': 6.0}, decay_exclude=['bias'])",
    ),
    (Activation(LeakyReLU(0.2)), "Activation(LeakyReLU(negative_slope=0.2))"),
    (
        Dense(
            3,
            LeakyReLU(0.2),
            weight_initializer=initializers.RandomNormal(variance=4, seed=3),
            bias_initializer="ones",
            weight_regularizer=L2(0.3),
            bias_regularizer="l1",
            parametrization="ntk",
        ),
        "Dense(3, activation=LeakyReLU(negative_slope=0.2), "
        "weight_initializer=RandomNormal(variance=4.0, seed=3), bias_initializer=Ones(), "
        "weight_regularizer=L2(l2=0.3), bias_regularizer=L1(), parametrization='ntk')",
    ),
    (layers.Dropout(0.3, seed=4), "Dropout(0.3, seed=4)"),
    (layers.RMSNorm(0.1), "RMSNorm(epsilon=0.1)"),
    (layers.LayerNorm(0.1), "LayerNorm(epsilon=0.1)"),
    (layers.BatchNorm(0.5, 0.1), "BatchNorm(momentum=0.5, epsilon=0.1)"),
    (layers.Rescaling(0.5, offset=-1), "Rescaling(0.5, offset=-1.0)"),
    (layers.Normalization(), "Normalization()"),
    (layers.Scale(), "Scale()"),
    (
        layers.Embedding([3, 2], units=4, columns=[2, 0]),
        "Embedding([3, 2], units=4, columns=[2, 0])",
    ),
    (
        layers.PeriodicEmbedding(8, outputs=3, sigma=0.5, columns=[1]),
        "PeriodicEmbedding(frequencies=8, outputs=3, sigma=0.5, columns=[1])",
    ),
    (layers.PiecewiseLinear(4, columns=[1]), "PiecewiseLinear(bins=4, columns=[1])"),
    (
        layers.Average([[layers.Dense(3, "tanh"), layers.Dropout(0.5)], [layers.Dense(3)]]),
        "Average(((Dense(3, activation=Tanh()), Dropout(0.5)), (Dense(3),)))",
    ),
    (layers.Clamp(-1, 2.5), "Clamp(-1.0, 2.5)"),
    (layers.ParametricActivation("mish"), "ParametricActivation(Mish())"),
    (layers.PReLU(True, 0.5), "PReLU(shared=True, initial_slope=0.5)"),
]
IDS = [f"{family_of(part).kind}-{type(part).__name__}" for part, _ in PARTS]


class Cube(ActivationFunction):
    """A class of a user's own."""

    def __init__(self, factor: float, shift: float = 0.0) -> None:
        self.factor, self.shift = factor, shift


class Scale(Layer):
    """A layer of a user's own that holds another part of his own."""

    def __init__(self, inner) -> None:
        self.inner = inner


def same(left, right):
    """Compare two parts by class and arguments, all the way down."""
    if isinstance(left, Configurable):
        one, other = left.get_config(), right.get_config()
        return (
            type(left) is type(right)
            and one.keys() == other.keys()
            and all(same(one[name], other[name]) for name in one)
        )
    if isinstance(left, tuple):  # of the chains of an Average
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def test_every_registered_class_stands_in_the_table():
    library = {
        cls
        for family in Family.by_kind.values()
        for cls in family.classes.values()
        if cls.__module__.startswith("ffnn.")
    }
    assert {type(part) for part, _ in PARTS} == library


@pytest.mark.parametrize("part", [part for part, _ in PARTS], ids=IDS)
def test_the_table_gives_no_argument_its_default(part):
    for name, parameter in inspect.signature(type(part)).parameters.items():
        excluded = name == "use_bias" or (name == "clipvalue" and part.clipnorm is not None)
        if parameter.default is not parameter.empty and not excluded:
            assert getattr(part, name) != parameter.default, name


@pytest.mark.parametrize("part", [part for part, _ in PARTS], ids=IDS)
def test_description_is_plain_data_and_builds_an_equal_part(part):
    description = describe(part)
    thawed = json.loads(json.dumps(description))
    assert thawed == description
    twin = rebuild(thawed)
    assert twin is not part
    assert same(twin, part)
    assert describe(twin) == description


@pytest.mark.parametrize(("part", "shown"), PARTS, ids=IDS)
def test_repr_shows_the_arguments_that_differ_from_the_defaults(part, shown):
    assert repr(part) == shown


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (Dense(3), "Dense(3)"),
        (Dense(3, weight_initializer=initializers.GlorotUniform()), "Dense(3)"),
        (Dense(3, use_bias=False), "Dense(3, use_bias=False)"),
        (SGD(), "SGD()"),
        (LeakyReLU(), "LeakyReLU()"),
        (L1L2(), "L1L2()"),
        (layers.Dropout(0.5), "Dropout(0.5)"),
    ],
)
def test_repr_leaves_the_defaults_out(part, shown):
    assert repr(part) == shown


@pytest.mark.parametrize("part", [part for part, _ in PARTS], ids=IDS)
def test_repr_is_python_that_makes_the_part_again(part):
    family = family_of(part)
    names = {cls.__name__: cls for f in Family.by_kind.values() for cls in f.classes.values()}
    names |= {cls.__name__: cls for cls in family.classes.values()}  # metrics and losses share
    assert same(eval(repr(part), names), part)


def test_description_of_a_part_by_hand():
    assert describe(Dense(2, "relu", use_bias=False)) == {
        "kind": "layer",
        "name": "dense",
        "config": {
            "units": 2,
            "activation": {"kind": "activation", "name": "relu", "config": {}},
            "use_bias": False,
            "weight_initializer": {
                "kind": "initializer",
                "name": "glorot_uniform",
                "config": {"seed": None},
            },
            "bias_initializer": {"kind": "initializer", "name": "zeros", "config": {}},
            "weight_regularizer": None,
            "bias_regularizer": None,
            "parametrization": "standard",
        },
    }


def test_lists_and_tuples_of_parts_are_described_one_by_one():
    descriptions = describe((ReLU(), 3, [L1(0.5)]))
    assert [d["name"] if isinstance(d, dict) else d for d in descriptions[:2]] == ["relu", 3]
    rebuilt = rebuild(descriptions)
    assert type(rebuilt[0]) is ReLU
    assert rebuilt[2][0].l1 == 0.5


@pytest.mark.parametrize("identifier", ["relu", "ReLU", "RELU"])
def test_names_are_found_in_any_case(identifier):
    assert type(ACTIVATIONS.get(identifier)) is ReLU


def test_an_object_of_the_family_is_returned_itself():
    part = LeakyReLU(0.3)
    assert ACTIVATIONS.get(part) is part


@pytest.mark.parametrize("family", list(Family.by_kind.values()), ids=lambda family: family.kind)
def test_unknown_name_lists_all_valid_ones_and_the_nearest(family):
    known = next(iter(family.classes))
    with pytest.raises(ValueError, match=f"unknown {family.kind} '{known}x'") as caught:
        family.get(known + "x")
    message = str(caught.value)
    assert f"id you mean '{known}'?" in message
    listed = message.lower().split("known: ")[1].split(", ")
    assert set(listed) >= set(family.classes)


def test_unknown_name_far_from_all_suggests_nothing():
    with pytest.raises(
        ValueError, match=r"unknown loss 'qqq'.*nown: binary_crossentropy, bce"
    ) as error:
        LOSSES.get("qqq")
    assert "you mean" not in str(error.value)


@pytest.mark.parametrize("identifier", [3, None, ["relu"]])
def test_neither_name_nor_part_is_a_type_error(identifier):
    with pytest.raises(TypeError, match="expected activation: a name or an object of Activation"):
        ACTIVATIONS.get(identifier)


def test_class_instead_of_object_gets_a_hint():
    with pytest.raises(TypeError, match=r"got <class .*ReLU'> \(write it with parentheses\)"):
        ACTIVATIONS.get(ReLU)


def test_part_of_another_family_is_refused():
    with pytest.raises(TypeError, match="expected loss: a name or an object of Loss, got ReLU"):
        LOSSES.get(ReLU())


def test_name_of_a_part_with_required_arguments_says_what_to_write():
    # By its name alone it cannot be built; the error has to say so in the user's terms.
    with pytest.raises((TypeError, ValueError), match=r"dropout.*rate"):
        LAYERS.get("dropout")


def test_family_of_an_activation_is_the_narrower_one():
    assert family_of(ReLU()) is ACTIVATIONS
    assert family_of(Dense(2)) is LAYERS


def test_custom_objects_are_found_at_any_depth():
    assert custom_objects(Dense(2, "relu")) == {}
    assert custom_objects(Cube(2.0)) == {"Cube": Cube}
    assert custom_objects([ReLU(), (Dense(2, Cube(1.0)), 3)]) == {"Cube": Cube}
    assert custom_objects(Scale(Activation(Cube(1.0)))) == {"Scale": Scale, "Cube": Cube}


def test_custom_class_is_rebuilt_when_it_is_given():
    part = Dense(2, Cube(2.0, shift=1.0))
    description = json.loads(json.dumps(describe(part)))
    twin = rebuild(description, {"Cube": Cube})
    assert same(twin, part)
    message = r"unknown activation 'Cube'.* pass it in custom_objects={'Cube': \.\.\.}"
    with pytest.raises(ValueError, match=message):
        rebuild(description)


@pytest.mark.parametrize("spell", [str, str.lower, str.upper, str.title])
@pytest.mark.parametrize("part", [part for part, _ in PARTS], ids=IDS)
def test_custom_class_named_like_one_of_the_library_is_never_taken_for_it(part, spell):
    family = family_of(part)
    for spelling in (type(part).__name__, *family.names()[0], family.name_of(part)):
        name = spell(spelling)
        own = type(name, (type(part),), {})
        twins = own(**part.get_config())
        description = json.loads(json.dumps(describe(twins)))

        with pytest.raises(ValueError, match=f"unknown {family.kind} '{name}'"):
            rebuild(description)
        assert type(rebuild(description, {name: own})) is own
        assert type(rebuild(describe(part), {name: own})) is type(part)
        assert custom_objects([part, twins])[name] is own


def test_file_from_before_custom_objects_were_marked_has_their_names_as_they_are():
    own = type("Softplus", (activations.Softplus,), {})
    description = {"kind": "activation", "name": "Softplus", "config": {}}

    assert type(rebuild(description, {"Softplus": own})) is own
    with pytest.raises(ValueError, match="unknown activation 'Softplus'"):
        rebuild(description)


def test_two_custom_objects_of_one_name_are_refused():
    other = type("Cube", (Cube,), {})

    assert custom_objects([Cube(1.0), Cube(2.0)]) == {"Cube": Cube}
    with pytest.raises(ValueError, match="two custom classes named 'Cube'; rename one"):
        custom_objects([Cube(1.0), Dense(2, other(1.0))])


def test_custom_class_shows_its_changed_arguments():
    assert repr(Cube(2.0)) == "Cube(2.0)"
    assert repr(Cube(2.0, shift=1.0)) == "Cube(2.0, shift=1.0)"


def test_custom_class_of_the_wrong_family_is_refused():
    description = describe(Cube(2.0))
    with pytest.raises(
        TypeError, match="custom object 'Cube' must be a subclass of ActivationFunction"
    ):
        rebuild(description, {"Cube": L2})


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown kind of part 'nothing'"):
        rebuild({"kind": "nothing", "name": "relu", "config": {}})


def test_arguments_that_do_not_fit_the_class_are_refused():
    with pytest.raises(TypeError, match="slope"):
        rebuild({"kind": "activation", "name": "leaky_relu", "config": {"slope": 1.0}})


@pytest.fixture
def widgets():
    family: Family[Configurable] = Family("widget for this test", Configurable)
    yield family
    del Family.by_kind[family.kind]


def test_registered_class_is_found_by_each_of_its_names_and_saved_under_the_first(widgets):
    wide = widgets.register("Wide", "w")(type("Wide", (Configurable,), {}))

    assert type(widgets.get("wide")) is type(widgets.get("W")) is wide
    assert widgets.name_of(wide()) == "wide"


def test_parts_come_in_alphabetical_order_however_they_were_registered(widgets):
    zigzag = widgets.register("zigzag", "a")(type("Zigzag", (Configurable,), {}))
    big = widgets.register("big", "z")(type("Big", (Configurable,), {}))

    assert widgets.names() == [("big", "z"), ("zigzag", "a")]
    assert list(widgets) == [big, zigzag]
    assert list(widgets.classes.items()) == [
        ("big", big),
        ("z", big),
        ("zigzag", zigzag),
        ("a", zigzag),
    ]
    with pytest.raises(ValueError, match=r"known: big, z, zigzag, a$"):
        widgets.get("x")


def test_a_name_cannot_be_given_twice(widgets):
    first = widgets.register("wide", "w")(type("Wide", (Configurable,), {}))
    assert widgets.register("wide", "w")(first) is first  # its module may run again

    with pytest.raises(ValueError, match="there is a widget for this test 'w' already"):
        widgets.register("width", "W")(type("Width", (Configurable,), {}))
    assert widgets.names() == [("wide", "w")]


@pytest.mark.parametrize("package", ["ffnn.layers", "ffnn.callbacks"])
def test_a_package_of_parts_has_the_classes_of_its_modules_as_attributes(package):
    module = importlib.import_module(package)
    found = find_classes(package)

    assert {"ffnn.layers": "Dense", "ffnn.callbacks": "EarlyStopping"}[package] in found
    assert all(getattr(module, name) is cls for name, cls in found.items())
    assert not any(name.startswith("_") for name in found)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Nothing'"):
        module.Nothing  # noqa: B018
