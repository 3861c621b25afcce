"""Where a training stands, apart from its arrays, which have names in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.saving.schema import set_generators


def split_position(
    position: Mapping[str, Any] | None,
) -> tuple[dict[str, Any] | None, dict[str, Array]]:
    """Return a position without its arrays and those of its states, and these by name."""
    if position is None:
        return None, {}
    arrays = {f"position/{index}": array for index, array in enumerate(position["weights"])}
    plain = {name: value for name, value in position.items() if name != "weights"}
    plain["metrics"] = [
        _without_arrays(state, f"metrics/{index}", arrays)
        for index, state in enumerate(position["metrics"])
    ]
    plain["callbacks"] = [
        kept | {"state": _without_arrays(kept["state"], f"callbacks/{index}", arrays)}
        for index, kept in enumerate(position["callbacks"])
    ]
    return plain, arrays


def join_position(
    position: Mapping[str, Any] | None, arrays: Mapping[str, Array]
) -> dict[str, Any] | None:
    """Return the position that `split_position` took apart."""
    if position is None:
        return None
    shuffled_from = position["batches"]["shuffled_from"]
    if shuffled_from is not None:
        set_generators([np.random.default_rng()], [shuffled_from])
    metrics = [
        state | under(f"metrics/{index}", arrays) for index, state in enumerate(position["metrics"])
    ]
    callbacks = [
        kept | {"state": kept["state"] | under(f"callbacks/{index}", arrays)}
        for index, kept in enumerate(position["callbacks"])
    ]
    own = under("position", arrays)
    weights = [own[str(index)] for index in range(len(own))]
    return {**position, "metrics": metrics, "callbacks": callbacks, "weights": weights}


def under(place: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays whose names begin with `place` and a slash, by what comes after it."""
    prefix = f"{place}/"
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def _without_arrays(
    state: Mapping[str, Any], place: str, arrays: dict[str, Array]
) -> dict[str, Any]:
    """Return a state without its arrays, which are added to `arrays` under their names."""
    own = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    arrays |= {f"{place}/{name}": value for name, value in own.items()}
    return {name: value for name, value in state.items() if name not in own}
