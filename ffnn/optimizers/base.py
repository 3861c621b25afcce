"""What optimizers share."""

from __future__ import annotations

import math
import weakref
from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.core.hints import Guarded
from ffnn.core.memory import Buffered, ParameterVector, aligned_full
from ffnn.core.registry import Family
from ffnn.core.sums import norm
from ffnn.optimizers.clipping import check_bounds, clip
from ffnn.optimizers.groups import Block, Updates, check_factors, check_known, cut, group, own_name
from ffnn.optimizers.room import FAR, LIMITS, NO_ROOM, Room
from ffnn.optimizers.undo import update_or_undo
from ffnn.schedules import Schedule


class Optimizer(Guarded, Buffered):
    """A rule for one update of all parameters.

    Parameters
    ----------
    learning_rate : float or Schedule
        η, at least 0, or a schedule that gives it.
    clipnorm : float, optional
        The largest norm of the whole gradient, frozen layers left out: a longer g is replaced by
        g · clipnorm / ‖g‖ in the update (`model.gradients` keep their true values).
    clipvalue : float, optional
        The largest size of each entry of g: one beyond it becomes ± clipvalue in the update. It
        cannot be given together with `clipnorm`.
    learning_rate_factors : mapping of str to float, optional
        Name of parameters, such as ``"bias"`` or ``"gamma"`` → the factor, at least 0, of η for
        these; for others it is 1.

    Attributes
    ----------
    iterations : int
        The number of updates made so far.
    non_negative : tuple of str
        The names of the slots that are never below 0, such as sums of squares.

    Examples
    --------
    >>> import ffnn
    >>> import numpy as np
    >>> class SignDescent(ffnn.optimizers.Optimizer):  # w ← w - η sign(g)
    ...     def update(self, rate, w, g, scratch):
    ...         w -= rate * np.sign(g, out=scratch)
    >>> model = ffnn.Sequential.from_sizes([2, 1], "linear", seed=0)
    >>> model.compile(SignDescent(0.5), "mean_squared_error")
    >>> before = model.get_weights()[0]
    >>> loss = model.train_on_batch([[1.0, 1.0]], [[100.0]])
    >>> (model.get_weights()[0] - before).round(3).tolist()
    [[0.5, 0.5]]
    """

    non_negative: ClassVar[tuple[str, ...]] = ()
    _vector: ParameterVector | None = None

    def __init__(
        self,
        learning_rate: float | Schedule,
        clipnorm: float | None = None,
        learning_rate_factors: Mapping[str, float] | None = None,
        clipvalue: float | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.learning_rate_factors = learning_rate_factors
        self.clipnorm, self.clipvalue = check_bounds(type(self).__name__, clipnorm, clipvalue)
        self.iterations = 0
        self._slots: dict[str, Array] = {}
        self._safe = NO_ROOM
        self._owner: weakref.ref[object] | None = None

    @property
    def formulas(self) -> Formulas:
        """Its mathematics; without its own, a function of w and g."""
        return Formulas(update=("w ← update(w, g)",))

    @property
    def slot_names(self) -> tuple[str, ...]:
        """The names of the vectors that the rule remembers."""
        return ()

    @property
    def slots(self) -> dict[str, Array]:
        """The rule's memory by name, live vectors of the size of the parameter vector."""
        self.forget_sizes()  # whoever asks for them may write into them
        return self._slots

    def numbers(self) -> dict[str, float]:
        """Return the numbers besides η, which may fall below all dtypes in a long training."""
        own = super().numbers()
        own.pop("learning_rate", None)
        return own

    @property
    def learning_rate(self) -> float | Schedule:
        """The learning rate as it was set; it may be set again at any time."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float | Schedule) -> None:
        if not isinstance(value, Schedule):
            value = check_number(type(self).__name__, "learning_rate", value, low=0.0)
        self._learning_rate = value

    @property
    def current_learning_rate(self) -> float:
        """η of the next update."""
        rate = self._learning_rate
        return float(rate(self.iterations)) if isinstance(rate, Schedule) else rate

    @property
    def learning_rate_factors(self) -> dict[str, float] | None:
        """Name of parameters → the factor of η for these, a copy; it may be set again."""
        return None if self._factors is None else dict(self._factors)

    @learning_rate_factors.setter
    def learning_rate_factors(self, value: Mapping[str, float] | None) -> None:
        factors = None if value is None else check_factors(type(self).__name__, value)
        self.check_set("learning_rate_factors", factors or ())
        self._factors = factors
        self.regroup()

    @property
    def schedules(self) -> dict[str, Schedule]:
        """The schedules that it follows, by the sign of what they give in its formulas."""
        rate = self._learning_rate
        return {"η": rate} if isinstance(rate, Schedule) else {}

    def own_numbers(self, name: str) -> dict[str, float]:
        """Return, by its sign in formulas, what the parameters of a name have as their own.

        It is f, the factor of η; `update` is given other signs as keyword arguments.
        """
        return {} if self._factors is None else {"f": self._factors.get(own_name(name), 1.0)}

    def named(self) -> dict[str, list[str]]:
        """Return argument → the names of parameters in it."""
        return {"learning_rate_factors": list(self._factors or ())}

    def check_names(self, known: Collection[str]) -> None:
        """Raise ValueError if an argument names parameters that are not among the `known`."""
        for argument, names in self.named().items():
            check_known(type(self).__name__, argument, names, known)

    def check_set(self, argument: str, names: Iterable[str]) -> None:
        """Do the same for an argument that is set, if the parameters are known already."""
        if self._vector is not None:
            known = {own_name(name) for name, _, _ in self._vector.stretches()}
            check_known(type(self).__name__, argument, names, known)

    def claim(self, owner: object) -> None:
        """Bind the optimizer to one model; raise ValueError if it trains another already."""
        current = None if self._owner is None else self._owner()
        if current is not None and current is not owner:
            raise ValueError(
                f"this {type(self).__name__} already trains another model and holds its memory; "
                f"create a new one"
            )
        self._owner = weakref.ref(owner)

    def bind(self, vector: ParameterVector) -> None:
        """Set the parameters that every `step` updates; new ones get fresh memory."""
        if self._vector is not vector:
            size, dtype = vector.values.size, vector.values.dtype
            self._slots = {name: aligned_full(size, dtype, 0.0) for name in self.slot_names}
            self._vector, self.iterations = vector, 0
            self._limits = LIMITS[dtype.char]
            self.regroup()

    def regroup(self) -> None:
        """Cut the vectors for `update`, which is called for parameters with the same own numbers.

        A subclass calls it when what `own_numbers` returns has changed, a training when other
        parameters are frozen: these are in no block.
        """
        if self._vector is None:
            return
        self._groups = group(self._vector, self.own_numbers)
        self._trained = [part for _, part in group(self._vector, lambda _: {})]
        self._is_whole = self._trained == [slice(0, self._vector.values.size)]
        self._largest_factor = max((own.get("f", 1.0) for own, _ in self._groups), default=1.0)
        self._blocks = self._cut(self._vector.gradients)
        self.forget_sizes()

    def forget_sizes(self) -> None:
        """Note that parameters or memory may have been written to: the next step measures them.

        Whoever kept the arrays may write at any time, so a training says so after it has called
        what is not its own.
        """
        self._safe = NO_ROOM

    def check_memory(self) -> None:
        """Raise ValueError, which begins with a slot's name, if it holds what no update leaves."""
        for name, slot in self.slots.items():
            if not np.isfinite(slot).all():
                raise ValueError(f"{name}: expected numbers, got NaN or infinity")
            if name in self.non_negative and slot.min(initial=0.0) < 0.0:
                raise ValueError(f"{name}: expected numbers of at least 0, got {slot.min():g}")

    def step(self, update_all: Updates | None = None) -> None:
        """Update the parameters once, by their gradients.

        Parameters
        ----------
        update_all : callable, optional
            What does the same as `update` of each block, to the last bit.

        Raises
        ------
        FloatingPointError
            The gradient, the update or what it leads to is infinite, NaN, or near it; nothing was
            updated.
        """
        if self._vector is None:
            raise RuntimeError(f"{type(self).__name__} belongs to no model; pass it to compile")
        g, rate, blocks = self._vector.gradients, self.current_learning_rate, self._blocks
        length = norm(g) if self._is_whole else self.norm_of_trained(g)  # which takes 1 µs more
        limit = self.clipnorm or self.clipvalue
        if limit is not None and limit < length < math.inf:
            clipped = self.array("clipped", g.size, dtype=g.dtype)
            length = clip(g, length, self.clipnorm, self.clipvalue, out=clipped)
            blocks = self._cut(clipped)
        largest_norm, largest_update, largest = self._limits
        peak = rate * self._largest_factor
        if not length < largest_norm:
            raise FloatingPointError(f"the norm of the gradient became {length:g}")
        if not peak * max(length, 1.0) < largest_update:
            raise FloatingPointError("the update became too large for the weights")
        until, safe_rate, safe_norm = self._safe  # for so long, updates up to these cannot fail
        is_safe = self.iterations < until and peak <= safe_rate and length <= safe_norm
        if is_safe or self._look_ahead(peak, length, largest):
            (update_all or self._update)(rate, blocks)
        else:
            self._update_or_undo(rate, blocks, update_all or self._update)
        self.__dict__["iterations"] += 1  # whose name needs no check

    def bound(self, updates: int, rate: float, norm: float, w: float, *memory: float) -> float:
        """Return a bound on all numbers during the next updates; infinite if none is known.

        Where it is finite in the parameters' dtype, no update can fail. Else all is copied before
        each update and looked at after it, which costs a rule that gives no bound some time.

        Parameters
        ----------
        updates : int
            How many updates are to come.
        rate, norm : float
            The largest η and the largest norm of g in them; the norm bounds each entry of g.
        w : float
            The bound on each |w| before them.
        *memory : float
            The same for each slot, in the order of `slot_names`.

        Returns
        -------
        float
            A bound on each |w|, each number of the slots, and what is computed on the way.
        """
        return math.inf

    def foresee(self) -> Room:
        """Return the room of updates that cannot fail, are of all parameters and not clipped."""
        room, limits = self._safe, self._limits
        room = room._replace(norm=min(room.norm, self.clipnorm or self.clipvalue or math.inf))
        is_far = room.norm < limits.norm and room.rate * max(room.norm, 1.0) < limits.update
        return room if self._is_whole and is_far else NO_ROOM

    @property
    def blocks(self) -> list[Block]:
        """What `update` is called for, one after another."""
        return self._blocks

    def _look_ahead(self, rate: float, norm: float, largest: float) -> bool:
        """Tell whether this update cannot fail, and note for how many more that holds."""
        sizes = self._measure()
        for updates, factor in ((FAR, 16.0), (1, 1.0)):
            safe_rate, safe_norm = factor * rate, factor * norm
            if self.bound(updates, safe_rate, safe_norm, *sizes) < largest:
                self._safe = Room(self.iterations + updates, safe_rate, safe_norm)
                return True
        return False

    def _measure(self) -> tuple[float, ...]:
        """Return bounds on the numbers as they are; infinite where a slot is wrongly negative."""
        assert self._vector is not None
        memory = (
            self.norm_of_trained(slot)
            if name not in self.non_negative or slot.min(initial=0.0) >= 0.0
            else math.inf
            for name, slot in self._slots.items()
        )
        return (self.norm_of_trained(self._vector.values), *memory)

    def _update(self, rate: float, blocks: list[Block]) -> None:
        for factor, own, arrays in blocks:
            self.update(rate * factor, *arrays, **own)

    def _update_or_undo(self, rate: float, blocks: list[Block], update_all: Updates) -> None:
        """Update, unless that makes a number infinite or NaN: then all is as it was before."""
        assert self._vector is not None
        w = self._vector.values
        arrays = [w, *self._slots.values()]
        kept = [self.array(f"kept {i}", w.size, dtype=w.dtype) for i in range(len(arrays))]
        update_or_undo(arrays, kept, lambda: update_all(rate, blocks), self._measure)

    def _cut(self, g: Array) -> list[Block]:
        assert self._vector is not None
        return cut(self._groups, self._vector, g, list(self._slots.values()))

    def norm_of_trained(self, vector: Array) -> float:
        """Return the norm of what is laid out like the parameters, frozen ones left out."""
        return math.hypot(*(norm(vector[part]) for part in self._trained))

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Change one block of parameters in place.

        Parameters
        ----------
        rate : float
            η of this update, times the factor of these parameters.
        w : ndarray of shape (size,)
            The parameters.
        g : ndarray of shape (size,)
            Their gradients; not to be written.
        scratch : ndarray of shape (size,)
            Room for intermediate results.
        *memory : ndarray of shape (size,)
            What the rule remembers, in the order of `slot_names`.
        """
        raise NotImplementedError


OPTIMIZERS: Family[Optimizer] = Family("optimizer", Optimizer, __package__)
