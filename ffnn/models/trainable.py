"""`Trainable`: a network that is trained, resumed, saved and loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn import saving
from ffnn._types import Array, FileOrPath
from ffnn.callbacks import Callback, CallbackList, History
from ffnn.callbacks.recording import Recording
from ffnn.core.hints import explain_names
from ffnn.core.streams import check_place
from ffnn.data.batches import Batches
from ffnn.models import serialization
from ffnn.models.positioned import Positioned
from ffnn.models.resume import check_training, open_checkpoint
from ffnn.models.serialization import Content, Parts
from ffnn.schedules import Schedule
from ffnn.training.agreement import together
from ffnn.training.reporters import reporters
from ffnn.training.settings import Settings, check_shuffle

if TYPE_CHECKING:
    from typing_extensions import Self


class Trainable(Positioned):
    """A network that trains for epochs, and whose state can be kept and resumed.

    Views, explanations, diagnoses and checks work on it; users hold a `ffnn.Sequential`, which adds
    the methods that lead there and describes the parameters and attributes.
    """

    recording: Recording | Any = None  # None without a Recorder; Any spares readers a check

    @explain_names
    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        epochs: int = 1,
        learning_rate: float | None = None,
        verbose: int | str = "auto",
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, ...] | Callable[[], Any] | None = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        accumulate: int = 1,
        micro_batches: int = 1,
        workers: int = 1,
        distributed: bool = False,
        timeout: float = 300.0,
        resume_from: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train on rows and targets.

        Ctrl-C lets the batch finish, then ends the training and returns the history so far. Batches
        of one row, of which a `BatchNorm` learns nothing, cause a warning.

        Parameters
        ----------
        x : array-like, memmap, h5py dataset, `ffnn.data.Rows`, sparse matrix or callable
            Inputs (rows, input_dim). They stay as they are; a batch at a time is cast to the
            model's dtype. With an encoder also tables: a path, a data frame, a list of dicts. A
            callable returns an iterable of batches (x, y) or (x, y, weight), at each epoch anew.
        y : array-like of shape (rows,) or (rows, units), optional
            Targets, in the form that the loss expects. A table may come without, if the encoder was
            fitted with a target: rows without one are left out, with a warning. To such a model
            they may also be texts.
        batch_size : int, default 32
            Mini-batch size, in rows.
        epochs : int, default 1
            The number of the epoch to stop before, counted from 0.
        learning_rate : float, optional
            Replaces the optimizer's, for this training and later ones.
        verbose : {"auto", 0, 1, 2}, default "auto"
            0 shows nothing, 1 a progress bar, 2 a line an epoch; "auto" is 1 on a terminal or in
            a notebook, else 2.
        callbacks : sequence of Callback, optional
            Called at the beginning and at the end of the training, of epochs and of batches.
        validation_split : float, default 0.0
            The share of the rows, taken from the end, that are kept for validation, in [0, 1).
        validation_data : (x, y) or (x, y, sample_weight) or callable, optional
            Rows for validation.
        shuffle : bool or "blocks", default True
            Whether the rows come in a new order at each epoch. "blocks", for rows on disk, reads
            blocks of 64 rows in random order, and draws rows from many of them.
        class_weight : mapping of int to float, optional
            Class number → weight.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights. The loss is Σ w_i loss_i divided by the number of rows. A row of
            weight 0 is as if it were not there, but for that number: no layer, no statistics of a
            `BatchNorm` and no metric sees it.
        initial_epoch : int, default 0
            The first epoch's number.
        steps_per_epoch : int, optional
            The number of batches after which an epoch ends at the latest.
        accumulate : int, default 1
            The number of batches per update. The update is that of one batch of all their rows,
            which may then be larger than memory allows; an epoch's last one may have fewer.
            Schedules count updates; a `BatchNorm` normalises each batch by itself.
        micro_batches : int, default 1
            The number of parts, at most `batch_size`, that each batch is cut into. Their gradients
            are added in a fixed order: the update is that of the whole batch, but for rounding, in
            the memory of the parts. A `BatchNorm` normalises each part by itself, and a `Dropout`
            draws for each part, so results depend on it.
        workers : int, default 1
            The number of threads, at most `micro_batches`, that compute the parts; results are the
            same bits for any.
        distributed : bool, default False
            Whether to share the parts out among the processes that ``mpiexec`` has started, all of
            which make the same call (``pip install 'ffnn[mpi]'``). Results are the same bits for
            any number of them. Callbacks run in rank 0 alone, and all return with its results.
        timeout : float, default 300.0
            The seconds after which another process that does not answer is taken as lost, in
            distributed training: the whole job then ends with exit code 75.
        resume_from : str or path, optional
            A file of this model that was saved in a training, for example by `ModelCheckpoint`.
            Training resumes from there as if it had never stopped, with parameters, optimizer,
            history, generators, frozen layers and callbacks as they were. Data, validation,
            weights, seed, `trainable` of the layers and all settings must be those of that
            training; only `epochs`, `verbose`, `workers` and the files that callbacks write may
            differ.

        Returns
        -------
        History
            The losses and metrics of each epoch.

        Raises
        ------
        RuntimeError, TypeError, ValueError
            The model is not compiled, an argument is wrong, or `resume_from` is of another network,
            training or data. Nothing was changed.
        DataError
            The data does not fit the model or the loss, or is not finite. Nothing was trained; rows
            on disk are checked batch by batch.
        ModelFileError
            `resume_from` is not a model file, or is damaged. Nothing was changed.
        TrainingDivergedError
            The loss or the gradient became infinite or NaN; the parameters are the last finite
            ones.
        ImportError, RanksDifferError, RankLostError
            MPI is not installed; the processes were about to do different work, and nothing was
            changed; one of them computed something else.

        Examples
        --------
        >>> history = model.fit(x, y, epochs=3, validation_split=0.1, verbose=0)
        >>> list(history.history)
        ['loss', 'accuracy', 'val_loss', 'val_accuracy']
        """
        settings = Settings.check(
            *(batch_size, initial_epoch, epochs, steps_per_epoch),
            *(accumulate, micro_batches, workers, distributed, timeout),
        )
        with together(settings.ranks):
            reported, by_blocks = reporters(verbose), check_shuffle(shuffle)
            saved, settings = open_checkpoint(self, resume_from, settings, Trainable.load)
            given = x, y, sample_weight, class_weight, validation_split, validation_data
            data = self.open_training(*given, settings.steps_per_epoch)
            batches = settings.cut(data[0], self.shuffling if shuffle else None, by_blocks)
            directions = self.directions(validated=data[1] is not None)
            params = settings.describe(directions, len(batches), verbose, saved is not None)
            history = History() if saved is None or saved.history is None else saved.history
            called = CallbackList([history], callbacks, reported, model=self, params=params)
            rate = self._check_training(settings, batches, called, learning_rate, saved)
            return self._train(settings, batches, data[1], called, rate, saved)

    def _check_training(
        self,
        settings: Settings,
        batches: Batches,
        called: CallbackList,
        learning_rate: float | Schedule | None,
        saved: Trainable | None,
    ) -> float | Schedule:
        """Return the rate to train with; raise an error if the rest cannot be, or is another's."""
        settings.check_parts(batches, called)
        rate = self._check_rate(learning_rate)
        if saved is not None:
            reported = called.callbacks[0].params["metrics"]
            check_training(self.parts(), saved.parts(), rate, reported, called.users)
        return rate

    # -- keeping -------------------------------------------------------------------------------

    def save(self, path: FileOrPath) -> None:
        """Write the model into an HDF5 file, whole or not at all.

        Layers, parameters, gradients, layer states, the optimizer with its memory, random
        generators, history, recording and names are saved: the loaded model predicts and continues
        training as this one.

        Parameters
        ----------
        path : str, path or binary file
            Where to; a file that is there is replaced once the new one is complete. An open file
            gets the model at its position, in the place of all that follows.

        Raises
        ------
        OSError
            The file cannot be written; an old one is left as it was.
        TypeError, ValueError
            `load`, which reads all back before a file is touched, would refuse it: a weight that is
            NaN, an attribute of a layer that was changed.

        Examples
        --------
        >>> model.save("digits.h5")
        """
        place = check_place("save", "path", path, "write")
        self.require_built()
        own = self.parts().custom_objects()
        build = partial(Trainable.restore, custom_objects=own)  # whatever a subclass takes
        saving.write(place, *self.capture(), build)

    @classmethod
    def load(cls, path: FileOrPath, custom_objects: Mapping[str, Any] | None = None) -> Self:
        """Return the model that `save` wrote.

        A subclass must take ``cls(layers, dtype=..., seed=...)``; `ffnn.load_model` makes a
        `ffnn.Sequential` of any file.

        Parameters
        ----------
        path : str, path or binary file
            The file. Of an open one, what it holds from its position to its end.
        custom_objects : mapping of str to type or function, optional
            Classes, and functions as metrics, that are not part of the library, by name.

        Raises
        ------
        ModelFileError
            The file is missing, damaged, or anything but what `save` writes.
        TypeError
            The class is a subclass whose constructor does not take what it is called with, or
            makes another model of it.

        Examples
        --------
        >>> import ffnn
        >>> model = ffnn.Sequential([ffnn.layers.Dense(2)], input_dim=3, seed=0)
        >>> model.save("model.h5")
        >>> ffnn.Sequential.load("model.h5").input_dim  # as does ffnn.load_model
        3
        """
        place = check_place("load", "path", path, "read")
        serialization.check_classes(cls, custom_objects)
        if cls.__init__ is Trainable.__init__:
            return saving.read(place, partial(cls.restore, custom_objects=custom_objects))

        def check(config: dict[str, Any], arrays: dict[str, Array]) -> Content:
            Trainable.restore(config, arrays, custom_objects)  # whose errors are the file's
            return config, arrays

        config, arrays = saving.read(place, check)
        try:
            return cls.restore(config, arrays, custom_objects)
        except Exception as error:
            raise serialization.unfit_class(cls, error) from error

    def parts(self) -> Parts:
        """Return what is kept of the model."""
        own = {field.name: getattr(self, field.name) for field in fields(Parts)}
        return Parts(**own | {"dtype": self.dtype.name})

    def capture(self) -> Content:
        """Return the model as plain data and live arrays, from which `restore` makes it again."""
        return serialization.capture(self.parts())

    @classmethod
    def restore(
        cls,
        config: Mapping[str, Any],
        arrays: Mapping[str, Array],
        custom_objects: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return the model that `capture` described, or raise what `serialization.restore` does."""
        parts = serialization.restore(config, arrays, custom_objects)
        model = cls(parts.layers, dtype=parts.dtype, seed=parts.seed)
        if [*map(id, model.layers)] != [*map(id, parts.layers)]:
            raise ValueError("it has other layers than those that it was given")
        model._adopt(parts, arrays)
        return model

    def _adopt(self, parts: Parts, arrays: Mapping[str, Array]) -> None:
        """Become what `parts`, whose layers this network has taken, and `arrays` describe."""
        serialization.prepare(parts, arrays)
        self.entropy = parts.entropy
        if parts.input_dim is not None:
            self.build(parts.input_dim)
            self.require_built().has_gradients = parts.has_gradients
        if parts.optimizer is not None and parts.loss is not None:
            iterations = parts.optimizer.iterations
            self.compile(parts.optimizer, parts.loss, parts.metrics, parts.weighted_metrics)
            parts.optimizer.iterations = iterations
            self.take_jit_compile(parts.jit_compile)
        self.history, self.recording = parts.history, parts.recording
        self.encoder = parts.encoder
        self.class_names, self.feature_names = parts.class_names, parts.feature_names
        self.class_labels = parts.class_labels
        serialization.fill(replace(self.parts(), position=parts.position), arrays)
        self.generator_states = parts.generator_states
        self.hold_position(parts.position)

    def twin(self) -> Trainable:
        """Return a copy with arrays of its own."""
        return Trainable.restore(*self.capture(), self.parts().custom_objects())

    def as_double(self) -> Trainable:
        """Return a copy that computes in float64 from the same values, without what it recorded."""
        parts = replace(self.parts(), dtype="float64", recording=None, position=None)
        config, arrays = serialization.capture(parts)
        doubled = {name: array.astype(np.float64) for name, array in arrays.items()}
        return Trainable.restore(config, doubled, parts.custom_objects())

    def __getstate__(self) -> dict[str, Any]:
        config, arrays = self.capture()
        copies = {name: array.copy() for name, array in arrays.items()}
        return {"config": config, "arrays": copies, "classes": self.parts().custom_objects()}

    def __setstate__(self, content: dict[str, Any]) -> None:
        parts = serialization.restore(content["config"], content["arrays"], content["classes"])
        # Whatever a subclass's constructor takes.
        Trainable.__init__(self, parts.layers, dtype=parts.dtype, seed=parts.seed)
        self._adopt(parts, content["arrays"])
