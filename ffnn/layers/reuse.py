"""Layers that were trained before: kept as they are, or copied for another network."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ffnn._types import Array
from ffnn.core.checks import check_bool
from ffnn.core.memory import Buffered

if TYPE_CHECKING:
    from typing_extensions import Self


class Reusable(Buffered):
    """What every layer shares of being frozen and being copied.

    Attributes
    ----------
    switched : object
        Another one whenever `trainable` is set on any layer: whoever holds what follows from it
        sees at a glance whether that still holds.
    """

    kept: ClassVar[Mapping[str, Any]] = {"trainable": True}
    switched: ClassVar[object] = object()
    _trainable: bool = True

    @property
    def title(self) -> str:
        """What the layer is called in messages."""
        return type(self).__name__

    @property
    def params(self) -> Mapping[str, Array]:
        """Parameter name → its live values."""
        raise NotImplementedError

    @property
    def trainable(self) -> bool:
        """Whether training changes the layer; it may be set at any time.

        From the next step on, the parameters and the `state` of a layer where it is False are
        frozen: no update, weight decay or momentum reaches them, and what the optimizer remembers
        of them stands still, to be used again once they are trained again. `compute_gradients`
        fills their gradients all the same; a step of training goes back only as far as a layer is
        trained, and leaves the gradients below that at 0.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = check_bool(self.title, "trainable", value)
        Reusable.switched = object()

    @property
    def frozen(self) -> Collection[str]:
        """The names of the parameters that training leaves as they are."""
        return () if self.trainable else tuple(self.params)

    def freeze(self, names: Collection[str]) -> None:
        """Freeze the layer, all of whose parameters are frozen together, if any are named."""
        self.trainable = not names

    def __repr__(self) -> str:
        call = super().__repr__()
        return call if self.trainable else f"frozen {call}"

    def take_name(self, name: str) -> None:
        """Have the name that a model gives, "" if it is none of a model's."""
        self.__dict__["name"] = name

    def copy(self) -> Self:
        """Return a free layer with the same settings, values and state, for another model.

        A model takes it with its values, where an unbuilt layer gets initial ones. Generators, as
        those of `Dropout`, continue from where they are; `trainable` is as here.

        Examples
        --------
        >>> new = Sequential([*(layer.copy() for layer in old.layers[:-1]), Dense(3, "softmax")])
        """
        twin = copy.deepcopy(self)
        twin.take_name("")
        return twin

    def replica(self) -> Self:
        """Return a layer with the same parameters and state, and working memory of its own."""
        twin = object.__new__(type(self))
        for name, value in self.__getstate__().items():
            vars(twin)[name] = value.replica() if isinstance(value, Reusable) else value
        return twin

    __copy__ = replica
