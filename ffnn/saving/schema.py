"""What plain data must look like, written as plain data, and a check against it.

Random generators take their states from outside only if they pass it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ffnn.core.text import shorten


def check_form(value: Any, form: Any, place: str) -> None:
    """Raise ValueError, with the place, what was expected and what came, if `value` is not so.

    A type as the form stands for its values (and ``int`` for no booleans), None for itself,
    ``[form]`` for a list of any length, ``{key: form}`` for a dict with just these keys, of which
    ``"key?"`` may be missing, and a tuple of forms for any of them.

    Examples
    --------
    >>> check_form({"epoch": [0, 1]}, {"epoch": [int]}, "history")
    """
    options = form if isinstance(form, tuple) else (form,)
    fitting = [option for option in options if _is_of_kind(value, option)]
    if not fitting:
        raise ValueError(f"{place}: expected {_name(form)}, got {shorten(repr(value), 60)}")
    form = fitting[0]
    if isinstance(form, list):
        for index, item in enumerate(value):
            check_form(item, form[0], f"{place}/{index}")
    elif isinstance(form, dict):
        inner = {key.removesuffix("?"): each for key, each in form.items()}
        needed = {key for key in form if not key.endswith("?")}
        if unfit := (value.keys() - inner.keys()) | (needed - value.keys()):
            differing = ", ".join(sorted(map(str, unfit))[:5])
            raise ValueError(f"{place}: missing or unknown: {shorten(differing, 200)}")
        for key in value:
            check_form(value[key], inner[key], f"{place}/{key}")


def _is_of_kind(value: Any, form: Any) -> bool:
    kind = form if isinstance(form, type) else type(form)
    return type(value) is kind


def _name(form: Any) -> str:
    if isinstance(form, tuple):
        return " or ".join(map(_name, form))
    kind = form if isinstance(form, type) else type(form)
    return kind.__name__.replace("NoneType", "None")


def set_generators(
    generators: Sequence[np.random.Generator], states: Sequence[Mapping[str, Any]]
) -> None:
    """Put generators into states from outside; ValueError says which does not fit."""
    if len(states) != len(generators):
        raise ValueError(
            f"/config/generators: expected {len(generators)} states, got {len(states)}"
        )
    for index, (rng, state) in enumerate(zip(generators, states, strict=True)):
        place = f"/config/generators/{index}"
        check_form(state, _form_of(rng.bit_generator.state), place)
        # What NumPy may take unchecked: wrong signs, a flag of 2, an even increment.
        inner = [number for number in state["state"].values() if isinstance(number, int)]
        if (
            not all(0 <= number < 1 << 128 for number in inner)
            or state.get("has_uint32", 0) not in (0, 1)
            or state["state"].get("inc", 1) % 2 == 0
        ):
            raise ValueError(f"{place}: not a state of a generator")
        rng.bit_generator.state = state


def _form_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _form_of(inner) for key, inner in value.items()}
    return type(value)
