"""Names that other libraries use: what they are called here.

Whoever comes from Keras, PyTorch or scikit-learn types their names. An argument, an attribute or an
option that is not there says what to write instead.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

from ffnn.core.checks import nearest

P = ParamSpec("P")
R = TypeVar("R")

# A name here, or what to do instead.
HINTS = {
    "alpha": "negative_slope of LeakyReLU, or alpha of ELU and CosineDecay",
    "activity_regularizer": "weight_regularizer",
    "add": "Sequential([Dense(64), Dense(10)]), which takes all layers at once",
    "batch_input_shape": "input_dim of Sequential",
    "betas": "beta_1 and beta_2",
    "clipvalue": "clipnorm",
    "criterion": "loss",
    "decay": "a schedule as learning_rate, such as InverseTimeDecay, or weight_decay of AdamW",
    "early_stopping": "callbacks=[EarlyStopping()] of fit",
    "eps": "epsilon",
    "epoch": "epochs",
    "fit_generator": "fit",
    "from_logits": "an activation 'softmax' or 'sigmoid' at the end; the loss computes from logits",
    "get_layer": "layers, such as model.layers[0]",
    "global_clipnorm": "clipnorm",
    "hidden_layer_sizes": "hidden",
    "in_features": "input_dim of Sequential",
    "input_dim": "input_dim of Sequential",
    "input_shape": "input_dim of Sequential",
    "kernel": "params['weight']",
    "kernel_initializer": "weight_initializer",
    "kernel_regularizer": "weight_regularizer",
    "load_state_dict": "set_weights",
    "load_weights": "ffnn.load_model, or set_weights",
    "lr": "learning_rate",
    "lr_scheduler": "a schedule as learning_rate",
    "max_epochs": "epochs",
    "max_iter": "epochs",
    "nb_epoch": "epochs",
    "num_epochs": "epochs",
    "n_epochs": "epochs",
    "out_features": "units",
    "output_dim": "units",
    "p": "rate",
    "pop": "Sequential([...]) with copies of the layers that remain",
    "predict_classes": "predict(x).argmax(axis=1)",
    "predict_on_batch": "predict",
    "predict_proba": "predict",
    "random_state": "seed",
    "save_weights": "save, or get_weights",
    "solver": "optimizer",
    "state_dict": "get_weights",
    "test_on_batch": "evaluate",
    "trainable_variables": "parameters",
    "trainable_weights": "parameters",
    "validation_fraction": "validation_split",
    "weights": "parameters, or get_weights",
}


def hint(name: str, known: Iterable[str]) -> str:
    """Return ``": use learning_rate"`` for another library's name, or what `nearest` returns."""
    ours = HINTS.get(name)
    return nearest(name, known) if ours is None else f": use {ours}"


def explain_names(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function whose error of an unknown keyword argument says what to write instead."""

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError:
            known = inspect.signature(function).parameters
            unknown = [name for name in kwargs if name not in known]
            if not unknown or any(each.kind is each.VAR_KEYWORD for each in known.values()):
                raise
        owner = function.__qualname__.removesuffix(".__init__").split(".")[-1]
        names = ", ".join(name for name in known if name != "self") or "none"
        raise TypeError(
            f"{owner}: there is no argument {unknown[0]!r}{hint(unknown[0], known)}; known: {names}"
        )

    return called


class Hinted:
    """A class whose constructor and attributes explain the names of other libraries."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = explain_names(cls.__init__)  # type: ignore[method-assign]

    def explain_absence(self, name: str) -> str:
        """Return what the error of an attribute that is not there says to do."""
        return f": use {HINTS[name]}" if name in HINTS else ""

    if not TYPE_CHECKING:  # for which every attribute would exist

        def __getattr__(self, name: str) -> NoReturn:
            """Raise AttributeError for an attribute that is not there."""
            if hasattr(type(self), name):
                object.__getattribute__(self, name)  # a property, whose own error counts
            advice = self.explain_absence(name)
            message = f"{type(self).__name__} has no attribute {name!r}{advice}"
            raise AttributeError(message, name=name, obj=self)
