"""Plain data is checked against a form, and so are states of random generators."""

import re

import numpy as np
import pytest

from ffnn.saving.schema import check_form, set_generators

FORM = {"name": str, "sizes": [int], "parent": ({"id": int}, None), "rate": (float, int)}
GOOD = {"name": "a", "sizes": [1, 2], "parent": {"id": 3}, "rate": 0.5}


@pytest.mark.parametrize("change", [{}, {"sizes": []}, {"parent": None}, {"rate": 1}])
def test_data_of_the_form_passes(change):
    check_form(GOOD | change, FORM, "it")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "it: expected dict, got None"),
        ([GOOD], "it: expected dict, got [{"),
        (GOOD | {"more": 1}, "it: missing or unknown: more"),
        ({"name": "a"}, "it: missing or unknown: parent, rate, sizes"),
        (GOOD | {"name": 1}, "it/name: expected str, got 1"),
        (GOOD | {"name": None}, "it/name: expected str, got None"),
        (GOOD | {"sizes": "12"}, "it/sizes: expected list, got '12'"),
        (GOOD | {"sizes": (1, 2)}, "it/sizes: expected list, got (1, 2)"),
        (GOOD | {"sizes": [1, 2.0]}, "it/sizes/1: expected int, got 2.0"),
        (GOOD | {"sizes": [True]}, "it/sizes/0: expected int, got True"),
        (GOOD | {"parent": 3}, "it/parent: expected dict or None, got 3"),
        (GOOD | {"parent": {"id": "3"}}, "it/parent/id: expected int, got '3'"),
        (GOOD | {"rate": "fast"}, "it/rate: expected float or int, got 'fast'"),
        (GOOD | {"name": ["x" * 100]}, "got ['" + "x" * 57 + "…"),
    ],
)
def test_other_data_is_refused_with_its_place(value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_form(value, FORM, "it")


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
def test_invalid_states_of_generators_are_refused(change, message):
    rng = np.random.default_rng(0)
    states = [dict(rng.bit_generator.state)]
    change(states)

    with pytest.raises(ValueError, match=message):
        set_generators([rng], states)
