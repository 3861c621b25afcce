"""One step: a batch forward, its loss, back, the penalties, the update."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from ffnn._types import Array
from ffnn.callbacks import CallbackList
from ffnn.core.memory import ParameterVector
from ffnn.data.batches import leave_out_absent, present_weights
from ffnn.layers.base import Layer, Stage
from ffnn.layers.chain import release, run_backward, run_forward, tap
from ffnn.losses import Loss
from ffnn.metrics import Metric
from ffnn.optimizers import Optimizer
from ffnn.optimizers.groups import Updates
from ffnn.regularizers import Regularizer
from ffnn.training.position import Sums
from ffnn.training.signals import Interrupt


class Ahead(Protocol):
    """What makes steps of the batches that come next; see `ffnn.training.ahead`."""

    def run(self, step: TrainStep, batches: Iterable[Any], sums: Sums) -> None:
        """Train on some of the next batches, or none, and add to the sums of an epoch."""


class Chain(Protocol):
    """All stages and the loss, computed in one forward and one backward call."""

    def takes(self, x: Array, y: Array, weight: Array | None) -> bool:
        """Tell whether it takes a batch, none of whose weights is 0; it is the next one then."""

    def forward(self) -> float | None:
        """Return the loss, whose output it sets; None if the batch has to go the layers' way."""

    def backward(self) -> None:
        """Fill all gradients."""

    def release(self) -> None:
        """Release the batch."""


def no_chain(stages: Sequence[Stage], loss: Loss) -> Chain | None:
    """Return None: all goes from stage to stage."""
    return None


