"""`Compilable`: a network with a loss, an optimizer and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from ffnn._types import Array
from ffnn.core.checks import check_items
from ffnn.core.console import show
from ffnn.core.hints import explain_names
from ffnn.core.memory import ParameterVector
from ffnn.core.text import shorten
from ffnn.losses import LOSSES, Loss
from ffnn.metrics import METRICS, Metric, check_names, weigh
from ffnn.models.compiling import JitCompile, check_jit_compile
from ffnn.models.network import Network
from ffnn.optimizers import OPTIMIZERS, Optimizer
from ffnn.training.step import TrainStep, make_penalties

Metrics = Sequence[str | Metric | Callable[[Array, Array], float]]


class Compilable(Network):
    """A network that can be given a loss, an optimizer and metrics.

    Its `step` trains on one batch; it is there once the network is built and compiled.
    """

    settled: ClassVar[Mapping[str, str]] = {
        **Network.settled,
        **dict.fromkeys(
            ("optimizer", "loss", "metrics", "weighted_metrics", "jit_compile"),
            "call compile, which takes it",
        ),
    }
    optimizer: Optimizer | None = None
    loss: Loss | None = None
    metrics: Sequence[Metric] = ()
    weighted_metrics: Sequence[Metric] = ()
    all_metrics: Sequence[Metric] = ()  # as `evaluate` returns them
    compiled_parts: Sequence[str] = ()  # the classes that the last training ran compiled loops for
    step: TrainStep

    @explain_names
    def compile(
        self,
        optimizer: str | Optimizer = "sgd",
        loss: str | Loss = "mean_squared_error",
        metrics: Metrics | None = None,
        weighted_metrics: Metrics | None = None,
        jit_compile: JitCompile = "auto",
    ) -> None:
        """Choose how to train.

        Parameters
        ----------
        optimizer : str or Optimizer, default "sgd"
            The rule of the updates.
        loss : str or Loss, default "mean_squared_error"
            The function to minimise.
        metrics : sequence of str, Metric or function, optional
            What is reported besides the loss, each row counting once. A function
            ``f(y_true, y_pred)`` returns a number and is called with all rows of an epoch, see
            `ffnn.metrics.FunctionMetric`. A table, as "confusion_matrix" is, is reported by
            `evaluate` alone.
        weighted_metrics : sequence of str or Metric, optional
            What is reported with each row counting as much as it weighs: by `sample_weight`, in
            training multiplied by `class_weight`. One that is in `metrics` too is reported as
            "weighted_accuracy", say.
        jit_compile : bool or "auto", default "auto"
            Whether trainings and predictions run loops that numba has compiled
            (``pip install 'ffnn[fast]'``): the results are the same to the last bit, only faster.
            "auto" does so where numba is installed and the loops are expected to save more than a
            second of a training, about what loading them takes; predictions then run those that
            are loaded already. With True the first prediction loads them. The first training on a
            machine takes some seconds to compile them.

        Raises
        ------
        ImportError
            `jit_compile` is True, and numba is not there. Nothing was changed.
        ValueError
            A name is unknown, the loss cannot follow the last layer, two metrics have one name,
            a number becomes 0 or infinite in the model's dtype, or the optimizer already trains
            another model or names parameters that this one has not. Nothing was changed.
        TypeError
            A part is none, or cannot be copied, or a metric cannot be weighted. Nothing was
            changed.

        Examples
        --------
        >>> rate = ffnn.schedules.CosineDecay(0.01, decay_steps=1000)
        >>> optimizer = ffnn.optimizers.Adam(rate, clipnorm=1.0)
        >>> model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
        """
        new_optimizer = OPTIMIZERS.get(optimizer, "compile: optimizer")
        new_loss = LOSSES.get(loss, "compile: loss")
        plain = _get_metrics("metrics", metrics)
        weighted = _get_metrics("weighted_metrics", weighted_metrics)
        new_loss.check_output(self.last_activation)
        check_names(plain)
        check_names(weighted)
        together = [*plain, *weigh(weighted, [metric.name for metric in plain])]
        check_names(together)
        if self.input_dim is not None:
            new_optimizer.check_names(self.parameter_names(self.input_dim))
        for part in (new_optimizer, new_loss):
            part.check_clone("compile")
            part.check_numbers(self.dtype, f"compile: {type(part).__name__}")
        jit_compile = check_jit_compile(jit_compile)
        new_optimizer.claim(self)
        vars(self).update(
            optimizer=new_optimizer,
            loss=new_loss,
            metrics=plain,
            weighted_metrics=weighted,
            all_metrics=together,
            jit_compile=jit_compile,
        )
        self._make_step(self._vector)

    def take_jit_compile(self, value: JitCompile) -> None:
        """Have a choice that was made on a machine that may have had another numba, or one."""
        vars(self).update(jit_compile=value)
        self.renew_replicas()

    def _build(self, input_dim: int) -> ParameterVector:
        if self.optimizer is not None:
            self.optimizer.check_names(self.parameter_names(input_dim))
        vector = super()._build(input_dim)
        self._make_step(vector)
        return vector

    def _make_step(self, vector: ParameterVector | None) -> None:
        """Make the step, once built and compiled; only here are loss and last activation fused."""
        optimizer, loss = self.optimizer, self.loss
        if optimizer is None or loss is None or vector is None:
            return
        optimizer.bind(vector)
        *others, last = stages = self.stages
        fused = loss.fuse(self.last_activation) if last.layer is self.last_activation else None
        stages = stages if fused is None else others
        penalties = make_penalties(self.layers, vector)
        self.step = TrainStep(
            stages, self.layers, fused or loss, penalties, vector, optimizer, self.epoch_metrics
        )
        self.renew_replicas()

    def summary(self) -> None:
        """Print also which parts the last training ran compiled loops for, if it did.

        Examples
        --------
        >>> model.summary()
        name            layer                                    outputs    parameters
        ──────────────────────────────────────────────────────────────────────────────
        dense_1         Dense(32, activation=ReLU())                  32         2,080
        dense_2         Dense(10, activation=Softmax())               10           330
        ──────────────────────────────────────────────────────────────────────────────
        64 inputs, 2,410 trainable parameters (float32, 9.4 KiB)
        """
        super().summary()
        if self.compiled_parts:
            show(shorten(f"trained with compiled loops: {', '.join(self.compiled_parts)}", 78))

    def require_compiled(self) -> Loss:
        """Return the loss; raise RuntimeError if the model is not compiled."""
        if self.loss is None:
            raise RuntimeError("this model is not compiled: call compile(...) first")
        return self.loss

    @property
    def epoch_metrics(self) -> list[Metric]:
        """The metrics that each epoch reports: all but tables."""
        return [metric for metric in self.all_metrics if not metric.is_table]

    def copy_metrics(self) -> tuple[list[Metric], list[Metric]]:
        """Return copies of `metrics` and of `weighted_metrics`, for another model."""
        plain, weighted = self.metrics, self.weighted_metrics
        return [metric.clone() for metric in plain], [metric.clone() for metric in weighted]

    def directions(self, *, validated: bool) -> dict[str, bool | None]:
        """Return by name the numbers that an epoch reports: is higher better, None for not known.

        With `validated` they include those of validation.
        """
        own = {"loss": False} | {m.name: m.higher_is_better for m in self.epoch_metrics}
        return own | {f"val_{name}": better for name, better in own.items() if validated}

    def check_metrics(self, target: Array, units: int) -> None:
        """Raise an error if a metric cannot take targets that the loss has prepared.

        `units` is the number of outputs.
        """
        task = self.require_compiled().task_after(self.last_activation)
        for metric in self.all_metrics:
            metric.follow(task, units)
            metric.check_target(target)


def _get_metrics(name: str, given: Metrics | None) -> list[Metric]:
    """Return the metrics that an argument of `compile` has."""
    items = [] if given is None else check_items("compile", name, given)
    return [METRICS.get(each, f"compile: {name}") for each in items]
