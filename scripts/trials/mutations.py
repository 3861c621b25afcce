"""Valid files with random bytes changed, cut, swapped, doubled, inserted.

Half of them are sealed again with a right checksum, so that what is behind it is tried too.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import ffnn
from ffnn import saving
from ffnn.saving import header
from trials.common import Result, content_of, in_children, rng_of
from trials.networks import trained_network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np

NUM_ORIGINALS = 12
TELLING = [0, 1, 2, 8, 0x7F, 0x80, 0xFE, 0xFF]


@functools.cache
def originals(seed: int) -> list[bytes]:
    """Return the files of some random networks."""
    networks = (trained_network(rng_of(seed, 1, number))[0] for number in range(NUM_ORIGINALS))
    return [saving.encode(*network.capture()) for network in networks]


def mutated(seed: int, case: int) -> tuple[bytes, bytes, bool]:
    """Return an original, its mutation, and whether that has a valid checksum again."""
    rng = rng_of(seed, 2, case)
    original = originals(seed)[rng.integers(NUM_ORIGINALS)]
    sealed = bool(case % 2)
    content = bytearray(original[header.SIZE :] if sealed else original)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        CHANGES[rng.integers(len(CHANGES))](rng, content)
    return original, header.seal(bytes(content)) if sealed else bytes(content), sealed


def _place(rng: np.random.Generator, content: bytearray) -> int:
    return int(rng.integers(len(content) + 1))


def _length(rng: np.random.Generator) -> int:
    return int(rng.choice([1, 1, 2, 4, 8, 8, 16, 40, 100, 600]))


def _set_bytes(rng: np.random.Generator, content: bytearray) -> None:
    start, length = _place(rng, content), _length(rng)
    for position in range(start, min(start + length, len(content))):
        content[position] = rng.integers(256)


def _set_telling_byte(rng: np.random.Generator, content: bytearray) -> None:
    if content:
        content[rng.integers(len(content))] = TELLING[rng.integers(len(TELLING))]


def _flip_bit(rng: np.random.Generator, content: bytearray) -> None:
    if content:
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)


def _fill(rng: np.random.Generator, content: bytearray) -> None:
    start, length = _place(rng, content), _length(rng)
    block = content[start : start + length]
    content[start : start + length] = bytes([TELLING[rng.integers(len(TELLING))]]) * len(block)


def _swap(rng: np.random.Generator, content: bytearray) -> None:
    first, second, length = _place(rng, content), _place(rng, content), _length(rng)
    one, other = content[first : first + length], content[second : second + length]
    if len(one) == len(other):
        content[first : first + length], content[second : second + length] = other, one


def _copy(rng: np.random.Generator, content: bytearray) -> None:
    source, target, length = _place(rng, content), _place(rng, content), _length(rng)
    block = content[source : source + length]
    if target + len(block) <= len(content):
        content[target : target + len(block)] = block


def _cut_out(rng: np.random.Generator, content: bytearray) -> None:
    start = _place(rng, content)
    del content[start : start + _length(rng)]


def _cut_off(rng: np.random.Generator, content: bytearray) -> None:
    del content[_place(rng, content) :]


def _insert(rng: np.random.Generator, content: bytearray) -> None:
    start = _place(rng, content)
    content[start:start] = rng.bytes(_length(rng))


def _extend(rng: np.random.Generator, content: bytearray) -> None:
    content += rng.bytes(_length(rng))


CHANGES: list[Callable[[np.random.Generator, bytearray], None]] = [
    *[_set_bytes, _set_telling_byte, _flip_bit, _fill, _swap, _copy] * 3,
    *[_cut_out, _cut_off, _insert, _extend],
]


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Load damaged files in children with limits.

    A file may be refused. One that was not sealed again may also be loaded if the model is the
    same; one that was may be any model, as its maker has a right to save what he likes.
    """
    result = Result()
    loaded = [content_of(_load(image, folder / "original.h5")) for image in originals(seed)]

    def work(case: int) -> str:
        original, image, sealed = mutated(seed, case)
        try:
            model = _load(image, folder / "damaged.h5")
        except ffnn.ModelFileError:
            return "refused"
        if content_of(model) == loaded[originals(seed).index(original)]:
            return "same model"
        return "another model, sealed" if sealed else "another model"

    for case, outcome in in_children(work, cases):
        if isinstance(outcome, dict) or outcome == "another model":
            result.fail(case, str(outcome), mutated(seed, case)[1])
        else:
            result.count(outcome)
        result.cases += 1
        advance(1)
    result.control = control(seed, 2000, folder / "control.h5")
    return result


def control(seed: int, count: int, path: Path) -> int:
    """Return how many files load as other models when the checksum is not checked."""
    found = 0
    for case in range(0, count, 2):
        original, image, _ = mutated(seed, case)
        if len(image) > header.SIZE:
            try:
                model = _load(header.seal(image[header.SIZE :]), path)
            except ffnn.ModelFileError:
                continue
            found += content_of(model) != content_of(_load(original, path))
    return found


def _load(image: bytes, path: Path) -> Any:
    path.write_bytes(image)
    return ffnn.load_model(path)