@dataclass(eq=False)
class TrainStep:
    """One step of training on one batch, made from its parts."""

    stages: Sequence[Stage]  # without the last activation where `loss` takes its place
    layers: Sequence[Layer]  # that the stages belong to
    loss: Loss
    penalties: Sequence[Penalty]  # added to the loss and to the gradients
    vector: ParameterVector  # all parameters and gradients
    optimizer: Optimizer
    metrics: Sequence[Metric]
    update_all: Updates | None = None  # in place of the optimizer's own way
    chain: Chain | None = None  # in place of the stages and the loss
    compiled: Sequence[str] = ()  # the classes of the parts that compiled loops compute
    compile_stages: Callable[[Sequence[Stage]], Sequence[Stage]] = list  # by these loops
    make_chain: Callable[[Sequence[Stage], Loss], Chain | None] = field(
        default=no_chain, repr=False
    )
    ahead: Ahead | None = None  # makes many steps of the chain and the update in one call

    parts = 1  # that a batch is cut into

    target: Array | None = None  # of the rows of the last batch whose weight is not 0
    _callbacks: CallbackList | None = None
    _outputs: dict[str, Array] = field(default_factory=dict)  # by layer, for the callbacks
    _is_for_update: bool = False  # whether the next backward pass serves an update alone
    _is_chained: bool = False  # whether the last batch went through the chain

    def __post_init__(self) -> None:
        # Nothing before the first layer with parameters needs a gradient.
        has_params = [bool(stage.layer.params) for stage in self.stages]
        first = has_params.index(True) if any(has_params) else len(has_params)
        self.backward_stages = self.stages[first:][::-1]
        if self.backward_stages:
            self.backward_stages[-1].layer.needs_input_grad = False
        self.layers_by_updates = [layer for layer in self.layers if layer.updates is not None]
        self._follow_trainable()

    def _follow_trainable(self) -> None:
        """Find out what is trained, and how far back an update has to go for it."""
        self._switched = Layer.switched  # first, so that nothing that is set meanwhile is missed
        self.layers_with_state = [layer for layer in self.layers if layer.state and layer.trainable]
        of_stages = [stage.layer for stage in self.stages]
        self._apart = [  # which a chain does not know, as these are not among its parts
            layer
            for layer in (*self.layers_with_state, *self.layers_by_updates)
            if all(layer is not part for part in of_stages)
        ]
        self.vector.frozen = [layer.frozen for layer in self.layers]
        self.optimizer.regroup()
        passed = [stage.layer for stage in self.backward_stages]
        for layer in passed:
            if not layer.needs_input_grad and layer is not passed[-1]:  # of an earlier end
                layer.needs_input_grad = True
        trained = [len(layer.frozen) < len(layer.params) for layer in passed]
        count = len(trained) - trained[::-1].index(True) if any(trained) else 0
        self._end = passed[count - 1] if 0 < count < len(passed) else None
        self._update_stages = self.backward_stages[:count]
        kept = [grad for layer in passed[:count] for grad in layer.grads.values()]
        self._update_penalties = [
            penalty for penalty in self.penalties if any(penalty.grad is grad for grad in kept)
        ]
        self._passed_over = [grad for layer in passed[count:] for grad in layer.grads.values()]

    def aim(self, *, for_update: bool) -> None:
        """Choose how far back the next batch goes: as far as an update needs, or all the way."""
        if Layer.switched is not self._switched:
            self._follow_trainable()
        self._is_for_update = for_update
        if self._end is not None and self._end.needs_input_grad is for_update:
            self._end.needs_input_grad = not for_update
            for grad in self._passed_over if for_update else ():
                grad.fill(0.0)

    def compiled_by(
        self,
        compile_stages: Callable[[Sequence[Stage]], Sequence[Stage]],
        update_all: Updates | None,
        names: Sequence[str],
        chain: Chain | None = None,
        ahead: Ahead | None = None,
        make_chain: Callable[[Sequence[Stage], Loss], Chain | None] = no_chain,
    ) -> TrainStep:
        """Return the same step by parts some of which are compiled: those of `names`.

        `compile_stages` and `make_chain` return what does the same as the stages, and the loss,
        that they are given; replicas use them, too. With `update_all` None, the optimizer updates
        by its own way; with `chain` None, or where it does not take a batch, the batch goes from
        stage to stage; with `ahead` None each step is a call.
        """
        twin = copy.copy(self)
        twin.compile_stages, twin.stages = compile_stages, compile_stages(self.stages)
        twin.update_all, twin.compiled, twin.chain = update_all, names, chain
        twin.ahead, twin.make_chain = ahead, make_chain
        twin.__post_init__()
        return twin

    def watched_by(self, callbacks: CallbackList) -> TrainStep:
        """Return the same step, telling `callbacks` of what happens inside it."""
        twin = copy.copy(self)
        twin._callbacks, twin._outputs, twin.chain, twin.ahead = callbacks, {}, None, None

        def keep(stage: Stage, direction: str, output: Array) -> None:
            twin._outputs[stage.layer.name] = output

        twin.stages = tap(self.stages, after=keep)
        return twin

    def __call__(self, x: Array, y: Array, weight: Array | None) -> float:
        """Train on one batch and return its loss before the update, penalties included.

        Where the loss or the gradient is not finite, FloatingPointError is raised, and nothing is
        updated. Nor is it where all weights are 0.
        """
        loss = self.forward(x, y, weight, for_update=True)
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss became {loss}")
        assert self.target is not None
        if not len(self.target):
            return loss
        if self.metrics:
            weight = present_weights(weight)
            for metric in self.metrics:
                metric.measure(self.target, self.loss.output, weight)
        if self._callbacks is not None:
            last = self.layers[-1].stages()[-1].layer.name  # which the loss may have replaced
            outputs = {**self._outputs, last: self.loss.output}
            self._callbacks.call("on_forward_end", outputs)
        self.backward()
        if self._callbacks is not None:
            self._callbacks.call("on_backward_end")
            self.optimizer.forget_sizes()
        self.update()
        self.update_states()
        return loss

    def forward(self, x: Array, y: Array, weight: Array | None, for_update: bool = False) -> float:
        """Return the loss of one batch, penalties included; see `leave_out_absent`.

        With `for_update`, the `backward` that follows goes back only as far as a layer is trained.
        """
        is_new = Layer.switched is not self._switched or for_update is not self._is_for_update
        if is_new or self._end is not None:  # else the call would take time for nothing
            self.aim(for_update=for_update)
        given = weight
        x, y, weight = leave_out_absent(x, y, weight)
        self.target, loss = y, 0.0
        self.tell_updates()
        chained = None
        if self.chain is not None and weight is given and self._end is None:
            chained = self.chain.forward() if self.chain.takes(x, y, weight) else None
        self._is_chained = chained is not None
        if chained is not None:
            loss = chained
        elif len(y):
            output = run_forward(self.stages, x, training=True)
            loss = self.loss.forward(output, y, weight)
        for penalty in self.penalties:
            loss += penalty.value()
        return loss

    def tell_updates(self) -> None:
        """Tell the layers that may follow a schedule how many updates were made."""
        for layer in self.layers_by_updates:
            layer.updates = self.optimizer.iterations

    def follow(self, interrupt: Interrupt) -> Interrupt:
        """Return what says that a signal ends the training behind a batch: `interrupt` itself."""
        return interrupt

    @property
    def is_between_updates(self) -> bool:
        """Whether all batches so far had their update."""
        return True

    @property
    def is_plain(self) -> bool:
        """Whether a step is forward, loss, back, penalties, update, of all parameters, no more."""
        return self._is_chained and Layer.switched is self._switched and not self._apart

    def check_layers(self) -> None:
        """Raise FloatingPointError if a layer cannot follow the batch."""
        for layer in self.layers_with_state:
            layer.check_update()

    def update_states(self) -> None:
        """Let the layers that keep something of each batch, such as averages, do so."""
        for layer in self.layers_with_state:
            layer.update_state()

    def update(self) -> None:
        """Update the parameters by their gradients, unless a layer cannot follow the batch."""
        self.check_layers()
        if self.update_all is None:
            self.optimizer.step()
        else:
            self.optimizer.step(self.update_all)

    def backward(self) -> None:
        """Fill the gradients for the batch of the last `forward`."""
        assert self.target is not None
        short = self._is_for_update
        if self._is_chained:
            assert self.chain is not None
            self.chain.backward()
        elif len(self.target):
            stages = self._update_stages if short else self.backward_stages
            run_backward(stages, self.loss.backward())
        else:
            self.vector.gradients.fill(0.0)
        self.vector.has_gradients = True
        for penalty in self._update_penalties if short else self.penalties:
            penalty.add_gradient()

    def release(self) -> None:
        """Release the last batch, which may be the caller's own memory."""
        self.target = None
        release(self.stages)
        self.loss.release()
        if self.chain is not None:
            self.chain.release()


