"""The base class of callbacks, and a list of callbacks that is called as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from ffnn._types import Array
from ffnn.core.checks import check_items
from ffnn.core.hints import Guarded
from ffnn.core.registry import call_of

Logs = dict[str, float]


class Callback(Guarded):
    """Hooks that do nothing; a subclass overrides those it needs.

    Attributes
    ----------
    model : Sequential
        The model in training.
    params : dict
        ``epochs``, ``initial_epoch``, ``steps`` (batches per epoch), ``verbose``, ``resumed``
        (whether an earlier training is continued), ``partial`` (whether later calls are meant to
        continue this one, as those of `partial_fit`), ``metrics``, the names that `logs` hold at
        the end of an epoch, and ``higher_is_better``, for each of them True, False, or None if its
        metric does not say.
    sees_every_batch : bool, default True
        Whether its batch hooks have to run at every batch; if not, a training with compiled loops
        may make many steps in one call and run them for the last one alone.

    Examples
    --------
    >>> from ffnn.callbacks import Callback
    >>> class Epochs(Callback):
    ...     count = 0
    ...
    ...     def on_epoch_end(self, epoch, logs):
    ...         self.count += 1
    """

    model: Any
    params: Mapping[str, Any]
    sees_every_batch: ClassVar[bool] = True  # else of several in one call maybe only the last one
    saves_model: ClassVar[bool] = False  # if so, its epoch ends after that of all others
    is_onlooker: ClassVar[bool] = False  # if so, a training is the same without it
    settings: ClassVar[tuple[str, ...]] = ()  # attributes that a resumed training must have alike

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.watch_arguments()

    def __repr__(self) -> str:
        return call_of(self)

    def on_train_begin(self, logs: Logs) -> None:
        """Run before the first epoch."""

    def on_train_end(self, logs: Logs) -> None:
        """Run after the last epoch, also where training was stopped or interrupted."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Run before epoch number `epoch`, counted from 0."""

    def on_validation_begin(self, epoch: int) -> None:
        """Run between an epoch's last batch and its validation, which sees the weights left here.

        It does not run in a training that validates nothing.
        """

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Run after an epoch; `logs` hold its loss and metrics, validation included."""

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Run before batch number `batch` of the epoch, counted from 0."""

    def on_forward_end(self, outputs: Mapping[str, Array]) -> None:
        """Run between a training batch's forward and backward pass, once its loss is known.

        A batch whose loss is not finite ends the training before this.

        Parameters
        ----------
        outputs : mapping of str to ndarray of shape (batch, units)
            Layer name → the layer's output for this batch, from the first layer to the last; where
            the loss takes the place of the last activation, the probabilities. They are the layers'
            live working memory, to be read in this hook and not later.
        """

    def on_backward_end(self) -> None:
        """Run after a training batch's backward pass and before the optimizer's update.

        ``self.model.gradients`` are this batch's, penalties included, taken at
        ``self.model.parameters``. Both are live, to be read in this hook.
        """

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Run after a batch and its update; ``logs["loss"]`` is the epoch's loss so far."""

    def follow_interrupt(self, interrupted: Callable[[], bool]) -> None:
        """Take a function that tells whether a signal is to end the training after the batch.

        A callback that lets a batch wait has to ask it.
        """

    def on_interrupt(self, number: int) -> None:
        """Run when signal `number`, such as Ctrl-C's, ends the training, before `on_train_end`.

        The model is as the last batch left it, and a training saved now can be resumed.
        """

    def close(self) -> None:
        """Release what `on_train_begin` opened; runs in every case, also after an error."""

    def get_state(self) -> dict[str, Any]:
        """Return what `set_state` needs when the training is resumed from a file.

        Returns
        -------
        dict
            Name → an integer, a finite number, a string, a list of these, None, or an array.
        """
        return {}

    def check_state(self, state: Mapping[str, Any], model: Any) -> None:
        """Raise an error if `state` is not one that `get_state` returns; called before any work.

        `model` is the one in the file that the state comes from.
        """

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what `get_state` returned; called after `on_train_begin`."""


class CallbackList:
    """Several callbacks, called in order: `first`, the user's `callbacks`, `last`.

    Attributes
    ----------
    users : list of Callback
        The user's, without onlookers.
    watches_batches : bool
        Whether any callback does something at the beginning or the end of a batch.
    watches_every_batch : bool
        Whether any of these has to see every batch.
    users_watch_batches : bool
        Whether any of `users` does, which may write into parameters there.
    watches_steps : bool
        Whether any does something within a step, after its forward or backward pass.

    Raises
    ------
    TypeError
        `callbacks` is not a sequence of callbacks.

    Examples
    --------
    >>> from ffnn.callbacks import CallbackList, EarlyStopping
    >>> callbacks = CallbackList([], [EarlyStopping()], [], model=None, params={})
    >>> len(callbacks.users), callbacks.watches_batches
    (1, False)
    """

    def __init__(
        self,
        first: Iterable[Callback],
        callbacks: Iterable[Callback] | None,
        last: Iterable[Callback],
        *,
        model: Any,
        params: Mapping[str, Any],
    ) -> None:
        given = [] if callbacks is None else check_items("fit", "callbacks", callbacks)
        self.callbacks = [*first, *given, *last]
        self.users = [each for each in given if not getattr(each, "is_onlooker", False)]
        self._begun: list[Callback] = []
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks: expected Callback objects, got {callback!r}")
            callback.model, callback.params = model, params
        # Hooks that a callback does not override do nothing and are not called.
        self._hooks: dict[str, list[Callable[..., None]]] = {
            name: [
                hook
                for each in self.callbacks
                if getattr(hook := getattr(each, name), "__func__", None) is not idle
            ]
            for name, idle in vars(Callback).items()
            if name.startswith("on_")
        }
        watching = [each for each in self.callbacks if _watches_batches(each)]
        self.users_watch_batches = any(each in watching for each in self.users)
        self.watches_every_batch = any(each.sees_every_batch for each in watching)
        has = self._hooks
        self.watches_batches = bool(has["on_train_batch_begin"] or has["on_train_batch_end"])
        self.watches_steps = bool(has["on_forward_end"] or has["on_backward_end"])

    def call(self, hook: str, *arguments: Any) -> None:
        """Call a hook of all callbacks that do anything in it."""
        for each in self._hooks[hook]:
            each(*arguments)

    def train_begin(self, interrupted: Callable[[], bool] = lambda: False) -> None:
        """Call all `on_train_begin`; `interrupted` tells whether Ctrl-C was pressed."""
        for callback in self.callbacks:
            callback.follow_interrupt(interrupted)
        for callback in self.callbacks:
            callback.on_train_begin({})
            self._begun.append(callback)

    def epoch_end(self, epoch: int, logs: Logs, *, saving: bool) -> None:
        """Call the `on_epoch_end` of those that save the model, or of all others."""
        for callback in self.callbacks:
            if callback.saves_model == saving:
                callback.on_epoch_end(epoch, logs)

    def close(self) -> None:
        """Call `close` of all that have begun."""
        for callback in self._begun:
            callback.close()


def _watches_batches(callback: Callback) -> bool:
    """Tell whether a callback does something at the beginning or the end of a batch."""
    hooks = ("on_train_batch_begin", "on_train_batch_end")
    return any(
        getattr(getattr(callback, name), "__func__", None) is not vars(Callback)[name]
        for name in hooks
    )
