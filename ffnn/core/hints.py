"""Names that other libraries use: what they are called here.

Whoever comes from Keras, PyTorch or scikit-learn types their names. An argument, an attribute or an
option that is not there says what to write instead.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, ParamSpec, TypeVar

from ffnn.core.checks import nearest
from ffnn.core.text import shown

P = ParamSpec("P")
R = TypeVar("R")

_NEARLY = 0.8  # how much an attribute that is set may resemble a known one

# A name here, or what to do instead.
HINTS = {
    "alpha": "negative_slope of LeakyReLU, initial_slope of PReLU, or alpha of ELU and CosineDecay",
    "activity_regularizer": "weight_regularizer",
    "accumulate_grad_batches": "accumulate of fit",
    "add": "Sequential([Dense(64), Dense(10)]), which takes all layers at once",
    "apply_class_balancing": "alpha, which balances as soon as it is given",
    "batch_input_shape": "input_dim of Sequential",
    "betas": "beta_1 and beta_2",
    "clipvalue": "clipvalue of the optimizer",
    "criterion": "loss",
    "decay": "a schedule as learning_rate, such as InverseTimeDecay, or weight_decay of AdamW",
    "early_stopping": "callbacks=[EarlyStopping()] of fit",
    "eps": "epsilon",
    "epoch": "epochs",
    "fit_generator": "fit",
    "from_logits": "an activation 'softmax' or 'sigmoid' at the end; the loss computes from logits",
    "get_layer": "layers, such as model.layers[0]",
    "gradient_accumulation_steps": "accumulate of fit",
    "global_clipnorm": "clipnorm",
    "hidden_layer_sizes": "hidden",
    "in_features": "input_dim of Sequential",
    "input_dim": "input_dim of Sequential",
    "input_shape": "input_dim of Sequential",
    "kernel": "params['weight']",
    "kernel_initializer": "weight_initializer",
    "kernel_regularizer": "weight_regularizer",
    "label_smoothing": "label_smoothing of CategoricalCrossentropy or BinaryCrossentropy",
    "load_state_dict": "set_weights",
    "load_weights": "ffnn.load_model, or set_weights",
    "lr": "learning_rate",
    "lr_scheduler": "a schedule as learning_rate",
    "max_epochs": "epochs",
    "max_iter": "epochs",
    "momentum": "momentum of SGD, or beta_1 of Adam",
    "nb_epoch": "epochs",
    "num_epochs": "epochs",
    "n_epochs": "epochs",
    "out_features": "units",
    "output_dim": "units",
    "p": "rate",
    "param_groups": "learning_rate_factors of the optimizer, or decay_exclude of AdamW",
    "exclude_from_weight_decay": "decay_exclude of AdamW",
    "pop": "Sequential([...]) of copy() of the layers that remain",
    "predict_classes": "predict(x).argmax(axis=1)",
    "predict_on_batch": "predict",
    "predict_proba": "predict",
    "random_state": "seed",
    "requires_grad": "trainable of a layer, such as model.layers[0].trainable = False",
    "save_weights": "save, or get_weights",
    "solver": "optimizer",
    "state_dict": "get_weights",
    "test_on_batch": "evaluate",
    "trainable": "trainable of a layer, such as model.layers[0].trainable = False",
    "trainable_variables": "parameters",
    "trainable_weights": "parameters",
    "validation_fraction": "validation_split",
    "weight_decay": "AdamW, or weight_regularizer of a layer",
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
        if args and type(args[0]).__init__ is called:  # which the class may have inherited
            owner = type(args[0]).__name__
        names = ", ".join(name for name in known if name != "self") or "none"
        raise TypeError(
            f"{owner}: there is no argument {shown(unknown[0])}{hint(unknown[0], known)}; "
            f"known: {names}"
        )

    return called


class Foreign:
    """Another library's name for something of ours: it is not there, and cannot be set either.

    A class of the user's may use the name as it likes.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, holder: Hinted | None, cls: type | None = None) -> Any:
        if holder is None or self._name not in vars(holder):
            raise AttributeError(self._name)  # which `Hinted.__getattr__` then explains
        return vars(holder)[self._name]

    def __set__(self, holder: Hinted, value: Any) -> None:
        if is_ours(type(holder)):
            raise _absent(holder, self._name, holder.explain_absence(self._name))
        vars(holder)[self._name] = value


