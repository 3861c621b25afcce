"""Random generators, brought to states that came from outside."""

import json

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense, Dropout
from ffnn.models.generators import set_generators


def test_states_are_plain_data_and_can_be_set_again():
    model = ffnn.Sequential([Dropout(0.5), Dense(1)], input_dim=3, seed=0)
    states = json.loads(json.dumps(model.generator_states))
    first = [rng.random() for rng in model.random_generators()]

    model.generator_states = states

    assert [rng.random() for rng in model.random_generators()] == first
    assert len(states) == 2  # of the rows' order, and of the layer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda states: states.pop(), "expected 1 states, got 0"),
        (lambda states: states[0].update(has_uint32=2), "/config/generators/0: not a state"),
        (lambda states: states[0]["state"].update(inc=2), "/config/generators/0: not a state"),
        (lambda states: states[0]["state"].update(state=-1), "/config/generators/0: not a state"),
        (lambda states: states[0].pop("uinteger"), "missing or unknown: uinteger"),
    ],
)
def test_invalid_states_are_refused(change, message):
    rng = np.random.default_rng(0)
    states = [dict(rng.bit_generator.state)]
    change(states)

    with pytest.raises(ValueError, match=message):
        set_generators([rng], states)
