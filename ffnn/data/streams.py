"""Batches that come from a stream: a callable that returns, each time, an iterable of them."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import LARGEST
from ffnn.core.text import counted, shown
from ffnn.data.batches import Batches, Examples
from ffnn.data.sources import ArraySource, Source
from ffnn.errors import DataError


def is_stream(x: Any) -> bool:
    """Tell whether `x` is a stream rather than rows."""
    return callable(x) and not isinstance(x, type) and not hasattr(x, "__array__")


class StreamBatches(Batches):
    """The batches of a stream, which is called anew at each epoch; nothing is shuffled.

    Parameters
    ----------
    stream : callable
        Without arguments; returns an iterable of ``(x, y)`` or ``(x, y, weight)``.
    check : callable
        Takes x, y and weight of a batch and returns them checked; DataError if they do not fit.
    steps : int or None
        The batches of an epoch; None for all that come.
    what : str
        What messages call the stream.
    """

    is_slow, shuffling, is_shuffled, batch_size = False, False, False, 0

    def __init__(
        self,
        stream: Callable[[], Any],
        check: Callable[[Any, Any, Any], Examples],
        steps: int | None,
        what: str,
    ) -> None:
        _check_takes_nothing(stream, what)
        self._stream, self._check, self._what = stream, check, what
        self.max_batches = steps
        self._left: int | None = None
        self._drawn = 0  # batches of the epoch, also those that are drawn only to be passed over
        self._skipped = 0
        self._coming: Iterator[Any] | None = None  # the batches that are left of the epoch
        self._peeked: Examples | None = None
        self._sample: Examples | None = None
        self._begun_from: dict[str, Any] | None = None

    def __len__(self) -> int:
        return self.max_batches or 0

    @property
    def examples(self) -> Examples:  # type: ignore[override]
        """The first batch that came; it is still to come as one, too."""
        if self._sample is None:
            self._peeked = self._draw()
            if self._peeked is None:
                raise DataError(f"{self._what}: expected batches, the stream has none")
            x, y, _ = self._peeked
            self._sample = Examples(_copied(x), _copied(y), None)
        return self._sample

    @property
    def largest(self) -> int:
        """The number of rows of the first batch, once it is known."""
        return LARGEST if self._sample is None else len(self._sample.x)

    @property
    def can_be_resumed(self) -> bool:
        """Whether the stream says its state."""
        return all(hasattr(self._stream, name) for name in ("state_dict", "load_state_dict"))

    def __iter__(self) -> Iterator[tuple[Array, Array, Array | None]]:
        """Yield (x, y, weight) of each batch of an epoch, checked; DataError: there are too few."""
        if self._left is None:
            self._left = self.max_batches or LARGEST
        while self._left:
            examples, self._peeked = self._peeked or self._draw(), None
            if examples is None:
                self._end(is_early=self.max_batches is not None)
                return
            self._left -= 1
            yield next(iter(Batches(examples, len(examples.x))))
        self._end(is_early=False)

    def close(self) -> None:
        """Keep the stream as it is: what is left of the epoch may be trained on later."""

    def sample(self, number: int) -> tuple[Array, Array]:
        """Return copies of inputs and targets of at most so many rows of the first batch."""
        return Batches(self.examples, 1).sample(number)

    def get_state(self) -> dict[str, Any]:
        """Return as plain data how far the epoch has come, and what its stream began from."""
        state = self._begun_from
        if self._coming is None and self.can_be_resumed:
            state = copy.deepcopy(dict(self._stream.state_dict()))  # type: ignore[attr-defined]
        done = 0 if self._left is None else (self.max_batches or 0) - self._left
        return {
            "rows": 0,
            "batch_size": 0,
            "next_batch": done,
            "left": self._left,
            "shuffled_from": None,
            "stream": state,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from where `get_state` was called; batches that were done are passed over."""
        left, steps = state["left"], self.max_batches or 0
        if left is not None and not 0 <= left <= steps:
            raise ValueError(f"expected 0 to {steps} batches left, got {left}")
        self._stream.load_state_dict(copy.deepcopy(state["stream"]))  # type: ignore[attr-defined]
        self._left, self._skipped = left, 0 if left is None else steps - left

    def _draw(self) -> Examples | None:
        """Return the next batch, checked, or None at the end."""
        if self._coming is None:
            if self.can_be_resumed:
                state = self._stream.state_dict()  # type: ignore[attr-defined]
                self._begun_from = copy.deepcopy(dict(state))
            self._coming, self._drawn = self._open(), 0
        for _ in range(self._skipped - self._drawn):
            next(self._coming, None)
            self._drawn += 1
        self._skipped = 0
        item = next(self._coming, None)
        if item is None:
            return None
        self._drawn += 1
        place = f"{self._what}: batch {self._drawn} of the stream"
        if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
            got = type(item).__name__ if not isinstance(item, (tuple, list)) else len(item)
            raise DataError(f"{place}: expected (x, y) or (x, y, weight), got {got}")
        try:
            return self._check(*(*item, None)[:3])
        except DataError as error:
            raise DataError(f"{place}: {error}") from None

    def _open(self) -> Iterator[Any]:
        found = self._stream()
        try:
            return iter(found)
        except TypeError:
            raise DataError(
                f"{self._what}: expected a callable that returns an iterable of batches (x, y), it "
                f"returned {shown(found, 60)}"
            ) from None

    def _end(self, *, is_early: bool) -> None:
        """End the epoch; DataError if the stream ended before it."""
        done, steps = self._drawn, self.max_batches
        self._left, self._coming = None, None
        if is_early:
            raise DataError(
                f"{self._what}: the stream ended after {counted(done, 'batch')}, "
                f"expected steps_per_epoch={steps}; give fewer, or a stream that goes on"
            )


def _check_takes_nothing(stream: Callable[[], Any], what: str) -> None:
    """Raise DataError if a stream cannot be called without arguments."""
    try:
        signature = inspect.signature(stream)
    except ValueError:  # of some built-in functions it is not known
        return
    try:
        signature.bind()
    except TypeError as error:
        raise DataError(
            f"{what}: expected a callable without arguments that returns an iterable of batches "
            f"(x, y), got {shown(stream, 60)}: {error}"
        ) from None


def _copied(source: Source) -> Source:
    return ArraySource(np.array(source.data), source.dtype)
