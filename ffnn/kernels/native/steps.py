"""Whole steps in a row: each gathers its batch, goes forward and back, and updates.

`run_steps` stops before the update of a batch that asks for Python: one whose loss is not finite,
or whose gradient is larger than what is known to be safe. Nothing has changed for that batch then
but working memory.
"""

from __future__ import annotations

import math

import numpy as np
from numba import carray

from ffnn._types import Array
from ffnn.kernels import optimizers
from ffnn.kernels.chains.codes import Code, Plan, Value
from ffnn.kernels.compiler import loop
from ffnn.kernels.native import calls
from ffnn.kernels.native.activations import compute_activation
from ffnn.kernels.native.arrays import matrix, pass_over, vector
from ffnn.kernels.native.losses import compute_loss
from ffnn.kernels.native.machine import compute, compute_layer
from ffnn.kernels.native.masks import compute_mask
from ffnn.kernels.native.norms import compute_norm
from ffnn.kernels.native.penalties import compute_penalty, penalty

BUILT_OF = "d812c61c"  # a digest of what `machine` is built of, it and `optimizers`; see there

descend, roll, look_ahead, adam, rmsprop, adagrad = (
    pass_over(each.function)
    for each in (
        optimizers.descend,
        optimizers.roll,
        optimizers.look_ahead,
        optimizers.adam,
        optimizers.rmsprop,
        optimizers.adagrad,
    )
)


@pass_over
def gather_rows(source: Array, order: Array, first: int, batch: Array) -> None:
    """Write the rows of the source whose numbers begin at `first` into the batch."""
    for i in range(batch.shape[0]):
        row = order[first + i]
        for j in range(batch.shape[1]):
            batch[i, j] = source[row, j]


@pass_over
def gather(o, order, first, one):  # type: ignore[no-untyped-def]  # in terms of the compiler alone
    """Gather a batch of rows, all of which have the same number of columns."""
    code, columns, rows, held = o[0], o[1], o[2], o[3]
    if code == Code.GATHER_BYTES:
        small = carray(calls.pointer(o[4], np.uint8(0)), (held, columns))
        gather_rows(small, order, first, matrix(o[5], rows, columns, one))
    elif code == Code.GATHER_SINGLES:
        singles = carray(calls.pointer(o[4], np.float32(0)), (held, columns))
        gather_rows(singles, order, first, matrix(o[5], rows, columns, one))
    elif code == Code.GATHER_DOUBLES:
        doubles = carray(calls.pointer(o[4], np.float64(0)), (held, columns))
        gather_rows(doubles, order, first, matrix(o[5], rows, columns, one))
    elif code == Code.GATHER_SHORT_INTEGERS:
        short = carray(calls.pointer(o[4], np.int32(0)), (held, columns))
        gather_rows(short, order, first, matrix(o[5], rows, columns, one))
    elif code == Code.GATHER_INTEGERS:
        integers = carray(calls.pointer(o[4], columns), (held, columns))
        gather_rows(integers, order, first, matrix(o[5], rows, columns, one))
    elif code == Code.GATHER_LABELS:
        labels = carray(calls.pointer(o[4], columns), (held, columns))
        gather_rows(labels, order, first, carray(calls.pointer(o[5], columns), (rows, columns)))


@pass_over
def largest_unit(p: Array, row: int) -> int:
    """Return the first unit of those that are largest; the rows of p are units."""
    found = 0
    for unit in range(1, p.shape[0]):
        if p[unit, row] > p[found, row]:
            found = unit
    return found


@pass_over
def largest_column(target: Array, row: int) -> int:
    """Return the first column of those that are largest."""
    found = 0
    for column in range(1, target.shape[1]):
        if target[row, column] > target[row, found]:
            found = column
    return found


@pass_over
def count(o, step, one):  # type: ignore[no-untyped-def]
    """Count the rows of a batch that are decided correctly."""
    code, units, rows = o[0], o[1], o[2]
    p, found = matrix(o[4], units, rows, one), 0
    if code == Code.COUNT_LABELS:
        labels = carray(calls.pointer(o[3], rows), (rows,))
        for i in range(rows):
            found += labels[i] == largest_unit(p, i)
    else:
        target = matrix(o[3], rows, units, one)
        half = one / (one + one)
        for i in range(rows):
            if code == Code.COUNT_BITS:
                found += (target[i, 0] > half) == (p[0, i] > half)
            else:
                found += largest_column(target, i) == largest_unit(p, i)
    carray(calls.pointer(o[5], rows), (step + 1,))[step] = found


@pass_over
def update(o, f, one):  # type: ignore[no-untyped-def]
    """Change a block of parameters."""
    code, size = o[0], o[2]
    w, g = vector(o[3], size, one), vector(o[4], size, one)
    if code == Code.DESCEND:
        descend(w, g, f[0])
    elif code == Code.ROLL:
        roll(w, g, vector(o[5], size, one), f[0], f[1])
    elif code == Code.LOOK_AHEAD:
        look_ahead(w, g, vector(o[5], size, one), f[0], f[1])
    elif code == Code.ADAM:
        m, v = vector(o[5], size, one), vector(o[6], size, one)
        adam(w, g, m, v, f[0], f[1], f[2], f[3], f[4])
    elif code == Code.RMSPROP:
        rmsprop(w, g, vector(o[5], size, one), f[0], f[1], f[2], f[3])
    elif code == Code.ADAGRAD:
        adagrad(w, g, vector(o[5], size, one), f[0], f[1], f[2])


@pass_over
def go(operations, numbers, start, stop, one):  # type: ignore[no-untyped-def]
    """Run the operations of a chain from `start` to `stop`."""
    for i in range(start, stop):
        o, f = operations[i], numbers[i]
        if not (
            compute(o, f, one)
            or compute_layer(o, f, one)
            or compute_activation(o, f, one)
            or compute_norm(o, f, one)
            or compute_mask(o, f, one)
            or compute_penalty(o, f, one)
        ):
            compute_loss(o, f, one)


@loop("lmcnnd")
def run_steps(
    operations: Array, numbers: Array, changes: Array, order: Array, plan: Array, values: Array
) -> None:
    """Make the steps of a plan, with the numbers of each one's updates, on rows in their order."""
    one = numbers.dtype.type(1)
    sums, square = vector(plan[Plan.SUMS], 2, one), vector(plan[Plan.SQUARE], 1, one)
    rows = plan[Plan.ROWS]
    for step in range(plan[Plan.STEPS]):
        for i in range(plan[Plan.GATHERED]):
            gather(operations[i], order, step * rows, one)
        go(operations, numbers, plan[Plan.GATHERED], plan[Plan.MIDDLE], one)
        loss = np.float64(sums[0] - sums[1]) / values[Value.DIVISOR]
        for i in range(plan[Plan.MIDDLE], plan[Plan.PENALIZED]):
            loss += penalty(operations[i], values, one)
        if not math.isfinite(loss):
            break
        for i in range(plan[Plan.BACK], plan[Plan.COUNTED]):
            count(operations[i], step, one)
        go(operations, numbers, plan[Plan.PENALIZED], plan[Plan.BACK], one)
        if not math.sqrt(np.float64(square[0])) <= values[Value.LIMIT]:
            break
        for i in range(plan[Plan.COUNTED], plan[Plan.END]):
            if not compute_norm(operations[i], numbers[i], one):
                update(operations[i], changes[step, operations[i, 1]], one)
        values[Value.TOTAL] += loss * rows
        plan[Plan.DONE] = step + 1
    if plan[Plan.DONE] < plan[Plan.STEPS]:
        go(operations, numbers, plan[Plan.END], plan[Plan.UNDONE], one)
