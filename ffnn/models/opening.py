"""`Opening`: a compiled network that opens data, and refuses what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.data.batches import Batches, Examples
from ffnn.data.streams import StreamBatches, is_stream
from ffnn.errors import DataError
from ffnn.models.compilable import Compilable
from ffnn.models.raw_rows import with_targets


class Opening(Compilable):
    """A network that checks rows, targets and weights, in memory, on disk or as a stream."""

    def open_examples(
        self, x: Any, y: Any, sample_weight: Any = None, measured: bool = True
    ) -> Examples:
        """Check data as `fit` does, and then build the model if it is the first that it sees.

        Whether the metrics can be `measured` is checked too, unless they will not be.
        """
        examples = self._check_examples(x, y, sample_weight, measured=measured)
        self.build(examples.x.shape[1])
        return examples

    def _check_examples(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        columns: int | None = None,
        measured: bool = True,
    ) -> Examples:
        loss = self.require_compiled()
        x, y, sample_weight = with_targets(self, x, y, sample_weight)
        source = self.open_inputs(x, columns)
        units = self.compute_dims(source.shape[1])[-1]
        prepare = partial(loss.prepare, units=units)
        examples = Examples.open(source, y, sample_weight, prepare=prepare, dtype=self.dtype)
        if measured:
            self.check_metrics(examples.y.data, units)
        return examples

    def open_batch(
        self, x: Any, y: Any, sample_weight: Any = None, measured: bool = False
    ) -> tuple[Array, Array, Array | None]:
        """Return all rows as one batch (x, y, weight), checked as by `open_examples`."""
        examples = self.open_examples(x, y, sample_weight, measured)
        return next(iter(Batches(examples, len(examples.x))))

    def open_training(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        class_weight: Mapping[int, float] | None,
        validation_split: float,
        validation_data: Any,
        steps_per_epoch: int | None = None,
    ) -> tuple[Examples | StreamBatches, Examples | StreamBatches | None]:
        """Return the examples to train on and those to validate with; nothing is built.

        Each may be a stream, of which those to train on have `steps_per_epoch` batches.
        """
        validation_split = check_number(
            "fit", "validation_split", validation_split, low=0.0, high=1.0, high_open=True
        )
        if validation_split and validation_data is not None:
            raise ValueError("fit: give validation_split or validation_data, not both")
        for layer in self.layers if self.is_built else ():
            layer.check_unchanged()
        if is_stream(x):
            self._check_stream(y, sample_weight, validation_split, steps_per_epoch)
            batches = StreamBatches(x, self._stream_check(class_weight), steps_per_epoch, "x")
            return batches, self._open_held_out(validation_data, None)
        examples = self._check_examples(x, y, sample_weight)
        held_out = self._open_held_out(validation_data, examples.x.shape[1])
        if validation_split:
            examples, held_out = examples.split(validation_split)
        return self._weighed(examples, class_weight), held_out

    def _weighed(self, examples: Examples, class_weight: Mapping[int, float] | None) -> Examples:
        """Return the examples with the weights of their classes, if classes have any."""
        if class_weight is None:
            return examples
        units = self.compute_dims(examples.x.shape[1])[-1]
        task = self.require_compiled().task_after(self.last_activation)
        return examples.weigh_classes(class_weight, units, task, self.dtype)

    def _open_held_out(
        self, validation_data: Any, columns: int | None
    ) -> Examples | StreamBatches | None:
        """Return rows of so many columns to validate with, if there are any."""
        if validation_data is None:
            return None
        if is_stream(validation_data):
            return StreamBatches(validation_data, self._stream_check(), None, "validation_data")
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ValueError(
                "fit: expected validation_data=(x, y) or (x, y, sample_weight), "
                f"got {type(validation_data).__name__}"
            )
        try:
            x, y, weight = (*validation_data, None)[:3]
            return self._check_examples(x, y, weight, columns)
        except DataError as error:
            raise DataError(f"validation_data: {error}") from None

    def _stream_check(
        self, class_weight: Mapping[int, float] | None = None
    ) -> Callable[[Any, Any, Any], Examples]:
        """Return what checks the batches of a stream, of which the first has the right width."""
        self.require_compiled()
        columns: int | None = None

        def check(x: Any, y: Any, weight: Any) -> Examples:
            nonlocal columns
            examples = self._check_examples(x, y, weight, columns, measured=columns is None)
            columns = examples.x.shape[1]
            return self._weighed(examples, class_weight)

        return check

    def _check_stream(self, y: Any, sample_weight: Any, share: float, steps: int | None) -> None:
        """Raise ValueError if there is what a stream cannot have, or not what it needs."""
        given = {"y": y, "sample_weight": sample_weight, "validation_split": share or None}
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"fit: x is a stream of batches (x, y) or (x, y, weight), so give no {name}"
                    + ("; give validation_data, which may be a stream too" if share else "")
                )
        if steps is None:
            raise ValueError(
                "fit: x is a stream, so give steps_per_epoch, the number of batches of an epoch"
            )
