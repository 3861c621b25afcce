"""`Runs`: whole steps of a chain and a compiled optimizer, many of them in one call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.hints import is_ours
from ffnn.core.memory import Workspace
from ffnn.kernels.chains.chain import Chain, Runnable, Table
from ffnn.kernels.chains.codes import Code, Plan, Value
from ffnn.kernels.chains.penalties import penalty_settings, write_gradients, write_values
from ffnn.kernels.chains.program import Program
from ffnn.kernels.chains.routines import address_of
from ffnn.kernels.optimizers import OptimizerTwin
from ffnn.metrics import Accuracy, Metric
from ffnn.optimizers.room import Room
from ffnn.schedules import Schedule

MOST = 1024  # steps of a call

# By the loop of an optimizer's twin, what the machine calls the same one.
_UPDATES = {
    name: Code[name.upper()]
    for name in ("descend", "roll", "look_ahead", "adam", "rmsprop", "adagrad")
}
_GATHERS = {
    np.dtype(kind): code
    for kind, code in {
        "bool": Code.GATHER_BYTES,
        "uint8": Code.GATHER_BYTES,
        "float32": Code.GATHER_SINGLES,
        "float64": Code.GATHER_DOUBLES,
        "int32": Code.GATHER_SHORT_INTEGERS,
        "int64": Code.GATHER_INTEGERS,
    }.items()
}

# A sum of many squares may drift by so much, and ‖g‖ of a run stays below its limit by it.
_NEARLY = 1.0 - 1e-3


class Runs:
    """Steps that are made one after another in one compiled loop.

    It makes those that are sure to succeed, and leaves the others to NumPy and Python.

    Parameters
    ----------
    chain : Chain
        Which goes forward and back.
    twin : OptimizerTwin
        Which updates.
    gradients : ndarray of shape (parameters,)
        Which the chain fills.
    """

    @staticmethod
    def suits(twin: Any) -> bool:
        """Tell whether the updates of a twin are among the operations of the machine."""
        return isinstance(twin, OptimizerTwin) and twin.moving in _UPDATES

    def __init__(self, chain: Chain, twin: OptimizerTwin, gradients: Array) -> None:
        self.chain, self.twin, self.gradients = chain, twin, gradients
        self.space = Workspace("C")  # for batches, which are gathered row by row
        self._run = run_for(chain.dtype)
        self._kept: tuple[Any, ...] = ()
        self._written: _WrittenStep | None = None

    def takes(
        self,
        x: Array,
        y: Array,
        weight: Array | None,
        rows: int,
        metrics: Sequence[Metric],
        penalties: Sequence[Any],
    ) -> bool:
        """Tell whether it takes batches of so many rows of this data, which come next then.

        The arrays hold all rows of the data, one after another.
        """
        optimizer = self.twin.part
        if not all(is_ours(type(each)) for each in optimizer.schedules.values()):
            return False  # it may count how often it is asked
        if weight is not None and not weight.astype(self.chain.dtype).all():
            return False  # rows of weight 0, which batches are without
        settings = *self.chain.follow(), *penalty_settings(penalties)
        # All of these are held, so that no other has their places.
        kept = x, y, weight, optimizer.blocks, *metrics, *settings
        key = rows, self.twin.moving, *kept
        if len(key) != len(self._kept) or not all(map(_is_same, key, self._kept)):
            self._kept, self._written = key, None
            with contextlib.suppress(LookupError):  # a metric, or rows, that it does not know
                self._written = _WrittenStep(self, (x, y, weight), rows, metrics, penalties)
        return self._written is not None

    def run(self, order: Array, total: float) -> tuple[int, float]:
        """Make steps with rows in this order, of as many whole batches as there is room for.

        Returns
        -------
        int, float
            How many were made, fewer where one needs Python; and `total` with the sum of loss times
            rows of these.
        """
        written, optimizer = self._written, self.twin.part
        assert written is not None
        room = optimizer.foresee()
        steps = min(len(order) // written.rows, room.until - optimizer.iterations, MOST)
        changes = self.foretell(steps, room, written.kinds)
        plan, values = written.plan, written.values
        plan[Plan.STEPS], plan[Plan.DONE] = len(changes), 0
        values[Value.LIMIT], values[Value.TOTAL] = _NEARLY * room.norm, total
        self._run(written.operations, written.numbers, changes, order, plan, values)
        done = int(plan[Plan.DONE])
        optimizer.iterations += done
        for metric, right in zip(written.metrics, written.counts, strict=True):
            metric.add(int(right[:done].sum()), done * written.rows)
        return done, float(values[Value.TOTAL])

    def foretell(self, steps: int, room: Room, kinds: Sequence[tuple[float, Any]]) -> Array:
        """Return the numbers of the next updates within the room, (steps, kinds, numbers)."""
        optimizer, eta = self.twin.part, self.twin.part.learning_rate
        first, largest = optimizer.iterations, max((factor for factor, _ in kinds), default=1.0)
        if isinstance(eta, Schedule):
            rates = np.array([float(eta(first + i)) for i in range(steps)])
        else:
            rates = np.full(max(steps, 0), eta)
        too_large = np.flatnonzero(~(rates * largest <= room.rate))
        rates = rates[: too_large[0]] if len(too_large) else rates
        if not len(rates):
            return np.zeros((0, len(kinds), 1), self.chain.dtype)
        numbers = [self.twin.foretell(rates * factor, own) for factor, own in kinds]
        return np.stack(numbers, axis=1).astype(self.chain.dtype)


class _WrittenStep:
    """The program of a whole step, in the form that the machine runs."""

    def __init__(
        self,
        runs: Runs,
        data: tuple[Array, Array, Array | None],
        rows: int,
        metrics: Sequence[Metric],
        penalties: Sequence[Any],
    ) -> None:
        self.rows, self._space = rows, runs.space
        self._used: list[Any] = []  # which hold the arrays
        self.metrics = [each for each in metrics if type(each) is Accuracy]
        if len(self.metrics) < len(metrics):
            raise LookupError("another metric")
        gather, sums, add, slopes, count, update = (self._begin(runs.chain) for _ in range(6))
        x, y, weight = data
        x, y = self._gather(gather, "x", x), self._gather(gather, "y", y)
        batch = x, y, None if weight is None else self._gather(gather, "weight", weight)
        found = runs.chain.find(*batch)
        if found is None:
            raise LookupError("such batches are not taken")
        strengths = write_values(sums, add, penalties)
        write_gradients(slopes, penalties)
        square = self._space.get("square", (1,), slopes.dtype)
        slopes.dot(runs.gradients, runs.gradients, square)
        self.counts = np.zeros((len(metrics), MOST), np.int64)
        for metric, right in zip(self.metrics, self.counts, strict=True):
            self._count(count, metric, y, found.loss.p, right)
        self.kinds = self._update(update, runs.twin, found)
        self._used.append(found)
        forward, back = found.on(*batch)
        parts = [
            *([gather.tables()], [forward, sums.tables()], [add.tables()]),
            *([back, slopes.tables()], [count.tables()], [update.tables()], [found.undoing]),
        ]
        places = address_of(found.loss.sums), address_of(square)
        self.plan = np.array([*self._put_together(parts), *places, rows, 0, 0], np.int64)
        self.values = np.array([found.loss.divisor, 0.0, 0.0, *strengths])

    def _put_together(self, parts: Sequence[Sequence[Table]]) -> Array:
        """Make one list of all operations, and return where each part ends."""
        tables = [each for part in parts for each in part]
        self.operations, self.numbers = map(np.concatenate, zip(*tables, strict=True))
        return np.cumsum([sum(len(operations) for operations, _ in part) for part in parts])

    def _begin(self, chain: Chain) -> Program:
        """Return a program for a part of the step, which is kept, as it keeps the arrays."""
        program = Program(chain.memory, self.rows, chain.dtype)
        self._used.append(program)
        return program

    def _gather(self, program: Program, name: str, source: Array) -> Array:
        """Write how a batch of rows is gathered, and return it."""
        columns = source[:1].size
        is_labels = name == "y" and source.ndim == 1 and source.dtype == np.intp
        code = Code.GATHER_LABELS if is_labels else _GATHERS.get(source.dtype)
        if code is None or not (source.flags.c_contiguous and source.flags.aligned):
            raise LookupError("rows of another kind")
        dtype = source.dtype if is_labels else program.dtype
        batch = self._space.get(name, (self.rows, *source.shape[1:]), dtype)
        program.add(code, columns, self.rows, len(source), source, batch)
        return batch

    @staticmethod
    def _update(program: Program, twin: OptimizerTwin, found: Runnable) -> list[tuple[float, Any]]:
        """Write the updates, and return of which kinds their numbers are."""
        kinds, blocks = twin.at_lines(twin.part.blocks)
        for kind, arrays in blocks:
            program.add(_UPDATES[twin.moving], kind, arrays[0].size, *arrays)
        for writer in found.following:
            writer.follow(program)
        return kinds

    def _count(self, program: Program, metric: Accuracy, y: Array, p: Array, right: Array) -> None:
        """Write how the rows are counted that are decided correctly."""
        units = p.shape[1]
        code = Code.COUNT_BITS if units == 1 else Code.COUNT_ROWS
        if y.ndim == 1 and units > 1:
            code = Code.COUNT_LABELS
        elif y.ndim == 1 or metric.means_labels(y):
            raise LookupError("other targets")
        program.add(code, units, self.rows, y, p, right)


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether both are one object, or equal texts or numbers."""
    return one is other or (isinstance(one, (int, float, str)) and one == other)


def run_for(dtype: np.dtype[Any]) -> Callable[..., None]:
    """Return the loop of steps for numbers of a dtype; raises whatever numba does."""
    from ffnn.kernels.native.steps import run_steps

    return run_steps.compiled(dtype)