class Argument:
    """An argument of a constructor, which is checked again where it is changed later.

    Nothing is defined for reading it, which is as quick as for any other attribute.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __set__(self, holder: Hinted, value: Any) -> None:
        if self._name in vars(holder) and is_ours(type(holder)):
            value = holder.changed(self._name, value)
        vars(holder)[self._name] = value


def is_ours(cls: type) -> bool:
    """Tell whether a class is one of the library, and not of a user."""
    return cls.__module__.partition(".")[0] == __name__.partition(".")[0]


def _absent(holder: Hinted, name: str, advice: str) -> AttributeError:
    message = f"{type(holder).__name__} has no attribute {name!r}{advice}"
    return AttributeError(message, name=name, obj=holder)


@functools.cache
def _settable(cls: type) -> frozenset[str]:
    """Return the names of arguments and attributes that objects of a class may have."""
    names = set(inspect.signature(cls).parameters)
    for base in cls.__mro__:
        names.update(inspect.get_annotations(base))
        names.update(name for name, value in vars(base).items() if not callable(value))
    return frozenset(name for name in names if not name.startswith("_"))


class Hinted:
    """A class whose constructor and attributes explain the names of other libraries.

    Attributes
    ----------
    hints : mapping of str to str
        Names that this class is asked for besides `HINTS`, and that cannot be set: what to write
        instead.
    """

    hints: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = explain_names(cls.__init__)  # type: ignore[method-assign]
        for name in vars(cls).get("hints", ()):
            setattr(cls, name, Foreign(name))

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in self.hints or hasattr(self, name)]

    def explain_absence(self, name: str) -> str:
        """Return what the error of an attribute that is not there says to do."""
        ours = self.hints.get(name) or HINTS.get(name)
        return "" if ours is None else f": use {ours}"

    @classmethod
    def watch_arguments(cls) -> None:
        """Have the arguments of the library's own constructor checked whenever they are set."""
        if "__init__" in vars(cls) and is_ours(cls):
            for name in inspect.signature(cls).parameters:
                if not hasattr(cls, name):
                    setattr(cls, name, Argument(name))

    def changed(self, name: str, value: Any) -> Any:
        """Return what an argument that is set later becomes, or raise what the constructor does."""
        names = inspect.signature(type(self)).parameters
        arguments = {each: getattr(self, each) for each in names} | {name: value}
        return getattr(type(self)(**arguments), name)

    if not TYPE_CHECKING:  # for which every attribute would exist

        def __getattr__(self, name: str) -> NoReturn:
            """Raise AttributeError for an attribute that is not there."""
            if hasattr(type(self), name):
                object.__getattribute__(self, name)  # a property, whose own error counts
            advice = self.explain_absence(name)
            message = f"{type(self).__name__} has no attribute {name!r}{advice}"
            raise AttributeError(message, name=name, obj=self)


class Guarded(Hinted):
    """A class of which no attribute is set that would have no effect.

    AttributeError is raised for another library's name and for one that is nearly an argument's.
    Classes of the user's may set any. As it takes 0.2 µs, it is not for parts whose attributes are
    set at every step.

    Attributes
    ----------
    settled : mapping of str to str
        The attributes that only a call makes, which writes them past the guard: what to do instead
        of setting them.
    """

    settled: ClassVar[Mapping[str, str]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.settled and is_ours(type(self)):
            advice = self.settled[name]
            raise AttributeError(f"{type(self).__name__}: {name} cannot be set; {advice}")
        if name[0] != "_" and name not in self.__dict__ and is_ours(type(self)):
            known = _settable(type(self))  # type: ignore[arg-type]
            if name not in known:
                advice = self.explain_absence(name) or nearest(name, known, _NEARLY)
                if advice:
                    raise _absent(self, name, advice)
        object.__setattr__(self, name, value)
