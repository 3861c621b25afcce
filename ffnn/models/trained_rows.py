"""Which of some rows a model was trained on, as far as the checksum of its data tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.text import counted
from ffnn.data.batches import Examples
from ffnn.data.sources import ArraySource, Source
from ffnn.models.trainable import Trainable
from ffnn.training.fingerprint import FOUND_AGAIN, has_seen, rows_of
from ffnn.training.known_rows import numbers_of, unpack_rows

_LEAST_SHARE = 0.2  # of rows: fewer may be the same by chance


class KnownRows(NamedTuple):
    """The numbers of the rows that a model was trained on, validated on, and of the others."""

    trained: Array
    validated: Array
    others: Array

    @property
    def note(self) -> str:
        """A line that says so."""
        trained, validated, others = map(len, self)
        which = "these rows"
        if validated or others:
            which = f"{trained:,} of these {counted(trained + validated + others, 'row')}"
        if validated:
            which += f" and validated on {validated:,}"
        return f"note: the model was trained on {which}, so it may score lower on new ones"


def split_order(rows: int, seed: int) -> Array:
    """Return the numbers of the rows as ``ffnn train`` draws them: the first ones are held out."""
    return np.random.default_rng(seed).permutation(rows)


def find_trained_rows(model: Trainable, examples: Examples) -> KnownRows | None:
    """Return which rows a model was trained on; None where none are known.

    They are looked for at the beginning of the rows, and where ``ffnn train`` has drawn them, by a
    checksum of all. Of few rows the model keeps a number for each, by which they are found in any
    order, where they are a fifth of the rows or more. None is known after something else has
    changed the model.
    """
    place = model.position
    training = None if place is None else place["training"]
    if training is None:
        return None
    rows, trained = len(examples.x), rows_of(training)
    used = trained + rows_of(training, "validation ")
    orders = [np.arange(rows)]
    if model.seed is not None and trained and used < rows:
        drawn = split_order(rows, model.seed)
        seen, others = drawn[rows - used :], drawn[: rows - used]
        orders += [np.concatenate([each, others]) for each in (seen, np.sort(seen))]

    def is_part(label: str, rows: Array) -> bool:
        return has_seen(training, f"{label}x", examples.x, rows) and any(
            has_seen(training, f"{label}y", target, rows) for target in _forms(model, examples.y)
        )

    for order in orders if 0 < trained <= rows else ():
        if is_part("", order[:trained]):
            following = order[trained:used]
            if not is_part("validation ", following):
                following = following[:0]
            return KnownRows(order[:trained], following, order[trained + len(following) :])
    return _found_again(model, examples, training)


def _found_again(
    model: Trainable, examples: Examples, training: Mapping[str, Any]
) -> KnownRows | None:
    """Return what `find_trained_rows` does of rows in any order."""
    kept, held_out = (unpack_rows(training.get(name)) for name in FOUND_AGAIN)
    if not len(kept):
        return None
    for target in _forms(model, examples.y):
        numbers = numbers_of(examples.x, target)
        is_known = np.isin(numbers, kept)
        if is_known.mean() >= _LEAST_SHARE:
            is_validated = np.isin(numbers, held_out) & ~is_known
            parts = (is_known, is_validated, ~is_known & ~is_validated)
            return KnownRows(*map(np.flatnonzero, parts))
    return None


def _forms(model: Trainable, target: Source) -> Iterator[Source]:
    """Yield targets, and then classes in the other form: one-hot, or as numbers."""
    yield target
    if target.data.ndim == 1:
        yield ArraySource(np.eye(model.output_dim or 1, dtype=model.dtype)[target.data])
    elif target.shape[1] > 1:
        yield ArraySource(target.data.argmax(axis=1))
