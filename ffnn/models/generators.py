"""Random generators brought to states that came from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ffnn.saving.schema import check_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np


def set_generators(
    generators: Sequence[np.random.Generator], states: Sequence[Mapping[str, Any]]
) -> None:
    """Bring generators to states that came from outside.

    Raises
    ------
    ValueError
        The numbers of generators and states differ, or one is not a state of such a generator.
    """
    if len(states) != len(generators):
        raise ValueError(
            f"/config/generators: expected {len(generators)} states, got {len(states)}"
        )
    for index, (rng, state) in enumerate(zip(generators, states, strict=True)):
        place = f"/config/generators/{index}"
        check_form(state, _form_of(rng.bit_generator.state), place)
        # What NumPy may take without a look: wrong signs, a flag of 2, an even increment.
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