@dataclass(eq=False)
class EvaluationStep:
    """The loss and the metrics of one batch; nothing is trained.

    The parts are as for `TrainStep`, with working memory of their own where a training may run;
    `forward` sends a batch through the stages.
    """

    forward: Callable[[Array], Array]
    loss: Loss
    penalties: Sequence[Penalty]
    metrics: Sequence[Metric]

    def __post_init__(self) -> None:
        self._penalty = sum(penalty.value() for penalty in self.penalties)

    def __call__(self, x: Array, y: Array, weight: Array | None) -> float:
        """Return the loss of one batch, penalties included; see `leave_out_absent`."""
        given = weight
        x, y, weight = leave_out_absent(x, y, weight)
        if not len(y):
            return self._penalty
        output = self.forward(x)
        loss = self.loss.forward(output, y, weight)
        if self.metrics:
            given = present_weights(given)
            for metric in self.metrics:
                metric.measure(y, self.loss.output, given)
        return loss + self._penalty


class Penalty(NamedTuple):
    """A regularizer with the arrays that it works on."""

    regularizer: Regularizer
    w: Array
    grad: Array
    scratch: Array

    def value(self) -> float:
        """Return R(w)."""
        return self.regularizer.value(self.w, self.scratch)

    def add_gradient(self) -> None:
        """Add ∂R/∂w to the gradient."""
        self.regularizer.add_gradient(self.w, self.grad, self.scratch)


def make_penalties(
    layers: Sequence[Layer],
    vector: ParameterVector,
    regularizers: Callable[[Layer], Mapping[str, Regularizer]] | None = None,
) -> list[Penalty]:
    """Return the penalties of all layers whose parameters are laid out in `vector`.

    They are the layers' own, or those that `regularizers` gives for a layer's parameters by name.
    """
    rules_of = regularizers or (lambda layer: layer.regularizers())
    scratch = vector.views(vector.scratch)
    return [
        Penalty(rule, layer.params[name], layer.grads[name], scratch[index][name])
        for index, layer in enumerate(layers)
        for name, rule in rules_of(layer).items()
    ]
