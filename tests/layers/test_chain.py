import weakref

import numpy as np
import pytest

import ffnn
from ffnn.activations import LeakyReLU, Linear, ReLU, Softmax
from ffnn.layers import Dense, Dropout, RMSNorm
from ffnn.layers.chain import release, run_backward, run_forward, tap

X = np.array([[1.0, -2.0]])


class Doubling(ffnn.layers.Layer):
    name = "doubling_1"

    def forward(self, x, training=False):
        return 2.0 * x

    def backward(self, grad):
        return 2.0 * grad


class Failing(Doubling):
    name = "failing_1"

    def forward(self, x, training=False):
        raise ZeroDivisionError("by nothing")

    def backward(self, grad):
        raise KeyError("lost")


def stages(*layers):
    return [stage for layer in layers for stage in layer.stages()]


def test_a_batch_passes_the_stages_in_order():
    chain = stages(Doubling(), LeakyReLU(0.5))

    np.testing.assert_array_equal(run_forward(chain, X, training=True), [[2.0, -2.0]])


def test_the_gradient_comes_back_out_of_the_first_stage():
    chain = stages(Doubling(), LeakyReLU(0.5))
    run_forward(chain, X, training=True)

    # dy/dx = 2 · (1 where x > 0, else 0.5)
    np.testing.assert_array_equal(run_backward(chain[::-1], np.ones((1, 2))), [[2.0, 1.0]])


def test_no_stages_hand_everything_through():
    assert run_forward([], X, training=False) is X
    assert run_backward([], X) is X


def test_errors_name_the_layer_and_the_direction_and_keep_their_cause():
    with pytest.raises(
        ffnn.LayerError, match="Failing 'failing_1' failed in forward: by"
    ) as caught:
        run_forward(stages(Doubling(), Failing()), X, training=True)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)

    with pytest.raises(ffnn.LayerError, match="'failing_1' failed in backward"):
        run_backward(stages(Failing(), Doubling()), X)


def test_dense_is_two_stages_of_one_layer_and_its_activation():
    layer = Dense(3, "relu")

    assert [stage.layer for stage in layer.stages()] == [layer, layer.activation]
    assert len(Dense(3).stages()) == 1


def test_no_stage_keeps_the_batch_it_was_given():
    dense, leaky = Dense(2).build(2, seed=0), LeakyReLU()
    chain = stages(dense, leaky)
    run_forward(chain, X.astype(np.float32), training=True)
    assert {"x"} <= vars(dense).keys() & vars(leaky).keys()

    release(chain)

    assert "x" not in vars(dense).keys() | vars(leaky).keys()


@pytest.mark.parametrize(
    "first",
    [Dense(2), Linear(), ReLU(), Softmax(), Dropout(0.5), RMSNorm()],
    ids=lambda layer: type(layer).__name__,
)
def test_no_array_of_the_caller_is_kept_after_a_prediction(first):
    model = ffnn.Sequential([first, Dense(3, "relu"), Dense(2, "softmax")], input_dim=2, seed=0)
    x = np.array([[1.0, 2.0]], dtype=np.float32)
    kept = weakref.ref(x)

    model.predict(x)
    del x

    assert kept() is None


def test_working_memory_serves_the_next_batch():
    dense, leaky = Dense(2).build(2, seed=0), LeakyReLU()
    chain = stages(dense, leaky)
    run_forward(chain, X.astype(np.float32), training=True)
    z, y = dense.z, leaky.y

    release(chain)
    run_forward(chain, X.astype(np.float32) + 1.0, training=True)

    assert dense.z is z
    assert leaky.y is y


def test_tap_sees_what_goes_in_and_what_comes_out_in_both_directions():
    dense = Dense(1, use_bias=False).build(2, dtype="float64")
    dense.params["weight"][...] = [[2.0, -1.0]]
    seen = []

    def note(moment):
        return lambda stage, direction, array: seen.append(
            (moment, stage.layer, direction, array.tolist())
        )

    (stage,) = tap(dense.stages(), note("before"), note("after"))
    stage.forward(np.array([[3.0, 4.0]]), True)
    stage.backward(np.array([[10.0]]))

    assert seen == [
        ("before", dense, "forward", [[3.0, 4.0]]),
        ("after", dense, "forward", [[2.0]]),
        ("before", dense, "backward", [[10.0]]),
        ("after", dense, "backward", [[20.0, -10.0]]),
    ]


def test_tap_is_silent_where_there_is_no_gradient_to_return():
    dense = Dense(1).build(2)
    dense.needs_input_grad = False
    directions = []

    (stage,) = tap(
        dense.stages(), after=lambda stage, direction, array: directions.append(direction)
    )
    stage.forward(np.ones((1, 2), np.float32), True)
    stage.backward(np.ones((1, 1), np.float32))

    assert directions == ["forward"]
