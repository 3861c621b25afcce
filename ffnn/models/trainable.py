"""`Trainable`: a network that trains, evaluates, and is saved and loaded."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn import saving
from ffnn.callbacks import CallbackList, History
from ffnn.core.checks import check_int
from ffnn.data.batches import Batches, Examples
from ffnn.errors import DataError
from ffnn.layers.chain import forget_batch
from ffnn.losses import LOSSES, Loss
from ffnn.metrics import METRICS, Metric
from ffnn.models import serialization
from ffnn.models.network import EVALUATION_BATCH_SIZE, Network
from ffnn.models.resume import open_checkpoint, take_over
from ffnn.optimizers import OPTIMIZERS, Optimizer
from ffnn.training.loop import diverged, run_pass, train
from ffnn.training.position import Position
from ffnn.training.reporters import reporters
from ffnn.training.step import EvaluationStep, Penalty, TrainStep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

    from ffnn._types import Array
    from ffnn.callbacks import Callback
    from ffnn.callbacks.recording import Recording
    from ffnn.layers.base import Layer


class Trainable(Network):
    """A network that is compiled, trained, evaluated, saved and loaded.

    Views, explanations, diagnoses and checks work on it; users hold a `Sequential`, which adds the
    methods that lead there. The parameters are those of `Network`.

    Attributes
    ----------
    optimizer, loss, metrics
        What `compile` was given; None, None and [] before.
    step : TrainStep
        Trains on one batch; there once the network is built and compiled.
    history : History or None
        The record of the last training.
    recording : Recording or None
        What the last `ffnn.callbacks.Recorder` saw.
    stop_training : bool
        Set by a callback to end training after the epoch.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_dim: int | None = None,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        self.optimizer: Optimizer | None = None
        self.loss: Loss | None = None
        self.metrics: list[Metric] = []
        self.history: History | None = None
        self.recording: Recording | None = None
        self.stop_training = False
        self._position: Callable[[], dict[str, Any] | None] | None = None
        super().__init__(layers, input_dim, dtype, seed)
        self.shuffling = np.random.default_rng(np.random.SeedSequence(self.entropy))

    def _build(self, input_dim: int) -> None:
        super()._build(input_dim)
        if self.optimizer is not None:
            self._prepare_training()

    # -- training ------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: str | Optimizer = "sgd",
        loss: str | Loss = "mean_squared_error",
        metrics: Sequence[str | Metric] | None = None,
    ) -> None:
        """Say how to train.

        Parameters
        ----------
        optimizer : str or Optimizer, default "sgd"
            The rule of the updates.
        loss : str or Loss, default "mean_squared_error"
            What is made small.
        metrics : sequence of str or Metric, optional
            What is reported besides.

        Raises
        ------
        ValueError
            A name is unknown, the loss cannot follow the last layer, or the optimizer already
            trains another model.
        """
        if isinstance(metrics, (str, Metric)):
            raise TypeError(f"compile: expected a list of metrics, got {metrics!r}")
        new_optimizer, new_loss = OPTIMIZERS.get(optimizer), LOSSES.get(loss)
        new_metrics = [METRICS.get(metric) for metric in metrics or ()]
        new_loss.check_output(self.last_activation)
        new_optimizer.claim(self)
        self.optimizer, self.loss, self.metrics = new_optimizer, new_loss, new_metrics
        if self.is_built:
            self._prepare_training()

    def _prepare_training(self) -> None:
        """Put the step together; nowhere else are loss and activation paired."""
        vector = self.require_built()
        assert self.optimizer is not None
        assert self.loss is not None
        self.optimizer.bind(vector)
        fused = self.loss.fuse(self.last_activation)
        scratch = vector.views(vector.scratch)
        penalties = [
            Penalty(rule, layer.params[name], layer.grads[name], scratch[index][name])
            for index, layer in enumerate(self.layers)
            for name, rule in layer.regularizers().items()
        ]
        stages = self.stages
        self.step = TrainStep(
            stages if fused is None else stages[:-1],
            self.layers,
            fused or self.loss,
            penalties,
            vector,
            self.optimizer,
            self.metrics,
        )
        self.renew_replicas()

    def open_examples(self, x: Any, y: Any, sample_weight: Any = None) -> Examples:
        """Check data, and then build the model if this is the first that it sees."""
        if self.loss is None:
            raise RuntimeError("this model does not know how to train: call compile(...) first")
        source = self.open_inputs(x)
        units = self.compute_dims(source.shape[1])[-1]
        prepare = partial(self.loss.prepare, units=units)
        examples = Examples.open(source, y, sample_weight, prepare=prepare, dtype=self.dtype)
        for metric in self.metrics:
            metric.check_target(examples.y.data)
        self.build(source.shape[1])
        return examples

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int = 32,
        epochs: int = 1,
        learning_rate: float | None = None,
        verbose: int | str = "auto",
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, ...] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        resume_from: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train on rows and targets.

        Ctrl-C lets the batch finish, then ends the training and returns the history so far.

        Parameters
        ----------
        x : array-like, memmap, h5py dataset or sparse matrix of shape (rows, input_dim)
            Inputs. They stay as they are; a batch at a time is cast to the model's dtype.
        y : array-like of shape (rows,) or (rows, units)
            Targets, as the loss wants them.
        batch_size : int, default 32
            Rows to an update.
        epochs : int, default 1
            The number of the epoch to stop before, counted from 0.
        learning_rate : float, optional
            Replaces the optimizer's, for this training and later ones.
        verbose : {"auto", 0, 1, 2}, default "auto"
            0 shows nothing, 1 a progress bar, 2 a line an epoch; "auto" is 1 on a terminal or in
            a notebook, else 2.
        callbacks : sequence of Callback, optional
            Called at each begin and end.
        validation_split : float, default 0.0
            The share of the rows, taken from the end, that are kept for validation, in [0, 1).
        validation_data : (x, y) or (x, y, sample_weight), optional
            Rows for validation.
        shuffle : bool, default True
            Whether the rows come in a new order at each epoch.
        class_weight : mapping of int to float, optional
            Class number → weight.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights. The loss is Σ w_i loss_i divided by the number of rows.
        initial_epoch : int, default 0
            The first epoch's number.
        steps_per_epoch : int, optional
            The number of batches after which an epoch ends at the latest.
        resume_from : str or path, optional
            A file of this model that was saved while it was trained on the same data, such as by
            `ModelCheckpoint`. Training goes on from there as if it had never stopped, with
            parameters, optimizer, history, generators and callbacks as they were.

        Returns
        -------
        History
            The losses and metrics of each epoch.

        Raises
        ------
        DataError
            The data does not fit the model or the loss, or is not finite. Nothing was trained.
        TypeError, ValueError
            An argument is wrong, or `resume_from` is of another network, training or data. Nothing
            was trained.
        ModelFileError
            `resume_from` is no model file, or is damaged. Nothing was trained.
        RuntimeError
            The model is not compiled.
        TrainingDivergedError
            The loss or the gradient became infinite or NaN; the parameters are the last finite
            ones.
        """
        check_int("fit", "batch_size", batch_size, low=1)
        check_int("fit", "initial_epoch", initial_epoch, low=0)
        check_int("fit", "epochs", epochs, low=initial_epoch)
        if steps_per_epoch is not None:
            check_int("fit", "steps_per_epoch", steps_per_epoch, low=1)
        if resume_from is not None and initial_epoch:
            raise ValueError("fit: give resume_from or initial_epoch, not both")
        shown = reporters(verbose)
        saved = resumed = None
        if resume_from is not None:
            saved, resumed = open_checkpoint(self, resume_from, epochs)
            initial_epoch = resumed["epoch"]
        examples, held_out = self._open_training(
            x, y, sample_weight, class_weight, validation_split, validation_data
        )
        history = History() if saved is None or saved.history is None else saved.history
        batches = Batches(
            examples, batch_size, self.shuffling if shuffle else None, steps_per_epoch
        )
        names = ["loss", *(metric.name for metric in self.metrics)]
        params = {
            "epochs": epochs,
            "initial_epoch": initial_epoch,
            "resumed": resumed is not None,
            "steps": len(batches),
            "verbose": verbose,
            "metrics": names + [f"val_{name}" for name in names if held_out is not None],
        }
        callback_list = CallbackList([history], callbacks, shown, model=self, params=params)
        position = Position(
            batches, lambda: self.stop_training, self.metrics, callback_list.users, initial_epoch
        )
        if saved is not None and resumed is not None:
            position.check(resumed)
            take_over(self, saved)
        if learning_rate is not None:
            self.step.optimizer.learning_rate = learning_rate
        self.history = history
        self.stop_training = resumed is not None and resumed["stopped"]
        validate = None if held_out is None else partial(self._evaluate, held_out)
        self._position = position.capture
        try:
            history.interrupted = train(
                self.step, callback_list, validate, position, epochs, resumed
            )
        finally:
            self.renew_replicas()
            if self._position is not None:
                reached = position.capture()
                self._position = lambda: reached
        return history

    def position(self) -> dict[str, Any] | None:
        """Return where the last training stands (`ffnn.training.position`); None if not known."""
        return None if self._position is None else self._position()

    def forget_position(self) -> None:
        """Say that the parameters are no longer those of the place that training has come to."""
        self._position = None

    def _open_training(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        class_weight: Mapping[int, float] | None,
        validation_split: float,
        validation_data: tuple[Any, ...] | None,
    ) -> tuple[Examples, Examples | None]:
        """Return the examples to train on and those to validate with."""
        if validation_split and validation_data is not None:
            raise ValueError("fit: give validation_split or validation_data, not both")
        examples = self.open_examples(x, y, sample_weight)
        held_out = self._open_validation(validation_data)
        if validation_split:
            examples, held_out = examples.split(validation_split)
        if class_weight is not None:
            units = self.compute_dims(examples.x.shape[1])[-1]
            examples = examples.weigh_classes(class_weight, units, self.dtype)
        return examples, held_out

    def _open_validation(self, data: tuple[Any, ...] | None) -> Examples | None:
        if data is None:
            return None
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise ValueError(
                "fit: expected validation_data=(x, y) or (x, y, sample_weight), "
                f"got {type(data).__name__}"
            )
        try:
            return self.open_examples(*data)
        except DataError as error:
            raise DataError(f"validation_data: {error}") from None

    def _evaluate(
        self, examples: Examples, batch_size: int = EVALUATION_BATCH_SIZE
    ) -> dict[str, float]:
        """Return loss and metrics, computed apart from the training that may be going on."""
        stages = self.replicas()[: len(self.step.stages)]
        metrics = [metric.clone() for metric in self.metrics]
        step = EvaluationStep(stages, self.step.loss.clone(), self.step.penalties, metrics)
        logs = run_pass(step, Batches(examples, batch_size), metrics)
        forget_batch(stages)
        return logs

    def evaluate(
        self,
        x: Any,
        y: Any,
        batch_size: int = EVALUATION_BATCH_SIZE,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Return the loss and the metrics of rows, with nothing trained.

        Parameters
        ----------
        x : array-like, memmap, h5py dataset or sparse matrix of shape (rows, input_dim)
            Inputs.
        y : array-like of shape (rows,) or (rows, units)
            Targets, as the loss wants them.
        batch_size : int, default 1024
            How many rows are computed together.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights in the loss.
        return_dict : bool, default False
            Whether numbers come by name.

        Returns
        -------
        float, list of float, or dict of str to float
            The loss; with metrics, the loss and each of them.

        Raises
        ------
        DataError
            The data does not fit.
        """
        check_int("evaluate", "batch_size", batch_size, low=1)
        logs = self._evaluate(self.open_examples(x, y, sample_weight), batch_size)
        if return_dict:
            return logs
        return list(logs.values()) if self.metrics else logs["loss"]

    def open_batch(self, x: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array | None]:
        """Return all rows as one batch."""
        examples = self.open_examples(x, y, sample_weight)
        return next(iter(Batches(examples, len(examples.x))))

    def train_on_batch(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """Make one update from one batch.

        The batch is checked and copied at every call; `fit` does so once and gathers batches into
        memory that it keeps.

        Parameters
        ----------
        x : array-like of shape (batch, input_dim)
            Inputs.
        y : array-like of shape (batch,) or (batch, units)
            Targets, as the loss wants them.
        sample_weight : array-like of shape (batch,), optional
            The rows' weights.

        Returns
        -------
        float
            The loss before the update, penalties included.

        Raises
        ------
        DataError
            The data does not fit. Nothing was updated.
        TrainingDivergedError
            The loss or the gradient is infinite or NaN. Nothing was updated.
        """
        batch = self.open_batch(x, y, sample_weight)
        step = self.step
        for metric in step.metrics:
            metric.reset()
        try:
            with np.errstate(all="ignore"):
                return step(*batch)
        except FloatingPointError as error:
            done = step.optimizer.iterations
            raise diverged(error, step.optimizer, epoch=1, batch=done + 1) from None

    def compute_gradients(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the loss and leave its gradients in the layers; nothing is updated.

        The pass is one of training: `Dropout` masks, `BatchNorm` uses the batch. The generators of
        the masks are put back, so the same call gives the same result again.

        Parameters
        ----------
        x : array-like of shape (batch, input_dim)
            Inputs.
        y : array-like of shape (batch,) or (batch, units)
            Targets, as the loss wants them.
        sample_weight : array-like of shape (batch,), optional
            The rows' weights.

        Returns
        -------
        float
            The loss, penalties included.

        Raises
        ------
        DataError
            The data does not fit.
        """
        batch = self.open_batch(x, y, sample_weight)
        generators = [rng for layer in self.layers for rng in layer.random_generators()]
        states = [rng.bit_generator.state for rng in generators]
        try:
            loss = self.step.forward(*batch)
            self.step.backward()
        finally:
            for rng, state_before in zip(generators, states, strict=True):
                rng.bit_generator.state = state_before
        return loss

    # -- keeping -------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model into an HDF5 file, whole or not at all.

        Saved are the layers, parameters, gradients, layer states, optimizer with its memory,
        random generators, history, recording and names: the loaded model predicts and trains on as
        this one.

        Parameters
        ----------
        path : str or path
            Where to; a file that is there is replaced once the new one is complete.

        Raises
        ------
        RuntimeError
            The model is not built.
        OSError
            The file cannot be written; an old one is left as it was.
        TypeError, ValueError
            Something cannot be kept so that `load` would take it back, such as a weight that is
            NaN. No file was touched.
        """
        self.require_built()
        saving.write(path, *serialization.capture(self))

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], custom_objects: Mapping[str, type] | None = None
    ) -> Self:
        """Return the model that `save` wrote.

        Parameters
        ----------
        path : str or path
            The file.
        custom_objects : mapping of str to type, optional
            Classes that are not part of the library, by name.

        Raises
        ------
        ModelFileError
            The file is missing, damaged, or anything but what `save` writes; a stranger's file can
            do no more than that.
        """
        return saving.read(
            path, lambda config, arrays: serialization.restore(cls, config, arrays, custom_objects)
        )

    def __getstate__(self) -> dict[str, Any]:
        config, arrays = serialization.capture(self)
        copies = {name: array.copy() for name, array in arrays.items()}
        return {
            "config": config,
            "arrays": copies,
            "classes": serialization.custom_classes_of(self),
        }

    def __setstate__(self, content: dict[str, Any]) -> None:
        def make(*args: Any, **options: Any) -> Trainable:
            Trainable.__init__(self, *args, **options)  # whatever a subclass's takes
            return self

        serialization.restore(make, content["config"], content["arrays"], content["classes"])
