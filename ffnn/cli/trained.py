"""Whether rows to test a model on are those that it was trained on, and what is said then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn.cli.output import say, scores_in_words
from ffnn.cli.tables import split_order
from ffnn.core.text import counted
from ffnn.training.fingerprint import has_seen, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ffnn._types import Array
    from ffnn.data.batches import Examples
    from ffnn.sequential import Sequential


class KnownRows(NamedTuple):
    """The numbers of the rows that a model was trained on, validated on, and of the others."""

    trained: Array
    validated: Array
    others: Array


def tell_trained_rows(model: Sequential, x: Any, y: Array) -> None:
    """Say if a model was trained on rows that it is to be tested on, and what the others give."""
    for sentence in note_trained_rows(model, x, y):
        say(sentence)


def note_trained_rows(model: Sequential, x: Any, y: Array) -> Iterator[str]:
    """Yield what there is to say of rows that a model was trained on, and what the others give.

    `x` and `y` are rows and targets as `evaluate` takes them. Nothing is said where it is not
    known: of rows in another order, or if something else has changed the model since.
    """
    known = find_trained_rows(model, x, y)
    if known is None:
        return
    trained, validated, others = map(len, known)
    which = "these rows"
    if validated or others:
        which = f"{trained:,} of these {counted(trained + validated + others, 'row')}"
    if validated:
        which += f" and validated on {validated:,}"
    yield f"note: the model was trained on {which}, so it may score lower on new ones"
    if others:
        chosen = np.sort(known.others)
        scores = model.evaluate(x[chosen], y[chosen], return_dict=True)
        assert isinstance(scores, dict)
        yield f"on the {counted(others, 'row')} that it has not seen: {scores_in_words(scores)}"


def find_trained_rows(model: Sequential, x: Any, y: Array) -> KnownRows | None:
    """Return which rows a model was trained on; None where none are known.

    They are looked for at the beginning of the rows, and where ``ffnn train`` has drawn them. As
    the model keeps no more of its data than a checksum, all of its rows must be there.
    """
    place = model.position
    training = None if place is None else place["training"]
    if training is None:
        return None
    examples = model.open_examples(x, y, measured=False)
    rows, trained = len(examples.x), rows_of(training)
    used = trained + rows_of(training, "validation ")
    orders = [np.arange(rows)]
    if model.seed is not None and trained and used < rows:
        drawn = split_order(rows, model.seed)
        orders.append(np.concatenate([drawn[rows - used :], drawn[: rows - used]]))
    for order in orders if 0 < trained <= rows else ():
        if has_seen(training, examples, order[:trained]):
            return _known(training, examples, order)
    return None


def _known(training: dict[str, Any], examples: Examples, order: Array) -> KnownRows:
    """Return the rows by their use, in an order that begins with those of the training."""
    trained, validated = rows_of(training), rows_of(training, "validation ")
    following = order[trained : trained + validated]
    if not validated or not has_seen(training, examples, following, "validation "):
        following = following[:0]
    others = order[trained + len(following) :]
    return KnownRows(order[:trained], following, others)
