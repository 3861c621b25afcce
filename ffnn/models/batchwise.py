"""`Batchwise`: a compiled network at work on data: one pass over it, or one update."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks import CallbackList
from ffnn.core.checks import check_bool, check_int
from ffnn.core.hints import explain_names
from ffnn.data.batches import Batches, Examples
from ffnn.data.streams import StreamBatches, is_stream
from ffnn.layers.chain import release
from ffnn.metrics import Metric, check_names
from ffnn.models.compiling import compile_step
from ffnn.models.network import EVALUATION_BATCH_SIZE, Network
from ffnn.models.opening import Opening
from ffnn.saving.schema import set_generators
from ffnn.threads import threads_for
from ffnn.training.loop import check_trained, diverged, run_pass, train
from ffnn.training.position import Position
from ffnn.training.step import EvaluationStep, TrainStep


class Batchwise(Opening):
    """A network that evaluates, and trains on single batches."""

    _batches: Batches | None = None  # of the training that is running

    def forward(self, x: Any, training: bool = False) -> Array:
        """Return the outputs for a batch, in training with the dropout rates of the next update.

        Examples
        --------
        >>> model.forward(x[:2]).shape
        (2, 10)
        """
        if self.is_built and self.optimizer is not None:
            self.step.tell_updates()
        return super().forward(x, training)

    def run(
        self,
        step: TrainStep,
        called: CallbackList,
        validate: Callable[[], Mapping[str, float]] | None,
        position: Position,
        epochs: int,
    ) -> bool:
        """Train from `position` up to the epoch `epochs`; return whether Ctrl-C ended it.

        Every training by epochs runs here. `step` is the model's own, or another one on its
        parameters; `validate` returns the validation numbers after an epoch.
        """
        check_trained(self.layers)
        for layer in self.layers:  # whose numbers may have been set since
            layer.check_arguments()
            layer.check_numbers(self.dtype, layer.title)
        for part in (step.optimizer, self.require_compiled()):
            part.check_numbers(self.dtype, type(part).__name__)
        check_names(self.all_metrics)
        updates = (epochs - position.epoch) * len(position.batches)
        step = compile_step(step, self.jit_compile, updates, position.batches.largest)
        self.compiled_parts = step.compiled
        self._batches = position.batches
        try:
            with threads_for(step.vector.largest_product(position.batches.largest), self.dtype):
                return train(step, called, validate, position, epochs)
        finally:
            self._batches = None
            self.renew_replicas()

    def sample_rows(self, number: int) -> tuple[Array, Array]:
        """Return copies of at most so many rows of the running training, and their targets."""
        assert self._batches is not None
        return self._batches.sample(number)

    @explain_names
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = EVALUATION_BATCH_SIZE,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:  # which of the three depends on what was compiled
        """Return the loss and the metrics of rows; nothing is trained.

        Parameters
        ----------
        x, y, sample_weight
            As for `fit`.
        batch_size : int, default 1024
            How many rows are computed together.
        return_dict : bool, default False
            Whether to return the numbers by name.

        Returns
        -------
        float, list, or dict of str to a value
            The loss; with metrics, the loss and each of them: floats, and arrays for those that
            are tables, as "confusion_matrix" is.

        Raises
        ------
        DataError
            The data does not fit.

        Examples
        --------
        >>> loss, accuracy = model.evaluate(x_test, y_test)
        >>> accuracy > 0.8
        True
        >>> list(model.evaluate(x_test, y_test, return_dict=True))
        ['loss', 'accuracy']
        """
        batch_size = check_int("evaluate", "batch_size", batch_size, low=1)
        return_dict = check_bool("evaluate", "return_dict", return_dict)
        examples: Examples | StreamBatches
        if is_stream(x):
            self._check_stream(y, sample_weight, 0.0, 1)
            examples = StreamBatches(x, self._stream_check(), None, "x")
            self.build(examples.examples.x.shape[1])
        else:
            examples = self.open_examples(x, y, sample_weight)
        logs = self._measure(examples, self.all_metrics, batch_size)
        if return_dict:
            return logs
        return list(logs.values()) if self.all_metrics else logs["loss"]

    def _validate(self, examples: Examples | StreamBatches) -> dict[str, float]:
        """Return what an epoch reports of rows to validate on."""
        return self._measure(examples, self.epoch_metrics, EVALUATION_BATCH_SIZE)

    def _measure(
        self,
        examples: Examples | Batches,
        metrics: Sequence[Metric],
        batch_size: int,
    ) -> dict[str, Any]:
        """Return loss and metrics, computed apart from a training that may be running."""
        stages = self.replicas()[: len(self.step.stages)]
        copies = [metric.clone() for metric in metrics]
        step = EvaluationStep(
            self.passing(stages), self.step.loss.clone(), self.step.penalties, copies
        )
        with np.errstate(over="ignore", invalid="ignore"):  # as in training; the numbers tell
            if isinstance(examples, Examples):
                examples = Batches(examples, batch_size)
            logs = run_pass(step, examples)
        release(stages)
        return logs

    @explain_names
    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Make one update from one batch.

        The batch is checked and copied at every call; `fit` does so once and gathers batches into
        memory that it keeps.

        Parameters
        ----------
        x, y, sample_weight
            As for `fit`.

        Returns
        -------
        float
            The loss before the update, penalties included.

        Raises
        ------
        DataError, TrainingDivergedError
            The data does not fit, or the loss or the gradient is infinite or NaN. Nothing was
            updated.

        Examples
        --------
        >>> before = model.train_on_batch(x[:32], y[:32])
        >>> model.train_on_batch(x[:32], y[:32]) < before
        True
        """
        for layer in self.layers:
            layer.check_arguments()
        batch = self.open_batch(x, y, sample_weight, measured=True)
        check_trained(self.layers)
        for metric in self.step.metrics:
            metric.reset()
        optimizer = self.step.optimizer
        optimizer.forget_sizes()
        drawn_from = Network.random_generators(self)  # by the layers; the rows' order stays
        states = [rng.bit_generator.state for rng in drawn_from]
        try:
            with np.errstate(all="ignore"):
                return self.step(*batch)
        except FloatingPointError as error:
            set_generators(drawn_from, states)
            raise diverged(error, optimizer, 1, optimizer.iterations + 1) from None

    def compute_gradients(self, x: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Compute the loss and leave its gradients in the layers; nothing is updated.

        The pass is one of training: `Dropout` masks, `BatchNorm` uses the batch. The generators of
        the masks are put back, so the same call gives the same result again.

        Parameters
        ----------
        x, y, sample_weight
            As for `fit`; one batch.

        Returns
        -------
        float
            The loss, penalties included.

        Raises
        ------
        DataError
            The data does not fit.

        Examples
        --------
        >>> loss = model.compute_gradients(x[:32], y[:32])
        >>> model.layers[1].grads["weight"].shape
        (10, 32)
        """
        batch = self.open_batch(x, y, sample_weight)
        states = self.generator_states
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                loss = self.step.forward(*batch)
                self.step.backward()
        finally:
            self.generator_states = states
        return loss
