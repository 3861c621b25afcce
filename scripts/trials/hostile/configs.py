"""Well-formed files with a wrong config, or with other arrays than the config says."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from trials.hostile.making import (
    BIAS,
    WEIGHT,
    configured,
    edited,
    kinds,
    replaced,
    with_array,
    with_text,
    with_value,
)
from trials.hostile.outside import Running

# -- arrays ------------------------------------------------------------------------------------

_F = np.float32
kinds("/layers/1_dense_1/weight: missing", a_missing_array=with_array(WEIGHT, None))
kinds(
    "gradients/1_dense_1/bias: missing",
    missing_gradients=with_array("gradients/1_dense_1/bias", None),
)
kinds(
    "state/2_batch_norm_1/moving_mean: missing",
    a_missing_moving_mean=with_array("state/2_batch_norm_1/moving_mean", None),
)
kinds(
    "no array of that name",
    an_array_too_many=with_array("layers/1_dense_1/scale", np.ones(4, _F)),
    an_array_at_an_unknown_place=with_array("other", np.ones(4, _F)),
    optimizer_memory_too_many=with_array("optimizer/w", np.ones(4, _F)),
    a_history_too_many=with_array("history/7", np.ones(2)),
)
kinds(
    "/layers/1_dense_1/weight: expected float32 of shape (4, 3), got float32",
    a_transposed_weight=with_array(WEIGHT, np.ones((3, 4), _F)),
    a_flat_weight=with_array(WEIGHT, np.ones(12, _F)),
    a_scalar_for_a_weight=with_array(WEIGHT, np.ones((), _F)),
    an_empty_weight=with_array(WEIGHT, np.ones((0, 3), _F)),
)
kinds(
    "/layers/1_dense_1/weight: expected float32 of shape (4, 3), got",
    a_weight_of_another_precision=with_array(WEIGHT, np.ones((4, 3))),
    integers_for_a_weight=with_array(WEIGHT, np.ones((4, 3), np.int64)),
)
kinds(
    "/optimizer/m: expected float32 of shape",
    optimizer_memory_of_another_size=with_array("optimizer/m", np.ones(3, _F)),
)
kinds(
    "Normalization: expected a mean and a variance for each column",
    statistics_of_two_sizes=with_array("state/0_normalization_1/variance", np.ones(4)),
    statistics_in_a_table=with_array("state/0_normalization_1/mean", np.ones((3, 1))),
)
kinds("missing 'mean'", statistics_without_a_mean=with_array("state/0_normalization_1/mean", None))
kinds(
    "variance: expected a variance, got a negative number",
    a_negative_variance=with_array("state/0_normalization_1/variance", np.array([1.0, -1.0, 1.0])),
    a_negative_moving_variance=with_array("state/2_batch_norm_1/moving_variance", -np.ones(4, _F)),
)
kinds(
    "/history/0: expected a number for each of 2 epochs",
    a_history_in_a_table=with_array("history/0", np.ones((2, 2))),
)
kinds(
    "holds infinity or NaN",
    a_weight_that_is_not_a_number=with_array(BIAS, np.full(4, np.nan, _F)),
    an_infinite_weight=with_array(BIAS, np.full(4, np.inf, _F)),
    a_moving_mean_that_is_not_a_number=with_array(
        "state/2_batch_norm_1/moving_mean", np.full(4, np.nan, _F)
    ),
)


# -- the config's bytes ------------------------------------------------------------------------

kinds(
    "/config: missing",
    no_config=lambda path: edited(path, lambda file: file.__delitem__("config")),
    a_group_for_the_config=replaced("config", lambda f, _: f.__setitem__("config/x", 1.0)),
)
kinds(
    "/config: expected uint8 of one dimension",
    a_config_of_floats=replaced("config", lambda f, n: f.__setitem__(n, np.ones(5, "<f4"))),
    a_config_in_a_table=replaced("config", lambda f, n: f.__setitem__(n, np.ones((2, 3), "u1"))),
)
kinds(
    "/config: expected at most 16777216 bytes",
    a_config_of_17_megabytes=with_text(lambda raw: raw + b" " * (17 << 20)),
)
kinds(
    "/config: not valid JSON",
    a_config_cut_short=with_text(lambda raw: raw[:-1]),
    something_behind_the_config=with_text(lambda raw: raw + b"{}"),
    a_config_that_is_not_utf_8=with_text(lambda raw: raw.replace(b"ffnn-model", b"\xff\xfe")),
    an_empty_config=with_text(lambda raw: b""),
    lists_in_lists=with_text(lambda raw: b"[" * 100_000 + b"]" * 100_000),
    a_pickle_for_a_config=with_text(lambda raw: pickle.dumps(Running(Path("folder")))),
)
kinds("lists and objects", millions_of_lists=with_text(lambda raw: b"[" + b"[]," * 300_000 + b"0]"))
kinds("a key comes twice", a_key_twice=with_text(lambda raw: raw[:-1] + b', "model": {}}'))
kinds(
    "is not a number",
    nan_in_the_config=with_text(lambda raw: b'{"model": NaN}'),
    infinity_in_the_config=with_text(lambda raw: b'{"model": -Infinity}'),
)
kinds("too large for a float", a_float_beyond_all_floats=with_text(lambda raw: b'{"model": 1e999}'))
kinds(
    "more than 1000 digits",
    a_number_of_a_million_digits=with_text(lambda raw: b'{"model": ' + b"9" * 1_000_000 + b"}"),
)
kinds("expected an object", a_list_for_a_config=with_text(lambda raw: b"[1, 2]"))
kinds(
    "expected the format of the header",
    another_format=with_text(lambda raw: raw.replace(b"ffnn-model", b"ffnn-other")),
    another_version_inside=with_text(
        lambda raw: raw.replace(b'"format_version": 1', b'"format_version": 2')
    ),
)
kinds(
    "/config/format_version: expected int",
    a_version_that_is_true=with_text(
        lambda raw: raw.replace(b'"format_version": 1', b'"format_version": true')
    ),
)
kinds(
    "/config: missing or unknown",
    an_unknown_key_outside=with_text(lambda raw: raw[:-1] + b', "more": 1}'),
    no_model=with_text(lambda raw: raw.replace(b'"model":', b'"mode1":')),
)
kinds(
    "/config/model: expected dict",
    a_list_for_a_model=with_text(lambda raw: raw[: raw.index(b'"model":') + 8] + b"[]}"),
)


# -- what the config says ----------------------------------------------------------------------

kinds("/config: missing or unknown: more", an_unknown_key=with_value("more", 1))
kinds("/config: missing or unknown: seed", a_missing_key=configured(lambda c: c.pop("seed")))
kinds(
    "/layers/1_dense_1/weight: expected float32 of shape (1000000000000, 3)",
    a_trillion_units=with_value("layers/1/config/units", 10**12),
)
kinds(
    "Dense: units must be at most 9223372036854775807",
    more_units_than_numbers=with_value("layers/1/config/units", 10**200),
)
kinds(
    "adapted to 3 columns",
    a_trillion_inputs=with_value("input_dim", 10**12),
)
kinds(
    "units must be",
    units_that_are_a_float=with_value("layers/1/config/units", 4.0),
    units_that_are_a_boolean=with_value("layers/1/config/units", True),
    units_that_are_text=with_value("layers/1/config/units", "4"),
    negative_units=with_value("layers/1/config/units", -4),
)
kinds("unknown layer 'os.system'", a_class_of_python=with_value("layers/1/name", "os.system"))
kinds(
    "unknown layer '__class__'", an_attribute_for_a_class=with_value("layers/1/name", "__class__")
)
kinds("unknown kind of part", an_unknown_kind=with_value("layers/1/kind", "module"))
kinds(
    "expected layers",
    an_optimizer_for_a_layer=with_value(
        "layers/3", {"kind": "optimizer", "name": "adam", "config": {}}
    ),
)
kinds(
    "expected activation",
    a_layer_for_an_activation=with_value(
        "layers/1/config/activation", {"kind": "layer", "name": "dropout", "config": {"rate": 0.1}}
    ),
)
kinds(
    "there is no argument",
    an_unknown_argument=with_value("layers/1/config/__reduce__", "os.system"),
)
kinds(
    "missing 1 required",
    a_missing_argument=configured(lambda c: c["layers"][1]["config"].pop("units")),
)
kinds("at least one layer", no_layers=with_value("layers", []))
kinds("/config/layers/1: expected dict", a_name_for_a_layer=with_value("layers/1", "dense"))
kinds("/config/layers: expected list", a_name_for_all_layers=with_value("layers", "dense"))
kinds(
    "/config/layers/1/kind: expected str",
    a_kind_that_is_a_list=with_value("layers/1/kind", ["layer"]),
)
kinds(
    "/config/input_dim: expected int or None, got 3.0",
    inputs_that_are_a_float=with_value("input_dim", 3.0),
)
kinds(
    "/config/input_dim: expected int or None, got True",
    inputs_that_are_a_boolean=with_value("input_dim", True),
)
kinds("but the input has -1", negative_inputs=with_value("input_dim", -1))
kinds("no array of that name", no_inputs=with_value("input_dim", None))
kinds(
    "dtype must be one of",
    python_objects=with_value("dtype", "object"),
    half_precision=with_value("dtype", "float16"),
)
kinds("seed must be", a_negative_seed=with_value("seed", -1))
kinds("/config/seed: expected int or None", a_seed_that_is_text=with_value("seed", "1"))
kinds("/config/entropy: expected int", entropy_that_is_a_list=with_value("entropy", [1, 2]))
kinds(
    "/config/class_names: expected list or None",
    class_names_that_are_text=with_value("class_names", "abc"),
)
kinds(
    "/config/class_names/1: expected str, got 5",
    a_class_name_that_is_a_number=with_value("class_names", ["a", 5]),
)
kinds(
    "/config/history/epoch/0: expected int",
    an_epoch_that_is_text=with_value("history/epoch", ["0"]),
)
kinds(
    "/history/2: missing",
    a_history_too_few=configured(lambda c: c["history"]["names"].append("more")),
)
kinds("iterations: expected 0 to", negative_iterations=with_value("compile/iterations", -1))
kinds(
    "iterations: expected 0 to",
    more_iterations_than_can_be=with_value("compile/iterations", 10**400),
)
kinds(
    "/config/compile/iterations: expected int",
    iterations_that_are_a_float=with_value("compile/iterations", 1.5),
)
kinds(
    "expected optimizer",
    a_loss_for_an_optimizer=configured(
        lambda c: c["compile"].update(optimizer=c["compile"]["loss"])
    ),
)
kinds(
    "learning_rate",
    a_learning_rate_that_is_text=with_value("compile/optimizer/config/learning_rate", "fast"),
)


# -- generators --------------------------------------------------------------------------------

_STATE = "generators/0"
kinds(
    "must be for a PCG64",
    a_generator_of_another_kind=with_value(f"{_STATE}/bit_generator", "MT19937"),
)
kinds(
    "/config/generators/0/state: expected dict",
    a_generator_without_numbers=with_value(f"{_STATE}/state", [1, 2]),
)
kinds(
    "/config/generators/0: missing or unknown",
    a_generator_with_more=with_value(f"{_STATE}/more", 1),
)
kinds("not a state of a generator", a_negative_state=with_value(f"{_STATE}/state/state", -1))
kinds(
    "not a state of a generator", a_state_of_200_bits=with_value(f"{_STATE}/state/state", 1 << 200)
)
kinds(
    "/config/generators/0/uinteger: expected int",
    a_state_that_is_a_float=with_value(f"{_STATE}/uinteger", 0.5),
)
kinds("not a state of a generator", a_flag_that_is_neither=with_value(f"{_STATE}/has_uint32", 2))
kinds(
    "not a valid model",
    a_state_of_40_bits_too_many=with_value(f"{_STATE}/uinteger", 1 << 40),
    a_negative_rest=with_value(f"{_STATE}/uinteger", -1),
)
kinds("not a state of a generator", an_even_increment=with_value(f"{_STATE}/state/inc", 2))
kinds("expected 2 states, got 1", a_generator_too_few=configured(lambda c: c["generators"].pop()))
kinds(
    "expected 2 states, got 3",
    a_generator_too_many=configured(lambda c: c["generators"].append(c["generators"][0])),
)
