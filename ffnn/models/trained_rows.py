"""Which of some rows a model was trained on, as far as the checksum of its data tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.text import counted
from ffnn.data.batches import Examples
from ffnn.data.sources import ArraySource, Source
from ffnn.models.trainable import Trainable
from ffnn.training.fingerprint import has_seen, rows_of


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

    They are looked for at the beginning of the rows, and where ``ffnn train`` has drawn them. As
    the model keeps no more of its data than a checksum, all of its rows must be there. Rows in
    another order are not known, nor is any after something else has changed the model.
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
        orders.append(np.concatenate([drawn[rows - used :], drawn[: rows - used]]))
    if not 0 < trained <= rows:
        return None

    def is_part(label: str, rows: Array) -> bool:
        return has_seen(training, f"{label}x", examples.x, rows) and any(
            has_seen(training, f"{label}y", target, rows) for target in _forms(model, examples.y)
        )

    for order in orders:
        if is_part("", order[:trained]):
            following = order[trained:used]
            if not is_part("validation ", following):
                following = following[:0]
            return KnownRows(order[:trained], following, order[trained + len(following) :])
    return None


def _forms(model: Trainable, target: Source) -> Iterator[Source]:
    """Yield targets, and then classes in the other form: one-hot, or as numbers."""
    yield target
    if target.data.ndim == 1:
        yield ArraySource(np.eye(model.output_dim or 1, dtype=model.dtype)[target.data])
    elif target.shape[1] > 1:
        yield ArraySource(target.data.argmax(axis=1))
