"""``ffnn train --preset plain``: the network that the options describe."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from ffnn import callbacks
from ffnn.activations import ACTIVATIONS
from ffnn.cli.classes import TrainingData, target_scale
from ffnn.cli.exit_codes import usage_errors
from ffnn.cli.parts import normalizations, optimizer_defaults
from ffnn.cli.plan import describe_plan
from ffnn.cli.stored import some_rows
from ffnn.core.checks import nearest
from ffnn.data.batches import rows_kept
from ffnn.initializers import INITIALIZERS
from ffnn.layers import Dense, Dropout, Normalization, Rescaling
from ffnn.losses import LOSSES
from ffnn.optimizers import OPTIMIZERS, Optimizer
from ffnn.regularizers import L1L2
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    from ffnn.layers.base import Layer

_LARGEST_PIXEL = {"digits": 16.0}  # of other uint8 data: 255


class PlainPreset:
    """The network of the options, and how they say that it is trained.

    Parameters
    ----------
    args : Namespace
        The options. Unknown names are an error before any data is read.
    """

    is_single = True  # and no ensemble
    steps_per_epoch = None

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.batch_size = args, args.batch_size
        self.accumulate: int = args.accumulate
        with usage_errors(TypeError, ValueError):
            self.optimizer, self.hidden = _optimizer(args), _hidden_layers(args)
            if args.loss is not None:
                LOSSES.get(args.loss)

    def network(self, data: TrainingData) -> Sequential:
        """Return the network, compiled: column scaling, hidden layers, then classes or numbers.

        Of a table, the encoder scales the columns.
        """
        args = self.args
        layers = [*([] if data.encoder else [_first_layer(args, data)]), *self.hidden]
        if data.class_names is not None:
            layers.append(_dense(args, len(data.class_names), "softmax"))
            loss, metrics = "categorical_crossentropy", ["accuracy"]
        else:
            # Inside the network targets have mean 0 and standard deviation 1, whatever their unit;
            # the last layer brings them back. Weights that have to reach 200,000 learn nothing.
            units = 1 if data.y_train.ndim == 1 else data.y_train.shape[1]
            layers += [_dense(args, units), Rescaling(*target_scale(data))]
            loss, metrics = "mean_squared_error", ["mse", "r2"]
        model = Sequential(layers, seed=args.seed)
        if args.loss is not None and not _follows(args.loss, model):
            kind = "numbers" if data.class_names is None else "classes"
            fitting = (name for name, *_ in LOSSES.names() if _follows(name, model))
            raise argparse.ArgumentTypeError(
                f"--loss {args.loss} is not for {kind}; for {kind} there are {', '.join(fitting)}"
            )
        model.compile(self.optimizer, args.loss or loss, metrics)
        if len(data.x_train.shape) == 2:  # fit complains of any other shape
            model.build(data.x_train.shape[1])
        model.class_names, model.feature_names = data.class_names, data.feature_names
        model.encoder = data.encoder
        return model

    def callbacks(self) -> list[callbacks.Callback]:
        """Return what ends the training early."""
        args = self.args
        chosen: list[callbacks.Callback] = []
        if args.patience is not None:
            watched = "val_loss" if args.validation_split else "loss"
            chosen.append(callbacks.EarlyStopping(watched, patience=args.patience))
        if args.loss_threshold is not None:
            chosen.append(callbacks.LossThreshold(args.loss_threshold))
        return chosen

    def describe(self, data: TrainingData, model: Sequential) -> str:
        """Return with what the network is trained, and of a table for how long."""
        optimizer = self.optimizer
        assert model.loss is not None
        times = "" if self.args.accumulate == 1 else f" x {self.args.accumulate}"
        settings = (
            f"{OPTIMIZERS.name_of(optimizer)}, learning rate {optimizer.learning_rate:g}, "
            f"batch size {self.args.batch_size}{times}, loss {LOSSES.name_of(model.loss)}"
        )
        plan = "" if data.encoder is None else f"\n{describe_plan(self.args, len(data.y_train))}"
        return settings + plan


def _follows(loss: str, model: Sequential) -> bool:
    """Tell whether a loss can follow the end of a network."""
    try:
        LOSSES.get(loss).check_output(model.last_activation)
    except ValueError:
        return False
    return True


def _optimizer(args: argparse.Namespace) -> Optimizer:
    kind = OPTIMIZERS.class_named(args.optimizer)
    takers = optimizer_defaults("momentum")
    if args.momentum is not None and args.optimizer.lower() not in takers:
        raise argparse.ArgumentTypeError(f"--momentum belongs to --optimizer {', '.join(takers)}")
    given = {name: getattr(args, name) for name in ("learning_rate", "momentum", "clipnorm")}
    return kind(**{name: value for name, value in given.items() if value is not None})


def _hidden_layers(args: argparse.Namespace) -> list[Layer]:
    activations = args.activation
    if len(activations) == 1:
        activations = activations * len(args.hidden)
    if len(activations) != len(args.hidden):
        raise argparse.ArgumentTypeError(
            f"--activation: expected one name, or one for each of {len(args.hidden)} hidden "
            f"layers, got {len(activations)}",
        )
    known = {"none": None, **normalizations()}
    if args.normalization not in known:
        raise argparse.ArgumentTypeError(
            f"--normalization: unknown name {args.normalization!r}"
            f"{nearest(args.normalization, known)}; known: {', '.join(known)}"
        )
    normalization = known[args.normalization]
    layers: list[Layer] = []
    for units, activation in zip(args.hidden, activations, strict=True):
        if normalization is None:
            layers.append(_dense(args, units, activation))
        else:
            layers += [_dense(args, units), normalization(), ACTIVATIONS.get(activation)]
        if args.dropout:
            layers.append(Dropout(args.dropout))
    return layers


def _dense(args: argparse.Namespace, units: int, activation: str | None = None) -> Dense:
    return Dense(
        units,
        activation,
        weight_initializer=INITIALIZERS.get(args.initializer),
        weight_regularizer=L1L2(args.l1, args.l2) if args.l1 or args.l2 else None,
    )


def _first_layer(args: argparse.Namespace, data: TrainingData) -> Layer:
    if data.x_train.dtype == np.uint8:
        return Rescaling(1.0 / _LARGEST_PIXEL.get(args.data, 255.0))
    x = data.x_train
    kept = rows_kept(len(x), args.validation_split)
    return Normalization().adapt(some_rows(x, np.arange(kept)) if kept < len(x) else x)
