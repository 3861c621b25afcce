"""Parameters by name: which of them have numbers of their own, and the blocks that are updated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ffnn._types import Array
from ffnn.core.checks import check_number, check_text, nearest
from ffnn.core.memory import ParameterVector
from ffnn.core.text import shown

# Numbers by their signs in formulas, and the part of the vectors whose parameters have them.
Group: TypeAlias = tuple[dict[str, float], slice]

# The factor of η, the other numbers, and w, g, scratch and memory.
Block: TypeAlias = tuple[float, dict[str, Any], tuple[Array, ...]]

# What updates all blocks in place, given η.
Updates: TypeAlias = Callable[[float, list[Block]], None]

# So many entries of all vectors of a rule stay in a core's cache from pass to pass.
BLOCK_SIZE = 32_768


def own_name(name: str) -> str:
    """Return the name of a parameter in its own layer: "weight" of "member_1.dense_2.weight"."""
    return name.rpartition(".")[2]


def group(vector: ParameterVector, own_numbers: Callable[[str], dict[str, float]]) -> list[Group]:
    """Return the parts of what is trained in which `own_numbers` of the names are the same."""
    groups: list[Group] = []
    for name, start, stop in vector.stretches(trained=True):
        own = own_numbers(name)
        follows = bool(groups) and groups[-1][0] == own and groups[-1][1].stop == start
        groups.append((own, slice(groups.pop()[1].start if follows else start, stop)))
    return groups


def cut(
    groups: Iterable[Group], vector: ParameterVector, g: Array, memory: Sequence[Array]
) -> list[Block]:
    """Return parameters, gradients, scratch and memory, cut alike into blocks for the cache."""
    blocks: list[Block] = []
    for own, part in groups:
        others = {sign: number for sign, number in own.items() if sign != "f"}
        for first in range(part.start, part.stop, BLOCK_SIZE):
            block = slice(first, min(first + BLOCK_SIZE, part.stop))
            w = vector.values[block]
            scratch = vector.scratch[: len(w)]  # one for all, so that it stays cached
            arrays = (w, g[block], scratch, *(each[block] for each in memory))
            blocks.append((own.get("f", 1.0), others, arrays))
    return blocks


def check_factors(owner: str, factors: Any) -> dict[str, float] | None:
    """Return name → factor of a mapping, or of the list of pairs that a file has; None if empty."""
    what = "learning_rate_factors"
    if isinstance(factors, list) and factors and all(_is_pair(item) for item in factors):
        factors = dict(factors)
    if not isinstance(factors, Mapping):
        raise TypeError(
            f"{owner}: {what} must be a dict, name of parameters to factor, such as "
            f"{{'bias': 0.1}}, got {shown(factors)}"
        )
    checked = {
        check_text(owner, f"a name in {what}", name): check_number(
            owner, f"{what}[{name!r}]", factor, low=0.0
        )
        for name, factor in factors.items()
    }
    return dict(sorted(checked.items())) or None


def _is_pair(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)


def check_known(owner: str, argument: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise ValueError if `names` in an argument are not those of parameters."""
    for name in names:
        if name not in known:
            raise ValueError(
                f"{owner}: {argument} names {shown(name)}{nearest(name, known)}, but the "
                f"parameters of this model are {', '.join(sorted(known)) or 'none'}"
            )
