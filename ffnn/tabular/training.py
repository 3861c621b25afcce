"""Training one network for a table as its recipe says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.callbacks import Callback, EarlyStopping, Logs
from ffnn.layers import Rescaling
from ffnn.losses import Loss, MeanSquaredError, SparseCategoricalCrossentropy
from ffnn.models.trainable import Trainable
from ffnn.tabular.network import make_optimizer
from ffnn.tabular.recipe import Recipe
from ffnn.tabular.start import start_from_rows


class Rows(NamedTuple):
    """Encoded rows, and their class numbers or numbers."""

    x: Array  # (rows, features)
    y: Array  # (rows,)


class BestAverage(EarlyStopping):
    """Validate the moving average of the weights, and restore the best one.

    After each epoch a ← β a + (1 - β) w, a being w at first. Validation sees a, which changes less
    between epochs than w and predicts new rows better; training continues with w.
    It ends with a wave of the learning rate that has brought no better epoch, but not before
    `fewest_updates`: what so few have brought tells nothing. Nor does a wave of fewer epochs than
    `least_wave`, which is over before the average has followed.

    Parameters
    ----------
    monitor : str
        The number to watch, of the validation.
    waves : sequence of int
        After how many epochs the waves end, in ascending order.
    beta : float, default 0.75
        β. It is no setting of its own to a training that is resumed, as it follows from the waves.

    References
    ----------
    Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on
    Control and Optimization 1992. Izmailov et al., "Averaging weights leads to wider optima and
    better generalization", UAI 2018.
    """

    settings = ("monitor", "waves")
    fewest_updates = 300
    least_wave = 16  # epochs

    def __init__(self, monitor: str, waves: Sequence[int], beta: float = 0.75) -> None:
        super().__init__(monitor)
        self.waves, self.beta = list(waves), beta

    def on_train_begin(self, logs: Logs) -> None:
        """Begin to watch."""
        super().on_train_begin(logs)
        self._average: Array | None = None
        self._kept: Array | None = None  # w, while the model has the average

    def on_validation_begin(self, epoch: int) -> None:
        """Let the validation see the average."""
        w = self.model.parameters
        self._kept = w.copy()
        if self._average is None:
            self._average = w.copy()
        self._average *= self.beta
        self._average += (1.0 - self.beta) * w
        w[...] = self._average

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Remember a better average, go on with w, and end with a wave that was in vain."""
        if self._improves(logs):
            self.best_epoch, self._best_weights = epoch, self.model.get_weights()
        self.close()
        if epoch + 1 in self.waves and self.model.optimizer.iterations >= self.fewest_updates:
            begun = max((end for end in self.waves if end <= epoch), default=0)
            if self.best_epoch < begun <= epoch + 1 - self.least_wave:
                self.stopped_epoch, self.model.stop_training = epoch, True

    def close(self) -> None:
        """Give the model its own weights back."""
        if self._kept is not None:
            self.model.parameters[...] = self._kept
        self._kept = None

    def get_state(self) -> dict[str, Any]:
        """Return what `EarlyStopping` does, and the average."""
        return super().get_state() | ({} if self._average is None else {"average": self._average})

    def check_state(self, state: Mapping[str, Any], model: Any) -> None:
        """Raise ValueError if this is not such a state of `model`."""
        super().check_state(state, model)
        average, w = state.get("average", model.parameters), model.parameters
        if (average.shape, average.dtype) != (w.shape, w.dtype) or not np.isfinite(average).all():
            raise ValueError(
                "BestAverage: the average holds NaN or infinity, or fits no such model"
            )

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take what `EarlyStopping` does, and the average."""
        super().set_state(state)
        self._average = np.array(state["average"]) if "average" in state else None


def prepare(model: Trainable, recipe: Recipe, rows: Rows) -> None:
    """Compile and build a network of the layers that `make_layers` made for `recipe`."""
    loss: Loss = MeanSquaredError()
    if not recipe.is_regression:
        loss = SparseCategoricalCrossentropy(recipe.label_smoothing)
    metrics = [] if recipe.is_regression else ["accuracy"]
    features = rows.x.shape[1]
    model.compile(make_optimizer(recipe, model.parameter_names(features)), loss, metrics)
    model.take_jit_compile(recipe.jit_compile)
    model.build(features)


def train(
    model: Trainable,
    recipe: Recipe,
    rows: Rows,
    held_out: Rows,
    rng: np.random.Generator,
    callbacks: Sequence[Callback] = (),
    verbose: int = 0,
) -> None:
    """Train a new network on rows, and restore the averaged weights that were best on others.

    Parameters
    ----------
    model : Trainable
        A network of the layers that `make_layers` made for `recipe`.
    recipe : Recipe
        How long and how fast it is trained.
    rows, held_out : Rows
        To train on, and to find the best epoch with.
    rng : Generator
        Draws where the weights begin.
    callbacks : sequence of Callback
        Called in the training.
    verbose : int, default 0
        What is shown, as by `fit`.
    """
    prepare(model, recipe, rows)
    start_from_rows(model, rows.x, rng)
    model.fit(
        *rows,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        verbose=verbose,
        callbacks=[best_average(recipe), *callbacks],
        steps_per_epoch=recipe.steps_per_epoch,
        validation_data=(*held_out, _loss_unit(model, held_out)),
        sample_weight=_loss_unit(model, rows),
    )


def best_average(recipe: Recipe) -> BestAverage:
    """Return what restores the best weights of a training."""
    return BestAverage("val_loss", recipe.waves, recipe.averaging)


def _loss_unit(model: Trainable, rows: Rows) -> Array | None:
    """Return weights that measure the loss of numbers in units of their own scale."""
    scales = [layer.scale for layer in model.layers if isinstance(layer, Rescaling)]
    return np.full(len(rows.y), scales[0] ** -2) if scales else None
