"""Which of some rows a model was trained on, as far as the checksum of its data tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.text import counted
from ffnn.data.batches import Examples
from ffnn.data.sources import ArraySource
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
    for form in _forms(model, examples):
        for order in orders:
            if has_seen(training, form, order[:trained]):
                return _known(training, form, order)
    return None


def _forms(model: Trainable, examples: Examples) -> Iterator[Examples]:
    """Yield the examples, and these with their classes in the other form: numbers or one-hot."""
    yield examples
    target = examples.y.data
    if target.ndim == 1:
        one_hot = np.eye(model.output_dim or 1, dtype=model.dtype)[target]
        yield examples._replace(y=ArraySource(one_hot))
    elif target.shape[1] > 1:
        yield examples._replace(y=ArraySource(target.argmax(axis=1)))


def _known(training: Mapping[str, Any], examples: Examples, order: Array) -> KnownRows:
    """Return the rows by their use, in an order that begins with those of the training."""
    trained, validated = rows_of(training), rows_of(training, "validation ")
    following = order[trained : trained + validated]
    if not validated or not has_seen(training, examples, following, "validation "):
        following = following[:0]
    others = order[trained + len(following) :]
    return KnownRows(order[:trained], following, others)
